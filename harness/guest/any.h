// One source, three systems: what a program without a library needs when it is built for the Linux,
// the xv6 and the native ABI (-DABI_LINUX, -DABI_XV6, -DABI_NATIVE). Only calls that all three
// have. A program defines run().
#pragma once

typedef unsigned long u64;

#ifdef ABI_XV6
enum { NR_EXIT = 2, NR_READ = 5, NR_EXEC = 7, NR_OPEN = 15, NR_WRITE = 16, NR_CLOSE = 21 };
#define ABI_WORD "xv6"
#elifdef ABI_NATIVE
enum { NR_EXIT = 1, NR_EXEC = 3, NR_CLOSE = 102, NR_READ = 200, NR_WRITE = 201, NR_OPEN = 400 };
enum { OPEN_READ = 1, OPEN_CLOSE_ON_EXEC = 0x1000 };
#define ABI_WORD "native"
#else
enum { NR_OPENAT = 56, NR_CLOSE = 57, NR_READ = 63, NR_WRITE = 64, NR_EXIT = 93, NR_EXEC = 221 };
enum { AT_FDCWD = -100, O_CLOEXEC = 02000000 };
#define ABI_WORD "linux"
#endif

// Written as every program of the three systems has it, the number right before the call: that is
// what tells a program of xv6 from others.
#define call(nr, a, b, c, d)                                                                       \
    __extension__({                                                                                \
        register u64 a0_ __asm__("a0") = (a), a1_ __asm__("a1") = (b), a2_ __asm__("a2") = (c),    \
                         a3_ __asm__("a3") = (d);                                                  \
        __asm__ volatile("li a7, %1\n\tecall"                                                      \
                         : "+r"(a0_)                                                               \
                         : "i"(nr), "r"(a1_), "r"(a2_), "r"(a3_)                                   \
                         : "a7", "memory");                                                        \
        (long)a0_;                                                                                 \
    })

// A file for reading. close_on_exec means nothing to xv6, which has no such thing.
static inline long open_file(const char *name, bool close_on_exec)
{
#ifdef ABI_XV6
    (void)close_on_exec;
    return call(NR_OPEN, (u64)name, 0, 0, 0);
#elifdef ABI_NATIVE
    return call(NR_OPEN, (u64)name, OPEN_READ | (close_on_exec ? OPEN_CLOSE_ON_EXEC : 0), 0, 0);
#else
    return call(NR_OPENAT, (u64)AT_FDCWD, (u64)name, close_on_exec ? O_CLOEXEC : 0, 0);
#endif
}

static inline long read_file(long fd, void *buf, u64 n)
{
    return call(NR_READ, (u64)fd, (u64)buf, n, 0);
}

static inline void put(const char *s)
{
    u64 n = 0;
    while (s[n])
        n++;
    (void)call(NR_WRITE, 1, (u64)s, n, 0);
}

[[noreturn]] static inline void leave(int status)
{
    for (;;)
        (void)call(NR_EXIT, (u64)status, 0, 0, 0);
}

[[noreturn]] static void run(u64 argc, char **argv);

#if defined(ABI_XV6) || defined(ABI_NATIVE)
__asm__(".globl _start\n_start:\ncall enter\n");
#else
__asm__(".globl _start\n_start:\nld a0, 0(sp)\naddi a1, sp, 8\nandi sp, sp, -16\ncall enter\n");
#endif
[[noreturn, gnu::used]] void enter(u64 argc, char **argv);
void enter(u64 argc, char **argv)
{
    run(argc, argv);
}
