// What a program without a C library needs to run under the Linux ABI: entry and raw calls, by the
// names of the call tables. Used only by the small programs in this folder.
#pragma once
#include "machine.h"
#include <linux_numbers_user.h>

static inline long call(long n, word a, word b, word c, word d)
{
    return machine_call(n, a, b, c, d, 0, 0);
}

// A call by its table's name with up to six arguments: CALL(read, fd, buffer, 4).
#define CALL_(n, a, b, c, d, e, f, ...)                                                            \
    machine_call(SYS_##n, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), (word)(f))
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static inline void put(const char *s)
{
    word n = 0;
    while (s[n])
        n++;
    call(SYS_write, 1, (word)s, n, 0);
}

static inline void put_number(long v)
{
    char buf[24], *p = buf + sizeof(buf) - 1;
    word u = v < 0 ? -(word)v : (word)v;
    *p = 0;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    put(p);
}

#ifndef OWN_START // a program of another ABI begins otherwise
[[noreturn]] void start(const word *stack);
ENTRY(start);
#endif
