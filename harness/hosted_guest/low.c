// MAP_32BIT: what mmap answers, in words that are the same wherever it works.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { MIB = 1 << 20 };

static void *map(const char *what, uintptr_t hint, size_t len, int flags)
{
    void *p =
        mmap((void *)hint, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    uintptr_t at = (uintptr_t)p;
    if (p == MAP_FAILED)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %s\n", what,
               hint && at == hint                         ? "the hint"
               : at >= 1u << 30 && at + len <= 2ull << 30 ? "second GiB"
               : at >> 31                                 ? "high"
                                                          : "low");
    return p;
}

int main(void)
{
    const uintptr_t low = 0x10000000, high = 0x200000000000;
    char *first = map("anywhere low", 0, MIB, MAP_32BIT);
    memset(first, 1, MIB);
    map("without", 0, MIB, 0);
    map("low hint", low, MIB, MAP_32BIT);
    map("taken hint", low, MIB, MAP_32BIT);
    map("high hint", high, MIB, MAP_32BIT);
    map("hint that would end too high", 0x7ff00000, 2 * MIB, MAP_32BIT);
    map("fixed", high, MIB, MAP_32BIT | MAP_FIXED);
    map("fixed and free", high, MIB, MAP_32BIT | MAP_FIXED_NOREPLACE);
    map("too much", 0, 1u << 30, MAP_32BIT);
    map("far too much", 0, (size_t)1 << 46, MAP_32BIT);
    int count = 0;
    while (count < 2000 &&
           mmap(NULL, 16 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT,
                -1, 0) != MAP_FAILED)
        count++;
    printf("until full: %s, then %s\n",
           count >= 40 && count <= 64 ? "most of it" : "another number", strerror(errno));
    printf("first is kept: %d\n", first[0] + first[MIB - 1]);
}
