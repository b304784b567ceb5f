/* Symbols that the distribution's zlib and zstd objects name but that the kernel never lets them
 * use.
 *
 * Owns nothing. Every decompressor is started with the caller's own allocator, so the C library's
 * is only named, not called; should it be called, "no memory" is the answer both libraries handle.
 */
#include <stddef.h>

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void free(void *p);

void *malloc(size_t n)
{
    (void)n;
    return nullptr;
}

void *calloc(size_t n, size_t size)
{
    (void)n;
    (void)size;
    return nullptr;
}

void free(void *p)
{
    (void)p;
}
