// Calls that wait, and what wakes them: in processes and in threads.
#include "sockets.h"

static const int types[] = {STREAM, DGRAM, SEQPACKET};
static const char *const type_names[] = {"stream", "dgram", "seqpacket"};
enum { LONG_ENOUGH = 60 }; // milliseconds; no check fails if it was not

// A child that does something a little later.
#define LATER(what)                                                                                \
    ({                                                                                             \
        long later_child = start_child();                                                          \
        if (!later_child) {                                                                        \
            nap(LONG_ENOUGH);                                                                      \
            what;                                                                                  \
            leave(0);                                                                              \
        }                                                                                          \
        later_child;                                                                               \
    })

// In a child: waits until its parent has caught some.
static void after_signals(void)
{
    while (caught(SIGUSR1) < 3)
        nap(5);
    nap(LONG_ENOUGH);
}

void part_blocked_read(void)
{
    char c[64];
    for (int t = 0; t < 3; t++) {
        int fd[2];
        pair(types[t], fd);
        long child = LATER((void)put_text(fd[1], "woken")), r = get(fd[0], c, 64);
        say("%s: by a writer %r %q", type_names[t], r, c, r);
        (void)end_of(child);
        child = LATER((void)CALL(shutdown, fd[1], SHUT_WR));
        if (types[t] == DGRAM) {
            nap(2 * LONG_ENOUGH);
            tell("a peer's shutdown", CALL(recvfrom, fd[0], c, 64, MSG_DONTWAIT));
        } else {
            tell("by the peer's shutdown", get(fd[0], c, 64));
        }
        (void)end_of(child);
        shut(fd[0]), shut(fd[1]);
        pair(types[t], fd);
        child = LATER((void)CALL(shutdown, fd[0], SHUT_RD));
        tell("by shutdown of its own", get(fd[0], c, 64));
        (void)end_of(child);
        shut(fd[0]), shut(fd[1]);
        if (types[t] != DGRAM) {
            pair(types[t], fd);
            child = LATER((void)0);
            shut(fd[1]);
            tell("by the peer's close", get(fd[0], c, 64));
            (void)end_of(child);
            shut(fd[0]);
        }
        // A signal: ended by one handler, gone on with by another.
        pair(types[t], fd);
        count_signal(SIGUSR1, 0);
        child = pester();
        r = get(fd[0], c, 64);
        hush(child);
        say("by a signal %r", r);
        count_signal(SIGUSR1, RESTART);
        child = pester();
        long writer = start_child();
        if (!writer) {
            after_signals();
            (void)put_text(fd[1], "after signals");
            leave(0);
        }
        r = get(fd[0], c, 64);
        hush(child);
        say("after signals %r, some came: %s", r, caught(SIGUSR1) ? "yes" : "no");
        (void)end_of(writer);
        count_signal(SIGUSR1, 0);
        child = pester();
        struct vector v = {c, 64};
        struct message m = {.vectors = &v, .count = 1};
        r = CALL(recvmsg, fd[0], &m, 0);
        hush(child);
        say("recvmsg by a signal %r", r);
        struct many many = {m, 0};
        child = pester();
        r = CALL(recvmmsg, fd[0], &many, 1, 0, 0);
        hush(child);
        say("recvmmsg by a signal %r", r);
        shut(fd[0]), shut(fd[1]);
        // poll waits for the same things.
        pair(types[t], fd);
        struct {
            int fd;
            short wanted, got;
        } p = {fd[0], IN, 0};
        child = LATER((void)put_text(fd[1], "x"));
        r = CALL(ppoll, &p, 1, 0, 0, 8);
        say("poll %r %e", r, p.got);
        (void)end_of(child);
        (void)get(fd[0], c, 64);
        if (types[t] != DGRAM) {
            child = LATER((void)CALL(shutdown, fd[1], SHUT_WR));
            r = CALL(ppoll, &p, 1, 0, 0, 8);
            say("poll until shutdown %r %e", r, p.got);
            (void)end_of(child);
        }
        // A killed reader leaves a socket as it was.
        child = start_child();
        if (!child) {
            (void)get(fd[1], c, 64);
            leave(1);
        }
        nap(LONG_ENOUGH);
        hush(child);
        tell("a killed reader's socket", put_text(fd[0], "alive"));
        tell_read("it has", fd[1], 64);
    }
    // Two readers, two messages: each gets one.
    int fd[2];
    pair(SEQPACKET, fd);
    long child[2];
    for (int i = 0; i < 2; i++)
        if (!(child[i] = start_child()))
            leave((int)get(fd[0], c, 64));
    nap(LONG_ENOUGH);
    (void)put_text(fd[1], "12345"), (void)put_text(fd[1], "12345");
    say("two readers: %d %d", end_of(child[0]), end_of(child[1]));
}

void part_blocked_write(void)
{
    static char large[1 << 20];
    for (int t = 0; t < 3; t++) {
        int fd[2];
        pair(types[t], fd);
        ignore(SIGPIPE, true);
        (void)fill_up(fd[0]);
        long child = start_child();
        if (!child) {
            nap(LONG_ENOUGH);
            while (events(fd[1], IN))
                (void)CALL(recvfrom, fd[1], large, sizeof(large), MSG_DONTWAIT);
            leave(0);
        }
        say("%s: by a reader %r", type_names[t], put_text(fd[0], "x"));
        (void)end_of(child);
        if (types[t] != DGRAM) { // Linux wakes no writer of datagrams for that
            (void)fill_up(fd[0]);
            child = LATER((void)CALL(shutdown, fd[1], SHUT_RD));
            tell("by the peer's shutdown", put_text(fd[0], "x"));
            (void)end_of(child);
        }
        shut(fd[0]), shut(fd[1]);
        pair(types[t], fd);
        (void)fill_up(fd[0]);
        child = LATER((void)CALL(shutdown, fd[0], SHUT_WR));
        tell("by shutdown of its own", put_text(fd[0], "x"));
        (void)end_of(child);
        shut(fd[0]), shut(fd[1]);
        pair(types[t], fd);
        (void)fill_up(fd[0]);
        // The child's copy of the peer is the last one.
        child = LATER((void)0);
        shut(fd[1]);
        long r = put_text(fd[0], "x");
        say("by the peer's close: %s", r == -EPIPE || r == -104 || r == -111 ? "refused" : "not");
        (void)end_of(child);
        shut(fd[0]);
        pair(types[t], fd);
        (void)fill_up(fd[0]);
        count_signal(SIGUSR1, 0);
        child = pester();
        r = put_text(fd[0], "x");
        hush(child);
        say("by a signal %r", r);
        count_signal(SIGUSR1, RESTART);
        child = pester();
        long reader = start_child();
        if (!reader) {
            after_signals();
            while (events(fd[1], IN))
                (void)CALL(recvfrom, fd[1], large, sizeof(large), MSG_DONTWAIT);
            leave(0);
        }
        r = put_text(fd[0], "x");
        hush(child);
        say("after signals %r, some came: %s", r, caught(SIGUSR1) ? "yes" : "no");
        (void)end_of(reader);
        shut(fd[0]), shut(fd[1]);
        // poll for room.
        pair(types[t], fd);
        (void)fill_up(fd[0]);
        struct {
            int fd;
            short wanted, got;
        } p = {fd[0], OUT, 0};
        child = start_child();
        if (!child) {
            nap(LONG_ENOUGH);
            while (events(fd[1], IN))
                (void)CALL(recvfrom, fd[1], large, sizeof(large), MSG_DONTWAIT);
            leave(0);
        }
        r = CALL(ppoll, &p, 1, 0, 0, 8);
        say("poll for room %r %e", r, p.got);
        (void)end_of(child);
        shut(fd[0]), shut(fd[1]);
    }
    // A large write that a signal ends in the middle tells how far it came.
    int fd[2];
    pair(STREAM, fd);
    count_signal(SIGUSR1, 0);
    long child = pester(), r = CALL(write, fd[0], large, sizeof(large));
    hush(child);
    say("a part is written: %s", r > 0 && r < (long)sizeof(large) ? "yes" : "no");
    shut(fd[0]), shut(fd[1]);
    pair(STREAM, fd);
    count_signal(SIGPIPE, 0);
    child = start_child();
    if (!child) {
        while (!events(fd[1], IN))
            nap(5);
        nap(LONG_ENOUGH);
        (void)CALL(shutdown, fd[1], SHUT_RD);
        leave(0);
    }
    r = CALL(write, fd[0], large, sizeof(large));
    (void)end_of(child);
    say("a part, then no reader: %s, signals %d", r > 0 ? "yes" : "no", caught(SIGPIPE));
}

void part_blocked_others(void)
{
    char c[64];
    for (int t = 0; t < 3; t += 2) {
        const char *name = t ? "@wait5" : "@wait1";
        int l = listener(name, types[t], 0), s = -1;
        long child = start_child();
        if (!child) {
            nap(LONG_ENOUGH);
            int fd = socket_of(types[t]);
            leave(connect_to(fd, name) < 0 || put_text(fd, "hello") != 5 || get(fd, c, 64) != 3);
        }
        s = (int)CALL(accept, l, 0, 0);
        say("%s: accept by a client: %s", type_names[t], s >= 0 ? "yes" : "no");
        long r = get(s, c, 64);
        say("it says %q", c, r);
        (void)put_text(s, "bye");
        say("the client's end %d", end_of(child));
        shut(s);
        count_signal(SIGUSR1, 0);
        child = pester();
        r = CALL(accept, l, 0, 0);
        hush(child);
        say("accept by a signal %r", r);
        count_signal(SIGUSR1, RESTART);
        child = pester();
        long client = start_child();
        if (!client) {
            after_signals();
            leave(connect_to(socket_of(types[t]), name) < 0);
        }
        s = (int)CALL(accept, l, 0, 0);
        hush(child);
        say("accept after signals: %s, some came: %s", s >= 0 ? "yes" : "no",
            caught(SIGUSR1) ? "yes" : "no");
        (void)end_of(client);
        shut(s);
        struct {
            int fd;
            short wanted, got;
        } p = {l, IN, 0};
        client = LATER((void)connect_to(socket_of(types[t]), name));
        r = CALL(ppoll, &p, 1, 0, 0, 8);
        say("poll of the listener %r %e", r, p.got);
        (void)end_of(client);
        shut((int)CALL(accept, l, 0, 0));
        child = LATER((void)CALL(shutdown, l, SHUT_RD));
        tell("accept by shutdown", CALL(accept, l, 0, 0));
        (void)end_of(child);
        shut(l);

        // A full backlog.
        name = t ? "@full5" : "@full1";
        l = listener(name, types[t], 0);
        int first = socket_of(types[t]), second = socket_of(types[t]);
        (void)connect_to(first, name);
        child = start_child();
        if (!child) {
            nap(LONG_ENOUGH);
            shut((int)CALL(accept, l, 0, 0));
            leave(0);
        }
        tell("connect by accept", connect_to(second, name));
        (void)end_of(child);
        int third = socket_of(types[t]);
        count_signal(SIGUSR1, 0);
        child = pester();
        r = connect_to(third, name);
        hush(child);
        say("connect by a signal %r", r);
        child = start_child();
        if (!child) {
            nap(LONG_ENOUGH);
            leave(CALL(listen, l, 5) < 0);
        }
        tell("connect by listen", connect_to(third, name));
        (void)end_of(child);
        shut(l);
        name = t ? "@gone5" : "@gone1";
        l = listener(name, types[t], 0);
        first = socket_of(types[t]), second = socket_of(types[t]);
        (void)connect_to(first, name);
        child = LATER((void)0); // its copy of the listener is the last one
        shut(l);
        tell("connect by the listener's close", connect_to(second, name));
        (void)end_of(child);
        shut(first), shut(second);
    }
    // A datagram socket waits for its receiver's room, and is told when that goes.
    int r = socket_of(DGRAM), s = socket_of(DGRAM);
    (void)bind_to(r, "@room");
    (void)connect_to(s, "@room");
    while (CALL(sendto, s, "message", 7, MSG_DONTWAIT) > 0)
        ;
    long child = LATER((void)get(r, c, 64));
    tell("datagram by a reader", put_text(s, "x"));
    (void)end_of(child);
    while (CALL(sendto, s, "message", 7, MSG_DONTWAIT) > 0)
        ;
    child = LATER((void)0);
    shut(r);
    tell("datagram by the receiver's close", put_text(s, "x"));
    (void)end_of(child);
}

// --- threads ---

static int ends[2];
static volatile long outcome;
static volatile int begun;

static void reader(long n)
{
    char c[64];
    begun = 1;
    outcome = get(ends[0], c, (u64)n);
}
static void writer(long n)
{
    (void)n;
    begun = 1;
    outcome = put_text(ends[0], "x");
}
static void taker(long l)
{
    begun = 1;
    outcome = CALL(accept, (int)l, 0, 0);
}

static long begin(void (*run)(long), long argument)
{
    begun = 0;
    long which = start_thread(run, argument);
    while (!begun)
        nap(1);
    nap(LONG_ENOUGH);
    return which;
}

void part_threads(void)
{
    char c[64];
    ignore(SIGPIPE, true);
    for (int t = 0; t < 3; t++) {
        pair(types[t], ends);
        long which = begin(reader, 64);
        (void)put_text(ends[1], "thread");
        join_thread(which);
        say("%s: reader by a writer %r", type_names[t], outcome);
        which = begin(reader, 64);
        (void)CALL(shutdown, ends[0], SHUT_RD);
        join_thread(which);
        say("reader by shutdown %r", outcome);
        shut(ends[0]), shut(ends[1]);
        if (types[t] != DGRAM) {
            pair(types[t], ends);
            which = begin(reader, 64);
            shut(ends[1]);
            join_thread(which);
            say("reader by the peer's close %r", outcome);
            shut(ends[0]);
        }
        pair(types[t], ends);
        (void)fill_up(ends[0]);
        which = begin(writer, 0);
        (void)CALL(shutdown, ends[0], SHUT_WR);
        join_thread(which);
        say("writer by shutdown %r", outcome);
        shut(ends[0]), shut(ends[1]);
        pair(types[t], ends);
        (void)fill_up(ends[0]);
        which = begin(writer, 0);
        shut(ends[1]);
        join_thread(which);
        say("writer by the peer's close: %s", outcome < 0 ? "refused" : "not");
        shut(ends[0]);
        // The descriptor closed under a reader: it goes on until something comes. One that has not
        // begun to read when it is closed gets EBADF, then it is done again.
        for (int i = 0; i < 20; i++) {
            pair(types[t], ends);
            which = begin(reader, 64);
            nap(i * LONG_ENOUGH);
            shut(ends[0]);
            (void)CALL(sendto, ends[1], "still", 5, MSG_NOSIGNAL);
            join_thread(which);
            shut(ends[1]);
            if (outcome != -9)
                break;
        }
        say("reader of a closed descriptor %r", outcome);
    }
    int l = listener("@threads", STREAM, 5);
    long which = begin(taker, l);
    int fd = socket_of(STREAM);
    (void)connect_to(fd, "@threads");
    join_thread(which);
    say("accept by a client: %s", outcome >= 0 ? "yes" : "no");
    which = begin(taker, l);
    (void)CALL(shutdown, l, SHUT_RDWR);
    join_thread(which);
    say("accept by shutdown: %r", outcome);
    (void)c;
}

// --- much data ---

static u32 next(u32 *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

enum { TOTAL = 1 << 20 };

// Writes TOTAL bytes in odd pieces.
static void pour(int fd, u32 seed)
{
    static u8 piece[9000];
    u32 sizes = seed ^ 0x1234;
    for (u32 done = 0; done < TOTAL;) {
        u32 n = next(&sizes) % sizeof(piece) + 1;
        if (n > TOTAL - done)
            n = TOTAL - done;
        for (u32 i = 0; i < n; i++)
            piece[i] = (u8)next(&seed);
        for (u32 at = 0; at < n;) {
            long r = CALL(write, fd, piece + at, n - at);
            if (r <= 0)
                leave(9);
            at += (u32)r;
        }
        done += n;
    }
}

static void drink(const char *who, int fd, u32 seed)
{
    static u8 piece[7777];
    u32 sizes = seed ^ 0x4321, wrong = 0;
    long total = 0, r;
    while (total < TOTAL && (r = get(fd, piece, next(&sizes) % sizeof(piece) + 1)) > 0) {
        for (long i = 0; i < r; i++)
            wrong += piece[i] != (u8)next(&seed);
        total += r;
    }
    say("%s: %l bytes, %d wrong", who, total, wrong);
}

// Both ways at once, each side with a writer and a reader.
void part_bulk(void)
{
    int fd[2];
    pair(STREAM, fd);
    long child[3];
    for (int i = 0; i < 3; i++)
        if (!(child[i] = start_child())) {
            shut(fd[i == 2 ? 0 : 1 - i]);
            if (i < 2)
                pour(fd[i], 100 + (u32)i);
            else
                drink("there", fd[1], 100);
            leave(0);
        }
    int there = end_of(child[2]);
    drink("here", fd[0], 101);
    say("ends %d %d %d", end_of(child[0]), end_of(child[1]), there);
}

void part_order(void)
{
    for (int t = 1; t < 3; t++) {
        int fd[2], bad = 0, n = 0;
        pair(types[t], fd);
        long child = start_child();
        if (!child) {
            for (int i = 0; i < 1000; i++) {
                int sent[10] = {i};
                if (CALL(write, fd[1], sent, 4 + i % 37) != 4 + i % 37)
                    leave(1);
            }
            leave(0);
        }
        for (; n < 1000; n++) {
            int got[10];
            long r = get(fd[0], got, sizeof(got));
            bad += r != 4 + n % 37 || got[0] != n;
        }
        say("%s: %d messages, %d wrong, end %d", type_names[t], n, bad, end_of(child));
        shut(fd[0]), shut(fd[1]);
    }
    // Many senders, one receiver: nothing is lost, and each one's come in order.
    int r = socket_of(DGRAM), bad = 0, counts[4] = {0};
    (void)bind_to(r, "@many");
    long child[4];
    for (int i = 0; i < 4; i++)
        if (!(child[i] = start_child())) {
            int s = socket_of(DGRAM);
            (void)connect_to(s, "@many");
            for (int k = 0; k < 250; k++) {
                int sent[2] = {i, k};
                if (CALL(write, s, sent, 8) != 8)
                    leave(1);
            }
            leave(0);
        }
    for (int n = 0; n < 1000; n++) {
        int got[2] = {0, 0};
        bad += get(r, got, 8) != 8 || counts[got[0] & 3]++ != got[1];
    }
    say("four senders: %d wrong, ends %d %d %d %d", bad, end_of(child[0]), end_of(child[1]),
        end_of(child[2]), end_of(child[3]));
}
