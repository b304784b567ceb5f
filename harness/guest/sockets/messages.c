// sendto and recvfrom with addresses, sendmsg and recvmsg, sendmmsg and recvmmsg.
#include "sockets.h"

static void tell_from(const char *what, int fd)
{
    struct address a;
    char text[64];
    u32 n = sizeof(a);
    fill(&a, 0x55, sizeof(a));
    long r = CALL(recvfrom, fd, text, 64, MSG_DONTWAIT, &a, &n);
    if (r < 0) {
        tell(what, r);
        return;
    }
    say("%s: %q", what, text, r);
    tell_address("from", 0, &a, n);
}

static long send_to(int fd, const char *text, const char *name)
{
    struct address a;
    u32 n = address_of(&a, name);
    return CALL(sendto, fd, text, length_of(text), MSG_NOSIGNAL, &a, n);
}

void part_send_to(void)
{
    struct address a;
    int r = socket_of(DGRAM), u = socket_of(DGRAM), p = socket_of(DGRAM), b = socket_of(DGRAM),
        any = socket_of(DGRAM);
    (void)bind_to(r, "receiver"), (void)bind_to(p, "path"), (void)bind_to(b, "@abstract");
    a.family = AF_UNIX;
    (void)CALL(bind, any, &a, 2);
    tell("unbound", send_to(u, "unbound", "receiver"));
    tell("path", send_to(p, "path", "receiver"));
    tell("abstract", send_to(b, "abstract", "receiver"));
    tell("own name", send_to(r, "own", "receiver"));
    tell("empty", send_to(p, "", "receiver"));
    for (int i = 0; i < 6; i++)
        tell_from("received", r);
    tell("any", send_to(any, "any", "receiver"));
    u32 n = sizeof(a);
    long v = CALL(recvfrom, r, &a, 0, 0, &a, &n);
    say("from one with any name: %r length %d", v, n);
    // A name changes between sending and receiving; its socket is closed.
    int late = socket_of(DGRAM);
    tell("sent unbound", send_to(late, "late", "receiver"));
    (void)bind_to(late, "@late");
    tell_from("bound since", r);
    (void)send_to(late, "closed", "receiver");
    shut(late);
    tell_from("closed since", r);
    (void)send_to(p, "cut", "receiver");
    for (u32 room = 0; room < 7; room += 3) {
        n = room;
        fill(&a, 0x55, sizeof(a));
        (void)send_to(p, "cut", "receiver");
        v = CALL(recvfrom, r, late ? (char *)&late : 0, 3, 0, &a, &n);
        say("room %d: %r length %d %q", room, v, n, &a, 8L);
    }
    tell_from("one more", r);
    tell("no such name", send_to(u, "x", "none"));
    tell("no such abstract name", send_to(u, "x", "@none"));
    int s = listener("stream", STREAM, 5);
    tell("a stream's name", send_to(u, "x", "stream"));
    shut((int)CALL(openat, HERE, "file", CREAT | RDWR, 0644));
    tell("a file", send_to(u, "x", "file"));
    tell("no address", put_text(u, "x"));
    tell("no bytes, no address", put_text(u, ""));
    n = address_of(&a, "receiver");
    static const u32 lengths[] = {1, 2, 111, 129, 0x80000000};
    for (int i = 0; i < 5; i++)
        say("length %d: %r", (int)lengths[i], CALL(sendto, u, "x", 1, 0, &a, lengths[i]));
    tell("length 0", CALL(sendto, u, "x", 1, 0, &a, 0));
    a.family = 2;
    tell("another family", CALL(sendto, u, "x", 1, 0, &a, n));
    tell_from("nothing of all that", r);

    int c = socket_of(STREAM), q[2], t[2];
    tell("unconnected stream with a name", send_to(c, "x", "stream"));
    tell("unconnected stream without", put_text(c, "x"));
    tell_read("unconnected stream read", c, 4);
    (void)connect_to(c, "stream");
    tell("connected stream with a name", send_to(c, "x", "stream"));
    n = sizeof(a);
    fill(&a, 0x55, sizeof(a));
    int served = (int)CALL(accept, s, 0, 0);
    (void)put_text(served, "words");
    tell_from("a stream's sender", c);
    (void)put_text(c, "words");
    tell_from("a client's words", served);
    pair(SEQPACKET, q);
    tell("packets with a name", send_to(q[0], "x", "receiver"));
    tell_from("packets arrive", q[1]);
    int lone = socket_of(SEQPACKET);
    tell("unconnected packets with a name", send_to(lone, "x", "receiver"));
    tell("unconnected packets without", put_text(lone, "x"));
    tell_read("unconnected packets read", lone, 4);
    pair(DGRAM, t);
    tell("a pair's end with a name", send_to(t[0], "aside", "receiver"));
    tell_from("arrives", r);
    tell("to the pair's end", put_text(t[0], "pair"));
    tell_from("arrives", t[1]);
    // A sender without a name gets none by sending; SO_PASSCRED gives it one.
    int w = socket_of(DGRAM);
    (void)set(w, SO_PASSCRED, 1);
    tell("one that passes credentials", send_to(w, "named", "receiver"));
    n = sizeof(a);
    v = CALL(recvfrom, r, &late, 4, 0, &a, &n);
    say("has a name: length %d", n);
}

static long receive(int fd, struct message *m, int flags)
{
    return CALL(recvmsg, fd, m, flags);
}

void part_vectors(void)
{
    char one_[4], two_[8], three_[64];
    struct address a;
    int kinds[] = {STREAM, DGRAM, SEQPACKET};
    for (int i = 0; i < 3; i++) {
        int fd[2];
        pair(kinds[i], fd);
        struct vector out[] = {{"ab", 2}, {0, 0}, {"cdef", 4}, {"ghijklmnop", 10}};
        struct vector in[] = {{one_, 3}, {0, 0}, {two_, 5}, {three_, 64}};
        struct message m = {.vectors = out, .count = 4, .flags = 0x7777};
        say("type %d: send %r", kinds[i], CALL(sendmsg, fd[0], &m, 0));
        m.vectors = in;
        fill(&a, 0x55, sizeof(a));
        m.name = &a, m.name_length = sizeof(a);
        long r = receive(fd[1], &m, 0);
        say("receive %r flags %x name %d: %q %q %q", r, m.flags, m.name_length, one_, 3L, two_, 5L,
            three_, r - 8);
        m = (struct message){.vectors = out, .count = 4};
        (void)CALL(sendmsg, fd[0], &m, 0);
        m = (struct message){.vectors = in, .count = 2};
        r = receive(fd[1], &m, 0);
        say("cut: %r flags %x", r, m.flags);
        (void)put_text(fd[0], "more");
        m = (struct message){.vectors = in, .count = 1};
        r = receive(fd[1], &m, MSG_TRUNC);
        say("with the flag: %r flags %x", r, m.flags);
        m = (struct message){.vectors = in, .count = 4};
        r = receive(fd[1], &m, MSG_DONTWAIT);
        say("then: %r", r);
        (void)put_text(fd[0], "all of it");
        m = (struct message){.vectors = in, .count = 4, .control_length = 77};
        r = receive(fd[1], &m, MSG_PEEK);
        say("peek: %r flags %x control %l", r, m.flags, (long)m.control_length);
        m = (struct message){0};
        tell("no vectors", receive(fd[1], &m, MSG_DONTWAIT));
        tell("send no vectors", CALL(sendmsg, fd[0], &m, 0));
        tell("bad flags", CALL(sendmsg, fd[0], &m, 0x80));
        m.count = 1025;
        m.vectors = out;
        tell("too many", CALL(sendmsg, fd[0], &m, 0));
        tell("too many to receive", receive(fd[1], &m, MSG_DONTWAIT));
        struct vector bad[] = {{"x", 1}, {"y", 1UL << 63}};
        m = (struct message){.vectors = bad, .count = 2};
        tell("a length below zero", CALL(sendmsg, fd[0], &m, 0));
        m = (struct message){.vectors = out, .count = 1, .name = &a, .name_length = 0x80000000};
        tell("a name length below zero", CALL(sendmsg, fd[0], &m, 0));
        shut(fd[0]), shut(fd[1]);
    }
    int r = socket_of(DGRAM), s = socket_of(DGRAM);
    (void)bind_to(r, "@vectors"), (void)bind_to(s, "sender");
    struct vector v = {"text", 4};
    struct message m = {
        .name = &a, .name_length = address_of(&a, "@vectors"), .vectors = &v, .count = 1};
    tell("by name", CALL(sendmsg, s, &m, 0));
    v = (struct vector){three_, 64};
    m = (struct message){.name = &a, .name_length = 8, .vectors = &v, .count = 1};
    fill(&a, 0x55, sizeof(a));
    long got = receive(r, &m, 0);
    say("received %r name %d %q", got, m.name_length, &a, 10L);
    m = (struct message){.name = 0, .name_length = 8, .vectors = &v, .count = 1};
    tell("a name length without a name", CALL(sendmsg, s, &m, 0));
    m = (struct message){.name = &a, .name_length = 500, .vectors = &v, .count = 1};
    tell("a long name", CALL(sendmsg, s, &m, 0));
}

// Control messages that are wrong.
void part_control(void)
{
    int fd[2], pipe[2];
    struct {
        struct control head;
        int data[16];
    } c;
    struct vector v = {"x", 1};
    pair(STREAM, fd);
    (void)CALL(pipe2, pipe, 0);
    struct message m = {.vectors = &v, .count = 1, .control = &c};
    static const u64 lengths[] = {0,  1,  15, 16,   17,        19,        20,
                                  21, 24, 25, 1000, 1UL << 32, 1UL << 63, ~0UL};
    for (int i = 0; i < 14; i++) {
        fill(&c, 0, sizeof(c));
        c.head = (struct control){lengths[i], SOL_SOCKET, SCM_RIGHTS};
        c.data[0] = pipe[0];
        m.control_length = 24;
        say("length %l in 24: %r", (long)lengths[i], CALL(sendmsg, fd[0], &m, MSG_DONTWAIT));
    }
    for (u64 room = 0; room < 24; room += 1 + room / 4 * 3) {
        c.head = (struct control){20, SOL_SOCKET, SCM_RIGHTS};
        m.control_length = room;
        say("20 in %l: %r", (long)room, CALL(sendmsg, fd[0], &m, MSG_DONTWAIT));
    }
    m.control_length = 24;
    c.head = (struct control){20, SOL_SOCKET, 99};
    tell("unknown type", CALL(sendmsg, fd[0], &m, 0));
    c.head = (struct control){20, 6, 1};
    tell("another level", CALL(sendmsg, fd[0], &m, 0));
    c.head = (struct control){20, 0, 1};
    c.data[0] = 99;
    tell("another level's bad descriptor", CALL(sendmsg, fd[0], &m, 0));
    c.head = (struct control){20, SOL_SOCKET, SCM_RIGHTS};
    tell("bad descriptor", CALL(sendmsg, fd[0], &m, 0));
    c.data[0] = -1;
    tell("descriptor -1", CALL(sendmsg, fd[0], &m, 0));
    c.head = (struct control){20, SOL_SOCKET, SCM_CREDENTIALS};
    tell("short credentials", CALL(sendmsg, fd[0], &m, 0));
    m.control = NOWHERE;
    tell("control nowhere", CALL(sendmsg, fd[0], &m, 0));
    m.control = 0;
    tell("no control but a length", CALL(sendmsg, fd[0], &m, 0));
    m.control = &c;
    m.control_length = 1UL << 31;
    tell("long control", CALL(sendmsg, fd[0], &m, 0));
    m.control_length = 1UL << 20;
    say("control of a megabyte: %s", CALL(sendmsg, fd[0], &m, 0) < 0 ? "refused" : "taken");
    // Without control room a receiver gets none.
    char text[64];
    v = (struct vector){text, 64};
    m = (struct message){.vectors = &v, .count = 1};
    tell("flags of what was taken", (CALL(recvmsg, fd[1], &m, MSG_DONTWAIT) > 0) * (long)m.flags);
}

static void show_many(const char *what, long r, const struct many *all, int n)
{
    say("%s: %r", what, r);
    for (int i = 0; i < n && i < r; i++)
        say("  %d bytes flags %x name %d", all[i].length, all[i].message.flags,
            all[i].message.name_length);
}

void part_many(void)
{
    int fd[2];
    char room[4][8];
    static const char *const texts[] = {"one", "", "three", "fourteen bytes"};
    struct vector out[4], in[4];
    struct many all[4];
    struct time limit = {0, 30000000};
    pair(DGRAM, fd);
    for (int i = 0; i < 4; i++) {
        out[i] = (struct vector){texts[i], length_of(texts[i])};
        in[i] = (struct vector){room[i], 8};
        all[i] = (struct many){{.vectors = &out[i], .count = 1, .flags = 0x77}, 99};
    }
    long r = CALL(sendmmsg, fd[0], all, 4, 0);
    say("sent %r: %d %d %d %d", r, all[0].length, all[1].length, all[2].length, all[3].length);
    for (int i = 0; i < 4; i++)
        all[i] = (struct many){{.vectors = &in[i], .count = 1}, 99};
    r = CALL(recvmmsg, fd[1], all, 4, MSG_DONTWAIT, 0);
    show_many("received", r, all, 4);
    tell("when empty", CALL(recvmmsg, fd[1], all, 4, MSG_DONTWAIT, 0));
    (void)put_text(fd[0], "single");
    r = CALL(recvmmsg, fd[1], all, 4, MSG_WAITFORONE, 0);
    show_many("wait for one", r, all, 4);
    (void)put_text(fd[0], "a"), (void)put_text(fd[0], "b");
    r = CALL(recvmmsg, fd[1], all, 2, 0, 0);
    show_many("as many as are there", r, all, 2);
    tell("none wanted", CALL(recvmmsg, fd[1], all, 0, MSG_DONTWAIT, 0));
    tell("none sent", CALL(sendmmsg, fd[0], all, 0, 0));
    limit.parts = 2000000000;
    tell("bad time", CALL(recvmmsg, fd[1], all, 1, MSG_DONTWAIT, &limit));
    tell("on a closed descriptor", CALL(recvmmsg, 99, all, 1, 0, 0));
    tell("sent on a closed descriptor", CALL(sendmmsg, 99, all, 1, 0));
    tell("messages nowhere", CALL(sendmmsg, fd[0], NOWHERE, 1, 0));
    tell("received nowhere", CALL(recvmmsg, fd[1], NOWHERE, 1, MSG_DONTWAIT, 0));
    all[1].message.vectors = NOWHERE;
    all[0].message.vectors = &out[0];
    tell("second is bad", CALL(sendmmsg, fd[0], all, 2, 0));
    all[0].message.vectors = NOWHERE;
    tell("first is bad", CALL(sendmmsg, fd[0], all, 2, 0));
    tell_read("one came", fd[1], 8);
    tell_read("no other", fd[1], 8);
    // With a time: it is looked at after each message.
    limit = (struct time){0, 30000000};
    long child = start_child();
    if (!child) {
        nap(400);
        (void)put_text(fd[0], "late");
        nap(3000); // not needed, but by one that began too late
        (void)put_text(fd[0], "too late"), (void)put_text(fd[0], ""), (void)put_text(fd[0], "");
        leave(0);
    }
    for (int i = 0; i < 4; i++)
        all[i] = (struct many){{.vectors = &in[i], .count = 1}, 99};
    r = CALL(recvmmsg, fd[1], all, 4, 0, &limit);
    show_many("time over after one", r, all, 4);
    hush(child);
    pair(STREAM, fd);
    for (int i = 0; i < 4; i++)
        all[i] = (struct many){{.vectors = &out[i], .count = 1}, 99};
    tell("stream", CALL(sendmmsg, fd[0], all, 4, 0));
    for (int i = 0; i < 4; i++)
        all[i] = (struct many){{.vectors = &in[i], .count = 1}, 99};
    r = CALL(recvmmsg, fd[1], all, 4, MSG_DONTWAIT, 0);
    show_many("stream received", r, all, 4);
    // A full receiver ends it early.
    for (int i = 0; i < 4; i++)
        all[i] = (struct many){{.vectors = &out[0], .count = 1}, 99};
    pair(SEQPACKET, fd);
    (void)fill_up(fd[0]);
    tell("when full", CALL(sendmmsg, fd[0], all, 4, MSG_DONTWAIT));
    shut(fd[1]);
    tell("peer gone", CALL(sendmmsg, fd[0], all, 4, MSG_NOSIGNAL));
}
