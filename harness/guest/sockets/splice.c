// splice, tee and vmsplice: which ends they take, positions, what is there and what has room.
#include "sockets.h"

enum { MOVE = 1, NOWAIT = 2, MORE = 4, GIFT = 8 };
enum { APPEND = 02000, DIRECT = 040000, WRONLY = 1, TRUNC = 01000, F_SETPIPE_SZ = 1031 };
enum { PAGE = 4096, BIG = 20 * PAGE };
static char block[BIG] __attribute__((aligned(PAGE)));

static void pipes(int fd[2], int flags)
{
    (void)CALL(pipe2, fd, flags);
}
static int opened(const char *name, int flags)
{
    long fd = CALL(openat, HERE, name, flags, 0644);
    if (fd < 0)
        say("open %s: %r", name, fd);
    return (int)fd;
}
static void pattern(char *to, u64 n, u32 seed)
{
    for (u64 i = 0; i < n; i++)
        to[i] = (char)('a' + (i / 7 + i / PAGE + seed) % 26);
}
static int waiting(int fd)
{
    int n = -1;
    (void)CALL(ioctl, fd, FIONREAD, &n);
    return n;
}
static long splice(int in, void *at_in, int out, void *at_out, u64 n, u32 flags)
{
    return CALL(splice, in, at_in, out, at_out, n, flags);
}
// Reads what a pipe has, and says so if it is short.
static void tell_pipe(const char *name, int fd)
{
    static char text[200];
    if (!waiting(fd)) {
        say("%s: nothing", name);
        return;
    }
    long r = get(fd, text, sizeof(text));
    say("%s: %r %q", name, r, text, r);
}
static void shut2(int fd[2])
{
    shut(fd[0]), shut(fd[1]);
}

void part_splice_errors(void)
{
    int p[2], q[2], file, place, directory = opened(".", 0), event = (int)CALL(eventfd2, 1, 0);
    long at = 0, wrong = -1;
    pipes(p, 0), pipes(q, 0);
    file = opened("f", CREAT | RDWR | TRUNC);
    (void)put_text(file, "text");
    place = opened("f", O_PATH);
    (void)put_text(p[1], "pipe");
    say("no length: %r %r %r", splice(-1, NOWHERE, -1, NOWHERE, 0, 0), splice(-1, 0, -1, 0, 0, 99),
        CALL(tee, -1, -1, 0, 0));
    say("flags: %r %r %r %r", splice(-1, 0, -1, 0, 1, 16), CALL(tee, -1, -1, 0, 16),
        CALL(tee, -1, -1, 1, 32), CALL(vmsplice, -1, NOWHERE, 1, 16));
    say("no descriptor: %r %r %r %r %r", splice(-1, 0, q[1], 0, 1, 0), splice(p[0], 0, -1, 0, 1, 0),
        CALL(tee, -1, q[1], 1, 0), CALL(tee, p[0], 99, 1, 0), CALL(vmsplice, -1, NOWHERE, 1, 0));
    say("only a place: %r %r %r %r", splice(place, 0, q[1], 0, 1, 0),
        splice(p[0], 0, place, 0, 1, 0), CALL(tee, place, q[1], 1, 0),
        CALL(vmsplice, place, NOWHERE, 0, 0));
    say("wrong ends: %r %r %r %r %r", splice(p[1], 0, q[1], 0, 1, 0),
        splice(p[0], 0, q[0], 0, 1, 0), splice(p[1], 0, file, 0, 1, 0), CALL(tee, p[1], q[1], 1, 0),
        CALL(tee, p[0], q[0], 1, 0));
    say("no pipe: %r %r %r %r", splice(file, 0, file, 0, 1, 0), CALL(tee, file, q[1], 1, 0),
        CALL(tee, p[0], file, 1, 0), CALL(tee, file, file, 1, 0));
    say("to itself: %r %r %r", splice(p[0], 0, p[1], 0, 1, 0), CALL(tee, p[0], p[1], 1, 0),
        splice(p[0], 0, p[1], 0, -1UL, 0));
    say("position of a pipe: %r %r %r %r", splice(p[0], &at, q[1], 0, 1, 0),
        splice(p[0], 0, q[1], &at, 1, 0), splice(p[0], NOWHERE, file, NOWHERE, 1, 0),
        splice(file, NOWHERE, q[1], NOWHERE, 1, 0));
    say("position nowhere: %r %r %r %r", splice(p[0], 0, file, NOWHERE, 1, 0),
        splice(file, NOWHERE, q[1], 0, 1, 0), splice(p[1], 0, file, NOWHERE, 1, 0),
        splice(file, &wrong, file, NOWHERE, 1, 0));
    say("position negative: %r %r", splice(p[0], 0, file, &wrong, 1, 0),
        splice(file, &wrong, q[1], 0, 1, 0));
    at = (long)(~0UL >> 1);
    say("position last: %r %r %r", splice(file, &at, q[1], 0, 1, 0),
        splice(p[0], 0, file, &at, 1, 0), splice(file, &at, q[1], 0, 0, 0));
    at = 1;
    say("length: %r %r %r %r", splice(file, 0, q[1], 0, -1UL, 0), splice(p[0], 0, file, 0, -1UL, 0),
        splice(file, &at, q[1], 0, ~0UL >> 1, 0), splice(p[0], 0, file, &at, ~0UL >> 1, 0));
    int append = opened("f", WRONLY | APPEND), reads = opened("f", 0);
    at = 0;
    say("to append: %r %r", splice(p[0], 0, append, 0, 1, 0), splice(p[0], 0, append, &at, 1, 0));
    say("modes: %r %r %r", splice(p[0], 0, reads, 0, 1, 0), splice(append, 0, q[1], 0, 1, 0),
        splice(p[0], 0, reads, NOWHERE, 1, 0));
    say("directory: %r %r", splice(directory, 0, q[1], 0, 1, 0),
        splice(p[0], 0, directory, 0, 1, 0));
    say("event: %r %r %r", splice(event, 0, q[1], 0, 8, 0), splice(p[0], 0, event, 0, 8, 0),
        splice(event, &at, q[1], 0, 8, 0));
    struct vector none = {NOWHERE, 0}, bad = {NOWHERE, 5}, good = {"12345", 5};
    say("memory: none %r %r, vectors %r %r %r, no pipe %r %r", CALL(vmsplice, p[1], 0, 0, 0),
        CALL(vmsplice, p[1], &none, 1, 0), CALL(vmsplice, p[1], NOWHERE, 1, 0),
        CALL(vmsplice, p[1], &good, 1025, 0), CALL(vmsplice, p[1], &bad, 1, 0),
        CALL(vmsplice, file, &good, 1, 0), CALL(vmsplice, file, &none, 1, 0));
    tell_pipe("still there", p[0]);
    say("all the while nothing came: %d", waiting(q[0]));
    say("size of the file: %r", CALL(lseek, file, 0, 2));
}

void part_splice_files(void)
{
    int p[2], file = opened("f", CREAT | RDWR | TRUNC), copy = opened("g", CREAT | RDWR | TRUNC);
    long at, r;
    pipes(p, 0);
    pattern(block, BIG, 0);
    (void)CALL(write, file, block, BIG);
    static const u64 from[] = {0, 100, PAGE - 1, BIG - 10, BIG, BIG + 5};
    static const u64 wanted[] = {1, PAGE, 65536, 1000000, 0x7fffffff};
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 5; k++) {
            at = (long)from[i];
            r = splice(file, &at, p[1], 0, wanted[k], 0);
            static char got[BIG];
            long n = r > 0 ? get(p[0], got, BIG) : 0;
            say("%l at %l: %r, then %l, read %l %s", (long)wanted[k], (long)from[i], r, at, n,
                r <= 0 || same(got, block + from[i], (u64)n) ? "right" : "WRONG");
        }
    say("own position: %r", CALL(lseek, file, 0, 1));
    (void)CALL(lseek, file, 50, 0);
    tell("from the own", splice(file, 0, p[1], 0, 5000, MOVE | MORE));
    say("then %r", CALL(lseek, file, 0, 1));
    // Out of the pipe: with its own position, and with one given.
    at = 7000;
    say("to a file: %r %r", splice(p[0], 0, copy, 0, 1000, 0),
        splice(p[0], 0, copy, &at, 100000, 0));
    say("positions %l %r size %r", at, CALL(lseek, copy, 0, 1), CALL(lseek, copy, 0, 2));
    static char back[BIG];
    r = CALL(pread64, copy, back, BIG, 0);
    say("there: %l %s %s", r, same(back, block + 50, 1000) ? "right" : "WRONG",
        same(back + 7000, block + 1050, 4000) ? "right" : "WRONG");
    say("a file of the limit's size: %r", CALL(ftruncate, copy, 3));
    // What is spliced lies in pages of its own: nothing is put after it.
    for (int i = 0; i < 16; i++) {
        at = i;
        (void)splice(file, &at, p[1], 0, 1, 0);
    }
    (void)CALL(fcntl, p[1], F_SETFL, NONBLOCK);
    say("full of single bytes: %r %r %d", splice(file, 0, p[1], 0, 1, 0), put_text(p[1], "x"),
        waiting(p[0]));
    (void)CALL(fcntl, p[1], F_SETFL, 0);
    say("without waiting: %r", splice(file, 0, p[1], 0, 1, NOWAIT));
    say("a larger pipe: %r", CALL(fcntl, p[1], F_SETPIPE_SZ, 1 << 17));
    at = 0;
    say("now: %r %r", splice(file, &at, p[1], 0, 1 << 20, NOWAIT),
        splice(file, &at, p[1], 0, 9, NOWAIT));
    (void)CALL(lseek, copy, 0, 0);
    r = splice(p[0], 0, copy, 0, 1 << 20, 0);
    say("all at once: %r, then %d", r, waiting(p[0]));
    say("empty: %r", splice(p[0], 0, copy, 0, 9, NOWAIT));
    shut(p[1]);
    say("at its end: %r %r", splice(p[0], 0, copy, 0, 9, 0), splice(p[0], 0, copy, 0, 9, NOWAIT));
    // A limit to the size of files.
    u64 limit[2] = {5000, ~0UL};
    pipes(p, 0);
    (void)CALL(write, p[1], block, 10000);
    (void)CALL(prlimit64, 0, 1, limit, 0);
    count_signal(25, 0);
    int small = opened("h", CREAT | RDWR | TRUNC);
    say("limit: %r %r", splice(p[0], 0, small, 0, 8000, 0), splice(p[0], 0, small, 0, 8000, 0));
    say("told: %s, left %d", caught(25) ? "yes" : "no", waiting(p[0]));
    shut(p[0]);
    ignore(SIGPIPE, true);
    at = 0;
    tell("nobody reads", splice(file, &at, p[1], 0, 9, 0));
    count_signal(SIGPIPE, 0);
    say("nobody reads: %r, told %d", splice(file, &at, p[1], 0, 9, NOWAIT), caught(SIGPIPE));
    shut(p[1]);
}

void part_splice_pipes(void)
{
    int p[2], q[2];
    pipes(p, 0), pipes(q, 0);
    (void)put_text(p[1], "hello, world");
    say("tee: %r %r", CALL(tee, p[0], q[1], 5, 0), CALL(tee, p[0], q[1], 100, 0));
    say("both have: %d %d", waiting(p[0]), waiting(q[0]));
    tell_pipe("copies", q[0]);
    say("part: %r", splice(p[0], 0, q[1], 0, 5, 0));
    (void)put_text(q[1], " and");
    (void)put_text(p[1], "!");
    say("rest: %r", splice(p[0], 0, q[1], 0, 1UL << 40, 0));
    (void)put_text(q[1], " after");
    tell_pipe("moved", q[0]);
    tell_pipe("left", p[0]);
    say("without waiting: %r %r %r", splice(p[0], 0, q[1], 0, 1, NOWAIT),
        CALL(tee, p[0], q[1], 1, NOWAIT), CALL(tee, p[0], q[1], 0, NOWAIT));
    for (int i = 0; i < 4; i++) { // an end that does not wait
        (void)CALL(fcntl, i % 2 ? p[0] : q[1], F_SETFL, NONBLOCK);
        say("not waiting: %r",
            i / 2 ? CALL(tee, p[0], q[1], 1, 0) : splice(p[0], 0, q[1], 0, 1, 0));
        (void)CALL(fcntl, i % 2 ? p[0] : q[1], F_SETFL, 0);
    }
    // Small pipes, pages, and a full target.
    (void)CALL(fcntl, p[1], F_SETPIPE_SZ, 2 * PAGE);
    (void)CALL(fcntl, q[1], F_SETPIPE_SZ, PAGE);
    pattern(block, BIG, 3);
    (void)CALL(write, p[1], block, 2 * PAGE);
    say("one page has room: %r %r", splice(p[0], 0, q[1], 0, 3 * PAGE, 0),
        splice(p[0], 0, q[1], 0, 1, NOWAIT));
    say("tee into a full one: %r, have %d %d", CALL(tee, p[0], q[1], 1, NOWAIT), waiting(p[0]),
        waiting(q[0]));
    static char got[2 * PAGE];
    say("read: %r", get(q[0], got, sizeof(got)));
    say("first: %s", same(got, block, PAGE) ? "right" : "WRONG");
    say("some: %r %r", splice(p[0], 0, q[1], 0, 10, 0), splice(p[0], 0, q[1], 0, 10, NOWAIT));
    say("put in front of the rest: %r", CALL(fcntl, p[1], F_SETFL, NONBLOCK));
    say("room again: %r", CALL(write, p[1], block, PAGE));
    say("read: %r %r", get(q[0], got, sizeof(got)), splice(p[0], 0, q[1], 0, PAGE, 0));
    say("read: %r", get(q[0], got, sizeof(got)));
    say("second: %s", same(got, block + PAGE + 10, PAGE - 10) ? "right" : "WRONG");
    shut2(p), shut2(q);
    // Packets.
    pipes(p, DIRECT), pipes(q, 0);
    (void)put_text(p[1], "one"), (void)put_text(p[1], "two"), (void)put_text(p[1], "three");
    say("packets: tee %r splice %r %r", CALL(tee, p[0], q[1], 5, 0), splice(p[0], 0, q[1], 0, 4, 0),
        splice(p[0], 0, q[1], 0, 100, 0));
    for (int i = 0; i < 6; i++)
        tell_pipe("packet", q[0]);
    shut2(p);
    // Ends.
    pipes(p, 0);
    (void)put_text(p[1], "last");
    shut(p[1]);
    say("the last: %r %r %r %r", CALL(tee, p[0], q[1], 9, 0), splice(p[0], 0, q[1], 0, 9, 0),
        splice(p[0], 0, q[1], 0, 9, 0), CALL(tee, p[0], q[1], 9, 0));
    shut(q[0]);
    count_signal(SIGPIPE, 0);
    say("at the end, to nobody: %r %r", splice(p[0], 0, q[1], 0, 9, 0),
        CALL(tee, p[0], q[1], 9, 0));
    say("told: %d", caught(SIGPIPE));
    shut(p[0]);
    pipes(p, 0);
    (void)put_text(p[1], "kept");
    say("to nobody: %r %r", splice(p[0], 0, q[1], 0, 9, 0), CALL(tee, p[0], q[1], 9, 0));
    say("told: %d, left %d", caught(SIGPIPE), waiting(p[0]));
    shut2(p), shut(q[1]);
    // A name, open both ways.
    (void)CALL(mknodat, HERE, "fifo", 010644, 0);
    int both = opened("fifo", RDWR);
    pipes(p, 0);
    (void)put_text(p[1], "through a name");
    say("named: %r %r", splice(p[0], 0, both, 0, 100, 0), splice(both, 0, p[1], 0, 7, 0));
    say("to itself: %r %r", splice(both, 0, both, 0, 1, 0), CALL(tee, both, both, 1, 0));
    tell_pipe("from the name", p[0]);
    tell_pipe("left", both);
}

void part_splice_memory(void)
{
    int p[2];
    pipes(p, 0);
    pattern(block, BIG, 5);
    struct vector v[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    say("in: %r %r", CALL(vmsplice, p[1], v, 3, 0), CALL(vmsplice, p[1], v, 1, GIFT | MOVE | MORE));
    tell_pipe("there", p[0]);
    v[0] = (struct vector){block + 1, BIG - 1};
    say("what fits: %r %r", CALL(vmsplice, p[1], v, 1, 0), CALL(vmsplice, p[1], v, 1, NOWAIT));
    static char got[BIG];
    long r = get(p[0], got, BIG);
    say("read %l %s", r, same(got, block + 1, (u64)r) ? "right" : "WRONG");
    // An end that does not wait makes no difference.
    (void)CALL(fcntl, p[0], F_SETFL, NONBLOCK);
    count_signal(SIGALRM, 0);
    u64 soon[4] = {0, 0, 0, 50000};
    (void)CALL(setitimer, 0, soon, 0);
    say("out of nothing: %r %r", CALL(vmsplice, p[0], v, 1, NOWAIT), CALL(vmsplice, p[0], v, 1, 0));
    // Faults: whole pages, or none.
    char *two = (char *)CALL(mmap, 0, 4 * PAGE, 3, 0x22, -1, 0);
    (void)CALL(munmap, two + 2 * PAGE, 2 * PAGE);
    copy(two, block, 2 * PAGE);
    v[0] = (struct vector){two + PAGE + 100, 2 * PAGE};
    say("half there: %r", CALL(vmsplice, p[1], v, 1, 0));
    v[0] = (struct vector){NOWHERE, 5};
    say("not there: %r, waiting %d", CALL(vmsplice, p[1], v, 1, 0), waiting(p[0]));
    v[0] = (struct vector){"before", 6}, v[1] = (struct vector){NOWHERE, 5};
    say("the second not there: %r", CALL(vmsplice, p[1], v, 2, 0));
    r = get(p[0], got, BIG);
    say("read %l %s", r, same(got, block + PAGE + 100, PAGE - 100) ? "right" : "WRONG");
    (void)CALL(write, p[1], block, 3000);
    v[0] = (struct vector){got, 1000}, v[1] = (struct vector){NOWHERE, 10};
    say("out, half there: %r, left %d", CALL(vmsplice, p[0], v, 2, 0), waiting(p[0]));
    v[0] = (struct vector){two + 2 * PAGE - 10, 100};
    say("out, not all there: %r, left %d", CALL(vmsplice, p[0], v, 1, 0), waiting(p[0]));
    v[0] = (struct vector){got, 100}, v[1] = (struct vector){0, 0};
    v[2] = (struct vector){got + 100, BIG - 100};
    say("out: %r, left %d %s", CALL(vmsplice, p[0], v, 3, 0), waiting(p[0]),
        same(got, block, 1000) ? "right" : "WRONG");
    shut(p[1]);
    say("at its end: %r %r", CALL(vmsplice, p[0], v, 1, 0), CALL(vmsplice, p[0], v, 1, NOWAIT));
    shut(p[0]);
    pipes(p, DIRECT);
    (void)put_text(p[1], "one"), (void)put_text(p[1], "two");
    v[0] = (struct vector){got, 100};
    r = CALL(vmsplice, p[0], v, 1, 0);
    say("packets: %r %q", r, got, r);
    shut(p[0]);
    count_signal(SIGPIPE, 0);
    say("nobody reads: %r %r", CALL(vmsplice, p[1], v, 1, 0), CALL(vmsplice, p[1], v, 1, NOWAIT));
    say("told: %d", caught(SIGPIPE));
}

void part_splice_others(void)
{
    int p[2], null = opened("/dev/null", RDWR), zero = opened("/dev/zero", RDWR);
    int full = opened("/dev/full", RDWR);
    long at = 9;
    static char got[BIG];
    pipes(p, 0);
    say("zeroes: %r %r", splice(zero, 0, p[1], 0, 5000, 0), splice(zero, &at, p[1], 0, 1 << 20, 0));
    say("waiting %d at %l", waiting(p[0]), at);
    say("to null: %r %r", splice(p[0], 0, null, 0, 1000, 0), splice(p[0], 0, null, &at, 1000, 0));
    say("waiting %d at %l", waiting(p[0]), at);
    say("to zero: %r, then %r", splice(p[0], 0, zero, 0, 1 << 20, 0),
        splice(p[0], 0, zero, 0, 1, NOWAIT));
    say("from null: %r, from full %r", splice(null, 0, p[1], 0, 10, 0),
        splice(full, 0, p[1], 0, 10, 0));
    say("to full: %r, waiting %d", splice(p[0], 0, full, 0, 10, 0), waiting(p[0]));
    tell_pipe("there", p[0]);
    // A terminal.
    int master = opened("/dev/ptmx", RDWR | 0400), unlock = 0, number = -1;
    (void)CALL(ioctl, master, 0x40045431, &unlock);
    int slave = (int)CALL(ioctl, master, 0x5441, RDWR | 0400);
    say("terminal: %s", slave >= 0 && CALL(ioctl, master, 0x80045430, &number) >= 0 ? "yes" : "no");
    (void)put_text(p[1], "typed\nmore");
    say("typed: %r", splice(p[0], 0, master, 0, 100, 0));
    say("a line: %r", splice(slave, 0, p[1], 0, 1000, 0));
    tell_pipe("there", p[0]);
    say("positions: %r %r", splice(slave, &at, p[1], 0, 1, 0), splice(p[0], 0, slave, &at, 1, 0));
    (void)CALL(fcntl, slave, F_SETFL, NONBLOCK);
    say("no line: %r", splice(slave, 0, p[1], 0, 1000, 0));
    (void)put_text(p[1], "shown\n");
    say("shown: %r", splice(p[0], 0, slave, 0, 1000, 0));
    long r = 0;
    while (r < 18) // echo and output come by and by
        r += get(master, got + r, 100);
    say("screen: %q", got, r);
    shut(slave), shut(master);
    // Memory with a name only for us.
    int memory = (int)CALL(memfd_create, "m", 0);
    (void)put_text(p[1], "into memory");
    at = 2;
    say("memory: %r, at %l, size %r", splice(p[0], 0, memory, &at, 100, 0), at,
        CALL(lseek, memory, 0, 2));
    at = 7;
    say("and back: %r", splice(memory, &at, p[1], 0, 100, 0));
    tell_pipe("there", p[0]);
}

void part_splice_sockets(void)
{
    static const int types[] = {STREAM, SEQPACKET, DGRAM};
    static char got[BIG];
    int p[2], s[2];
    long at = 0, r;
    for (int t = 0; t < 3; t++) {
        pipes(p, 0), pair(types[t], s);
        (void)put_text(s[1], "first"), (void)put_text(s[1], "second");
        say("type %d: %r %r", types[t], splice(s[0], 0, p[1], 0, 3, 0),
            splice(s[0], 0, p[1], 0, 1000, 0));
        tell_pipe("there", p[0]);
        (void)put_text(p[1], "to a socket");
        say("position: %r %r", splice(s[0], &at, p[1], 0, 1, 0), splice(p[0], 0, s[0], &at, 1, 0));
        say("to it: %r %r", splice(p[0], 0, s[0], 0, 4, 0), splice(p[0], 0, s[0], 0, 1000, MORE));
        tell_read("got", s[1], 100);
        tell_read("got", s[1], 100);
        while (CALL(recvfrom, s[0], got, BIG, MSG_DONTWAIT) > 0)
            ;
        (void)CALL(fcntl, s[0], F_SETFL, NONBLOCK);
        say("nothing there: %r", splice(s[0], 0, p[1], 0, 10, 0));
        (void)CALL(fcntl, s[0], F_SETFL, 0);
        if (t == 0)
            say("nothing there, not waiting: %r", splice(s[0], 0, p[1], 0, 10, NOWAIT));
        // A full one takes nothing, and the pipe keeps it.
        (void)CALL(fcntl, s[0], F_SETFL, NONBLOCK);
        say("filled: %d", fill_up(s[0]));
        (void)put_text(p[1], "kept");
        say("full: %r, waiting %d", splice(p[0], 0, s[0], 0, 100, 0), waiting(p[0]));
        (void)CALL(shutdown, s[1], SHUT_WR);
        if (t < 2)
            say("its end: %r", splice(s[0], 0, p[1], 0, 10, 0));
        shut(s[1]);
        count_signal(SIGPIPE, 0);
        say("gone: %r, told %d, waiting %d", splice(p[0], 0, s[0], 0, 100, 0), caught(SIGPIPE),
            waiting(p[0]));
        shut(s[0]), shut2(p);
    }
    // All of a pipe's pages, taken by what reads on the other side.
    pattern(block, BIG, 8);
    pipes(p, 0), pair(STREAM, s);
    (void)CALL(write, p[1], block, 16 * PAGE);
    u64 n = 0;
    say("much: %r", splice(p[0], 0, s[0], 0, 1 << 20, 0));
    shut(s[0]);
    while ((r = get(s[1], got + n, BIG - n)) > 0)
        n += (u64)r;
    say("came: %l %s", (long)n, same(got, block, n) ? "right" : "WRONG");
    shut(s[1]), shut2(p);
    // One that is not connected.
    pipes(p, 0);
    (void)put_text(p[1], "kept");
    for (int t = 0; t < 3; t++) {
        int fd = socket_of(types[t] | NONBLOCK);
        r = splice(p[0], 0, fd, 0, 10, 0);
        say("not connected: to %r from %r, waiting %d", r, splice(fd, 0, p[1], 0, 10, 0),
            waiting(p[0]));
        shut(fd);
    }
}
