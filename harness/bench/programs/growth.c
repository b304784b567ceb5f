// Cost as work grows: one operation while there are N of something else. Nothing here may grow with
// N faster than its lower bound, which is constant or logarithmic, but for grow_path, where the
// unit is a component. These rows run only when named.
#include "kbench.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Room for n handles, processes and threads.
static int limits(long n)
{
    struct rlimit r = {(rlim_t)n + 64, (rlim_t)n + 64};
    return setrlimit(RLIMIT_NOFILE, &r);
}

static void close_from(int fd, long count)
{
    for (long i = 0; i < count; i++)
        close(fd + (int)i);
}

// --- handles: opening and closing one behind `many` ---
static long grow_fd(long n, long many)
{
    CK(limits(many));
    int first = dup(1);
    CK(first);
    for (long i = 1; i < many; i++)
        CK(dup(1));
    T0();
    for (long i = 0; i < n; i++) {
        int d = dup(1);
        CK(d);
        close(d);
    }
    long e = T1();
    close_from(first, many);
    return e;
}

// --- mappings: making, touching and removing one in the middle of `many` ---
static long grow_map(long n, long many)
{
    // A mapping each: every other page is inaccessible, so no two can be one.
    size_t size = (size_t)many * 4096;
    char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return -1;
    for (long i = 1; i < many; i += 2)
        CK(mprotect(m + i * 4096, 4096, PROT_NONE));
    char *at = m + many / 2 / 2 * 2 * 4096;
    T0();
    for (long i = 0; i < n; i++) {
        if (munmap(at, 4096) || mmap(at, 4096, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
            return -1;
        *at = 1;
    }
    long e = T1();
    munmap(m, size);
    return e;
}

// --- a directory of `many` entries: looking up, making and removing one ---
static long grow_dir(long n, long many)
{
    char dir[96], p[160];
    struct stat st;
    snprintf(dir, sizeof(dir), "%s/grow%ld", work, many);
    CK(mkdir(dir, 0755));
    for (long i = 0; i < many; i++) {
        snprintf(p, sizeof(p), "%s/%ld", dir, i);
        CK(mknod(p, S_IFREG | 0644, 0));
    }
    unsigned r = 1;
    T0();
    for (long i = 0; i < n; i++) {
        r = r * 1103515245 + 12345;
        snprintf(p, sizeof(p), "%s/%u", dir, (r >> 8) % (unsigned)many);
        CK(stat(p, &st));
        snprintf(p, sizeof(p), "%s/new%ld", dir, i);
        CK(mknod(p, S_IFREG | 0644, 0));
        CK(unlink(p));
    }
    long e = T1();
    for (long i = 0; i < many; i++) {
        snprintf(p, sizeof(p), "%s/%ld", dir, i);
        CK(unlink(p));
    }
    rmdir(dir);
    return e;
}

// --- processes: one more beside `many` that sleep, waited for by number or as any child ---
static long fork_and_wait(long n)
{
    T0();
    for (long i = 0; i < n; i++) {
        pid_t p = fork();
        CK(p);
        if (!p)
            _exit(0);
        if (waitpid(i & 1 ? p : -1, 0, 0) != p)
            return -1;
    }
    return T1();
}
static long grow_process(long n, long many)
{
    pid_t *pid = calloc((size_t)many, sizeof(*pid));
    long made = 0, e = -1;
    if (!pid)
        return -1;
    for (; made < many; made++) {
        pid[made] = fork();
        if (pid[made] < 0)
            break;
        if (!pid[made])
            for (;;)
                pause();
    }
    int why = errno;
    if (made == many) {
        e = fork_and_wait(n);
        why = errno;
    }
    for (long i = 0; i < made; i++)
        kill(pid[i], SIGKILL);
    for (long i = 0; i < made; i++)
        reap(pid[i]);
    free(pid);
    errno = why;
    return e;
}

// --- timers: setting one that runs beside `many` ---
static long grow_timer(long n, long many)
{
    CK(limits(many));
    int first = -1;
    for (long i = 0; i <= many; i++) {
        int fd = timerfd_create(CLOCK_MONOTONIC, 0);
        CK(fd);
        if (first < 0)
            first = fd;
        struct itimerspec far = {.it_value.tv_sec = 10000 + i * 7919 % 1000};
        CK(timerfd_settime(fd, 0, &far, 0));
    }
    unsigned r = 1;
    T0();
    for (long i = 0; i < n; i++) {
        r = r * 1103515245 + 12345;
        struct itimerspec far = {.it_value.tv_sec = 10000 + (r >> 8) % 1000};
        CK(timerfd_settime(first, 0, &far, 0));
    }
    long e = T1();
    close_from(first, many + 1);
    return e;
}

// --- path depth: per component ---
static long grow_path(long n, long many)
{
    static char p[4096];
    struct stat st;
    int back = open(".", O_RDONLY | O_DIRECTORY);
    CK(back);
    CK(chdir(work));
    size_t len = 0;
    for (long i = 0; i < many; i++) {
        CK(mkdir("d", 0755));
        CK(chdir("d"));
        p[len++] = i ? '/' : 'd';
        if (i)
            p[len++] = 'd';
    }
    p[len] = 0;
    CK(chdir(work));
    CK(stat(p, &st));
    long rounds = n / many ? n / many : 1;
    T0();
    for (long i = 0; i < rounds; i++)
        CK(stat(p, &st));
    long e = T1();
    for (long i = 0; i < many; i++) {
        p[len] = 0;
        CK(rmdir(p));
        len -= len > 1 ? 2 : 1;
    }
    CK(fchdir(back));
    close(back);
    return e * n / (rounds * many);
}

// --- depth: a name in a directory `many` levels below ---
static long grow_depth(long n, long many)
{
    struct stat st;
    int back = open(".", O_RDONLY | O_DIRECTORY);
    CK(back);
    CK(chdir(work));
    for (long i = 0; i < many; i++) {
        CK(mkdir("d", 0755));
        CK(chdir("d"));
    }
    CK(mkdir("d", 0755));
    T0();
    for (long i = 0; i < n; i++)
        CK(stat("d/..", &st));
    long e = T1();
    CK(rmdir("d"));
    for (long i = 0; i < many; i++) {
        CK(chdir(".."));
        CK(rmdir("d"));
    }
    CK(fchdir(back));
    close(back);
    return e;
}

// --- waiting threads: handing over to one of `many`, each on its own word ---
static int *words;
static long sys_futex(int *u, int op, int v)
{
    return syscall(SYS_futex, u, op | FUTEX_PRIVATE_FLAG, v, 0, 0, 0);
}
static void *sleeper(void *arg)
{
    int *w = arg;
    for (int seen = 0;;) {
        while (__atomic_load_n(w, __ATOMIC_SEQ_CST) == seen)
            sys_futex(w, FUTEX_WAIT, seen);
        seen = __atomic_load_n(w, __ATOMIC_SEQ_CST);
        if (seen < 0)
            return 0;
        __atomic_add_fetch(&words[0], 1, __ATOMIC_SEQ_CST);
        sys_futex(&words[0], FUTEX_WAKE, 1);
    }
}
static void poke(int *w, int value)
{
    __atomic_store_n(w, value, __ATOMIC_SEQ_CST);
    sys_futex(w, FUTEX_WAKE, 1);
}
static long grow_waiter(long n, long many)
{
    pthread_t *t = calloc((size_t)many, sizeof(*t));
    words = calloc((size_t)many + 1, sizeof(*words));
    pthread_attr_t a;
    long made = 0, e = -1;
    if (!t || !words || pthread_attr_init(&a) || pthread_attr_setstacksize(&a, 32768))
        return -1;
    for (; made < many; made++)
        if ((errno = pthread_create(&t[made], &a, sleeper, &words[made + 1])))
            break;
    int why = errno;
    if (made == many) {
        for (int i = 0; i < 64; i++)
            sched_yield();
        T0();
        for (long i = 0; i < n; i++) {
            int *w = &words[1 + i * 7919 % many];
            int before = words[0];
            poke(w, *w + 1);
            while (__atomic_load_n(&words[0], __ATOMIC_SEQ_CST) == before)
                sys_futex(&words[0], FUTEX_WAIT, before);
        }
        e = T1();
    }
    for (long i = 0; i < made; i++)
        poke(&words[i + 1], -1);
    for (long i = 0; i < made; i++)
        pthread_join(t[i], 0);
    free(t);
    free(words);
    errno = why;
    return e;
}

// --- a set of waits with `many` members of which one is ready ---
static long grow_epoll(long n, long many)
{
    CK(limits(many));
    int ep = epoll_create1(0), first = -1, fd = -1;
    CK(ep);
    for (long i = 0; i < many; i++) {
        fd = eventfd(0, 0);
        CK(fd);
        if (first < 0)
            first = fd;
        struct epoll_event add = {.events = EPOLLIN, .data.fd = fd};
        CK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &add));
    }
    unsigned long v = 1;
    struct epoll_event o;
    T0();
    for (long i = 0; i < n; i++) {
        if (write(fd, &v, 8) != 8 || epoll_wait(ep, &o, 1, -1) != 1 || read(fd, &v, 8) != 8)
            return -1;
        v = 1;
    }
    long e = T1();
    close(ep);
    close_from(first, many);
    return e;
}

#define GROW(what, many)                                                                           \
    static long t_##what##_##many(long n)                                                          \
    {                                                                                              \
        return what(n, many);                                                                      \
    }
GROW(grow_fd, 10)
GROW(grow_fd, 1000)
GROW(grow_fd, 50000)
GROW(grow_map, 10)
GROW(grow_map, 1000)
GROW(grow_map, 50000)
GROW(grow_dir, 10)
GROW(grow_dir, 1000)
GROW(grow_dir, 50000)
GROW(grow_process, 10)
GROW(grow_process, 1000)
GROW(grow_process, 50000)
GROW(grow_timer, 10)
GROW(grow_timer, 1000)
GROW(grow_timer, 50000)
GROW(grow_path, 10)
GROW(grow_path, 1000)
GROW(grow_path, 2000)
GROW(grow_depth, 10)
GROW(grow_depth, 1000)
GROW(grow_depth, 50000)
GROW(grow_waiter, 10)
GROW(grow_waiter, 1000)
GROW(grow_waiter, 50000)
GROW(grow_epoll, 10)
GROW(grow_epoll, 1000)
GROW(grow_epoll, 50000)

#define ROW(what, many, n, unit) {#what "_" #many, t_##what##_##many, n, unit}
const struct row rows_growth[] = {
    ROW(grow_fd, 10, 2000, "ns/op"),        ROW(grow_fd, 1000, 2000, "ns/op"),
    ROW(grow_fd, 50000, 2000, "ns/op"),     ROW(grow_map, 10, 1000, "ns/op"),
    ROW(grow_map, 1000, 1000, "ns/op"),     ROW(grow_map, 50000, 1000, "ns/op"),
    ROW(grow_dir, 10, 1000, "ns/op"),       ROW(grow_dir, 1000, 1000, "ns/op"),
    ROW(grow_dir, 50000, 1000, "ns/op"),    ROW(grow_process, 10, 50, "ns/op"),
    ROW(grow_process, 1000, 50, "ns/op"),   ROW(grow_process, 50000, 50, "ns/op"),
    ROW(grow_timer, 10, 2000, "ns/op"),     ROW(grow_timer, 1000, 2000, "ns/op"),
    ROW(grow_timer, 50000, 2000, "ns/op"),  ROW(grow_path, 10, 20000, "ns/part"),
    ROW(grow_path, 1000, 20000, "ns/part"), ROW(grow_path, 2000, 20000, "ns/part"),
    ROW(grow_depth, 10, 2000, "ns/op"),     ROW(grow_depth, 1000, 2000, "ns/op"),
    ROW(grow_depth, 50000, 2000, "ns/op"),  ROW(grow_waiter, 10, 1000, "ns/op"),
    ROW(grow_waiter, 1000, 1000, "ns/op"),  ROW(grow_waiter, 50000, 1000, "ns/op"),
    ROW(grow_epoll, 10, 1000, "ns/op"),     ROW(grow_epoll, 1000, 1000, "ns/op"),
    ROW(grow_epoll, 50000, 1000, "ns/op"),  {0},
};
