// Memory of one fuzzing round. The tool keeps a plan until it ends, which a fuzzer cannot afford:
// the fuzz build sends its allocations here, and what a round leaves is freed behind it. Each block
// is an own malloc, so that the sanitizer still sees every byte out of bounds.
#undef free
#undef calloc
#undef realloc
#undef strdup
#undef strndup
#undef vasprintf
#include "alloc.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void **live; // open addressing; a removed slot holds GONE
static size_t room, used;
static char gone;
#define GONE ((void *)&gone)

static size_t slot(const void *p)
{
    size_t i = ((uintptr_t)p * 0x9e3779b97f4a7c15u) >> 20;
    for (i &= room - 1; live[i] && live[i] != p; i = (i + 1) & (room - 1))
        ;
    return i;
}

static void *remember(void *p)
{
    if (!p)
        return NULL;
    if ((used + 1) * 2 > room) {
        void **old = live;
        size_t n = room;
        room = room ? 2 * room : 4096;
        live = calloc(room, sizeof(*live));
        used = 0;
        for (size_t i = 0; i < n; i++)
            if (old[i] && old[i] != GONE) {
                live[slot(old[i])] = old[i];
                used++;
            }
        free(old);
    }
    size_t i = slot(p);
    used += !live[i];
    live[i] = p;
    return p;
}

static void forget(const void *p)
{
    if (p && room && live[slot(p)] == p)
        live[slot(p)] = GONE;
}

void fuzz_free(void *p)
{
    forget(p);
    free(p);
}

void *fuzz_calloc(size_t n, size_t size)
{
    return remember(calloc(n, size));
}

void *fuzz_realloc(void *p, size_t n)
{
    forget(p);
    return remember(realloc(p, n));
}

char *fuzz_strdup(const char *s)
{
    return remember(strdup(s));
}

char *fuzz_strndup(const char *s, size_t n)
{
    return remember(strndup(s, n));
}

int fuzz_vasprintf(char **out, const char *format, va_list args)
{
    int n = vasprintf(out, format, args);
    if (n >= 0)
        remember(*out);
    return n;
}

void fuzz_round_over(void)
{
    for (size_t i = 0; i < room; i++)
        if (live[i] && live[i] != GONE)
            free(live[i]);
    if (room)
        memset(live, 0, room * sizeof(*live));
    used = 0;
}
