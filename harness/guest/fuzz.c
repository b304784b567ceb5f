// fuzz SEED COUNT [user|root [FIRST [PROGRAM|-]]]: COUNT processes from number FIRST on, each
// making random calls of the tables with valid and hostile values, itself or in PROGRAM (of another
// ABI). The kernel must stay whole; what the calls answer does not matter.
//
// Each process is a child in a session of its own, with limits on memory, files and processes; as
// an ordinary user, or as root in a mount namespace of its own without the calls that reach others.
// It is killed after a quarter of a second without an end, then whoever it left behind. One line
// tells how it went. With FAILING=1 in the environment some allocations made for it fail
// (/proc/self/fail-nth).
#define FUZZ_TABLE "fuzz_table.h"
#include "fuzz.h"

enum { SIGCHLD = 17, SIGKILL = 9, USER = 1000 };
static long write_call(long fd, const char *s, word n)
{
    return call(SYS_pwrite64, (word)fd, (word)s, n, 0);
}

static long call5(long n, word a, word b, word c, word d, word e)
{
    return call6(n, (word[6]){a, b, c, d, e, 0});
}

static void limit(word what, word most)
{
    word two[2] = {most, most};
    call(SYS_prlimit64, 0, what, (word)two, 0);
}

static void own_files(void)
{
    word two[2];
    call(SYS_openat, -100ul, (word) "f", 02 | 0100, 0666);
    call(SYS_openat, -100ul, (word) "d", 0200000, 0);
    call(SYS_pipe2, (word)two, 04000, 0, 0);
    call(SYS_openat, -100ul, (word) "/dev/zero", 2, 0);
    call(SYS_openat, -100ul, (word) "/dev/ptmx", 02 | 0400 | 04000, 0);
    call(SYS_epoll_create1, 0, 0, 0, 0);
    call(SYS_eventfd2, 0, 04000, 0, 0);
    call(SYS_timerfd_create, 1, 04000, 0, 0);
    call(SYS_memfd_create, (word) "m", 2, 0, 0);
    call(SYS_openat, -100ul, (word) "/proc/self/fd", 0200000, 0);
    call(SYS_openat, -100ul, (word) "f", 010000000, 0);
}

// As at first, whatever the calls did to it.
static void own_arena(void)
{
    call6(SYS_mmap, (word[6]){(word)arena, ARENA_PAGES * PAGE, 3, 0x32, -1ul, 0});
    call(SYS_mprotect, (word)arena + (ARENA_PAGES - 2) * PAGE, PAGE, 1, 0);
    call(SYS_mprotect, (word)arena + (ARENA_PAGES - 1) * PAGE, PAGE, 0, 0);
}

[[noreturn]] static void child(bool root, const char *other, bool fail)
{
    call(SYS_setsid, 0, 0, 0, 0);
    long null = call(SYS_openat, -100ul, (word) "/dev/null", 2, 0);
    for (word i = 0; i < 3; i++)
        call(SYS_dup3, (word)null, i, 0, 0);
    limit(1, 4 << 20);   // file size
    limit(4, 0);         // no core
    limit(9, 512 << 20); // address space
    limit(7, 64);        // descriptors
    if (fail)            // while that is allowed, and where no random call is likely to close it
        failing = call(SYS_dup3,
                       (word)call(SYS_openat, -100ul, (word) "/proc/self/fail-nth", 02002000, 0),
                       FAIL_FD, 0, 0);
    if (root) {
        call(SYS_unshare, 0x20000, 0, 0, 0);
        call5(SYS_mount, 0, (word) "/", 0, 0x44000, 0);
    } else {
        limit(6, 20); // processes
        call(SYS_setgroups, 0, 0, 0, 0);
        call(SYS_setgid, USER, 0, 0, 0);
        call(SYS_setuid, USER, 0, 0, 0);
    }
    own_files();
    if (other) { // it goes on there
        static char seed[24];
        char *d = seed + sizeof(seed) - 1;
        for (word v = state; v; v /= 10)
            *--d = (char)('0' + v % 10);
        const char *args[] = {other, d, root ? "root" : "user", fail ? "fail" : NULL, NULL};
        call(SYS_execve, (word)other, (word)args, (word)(args + 4), 0);
        call(SYS_exit_group, 1, 0, 0, 0);
    }
    own_pid = (word)call(SYS_getpid, 0, 0, 0, 0);
    for (word i = 1; i <= 64; i++) // most would end it
        call(SYS_rt_sigaction, i, (word)(const word[4]){1}, 0, 8);
    arena = (char *)call6(SYS_mmap, (word[6]){0, ARENA_PAGES * PAGE, 3, 0x22, -1ul, 0});
    for (word i = 0; i < CALLS; i++) {
        own_arena();
        random_call(root);
    }
    call(SYS_exit_group, 0, 0, 0, 0);
    __builtin_trap();
}

static long fork_(void)
{
    return call5(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

// Kills what the last child left, and waits for all of it. A user's child kills the user's others.
static void clean(bool root)
{
    word limits[2] = {-1ul, -1ul};
    if (!root) {
        long p = fork_();
        if (p == 0) {
            call(SYS_prlimit64, 0, 6, (word)limits, 0);
            call(SYS_setuid, USER, 0, 0, 0);
            call(SYS_kill, -1ul, SIGKILL, 0, 0);
            call(SYS_exit_group, 0, 0, 0, 0);
        }
    }
    while (call(SYS_wait4, -1ul, 0, 0x40000000, 0) > 0)
        ;
}

[[noreturn]] void start(const word *stack)
{
    const char *const *argv = (const char *const *)(stack + 1);
    word seed = stack[0] > 1 ? parse(argv[1]) : 1, count = stack[0] > 2 ? parse(argv[2]) : 100;
    bool root = stack[0] > 3 && argv[3][0] == 'r';
    word first = stack[0] > 4 ? parse(argv[4]) : 0;
    const char *other = stack[0] > 5 && argv[5][0] != '-' ? argv[5] : NULL;
    bool fail = false;
    for (const char *const *e = argv + stack[0] + 1; *e; e++)
        fail |= e[0][0] == 'F' && e[0][1] == 'A' && e[0][6] == 'G' && e[0][7] == '=';
    word mask = 1ul << (SIGCHLD - 1), moment[2] = {0, 250'000'000}, killed = 0, crashed = 0;
    call(SYS_rt_sigprocmask, 0, (word)&mask, 0, 8);
    call(SYS_prctl, 36, 1, 0, 0); // orphans become ours
    call(SYS_mkdirat, -100ul, (word) "d", 0777, 0);
    call(SYS_mkdirat, -100ul, (word) "w", 0777, 0);
    call(SYS_symlinkat, (word) "loop", -100ul, (word) "loop", 0);
    call(SYS_symlinkat, (word) "f", -100ul, (word) "link", 0);
    for (word i = first; i < first + count; i++) {
        state = (seed * 1000003 + i) * 0x9E3779B97F4A7C15 | 1;
        for (int k = 0; k < 5; k++)
            draw();
        long p = fork_();
        if (p == 0)
            child(root, other, fail);
        if (p < 0) {
            put("no child: ");
            put_number(p);
            put("\n");
            break;
        }
        int status = 0;
        long got;
        while ((got = call(SYS_wait4, (word)p, (word)&status, 1, 0)) == 0) {
            if (call(SYS_rt_sigtimedwait, (word)&mask, 0, (word)moment, 8) == -11) {
                killed++;
                call(SYS_kill, (word)p, SIGKILL, 0, 0);
                got = call(SYS_wait4, (word)p, (word)&status, 0x40000000, 0);
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
    call(SYS_exit_group, 0, 0, 0, 0);
    __builtin_trap();
}
