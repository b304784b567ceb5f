// Drawing random calls: shared by the fuzzing programs of this folder, which include the table of
// their ABI's calls (harness/fuzzcalls.py) before FUZZ_TABLE is used. Names of kinds are the
// table's.
#pragma once
#include "start.h"

enum { CALLS = 300, ARENA_PAGES = 8, PAGE = 4096, FAIL_FD = 60 };
#ifndef NULL
#define NULL ((void *)0)
#endif
enum kind { NUMBERS, FDS, PATHS, PIDS, SIGNALS, MEMORY, SET, SIZE };

struct fuzz_call {
    const char *name;
    long number;
    bool as_root;
    bool sends; // perhaps the signal that ends the program
    enum kind kind[6];
    const word *set[6]; // count, then values
};
#include FUZZ_TABLE
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
    return machine_call(n, a[0], a[1], a[2], a[3], a[4], a[5]);
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

static long failing = -1; // descriptor of this process's fail-nth

static long write_call(long fd, const char *s, word n);

// One of the next allocations made for this process fails, now and then.
static void perhaps_fail(void)
{
    char digits[3] = {(char)('0' + pick(3)), (char)('0' + pick(10)), 10};
    if (failing >= 0 && pick(2))
        write_call(failing, digits, sizeof(digits));
}

static void random_call(bool root)
{
    const struct fuzz_call *c = &calls[pick(COUNT_OF(calls))];
    word a[6];
    for (word k = 0; k < 6; k++)
        a[k] = argument(c->kind[k], c->set[k]);
    perhaps_fail();
    if (root ? c->as_root : !c->sends || !pick(20))
        call6(c->number, a);
}

static word parse(const char *s)
{
    word v = 0;
    while (*s >= '0' && *s <= '9')
        v = v * 10 + (word)(*s++ - '0');
    return v;
}
