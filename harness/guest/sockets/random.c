// Calls by chance on a few sockets that several processes have in common: whatever they answer,
// every process ends, and no descriptor is left behind anywhere. `sockets random SEED COUNT
// [failing]` goes on for COUNT rounds from a seed; the part is a few rounds of fixed ones.
#include "sockets.h"

enum {
    SLOTS = 16,
    PROCESSES = 4,
    CALLS_EACH = 1000,
    NAMES = 6,
    WRITER = 90,
    EPOLL = 91,
    FAIL = 92
};

static u32 seed;
static int slots[SLOTS];
static u8 bytes[70000];
static struct {
    u64 words[40];
} room;

static u32 pick(u32 n)
{
    return chance(&seed, n);
}

static int any(void)
{
    return slots[pick(SLOTS)];
}

// A descriptor takes the place of another, which is closed.
static void keep(long fd)
{
    int *slot = &slots[pick(SLOTS)];
    if (fd < 0)
        return;
    if (*slot >= 0)
        shut(*slot);
    *slot = (int)fd;
}

static int any_type(void)
{
    static const int types[] = {STREAM, DGRAM, SEQPACKET};
    return types[pick(3)] | NONBLOCK;
}

// One of a few names, sometimes none, a wrong one or a wrong length.
static u32 any_address(struct address *a)
{
    static const char *const names[NAMES] = {"r0", "r1", "r2", "@r0", "@r1", "none/x"};
    u32 n = address_of(a, names[pick(NAMES)]);
    switch (pick(16)) {
    case 0:
        a->family = AF_UNSPEC;
        return n;
    case 1:
        return pick(130);
    case 2:
        return PATH_AT; // any name
    default:
        return n;
    }
}

static u32 any_size(void)
{
    return pick(4) ? pick(300) : pick(20) ? pick(5000) : pick(sizeof(bytes));
}

// A message with a control part by chance: descriptors, credentials, both, nonsense.
static struct message any_message(struct vector *v, struct address *a)
{
    struct message m = {.vectors = v, .count = 1 + pick(2)};
    struct {
        u64 length;
        int level, type, data[4];
    } *c = (void *)&room;
    v[0] = (struct vector){bytes, any_size()};
    v[1] = (struct vector){bytes + 100, pick(50)};
    if (!pick(4))
        m.name = a, m.name_length = any_address(a);
    u32 n = pick(4);
    switch (pick(8)) {
    case 0:
    case 1:
    case 2: {
        *c = (typeof(*c)){CONTROL_HEAD + 4 * n,
                          SOL_SOCKET,
                          SCM_RIGHTS,
                          {any(), any(), pick(2) ? WRITER : any(), any()}};
        m.control = c, m.control_length = 32;
        break;
    }
    case 3:
        *c = (typeof(*c)){28, SOL_SOCKET, SCM_CREDENTIALS, {pick(3) ? (int)own_pid() : 1, 0, 0, 0}};
        m.control = c, m.control_length = 32;
        break;
    case 4:
        *c = (typeof(*c)){pick(40), (int)pick(3), (int)pick(4), {any(), any(), any(), any()}};
        m.control = c, m.control_length = pick(40);
        break;
    default:
        break;
    }
    return m;
}

static void receive_message(void)
{
    struct address a;
    struct vector v[2];
    struct message m = any_message(v, &a);
    static const u32 flags[] = {
        0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_CMSG_CLOEXEC, MSG_DONTWAIT};
    fill(&room, 0, sizeof(room));
    m.control = &room, m.control_length = pick(3) ? sizeof(room) : pick(40);
    if (CALL(recvmsg, any(), &m, flags[pick(8)]) < 0)
        return;
    u8 *at = (u8 *)&room;
    for (u64 left = m.control_length; left >= CONTROL_HEAD;) {
        u64 length = *(u64 *)at;
        if (length < CONTROL_HEAD || length > left)
            break;
        if (*(int *)(at + 12) == SCM_RIGHTS)
            for (u64 i = CONTROL_HEAD; i + 4 <= length; i += 4)
                keep(*(int *)(at + i));
        length = (length + 7) & ~7UL;
        left = length < left ? left - length : 0;
        at += length;
    }
}

static void any_option(void)
{
    static const int options[] = {SO_PASSCRED, SO_SNDBUF,   SO_RCVBUF, SO_KEEPALIVE, SO_LINGER,
                                  SO_ERROR,    SO_PEERCRED, SO_TYPE,   SO_RCVLOWAT,  SO_ACCEPTCONN};
    int value[2] = {(int)pick(20000), 1}, n = (int)pick(12), option = options[pick(10)];
    if (pick(2))
        (void)CALL(setsockopt, any(), SOL_SOCKET, option, value, n);
    else
        (void)CALL(getsockopt, any(), SOL_SOCKET, option, &room, &n);
}

static void any_name_change(void)
{
    static const char *const names[] = {"r0", "r1", "r2"};
    if (pick(2))
        (void)CALL(unlinkat, HERE, names[pick(3)], 0);
    else
        (void)CALL(renameat2, HERE, names[pick(3)], HERE, names[pick(3)], 0);
}

static void any_event(void)
{
    struct {
        int fd;
        short wanted, got;
    } p[3] = {{any(), 0x27c7, 0}, {any(), IN, 0}, {any(), OUT, 0}};
    struct time limit = {0, (long)pick(3) * 1000000};
    u64 event[2] = {IN | OUT | (pick(2) ? 1UL << 31 : 0), 0};
    switch (pick(4)) {
    case 0:
        (void)CALL(ppoll, p, 3, &limit, 0, 8);
        break;
    case 1:
        (void)CALL(epoll_ctl, EPOLL, 1, any(), event);
        break;
    case 2:
        (void)CALL(epoll_ctl, EPOLL, 2 + pick(2), any(), event);
        break;
    default:
        (void)CALL(epoll_pwait, EPOLL, &room, 8, pick(3), 0, 8);
    }
}

// A socket may wait once its waits have a limit.
static void let_wait(void)
{
    struct time shortly = {0, 4000};
    int fd = any();
    if (CALL(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &shortly, sizeof(shortly)) >= 0 &&
        CALL(setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &shortly, sizeof(shortly)) >= 0)
        (void)CALL(fcntl, fd, F_SETFL, 0);
}

static void one_call(void)
{
    struct address a;
    struct vector v[2];
    struct message m;
    struct many many[2];
    int fd[2];
    u32 n;
    switch (pick(32)) {
    case 0:
        return keep(CALL(socket, AF_UNIX, any_type(), 0));
    case 1:
        if (CALL(socketpair, AF_UNIX, any_type(), 0, fd) == 0) {
            keep(fd[0]);
            keep(fd[1]);
        }
        return;
    case 2:
    case 3:
        n = any_address(&a);
        (void)CALL(bind, any(), &a, n);
        return;
    case 4:
        (void)CALL(listen, any(), pick(4));
        return;
    case 5:
    case 6:
    case 7:
        n = any_address(&a);
        (void)CALL(connect, any(), &a, n);
        return;
    case 8:
    case 9:
        n = pick(120);
        return keep(CALL(accept4, any(), &a, &n, NONBLOCK));
    case 10:
        keep(CALL(dup, any()));
        return;
    case 11:
        (void)CALL(write, any(), bytes, any_size());
        return;
    case 12:
    case 13:
        n = any_address(&a);
        (void)CALL(sendto, any(), bytes, any_size(), MSG_NOSIGNAL | (pick(8) ? 0 : MSG_EOR), &a,
                   pick(2) ? n : 0);
        return;
    case 14:
    case 15:
        n = pick(120);
        (void)CALL(recvfrom, any(), bytes, any_size(), pick(3) ? 0 : MSG_PEEK, &a, &n);
        return;
    case 16:
    case 17:
    case 18:
    case 19:
        m = any_message(v, &a);
        (void)CALL(sendmsg, any(), &m, MSG_NOSIGNAL);
        return;
    case 20:
    case 21:
    case 22:
        return receive_message();
    case 23:
        many[0].message = any_message(v, &a);
        many[1].message = many[0].message;
        (void)CALL(sendmmsg, any(), many, 2, MSG_NOSIGNAL);
        return;
    case 24:
        many[0].message = (struct message){.vectors = v, .count = 1};
        many[1].message = many[0].message;
        v[0] = (struct vector){bytes, 100};
        (void)CALL(recvmmsg, any(), many, 2, pick(2) ? MSG_DONTWAIT : MSG_WAITFORONE, 0);
        return;
    case 25:
        if (!pick(3))
            (void)CALL(shutdown, any(), pick(3));
        return;
    case 26:
        return any_option();
    case 27:
        return any_name_change();
    case 28:
    case 29:
        return any_event();
    case 30:
        n = pick(120);
        (void)(pick(2) ? CALL(getsockname, any(), &a, &n) : CALL(getpeername, any(), &a, &n));
        (void)CALL(ioctl, any(), pick(2) ? FIONREAD : SIOCOUTQ, &room);
        return;
    default:
        return let_wait();
    }
}

// Scarlet's kernel lets an allocation fail for who asks for it (docs/run.md): one of the next, now
// and then. Elsewhere there is no such file.
static void perhaps_fail(long fd)
{
    char text[3] = {(char)('0' + pick(2)), (char)('0' + pick(10)), 10};
    if (fd >= 0 && pick(2))
        (void)CALL(pwrite64, fd, text, sizeof(text), 0);
}

static bool round_of(u32 start, bool failing)
{
    int p[2], bad = 0;
    long child[PROCESSES];
    (void)CALL(pipe2, p, NONBLOCK);
    (void)CALL(dup3, p[1], WRITER, 0);
    (void)CALL(dup3, CALL(epoll_create1, 0), EPOLL, 0);
    shut(p[1]);
    seed = start;
    for (int i = 0; i < SLOTS; i++)
        slots[i] = socket_of(any_type());
    for (int k = 0; k < PROCESSES; k++)
        if (!(child[k] = start_child())) {
            seed = start * PROCESSES + (u32)k;
            shut(p[0]);
            ignore(SIGPIPE, true);
            long fail = failing ? CALL(openat, HERE, "/proc/self/fail-nth", RDWR | CLOEXEC) : -1;
            if (fail >= 0 && CALL(dup3, fail, FAIL, 0) < 0)
                leave(1);
            for (int i = 0; i < CALLS_EACH; i++) {
                perhaps_fail(fail < 0 ? -1 : FAIL);
                one_call();
            }
            leave(0);
        }
    for (int k = 0; k < PROCESSES; k++)
        bad += end_of(child[k]) != 0;
    for (int fd = 3; fd < 100; fd++)
        if (fd != p[0])
            shut(fd);
    bool whole = comes_to_end(p[0]);
    shut(p[0]);
    if (bad || !whole)
        say("seed %d: %d of the processes ended badly; descriptors: %s", (int)start, bad,
            whole ? "all closed" : "LEFT");
    return !bad && whole;
}

bool random_rounds(u32 start, u32 count, bool failing)
{
    u32 good = 0;
    for (u32 i = 0; i < count; i++)
        good += round_of(start + i, failing);
    say("%d rounds, %d good", (int)count, (int)good);
    return good == count;
}

void part_storm_random(void)
{
    (void)random_rounds(1, 3, false);
}

void part_storm_failing(void)
{
    (void)random_rounds(1, 3, true);
}
