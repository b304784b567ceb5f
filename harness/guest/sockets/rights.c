// Descriptors and credentials in messages.
#include "sockets.h"

enum { MOST = 260 };
struct rights {
    struct control head;
    int fd[MOST];
};
static struct rights buffer;

// Sends a text with descriptors.
static long send_fds(int to, const char *text, const int *fd, int n)
{
    struct vector v = {text, length_of(text)};
    buffer.head = (struct control){CONTROL_HEAD + 4 * (u64)n, SOL_SOCKET, SCM_RIGHTS};
    copy(buffer.fd, fd, 4 * (u64)n);
    struct message m = {.vectors = &v,
                        .count = 1,
                        .control = &buffer,
                        .control_length = (CONTROL_HEAD + 4 * (u64)n + 7) & ~7UL};
    return CALL(sendmsg, to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static char received[64];
static struct message last;

// Receives with `room` bytes for control data; the number of descriptors that came, or the error.
// They are in buffer.fd.
static long receive(const char *what, int from, u64 size, u64 room, int flags)
{
    struct vector v = {received, size};
    fill(&buffer, 0, sizeof(buffer));
    last = (struct message){.vectors = &v, .count = 1, .control = &buffer, .control_length = room};
    long r = CALL(recvmsg, from, &last, flags | MSG_DONTWAIT), n = 0;
    if (r < 0) {
        tell(what, r);
        return r;
    }
    if (last.control_length >= CONTROL_HEAD && buffer.head.type == SCM_RIGHTS)
        n = (long)(buffer.head.length - CONTROL_HEAD) / 4;
    say("%s: %r %q flags %x control %l: %l descriptors", what, r, received, r, last.flags,
        (long)last.control_length, n);
    return n;
}

static bool is_open(int fd)
{
    return CALL(fcntl, fd, F_GETFD) >= 0;
}

static int new_pipe(int *writer)
{
    int p[2];
    (void)CALL(pipe2, p, 0);
    *writer = p[1];
    return p[0];
}

void part_rights(void)
{
    static const int types[] = {STREAM, DGRAM, SEQPACKET};
    for (int i = 0; i < 3; i++) {
        int fd[2], w, r = new_pipe(&w), many[3];
        pair(types[i], fd);
        say("type %d: send one %r", types[i], send_fds(fd[0], "one", &w, 1));
        shut(w);
        (void)receive("one", fd[1], 64, sizeof(buffer), 0);
        int got = buffer.fd[0];
        say("works: %r", put_text(got, "through"));
        tell("there", get(r, received, 64));
        say("descriptor flags %r", CALL(fcntl, got, F_GETFD));
        many[0] = got, many[1] = r, many[2] = got;
        tell("send three", send_fds(fd[0], "three", many, 3));
        (void)receive("peeked", fd[1], 64, sizeof(buffer), MSG_PEEK);
        int peeked = buffer.fd[2];
        (void)receive("three", fd[1], 64, sizeof(buffer), MSG_CMSG_CLOEXEC);
        say("different ones: %s",
            buffer.fd[0] != buffer.fd[2] && buffer.fd[2] != peeked ? "yes" : "no");
        say("flags of a peeked one %r, of a received one %r", CALL(fcntl, peeked, F_GETFD),
            CALL(fcntl, buffer.fd[0], F_GETFD));
        (void)put_text(buffer.fd[2], "again");
        tell("there", get(r, received, 64));
        tell("send itself", send_fds(fd[0], "self", &fd[0], 1));
        tell("send the peer", send_fds(fd[0], "peer", &fd[1], 1));
        (void)receive("itself", fd[1], 4, sizeof(buffer), 0);
        (void)put_text(buffer.fd[0], "by the copy");
        (void)receive("the peer", fd[1], 4, sizeof(buffer), 0);
        (void)receive("the words", buffer.fd[0], 64, sizeof(buffer), 0);
        struct vector v = {"none", 4};
        buffer.head = (struct control){CONTROL_HEAD, SOL_SOCKET, SCM_RIGHTS};
        struct message m = {.vectors = &v, .count = 1, .control = &buffer, .control_length = 16};
        tell("send none", CALL(sendmsg, fd[0], &m, 0));
        (void)receive("none", fd[1], 64, sizeof(buffer), 0);
        tell("send with no bytes", send_fds(fd[0], "", &w, 0));
        (void)receive("no bytes", fd[1], 64, sizeof(buffer), 0);
        int any = r;
        tell("a descriptor with no bytes", send_fds(fd[0], "", &any, 1));
        (void)receive("it", fd[1], 64, sizeof(buffer), 0);
    }
    // A file's position is common; a path is passed; a directory is.
    int fd[2], f = (int)CALL(openat, HERE, "file", CREAT | RDWR, 0644);
    (void)put_text(f, "0123456789");
    (void)CALL(lseek, f, 2, 0);
    pair(STREAM, fd);
    (void)send_fds(fd[0], "f", &f, 1);
    (void)receive("a file", fd[1], 1, sizeof(buffer), 0);
    int g = buffer.fd[0];
    tell("read there", get(g, received, 3));
    say("read here: %r %q", get(f, received, 3), received, 3L);
    tell("position there", CALL(lseek, g, 0, 1));
    (void)CALL(fcntl, g, F_SETFL, NONBLOCK);
    say("status flags here %o", (u32)CALL(fcntl, f, F_GETFL) & NONBLOCK);
    int p = (int)CALL(openat, HERE, "file", O_PATH);
    tell("a path", send_fds(fd[0], "p", &p, 1));
    (void)receive("it", fd[1], 1, sizeof(buffer), 0);
    tell("read of it", get(buffer.fd[0], received, 1));
    // Two control messages in one.
    struct {
        struct control h1;
        int f1[2];
        struct control h2;
        int f2[2];
    } two = {.h1 = {20, SOL_SOCKET, SCM_RIGHTS}, .h2 = {20, SOL_SOCKET, SCM_RIGHTS}};
    two.f1[0] = f, two.f2[0] = g;
    struct vector v = {"2", 1};
    struct message m = {.vectors = &v, .count = 1, .control = &two, .control_length = sizeof(two)};
    tell("two control messages", CALL(sendmsg, fd[0], &m, 0));
    (void)receive("they", fd[1], 1, sizeof(buffer), 0);
    // Files that were unlinked, and a listener.
    (void)CALL(unlinkat, HERE, "file", 0);
    (void)send_fds(fd[0], "u", &f, 1);
    shut(f);
    (void)receive("unlinked", fd[1], 1, sizeof(buffer), 0);
    char c[4] = "";
    say("has: %r %q", CALL(pread64, buffer.fd[0], c, 4, 0), c, 4L);
    int l = listener("@passed", STREAM, 5);
    (void)send_fds(fd[0], "l", &l, 1);
    shut(l);
    tell("a listener on its way", connect_to(socket_of(STREAM), "@passed"));
    (void)receive("listener", fd[1], 1, sizeof(buffer), 0);
    say("accepts: %s", CALL(accept, buffer.fd[0], 0, 0) >= 0 ? "yes" : "no");
    // To another process.
    int w, r = new_pipe(&w);
    long child = start_child();
    if (!child) {
        nap(20);
        struct vector w1 = {received, 1};
        struct message m1 = {
            .vectors = &w1, .count = 1, .control = &buffer, .control_length = sizeof(buffer)};
        shut(r), shut(w);
        leave(CALL(recvmsg, fd[1], &m1, 0) == 1 && put_text(buffer.fd[0], "child") == 5 ? 0 : 1);
    }
    (void)send_fds(fd[0], "c", &w, 1);
    shut(w);
    long n = get(r, received, 64);
    say("another process: %q, end %d", received, n, end_of(child));
    shut(fd[0]), shut(fd[1]);
    tell("then the pipe ends", get(r, received, 64));
}

// More descriptors than fit, or than may be sent.
void part_rights_cut(void)
{
    int fd[2], w, r = new_pipe(&w), many[MOST];
    pair(SEQPACKET, fd);
    for (int i = 0; i < MOST; i++)
        many[i] = w;
    tell("253", send_fds(fd[0], "253", many, 253));
    tell("254", send_fds(fd[0], "254", many, 254));
    long n = receive("253", fd[1], 8, sizeof(buffer), 0);
    for (int i = 0; i < n; i++)
        shut(buffer.fd[i]);
    static const u64 rooms[] = {0, 1, 15, 16, 17, 19, 20, 23, 24, 25, 27, 28, 31, 32};
    int limit = (int)CALL(dup, r);
    shut(limit);
    for (int i = 0; i < 14; i++) {
        tell("send three", send_fds(fd[0], "cut", many, 3));
        n = receive("with room", fd[1], 8, rooms[i], 0);
        say("room %l: %l, length %l", (long)rooms[i], n,
            rooms[i] >= 16 ? (long)buffer.head.length : 0);
        int next = (int)CALL(dup, r);
        say("no others are open: %s", next == limit + (n > 0 ? (int)n : 0) ? "yes" : "no");
        shut(next);
        for (int k = 0; k < n; k++)
            shut(buffer.fd[k]);
    }
    // One bad among good: nothing goes.
    many[2] = 250;
    tell("one is bad", send_fds(fd[0], "bad", many, 5));
    (void)receive("nothing came", fd[1], 8, sizeof(buffer), 0);
    // Read without control data: they are closed.
    many[2] = w;
    (void)send_fds(fd[0], "plain", many, 1);
    shut(w);
    tell_read("a plain read", fd[1], 8);
    char c;
    tell("pipe at its end", get(r, &c, 1));
    // No free descriptor at the receiver.
    r = new_pipe(&w);
    many[0] = many[1] = w;
    tell("send two", send_fds(fd[0], "limit", many, 2));
    u64 most[2] = {0, 4096};
    int free = (int)CALL(dup, r);
    shut(free);
    most[0] = (u64)free + 1;
    (void)CALL(prlimit64, 0, 7, most, 0);
    (void)receive("room for one", fd[1], 8, sizeof(buffer), 0);
    tell("send two", send_fds(fd[0], "limit", many, 2));
    (void)receive("room for none", fd[1], 8, sizeof(buffer), 0);
    most[0] = 4096;
    (void)CALL(prlimit64, 0, 7, most, 0);
    // A control buffer nowhere.
    (void)send_fds(fd[0], "fault", many, 2);
    struct vector v = {received, 8};
    struct message m = {.vectors = &v, .count = 1, .control = NOWHERE, .control_length = 64};
    long got = CALL(recvmsg, fd[1], &m, MSG_DONTWAIT);
    say("control nowhere: %r", got);
    tell_read("then", fd[1], 8);
    say("end: %s", is_open(w) ? "open" : "closed");
}

// Where reads of a stream stop.
void part_rights_stream(void)
{
    int fd[2], w, r = new_pipe(&w);
    (void)r;
    pair(STREAM, fd);
    (void)put_text(fd[0], "before");
    (void)send_fds(fd[0], "with", &w, 1);
    (void)put_text(fd[0], "after");
    (void)send_fds(fd[0], "second", &w, 1);
    (void)send_fds(fd[0], "third", &w, 1);
    for (int i = 0; i < 6; i++)
        if (receive("all that comes", fd[1], 64, sizeof(buffer), 0) < 0)
            break;
    (void)put_text(fd[0], "before");
    (void)send_fds(fd[0], "with", &w, 1);
    (void)put_text(fd[0], "after");
    (void)receive("two bytes", fd[1], 2, sizeof(buffer), 0);
    (void)receive("peeked", fd[1], 64, sizeof(buffer), MSG_PEEK);
    (void)receive("wait for all", fd[1], 8, sizeof(buffer), MSG_WAITALL);
    (void)receive("one byte", fd[1], 1, sizeof(buffer), 0);
    (void)receive("the rest", fd[1], 64, sizeof(buffer), 0);
    (void)receive("and more", fd[1], 64, sizeof(buffer), 0);
    (void)put_text(fd[0], "before");
    (void)send_fds(fd[0], "with", &w, 1);
    (void)put_text(fd[0], "after");
    tell_read("plain reads", fd[1], 64);
    tell_read("plain reads", fd[1], 64);
    tell_read("plain reads", fd[1], 64);
    // The descriptor comes with the first byte of its message, not with later ones.
    (void)send_fds(fd[0], "abcdef", &w, 1);
    (void)receive("first byte peeked", fd[1], 1, sizeof(buffer), MSG_PEEK);
    tell_read("first byte, plain", fd[1], 1);
    (void)receive("then", fd[1], 64, sizeof(buffer), 0);
    (void)send_fds(fd[0], "abcdef", &w, 1);
    (void)receive("first byte", fd[1], 1, sizeof(buffer), 0);
    (void)receive("then", fd[1], 64, sizeof(buffer), 0);
    ignore(SIGPIPE, true);
    shut(fd[1]);
    tell("peer gone", send_fds(fd[0], "x", &w, 1));
    shut(fd[0]);
    pair(STREAM, fd);
    (void)send_fds(fd[0], "last", &w, 1);
    shut(fd[0]);
    (void)receive("sender gone", fd[1], 64, sizeof(buffer), 0);
    (void)receive("then", fd[1], 64, sizeof(buffer), 0);
}

// Whether the pipe comes to its end when nobody can reach its writer any more.
static void tell_end(const char *what, int r)
{
    say("%s: %s", what, comes_to_end(r) ? "the end" : "still open");
    shut(r);
}

// Descriptors on their way when the sockets that carry them go.
void part_rights_flight(void)
{
    int fd[2], two[2], w, r = new_pipe(&w);
    pair(STREAM, fd);
    (void)send_fds(fd[0], "x", &w, 1);
    shut(w), shut(fd[1]);
    tell_end("receiver closed", r);
    shut(fd[0]);

    r = new_pipe(&w);
    pair(DGRAM, fd);
    (void)send_fds(fd[0], "x", &w, 1);
    shut(w), shut(fd[0]), shut(fd[1]);
    tell_end("both closed", r);

    // A pair that is itself on its way, with a descriptor in it.
    r = new_pipe(&w);
    pair(STREAM, fd);
    pair(SEQPACKET, two);
    (void)send_fds(fd[0], "x", &w, 1);
    (void)send_fds(two[0], "y", &fd[1], 1);
    shut(w), shut(fd[0]), shut(fd[1]);
    shut(two[0]);
    (void)receive("outer", two[1], 64, sizeof(buffer), 0);
    int inner = buffer.fd[0];
    (void)receive("inner", inner, 64, sizeof(buffer), 0);
    int again = buffer.fd[0];
    tell("writes", put_text(again, "z"));
    tell("reads", get(r, received, 64));
    shut(again), shut(inner);
    tell_end("all closed", r);
    shut(two[1]);

    r = new_pipe(&w);
    pair(STREAM, fd);
    pair(SEQPACKET, two);
    (void)send_fds(fd[0], "x", &w, 1);
    (void)send_fds(two[0], "y", &fd[1], 1);
    shut(w), shut(fd[0]), shut(fd[1]), shut(two[0]), shut(two[1]);
    tell_end("nested, all closed", r);

    // An end that waits in its own queue.
    r = new_pipe(&w);
    pair(STREAM, fd);
    (void)send_fds(fd[0], "x", &w, 1);
    (void)send_fds(fd[0], "self", &fd[1], 1);
    (void)send_fds(fd[1], "other", &fd[0], 1);
    shut(w), shut(fd[0]), shut(fd[1]);
    tell_end("a circle", r);

    // Two pairs in each other's queues.
    r = new_pipe(&w);
    pair(DGRAM, fd);
    pair(DGRAM, two);
    (void)send_fds(fd[0], "x", &w, 1);
    (void)send_fds(fd[0], "two", two, 2);
    (void)send_fds(two[0], "fd", fd, 2);
    shut(w), shut(fd[0]), shut(fd[1]), shut(two[0]), shut(two[1]);
    tell_end("two in a circle", r);

    // A client that nobody has accepted, in its listener's queue.
    r = new_pipe(&w);
    int l = listener("@flight", STREAM, 5), c = socket_of(STREAM);
    (void)connect_to(c, "@flight");
    (void)send_fds(c, "x", &w, 1);
    shut(w), shut(c);
    shut(l);
    tell_end("not accepted", r);

    r = new_pipe(&w);
    l = listener("@flight", STREAM, 5), c = socket_of(STREAM);
    (void)connect_to(c, "@flight");
    (void)send_fds(c, "x", &w, 1);
    (void)send_fds(c, "the listener", &l, 1);
    shut(w), shut(c), shut(l);
    tell_end("the listener in its own queue", r);

    // The sender ends.
    r = new_pipe(&w);
    pair(STREAM, fd);
    long child = start_child();
    if (!child) {
        (void)send_fds(fd[0], "x", &w, 1);
        leave(0);
    }
    (void)end_of(child);
    shut(w), shut(fd[0]);
    (void)receive("from one that has ended", fd[1], 64, sizeof(buffer), 0);
    tell("writes", put_text(buffer.fd[0], "z"));
    tell("reads", get(r, received, 64));
    shut(buffer.fd[0]);
    tell_end("closed", r);
}

// --- credentials ---

static struct {
    struct control head;
    struct creds who;
    int rest[32];
} box;

static long send_creds(int to, int pid, u32 uid, u32 gid)
{
    struct vector v = {"c", 1};
    box.head = (struct control){CONTROL_HEAD + sizeof(struct creds), SOL_SOCKET, SCM_CREDENTIALS};
    box.who = (struct creds){pid, uid, gid};
    struct message m = {.vectors = &v, .count = 1, .control = &box, .control_length = 32};
    return CALL(sendmsg, to, &m, MSG_DONTWAIT);
}

static void tell_creds(const char *what, int from, u64 room)
{
    struct vector v = {received, 64};
    struct message m = {.vectors = &v, .count = 1, .control = &box, .control_length = room};
    fill(&box, 0, sizeof(box));
    long r = CALL(recvmsg, from, &m, MSG_DONTWAIT);
    say("%s: %r flags %x control %l", what, r, r < 0 ? 0 : m.flags,
        r < 0 ? 0L : (long)m.control_length);
    if (r >= 0 && m.control_length >= 28)
        say("type %d length %l pid %s uid %d gid %d", box.head.type, (long)box.head.length,
            box.who.pid == own_pid() ? "own"
            : box.who.pid            ? "other"
                                     : "none",
            (int)box.who.uid, (int)box.who.gid);
}

void part_creds(void)
{
    int fd[2], pid = (int)own_pid();
    struct creds who;
    u32 n = sizeof(who);
    static const int types[] = {STREAM, DGRAM, SEQPACKET};
    for (int i = 0; i < 3; i++) {
        pair(types[i], fd);
        fill(&who, 0x55, sizeof(who));
        n = sizeof(who);
        long r = CALL(getsockopt, fd[0], SOL_SOCKET, SO_PEERCRED, &who, &n);
        say("type %d: peer %r length %d pid %s uid %d gid %d", types[i], r, n,
            who.pid == pid ? "own" : "other", (int)who.uid, (int)who.gid);
        (void)put_text(fd[0], "early");
        (void)set(fd[1], SO_PASSCRED, 1);
        (void)put_text(fd[0], "late");
        tell_creds("not wanted when sent", fd[1], sizeof(box));
        if (i)
            tell_creds("wanted when sent", fd[1], sizeof(box));
        tell("explicit", send_creds(fd[0], pid, 0, 0));
        tell_creds("it", fd[1], sizeof(box));
        tell("explicit, not wanted", send_creds(fd[1], pid, 0, 0));
        tell_creds("it", fd[0], sizeof(box));
        tell("another user by root", send_creds(fd[0], pid, 12, 34));
        tell_creds("it", fd[1], sizeof(box));
        tell("no such process", send_creds(fd[0], 4000000, 0, 0));
        tell_creds("it", fd[1], sizeof(box));
        tell("user -1", send_creds(fd[0], pid, ~0u, 0));
        (void)put_text(fd[0], "cut");
        tell_creds("room 20", fd[1], 20);
        (void)put_text(fd[0], "cut");
        tell_creds("no room", fd[1], 0);
        if (types[i] == STREAM) {
            // A read joins what the same sender sent, not what others did.
            (void)put_text(fd[0], "same ");
            (void)put_text(fd[0], "sender ");
            (void)send_creds(fd[0], pid, 12, 34);
            (void)put_text(fd[0], "again");
            tell_creds("joined", fd[1], sizeof(box));
            tell_creds("apart", fd[1], sizeof(box));
            tell_creds("joined", fd[1], sizeof(box));
        }
        shut(fd[0]), shut(fd[1]);
    }
    // As another user.
    pair(SEQPACKET, fd);
    (void)set(fd[1], SO_PASSCRED, 1);
    long child = start_child();
    if (!child) {
        (void)CALL(setresgid, 1000, 1001, 1002);
        (void)CALL(setresuid, 2000, 2001, 2002);
        pid = (int)own_pid();
        say("own: %r %r %r", send_creds(fd[0], pid, 2000, 1000), send_creds(fd[0], pid, 2001, 1001),
            send_creds(fd[0], pid, 2002, 1002));
        say("forged user %r, group %r", send_creds(fd[0], pid, 0, 1000),
            send_creds(fd[0], pid, 2000, 0));
        say("forged process %r", send_creds(fd[0], 1, 2000, 1000));
        (void)put_text(fd[0], "implicit");
        leave(0);
    }
    say("end %d", end_of(child));
    for (int i = 0; i < 4; i++)
        tell_creds("from another", fd[1], sizeof(box));
    tell_creds("and no more", fd[1], sizeof(box));
    // The peer is who connected, and who listened.
    int l = listener("@creds", STREAM, 5);
    child = start_child();
    if (!child) {
        (void)CALL(setresgid, 1000, 1000, 1000);
        (void)CALL(setresuid, 2000, 2000, 2000);
        int c = socket_of(STREAM);
        tell("connect", connect_to(c, "@creds"));
        n = sizeof(who);
        (void)CALL(getsockopt, c, SOL_SOCKET, SO_PEERCRED, &who, &n);
        say("the server is pid %s uid %d gid %d", who.pid == pid ? "parent" : "other", (int)who.uid,
            (int)who.gid);
        leave(0);
    }
    (void)end_of(child);
    int s = (int)CALL(accept, l, 0, 0);
    n = sizeof(who);
    (void)CALL(getsockopt, s, SOL_SOCKET, SO_PEERCRED, &who, &n);
    say("the client is pid %s uid %d gid %d", who.pid == (int)child ? "child" : "other",
        (int)who.uid, (int)who.gid);
    fill(&who, 0x55, sizeof(who));
    n = sizeof(who);
    (void)CALL(getsockopt, l, SOL_SOCKET, SO_PEERCRED, &who, &n);
    say("a listener's peer is pid %s uid %d gid %d", who.pid == pid ? "own" : "other", (int)who.uid,
        (int)who.gid);
    int lone = socket_of(STREAM);
    fill(&who, 0x55, sizeof(who));
    n = sizeof(who);
    long r = CALL(getsockopt, lone, SOL_SOCKET, SO_PEERCRED, &who, &n);
    say("nobody's: %r pid %d uid %d gid %d", r, who.pid, (int)who.uid, (int)who.gid);
    n = 6;
    fill(&who, 0x55, sizeof(who));
    r = CALL(getsockopt, fd[0], SOL_SOCKET, SO_PEERCRED, &who, &n);
    say("short room: %r length %d", r, n);
    tell("set it", CALL(setsockopt, fd[0], SOL_SOCKET, SO_PEERCRED, &who, 12));
    // With descriptors at once.
    struct {
        struct control rights;
        int fd[2];
        struct control head;
        struct creds who;
        int pad;
    } both = {{20, SOL_SOCKET, SCM_RIGHTS},
              {fd[0], 0},
              {28, SOL_SOCKET, SCM_CREDENTIALS},
              {pid, 0, 0},
              0};
    struct vector v = {"both", 4};
    struct message m = {
        .vectors = &v, .count = 1, .control = &both, .control_length = sizeof(both)};
    tell("both", CALL(sendmsg, fd[0], &m, 0));
    tell_creds("both", fd[1], sizeof(box));
    (void)CALL(sendmsg, fd[0], &m, 0);
    tell_creds("both, room for one", fd[1], 32);
    (void)CALL(sendmsg, fd[0], &m, 0);
    tell_creds("both, room for one and a half", fd[1], 44);
}
