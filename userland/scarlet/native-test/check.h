// The test program of the native ABI: each part says "ok NAME" or what went wrong.
#pragma once
#include <scarlet/scarlet.h>

void check_at(bool ok, const char *what, const char *file, int line);
#define CHECK(x) check_at(x, #x, __FILE__, __LINE__)
void rights_parts(void);
void ipc_parts(void);
void task_parts(void);
void file_parts(void);
void world_parts(void);
void socket_parts(void);
void many_parts(void);
void watch_parts(void);
void fuzz_parts(void);
int fuzz(u64 seed, u64 calls); // as a child
// --- task.c ---
extern const char *self; // this program's file
long child(char *const *argv, const struct scarlet_spawn_handle *h, u32 n, bool standard);
// --- world.c: what a child is asked for ---
int look_around_box(void);
int rebuild(void);
int rebuilt(void);
int names_in_base(void);
int count_zones(void);
// --- many.c: likewise
int count_in_shared_memory(void);
extern int failures;
