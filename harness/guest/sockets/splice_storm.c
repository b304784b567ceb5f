// splice, tee and vmsplice that wait: what ends it, what is left then; and many at once, in circles
// and side by side, interrupted and killed: no byte is lost and none is doubled.
#include "sockets.h"

enum { NOWAIT = 2, PAGE = 4096, KINDS = 256 };
static char block[16 * PAGE];

static long splice(int in, int out, u64 n, u32 flags)
{
    return CALL(splice, in, 0, out, 0, n, flags);
}
static int waiting(int fd)
{
    int n = -1;
    (void)CALL(ioctl, fd, FIONREAD, &n);
    return n;
}
static void *shared(u64 n)
{
    return (void *)CALL(mmap, 0, n, 3, 0x21, -1, 0);
}

// --- waiting ---

static int p[2], q[2], s[2];
static long each(int which, u32 flags)
{
    static char text[100];
    struct vector v = {text, 100};
    switch (which) {
    case 0:
        return splice(p[0], q[1], 100, flags); // nothing in p
    case 1:
        return CALL(tee, p[0], q[1], 100, flags);
    case 2:
        return CALL(vmsplice, p[0], &v, 1, flags);
    case 3:
        return splice(p[0], s[0], 100, flags);
    case 4:
        return splice(s[0], q[1], 100, flags); // nothing at s[0]
    case 5:
        return splice(q[0], p[1], 100, flags); // p is full from here
    case 6:
        return CALL(tee, q[0], p[1], 100, flags);
    case 7:
        return CALL(vmsplice, p[1], &v, 1, flags);
    case 8:
        return splice(s[0], p[1], 100, flags);
    default:
        return splice(p[0], s[1], 100, 0); // and s[1] is full
    }
}
static void set_up(int which)
{
    (void)CALL(pipe2, p, 0), (void)CALL(pipe2, q, 0);
    pair(STREAM, s);
    if (which < 5)
        return;
    (void)CALL(write, p[1], block, sizeof(block));
    (void)put_text(q[1], "source");
    if (which == 9)
        (void)fill_up(s[1]);
    else
        (void)put_text(s[1], "source");
}
static void tear_down(void)
{
    for (int i = 0; i < 2; i++)
        shut(p[i]), shut(q[i]), shut(s[i]);
}
// The end whose going each of them waits for, or learns of.
static void shut_other(int which)
{
    shut(which < 4 ? p[1] : which == 4 ? s[1] : which < 9 ? p[0] : s[0]);
}

void part_splice_blocked(void)
{
    for (int which = 0; which < 10; which++) {
        set_up(which);
        count_signal(SIGUSR1, 0);
        long child = pester();
        long r = each(which, 0);
        hush(child);
        say("%d: interrupted %r, waiting %d %d %s", which, r, waiting(p[0]), waiting(q[0]),
            caught(SIGUSR1) ? "told" : "not told");
        tear_down();
        // The same, again and again until it is served.
        set_up(which);
        count_signal(SIGUSR1, RESTART);
        child = pester();
        long helper = start_child();
        if (!helper) {
            static char sink[32768];
            nap(70);
            if (which < 4) {
                (void)put_text(p[1], "came");
            } else if (which == 4) {
                (void)put_text(s[1], "came");
            } else if (which < 9) {
                (void)get(p[0], sink, 8192);
            } else {
                for (int i = 0; i < 60; i++)
                    if (CALL(recvfrom, s[0], sink, sizeof(sink), MSG_DONTWAIT) <= 0)
                        nap(2);
            }
            leave(0);
        }
        r = each(which, 0);
        hush(child);
        say("%d: restarted %r", which, r);
        (void)end_of(helper);
        tear_down();
        // Killed: what it had not moved is where it was.
        set_up(which);
        child = start_child();
        if (!child)
            leave((int)each(which, 0));
        nap(25);
        (void)CALL(kill, child, SIGKILL);
        say("%d: killed %d, waiting %d %d", which, end_of(child), waiting(p[0]), waiting(q[0]));
        tear_down();
        // The other side goes.
        set_up(which);
        ignore(SIGPIPE, true);
        child = start_child();
        if (!child) {
            shut_other(which);
            leave(-(int)each(which, 0));
        }
        nap(25);
        shut_other(which);
        say("%d: alone, error %d", which, end_of(child));
        tear_down();
    }
}

// --- many at once ---

static volatile u64 *put_in, *got_out; // bytes of each value

static void count(volatile u64 *where, const char *text, long n)
{
    for (long i = 0; i < n; i++)
        __atomic_fetch_add(&where[(u8)text[i]], 1, __ATOMIC_RELAXED);
}
static u64 sum(const volatile u64 *where)
{
    u64 n = 0;
    for (int i = 0; i < KINDS; i++)
        n += where[i];
    return n;
}

// Puts `total` bytes into a pipe: by write, by vmsplice of what does not change afterwards.
static void bring(int to, u64 total, u32 seed)
{
    static char written[9000], shown[9000];
    for (u64 i = 0; i < sizeof(shown); i++)
        shown[i] = (char)chance(&seed, KINDS);
    while (total) {
        bool show = chance(&seed, 2);
        char *text = show ? shown : written;
        u64 n = 1 + chance(&seed, sizeof(written));
        n = n > total ? total : n;
        for (u64 i = 0; i < n && !show; i++)
            text[i] = (char)chance(&seed, KINDS);
        struct vector v = {text, n};
        long r = show ? CALL(vmsplice, to, &v, 1, 0) : CALL(write, to, text, n);
        if (r <= 0)
            continue;
        count(put_in, text, r);
        total -= (u64)r;
    }
}
// Takes what comes: by read, by vmsplice; until its end.
static void take(int from, u32 seed)
{
    static char text[9000];
    for (;;) {
        struct vector v = {text, 1 + chance(&seed, sizeof(text))};
        long r = chance(&seed, 2) ? get(from, text, v.length) : CALL(vmsplice, from, &v, 1, 0);
        if (!r)
            leave(0);
        if (r > 0)
            count(got_out, text, r);
    }
}
static void carry(int from, int to, u32 seed)
{
    for (;;) {
        u32 flags = chance(&seed, 3) ? 0 : NOWAIT;
        long r = splice(from, to, 1 + chance(&seed, 30000), flags);
        if (!r || r == -EPIPE)
            leave(0);
        if (r == -EAGAIN && chance(&seed, 8) == 0)
            nap(1);
    }
}

enum { TOTAL = 600000, MOVERS = 6, WRITERS = 2, TAKERS = 2 };

static void circle(const char *name, int a[2], int b[2])
{
    long mover[MOVERS], writer[WRITERS], taker[TAKERS];
    for (int i = 0; i < KINDS; i++)
        put_in[i] = got_out[i] = 0;
    for (int i = 0; i < MOVERS; i++)
        if (!(mover[i] = start_child()))
            i % 2 ? carry(a[0], b[1], 10 + (u32)i) : carry(b[0], a[1], 10 + (u32)i);
    for (int i = 0; i < TAKERS; i++)
        if (!(taker[i] = start_child()))
            take(i ? a[0] : b[0], 20 + (u32)i);
    for (int i = 0; i < WRITERS; i++)
        if (!(writer[i] = start_child())) {
            bring(i ? a[1] : b[1], TOTAL / WRITERS, 30 + (u32)i);
            leave(0);
        }
    for (int i = 0; i < WRITERS; i++) {
        for (int k = 0; k < 40; k++) {
            (void)CALL(kill, mover[k % MOVERS], SIGUSR1);
            nap(1);
        }
        (void)end_of(writer[i]);
    }
    while (sum(got_out) != TOTAL) // one that loses bytes never comes to an end
        nap(5);
    nap(20);
    bool right = sum(got_out) == TOTAL;
    for (int i = 0; i < KINDS; i++)
        right = right && put_in[i] == got_out[i];
    for (int i = 0; i < MOVERS; i++)
        hush(mover[i]);
    for (int i = 0; i < TAKERS; i++)
        hush(taker[i]);
    say("%s: %s, waiting %d %d", name, right ? "right" : "WRONG", waiting(a[0]), waiting(b[0]));
}

// Two pipes into each other, from both sides at once.
void part_storm_splice(void)
{
    put_in = shared(KINDS * 8), got_out = shared(KINDS * 8);
    count_signal(SIGUSR1, 0);
    for (int i = 0; i < 2; i++) {
        (void)CALL(pipe2, p, 0), (void)CALL(pipe2, q, 0);
        if (i) {
            (void)CALL(fcntl, p[1], 1031, PAGE);
            (void)CALL(fcntl, q[1], 1031, 2 * PAGE);
        }
        circle(i ? "small" : "large", p, q);
        for (int k = 0; k < 2; k++)
            shut(p[k]), shut(q[k]);
    }
}

// Two sockets, a file of zeroes and a writer into one small pipe.
void part_storm_splice_writers(void)
{
    enum { EACH = 300000, ZEROES = 200 };
    long child[6];
    int t[2], n = 0, zero = (int)CALL(openat, HERE, "/dev/zero", 0, 0);
    put_in = shared(KINDS * 8), got_out = shared(KINDS * 8);
    count_signal(SIGUSR1, 0);
    (void)CALL(pipe2, p, 0);
    (void)CALL(fcntl, p[1], 1031, 2 * PAGE);
    pair(STREAM, s), pair(STREAM, t);
    for (; n < 2; n++)
        if (!(child[n] = start_child()))
            carry(n ? t[0] : s[0], p[1], 100 + (u32)n);
    if (!(child[n++] = start_child()))
        take(p[0], 110);
    for (; n < 6; n++)
        if (!(child[n] = start_child())) {
            static const char none[5000];
            for (int i = 0; n == 5 && i < ZEROES; i++)
                count(put_in, none, splice(zero, p[1], sizeof(none), 0));
            if (n < 5) {
                int to = n == 3 ? s[1] : t[1];
                bring(to, EACH, 120 + (u32)n);
                // Linux keeps all others from a pipe while a socket has nothing for it.
                (void)CALL(shutdown, to, SHUT_WR);
            }
            leave(0);
        }
    bring(p[1], EACH, 130);
    for (int i = 3; i < 6; i++)
        (void)end_of(child[i]);
    while (sum(got_out) != sum(put_in)) // one that loses bytes never comes to an end
        nap(5);
    nap(20);
    bool right = sum(put_in) > 3 * EACH && sum(got_out) == sum(put_in);
    for (int i = 0; i < KINDS; i++)
        right = right && put_in[i] == got_out[i];
    for (int i = 0; i < 3; i++)
        hush(child[i]);
    say("writers: %s, waiting %d", right ? "right" : "WRONG", waiting(p[0]));
    shut(zero);
    for (int i = 0; i < 2; i++)
        shut(p[i]), shut(s[i]), shut(t[i]);
}

// --- a long way ---

enum { LONG_WAY = 1500000 };

static char value_at(u64 i)
{
    return (char)(i * 7 + i / 251 + i / 65521);
}

static long relay(int in, int out, const int *ends, int n)
{
    long child = start_child();
    if (child)
        return child;
    for (int i = 0; i < n; i++)
        if (ends[i] != in && ends[i] != out)
            shut(ends[i]);
    carry(in, out, 50 + (u32)in);
    leave(9);
}

// From a pipe through a socket, a pipe and a socket to a pipe, with a copy by tee on the way; the
// relays are interrupted all the time.
void part_storm_splice_way(void)
{
    int r[2], t[2], c[2], fd[12];
    (void)CALL(pipe2, p, 0), (void)CALL(pipe2, q, 0), (void)CALL(pipe2, r, 0);
    (void)CALL(pipe2, c, 0);
    pair(STREAM, s), pair(STREAM, t);
    int *all[] = {p, s, q, t, r, c};
    count_signal(SIGUSR1, 0);
    for (int i = 0; i < 12; i++)
        fd[i] = all[i / 2][i % 2];
    long way[4] = {relay(p[0], s[0], fd, 12), relay(s[1], q[1], fd, 12), relay(q[0], t[0], fd, 12),
                   relay(t[1], r[1], fd, 12)};
    long writer = start_child();
    if (!writer) {
        for (int i = 0; i < 12; i++)
            if (fd[i] != p[1])
                shut(fd[i]);
        static char source[LONG_WAY];
        for (u64 i = 0; i < LONG_WAY; i++)
            source[i] = value_at(i);
        for (u64 at = 0; at < LONG_WAY;) {
            struct vector v = {source + at, LONG_WAY - at < 5000 ? LONG_WAY - at : 5000};
            long w = at % 3 ? CALL(write, p[1], v.base, v.length) : CALL(vmsplice, p[1], &v, 1, 0);
            at += w > 0 ? (u64)w : 0;
        }
        leave(0);
    }
    for (int i = 0; i < 8; i++)
        shut(fd[i]);
    shut(r[1]);
    u64 at = 0, copied = 0;
    bool right = true;
    for (int turn = 0;; turn++) {
        if (turn % 8 == 0)
            (void)CALL(kill, way[turn / 8 % 4], SIGUSR1);
        long n = CALL(tee, r[0], c[1], 4000, 0), k = 0;
        while (k < n) {
            long g = get(c[0], block, (u64)(n - k));
            for (long i = 0; i < g; i++)
                right = right && block[i] == value_at(at + (u64)(k + i));
            k += g;
        }
        if (n <= 0)
            break;
        copied += (u64)n;
        for (k = 0; k < n;) {
            long g = get(r[0], block, (u64)(n - k));
            for (long i = 0; i < g; i++)
                right = right && block[i] == value_at(at + (u64)(k + i));
            k += g;
        }
        at += (u64)n;
    }
    say("came %l, copied %l, %s", (long)at, (long)copied, right ? "right" : "WRONG");
    for (int i = 0; i < 4; i++)
        hush(way[i]);
    (void)end_of(writer);
    shut(r[0]), shut(c[0]), shut(c[1]);
}

// --- several readers of one pipe ---

static volatile u64 *spliced;
static int target;
static void drain(long which)
{
    u32 seed = 70 + (u32)which;
    static char text[3][5000];
    for (;;) {
        u64 n = 1 + chance(&seed, 5000);
        long r = which < 2 ? splice(p[0], target, n, 0) : get(p[0], text[which], n);
        if (!r)
            return;
        if (r > 0 && which < 2)
            __atomic_fetch_add(spliced, (u64)r, __ATOMIC_RELAXED);
        else if (r > 0)
            count(got_out, text[which], r);
    }
}

// Threads of one process; two splice into one file, one reads; and what the file has counts too.
void part_storm_splice_readers(void)
{
    put_in = shared(KINDS * 8), got_out = shared(KINDS * 8), spliced = shared(8);
    (void)CALL(pipe2, p, 0);
    pair(STREAM, s);
    target = s[0];
    long eater = start_child();
    if (!eater) {
        shut(p[0]), shut(p[1]), shut(s[0]);
        take(s[1], 90); // a socket cannot be vmspliced: then it is read
    }
    shut(s[1]);
    long thread[3];
    for (long i = 0; i < 3; i++)
        thread[i] = start_thread(drain, i);
    bring(p[1], 700000, 91);
    shut(p[1]);
    for (int i = 0; i < 3; i++)
        join_thread(thread[i]);
    shut(s[0]), shut(p[0]);
    say("eater ends %d", end_of(eater));
    bool right = sum(got_out) == 700000;
    for (int i = 0; i < KINDS; i++)
        right = right && put_in[i] == got_out[i];
    say("readers: %s", right ? "right" : "WRONG");
}
