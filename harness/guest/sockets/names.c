// Names: bind, abstract names, what getsockname tells, and what file calls see of a name.
#include "sockets.h"

static u8 statx_buffer[256];
static int mode_of(const char *path)
{
    long r = CALL(statx, HERE, path, 0x100, 0x7ff, statx_buffer);
    return r < 0 ? (int)r : *(u16 *)(statx_buffer + 28);
}

static void tell_name(const char *what, int fd)
{
    struct address a;
    u32 n = sizeof(a);
    fill(&a, 0x55, sizeof(a));
    long r = CALL(getsockname, fd, &a, &n);
    tell_address(what, r, &a, n);
}

static void try(const char *what, int type, const void *a, u32 n)
{
    int fd = socket_of(type);
    say("%s: bind %r", what, CALL(bind, fd, a, n));
    shut(fd);
}

void part_bind(void)
{
    struct address a;
    int fd = socket_of(STREAM);
    tell_name("unbound", fd);
    tell("bind", bind_to(fd, "name"));
    tell_name("bound", fd);
    tell("bind again", bind_to(fd, "other"));
    tell("bind again to the same", bind_to(fd, "name"));
    say("mode %o", (u32)mode_of("name"));
    (void)CALL(umask, 027);
    int g = socket_of(DGRAM);
    tell("with a umask", bind_to(g, "masked"));
    say("mode %o", (u32)mode_of("masked"));
    (void)CALL(umask, 022);
    u32 n = address_of(&a, "name");
    try("existing name", STREAM, &a, n);
    shut(fd);
    try("its socket closed", STREAM, &a, n);
    tell("connect to what is left", connect_to(g, "name"));
    tell("unlink", CALL(unlinkat, HERE, "name", 0));
    try("unlinked", STREAM, &a, n);
    fd = (int)CALL(openat, HERE, "file", CREAT | RDWR, 0644);
    shut(fd);
    n = address_of(&a, "file");
    try("a file", STREAM, &a, n);
    (void)CALL(symlinkat, "nowhere", HERE, "link");
    n = address_of(&a, "link");
    try("a link to nowhere", STREAM, &a, n);
    n = address_of(&a, "missing/name");
    try("no directory", STREAM, &a, n);
    n = address_of(&a, "file/name");
    try("a file as directory", STREAM, &a, n);
    n = address_of(&a, ".");
    try("a directory", STREAM, &a, n);
    n = address_of(&a, "..");
    try("the one above", STREAM, &a, n);
    (void)CALL(mkdirat, HERE, "dir", 0755);
    n = address_of(&a, "dir/");
    try("a slash behind", STREAM, &a, n);
    n = address_of(&a, "new/");
    try("a slash behind a new name", STREAM, &a, n);
    n = address_of(&a, "dir/in");
    try("in a directory", STREAM, &a, n);
    n = address_of(&a, "./dir/../dir/two");
    try("a long way", SEQPACKET, &a, n);

    fill(a.path, 'x', sizeof(a.path));
    try("109 bytes of path", STREAM, &a, PATH_AT + 109);
    try("108 bytes without NUL", STREAM, &a, PATH_AT + 108);
    char whole[110];
    fill(whole, 'x', 108), whole[108] = 0;
    say("mode of that %o", (u32)mode_of(whole));
    fd = socket_of(STREAM);
    fill(a.path, 'y', sizeof(a.path));
    tell("again 108", CALL(bind, fd, &a, PATH_AT + 108));
    struct address got;
    n = sizeof(got);
    fill(&got, 0, sizeof(got));
    long r = CALL(getsockname, fd, &got, &n);
    say("its name: %r length %d, ends %q", r, n, got.path + 106, 4L);
    int c = socket_of(STREAM);
    (void)CALL(listen, fd, 2);
    tell("connect by 108", CALL(connect, c, &a, PATH_AT + 108));
    shut(c), shut(fd);

    n = address_of(&a, "short");
    static const u32 lengths[] = {0, 1, 2, 3, 111, 126, 127, 128, 129, 0x80000000, 0xffffffff};
    for (int i = 0; i < 11; i++) {
        fd = socket_of(STREAM);
        r = CALL(bind, fd, &a, lengths[i]);
        say("length %d: %r", (int)lengths[i], r);
        if (i == 3)
            tell_name("is", fd);
        shut(fd);
    }
    fd = socket_of(STREAM);
    fill(&a, 0, sizeof(a));
    a.family = AF_UNIX;
    copy(a.path, "nul\0inside", 10);
    tell("a NUL inside", CALL(bind, fd, &a, PATH_AT + 10));
    tell_name("is", fd);
    shut(fd);
    fd = socket_of(STREAM);
    copy(a.path, "padded", 7);
    tell("the whole structure", CALL(bind, fd, &a, LONGEST));
    tell_name("is", fd);
    shut(fd);
    fd = socket_of(STREAM);
    copy(a.path, "without-end", 11);
    tell("without its NUL", CALL(bind, fd, &a, PATH_AT + 11));
    tell_name("is", fd);
    shut(fd);
    n = address_of(&a, "wrong");
    static const u16 families[] = {0, 2, 10, 16, 0xffff};
    for (int i = 0; i < 5; i++) {
        a.family = families[i];
        fd = socket_of(DGRAM);
        say("family %d: %r", families[i], CALL(bind, fd, &a, n));
        shut(fd);
    }
    int two[2];
    pair(STREAM, two);
    tell("one of a pair", bind_to(two[0], "pair"));
    tell_name("is", two[0]);
    n = sizeof(a);
    r = CALL(getpeername, two[1], &a, &n);
    tell_address("its peer sees", r, &a, n);
    n = sizeof(a);
    r = CALL(getpeername, two[0], &a, &n);
    tell_address("it sees", r, &a, n);
    tell("made without a socket", CALL(mknodat, HERE, "node", 0140755, 0));
    tell("connect to that", connect_to(socket_of(STREAM), "node"));
    n = address_of(&a, "node");
    try("bind to that", STREAM, &a, n);
}

void part_abstract(void)
{
    struct address a;
    int fd = socket_of(DGRAM), other = socket_of(DGRAM);
    tell("bind", bind_to(fd, "@abstract"));
    tell_name("is", fd);
    tell("taken", bind_to(other, "@abstract"));
    tell("longer", bind_to(other, "@abstract1"));
    tell("bound twice", bind_to(other, "@another"));
    int third = socket_of(STREAM);
    tell("another type", bind_to(third, "@abstract"));
    tell("connect finds the first type", connect_to(socket_of(SEQPACKET), "@abstract"));
    tell("send to it", CALL(sendto, other, "m", 1, 0, &a, address_of(&a, "@abstract")));
    tell_read("it has", fd, 8);
    shut(fd);
    fd = socket_of(DGRAM);
    tell("free again", bind_to(fd, "@abstract"));
    tell("in the file system", mode_of("abstract"));
    int nul = socket_of(DGRAM), nul2 = socket_of(DGRAM);
    u32 n = address_of(&a, "@with");
    copy(a.path + 5, "\0NUL\0", 5);
    tell("NULs inside", CALL(bind, nul, &a, PATH_AT + 10));
    tell_name("is", nul);
    tell("one byte less", CALL(bind, nul2, &a, PATH_AT + 9));
    tell("send to the longer", CALL(sendto, fd, "longer", 6, 0, &a, PATH_AT + 10));
    tell("send to the shorter", CALL(sendto, fd, "shorter", 7, 0, &a, PATH_AT + 9));
    tell("send to none", CALL(sendto, fd, "none", 4, 0, &a, PATH_AT + 8));
    tell_read("the longer has", nul, 16);
    tell_read("the shorter has", nul2, 16);
    int empty = socket_of(DGRAM);
    fill(a.path, 0, sizeof(a.path));
    tell("one NUL", CALL(bind, empty, &a, PATH_AT + 1));
    tell_name("is", empty);
    int full = socket_of(DGRAM);
    fill(a.path + 1, 'f', sizeof(a.path) - 1);
    tell("108 bytes", CALL(bind, full, &a, PATH_AT + 108));
    tell("109 bytes", CALL(bind, socket_of(DGRAM), &a, PATH_AT + 109));
    n = sizeof(a);
    long r = CALL(getsockname, full, &a, &n);
    say("told: %r length %d", r, n);

    int any = socket_of(STREAM), any2 = socket_of(STREAM);
    a.family = AF_UNIX;
    tell("any name", CALL(bind, any, &a, 2));
    n = sizeof(a);
    fill(&a, 0, sizeof(a));
    r = CALL(getsockname, any, &a, &n);
    bool hex = n == 8 && !a.path[0];
    for (int i = 1; i < 6; i++)
        hex = hex &&
              ((a.path[i] >= '0' && a.path[i] <= '9') || (a.path[i] >= 'a' && a.path[i] <= 'f'));
    say("%r family %d length %d, five hexadecimal digits: %s", r, a.family, n, hex ? "yes" : "no");
    struct address b = {.family = AF_UNIX};
    tell("again", CALL(bind, any, &b, 2));
    tell("again with a name", bind_to(any, "@named"));
    tell("another", CALL(bind, any2, &b, 2));
    u32 n2 = sizeof(b);
    (void)CALL(getsockname, any2, &b, &n2);
    say("a different one: %s", n2 == 8 && !same(&a, &b, 8) ? "yes" : "no");
    (void)CALL(listen, any, 1);
    int c = socket_of(STREAM);
    tell("connect to it", CALL(connect, c, &a, n));
    n2 = sizeof(b);
    fill(&b, 0, sizeof(b));
    r = CALL(getpeername, c, &b, &n2);
    say("the peer's name is it: %r %s", r, n2 == n && same(&a, &b, 8) ? "yes" : "no");
}

// getsockname and getpeername: lengths, cut names, and for every kind of socket.
void part_own_names(void)
{
    struct address a;
    int l = listener("server", STREAM, 5), c = socket_of(STREAM);
    tell_name("listener", l);
    u32 n = sizeof(a);
    long r = CALL(getpeername, l, &a, &n);
    tell_address("its peer", r, &a, n);
    n = sizeof(a);
    r = CALL(getpeername, c, &a, &n);
    tell_address("unconnected", r, &a, n);
    (void)connect_to(c, "server");
    tell_name("client", c);
    n = sizeof(a);
    r = CALL(getpeername, c, &a, &n);
    tell_address("client's peer", r, &a, n);
    int s = (int)CALL(accept, l, 0, 0);
    tell_name("accepted", s);
    n = sizeof(a);
    r = CALL(getpeername, s, &a, &n);
    tell_address("accepted's peer", r, &a, n);
    tell("client bound late", bind_to(c, "@late"));
    n = sizeof(a);
    r = CALL(getpeername, s, &a, &n);
    tell_address("accepted's peer then", r, &a, n);
    for (int room = 0; room < 12; room += 1 + room % 3) {
        fill(&a, 0x55, sizeof(a));
        n = (u32)room;
        r = CALL(getsockname, l, &a, &n);
        say("room %d: %r length %d %q", room, r, n, &a, 12L);
    }
    n = 0x80000000;
    tell("room below zero", CALL(getsockname, l, &a, &n));
    n = 0x7fffffff;
    r = CALL(getsockname, l, &a, &n);
    tell_address("much room", r, &a, n);
    n = 0;
    say("nowhere, no room: %r length %d", CALL(getsockname, l, 0, &n), n);
    shut(l);
    n = sizeof(a);
    r = CALL(getpeername, c, &a, &n);
    tell_address("listener closed", r, &a, n);
    shut(s);
    n = sizeof(a);
    r = CALL(getpeername, c, &a, &n);
    tell_address("peer closed", r, &a, n);
    shut(c);
    int two[2];
    pair(DGRAM, two);
    tell_name("one of a pair", two[0]);
    n = sizeof(a);
    r = CALL(getpeername, two[0], &a, &n);
    tell_address("the other", r, &a, n);
}

// What calls on files make of a socket's name.
void part_files(void)
{
    struct address a;
    int l = listener("sock", STREAM, 5), c;
    u32 n = address_of(&a, "sock");
    (void)n;
    say("mode %o", (u32)mode_of("sock"));
    tell("open", CALL(openat, HERE, "sock", RDWR));
    tell("open to read", CALL(openat, HERE, "sock", 0));
    tell("open and truncate", CALL(openat, HERE, "sock", 01001));
    tell("create", CALL(openat, HERE, "sock", CREAT | RDWR, 0600));
    tell("create alone", CALL(openat, HERE, "sock", CREAT | RDWR | 0200, 0600));
    tell("as a directory", CALL(openat, HERE, "sock", 0200000));
    tell("through it", CALL(openat, HERE, "sock/x", 0));
    int p = (int)CALL(openat, HERE, "sock", O_PATH);
    say("as a path: %s", p >= 0 ? "opened" : "refused");
    tell("read of that", get(p, &a, 1));
    tell("execute", CALL(execve, "sock", 0, 0));
    tell("truncate", CALL(truncate, "sock", 0));
    tell("chmod", CALL(fchmodat, HERE, "sock", 0700));
    say("mode %o", (u32)mode_of("sock"));
    tell("link", CALL(linkat, HERE, "sock", HERE, "linked", 0));
    c = socket_of(STREAM);
    tell("connect by the link", connect_to(c, "linked"));
    n = sizeof(a);
    long r = CALL(getpeername, c, &a, &n);
    tell_address("the peer's name stays", r, &a, n);
    (void)CALL(symlinkat, "sock", HERE, "symbolic");
    c = socket_of(STREAM);
    tell("connect by a symbolic link", connect_to(c, "symbolic"));
    tell("fchmod of the socket", CALL(fchmod, l, 0640));
    say("mode of the name %o", (u32)mode_of("sock"));
    r = CALL(statx, l, "", 0x1000, 0x7ff, statx_buffer);
    say("fstat: %r mode %o links %d size %l", r, *(u16 *)(statx_buffer + 28),
        *(int *)(statx_buffer + 16), *(long *)(statx_buffer + 40));
    tell("remove as a directory", CALL(unlinkat, HERE, "sock", 0x200));
    tell("unlink", CALL(unlinkat, HERE, "sock", 0));
    c = socket_of(STREAM);
    tell("connect by the other name", connect_to(c, "linked"));
    tell("chdir to it", CALL(chdir, "linked"));
}

// Names that move while somebody listens.
void part_moved(void)
{
    struct address a;
    u32 n = sizeof(a);
    int l = listener("before", STREAM, 5), c = socket_of(STREAM);
    tell("rename", CALL(renameat2, HERE, "before", HERE, "after", 0));
    tell("old name", connect_to(c, "before"));
    tell("new name", connect_to(c, "after"));
    tell_name("the listener's own", l);
    long r = CALL(getpeername, c, &a, &n);
    tell_address("the client's peer", r, &a, n);
    int second = listener("before", STREAM, 5), d = socket_of(STREAM);
    tell("another under the old name", connect_to(d, "before"));
    (void)CALL(fcntl, l, F_SETFL, NONBLOCK);
    (void)CALL(fcntl, second, F_SETFL, NONBLOCK);
    r = CALL(accept, second, 0, 0);
    say("it gets that: %s", r >= 0 ? "yes" : "no");
    r = CALL(accept, l, 0, 0);
    say("the first has its own: %s", r >= 0 ? "yes" : "no");
    tell("rename over", CALL(renameat2, HERE, "after", HERE, "before", 0));
    c = socket_of(STREAM);
    tell("connect", connect_to(c, "before"));
    r = CALL(accept, l, 0, 0);
    say("the first gets it: %s", r >= 0 ? "yes" : "no");
    tell("unlink", CALL(unlinkat, HERE, "before", 0));
    c = socket_of(STREAM);
    tell("connect", connect_to(c, "before"));
    tell_name("the listener's own", l);
    n = address_of(&a, "before");
    int again = socket_of(STREAM);
    tell("bind again while the first listens", CALL(bind, again, &a, n));
    tell("not listening yet", connect_to(c, "before"));
    (void)CALL(mkdirat, HERE, "d", 0755);
    tell("move to a directory", CALL(renameat2, HERE, "before", HERE, "d/inner", 0));
    (void)CALL(listen, again, 2);
    tell("connect there", connect_to(c, "d/inner"));
    (void)CALL(chdir, "d");
    c = socket_of(STREAM);
    tell("from there", connect_to(c, "inner"));
    tell("and from elsewhere", connect_to(socket_of(STREAM), "../d/inner"));
}
