// Processes and threads, and the memory they use.
#include "kbench.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// --- processes ---
int reap(pid_t p)
{
    int st;
    while (waitpid(p, &st, 0) < 0)
        if (errno != EINTR)
            return -1;
    return st;
}
long t_fork(long n)
{
    T0();
    for (long i = 0; i < n; i++) {
        pid_t p = fork();
        CK(p);
        if (!p)
            _exit(0);
        CK(reap(p));
    }
    return T1();
}
static long t_fork_16m(long n)
{
    char *m = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return -1;
    madvise(m, 16 << 20, MADV_NOHUGEPAGE);
    memset(m, 1, 16 << 20);
    T0();
    for (long i = 0; i < n; i++) {
        pid_t p = fork();
        CK(p);
        if (!p)
            _exit(0);
        CK(reap(p));
    }
    long e = T1();
    munmap(m, 16 << 20);
    return e;
}
long do_spawn(long n, const char *path, char *const av[], int how)
{
    if (access(path, X_OK))
        return -1;
    T0();
    for (long i = 0; i < n; i++) {
        pid_t p;
        if (how == 0) {
            p = fork();
            CK(p);
            if (!p) {
                execve(path, av, environ);
                _exit(127);
            }
        } else if (how == 1) {
            p = vfork();
            CK(p);
            if (!p) {
                execve(path, av, environ);
                _exit(127);
            }
        } else {
            int r = posix_spawn(&p, path, 0, 0, av, environ);
            if (r) {
                errno = r;
                return -1;
            }
        }
        int st = reap(p);
        if (st) {
            errno = EPROTO;
            return -1;
        }
    }
    return T1();
}
static char *av_true[] = {"kbench", "--true", 0};
static long t_fork_exec(long n)
{
    return do_spawn(n, self, av_true, 0);
}
static long t_vfork_exec(long n)
{
    return do_spawn(n, self, av_true, 1);
}
static long t_spawn(long n)
{
    return do_spawn(n, self, av_true, 2);
}
// A dynamic program: the one beside kbench, as the image's own may be static.
static long t_exec_dyn_true(long n)
{
    char *a[] = {"true", 0};
    return do_spawn(n, access("/bench/true", X_OK) ? "/usr/bin/true" : "/bench/true", a, 2);
}
static long t_exec_bash_true(long n)
{
    char *a[] = {"bash", "-c", "true", 0};
    return do_spawn(n, "/usr/bin/bash", a, 2);
}
static long t_exec_bash_pipe(long n)
{
    char *a[] = {"bash", "-c", "echo hi | /usr/bin/cat >/dev/null; x=$(/usr/bin/true)", 0};
    return do_spawn(n, "/usr/bin/bash", a, 2);
}
static void *thr_nop(void *a)
{
    return a;
}
static long t_thread(long n)
{
    T0();
    for (long i = 0; i < n; i++) {
        pthread_t t;
        if ((errno = pthread_create(&t, 0, thr_nop, 0)))
            return -1;
        pthread_join(t, 0);
    }
    return T1();
}

// --- memory (n = pages unless noted) ---
char *anon(long n)
{
    char *m = mmap(0, n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m != MAP_FAILED)
        madvise(m, n * 4096, MADV_NOHUGEPAGE);
    return m;
}
static long t_mmap_munmap(long n)
{
    T0();
    for (long i = 0; i < n; i++) {
        char *m = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (m == MAP_FAILED)
            return -1;
        munmap(m, 16384);
    }
    return T1();
}
static long t_fault_anon(long n)
{
    char *m = anon(n);
    if (m == MAP_FAILED)
        return -1;
    T0();
    for (long i = 0; i < n; i++)
        m[i * 4096] = 1;
    long e = T1();
    munmap(m, n * 4096);
    return e;
}
static long t_fault_anon_rd(long n)
{
    volatile char *m = anon(n);
    if (m == MAP_FAILED)
        return -1;
    T0();
    for (long i = 0; i < n; i++)
        (void)m[i * 4096];
    long e = T1();
    munmap((void *)m, n * 4096);
    return e;
}
long t_touch_unmap(long n)
{
    T0();
    for (long k = 0; k < n; k += 256) {
        char *m = anon(256);
        if (m == MAP_FAILED)
            return -1;
        for (long i = 0; i < 256; i++)
            m[i * 4096] = 1;
        munmap(m, 256 * 4096);
    }
    return T1();
}
static long t_fault_file(long n)
{
    char *p = wp("mf");
    int fd = mkfile(p, n * 4096);
    CK(fd);
    volatile char *m = mmap(0, n * 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        return -1;
    madvise((void *)m, n * 4096, MADV_RANDOM);
    T0();
    for (long i = 0; i < n; i++)
        (void)m[i * 4096];
    long e = T1();
    munmap((void *)m, n * 4096);
    close(fd);
    unlink(p);
    return e;
}
static long t_fault_cow(long n)
{
    char *m = anon(n);
    if (m == MAP_FAILED)
        return -1;
    memset(m, 1, n * 4096);
    int pp[2];
    CK(pipe(pp));
    pid_t p = fork();
    CK(p);
    if (!p) {
        T0();
        for (long i = 0; i < n; i++)
            m[i * 4096] = 2;
        long e = T1();
        if (write(pp[1], &e, sizeof e) < 0) {
        }
        _exit(0);
    }
    long e = -1;
    if (read(pp[0], &e, sizeof e) != sizeof e)
        e = -1;
    reap(p);
    close(pp[0]);
    close(pp[1]);
    munmap(m, n * 4096);
    return e;
}
static long t_mprotect(long n)
{
    char *m = anon(16);
    if (m == MAP_FAILED)
        return -1;
    memset(m, 1, 16 * 4096);
    T0();
    for (long i = 0; i < n; i++) {
        mprotect(m + 4096, 4096, PROT_READ);
        mprotect(m + 4096, 4096, PROT_READ | PROT_WRITE);
    }
    long e = T1() / 2;
    munmap(m, 16 * 4096);
    return e;
}
static long t_brk(long n)
{
    T0();
    for (long i = 0; i < n; i++) {
        char *p = sbrk(4096);
        if (p == (void *)-1)
            return -1;
        *p = 1;
        sbrk(-4096);
    }
    return T1();
}

const struct row rows_process[] = {
    {"fork_exit_wait", t_fork, 200, "ns/op"},
    {"fork_exit_wait_16m", t_fork_16m, 20, "ns/op"},
    {"fork_exec_static", t_fork_exec, 100, "ns/op"},
    {"vfork_exec_static", t_vfork_exec, 100, "ns/op"},
    {"posix_spawn_static", t_spawn, 100, "ns/op"},
    {"spawn_dyn_true", t_exec_dyn_true, 50, "ns/op"},
    {"spawn_bash_c_true", t_exec_bash_true, 20, "ns/op"},
    {"spawn_bash_pipeline", t_exec_bash_pipe, 10, "ns/op"},
    {"thread_create_join", t_thread, 500, "ns/op"},
    {"mmap_munmap", t_mmap_munmap, 5000, "ns/op"},
    {"fault_anon_write", t_fault_anon, 4096, "ns/page"},
    {"fault_anon_read", t_fault_anon_rd, 4096, "ns/page"},
    {"touch_unmap", t_touch_unmap, 8192, "ns/page"},
    {"fault_file", t_fault_file, 4096, "ns/page"},
    {"fault_cow", t_fault_cow, 2048, "ns/page"},
    {"mprotect", t_mprotect, 2000, "ns/op"},
    {"brk_touch", t_brk, 2000, "ns/op"},
    {0},
};
