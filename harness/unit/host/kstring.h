// The kernel's memory and string functions beside the host's: k_memcpy is kernel/lib's memcpy, and
// so on.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define KSTRING_FUNCTIONS(X)                                                                       \
    X(void *, memcpy, (void *restrict dst, const void *restrict src, size_t n))                    \
    X(void *, memmove, (void *dst, const void *src, size_t n))                                     \
    X(void *, memset, (void *dst, int c, size_t n))                                                \
    X(int, memcmp, (const void *a, const void *b, size_t n))                                       \
    X(void *, memchr, (const void *s, int c, size_t n))                                            \
    X(size_t, strlen, (const char *s))                                                             \
    X(size_t, strnlen, (const char *s, size_t max))                                                \
    X(int, strcmp, (const char *a, const char *b))                                                 \
    X(int, strncmp, (const char *a, const char *b, size_t n))                                      \
    X(char *, strchr, (const char *s, int c))                                                      \
    X(char *, strrchr, (const char *s, int c))                                                     \
    X(char *, strstr, (const char *s, const char *what))                                           \
    X(size_t, strlcpy, (char *restrict dst, const char *restrict src, size_t cap))                 \
    X(size_t, strlcat, (char *restrict dst, const char *restrict src, size_t cap))                 \
    X(unsigned long, strtoul, (const char *restrict s, char **restrict end, int base))             \
    X(void, page_zero, (void *page))                                                               \
    X(void, page_copy, (void *restrict dst, const void *restrict src))                             \
    X(void, mem_copy_words, (void *restrict dst, const void *restrict src, size_t n))              \
    X(bool, mem_is_zero, (const void *p, size_t n))                                                \
    X(void, mem_wipe, (void *p, size_t n))

#define X(type, name, args) extern type(*const volatile k_##name) args;
KSTRING_FUNCTIONS(X)
#undef X
