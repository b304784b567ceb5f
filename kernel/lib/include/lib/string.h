// Memory and string functions under their standard names and prototypes; libfdt, zlib and zstd link
// against them too. Sizes are bytes. Nothing here allocates or fails.
#pragma once
#include <lib/types.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n); // no overlap
void *memmove(void *dst, const void *src, size_t n);                  // any overlap
void *memset(void *dst, int c, size_t n);
[[nodiscard]] int memcmp(const void *a, const void *b, size_t n);
[[nodiscard]] void *memchr(const void *s, int c, size_t n);

[[nodiscard]] size_t strlen(const char *s);
[[nodiscard]] size_t strnlen(const char *s, size_t max);
[[nodiscard]] int strcmp(const char *a, const char *b);
[[nodiscard]] int strncmp(const char *a, const char *b, size_t n);
[[nodiscard]] char *strchr(const char *s, int c); // c may be 0: the end
[[nodiscard]] char *strrchr(const char *s, int c);
[[nodiscard]] char *strstr(const char *s, const char *what);
// Copies up to cap-1 characters and always ends with NUL (cap > 0). Returns strlen(src): >= cap
// means it was cut.
size_t strlcpy(char *restrict dst, const char *restrict src, size_t cap);
size_t strlcat(char *restrict dst, const char *restrict src, size_t cap);
// As in C (base 0 and 2..36, sign, white space, *end); too large gives ULONG_MAX. Strict parsing is
// <lib/parse.h>.
unsigned long strtoul(const char *restrict s, char **restrict end, int base);

// Whole pages, page aligned.
void page_zero(void *page);
void page_copy(void *restrict dst, const void *restrict src);
// memcpy where both ends and n are multiples of 8.
void mem_copy_words(void *restrict dst, const void *restrict src, usize n);
// Is it all zero bytes? n and p multiples of 8.
[[nodiscard]] bool mem_is_zero(const void *p, usize n);
// Zeroes that the compiler may not leave out: keys and other secrets.
void mem_wipe(void *p, usize n);

// A freestanding compiler treats the plain names as ordinary calls; this way small constant sizes
// become loads and stores in place.
#define memcpy(d, s, n) __builtin_memcpy((d), (s), (n))
#define memmove(d, s, n) __builtin_memmove((d), (s), (n))
#define memset(d, c, n) __builtin_memset((d), (c), (n))
#define memcmp(a, b, n) __builtin_memcmp((a), (b), (n))
#define strlen(s) __builtin_strlen(s)
