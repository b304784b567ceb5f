// See alloc.c. The build renames the standard functions to these.
#pragma once
#include <stdarg.h>
#include <stddef.h>

void fuzz_free(void *p);
void *fuzz_calloc(size_t n, size_t size);
void *fuzz_realloc(void *p, size_t n);
char *fuzz_strdup(const char *s);
char *fuzz_strndup(const char *s, size_t n);
int fuzz_vasprintf(char **out, const char *format, va_list args);
void fuzz_round_over(void);
