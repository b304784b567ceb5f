// Random calls: fuzz SEED COUNT runs COUNT sequences; sequence i is that of seed SEED + i, whatever
// came before it, in a process of its own with a directory, descriptors and memory to play with.
// Which calls there are and what their arguments mean comes from the call tables (fuzz_table.h).
#define _GNU_SOURCE
#include "fuzz_table.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long u64;
enum : u64 { PAGE = 4096, ARENA = 0x200000000000, ARENA_PAGES = 64 };
enum { CALLS = 150, SECONDS = 3 };

static u64 state;
static u64 next(void)
{
    u64 z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}
static u64 below(u64 n)
{
    return next() % n;
}

static u64 number(void)
{
    static const u64 known[] = {
        0,           1,         2,         3,          4,         8,         16,         63,
        64,          255,       512,       4095,       4096,      4097,      8192,       65535,
        65536,       1 << 20,   1000,      0x7fffffff, ~0ul,      ~0ul - 1,  0x80000000, 0xffffffff,
        0x100000000, 1ul << 47, 1ul << 62, 1ul << 63,  (u64)-100, (u64)-4096};
    switch (below(8)) {
    case 0:
        return next();
    case 1:
    case 2:
        return below(100);
    case 3:
        return known[below(sizeof(known) / sizeof(known[0]))] + below(3) - 1;
    default:
        return known[below(sizeof(known) / sizeof(known[0]))];
    }
}

static int handles[16];
static unsigned handle_count;
static u64 handle(void)
{
    if (handle_count && below(10))
        return (u64)handles[below(handle_count < 16 ? handle_count : 16)];
    return below(2) ? below(30) : number();
}

// Memory that is there, ends at a hole, is read-only, or is none at all.
static u64 address(u64 size)
{
    switch (below(16)) {
    case 0:
        return 0;
    case 1:
        return number();
    case 2:
        return ARENA + ARENA_PAGES * PAGE - (size ? below(size + 1) : 0);
    case 3:
        return ARENA + ARENA_PAGES * PAGE + PAGE + below(PAGE); // read-only
    default:
        return ARENA + below((ARENA_PAGES - 20) * PAGE) / 8 * 8;
    }
}
static int writable(u64 at, u64 size)
{
    return at >= ARENA && at <= ARENA + ARENA_PAGES * PAGE &&
           size <= ARENA + ARENA_PAGES * PAGE - at;
}
static void fill(u64 at, u64 size)
{
    for (; size >= 8 && writable(at, 8); at += 8, size -= 8) {
        u64 v = below(3) ? (below(2) ? number() : handle() | number() << 32) : address(64);
        memcpy((void *)at, &v, 8);
    }
}

static u64 path(void)
{
    static const char *const names[] = {".",
                                        "..",
                                        "/",
                                        "",
                                        "f0",
                                        "f1",
                                        "d0",
                                        "d0/f",
                                        "d0/d1",
                                        "link",
                                        "fifo",
                                        "new0",
                                        "new1",
                                        "d0/new",
                                        "./f0/",
                                        "//tmp",
                                        "/proc/self/status",
                                        "/proc/self/fd/3",
                                        "/proc/self/maps",
                                        "/proc/1/stat",
                                        "/proc/self/task",
                                        "/dev/null",
                                        "/dev/zero",
                                        "/dev/full",
                                        "/dev/ptmx",
                                        "/dev/tty",
                                        "/dev/random",
                                        "/dev/kmsg",
                                        "/proc/sys/kernel/hostname",
                                        "/bin/true",
                                        "/bin/nosuch",
                                        "tmpfs",
                                        "proc",
                                        "overlay",
                                        "user.name"};
    u64 at = address(256);
    if (!writable(at, 5000))
        return at;
    if (!below(20)) {
        memset((void *)at, 'x', 4200);
        ((char *)at)[4200] = 0;
    } else {
        strcpy((void *)at, names[below(sizeof(names) / sizeof(names[0]))]);
    }
    return at;
}

static u64 of_set(unsigned set, int flags)
{
    const struct fuzz_set *s = &fuzz_sets[set];
    if (!s->count || !below(16))
        return number();
    u64 v = s->values[below(s->count)];
    while (flags && below(2))
        v |= s->values[below(s->count)];
    return v;
}

static u64 argument(const struct fuzz_arg *a)
{
    switch (a->kind) {
    case FUZZ_FD:
        return handle();
    case FUZZ_PATH:
        return path();
    case FUZZ_FLAGS:
        return of_set(a->set, 1);
    case FUZZ_ENUM:
        return of_set(a->set, 0);
    case FUZZ_TASK: // itself, nobody, or what a group is called; never the machine's first task
        return below(3) ? (u64)getpid() : below(2) ? 0 : 100000 + below(10);
    case FUZZ_SIGNAL:
        return below(70);
    case FUZZ_VECTOR: {
        u64 at = address(64);
        for (u64 i = 0; i < 4 && writable(at, 64); i++)
            ((u64 *)at)[i * 2] = address(64),
                            ((u64 *)at)[i * 2 + 1] = below(8) ? below(5000) : number();
        return at;
    }
    case FUZZ_STRINGS: {
        u64 at = address(64);
        for (u64 i = 0; i < 3 && writable(at, 64); i++)
            ((u64 *)at)[i] = i < 2 ? path() : 0;
        return at;
    }
    case FUZZ_MEMORY: {
        u64 size = a->size ? a->size : 64, at = address(size);
        fill(at, size);
        return at;
    }
    case FUZZ_ADDRESS: {
        u64 at = address(64);
        return below(2) ? at & ~(PAGE - 1) : at;
    }
    default:
        return below(2) ? below(5000) : number();
    }
}

static void prepare(void)
{
    int null = open("/dev/null", O_RDWR), pair[2];
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    setpgid(0, 0);
    char *m = mmap((void *)ARENA, (ARENA_PAGES + 2) * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mprotect(m + ARENA_PAGES * PAGE, PAGE, PROT_NONE);
    mprotect(m + (ARENA_PAGES + 1) * PAGE, PAGE, PROT_READ);
    fill(ARENA, ARENA_PAGES * PAGE);
    char place[32];
    snprintf(place, sizeof(place), "/tmp/fuzz-%d", getpid());
    if (mkdir(place, 0777) || chdir(place) || mkdir("d0", 0777) || symlink("f0", "link") ||
        mkfifo("fifo", 0666))
        _exit(3);
    handles[handle_count++] = open("f0", O_CREAT | O_RDWR, 0666);
    handles[handle_count++] = open("f1", O_CREAT | O_RDWR | O_APPEND, 0666);
    handles[handle_count++] = open("d0", O_DIRECTORY);
    handles[handle_count++] = open("fifo", O_RDWR | O_NONBLOCK);
    handles[handle_count++] = open("/proc/self/status", O_RDONLY);
    handles[handle_count++] = eventfd(0, 0);
    handles[handle_count++] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (pipe(pair) == 0)
        handles[handle_count++] = pair[0], handles[handle_count++] = pair[1];
    (void)!write(handles[0], (char *)ARENA, 10000);
}

static void sequence(u64 seed)
{
    state = seed * 0x2545f4914f6cdd1d + 1;
    prepare();
    alarm(SECONDS - 1);
    const struct fuzz_call *near =
        &fuzz_calls[below(FUZZ_CALLS)]; // neighbours in the table belong together
    for (int i = 0; i < CALLS; i++) {
        const struct fuzz_call *c = &fuzz_calls[below(FUZZ_CALLS)];
        if (below(2)) {
            long at = near - fuzz_calls + (long)below(24) - 12;
            c = &fuzz_calls[at < 0 ? 0 : at >= FUZZ_CALLS ? FUZZ_CALLS - 1 : at];
        }
        u64 a[6];
        for (int k = 0; k < 6; k++)
            a[k] = k < c->count ? argument(&c->args[k]) : number();
        if (c->number == SYS_clone && a[0] & 0x100) // a thread would run this program's own text on
            a[0] &= ~0x100ul; // a stack of noise: nothing learnt about the kernel
        long r = syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (c->gives_fd && r >= 0)
            handles[handle_count++ % 16] = (int)r;
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    u64 seed = strtoul(argv[1], NULL, 0), count = strtoul(argv[2], NULL, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (u64 i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0) {
            sigprocmask(SIG_UNBLOCK, &set, NULL);
            sequence(seed + i);
        }
        sigtimedwait(&set, NULL, &(struct timespec){SECONDS, 0});
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    printf("done %lu\n", count);
    return 0;
}
