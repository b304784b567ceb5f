// Connected pairs: making them, reading and writing, messages and their boundaries.
#include "sockets.h"

static const char *const type_names[] = {"", "stream", "dgram", "raw", "", "seqpacket"};
static const int types[] = {STREAM, DGRAM, SEQPACKET};

void part_pairs(void)
{
    int fd[2];
    for (int i = 0; i < 3; i++) {
        pair(types[i], fd);
        say("%s: type %r domain %r protocol %r error %r accepting %r", type_names[types[i]],
            option(fd[0], SO_TYPE), option(fd[1], 39), option(fd[0], SO_PROTOCOL),
            option(fd[0], SO_ERROR), option(fd[0], SO_ACCEPTCONN));
        say("flags %o %o, descriptor flags %r", (u32)CALL(fcntl, fd[0], F_GETFL),
            (u32)CALL(fcntl, fd[1], F_GETFL), CALL(fcntl, fd[0], F_GETFD));
        shut(fd[0]), shut(fd[1]);
        pair(types[i] | NONBLOCK | CLOEXEC, fd);
        say("with both: flags %o, descriptor flags %r", (u32)CALL(fcntl, fd[1], F_GETFL),
            CALL(fcntl, fd[1], F_GETFD));
        tell("read of nothing", get(fd[0], fd, 0));
        tell("read when empty", get(fd[0], fd, 4));
        shut(fd[0]), shut(fd[1]);
    }
    for (int protocol = -1; protocol <= 3; protocol++) {
        long r = CALL(socket, AF_UNIX, STREAM, protocol), p;
        say("socket protocol %d: %s, pair: %r", protocol, r >= 0 ? "made" : "refused",
            p = CALL(socketpair, AF_UNIX, DGRAM, protocol, fd));
        if (r < 0)
            tell("why", r);
        else
            shut((int)r);
        if (p >= 0)
            shut(fd[0]), shut(fd[1]);
    }
    for (int type = 0; type < 16; type++) {
        long r = CALL(socket, AF_UNIX, type, 0);
        if (r >= 0) {
            say("socket type %d: is %r", type, option((int)r, SO_TYPE));
            shut((int)r);
        } else {
            say("socket type %d: %r, pair: %r", type, r, CALL(socketpair, AF_UNIX, type, 0, fd));
        }
    }
    static const int families[] = {-1, 0, 45, 46, 47, 255, 0x10001};
    for (int i = 0; i < 7; i++)
        say("family %d: %r, pair: %r", families[i], CALL(socket, families[i], STREAM, 0),
            CALL(socketpair, families[i], STREAM, 0, fd));
    tell("unknown flag", CALL(socket, AF_UNIX, STREAM | 0x10000, 0));
    tell("unknown flag of a pair", CALL(socketpair, AF_UNIX, STREAM | 0x100, 0, fd));
    tell("bad type before bad family", CALL(socket, 1000, 99, 0));
    tell("pair to nowhere", CALL(socketpair, AF_UNIX, STREAM, 0, NOWHERE));
    fd[0] = socket_of(STREAM);
    say("nothing leaked: %s", fd[0] == 3 ? "yes" : "no");
}

void part_streams(void)
{
    int fd[2];
    char text[64];
    pair(STREAM, fd);
    tell("write", put_text(fd[0], "hello "));
    tell("write again", put_text(fd[0], "world"));
    tell_read("part", fd[1], 4);
    tell_read("peeked rest", fd[1], 0);
    say("peek: %r %q", CALL(recvfrom, fd[1], text, 64, MSG_PEEK), text, 7L);
    tell_read("the rest at once", fd[1], 64);
    tell_read("none left", fd[1], 64);
    tell("empty write", put_text(fd[0], ""));
    tell("empty send", CALL(sendto, fd[0], "", 0, 0));
    tell_read("after empty ones", fd[1], 64);
    tell("peek of none", CALL(recvfrom, fd[1], text, 64, MSG_PEEK | MSG_DONTWAIT));

    struct vector out[3] = {{"one", 3}, {"", 0}, {"three", 5}}, in[2] = {{text, 4}, {text + 32, 8}};
    tell("writev", CALL(writev, fd[1], out, 3));
    fill(text, 0, sizeof(text));
    tell("readv", CALL(readv, fd[0], in, 2));
    say("as %q %q", text, 4L, text + 32, 4L);
    tell("writev of nothing", CALL(writev, fd[1], out, 0));
    tell("readv of nothing", CALL(readv, fd[0], in, 0));

    (void)put_text(fd[0], "0123456789");
    tell("wait for all, enough there", CALL(recvfrom, fd[1], text, 8, MSG_WAITALL));
    tell("wait for all and do not wait",
         CALL(recvfrom, fd[1], text, 8, MSG_WAITALL | MSG_DONTWAIT));
    (void)put_text(fd[0], "0123456789");
    tell("truncate flag", CALL(recvfrom, fd[1], text, 4, MSG_TRUNC));
    tell_read("what is then left", fd[1], 64);
    (void)put_text(fd[0], "abc");
    long child = start_child();
    if (!child) {
        nap(50);
        (void)put_text(fd[0], "def");
        nap(20);
        (void)put_text(fd[0], "ghi");
        leave(0);
    }
    long r = CALL(recvfrom, fd[1], text, 9, MSG_WAITALL);
    say("wait for all: %r %q", r, text, 9L);
    (void)end_of(child);
    child = start_child();
    if (!child) {
        (void)put_text(fd[0], "xy");
        (void)CALL(shutdown, fd[0], SHUT_WR);
        leave(0);
    }
    r = CALL(recvfrom, fd[1], text, 9, MSG_WAITALL);
    say("wait for all until the end: %r %q", r, text, 2L);
    (void)end_of(child);
    shut(fd[0]), shut(fd[1]);

    pair(STREAM | NONBLOCK, fd);
    say("filled: %s", fill_up(fd[0]) ? "yes" : "no");
    tell("write when full", put_text(fd[0], "x"));
    tell("empty write when full", put_text(fd[0], ""));
    tell("the other direction", put_text(fd[1], "y"));
    static char large[1 << 20];
    long first = get(fd[1], large, sizeof(large));
    while ((r = get(fd[1], large, sizeof(large))) > 0)
        ;
    say("read in large pieces: %s, then %r", first > 4096 ? "yes" : "no", r);
    r = CALL(write, fd[0], large, sizeof(large));
    say("partial write: %s", r > 0 && r < (long)sizeof(large) ? "yes" : "no");
    shut(fd[0]), shut(fd[1]);

    pair(STREAM, fd);
    tell("out of band", CALL(sendto, fd[0], "", 0, MSG_OOB));
    tell("error queue", CALL(recvfrom, fd[1], text, 1, 0x2000 | MSG_DONTWAIT));
    tell("end of record", CALL(sendto, fd[0], "r", 1, MSG_EOR));
    tell("more", CALL(sendto, fd[0], "m", 1, 0x8000));
    tell_read("both", fd[1], 8);
    tell("size below zero", CALL(sendto, fd[0], text, -1L, 0));
    tell("read into nothing when empty", CALL(recvfrom, fd[1], 0, 0, MSG_DONTWAIT));
}

static void messages(int type)
{
    int fd[2];
    char text[64];
    pair(type, fd);
    tell("write", put_text(fd[0], "first message"));
    (void)put_text(fd[0], "second");
    tell_read("first, cut", fd[1], 5);
    tell_read("second", fd[1], 64);
    tell_read("none", fd[1], 64);
    (void)put_text(fd[0], "third message");
    fill(text, 0, sizeof(text));
    say("peek: %r %q", CALL(recvfrom, fd[1], text, 4, MSG_PEEK), text, 6L);
    tell("peek for the length", CALL(recvfrom, fd[1], text, 4, MSG_PEEK | MSG_TRUNC));
    tell("truncate flag", CALL(recvfrom, fd[1], text, 4, MSG_TRUNC));
    tell_read("none left", fd[1], 64);
    tell("empty message", CALL(sendto, fd[0], "", 0, 0));
    tell("empty by write", put_text(fd[0], ""));
    (void)put_text(fd[0], "end");
    tell("poll with an empty message", events(fd[1], EVERY_EVENT) & IN);
    for (int i = 0; i < 3; i++)
        tell_read("in order", fd[1], 64);
    (void)put_text(fd[0], "to be read by nothing");
    tell("read of no bytes", get(fd[1], text, 0));
    tell_read("afterwards", fd[1], 64);
    (void)put_text(fd[0], "zero");
    tell("receive no bytes", CALL(recvfrom, fd[1], 0, 0, MSG_DONTWAIT));
    tell_read("afterwards", fd[1], 64);
    struct vector out[3] = {{"one", 3}, {"", 0}, {"three", 5}}, in[2] = {{text, 4}, {text + 32, 2}};
    tell("writev", CALL(writev, fd[1], out, 3));
    fill(text, 0, sizeof(text));
    tell("readv", CALL(readv, fd[0], in, 2));
    say("as %q %q", text, 4L, text + 32, 3L);
    tell_read("the rest is gone", fd[0], 64);
    (void)put_text(fd[0], "abc");
    tell("wait for all", CALL(recvfrom, fd[1], text, 8, MSG_WAITALL));
    static char large[1 << 19];
    tell("larger than the buffer", CALL(sendto, fd[0], large, sizeof(large), MSG_DONTWAIT));
    tell("by write", CALL(write, fd[0], large, sizeof(large)));
    tell("32768 bytes", CALL(sendto, fd[0], large, 32768, MSG_DONTWAIT));
    tell("and here", CALL(recvfrom, fd[1], large, sizeof(large), MSG_DONTWAIT));
    tell("out of band", CALL(sendto, fd[0], "o", 1, MSG_OOB));
    tell("out of band read", CALL(recvfrom, fd[1], text, 1, MSG_OOB));
    say("filled: %s", fill_up(fd[0]) ? "yes" : "no");
    say("when full: %r", CALL(sendto, fd[0], "x", 1, MSG_DONTWAIT));
    tell("the other direction", put_text(fd[1], "y"));
    tell_read("there", fd[0], 64);
    long n = 0, r;
    while ((r = CALL(recvfrom, fd[1], large, sizeof(large), MSG_DONTWAIT)) >= 0)
        n++;
    say("drained: %s, then %r", n ? "yes" : "no", r);
    tell("room again", CALL(sendto, fd[0], "x", 1, MSG_DONTWAIT));
    tell("end of record", CALL(sendto, fd[1], "r", 1, MSG_EOR));
    struct vector v = {text, 64};
    struct message m = {.vectors = &v, .count = 1};
    r = CALL(recvmsg, fd[0], &m, 0);
    say("arrives: %r flags %x", r, m.flags);
}

void part_datagrams(void)
{
    messages(DGRAM);
}

void part_packets(void)
{
    messages(SEQPACKET);
}

// Writing to a peer that is gone: EPIPE, and SIGPIPE where.
void part_broken(void)
{
    for (int i = 0; i < 3; i++) {
        int fd[2];
        pair(types[i], fd);
        count_signal(SIGPIPE, 0);
        shut(fd[1]);
        say("%s: write %r", type_names[types[i]], put_text(fd[0], "x"));
        say("again %r, signals %d", put_text(fd[0], "x"), caught(SIGPIPE));
        count_signal(SIGPIPE, 0);
        say("send %r, signals %d", CALL(sendto, fd[0], "x", 1, 0), caught(SIGPIPE));
        count_signal(SIGPIPE, 0);
        say("without signal %r, signals %d", CALL(sendto, fd[0], "x", 1, MSG_NOSIGNAL),
            caught(SIGPIPE));
        say("empty %r, signals %d", CALL(sendto, fd[0], "", 0, 0), caught(SIGPIPE));
        ignore(SIGPIPE, true);
        say("ignored %r", put_text(fd[0], "x"));
        ignore(SIGPIPE, false);
        long child = start_child();
        if (!child) {
            (void)put_text(fd[0], "x");
            leave(7);
        }
        say("not caught: end %d", end_of(child));
        shut(fd[0]);
        pair(types[i], fd);
        count_signal(SIGPIPE, 0);
        (void)CALL(shutdown, fd[0], SHUT_WR);
        say("after own shutdown %r, signals %d", put_text(fd[0], "x"), caught(SIGPIPE));
        shut(fd[0]), shut(fd[1]);
        pair(types[i], fd);
        count_signal(SIGPIPE, 0);
        (void)CALL(shutdown, fd[1], SHUT_RD);
        say("after the peer's %r, signals %d", put_text(fd[0], "x"), caught(SIGPIPE));
        shut(fd[0]), shut(fd[1]);
    }
}

void part_shutdown(void)
{
    static const char *const how_names[] = {"read", "write", "both"};
    for (int i = 0; i < 3; i++) {
        for (int how = 0; how < 3; how++) {
            int fd[2];
            ignore(SIGPIPE, true);
            pair(types[i], fd);
            (void)put_text(fd[0], "before");
            (void)put_text(fd[1], "BEFORE");
            say("%s, shutdown of %s: %r", type_names[types[i]], how_names[how],
                CALL(shutdown, fd[0], how));
            tell_read("here the first", fd[0], 64);
            tell_read("here then", fd[0], 64);
            tell_read("there the first", fd[1], 64);
            tell_read("there then", fd[1], 64);
            say("write here %r there %r", put_text(fd[0], "h"), put_text(fd[1], "t"));
            say("poll here %e there %e", events(fd[0], EVERY_EVENT), events(fd[1], EVERY_EVENT));
            say("again %r, from there %r", CALL(shutdown, fd[0], how), CALL(shutdown, fd[1], how));
            say("error here %r there %r", option(fd[0], SO_ERROR), option(fd[1], SO_ERROR));
            shut(fd[0]), shut(fd[1]);
        }
        int lone = socket_of(types[i]), fd[2];
        pair(types[i], fd);
        say("%s: shutdown 3 %r, -1 %r", type_names[types[i]], CALL(shutdown, fd[0], 3),
            CALL(shutdown, fd[0], -1));
        say("unconnected: %r %r %r", CALL(shutdown, lone, 0), CALL(shutdown, lone, 1),
            CALL(shutdown, lone, 2));
        tell_read("then read", lone, 8);
        if (types[i] != DGRAM)
            tell("then write", put_text(lone, "x"));
        say("then poll %e", events(lone, EVERY_EVENT));
        shut(lone), shut(fd[0]), shut(fd[1]);
    }
    int l = listener("shut", STREAM, 5), c = socket_of(STREAM);
    tell("connect", connect_to(c, "shut"));
    tell("shutdown of the listener", CALL(shutdown, l, SHUT_RDWR));
    say("poll of the listener %e", events(l, EVERY_EVENT));
    int d = socket_of(STREAM | NONBLOCK);
    tell("connect then", connect_to(d, "shut"));
    (void)CALL(fcntl, l, F_SETFL, NONBLOCK);
    long a = CALL(accept, l, 0, 0);
    say("accept of the one waiting: %s", a >= 0 ? "yes" : "no");
    tell("accept then", CALL(accept, l, 0, 0));
    tell("listen again", CALL(listen, l, 5));
    tell("connect after that", connect_to(d, "shut"));
    int l2 = listener("shut-read", STREAM, 5);
    tell("shutdown for reading", CALL(shutdown, l2, SHUT_RD));
    d = socket_of(STREAM | NONBLOCK);
    tell("connect then", connect_to(d, "shut-read"));
}

// The peer is closed, with and without data on either side.
void part_gone(void)
{
    for (int i = 0; i < 3; i++)
        for (int unread = 0; unread < 4; unread++) {
            int fd[2];
            pair(types[i], fd);
            ignore(SIGPIPE, true);
            if (unread & 1)
                (void)put_text(fd[0], "never read");
            if (unread & 2)
                (void)put_text(fd[1], "last words");
            shut(fd[1]);
            say("%s, %s unread there, %s here: poll %e", type_names[types[i]],
                unread & 1 ? "something" : "nothing", unread & 2 ? "something" : "nothing",
                events(fd[0], EVERY_EVENT));
            if (unread == 3)
                tell("error option first", option(fd[0], SO_ERROR));
            tell_read("read", fd[0], 4);
            tell_read("then", fd[0], 64);
            tell_read("then", fd[0], 64);
            tell_read("then", fd[0], 64);
            tell("error option", option(fd[0], SO_ERROR));
            tell("write", put_text(fd[0], "x"));
            tell("write again", put_text(fd[0], "x"));
            tell("shutdown", CALL(shutdown, fd[0], SHUT_RDWR));
            struct address a = {0};
            u32 n = sizeof(a);
            tell("peer's name", CALL(getpeername, fd[0], &a, &n));
            tell("peer", (option(fd[0], SO_PEERCRED) >= 0));
            shut(fd[0]);
        }
    int fd[2];
    pair(STREAM, fd);
    (void)put_text(fd[0], "unread");
    shut(fd[1]);
    tell("write finds the reset", put_text(fd[0], "x"));
    tell_read("then read", fd[0], 4);
    tell_read("then", fd[0], 4);
    shut(fd[0]);
    pair(STREAM, fd);
    (void)put_text(fd[0], "unread");
    int other = (int)CALL(dup, fd[1]);
    shut(fd[1]);
    say("a copy keeps it open: poll %e", events(fd[0], EVERY_EVENT));
    tell("write", put_text(fd[0], "x"));
    tell_read("there", other, 64);
    shut(other);
    say("last copy: poll %e", events(fd[0], EVERY_EVENT));
}
