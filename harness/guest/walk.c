// walk: a handle with fewer rights goes from program to program, and each tries to get back what
// was taken away. One program for the Linux, xv6 and native ABI (-DABI_...).
//
//   walk open SEED STEPS       opens an unlinked file at 3 (Linux, xv6: read-only; native:
//   narrowed) walk SEED STEPS RIGHTS     has RIGHTS (native numbers) at 3
//
// Every step checks that what is left works and that what was taken away fails in each way that the
// ABI has, then does something by chance: copies, forks, sends itself the handle, narrows it more,
// or executes the program of another ABI. The last one prints "end". A failure prints "GAINED" or
// "LOST" with the way.
#include "machine.h"

typedef unsigned long u64;
typedef unsigned u32;

enum {
    READ = 1,
    WRITE = 2,
    SEEK = 8,
    MAP = 16,
    CONTROL = 32,
    METADATA = 64,
    DUPLICATE = 1024,
    TRANSFER = 2048,
    REOPEN = 32768
};
// What a file opened for reading has.
enum {
    OPENED =
        READ | 4 | SEEK | MAP | CONTROL | METADATA | DUPLICATE | TRANSFER | 4096 | 8192 | REOPEN
};
enum { H = 3, SPARE = 9 };

#define CALL(nr, a, b, c, d, e, f)                                                                 \
    MACHINE_CALL(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))

static long write_(int h, const void *p, u64 n);
static void quit(int code);

static u32 seed, mask;
static char *const *environment;
static int bad;

static u64 length(const char *s)
{
    u64 n = 0;
    while (s[n])
        n++;
    return n;
}
static void say(const char *s)
{
    (void)write_(1, s, length(s));
}
static u32 chance(u32 n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}
static char *text_of(u32 v, char *end)
{
    *--end = 0;
    do
        *--end = (char)('0' + v % 10);
    while (v /= 10);
    return end;
}
static u32 number_of(const char *s)
{
    u32 n = 0;
    while (*s)
        n = n * 10 + (u32)(*s++ - '0');
    return n;
}

static const char *const abis[] = {"/tmp/walk-linux", "/tmp/walk-xv6", "/tmp/walk-native"};
#ifdef ABI_XV6
static const char me[] = "xv6";
#elifdef ABI_NATIVE
static const char me[] = "native";
#else
static const char me[] = "linux";
#endif

// `r`: the result of a way that needs the rights `needs`.
static void expect(u32 needs, long r, const char *way)
{
    bool may = (mask & needs) == needs;
    if (may == (r >= 0))
        return;
    say(may ? "LOST " : "GAINED ");
    say(me);
    say(" ");
    say(way);
    say("\n");
    bad = 1;
}
// Of a way that leads over the place: with REOPEN the file's permissions decide.
static void expect_over_place(u32 needs, long r, const char *way)
{
    if (!(mask & REOPEN) && (mask & needs) != needs)
        expect(needs, r, way);
}
static char own_name[40];
static const char *place(int h)
{
    char digits[12];
    const char *front = "/proc/self/fd/";
    char *p = own_name;
    while (*front)
        *p++ = *front++;
    for (const char *d = text_of((u32)h, digits + sizeof(digits)); (*p++ = *d++);)
        ;
    return own_name;
}
static void become(const char *path, u32 steps);

#ifdef ABI_XV6
enum {
    NR_FORK = 1,
    NR_EXIT = 2,
    NR_WAIT = 3,
    NR_READ = 5,
    NR_EXEC = 7,
    NR_FSTAT = 8,
    NR_DUP = 10,
    NR_OPEN = 15,
    NR_WRITE = 16,
    NR_UNLINK = 18,
    NR_CLOSE = 21
};
static long write_(int h, const void *p, u64 n)
{
    return CALL(NR_WRITE, h, p, n, 0, 0, 0);
}
static void quit(int code)
{
    (void)CALL(NR_EXIT, code, 0, 0, 0, 0, 0);
}
static void start_file(void)
{
    long w = CALL(NR_OPEN, "/tmp/walk-file", 0x202, 0, 0, 0, 0);
    (void)write_((int)w, "0123456789", 10);
    (void)CALL(NR_CLOSE, w, 0, 0, 0, 0, 0);
    (void)CALL(NR_OPEN, "/tmp/walk-file", 0, 0, 0, 0, 0);
    (void)CALL(NR_UNLINK, "/tmp/walk-file", 0, 0, 0, 0, 0);
    mask = OPENED;
}
static void attempts(void)
{
    char c = 'x', st[24];
    expect(READ, CALL(NR_READ, H, &c, 1, 0, 0, 0), "read");
    expect(WRITE, write_(H, &c, 1), "write");
    expect(METADATA, CALL(NR_FSTAT, H, st, 0, 0, 0, 0), "fstat");
    long h = CALL(NR_OPEN, place(H), 2, 0, 0, 0, 0);
    expect_over_place(WRITE, h, "open");
    if (h >= 0)
        (void)CALL(NR_CLOSE, h, 0, 0, 0, 0, 0);
}
static long copy(void) // at the lowest free slot, then back
{
    long d = CALL(NR_DUP, H, 0, 0, 0, 0, 0);
    if (d < 0)
        return d;
    (void)CALL(NR_CLOSE, H, 0, 0, 0, 0, 0);
    long r = CALL(NR_DUP, d, 0, 0, 0, 0, 0);
    (void)CALL(NR_CLOSE, d, 0, 0, 0, 0, 0);
    return r == H ? 0 : -1;
}
static bool continue_in_child(void)
{
    if (CALL(NR_FORK, 0, 0, 0, 0, 0, 0) == 0)
        return true;
    (void)CALL(NR_WAIT, 0, 0, 0, 0, 0, 0);
    quit(0);
    return false;
}
static void special(u32 steps)
{
    (void)steps;
}
static long execute(const char *path, char *const *argv)
{
    return CALL(NR_EXEC, path, argv, 0, 0, 0, 0);
}

#elifdef ABI_NATIVE
#include <scarlet_consts.h>
static long write_(int h, const void *p, u64 n)
{
    return CALL(SCARLET_SYS_write, h, p, n, 0, 0, 0);
}
static void quit(int code)
{
    (void)CALL(SCARLET_SYS_exit, code, 0, 0, 0, 0, 0);
}
static void close_(long h)
{
    (void)CALL(SCARLET_SYS_close, h, 0, 0, 0, 0, 0);
}
static void narrow(u32 keep)
{
    (void)CALL(SCARLET_SYS_handle_restrict, H, mask & keep, 0, 0, 0, 0);
    mask = mask & ~keep ? mask & keep & ~REOPEN : mask;
}
static void start_file(void)
{
    long h = CALL(SCARLET_SYS_open, "/tmp/walk-file",
                  SCARLET_OPEN_READ | SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE, 0600, 0, 0, 0);
    struct {
        u32 type, capabilities, rights, role, flags, pad;
        u64 pending, capacity;
    } info;
    (void)write_((int)h, "0123456789", 10);
    (void)CALL(SCARLET_SYS_remove, "/tmp/walk-file", 0, 0, 0, 0, 0);
    (void)CALL(SCARLET_SYS_query, h, &info, 0, 0, 0, 0);
    mask = info.rights;
    static const u32 taken[] = {WRITE,        WRITE | MAP, READ,           READ | WRITE,
                                SEEK | WRITE, METADATA,    CONTROL | WRITE};
    narrow(~taken[chance(sizeof(taken) / sizeof(taken[0]))]);
}
static void attempts(void)
{
    char c = 'x', facts[96];
    expect(READ, CALL(SCARLET_SYS_read, H, &c, 1, 0, 0, 0), "read");
    expect(WRITE, write_(H, &c, 1), "write");
    expect(READ | SEEK, CALL(SCARLET_SYS_read_at, H, &c, 1, 0, 0, 0), "read_at");
    expect(WRITE | SEEK, CALL(SCARLET_SYS_write_at, H, &c, 1, 0, 0, 0), "write_at");
    expect(WRITE, CALL(SCARLET_SYS_truncate, H, 10, 0, 0, 0, 0), "truncate");
    expect(SEEK, CALL(SCARLET_SYS_seek, H, 0, 0, 0, 0, 0), "seek");
    expect(METADATA, CALL(SCARLET_SYS_metadata_get, H, facts, 0, 0, 0, 0), "metadata_get");
    expect(READ | MAP, CALL(SCARLET_SYS_map, H, 0, 4096, 1, 0, 0), "map");
    expect(READ | WRITE | MAP, CALL(SCARLET_SYS_map, H, 0, 4096, 3, SCARLET_MAP_SHARED, 0),
           "map shared");
    long at = CALL(SCARLET_SYS_map, H, 0, 4096, 1, SCARLET_MAP_SHARED, 0);
    if (at >= 0)
        expect(WRITE, CALL(SCARLET_SYS_protect, at, 4096, 3, 0, 0, 0), "protect");
    for (u32 bit = 1; bit <= REOPEN; bit *= 2) {
        if (mask & bit)
            continue;
        expect(bit, CALL(SCARLET_SYS_duplicate_to, H, mask | bit, SPARE, 0, 0, 0), "duplicate_to");
        expect(bit, CALL(SCARLET_SYS_handle_restrict, H, mask | bit, 0, 0, 0, 0),
               "handle_restrict");
    }
    long h = CALL(SCARLET_SYS_open, place(H), SCARLET_OPEN_READ | SCARLET_OPEN_WRITE, 0, 0, 0, 0);
    expect_over_place(READ | WRITE, h, "open");
    if (h >= 0)
        close_(h);
    h = CALL(SCARLET_SYS_open, place(H), SCARLET_OPEN_PLACE, 0, 0, 0, 0);
    if (h >= 0) {
        long again = CALL(SCARLET_SYS_open, place((int)h), SCARLET_OPEN_READ | SCARLET_OPEN_WRITE,
                          0, 0, 0, 0);
        expect_over_place(READ | WRITE, again, "open place");
        close_(again);
        close_(h);
    }
    expect_over_place(
        REOPEN,
        CALL(SCARLET_SYS_link, H, "", SCARLET_HERE, "/tmp/walk-back", SCARLET_EMPTY_PATH, 0),
        "link");
    expect_over_place(
        REOPEN,
        CALL(SCARLET_SYS_link, SCARLET_HERE, place(H), SCARLET_HERE, "/tmp/walk-back", 0, 0),
        "link place");
    expect_over_place(WRITE, CALL(SCARLET_SYS_truncate_path, place(H), 0, 0, 0, 0, 0),
                      "truncate place");
}
static long copy(void)
{
    long d = CALL(SCARLET_SYS_duplicate, H, 0, 0, 0, 0, 0);
    if (d < 0)
        return d;
    long r = CALL(SCARLET_SYS_duplicate_to, d, SCARLET_SAME_RIGHTS, H, 0, 0, 0);
    close_(d);
    return r;
}
static bool continue_in_child(void)
{
    long pid = CALL(SCARLET_SYS_clone, 0, 0, 0, 0, 0, 0);
    if (pid == 0)
        return true;
    (void)CALL(SCARLET_SYS_waitpid, pid, 0, 0, 0, 0, 0);
    quit(0);
    return false;
}
static void through_channel(void)
{
    int ends[2], moved = H, got;
    u32 result[2];
    char c;
    (void)CALL(SCARLET_SYS_channel_create, ends, 0, 0, 0, 0, 0);
    expect(TRANSFER, CALL(SCARLET_SYS_channel_send, ends[0], "x", 1, &moved, 1, 0), "channel_send");
    if (mask & TRANSFER &&
        CALL(SCARLET_SYS_channel_receive, ends[1], &c, 1, &got, 1, result) >= 0 && got != H) {
        expect(DUPLICATE, CALL(SCARLET_SYS_duplicate_to, got, SCARLET_SAME_RIGHTS, H, 0, 0, 0),
               "back");
        close_(got);
    }
    close_(ends[0]);
    close_(ends[1]);
}
static void new_task(u32 steps) // with fewer rights still
{
    char a[12], b[12], c[12];
    static const u32 taken[] = {WRITE, READ, CONTROL, METADATA, SEEK, MAP};
    u32 keep = mask & ~taken[chance(6)], pass = mask & ~keep ? keep & ~REOPEN : mask;
    const char *path = abis[chance(3)];
    char *argv[] = {(char *)path, text_of(seed, a + 12), text_of(steps, b + 12),
                    text_of(pass, c + 12), 0};
    const struct {
        int handle, slot;
        u32 rights, flags;
    } handle = {H, H, keep, 0};
    const struct {
        const void *path, *argv, *envp, *abi, *directory, *handles;
        u32 count;
        int view;
        u32 flags, group;
        int environment;
        u32 pad;
    } request = {path, argv, environment, 0, 0, &handle, 1, -1, SCARLET_SPAWN_STANDARD, 0, -1, 0};
    long t = CALL(SCARLET_SYS_spawn, &request, 0, 0, 0, 0, 0);
    expect(TRANSFER, t, "spawn");
    if (t < 0)
        return;
    (void)CALL(SCARLET_SYS_task_wait, t, 0, SCARLET_FOREVER, 0, 0, 0);
    quit(bad);
}
static void special(u32 steps)
{
    switch (chance(3)) {
    case 0:
        if (mask & DUPLICATE)
            through_channel();
        break;
    case 1:
        narrow(~(1u << chance(7)));
        break;
    default:
        new_task(steps);
    }
}
static long execute(const char *path, char *const *argv)
{
    return CALL(SCARLET_SYS_execve, path, argv, environment, 0, 0, 0);
}

#else
#include <linux_numbers_user.h>
enum { CWD = -100, PATH = 010000000 };
static long write_(int h, const void *p, u64 n)
{
    return CALL(SYS_write, h, p, n, 0, 0, 0);
}
static void quit(int code)
{
    (void)CALL(SYS_exit_group, code, 0, 0, 0, 0, 0);
}
static void close_(long h)
{
    (void)CALL(SYS_close, h, 0, 0, 0, 0, 0);
}
static long open_(const char *path, int flags)
{
    return CALL(SYS_openat, CWD, path, flags, 0600, 0, 0);
}
// mmap answers an address, which may look negative to nobody: it lies in the lower half.
static void start_file(void)
{
    long w = open_("/tmp/walk-file", 0102);
    (void)write_((int)w, "0123456789", 10);
    close_(w);
    (void)open_("/tmp/walk-file", 0);
    (void)CALL(SYS_unlinkat, CWD, "/tmp/walk-file", 0, 0, 0, 0);
    mask = OPENED;
}
static void attempts(void)
{
    static char st[256];
    char c = 'x';
    expect(READ, CALL(SYS_read, H, &c, 1, 0, 0, 0), "read");
    expect(WRITE, write_(H, &c, 1), "write");
    expect(READ | SEEK, CALL(SYS_pread64, H, &c, 1, 0, 0, 0), "pread");
    expect(WRITE | SEEK, CALL(SYS_pwrite64, H, &c, 1, 0, 0, 0), "pwrite");
    expect(WRITE, CALL(SYS_ftruncate, H, 10, 0, 0, 0, 0), "ftruncate");
    expect(WRITE, CALL(SYS_fallocate, H, 0, 0, 10, 0, 0), "fallocate");
    expect(SEEK, CALL(SYS_lseek, H, 0, 0, 0, 0, 0), "lseek");
    expect(METADATA, CALL(SYS_fstat, H, st, 0, 0, 0, 0), "fstat");
    expect(METADATA | CONTROL, CALL(SYS_fchmod, H, 0600, 0, 0, 0, 0), "fchmod");
    expect(READ | MAP, CALL(SYS_mmap, 0, 4096, 1, 2, H, 0), "mmap private");
    expect(READ | WRITE | MAP, CALL(SYS_mmap, 0, 4096, 3, 1, H, 0), "mmap shared");
    long at = CALL(SYS_mmap, 0, 4096, 1, 1, H, 0);
    if (at >= 0)
        expect(WRITE, CALL(SYS_mprotect, at, 4096, 3, 0, 0, 0), "mprotect");
    static const struct {
        int flags;
        u32 needs;
        const char *way;
    } opens[] = {{0, READ, "open"},
                 {1, WRITE, "open to write"},
                 {2, READ | WRITE, "open for both"},
                 {01001, WRITE, "open to truncate"}};
    for (u32 i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        long h = open_(place(H), opens[i].flags);
        expect_over_place(opens[i].needs, h, opens[i].way);
        close_(h);
        long p = open_(place(H), PATH);
        if (p < 0)
            continue;
        h = open_(place((int)p), opens[i].flags);
        expect_over_place(opens[i].needs, h, "open place");
        close_(h);
        close_(p);
    }
    expect_over_place(WRITE, CALL(SYS_truncate, place(H), 0, 0, 0, 0, 0), "truncate place");
    expect_over_place(REOPEN, CALL(SYS_linkat, H, "", CWD, "/tmp/walk-back", 0x1000, 0), "linkat");
    expect_over_place(REOPEN, CALL(SYS_linkat, CWD, place(H), CWD, "/tmp/walk-back", 0x400, 0),
                      "linkat place");
    expect_over_place(REOPEN, CALL(SYS_execveat, H, "", 0, 0, 0x1000, 0), "execveat");
}
static long copy(void)
{
    long d = chance(2) ? CALL(SYS_dup, H, 0, 0, 0, 0, 0) : CALL(SYS_fcntl, H, 0, 5, 0, 0, 0);
    if (d < 0)
        return d;
    long r = CALL(SYS_dup3, d, H, 0, 0, 0, 0);
    close_(d);
    return r;
}
static bool continue_in_child(void)
{
    long pid = CALL(SYS_clone, 17, 0, 0, 0, 0, 0);
    if (pid == 0)
        return true;
    (void)CALL(SYS_wait4, pid, 0, 0, 0, 0, 0);
    quit(0);
    return false;
}
static void special(u32 steps)
{
    (void)steps;
    (void)CALL(SYS_fcntl, H, 4, 02, 0, 0, 0); // F_SETFL with an access mode, which changes nothing
}
static long execute(const char *path, char *const *argv)
{
    return CALL(SYS_execve, path, argv, environment, 0, 0, 0);
}
#endif

static void become(const char *path, u32 steps)
{
    char a[12], b[12], c[12];
    char *argv[] = {(char *)path, text_of(seed, a + 12), text_of(steps, b + 12),
                    text_of(mask, c + 12), 0};
    (void)execute(path, argv);
    say("cannot execute\n");
    quit(1);
}

[[gnu::used]] static void run(u64 argc, char **argv)
{
    environment = argv + argc + 1;
    bool opens = argc == 4 && argv[1][0] == 'o';
    if (argc != 4)
        quit(2);
    seed = number_of(argv[opens ? 2 : 1]);
    u32 steps = number_of(argv[opens ? 3 : 2]);
    if (opens)
        start_file();
    else
        mask = number_of(argv[3]);
    for (; steps && !bad; steps--) {
        attempts();
        switch (chance(4)) {
        case 0:
            expect(DUPLICATE, copy(), "copy");
            break;
        case 1:
            (void)continue_in_child();
            break;
        case 2:
            special(steps - 1);
            break;
        default:
            become(abis[chance(3)], steps - 1);
        }
    }
    attempts();
    say(bad ? "bad\n" : "end\n");
    quit(bad);
    for (;;)
        ;
}

#if defined(ABI_XV6) || defined(ABI_NATIVE)
ENTRY_REGISTERS(run);
#else
[[gnu::used]] static void begin(u64 *stack)
{
    run(stack[0], (char **)(stack + 1));
}
ENTRY(begin);
#endif
