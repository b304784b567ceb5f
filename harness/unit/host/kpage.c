// The page functions of <lib/string.h> by way of the host's, for tests of what calls them.
#include <string.h>

#include <lib/string.h>

void page_zero(void *page)
{
    memset(page, 0, 4096);
}

void page_copy(void *restrict dst, const void *restrict src)
{
    memcpy(dst, src, 4096);
}

void mem_copy_words(void *restrict dst, const void *restrict src, usize n)
{
    memcpy(dst, src, n);
}

bool mem_is_zero(const void *p, usize n)
{
    const unsigned char *b = p;

    for (usize i = 0; i < n; i++)
        if (b[i])
            return false;
    return true;
}

void mem_wipe(void *p, usize n)
{
    memset(p, 0, n);
    __asm__ volatile("" ::"r"(p) : "memory");
}
