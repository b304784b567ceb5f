// connect, listen and accept.
#include "sockets.h"

static const int types[] = {STREAM, DGRAM, SEQPACKET};
static const char *const type_names[] = {"stream", "dgram", "seqpacket"};

void part_connect(void)
{
    struct address a;
    (void)listener("stream", STREAM, 5), (void)listener("packets", SEQPACKET, 5);
    int g = socket_of(DGRAM), quiet = socket_of(STREAM), dead = socket_of(STREAM);
    (void)bind_to(g, "datagrams"), (void)bind_to(quiet, "quiet"), (void)bind_to(dead, "dead");
    shut(dead);
    shut((int)CALL(openat, HERE, "file", CREAT | RDWR, 0644));
    (void)CALL(mkdirat, HERE, "dir", 0755);
    (void)CALL(symlinkat, "loop", HERE, "loop");
    static const char *const names[] = {"stream", "packets", "datagrams", "quiet",  "dead",
                                        "file",   "dir",     "none",      "none/x", "file/x",
                                        "loop",   "@none",   "@",         "/"};
    for (int t = 0; t < 3; t++)
        for (int i = 0; i < 14; i++) {
            int fd = socket_of(types[t]);
            say("%s to %s: %r", type_names[t], names[i], connect_to(fd, names[i]));
            shut(fd);
        }
    int fd = socket_of(STREAM);
    u32 n = address_of(&a, "stream");
    static const u32 lengths[] = {0, 1, 2, 3, 111, 129, 0x80000000};
    for (int i = 0; i < 7; i++)
        say("length %d: %r", (int)lengths[i], CALL(connect, fd, &a, lengths[i]));
    a.family = 2;
    tell("another family", CALL(connect, fd, &a, n));
    a.family = AF_UNSPEC;
    tell("no family", CALL(connect, fd, &a, n));
    tell("no family, two bytes", CALL(connect, fd, &a, 2));
    tell("after all that", connect_to(fd, "stream"));
    tell("again", connect_to(fd, "stream"));
    tell("elsewhere", connect_to(fd, "none"));
    tell("no family when connected", CALL(connect, fd, &a, 2));
    tell("listen when connected", CALL(listen, fd, 1));
    int two[2];
    pair(STREAM, two);
    tell("one of a pair", connect_to(two[0], "stream"));
    tell("listen on one of a pair", CALL(listen, two[0], 1));
    int l = listener("other", STREAM, 1);
    tell("a listener", connect_to(l, "stream"));
    tell("a listener to itself", connect_to(l, "other"));
    int s = socket_of(STREAM);
    (void)bind_to(s, "self");
    tell("a bound one to itself", connect_to(s, "self"));
    tell("a bound one", connect_to(s, "stream"));
    int after = socket_of(STREAM);
    tell("failed", connect_to(after, "none"));
    tell("error kept", option(after, SO_ERROR));
    tell("then right", connect_to(after, "stream"));
    tell("pending error", option(after, SO_ERROR));
    int b = socket_of(STREAM), e = socket_of(STREAM);
    (void)bind_to(b, "@b"), (void)bind_to(e, "@e");
    tell("a bound name without listener", connect_to(b, "@e"));
}

// As another user: what permissions a name and its way need.
void part_not_permitted(void)
{
    (void)CALL(umask, 022);
    (void)CALL(mkdirat, HERE, "open", 0777);
    (void)CALL(fchmodat, HERE, "open", 0777);
    (void)CALL(mkdirat, HERE, "closed", 0700);
    (void)CALL(mkdirat, HERE, "readable", 0755);
    int plain = listener("open/plain", STREAM, 5), all = listener("open/all", STREAM, 5);
    int read_only = listener("open/read", STREAM, 5),
        write_only = listener("open/write", STREAM, 5);
    int hidden = listener("closed/in", STREAM, 5), g = socket_of(DGRAM);
    (void)plain, (void)all, (void)read_only, (void)write_only, (void)hidden;
    (void)bind_to(g, "open/datagrams");
    (void)CALL(fchmodat, HERE, "open/all", 0777);
    (void)CALL(fchmodat, HERE, "open/read", 0555);
    (void)CALL(fchmodat, HERE, "open/write", 0222);
    (void)CALL(fchmodat, HERE, "closed/in", 0777);
    (void)connect_to(socket_of(STREAM), "open/read");
    long child = start_child();
    if (!child) {
        struct address a;
        tell("another group", CALL(setresgid, 1000, 1000, 1000));
        tell("another user", CALL(setresuid, 1000, 1000, 1000));
        tell("plain", connect_to(socket_of(STREAM), "open/plain"));
        tell("for all", connect_to(socket_of(STREAM), "open/all"));
        tell("only readable", connect_to(socket_of(STREAM), "open/read"));
        tell("only writable", connect_to(socket_of(STREAM), "open/write"));
        tell("in a closed directory", connect_to(socket_of(STREAM), "closed/in"));
        tell("not there in a closed directory", connect_to(socket_of(STREAM), "closed/none"));
        tell("wrong type and no permission", connect_to(socket_of(DGRAM), "open/plain"));
        int s = socket_of(DGRAM);
        u32 n = address_of(&a, "open/datagrams");
        tell("datagram", CALL(sendto, s, "x", 1, 0, &a, n));
        tell("datagram connect", connect_to(s, "open/datagrams"));
        tell("bind in a closed directory", bind_to(s, "closed/new"));
        tell("bind in a readable directory", bind_to(s, "readable/new"));
        tell("bind in an open directory", bind_to(s, "open/new"));
        tell("bind where a name is", bind_to(socket_of(DGRAM), "open/plain"));
        leave(0);
    }
    say("end %d", end_of(child));
    u8 buffer[256];
    (void)CALL(statx, HERE, "open/new", 0, 0x7ff, buffer);
    say("the name is owned by %d %d", *(int *)(buffer + 20), *(int *)(buffer + 24));
}

// More clients than the backlog has room for.
void part_backlog(void)
{
    for (int t = 0; t < 3; t += 2)
        for (int backlog = 0; backlog < 3; backlog++) {
            char name[] = "@backlog00";
            name[8] = (char)('0' + t), name[9] = (char)('0' + backlog);
            int l = listener(name, types[t] | NONBLOCK, backlog), c[6], n = 0;
            long r = 0;
            for (; n < 6; n++) {
                c[n] = socket_of(types[t] | NONBLOCK);
                if ((r = connect_to(c[n], name)) < 0)
                    break;
            }
            say("%s backlog %d: %d connect, then %r", type_names[t], backlog, n, r);
            say("poll of the refused %e, error %r", events(c[n], EVERY_EVENT),
                option(c[n], SO_ERROR));
            tell("again", connect_to(c[n], name));
            int a = (int)CALL(accept, l, 0, 0);
            tell("room after accept", connect_to(c[n], name));
            say("accepted one is connected: %s", put_text(a, "x") == 1 ? "yes" : "no");
            tell("larger backlog", CALL(listen, l, backlog + 2));
            int d = socket_of(types[t] | NONBLOCK);
            tell("room after listen", connect_to(d, name));
            tell("smaller backlog", CALL(listen, l, 0));
            tell("no room", connect_to(socket_of(types[t] | NONBLOCK), name));
            shut(d); // one that has gone waits all the same
            for (n = 0; (a = (int)CALL(accept, l, 0, 0)) >= 0; n++)
                shut(a);
            say("waited: %d, then %r", n, (long)a);
            shut(l);
            for (n = 0; n < 6; n++)
                shut(c[n]);
        }
    int l = listener("@negative", STREAM | NONBLOCK, -1), n = 0;
    for (; n < 100 && connect_to(socket_of(STREAM | NONBLOCK), "@negative") >= 0; n++)
        ;
    say("backlog -1 takes: %d", n);
    shut(l);
    l = listener("@room", STREAM, 0);
    struct time limit = {0, 50000};
    int c = socket_of(STREAM), d = socket_of(STREAM);
    (void)connect_to(c, "@room");
    tell("time limit", CALL(setsockopt, d, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
    tell("waits only so long", connect_to(d, "@room"));
}

void part_datagram_connect(void)
{
    struct address a, none = {.family = AF_UNSPEC};
    int r1 = socket_of(DGRAM), r2 = socket_of(DGRAM), s = socket_of(DGRAM | NONBLOCK);
    (void)bind_to(r1, "one"), (void)bind_to(r2, "@two");
    tell("send unconnected", put_text(s, "x"));
    tell("receive unconnected", get(s, &a, 1));
    tell("connect", connect_to(s, "one"));
    tell("send", put_text(s, "to one"));
    tell("connect elsewhere", connect_to(s, "@two"));
    tell("send", put_text(s, "to two"));
    tell_read("one has", r1, 16);
    tell_read("two has", r2, 16);
    u32 n = sizeof(a);
    long r = CALL(getpeername, s, &a, &n);
    tell_address("peer", r, &a, n);
    tell("bad name", connect_to(s, "none"));
    tell("still connected", put_text(s, "still"));
    tell_read("two has", r2, 16);
    n = address_of(&a, "one");
    tell("send elsewhere when connected", CALL(sendto, s, "aside", 5, 0, &a, n));
    tell_read("one has", r1, 16);
    tell("disconnect", CALL(connect, s, &none, 2));
    tell("send", put_text(s, "x"));
    n = sizeof(a);
    tell("peer", CALL(getpeername, s, &a, &n));
    tell("disconnect again", CALL(connect, s, &none, sizeof(none)));
    // One that is connected takes from its peer alone.
    (void)bind_to(s, "@s");
    tell("two to s", connect_to(r2, "@s"));
    tell("s to one", connect_to(s, "one"));
    tell("two sends", put_text(r2, "x"));
    n = address_of(&a, "@s");
    tell("one sends unconnected", CALL(sendto, r1, "from one", 8, 0, &a, n));
    tell_read("s has", s, 16);
    int other = socket_of(DGRAM);
    tell("another sends", CALL(sendto, other, "x", 1, 0, &a, n));
    tell("another connects", connect_to(other, "@s"));
    tell("to itself", connect_to(s, "@s"));
    tell("sends all the same", put_text(s, "own"));
    tell_read("s has", s, 16);
    // The receiver goes.
    (void)connect_to(s, "one");
    shut(r1);
    say("poll %e", events(s, EVERY_EVENT));
    tell("first send", put_text(s, "x"));
    tell("second send", put_text(s, "x"));
    tell("third by name", CALL(sendto, s, "x", 1, 0, &a, address_of(&a, "one")));
    n = sizeof(a);
    tell("peer", CALL(getpeername, s, &a, &n));
    tell_read("receive", s, 8);
    // The peer of a connected pair turns away.
    int two[2];
    pair(DGRAM | NONBLOCK, two);
    (void)put_text(two[1], "waiting");
    tell("one of a pair elsewhere", connect_to(two[0], "@two"));
    tell("the other sends", put_text(two[1], "x"));
    tell("error", option(two[1], SO_ERROR));
    tell_read("what waited", two[0], 16);
    tell_read("the other reads", two[1], 16);
    pair(DGRAM | NONBLOCK, two);
    (void)put_text(two[1], "waiting");
    tell("disconnect one of a pair", CALL(connect, two[0], &none, 2));
    tell("the other sends", put_text(two[1], "x"));
    tell("error", option(two[1], SO_ERROR));
    tell_read("what waited", two[0], 16);
    tell("listen", CALL(listen, s, 1));
    tell("accept", CALL(accept, s, 0, 0));
}

void part_listen(void)
{
    struct address a;
    for (int t = 0; t < 3; t++) {
        int fd = socket_of(types[t]);
        say("%s: listen unbound %r", type_names[t], CALL(listen, fd, 5));
        tell("accept unbound", CALL(accept, fd, 0, 0));
        (void)bind_to(fd, t == 0 ? "@l0" : t == 1 ? "@l1" : "@l2");
        tell("accept bound", CALL(accept, fd, 0, 0));
        tell("listen", CALL(listen, fd, 5));
        say("accepting %r", option(fd, SO_ACCEPTCONN));
        tell("listen again", CALL(listen, fd, 0));
        tell("write", put_text(fd, "x"));
        tell_read("read", fd, 4);
        tell("send to", CALL(sendto, fd, "x", 1, MSG_NOSIGNAL, &a, address_of(&a, "@l1")));
        u32 n = sizeof(a);
        tell("peer", CALL(getpeername, fd, &a, &n));
        tell("bind", bind_to(fd, "@again"));
        shut(fd);
    }
    int fd = socket_of(STREAM);
    a.family = AF_UNIX;
    (void)CALL(bind, fd, &a, 2);
    tell("any name", CALL(listen, fd, 1));
    int l = listener("@dead", STREAM, 5), c = socket_of(STREAM | NONBLOCK),
        d = socket_of(STREAM | NONBLOCK);
    (void)connect_to(c, "@dead"), (void)connect_to(d, "@dead");
    tell("a client writes", put_text(d, "early"));
    shut(l);
    ignore(SIGPIPE, true);
    tell_read("closed with waiting clients, one reads", c, 4);
    tell_read("and again", c, 4);
    tell("and writes", put_text(c, "x"));
    say("poll %e", events(c, EVERY_EVENT));
    tell("the other", put_text(d, "x"));
    tell_read("the other reads", d, 4);
    tell_read("and again", d, 4);
    tell("connect to the name", connect_to(socket_of(STREAM), "@dead"));
    l = listener("file", STREAM, 5);
    shut(l);
    tell("connect to a file's name", connect_to(socket_of(STREAM), "file"));
    // A copy keeps it.
    l = listener("@copied", STREAM, 5);
    int copied = (int)CALL(dup, l);
    shut(l);
    tell("a copy listens", connect_to(socket_of(STREAM), "@copied"));
    shut((int)CALL(accept, copied, 0, 0));
}

void part_accept(void)
{
    struct address a;
    for (int t = 0; t < 3; t += 2) {
        const char *name = t ? "server5" : "server1";
        int l = listener(name, types[t] | NONBLOCK | CLOEXEC, 9), c, s;
        u32 n;
        say("%s: nobody there: %r", type_names[t], CALL(accept, l, 0, 0));
        c = socket_of(types[t]);
        (void)connect_to(c, name);
        n = sizeof(a);
        fill(&a, 0x55, sizeof(a));
        long r = CALL(accept, l, &a, &n);
        s = (int)r;
        tell_address("peer without a name", r < 0 ? r : 0, &a, n);
        say("flags are not inherited: %o, %r", (u32)CALL(fcntl, s, F_GETFL),
            CALL(fcntl, s, F_GETFD));
        say("type %r accepting %r", option(s, SO_TYPE), option(s, SO_ACCEPTCONN));
        tell("client to server", put_text(c, "question"));
        tell_read("server has", s, 16);
        tell("server to client", put_text(s, "answer"));
        tell_read("client has", c, 16);
        shut(c), shut(s);

        c = socket_of(types[t]);
        (void)bind_to(c, t ? "client5" : "client1");
        (void)connect_to(c, name);
        n = sizeof(a);
        fill(&a, 0x55, sizeof(a));
        r = CALL(accept4, l, &a, &n, NONBLOCK | CLOEXEC);
        s = (int)r;
        tell_address("peer with a name", r < 0 ? r : 0, &a, n);
        say("flags: %o, %r", (u32)CALL(fcntl, s, F_GETFL), CALL(fcntl, s, F_GETFD));
        shut(c);
        tell_read("client gone", s, 4);
        shut(s);

        c = socket_of(types[t]);
        (void)bind_to(c, t ? "@client5" : "@client1");
        (void)connect_to(c, name);
        tell("bad flags", CALL(accept4, l, 0, 0, 1));
        tell("bad flags first", CALL(accept4, 77, 0, 0, 1));
        n = 5;
        fill(&a, 0x55, sizeof(a));
        r = CALL(accept4, l, &a, &n, 0);
        say("cut: %s length %d %q", r >= 0 ? "accepted" : "failed", n, &a, 7L);
        shut((int)r), shut(c);

        c = socket_of(types[t]);
        (void)connect_to(c, name);
        n = 0x80000000;
        tell("room below zero", CALL(accept, l, &a, &n));
        tell("nobody left after that", CALL(accept, l, 0, 0));
        c = socket_of(types[t]);
        (void)connect_to(c, name);
        tell("no length", CALL(accept, l, &a, 0));
        tell("nobody left", CALL(accept, l, 0, 0));
        tell_read("the client sees", c, 4);
        c = socket_of(types[t]);
        (void)connect_to(c, name);
        n = sizeof(a);
        tell("address nowhere", CALL(accept, l, NOWHERE, &n));
        tell("accept of a client", CALL(accept, c, 0, 0));
        // Clients come in order; one that has gone is accepted all the same.
        int first = socket_of(types[t]), second = socket_of(types[t]), third = socket_of(types[t]);
        while ((r = CALL(accept, l, 0, 0)) >= 0)
            shut((int)r);
        (void)connect_to(first, name), (void)connect_to(second, name),
            (void)connect_to(third, name);
        (void)put_text(third, "third"), (void)put_text(first, "first"),
            (void)put_text(second, "second");
        shut(second);
        for (int i = 0; i < 3; i++) {
            s = (int)CALL(accept, l, 0, 0);
            tell_read("in order", s, 16);
            tell_read("then", s, 16);
            shut(s);
        }
        struct creds who = {0};
        n = sizeof(who);
        c = socket_of(types[t]);
        (void)connect_to(c, name);
        r = CALL(getsockopt, c, SOL_SOCKET, SO_PEERCRED, &who, &n);
        say("peer's credentials before accept: %r %s", r,
            who.pid == own_pid() && !who.uid && !who.gid ? "own" : "other");
        shut(c), shut(l);
    }
}
