// What poll and epoll tell of sockets in every state.
#include "sockets.h"

static const char *const type_names[] = {"", "stream", "dgram", "raw", "", "seqpacket"};
static const int types[] = {STREAM, DGRAM, SEQPACKET};

static void tell_events(const char *what, int fd)
{
    say("%s: %e", what, events(fd, EVERY_EVENT));
}

void part_poll(void)
{
    static char large[1 << 19];
    for (int i = 0; i < 3; i++) {
        int fd[2], fresh = socket_of(types[i]);
        say("%s", type_names[types[i]]);
        tell_events("fresh", fresh);
        say("nothing asked: fresh %e", events(fresh, 0));
        (void)bind_to(fresh, i == 0 ? "@p0" : i == 1 ? "@p1" : "@p2");
        tell_events("bound", fresh);
        pair(types[i], fd);
        tell_events("pair", fd[0]);
        (void)put_text(fd[1], "x");
        tell_events("readable", fd[0]);
        tell_events("its peer", fd[1]);
        say("only input asked: %e, only output: %e", events(fd[0], IN), events(fd[0], OUT));
        tell_read("read", fd[0], 1);
        tell_events("read empty", fd[0]);
        if (fill_up(fd[0])) {
            tell_events("full", fd[0]);
            tell_events("peer of the full one", fd[1]);
        }
        while (CALL(recvfrom, fd[1], large, sizeof(large), MSG_DONTWAIT) >= 0)
            ;
        tell_events("drained", fd[0]);
        (void)CALL(shutdown, fd[0], SHUT_WR);
        tell_events("after own shutdown of writing", fd[0]);
        tell_events("peer of that", fd[1]);
        say("only hangup bits: %e %e", events(fd[0], RDHUP), events(fd[1], RDHUP));
        say("nothing asked: %e %e", events(fd[0], 0), events(fd[1], 0));
        (void)CALL(shutdown, fd[1], SHUT_WR);
        tell_events("both have", fd[0]);
        say("nothing asked: %e %e", events(fd[0], 0), events(fd[1], 0));
        shut(fd[1]);
        tell_events("peer closed after that", fd[0]);
        shut(fd[0]);
        pair(types[i], fd);
        (void)CALL(shutdown, fd[0], SHUT_RD);
        tell_events("after own shutdown of reading", fd[0]);
        tell_events("peer of that", fd[1]);
        shut(fd[0]), shut(fd[1]);
        pair(types[i], fd);
        shut(fd[1]);
        tell_events("peer closed", fd[0]);
        say("nothing asked: %e", events(fd[0], 0));
        shut(fd[0]);
        pair(types[i], fd);
        (void)put_text(fd[0], "unread");
        shut(fd[1]);
        tell_events("peer closed with unread data", fd[0]);
        shut(fd[0]);
    }
    say("closed descriptor: %e", events(70, IN));
}

void part_poll_listening(void)
{
    for (int i = 0; i < 3; i += 2) {
        const char *name = i ? "l5" : "l1";
        int l = listener(name, types[i], 2);
        say("%s", type_names[types[i]]);
        tell_events("listening", l);
        int c = socket_of(types[i]), d = socket_of(types[i] | NONBLOCK);
        tell("connect", connect_to(c, name));
        tell_events("one waits", l);
        tell_events("client before accept", c);
        tell("writes before accept", put_text(c, "early"));
        tell("second", connect_to(d, name));
        int a = (int)CALL(accept, l, 0, 0);
        tell_events("client after accept", c);
        tell_events("accepted", a);
        tell_read("early words", a, 16);
        tell_events("one still waits", l);
        shut(l);
        tell_events("the one that waited, listener closed", d);
        tell_read("its read", d, 4);
        tell_read("its read again", d, 4);
        tell_events("the accepted one", a);
        shut(c);
        tell_events("client closed", a);
        shut(a), shut(d);
    }
    // A connected datagram socket is not writable while its receiver's queue is full.
    int r = socket_of(DGRAM), s = socket_of(DGRAM | NONBLOCK), t = socket_of(DGRAM | NONBLOCK);
    char text[64];
    (void)bind_to(r, "@receiver");
    (void)connect_to(s, "@receiver");
    while (put_text(s, "message") > 0)
        ;
    tell("sending ends with", put_text(s, "message"));
    tell_events("connected to a full receiver", s);
    tell_events("unconnected beside it", t);
    tell_events("receiver", r);
    tell("one read", get(r, text, sizeof(text)));
    tell("one sent", put_text(s, "message"));
    while (CALL(recvfrom, r, text, 64, MSG_DONTWAIT) > 0)
        ;
    tell_events("drained", s);
    shut(r);
    tell_events("receiver closed", s);
    tell("send", put_text(s, "x"));
    tell_events("then", s);
}

struct event {
    u32 events;
#ifndef __riscv
    u32 data[2];
#else
    u32 pad, data[2];
#endif
};
enum { ADD = 1, DELETE = 2, MODIFY = 3, EDGE = 1 << 31, ONESHOT = 1 << 30 };

static void tell_epoll(const char *what, int e)
{
    struct event got[8];
    long n = CALL(epoll_pwait, e, got, 8, 0, 0, 8);
    if (n <= 0) {
        say("%s: %s", what, n ? "failed" : "nothing");
        return;
    }
    for (long i = 0; i < n; i++)
        say("%s: %d has %e", what, (int)got[i].data[0], (int)got[i].events);
}

static long control(int e, int what, int fd, u32 wanted, u32 mark)
{
    struct event v = {.events = wanted, .data = {mark, 0}};
    return CALL(epoll_ctl, e, what, fd, &v);
}

void part_epoll(void)
{
    int fd[2], e = (int)CALL(epoll_create1, 0);
    static char large[1 << 19];
    pair(STREAM | NONBLOCK, fd);
    tell("add", control(e, ADD, fd[0], IN | OUT | RDHUP | EDGE, 1));
    tell("add twice", control(e, ADD, fd[0], IN, 1));
    tell_epoll("fresh", e);
    tell_epoll("edge once", e);
    (void)put_text(fd[1], "one");
    tell_epoll("written", e);
    tell_epoll("not read, edge once", e);
    (void)put_text(fd[1], "two");
    tell_epoll("written again", e);
    tell_read("read some", fd[0], 2);
    tell_epoll("some left", e);
    tell_read("read all", fd[0], 64);
    tell_epoll("read", e);
    (void)fill_up(fd[0]);
    tell_epoll("filled", e);
    while (get(fd[1], large, sizeof(large)) > 0)
        ;
    tell_epoll("drained", e);
    tell_epoll("drained, once", e);
    (void)CALL(shutdown, fd[1], SHUT_WR);
    tell_epoll("peer's shutdown", e);
    tell_epoll("once", e);
    shut(fd[1]);
    tell_epoll("peer closed", e);
    tell_epoll("once", e);
    tell("modify", control(e, MODIFY, fd[0], IN | RDHUP, 2));
    tell_epoll("level", e);
    tell_epoll("level again", e);
    tell("no input wanted", control(e, MODIFY, fd[0], 0, 3));
    tell_epoll("hangup all the same", e);
    tell("delete", control(e, DELETE, fd[0], 0, 0));
    tell_epoll("deleted", e);
    shut(fd[0]);

    pair(DGRAM | NONBLOCK, fd);
    tell("one shot", control(e, ADD, fd[0], IN | ONESHOT, 4));
    tell_epoll("empty", e);
    (void)put_text(fd[1], "a");
    (void)put_text(fd[1], "b");
    tell_epoll("two messages", e);
    tell_epoll("no more", e);
    tell("again", control(e, MODIFY, fd[0], IN | ONESHOT, 5));
    tell_epoll("rearmed", e);
    shut(fd[0]);
    tell_epoll("closed", e);
    shut(fd[1]);

    int l = listener("@epoll", STREAM, 5), c = socket_of(STREAM);
    tell("listener", control(e, ADD, l, IN | EDGE, 6));
    tell_epoll("nobody", e);
    tell("connect", connect_to(c, "@epoll"));
    tell_epoll("somebody", e);
    tell_epoll("once", e);
    int d = socket_of(STREAM);
    (void)connect_to(d, "@epoll");
    tell_epoll("another", e);
    pair(STREAM, fd);
    tell("a copy stays", control(e, ADD, fd[0], OUT, 7));
    int copied = (int)CALL(dup, fd[0]);
    shut(fd[0]);
    tell_epoll("closed but a copy", e);
    shut(copied);
    tell_epoll("all closed", e);

    // A waiter is woken by a writer.
    pair(STREAM, fd);
    (void)control(e, ADD, fd[0], IN | EDGE, 8);
    long child = start_child();
    if (!child) {
        nap(50);
        (void)put_text(fd[1], "x");
        leave(0);
    }
    struct event got;
    say("waited: %r", CALL(epoll_pwait, e, &got, 1, 20000, 0, 8));
    say("%d has %e", (int)got.data[0], (int)got.events);
    (void)end_of(child);
}

// Waits as long as it takes; what came.
static void tell_waited(const char *what, int e)
{
    struct event got = {0};
    long n = CALL(epoll_pwait, e, &got, 1, 20000, 0, 8);
    say("%s: %r, %d has %e", what, n, (int)got.data[0], (int)got.events);
}

static void drain_later(int fd, int milliseconds)
{
    static char large[1 << 19];
    nap(milliseconds);
    while (CALL(recvfrom, fd, large, sizeof(large), MSG_DONTWAIT) > 0)
        ;
}

// What a socket writes to comes and goes after it was added to a set of waits.
// As many as there is room for at once, and no one twice.
void part_epoll_all(void)
{
    enum { MANY = 1500 };
    static struct event got[MANY];
    static u8 seen[MANY];
    const u64 limit[2] = {2048, 4096};
    int e = (int)CALL(epoll_create1, 0);
    CALL(prlimit64, 0, 7, limit, 0);
    for (u32 i = 0; i < MANY; i++) {
        struct event v = {.events = IN, .data = {i}};
        CALL(epoll_ctl, e, ADD, CALL(eventfd2, 1, 0), &v);
    }
    tell("some", CALL(epoll_pwait, e, got, 600, 0, 0, 8));
    tell("all", CALL(epoll_pwait, e, got, MANY, 0, 0, 8));
    u32 different = 0;
    for (u32 i = 0; i < MANY; i++)
        different += !seen[got[i].data[0] % MANY]++;
    tell("different", different);
}

void part_epoll_late(void)
{
    int e = (int)CALL(epoll_create1, 0), l = listener("@late", STREAM, 5);
    for (int round = 0; round < 2; round++) {
        int c = socket_of(STREAM | NONBLOCK);
        u32 edge = round ? 0 : EDGE;
        say(round ? "level" : "edge");
        tell("fresh one", control(e, ADD, c, OUT | edge, 1));
        tell_epoll("fresh", e);
        tell("connect", connect_to(c, "@late"));
        int s = (int)CALL(accept, l, 0, 0);
        (void)fill_up(c);
        tell_epoll("full", e);
        long child = start_child();
        if (!child) {
            drain_later(s, 60);
            leave(0);
        }
        tell_waited("drained", e);
        (void)end_of(child);
        shut(s);
        tell_epoll("peer gone", e);
        tell("delete", control(e, DELETE, c, 0, 0));
        shut(c);
    }
    int r1 = socket_of(DGRAM), r2 = socket_of(DGRAM), d = socket_of(DGRAM | NONBLOCK);
    struct address none = {.family = AF_UNSPEC};
    (void)bind_to(r1, "@r1"), (void)bind_to(r2, "@r2");
    tell("datagrams, fresh one", control(e, ADD, d, OUT | EDGE, 2));
    tell_epoll("fresh", e);
    (void)connect_to(d, "@r1");
    while (put_text(d, "message") > 0)
        ;
    tell_epoll("full", e);
    long child = start_child();
    if (!child) {
        drain_later(r1, 60);
        leave(0);
    }
    tell_waited("drained", e);
    (void)end_of(child);
    while (put_text(d, "message") > 0)
        ;
    tell("elsewhere", connect_to(d, "@r2"));
    tell("modify", control(e, MODIFY, d, OUT | EDGE, 3));
    tell_epoll("there is room", e);
    while (put_text(d, "message") > 0)
        ;
    shut(r1); // the receiver that it had first
    child = start_child();
    if (!child) {
        drain_later(r2, 60);
        leave(0);
    }
    tell_waited("drained there", e);
    (void)end_of(child);
    tell("disconnect", CALL(connect, d, &none, 2));
    shut(r2);
    tell("modify", control(e, MODIFY, d, OUT, 4));
    tell_epoll("nobody", e);
    tell("delete", control(e, DELETE, d, 0, 0));
    // Several receivers one after the other, each closed before the next.
    (void)control(e, ADD, d, IN | OUT | EDGE, 5);
    for (int i = 0; i < 5; i++) {
        int r = socket_of(DGRAM);
        (void)bind_to(r, "@next");
        (void)connect_to(d, "@next");
        (void)control(e, MODIFY, d, IN | OUT | EDGE, 6);
        shut(r);
        (void)put_text(d, "x");
    }
    tell("delete", control(e, DELETE, d, 0, 0));
    // One that sleeps in poll while the socket turns elsewhere.
    r1 = socket_of(DGRAM), r2 = socket_of(DGRAM);
    (void)bind_to(r1, "@s1"), (void)bind_to(r2, "@s2");
    (void)connect_to(d, "@s1");
    while (put_text(d, "message") > 0)
        ;
    child = start_child();
    if (!child) {
        nap(60);
        (void)connect_to(d, "@s2");
        shut(r1), shut(r2), shut(d);
        leave(0);
    }
    shut(r1);
    struct {
        int fd;
        short wanted, got;
    } p = {d, OUT, 0};
    struct time limit = {20, 0};
    long n = CALL(ppoll, &p, 1, &limit, 0, 8);
    say("poll %r %e", n, p.got);
    (void)end_of(child);
}
