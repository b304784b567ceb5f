// Pipes and sockets, signals, futexes, event loops.
#include "kbench.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

// --- IPC ---
static int echo_child(int rd, int wr, int close1, int close2)
{
    pid_t p = fork();
    if (p)
        return p;
    close(close1);
    close(close2);
    char c;
    while (read(rd, &c, 1) == 1)
        if (write(wr, &c, 1) != 1)
            break;
    _exit(0);
}
long rt(long n, int wr, int rd)
{
    char c = 0;
    for (int i = 0; i < 16; i++) {
        if (write(wr, &c, 1) != 1 || read(rd, &c, 1) != 1)
            return -1;
    }
    T0();
    for (long i = 0; i < n; i++) {
        if (write(wr, &c, 1) != 1 || read(rd, &c, 1) != 1)
            return -1;
    }
    return T1();
}
static long t_pipe_rt(long n)
{
    int a[2], b[2];
    CK(pipe(a));
    CK(pipe(b));
    pid_t p = echo_child(a[0], b[1], a[1], b[0]);
    CK(p);
    close(a[0]);
    close(b[1]);
    long e = rt(n, a[1], b[0]);
    close(a[1]);
    close(b[0]);
    reap(p);
    return e;
}
static long t_pipe_self(long n)
{
    int a[2];
    CK(pipe(a));
    long e = rt(n, a[1], a[0]);
    close(a[0]);
    close(a[1]);
    return e;
}
static long bw(long n, int wr, int rd, int c1) // n blocks of 64 KiB
{
    pid_t p = fork();
    CK(p);
    if (!p) {
        close(rd);
        for (long i = 0; i < n; i++) {
            size_t o = 0;
            while (o < 65536) {
                ssize_t w = write(wr, buf + o, 65536 - o);
                if (w <= 0)
                    _exit(1);
                o += w;
            }
        }
        _exit(0);
    }
    (void)c1;
    close(wr);
    size_t got = 0, want = (size_t)n * 65536;
    T0();
    while (got < want) {
        ssize_t r = read(rd, buf, 65536);
        if (r <= 0)
            break;
        got += r;
    }
    long e = T1();
    close(rd);
    reap(p);
    return got == want ? e : -1;
}
static long t_pipe_bw(long n)
{
    int a[2];
    CK(pipe(a));
    return bw(n, a[1], a[0], 0);
}
static long t_unix_rt(long n)
{
    int s[2];
    CK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    pid_t p = fork();
    CK(p);
    if (!p) {
        close(s[0]);
        char c;
        while (read(s[1], &c, 1) == 1)
            if (write(s[1], &c, 1) != 1)
                break;
        _exit(0);
    }
    close(s[1]);
    long e = rt(n, s[0], s[0]);
    close(s[0]);
    reap(p);
    return e;
}
static long t_unix_dgram(long n)
{
    int s[2];
    CK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    long e = rt(n, s[0], s[1]);
    close(s[0]);
    close(s[1]);
    return e;
}
static long t_unix_bw(long n)
{
    int s[2];
    CK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    return bw(n, s[1], s[0], 0);
}
static int tcp_pair(int s[2])
{
    int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (l < 0)
        return -1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t al = sizeof a;
    if (bind(l, (void *)&a, al) || listen(l, 4) || getsockname(l, (void *)&a, &al)) {
        close(l);
        return -1;
    }
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s[0], (void *)&a, al)) {
        close(l);
        return -1;
    }
    s[1] = accept(l, 0, 0);
    close(l);
    if (s[1] < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        setsockopt(s[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return 0;
}
static long t_tcp_rt(long n)
{
    int s[2];
    CK(tcp_pair(s));
    pid_t p = fork();
    CK(p);
    if (!p) {
        close(s[0]);
        char c;
        while (read(s[1], &c, 1) == 1)
            if (write(s[1], &c, 1) != 1)
                break;
        _exit(0);
    }
    close(s[1]);
    long e = rt(n, s[0], s[0]);
    close(s[0]);
    reap(p);
    return e;
}
static long t_tcp_bw(long n)
{
    int s[2];
    CK(tcp_pair(s));
    return bw(n, s[1], s[0], 0);
}
static long t_tcp_conn(long n)
{
    int l = socket(AF_INET, SOCK_STREAM, 0);
    CK(l);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t al = sizeof a;
    if (bind(l, (void *)&a, al) || listen(l, 16) || getsockname(l, (void *)&a, &al))
        return -1;
    T0();
    for (long i = 0; i < n; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        CK(c);
        CK(connect(c, (void *)&a, al));
        int s = accept(l, 0, 0);
        CK(s);
        close(c);
        close(s);
    }
    long e = T1();
    close(l);
    return e;
}
static long t_udp_rt(long n) // same process, both directions timed as one op
{
    int s[2];
    struct sockaddr_in a[2];
    socklen_t al = sizeof a[0];
    for (int i = 0; i < 2; i++) {
        s[i] = socket(AF_INET, SOCK_DGRAM, 0);
        CK(s[i]);
        memset(&a[i], 0, al);
        a[i].sin_family = AF_INET;
        a[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        CK(bind(s[i], (void *)&a[i], al));
        CK(getsockname(s[i], (void *)&a[i], &al));
    }
    CK(connect(s[0], (void *)&a[1], al));
    CK(connect(s[1], (void *)&a[0], al));
    char c = 0;
    T0();
    for (long i = 0; i < n; i++) {
        if (write(s[0], &c, 1) != 1 || read(s[1], &c, 1) != 1 || write(s[1], &c, 1) != 1 ||
            read(s[0], &c, 1) != 1)
            return -1;
    }
    long e = T1();
    close(s[0]);
    close(s[1]);
    return e;
}
static long t_ring16(long n) // token passing, ns per hop
{
    enum { P = 16 };
    int fd[P][2];
    pid_t pid[P];
    for (int i = 0; i < P; i++)
        CK(pipe(fd[i]));
    for (int i = 1; i < P; i++) {
        pid[i] = fork();
        CK(pid[i]);
        if (!pid[i]) {
            for (int j = 0; j < P; j++) {
                if (j != i - 1)
                    close(fd[j][0]);
                if (j != i)
                    close(fd[j][1]);
            }
            char c;
            while (read(fd[i - 1][0], &c, 1) == 1)
                if (write(fd[i][1], &c, 1) != 1)
                    break;
            _exit(0);
        }
    }
    for (int j = 0; j < P; j++) {
        if (j != P - 1)
            close(fd[j][0]);
        if (j != 0)
            close(fd[j][1]);
    }
    char c = 0;
    long rounds = n / P;
    if (!rounds)
        rounds = 1;
    for (int i = 0; i < 4; i++)
        if (write(fd[0][1], &c, 1) != 1 || read(fd[P - 1][0], &c, 1) != 1)
            return -1;
    T0();
    for (long i = 0; i < rounds; i++)
        if (write(fd[0][1], &c, 1) != 1 || read(fd[P - 1][0], &c, 1) != 1)
            return -1;
    long e = T1();
    close(fd[0][1]);
    for (int i = 1; i < P; i++)
        reap(pid[i]);
    close(fd[P - 1][0]);
    return e * n / (rounds * P);
}
static long t_yield2(long n)
{
    pid_t p = fork();
    CK(p);
    if (!p) {
        for (;;)
            sched_yield();
    }
    for (int i = 0; i < 16; i++)
        sched_yield();
    T0();
    for (long i = 0; i < n; i++)
        sched_yield();
    long e = T1();
    kill(p, SIGKILL);
    reap(p);
    return e;
}

// --- signals ---
static volatile int sigs;
static void on_sig(int s)
{
    (void)s;
    sigs++;
}
static long t_sigaction(long n)
{
    struct sigaction sa = {.sa_handler = on_sig};
    T0();
    for (long i = 0; i < n; i++)
        CK(sigaction(SIGUSR1, &sa, 0));
    return T1();
}
static long t_sigprocmask(long n)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR2);
    T0();
    for (long i = 0; i < n; i++) {
        sigprocmask(SIG_BLOCK, &s, 0);
        sigprocmask(SIG_UNBLOCK, &s, 0);
    }
    return T1() / 2;
}
static long t_sig_self(long n)
{
    signal(SIGUSR1, on_sig);
    sigs = 0;
    pid_t me = getpid();
    T0();
    for (long i = 0; i < n; i++)
        kill(me, SIGUSR1);
    long e = T1();
    return sigs == n ? e : -1;
}
static sigjmp_buf jb;
static char *segp;
static volatile long segn;
static void on_segv(int s)
{
    (void)s;
    segn++;
    mprotect(segp, 4096, PROT_READ | PROT_WRITE);
}
static long t_segv(long n)
{
    segp = anon(1);
    segp[0] = 1;
    struct sigaction sa = {.sa_handler = on_segv}, old;
    sigaction(SIGSEGV, &sa, &old);
    segn = 0;
    T0();
    for (long i = 0; i < n; i++) {
        mprotect(segp, 4096, PROT_READ);
        *(volatile char *)segp = 2;
    }
    long e = T1();
    sigaction(SIGSEGV, &old, 0);
    munmap(segp, 4096);
    (void)jb;
    return segn == n ? e : -1;
}

// --- futex / threads ---
static int fut[2];
static long fut_n;
static long futex(int *u, int op, int v)
{
    return syscall(SYS_futex, u, op | FUTEX_PRIVATE_FLAG, v, 0, 0, 0);
}
static void post(int *u)
{
    __atomic_store_n(u, 1, __ATOMIC_SEQ_CST);
    futex(u, FUTEX_WAKE, 1);
}
static void pend(int *u)
{
    while (!__atomic_exchange_n(u, 0, __ATOMIC_SEQ_CST))
        futex(u, FUTEX_WAIT, 0);
}
static void *fut_thr(void *a)
{
    for (long i = 0; i < fut_n; i++) {
        pend(&fut[0]);
        post(&fut[1]);
    }
    return a;
}
static long t_futex_rt(long n)
{
    pthread_t t;
    fut[0] = fut[1] = 0;
    fut_n = n + 16;
    if ((errno = pthread_create(&t, 0, fut_thr, 0)))
        return -1;
    for (int i = 0; i < 16; i++) {
        post(&fut[0]);
        pend(&fut[1]);
    }
    T0();
    for (long i = 0; i < n; i++) {
        post(&fut[0]);
        pend(&fut[1]);
    }
    long e = T1();
    pthread_join(t, 0);
    return e;
}
static long t_futex_wake0(long n)
{
    static int u;
    T0();
    for (long i = 0; i < n; i++)
        futex(&u, FUTEX_WAKE, 1);
    return T1();
}

// --- event loops ---
static long t_epoll(long n)
{
    int ep = epoll_create1(0);
    CK(ep);
    int ev = eventfd(0, 0);
    CK(ev);
    struct epoll_event e = {.events = EPOLLIN}, o;
    CK(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
    unsigned long v = 1;
    T0();
    for (long i = 0; i < n; i++) {
        if (write(ev, &v, 8) != 8 || epoll_wait(ep, &o, 1, -1) != 1 || read(ev, &v, 8) != 8)
            return -1;
        v = 1;
    }
    long r = T1();
    close(ep);
    close(ev);
    return r;
}
static long t_epoll_ctl(long n)
{
    int ep = epoll_create1(0);
    CK(ep);
    int ev = eventfd(0, 0);
    CK(ev);
    struct epoll_event e = {.events = EPOLLIN};
    T0();
    for (long i = 0; i < n; i++) {
        CK(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
        CK(epoll_ctl(ep, EPOLL_CTL_DEL, ev, &e));
    }
    long r = T1();
    close(ep);
    close(ev);
    return r;
}
static long t_poll64(long n)
{
    struct pollfd p[64];
    int ev = eventfd(0, 0);
    CK(ev);
    for (int i = 0; i < 64; i++) {
        p[i].fd = i ? dup(ev) : ev;
        p[i].events = POLLIN;
        CK(p[i].fd);
    }
    T0();
    for (long i = 0; i < n; i++)
        if (poll(p, 64, 0))
            return -1;
    long r = T1();
    for (int i = 0; i < 64; i++)
        close(p[i].fd);
    return r;
}
static long t_select64(long n)
{
    int fd[64], mx = 0;
    int ev = eventfd(0, 0);
    CK(ev);
    for (int i = 0; i < 64; i++) {
        fd[i] = i ? dup(ev) : ev;
        CK(fd[i]);
        if (fd[i] > mx)
            mx = fd[i];
    }
    struct timeval tv;
    T0();
    for (long i = 0; i < n; i++) {
        fd_set r;
        FD_ZERO(&r);
        for (int k = 0; k < 64; k++)
            FD_SET(fd[k], &r);
        tv.tv_sec = tv.tv_usec = 0;
        if (select(mx + 1, &r, 0, 0, &tv))
            return -1;
    }
    long r = T1();
    for (int i = 0; i < 64; i++)
        close(fd[i]);
    return r;
}

const struct row rows_ipc[] = {
    {"pipe_self", t_pipe_self, 5000, "ns/op"},
    {"pipe_rt", t_pipe_rt, 3000, "ns/op"},
    {"pipe_bw", t_pipe_bw, 256, "ns/64KiB"},
    {"ring16_hop", t_ring16, 8000, "ns/hop"},
    {"yield2", t_yield2, 5000, "ns/op"},
    {"unix_rt", t_unix_rt, 3000, "ns/op"},
    {"unix_dgram_self", t_unix_dgram, 3000, "ns/op"},
    {"unix_bw", t_unix_bw, 256, "ns/64KiB"},
    {"tcp_rt", t_tcp_rt, 2000, "ns/op"},
    {"tcp_bw", t_tcp_bw, 256, "ns/64KiB"},
    {"tcp_connect_close", t_tcp_conn, 200, "ns/op"},
    {"udp_rt_self", t_udp_rt, 2000, "ns/op"},
    {"sigaction", t_sigaction, 10000, "ns/op"},
    {"sigprocmask", t_sigprocmask, 10000, "ns/op"},
    {"signal_self", t_sig_self, 5000, "ns/op"},
    {"segv_mprotect", t_segv, 2000, "ns/op"},
    {"futex_rt", t_futex_rt, 3000, "ns/op"},
    {"futex_wake_none", t_futex_wake0, 10000, "ns/op"},
    {"epoll_eventfd", t_epoll, 5000, "ns/op"},
    {"epoll_ctl_add_del", t_epoll_ctl, 3000, "ns/op"},
    {"poll64", t_poll64, 1000, "ns/op"},
    {"select64", t_select64, 1000, "ns/op"},
    {0},
};
