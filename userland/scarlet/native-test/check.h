// The test program of the native ABI: each part says "ok NAME" or what went wrong.
#pragma once
#include <scarlet/scarlet.h>

void check_at(bool ok, const char *what, const char *file, int line);
#define CHECK(x) check_at(x, #x, __FILE__, __LINE__)
void rights_parts(void);
void ipc_parts(void);
void task_parts(void);
void file_parts(void);
extern int failures;
