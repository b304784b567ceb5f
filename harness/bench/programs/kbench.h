// What kbench's rows share. A row runs n operations and returns the nanoseconds they took, or -1
// with errno; only what lies between T0 and T1 is timed. Iteration counts are fixed: a run does the
// same work every time.
#pragma once
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

typedef long (*testfn)(long n);

struct row {
    const char *name;
    testfn fn;
    long n;
    const char *unit;
};

extern const struct row rows_calls[], rows_process[], rows_ipc[], rows_overlay[], rows_abi[],
    rows_growth[];

extern char **environ;
extern int markers;      // -m: mark timed regions for the profiler
extern const char *self; // this program
extern char work[64];    // the directory that rows work in
extern char buf[65536];
extern unsigned long t_start;

// QEMU's virt machine: the clock ticks at 10 MHz. Under "-icount shift=0" a nanosecond is an
// instruction.
static inline unsigned long now(void)
{
#ifdef __riscv
    unsigned long t;
    __asm__ volatile("rdtime %0" : "=r"(t)::"memory");
    return t * 100;
#else
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ul + ts.tv_nsec;
#endif
}

// Hints without an effect on the machine (slti x0, x0, ...), which the profiler sees.
static inline void mark_on(void)
{
#ifdef __riscv
    if (markers)
        __asm__ volatile("slti x0, x0, 0x111" ::: "memory");
#endif
}
static inline void mark_off(void)
{
#ifdef __riscv
    if (markers)
        __asm__ volatile("slti x0, x0, 0x222" ::: "memory");
#endif
}

#define T0()                                                                                       \
    do {                                                                                           \
        mark_on();                                                                                 \
        t_start = now();                                                                           \
    } while (0)
#define T1()                                                                                       \
    ({                                                                                             \
        unsigned long e_ = now() - t_start;                                                        \
        mark_off();                                                                                \
        (long)e_;                                                                                  \
    })
#define CK(x)                                                                                      \
    do {                                                                                           \
        if ((long)(x) < 0)                                                                         \
            return -1;                                                                             \
    } while (0)

char *wp(const char *n);                   // "work/n", one of four buffers in turn
int mkfile(const char *path, size_t size); // made and filled, open for reading and writing
int reap(pid_t p);                         // its wait status
char *anon(long pages);                    // private anonymous memory, no huge pages
long rt(long n, int wr, int rd);           // a byte there and one back, n times
// n times: the program by fork and exec (how 0), vfork and exec (1), posix_spawn (2).
long do_spawn(long n, const char *path, char *const av[], int how);
long par(long n, int k, testfn f); // n operations of f by k processes at once

long t_loop(long n);
long t_getppid(long n);
long t_open(long n);
long t_fork(long n);
long t_touch_unmap(long n);
