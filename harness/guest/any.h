// One source, three systems: what a program without a library needs when it is built for the Linux,
// the xv6 and the native ABI (-DABI_LINUX, -DABI_XV6, -DABI_NATIVE). Only calls that all three
// have. A program defines run().
#pragma once
#include "machine.h"

typedef unsigned long u64;

#ifdef ABI_XV6
enum { NR_EXIT = 2, NR_READ = 5, NR_EXEC = 7, NR_OPEN = 15, NR_WRITE = 16, NR_CLOSE = 21 };
#define ABI_WORD "xv6"
#elifdef ABI_NATIVE
#include <scarlet_consts.h>
enum {
    NR_EXIT = SCARLET_SYS_exit,
    NR_EXEC = SCARLET_SYS_execve,
    NR_CLOSE = SCARLET_SYS_close,
    NR_READ = SCARLET_SYS_read,
    NR_WRITE = SCARLET_SYS_write,
    NR_OPEN = SCARLET_SYS_open
};
enum { OPEN_READ = 1, OPEN_CLOSE_ON_EXEC = 0x1000 };
#define ABI_WORD "native"
#else
#include <linux_numbers_user.h>
enum {
    NR_OPENAT = SYS_openat,
    NR_CLOSE = SYS_close,
    NR_READ = SYS_read,
    NR_WRITE = SYS_write,
    NR_EXIT = SYS_exit,
    NR_EXEC = SYS_execve
};
enum { AT_FDCWD = -100, O_CLOEXEC = 02000000 };
#define ABI_WORD "linux"
#endif
#define call(nr, a, b, c, d) MACHINE_CALL(nr, a, b, c, d, 0, 0)

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

[[noreturn, gnu::used]] void enter(u64 argc, char **argv);
void enter(u64 argc, char **argv)
{
    run(argc, argv);
}
#if defined(ABI_XV6) || defined(ABI_NATIVE)
ENTRY_REGISTERS(enter);
#else
[[noreturn, gnu::used]] void begin(u64 *stack);
void begin(u64 *stack)
{
    enter(stack[0], (char **)(stack + 1));
}
ENTRY(begin);
#endif
