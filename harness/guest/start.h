// What a program without a C library needs to run under the Linux ABI on riscv64: entry and raw
// calls. Used only by the small programs in this folder.
#pragma once

typedef unsigned long word;

enum { SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_REBOOT = 142, SYS_GETPPID = 173 };

static inline long call(long n, word a, word b, word c, word d)
{
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a2 __asm__("a2") = c;
    register word a3 __asm__("a3") = d;
    register long a7 __asm__("a7") = n;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
    return (long)a0;
}

static inline void put(const char *s)
{
    word n = 0;
    while (s[n])
        n++;
    call(SYS_WRITE, 1, (word)s, n, 0);
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
__asm__(".globl _start\n_start: mv a0, sp\n andi sp, sp, -16\n call start\n");
#endif
