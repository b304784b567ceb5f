// fuzz SEED COUNT [user|root [FIRST]]: COUNT processes from number FIRST on, each making random
// calls of the tables with valid and hostile values. The kernel must stay whole; what the calls
// answer does not matter.
//
// Each process is a child in a session of its own, with limits on memory, files and processes; as
// an ordinary user, or as root in a mount namespace of its own without the calls that reach others.
// It is killed after a quarter of a second without an end, then whoever it left behind. One line
// tells how it went.
#include "start.h"

enum {
    SYS_UNSHARE = 97,
    SYS_MOUNT = 40,
    SYS_CHDIR = 49,
    SYS_DUP3 = 24,
    SYS_OPENAT = 56,
    SYS_PIPE2 = 59,
    SYS_NANOSLEEP = 101,
    SYS_SIGTIMEDWAIT = 137,
    SYS_SIGPROCMASK = 135,
    SYS_SIGACTION = 134,
    SYS_KILL = 129,
    SYS_SETSID = 157,
    SYS_SETGID = 144,
    SYS_SETUID = 146,
    SYS_PRCTL = 167,
    SYS_MMAP = 222,
    SYS_MPROTECT = 226,
    SYS_CLONE = 220,
    SYS_WAIT4 = 260,
    SYS_PRLIMIT = 261,
    SYS_MKDIRAT = 34,
    SYS_FCHMODAT = 53,
    SYS_SYMLINKAT = 36,
    SYS_EPOLL_CREATE = 20,
    SYS_EVENTFD = 19,
    SYS_TIMERFD = 85,
    SYS_MEMFD = 279,
    SYS_FCHOWNAT = 54,
    SYS_SIGNALFD = 74,
    SYS_SETGROUPS = 159,
};
enum { SIGCHLD = 17, SIGKILL = 9, CALLS = 300, USER = 1000, ARENA_PAGES = 8, PAGE = 4096 };
enum kind { NUMBERS, FDS, PATHS, PIDS, SIGNALS, MEMORY, SET, SIZE };

struct fuzz_call {
    const char *name;
    long number;
    bool as_root;
    bool sends; // perhaps the signal that ends the program
    enum kind kind[6];
    const word *set[6]; // count, then values
};
#include "fuzz_table.h"
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static word state; // xorshift64
static word own_pid;
static char *arena; // ARENA_PAGES, the last two read-only and absent

static word draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static word pick(word n)
{
    return (draw() >> 11) % n;
}

static long call6(long n, const word *a)
{
    register word a0 __asm__("a0") = a[0];
    register word a1 __asm__("a1") = a[1];
    register word a2 __asm__("a2") = a[2];
    register word a3 __asm__("a3") = a[3];
    register word a4 __asm__("a4") = a[4];
    register word a5 __asm__("a5") = a[5];
    register long a7 __asm__("a7") = n;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return (long)a0;
}

static long call5(long n, word a, word b, word c, word d, word e)
{
    return call6(n, (word[6]){a, b, c, d, e, 0});
}

static word number(void)
{
    static const word special[] = {0,
                                   1,
                                   2,
                                   3,
                                   4,
                                   7,
                                   8,
                                   16,
                                   64,
                                   100,
                                   255,
                                   256,
                                   512,
                                   1000,
                                   4095,
                                   4096,
                                   4097,
                                   65535,
                                   65536,
                                   1ul << 20,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   1ul << 32,
                                   0x7fffffffffffffff,
                                   1ul << 63,
                                   -1ul,
                                   -2ul,
                                   -4096ul,
                                   1'000'000'000,
                                   999'999'999,
                                   0x3fffffffff,
                                   1ul << 38};
    return pick(8) ? special[pick(COUNT_OF(special))] : pick(2) ? draw() : draw() >> pick(64);
}

static word from_set(const word *set)
{
    if (!set || !pick(16))
        return number();
    word v = set[1 + pick(set[0])];
    while (!pick(3))
        v |= set[1 + pick(set[0])];
    return v;
}

static word memory(void);

static word a_number_of_things(void)
{
    return pick(3) ? pick(24) : number();
}

// A word as structures hold them: small, special, an address, or a descriptor.
static word content(void)
{
    switch (pick(6)) {
    case 0:
        return number();
    case 1:
        return memory();
    case 2:
        return pick(40);
    case 3:
        return pick(40) | pick(40) << 32;
    default:
        return 0;
    }
}

static char *place(word room)
{
    word n = (ARENA_PAGES - 2) * PAGE;
    return arena + (pick(2) ? pick(n / 64) * 64 : n - room - pick(2) * pick(64));
}

static word memory(void)
{
    static const word bad[] = {0,
                               1,
                               8,
                               4095,
                               -1ul,
                               -8ul,
                               -4096ul,
                               1ul << 38,
                               (1ul << 38) - 8,
                               0xffffffc000000000,
                               0xffffffff80000000,
                               1ul << 63,
                               0x4000000000};
    if (!pick(8))
        return bad[pick(COUNT_OF(bad))];
    if (!pick(16))
        return (word)arena + (ARENA_PAGES - 2 + pick(2)) * PAGE - pick(9); // read-only, or nothing
    return (word)place(256);
}

static word filled_memory(void)
{
    char *p = place(256);
    for (word i = 0; i < 32; i++)
        ((word *)(p - (word)p % 8))[i] = content();
    return pick(4) ? (word)p : memory();
}

static const char *const paths[] = {"f",
                                    "d",
                                    "d/e",
                                    ".",
                                    "..",
                                    "",
                                    "/",
                                    "loop",
                                    "link",
                                    "d/../f",
                                    "//tmp//",
                                    "nosuch",
                                    "nosuch/x",
                                    "f/x",
                                    "fifo",
                                    "/proc/self/mem",
                                    "/proc/self/fd/3",
                                    "/proc/self/exe",
                                    "/proc/self/root",
                                    "/proc/self/maps",
                                    "/proc/self/task",
                                    "/proc",
                                    "/dev/null",
                                    "/dev/zero",
                                    "/dev/full",
                                    "/dev/random",
                                    "/dev/ptmx",
                                    "/dev/fd/4",
                                    "/dev/kmsg",
                                    "/proc/sys/kernel/hostname",
                                    "/home/x",
                                    "/scarlet/bin",
                                    "tmpfs",
                                    "proc",
                                    "overlay",
                                    "lowerdir=.,upperdir=d,workdir=w",
                                    "user.x",
                                    "trusted.overlay.opaque",
                                    "security.capability",
                                    "#!/bin/sh\n",
                                    "/bin/busybox"};

static word path(void)
{
    if (!pick(12))
        return memory();
    char *p = place(256);
    if (!pick(20)) { // long, perhaps without an end
        word n = pick(2) ? 300 : 255;
        p = arena;
        for (word i = 0; i < (pick(2) ? n : 4200); i++)
            p[i] = i % 50 == 49 && pick(2) ? '/' : 'x';
        p[4200] = 0;
        return (word)p;
    }
    const char *s = paths[pick(COUNT_OF(paths))];
    word i = 0;
    for (; s[i]; i++)
        p[i] = s[i];
    p[i] = 0;
    return (word)p;
}

static word argument(enum kind kind, const word *set)
{
    static const word pids[] = {0, 0, -1ul, 0x7fffffff, 99999, 0x80000000};
    if (!pick(24))
        return number();
    switch (kind) {
    case FDS:
        return pick(10) ? pick(24) : pick(2) ? (word)-100 : number();
    case PATHS:
        return path();
    case PIDS:
        return pick(2) ? own_pid : pids[pick(COUNT_OF(pids))];
    case SIGNALS:
        return pick(66);
    case MEMORY:
        return pick(6) ? filled_memory() : 0;
    case SET:
        return from_set(set);
    case SIZE:
        return a_number_of_things();
    default:
        return pick(3) ? pick(16) : pick(2) ? number() : filled_memory();
    }
}

static void limit(word what, word most)
{
    word two[2] = {most, most};
    call(SYS_PRLIMIT, 0, what, (word)two, 0);
}

static void own_files(void)
{
    word two[2];
    call(SYS_OPENAT, -100ul, (word) "f", 02 | 0100, 0666);
    call(SYS_OPENAT, -100ul, (word) "d", 0200000, 0);
    call(SYS_PIPE2, (word)two, 04000, 0, 0);
    call(SYS_OPENAT, -100ul, (word) "/dev/zero", 2, 0);
    call(SYS_OPENAT, -100ul, (word) "/dev/ptmx", 02 | 0400 | 04000, 0);
    call(SYS_EPOLL_CREATE, 0, 0, 0, 0);
    call(SYS_EVENTFD, 0, 04000, 0, 0);
    call(SYS_TIMERFD, 1, 04000, 0, 0);
    call(SYS_MEMFD, (word) "m", 2, 0, 0);
    call(SYS_OPENAT, -100ul, (word) "/proc/self/fd", 0200000, 0);
    call(SYS_OPENAT, -100ul, (word) "f", 010000000, 0);
}

// As at first, whatever the calls did to it.
static void own_arena(void)
{
    call6(SYS_MMAP, (word[6]){(word)arena, ARENA_PAGES * PAGE, 3, 0x32, -1ul, 0});
    call(SYS_MPROTECT, (word)arena + (ARENA_PAGES - 2) * PAGE, PAGE, 1, 0);
    call(SYS_MPROTECT, (word)arena + (ARENA_PAGES - 1) * PAGE, PAGE, 0, 0);
}

[[noreturn]] static void child(bool root)
{
    call(SYS_SETSID, 0, 0, 0, 0);
    long null = call(SYS_OPENAT, -100ul, (word) "/dev/null", 2, 0);
    for (word i = 0; i < 3; i++)
        call(SYS_DUP3, (word)null, i, 0, 0);
    limit(1, 4 << 20);   // file size
    limit(4, 0);         // no core
    limit(9, 512 << 20); // address space
    limit(7, 64);        // descriptors
    if (root) {
        call(SYS_UNSHARE, 0x20000, 0, 0, 0);
        call5(SYS_MOUNT, 0, (word) "/", 0, 0x44000, 0);
    } else {
        limit(6, 20); // processes
        call(SYS_SETGROUPS, 0, 0, 0, 0);
        call(SYS_SETGID, USER, 0, 0, 0);
        call(SYS_SETUID, USER, 0, 0, 0);
    }
    own_files();
    own_pid = (word)call(172, 0, 0, 0, 0);
    for (word i = 1; i <= 64; i++) // most would end it
        call(SYS_SIGACTION, i, (word)(const word[4]){1}, 0, 8);
    arena = (char *)call6(SYS_MMAP, (word[6]){0, ARENA_PAGES * PAGE, 3, 0x22, -1ul, 0});
    for (word i = 0; i < CALLS; i++) {
        const struct fuzz_call *c = &calls[pick(COUNT_OF(calls))];
        word a[6];
        own_arena();
        for (word k = 0; k < 6; k++)
            a[k] = argument(c->kind[k], c->set[k]);
        if (root ? !c->as_root : c->sends && pick(20))
            continue;
        call6(c->number, a);
    }
    call(SYS_EXIT_GROUP, 0, 0, 0, 0);
    __builtin_trap();
}

static long fork_(void)
{
    return call5(SYS_CLONE, SIGCHLD, 0, 0, 0, 0);
}

// Kills what the last child left, and waits for all of it. A user's child kills the user's others.
static void clean(bool root)
{
    word limits[2] = {-1ul, -1ul};
    if (!root) {
        long p = fork_();
        if (p == 0) {
            call(SYS_PRLIMIT, 0, 6, (word)limits, 0);
            call(SYS_SETUID, USER, 0, 0, 0);
            call(SYS_KILL, -1ul, SIGKILL, 0, 0);
            call(SYS_EXIT_GROUP, 0, 0, 0, 0);
        }
    }
    while (call(SYS_WAIT4, -1ul, 0, 0x40000000, 0) > 0)
        ;
}

static word parse(const char *s)
{
    word v = 0;
    while (*s >= '0' && *s <= '9')
        v = v * 10 + (word)(*s++ - '0');
    return v;
}

[[noreturn]] void start(const word *stack)
{
    const char *const *argv = (const char *const *)(stack + 1);
    word seed = stack[0] > 1 ? parse(argv[1]) : 1, count = stack[0] > 2 ? parse(argv[2]) : 100;
    bool root = stack[0] > 3 && argv[3][0] == 'r';
    word first = stack[0] > 4 ? parse(argv[4]) : 0;
    word mask = 1ul << (SIGCHLD - 1), moment[2] = {0, 250'000'000}, killed = 0, crashed = 0;
    call(SYS_SIGPROCMASK, 0, (word)&mask, 0, 8);
    call(SYS_PRCTL, 36, 1, 0, 0); // orphans become ours
    call(SYS_MKDIRAT, -100ul, (word) "d", 0777, 0);
    call(SYS_MKDIRAT, -100ul, (word) "w", 0777, 0);
    call(SYS_SYMLINKAT, (word) "loop", -100ul, (word) "loop", 0);
    call(SYS_SYMLINKAT, (word) "f", -100ul, (word) "link", 0);
    for (word i = first; i < first + count; i++) {
        state = (seed * 1000003 + i) * 0x9E3779B97F4A7C15 | 1;
        for (int k = 0; k < 5; k++)
            draw();
        long p = fork_();
        if (p == 0)
            child(root);
        if (p < 0) {
            put("no child: ");
            put_number(p);
            put("\n");
            break;
        }
        int status = 0;
        long got;
        while ((got = call(SYS_WAIT4, (word)p, (word)&status, 1, 0)) == 0) {
            if (call(SYS_SIGTIMEDWAIT, (word)&mask, 0, (word)moment, 8) == -11) {
                killed++;
                call(SYS_KILL, (word)p, SIGKILL, 0, 0);
                got = call(SYS_WAIT4, (word)p, (word)&status, 0x40000000, 0);
                break;
            }
        }
        crashed += got == p && (status & 0x7f) != 0 && (status & 0x7f) != SIGKILL;
        clean(root);
    }
    put_number((long)count);
    put(" processes, ");
    put_number((long)killed);
    put(" ended late, ");
    put_number((long)crashed);
    put(" by a signal\n");
    call(SYS_EXIT_GROUP, 0, 0, 0, 0);
    __builtin_trap();
}
