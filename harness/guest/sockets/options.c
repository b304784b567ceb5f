// Options, queues' sizes, descriptor flags, and everything that is refused.
#include "sockets.h"

static const int types[] = {STREAM, DGRAM, SEQPACKET};
static const char *const type_names[] = {"stream", "dgram", "seqpacket"};

void part_options(void)
{
    static const struct {
        const char *name;
        int number;
    } kept[] = {
        {"DEBUG", SO_DEBUG},         {"REUSEADDR", SO_REUSEADDR}, {"DONTROUTE", SO_DONTROUTE},
        {"BROADCAST", SO_BROADCAST}, {"KEEPALIVE", SO_KEEPALIVE}, {"OOBINLINE", SO_OOBINLINE},
        {"PRIORITY", SO_PRIORITY},   {"PASSCRED", SO_PASSCRED},   {"RCVLOWAT", SO_RCVLOWAT}};
    for (int t = 0; t < 3; t++) {
        int fd = socket_of(types[t]);
        say("%s: type %r domain %r protocol %r error %r accepting %r", type_names[t],
            option(fd, SO_TYPE), option(fd, SO_DOMAIN), option(fd, SO_PROTOCOL),
            option(fd, SO_ERROR), option(fd, SO_ACCEPTCONN));
        for (u64 i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
            static const int values[] = {1, 5, 0, -1};
            say("%s at first %r", kept[i].name, option(fd, kept[i].number));
            for (int v = 0; v < 4; v++) {
                long r = set(fd, kept[i].number, values[v]);
                say("%s %d: %r, then %r", kept[i].name, values[v], r, option(fd, kept[i].number));
            }
        }
        static const int told[] = {SO_TYPE,  SO_DOMAIN,     SO_PROTOCOL,
                                   SO_ERROR, SO_ACCEPTCONN, SO_SNDLOWAT};
        for (int i = 0; i < 6; i++)
            say("set of option %d: %r", told[i], set(fd, told[i], 1));
        static const int unknown[] = {0, 1000, -1};
        for (int i = 0; i < 3; i++)
            say("option %d: set %r get %r", unknown[i], set(fd, unknown[i], 1),
                option(fd, unknown[i]));
        static const int levels[] = {0, 2, 6, 17, 41, 255, 1000, -1};
        int value = 1, n = 4;
        for (int i = 0; i < 8; i++)
            say("level %d: set %r get %r", levels[i], CALL(setsockopt, fd, levels[i], 1, &value, 4),
                CALL(getsockopt, fd, levels[i], 1, &value, &n));
        tell("set to nowhere", CALL(setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, NOWHERE, 4));
        tell("get to nowhere", CALL(getsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, NOWHERE, &n));
        tell("get with length nowhere",
             CALL(getsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &value, NOWHERE));
        shut(fd);
    }
    int fd = socket_of(STREAM), linger[2] = {1, 30}, n = 8;
    tell("linger", CALL(setsockopt, fd, SOL_SOCKET, SO_LINGER, linger, 8));
    linger[0] = linger[1] = 0;
    long r = CALL(getsockopt, fd, SOL_SOCKET, SO_LINGER, linger, &n);
    say("linger: %r length %d: %d %d", r, n, linger[0], linger[1]);
    linger[0] = 0, linger[1] = 7;
    (void)CALL(setsockopt, fd, SOL_SOCKET, SO_LINGER, linger, 8);
    linger[1] = 0;
    r = CALL(getsockopt, fd, SOL_SOCKET, SO_LINGER, linger, &n);
    say("linger off: %r: %d %d", r, linger[0], linger[1]);
    // Buffers: what is set is doubled; there is a smallest and a largest.
    int two[2];
    pair(STREAM, two);
    say("same buffers at both ends: %s",
        option(two[0], SO_SNDBUF) == option(two[1], SO_SNDBUF) ? "yes" : "no");
    static const int sizes[] = {4096, 10000, 65536, 0, 1, 2000};
    for (int i = 0; i < 6; i++) {
        r = set(two[0], SO_SNDBUF, sizes[i]);
        say("send buffer %d: %r, then %r", sizes[i], r, option(two[0], SO_SNDBUF));
        r = set(two[0], SO_RCVBUF, sizes[i]);
        say("receive buffer %d: %r, then %r", sizes[i], r, option(two[0], SO_RCVBUF));
    }
    tell("the largest", set(two[0], SO_SNDBUF, 1 << 30));
    say("it is less: %s", option(two[0], SO_SNDBUF) < 1 << 30 ? "yes" : "no");
    tell("forced", set(two[0], SO_SNDBUFFORCE, 1 << 24));
    tell("then", option(two[0], SO_SNDBUF));
    // Options that listener and client hand on.
    int l = listener("@options", STREAM, 5), c = socket_of(STREAM);
    (void)set(l, SO_PASSCRED, 1), (void)set(l, SO_KEEPALIVE, 1), (void)set(l, SO_SNDBUF, 10000);
    (void)connect_to(c, "@options");
    int s = (int)CALL(accept, l, 0, 0);
    say("accepted has: credentials %r keepalive %r", option(s, SO_PASSCRED),
        option(s, SO_KEEPALIVE));
    tell("accepting", option(l, SO_ACCEPTCONN));
    tell("root sets debug", set(s, SO_DEBUG, 1));
    long child = start_child();
    if (!child) {
        (void)CALL(setresuid, 1000, 1000, 1000);
        say("a user: debug %r, priority 6 %r, priority 7 %r, forced %r", set(s, SO_DEBUG, 1),
            set(s, SO_PRIORITY, 6), set(s, SO_PRIORITY, 7), set(s, SO_SNDBUFFORCE, 10000));
        leave(0);
    }
    (void)end_of(child);
}

void part_option_lengths(void)
{
    int fd = socket_of(STREAM);
    long value;
    static const int lengths[] = {0, 1, 3, 4, 5, 8, 100, -1};
    for (int i = 0; i < 8; i++) {
        u8 room[128];
        fill(room, 0, sizeof(room));
        room[0] = 1;
        long r = CALL(setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, room, lengths[i]);
        int n = lengths[i];
        fill(room, 0x55, sizeof(room));
        long g = CALL(getsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, room, &n);
        say("length %d: set %r, get %r length %d %q", lengths[i], r, g, n, room, 6L);
        room[0] = 0;
        r = CALL(setsockopt, fd, SOL_SOCKET, SO_LINGER, room, lengths[i]);
        n = lengths[i];
        g = CALL(getsockopt, fd, SOL_SOCKET, SO_LINGER, room, &n);
        say("linger: set %r, get %r length %d", r, g, n);
        fill(room, 0, sizeof(room));
        r = CALL(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, room, lengths[i]);
        n = lengths[i];
        g = CALL(getsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, room, &n);
        say("time: set %r, get %r length %d", r, g, n);
        n = lengths[i];
        g = CALL(getsockopt, fd, SOL_SOCKET, SO_PEERCRED, room, &n);
        say("peer: get %r length %d", g, n);
        n = lengths[i];
        g = CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, room, &n);
        say("type: get %r length %d", g, n);
    }
    int n = 8;
    value = -1;
    long r = CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &n);
    say("the rest stays: %r %l", r, value >> 32);
}

void part_timeouts(void)
{
    // A kernel may round to its clock's steps: whole ones of 4 ms here.
    static const struct time limits[] = {
        {0, 0}, {3, 0}, {1, 248000}, {0, 8000}, {1000000, 996000}, {0, 1000000}, {0, -1}, {-1, 0}};
    int fd = socket_of(DGRAM), n;
    for (int i = 0; i < 8; i++)
        for (int which = SO_RCVTIMEO; which <= SO_SNDTIMEO; which++) {
            struct time t = {7, 7};
            long r = CALL(setsockopt, fd, SOL_SOCKET, which, &limits[i], sizeof(t));
            n = sizeof(t);
            long g = CALL(getsockopt, fd, SOL_SOCKET, which, &t, &n);
            say("%l.%l: %r, then %r length %d %l.%l", limits[i].seconds, limits[i].parts, r, g, n,
                t.seconds, t.parts);
        }
    // The time passes, but not before it is over (by more than a step of the clock).
    struct time shortly = {0, 60000}, from, to;
    char c;
    for (int t = 0; t < 3; t++) {
        int two[2];
        pair(types[t], two);
        (void)CALL(setsockopt, two[0], SOL_SOCKET, SO_RCVTIMEO, &shortly, sizeof(shortly));
        (void)CALL(setsockopt, two[0], SOL_SOCKET, SO_SNDTIMEO, &shortly, sizeof(shortly));
        (void)CALL(clock_gettime, 1, &from);
        long r = get(two[0], &c, 1);
        (void)CALL(clock_gettime, 1, &to);
        long passed = (to.seconds - from.seconds) * 1000000000 + to.parts - from.parts;
        say("%s: read %r, not too early: %s", type_names[t], r, passed >= 50000000 ? "yes" : "no");
        (void)fill_up(two[0]);
        (void)CALL(clock_gettime, 1, &from);
        r = put_text(two[0], "x");
        (void)CALL(clock_gettime, 1, &to);
        passed = (to.seconds - from.seconds) * 1000000000 + to.parts - from.parts;
        say("write %r, not too early: %s", r, passed >= 50000000 ? "yes" : "no");
        tell("without waiting", CALL(recvfrom, two[0], &c, 1, MSG_DONTWAIT));
        (void)put_text(two[1], "x");
        tell("something there", get(two[0], &c, 1));
        shut(two[0]), shut(two[1]);
    }
    int l = listener("@time", STREAM, 1);
    (void)CALL(setsockopt, l, SOL_SOCKET, SO_RCVTIMEO, &shortly, sizeof(shortly));
    tell("accept", CALL(accept, l, 0, 0));
    // A large write that gets part of its way.
    int two[2];
    static char large[1 << 20];
    pair(STREAM, two);
    (void)CALL(setsockopt, two[0], SOL_SOCKET, SO_SNDTIMEO, &shortly, sizeof(shortly));
    long r = CALL(write, two[0], large, sizeof(large));
    say("a part is written: %s", r > 0 && r < (long)sizeof(large) ? "yes" : "no");
    // With a time limit a signal ends a call even if its handler says restart.
    struct time ever = {1000, 0};
    count_signal(SIGUSR1, RESTART);
    (void)CALL(setsockopt, two[0], SOL_SOCKET, SO_RCVTIMEO, &ever, sizeof(ever));
    long child = pester();
    r = get(two[0], &c, 1);
    hush(child);
    say("with a limit and a handler that restarts: read %r", r);
    child = pester();
    (void)CALL(setsockopt, two[0], SOL_SOCKET, SO_SNDTIMEO, &ever, sizeof(ever));
    r = put_text(two[0], "x");
    hush(child);
    say("write %r", r);
    (void)CALL(setsockopt, l, SOL_SOCKET, SO_RCVTIMEO, &ever, sizeof(ever));
    child = pester();
    r = CALL(accept, l, 0, 0);
    hush(child);
    say("accept %r", r);
}

static long number(int fd, int what)
{
    int n = -77;
    long r = CALL(ioctl, fd, what, &n);
    return r < 0 ? r : n;
}

void part_queues(void)
{
    char c[64];
    for (int t = 0; t < 3; t++) {
        int fd[2];
        pair(types[t], fd);
        say("%s: empty %r, sent %r", type_names[t], number(fd[0], FIONREAD),
            number(fd[0], SIOCOUTQ));
        (void)put_text(fd[0], "hello");
        (void)put_text(fd[0], "there!");
        say("there to read: %r, here %r", number(fd[1], FIONREAD), number(fd[0], FIONREAD));
        say("something is on its way: %s, from there %r",
            number(fd[0], SIOCOUTQ) > 0 ? "yes" : "no", number(fd[1], SIOCOUTQ));
        (void)get(fd[1], c, 2);
        say("after two bytes: %r", number(fd[1], FIONREAD));
        (void)get(fd[1], c, 64), (void)CALL(recvfrom, fd[1], c, 64, MSG_DONTWAIT);
        say("after all: %r, on its way %r", number(fd[1], FIONREAD), number(fd[0], SIOCOUTQ));
        (void)put_text(fd[0], "end");
        shut(fd[0]);
        say("sender closed: %r", number(fd[1], FIONREAD));
        int lone = socket_of(types[t]);
        say("fresh: %r %r", number(lone, FIONREAD), number(lone, SIOCOUTQ));
        say("unknown: %r, to nowhere: %r", number(lone, 0x5499),
            CALL(ioctl, lone, FIONREAD, NOWHERE));
        tell("terminal's", number(lone, 0x5401));
        shut(fd[1]), shut(lone);
    }
    int l = listener("@queues", STREAM, 5);
    say("listener: %r %r", number(l, FIONREAD), number(l, SIOCOUTQ));
}

void part_descriptor(void)
{
    char c[8];
    u8 buffer[256];
    for (int t = 0; t < 3; t++) {
        int fd[2], on = 1, off = 0;
        pair(types[t], fd);
        say("%s: flags %o", type_names[t], (u32)CALL(fcntl, fd[0], F_GETFL));
        tell("set nonblocking", CALL(fcntl, fd[0], F_SETFL, NONBLOCK));
        say("flags %o, the other %o", (u32)CALL(fcntl, fd[0], F_GETFL),
            (u32)CALL(fcntl, fd[1], F_GETFL));
        tell("read", get(fd[0], c, 1));
        tell("set append as well", CALL(fcntl, fd[0], F_SETFL, NONBLOCK | 02000));
        say("flags %o", (u32)CALL(fcntl, fd[0], F_GETFL));
        tell("by ioctl off", CALL(ioctl, fd[0], FIONBIO, &off));
        say("flags %o", (u32)CALL(fcntl, fd[0], F_GETFL));
        tell("by ioctl on", CALL(ioctl, fd[0], FIONBIO, &on));
        tell("read", get(fd[0], c, 1));
        long r = CALL(statx, fd[0], "", 0x1000, 0x7ff, buffer);
        say("fstat: %r mode %o links %d uid %d size %l", r, *(u16 *)(buffer + 28),
            *(int *)(buffer + 16), *(int *)(buffer + 20), *(long *)(buffer + 40));
        say("seek %r %r", CALL(lseek, fd[0], 0, 0), CALL(lseek, fd[0], 0, 1));
        say("pread %r pwrite %r", CALL(pread64, fd[0], c, 1, 0), CALL(pwrite64, fd[0], c, 1, 0));
        say("truncate %r sync %r data %r", CALL(ftruncate, fd[0], 0), CALL(fsync, fd[0]),
            CALL(fdatasync, fd[0]));
        say("map %r", CALL(mmap, 0, 4096, 1, 1, fd[0], 0));
        say("directory read %r change %r", CALL(getdents64, fd[0], buffer, 256),
            CALL(fchdir, fd[0]));
        say("mode %r owner %r", CALL(fchmod, fd[0], 0600), CALL(fchown, fd[0], 5, 6));
        r = CALL(statx, fd[0], "", 0x1000, 0x7ff, buffer);
        say("then: mode %o uid %d", *(u16 *)(buffer + 28), *(int *)(buffer + 20));
        (void)CALL(statx, 4, "", 0x1000, 0x7ff, buffer);
        u64 inode = *(u64 *)(buffer + 32), told = 0;
        fill(buffer, 0, sizeof(buffer));
        r = CALL(readlinkat, HERE, "/proc/self/fd/4", buffer, 255);
        for (const u8 *d = buffer + 8; *d >= '0' && *d <= '9'; d++)
            told = told * 10 + *d - '0';
        say("link: %q, tells the inode: %s", buffer, 8L, r > 8 && told == inode ? "yes" : "no");
        say("open by that %r", CALL(openat, HERE, "/proc/self/fd/4", RDWR));
        int copied = (int)CALL(dup, fd[0]);
        shut(fd[0]);
        (void)put_text(copied, "by a copy");
        tell_read("arrives", fd[1], 16);
        say("allocate %r, advise %r", CALL(fallocate, copied, 0, 0L, 10L),
            CALL(fadvise64, copied, 0L, 0L, 0));
        say("splice at an offset %r", CALL(copy_file_range, copied, 0, fd[1], 0, 10, 0));
        shut(copied), shut(fd[1]);
    }
}

static void refused(const char *what, int fd)
{
    struct address a;
    u32 n = address_of(&a, "none");
    char c[8];
    int v = 0;
    struct vector vector = {c, 1};
    struct message m = {.vectors = &vector, .count = 1};
    struct many many = {m, 0};
    say("%s", what);
    tell("bind", CALL(bind, fd, &a, n));
    tell("listen", CALL(listen, fd, 1));
    tell("accept", CALL(accept, fd, 0, 0));
    tell("accept4", CALL(accept4, fd, 0, 0, 0));
    tell("connect", CALL(connect, fd, &a, n));
    tell("getsockname", CALL(getsockname, fd, &a, &n));
    tell("getpeername", CALL(getpeername, fd, &a, &n));
    tell("sendto", CALL(sendto, fd, c, 1, 0));
    tell("recvfrom", CALL(recvfrom, fd, c, 1, MSG_DONTWAIT));
    tell("setsockopt", CALL(setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &v, 4));
    tell("getsockopt", CALL(getsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &v, &n));
    tell("shutdown", CALL(shutdown, fd, 2));
    tell("sendmsg", CALL(sendmsg, fd, &m, 0));
    tell("recvmsg", CALL(recvmsg, fd, &m, MSG_DONTWAIT));
    tell("sendmmsg", CALL(sendmmsg, fd, &many, 1, 0));
    tell("recvmmsg", CALL(recvmmsg, fd, &many, 1, MSG_DONTWAIT, 0));
    tell("bind first looks at the descriptor", CALL(bind, fd, NOWHERE, n));
    tell("connect too", CALL(connect, fd, NOWHERE, n));
    tell("sendmsg too", CALL(sendmsg, fd, NOWHERE, 0));
    tell("recvmsg too", CALL(recvmsg, fd, NOWHERE, 0));
    tell("setsockopt too", CALL(setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, NOWHERE, -1));
    tell("shutdown too", CALL(shutdown, fd, 99));
}

void part_not_sockets(void)
{
    int pipe[2];
    (void)CALL(pipe2, pipe, 0);
    refused("pipe", pipe[0]);
    refused("file", (int)CALL(openat, HERE, "file", CREAT | RDWR, 0644));
    int s = socket_of(STREAM);
    (void)bind_to(s, "name");
    refused("path", (int)CALL(openat, HERE, "name", O_PATH));
    refused("closed", 99);
    refused("minus one", -1);
}

void part_faults(void)
{
    struct address a;
    char c[64];
    for (int t = 0; t < 3; t++) {
        int fd[2];
        u32 n = address_of(&a, "name");
        pair(types[t], fd);
        int lone = socket_of(types[t]);
        say("%s: bind %r, connect %r", type_names[t], CALL(bind, lone, NOWHERE, n),
            CALL(connect, lone, NOWHERE, n));
        say("getsockname %r, its length %r", CALL(getsockname, fd[0], NOWHERE, &n),
            CALL(getsockname, fd[0], &a, NOWHERE));
        n = sizeof(a);
        say("getpeername %r, its length %r", CALL(getpeername, fd[0], NOWHERE, &n),
            CALL(getpeername, fd[0], &a, NOWHERE));
        say("write %r, send %r, address %r", CALL(write, fd[0], NOWHERE, 4),
            CALL(sendto, fd[0], NOWHERE, 4, 0), CALL(sendto, fd[0], c, 4, 0, NOWHERE, 10));
        tell_read("nothing came", fd[1], 8);
        (void)put_text(fd[0], "data");
        tell("receive", CALL(recvfrom, fd[1], NOWHERE, 4, MSG_DONTWAIT));
        tell_read("what is left", fd[1], 8);
        (void)put_text(fd[0], "data");
        tell("peek", CALL(recvfrom, fd[1], NOWHERE, 4, MSG_PEEK | MSG_DONTWAIT));
        tell_read("what is left", fd[1], 8);
        (void)put_text(fd[0], "data");
        n = sizeof(a);
        tell("address", CALL(recvfrom, fd[1], c, 4, MSG_DONTWAIT, NOWHERE, &n));
        tell_read("what is left", fd[1], 8);
        (void)put_text(fd[0], "data");
        tell("length", CALL(recvfrom, fd[1], c, 4, MSG_DONTWAIT, &a, NOWHERE));
        tell_read("what is left", fd[1], 8);
        tell("read of nothing there", get(fd[1], NOWHERE, 0));
        tell("sendmsg", CALL(sendmsg, fd[0], NOWHERE, 0));
        tell("recvmsg", CALL(recvmsg, fd[1], NOWHERE, MSG_DONTWAIT));
        struct vector v = {NOWHERE, 4};
        struct message m = {.vectors = NOWHERE, .count = 1};
        say("vectors: %r %r", CALL(sendmsg, fd[0], &m, 0), CALL(recvmsg, fd[1], &m, MSG_DONTWAIT));
        m.vectors = &v;
        tell("bytes of a vector", CALL(sendmsg, fd[0], &m, 0));
        (void)put_text(fd[0], "data");
        tell("into a vector", CALL(recvmsg, fd[1], &m, MSG_DONTWAIT));
        tell_read("what is left", fd[1], 8);
        v.base = c;
        m.name = NOWHERE, m.name_length = 10;
        tell("name", CALL(sendmsg, fd[0], &m, 0));
        (void)put_text(fd[0], "data");
        tell("receive a name", CALL(recvmsg, fd[1], &m, MSG_DONTWAIT));
        tell_read("what is left", fd[1], 8);
        tell("setsockopt", CALL(setsockopt, fd[0], SOL_SOCKET, SO_RCVTIMEO, NOWHERE, 16));
        // Half of it is there: a page and then none.
        u8 *page = (u8 *)CALL(mmap, 0, 8192, 3, 0x22, -1, 0);
        (void)CALL(munmap, page + 4096, 4096);
        tell("half written", CALL(sendto, fd[0], page + 4090, 20, MSG_DONTWAIT));
        tell_read("what came", fd[1], 64);
        (void)put_text(fd[0], "0123456789");
        tell("half read", CALL(recvfrom, fd[1], page + 4090, 10, MSG_DONTWAIT));
        tell_read("what is left", fd[1], 64);
        shut(fd[0]), shut(fd[1]), shut(lone);
    }
    int l = listener("@faults", STREAM | NONBLOCK, 5);
    u32 n = sizeof(a);
    tell("accept: nobody", CALL(accept, l, NOWHERE, &n));
    (void)connect_to(socket_of(STREAM), "@faults");
    tell("address nowhere, a client", CALL(accept, l, NOWHERE, &n));
    tell("the client is gone", CALL(accept, l, 0, 0));
    (void)connect_to(socket_of(STREAM), "@faults");
    tell("length nowhere", CALL(accept, l, &a, NOWHERE));
    int next = socket_of(STREAM);
    (void)connect_to(next, "@faults");
    long r = CALL(accept, l, 0, NOWHERE);
    say("length without an address: %s", r >= 0 ? "accepted" : "refused");
}
