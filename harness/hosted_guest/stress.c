// Work for several CPUs at once, so that a thread sanitizer sees the kernel's locks at work:
// processes, threads with one address space, pipes, sockets, futexes, signals, files, mappings.
// Every part checks what it gets. usage: stress ROUNDS [PART]; prints "stress: done".
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, PAGE = 4096 };
static int rounds;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "stress: line %d: %s: %s\n", __LINE__, #cond, strerror(errno));        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void in_threads(void *(*fn)(void *), void *shared)
{
    pthread_t t[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&t[i], NULL, fn, shared) == 0);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
}

static void in_processes(void (*fn)(int))
{
    pid_t pids[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (!pids[i]) {
            fn(i);
            _exit(0);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        int status;
        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
}

// --- processes ---
static void fork_some(int who)
{
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (!pid)
            _exit(who);
        int status;
        CHECK(wait4(pid, &status, 0, NULL) == pid && WEXITSTATUS(status) == who);
        if (i % 4)
            continue;
        pid = vfork();
        if (!pid) {
            execl("/proc/self/exe", "stress", "0", (char *)NULL);
            _exit(99);
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
}
static void processes(void)
{
    in_processes(fork_some);
}

// --- pipes and sockets: each worker passes on what its left neighbour sent ---
static int ring[WORKERS][2];
static void pass_on(int who)
{
    char buf[3000];
    memset(buf, 'a' + who, sizeof(buf));
    for (int i = 0; i < rounds; i++) {
        struct pollfd p = {.fd = ring[who][0], .events = POLLIN};
        CHECK(write(ring[(who + 1) % WORKERS][1], buf, 1000 + (size_t)i % 2000) > 0);
        CHECK(poll(&p, 1, 20000) == 1);
        CHECK(read(ring[who][0], buf, 1000 + (size_t)i % 2000) > 0);
    }
}
static void pipes(void)
{
    for (int i = 0; i < WORKERS; i++)
        CHECK(pipe(ring[i]) == 0);
    in_processes(pass_on);
    for (int i = 0; i < WORKERS * 2; i++)
        close(ring[i / 2][i % 2]);
}
static void *pass_here(void *next)
{
    pass_on(atomic_fetch_add((_Atomic int *)next, 1));
    return NULL;
}
static void sockets(void)
{
    _Atomic int next = 0;
    for (int i = 0; i < WORKERS; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ring[i]))
            return; // not there
    in_threads(pass_here, &next);
    for (int i = 0; i < WORKERS * 2; i++)
        close(ring[i / 2][i % 2]);
}

// --- futexes ---
struct count {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    int at;
    long sum;
    sem_t sem;
};
static void *add(void *arg)
{
    struct count *c = arg;
    for (int i = 0; i < rounds * 10; i++) {
        pthread_mutex_lock(&c->lock);
        c->sum++;
        c->at++;
        pthread_cond_broadcast(&c->turn);
        if (i % 8 == 0 && c->sum < rounds * 10) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec = (until.tv_nsec + 1000000) % 1000000000;
            pthread_cond_timedwait(&c->turn, &c->lock, &until);
        }
        pthread_mutex_unlock(&c->lock);
        sem_post(&c->sem);
        sem_wait(&c->sem);
        if (i % 16 == 0)
            sched_yield();
    }
    return NULL;
}
static void futexes(void)
{
    static struct count c = {.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER};
    sem_init(&c.sem, 0, 0);
    long before = c.sum;
    in_threads(add, &c);
    CHECK(c.sum - before == (long)WORKERS * rounds * 10);
}

// --- one address space, several threads ---
static void *map_some(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds; i++) {
        char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(p != MAP_FAILED);
        for (int k = 0; k < 16; k++)
            p[k * PAGE] = (char)k;
        CHECK(mprotect(p, 4 * PAGE, PROT_READ) == 0 && p[3 * PAGE] == 3);
        CHECK(madvise(p + 8 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0 && p[9 * PAGE] == 0);
        CHECK(mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE) == 0);
        p = mremap(p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE);
        CHECK(p != MAP_FAILED && p[15 * PAGE] == 15);
        CHECK(munmap(p, 32 * PAGE) == 0);
        if (i % 8 == 0) {
            pid_t pid = fork();
            if (!pid)
                _exit(0);
            CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
        }
    }
    return NULL;
}
static void mappings(void)
{
    in_threads(map_some, NULL);
}

// --- files: everybody in one directory ---
static void *use_files(void *next)
{
    int who = atomic_fetch_add((_Atomic int *)next, 1);
    char own[64], other[64], alias[64], buf[9000];
    snprintf(own, sizeof(own), "/tmp/stress/own%d", who);
    snprintf(other, sizeof(other), "/tmp/stress/shared%d", who % 2);
    snprintf(alias, sizeof(alias), "/tmp/stress/alias%d", who);
    for (int i = 0; i < rounds; i++) {
        int fd = open(own, O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(fd >= 0);
        CHECK(write(fd, buf, sizeof(buf)) == sizeof(buf) && lseek(fd, 0, SEEK_SET) == 0);
        char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(p != MAP_FAILED);
        p[5] = (char)i;
        CHECK(pread(fd, buf, 6, 0) == 6 && buf[5] == (char)i);
        CHECK(ftruncate(fd, 100 * PAGE) == 0 && munmap(p, PAGE) == 0 && close(fd) == 0);
        (void)rename(own, other);
        (void)link(other, alias); // never written: one that is mapped elsewhere must keep its size
        struct stat st;
        (void)stat(other, &st);
        (void)stat("/tmp/stress/nothing", &st);
        DIR *d = opendir("/tmp/stress");
        CHECK(d);
        while (readdir(d))
            ;
        closedir(d);
        if (i % 4 == 0) {
            char name[80];
            snprintf(name, sizeof(name), "/tmp/stress/dir%d", i % 8);
            (void)mkdir(name, 0700);
            (void)rmdir(name);
            fd = open("/proc/self/maps", O_RDONLY);
            while (read(fd, buf, sizeof(buf)) > 0)
                ;
            close(fd);
        }
        (void)unlink(alias);
        (void)unlink(i % 2 ? own : other);
    }
    (void)unlink(own);
    return NULL;
}
static void files(void)
{
    _Atomic int next = 0;
    (void)mkdir("/tmp/stress", 0700);
    in_threads(use_files, &next);
    (void)unlink("/tmp/stress/shared0");
    (void)unlink("/tmp/stress/shared1");
    CHECK(rmdir("/tmp/stress") == 0);
}

// --- signals ---
static _Atomic long caught;
static void on_signal(int sig)
{
    (void)sig;
    atomic_fetch_add(&caught, 1);
}
static void *send_some(void *arg)
{
    pthread_t main_thread = *(pthread_t *)arg;
    for (int i = 0; i < rounds; i++) {
        kill(getpid(), SIGUSR1);
        pthread_kill(main_thread, SIGUSR2);
        sigset_t set, old;
        sigfillset(&set);
        pthread_sigmask(SIG_BLOCK, &set, &old);
        sched_yield();
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    return NULL;
}
static void signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval t = {{0, 3000}, {0, 3000}}, off = {0};
    setitimer(ITIMER_REAL, &t, NULL);
    pthread_t self = pthread_self();
    in_threads(send_some, &self);
    setitimer(ITIMER_REAL, &off, NULL);
    CHECK(caught > 0);
}

// --- waiting for several things ---
static int events[2];
static void *ring_bell(void *arg)
{
    (void)arg;
    for (int i = 0; i < rounds; i++) {
        unsigned long v = 1;
        CHECK(write(events[i % 2], &v, sizeof(v)) == sizeof(v));
    }
    return NULL;
}
static void polls(void)
{
    int ep = epoll_create1(0);
    CHECK(ep >= 0);
    for (int i = 0; i < 2; i++) {
        events[i] = eventfd(0, EFD_NONBLOCK);
        struct epoll_event e = {.events = EPOLLIN, .data.fd = events[i]};
        CHECK(events[i] >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, events[i], &e) == 0);
    }
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&t[i], NULL, ring_bell, NULL) == 0);
    for (unsigned long seen = 0; seen < 2ul * (unsigned long)rounds;) {
        struct epoll_event e;
        unsigned long v;
        CHECK(epoll_wait(ep, &e, 1, 20000) == 1);
        if (read(e.data.fd, &v, sizeof(v)) == sizeof(v))
            seen += v;
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    close(ep);
    close(events[0]);
    close(events[1]);
}

// --- registers of a thread that is moved to and fro ---
static void registers(void)
{
    unsigned long cpus[2] = {1, 2};
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    for (unsigned long i = 1; i < 20; i++) {
        unsigned long back;
        long r = SYS_sched_setaffinity;
        __asm__ volatile("movq %2, %%xmm8\n syscall\n movq %%xmm8, %0"
                         : "=r"(back), "+a"(r)
                         : "r"(i), "D"(0), "S"(sizeof(cpus[0])), "d"(&cpus[i % 2])
                         : "rcx", "r11", "xmm8", "memory");
        CHECK(r == 0 && back == i);
    }
    cpus[0] = ~0ul;
    CHECK(syscall(SYS_sched_setaffinity, 0, sizeof(cpus[0]), cpus) == 0);
}

int main(int argc, char **argv)
{
    static const struct part {
        const char *name;
        void (*fn)(void);
    } parts[] = {{"processes", processes}, {"pipes", pipes},       {"sockets", sockets},
                 {"futexes", futexes},     {"mappings", mappings}, {"files", files},
                 {"signals", signals},     {"polls", polls},       {"registers", registers}};
    rounds = argc > 1 ? atoi(argv[1]) : 10;
    if (!rounds)
        return 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (argc < 3 || !strcmp(argv[2], parts[i].name))
            parts[i].fn();
    puts("stress: done");
    return 0;
}
