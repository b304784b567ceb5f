// Many at once: processes and threads that connect, pass descriptors and close against each other.
// What happens in between is chance; what is left at the end is not.
#include "sockets.h"

enum { CLIENTS = 3, SERVERS = 2, ROUNDS = 150, STOP = -1 };

static void serve(int l)
{
    for (;;) {
        int n = 0, s = (int)CALL(accept4, l, 0, 0, CLOEXEC);
        if (s < 0)
            leave(2);
        long r = get(s, &n, sizeof(n));
        if (r == sizeof(n) && n == STOP)
            leave(0);
        n *= 2;
        if (r == sizeof(n))
            (void)CALL(sendto, s, &n, sizeof(n), MSG_NOSIGNAL);
        shut(s);
    }
}

static void ask(const char *name, int type, u32 seed)
{
    for (int i = 0; i < ROUNDS; i++) {
        int n = i, c = socket_of(type);
        if (connect_to(c, name) < 0)
            leave(3);
        if (chance(&seed, 8)) { // else it goes at once
            if (CALL(write, c, &n, sizeof(n)) != sizeof(n))
                leave(4);
            if (chance(&seed, 5)) // else it does not wait for the answer
                if (get(c, &n, sizeof(n)) != sizeof(n) || n != 2 * i)
                    leave(5);
        }
        shut(c);
    }
    leave(0);
}

void part_storm_connect(void)
{
    static const int types[] = {STREAM, SEQPACKET};
    for (int t = 0; t < 2; t++) {
        const char *name = t ? "@storm5" : "storm1";
        int l = listener(name, types[t], 2), stop = STOP;
        long server[SERVERS], client[CLIENTS];
        for (int i = 0; i < SERVERS; i++)
            if (!(server[i] = start_child()))
                serve(l);
        for (int i = 0; i < CLIENTS; i++)
            if (!(client[i] = start_child()))
                ask(name, types[t], (u32)(100 * t + i));
        say("clients end %d %d %d", end_of(client[0]), end_of(client[1]), end_of(client[2]));
        for (int i = 0; i < SERVERS; i++) {
            int c = socket_of(types[t]);
            (void)connect_to(c, name);
            (void)CALL(write, c, &stop, sizeof(stop));
            shut(c);
        }
        say("servers end %d %d", end_of(server[0]), end_of(server[1]));
        shut(l);
    }
}

// --- descriptors in all directions ---

enum { ENDS = 8, PASSERS = 4, PASSES = 400 };

static struct {
    u64 length;
    int level, type, fd[2];
} rights;

static void pass(int to, int a, int b)
{
    struct vector v = {"p", 1};
    rights.length = CONTROL_HEAD + 8, rights.level = SOL_SOCKET, rights.type = SCM_RIGHTS;
    rights.fd[0] = a, rights.fd[1] = b;
    struct message m = {
        .vectors = &v, .count = 1, .control = &rights, .control_length = sizeof(rights)};
    (void)CALL(sendmsg, to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// What comes is used for a while, then closed.
static void take(int from, int *kept)
{
    char text[8];
    struct vector v = {text, 8};
    struct message m = {
        .vectors = &v, .count = 1, .control = &rights, .control_length = sizeof(rights)};
    rights.length = 0;
    if (CALL(recvmsg, from, &m, MSG_DONTWAIT) > 0 && m.control_length == sizeof(rights))
        for (int i = 0; i < 2; i++) {
            if (kept[i] >= 0)
                shut(kept[i]);
            kept[i] = rights.fd[i];
        }
}

void part_storm_pass(void)
{
    static const int types[] = {STREAM, DGRAM, SEQPACKET, DGRAM};
    int p[2], end[ENDS];
    (void)CALL(pipe2, p, 0);
    for (int i = 0; i < ENDS; i += 2)
        pair(types[i / 2] | NONBLOCK, end + i);
    long child[PASSERS];
    for (int k = 0; k < PASSERS; k++)
        if (!(child[k] = start_child())) {
            u32 seed = 77 + (u32)k;
            int kept[2] = {-1, -1};
            shut(p[0]);
            for (int i = 0; i < PASSES; i++) {
                int to = end[chance(&seed, ENDS)];
                if (chance(&seed, 2))
                    take(to, kept);
                else
                    pass(to, chance(&seed, 3) ? end[chance(&seed, ENDS)] : p[1],
                         chance(&seed, 2) && kept[0] >= 0 ? kept[0] : end[chance(&seed, ENDS)]);
                if (!chance(&seed, 40)) { // a pair that nobody else has, lost in itself
                    int own[2];
                    pair(SEQPACKET, own);
                    pass(own[0], own[1], own[0]);
                    pass(own[1], own[0], p[1]);
                    shut(own[0]), shut(own[1]);
                }
            }
            leave(0);
        }
    say("ends %d %d %d %d", end_of(child[0]), end_of(child[1]), end_of(child[2]), end_of(child[3]));
    shut(p[1]);
    for (int i = 0; i < ENDS; i++)
        shut(end[i]);
    say("nobody has the pipe any more: %s", comes_to_end(p[0]) ? "yes" : "no");
}

// --- threads on one pair ---

static int ends[2];
static volatile int read_bytes[2];

static void drain(long which)
{
    char text[64];
    long r;
    while ((r = get(ends[0], text, sizeof(text))) > 0)
        read_bytes[which] += (int)r;
}

static void feed(long n)
{
    for (long i = 0; i < n; i++)
        (void)CALL(sendto, ends[1], "0123456789", 10, MSG_NOSIGNAL);
}

void part_storm_threads(void)
{
    static const int types[] = {STREAM, SEQPACKET};
    for (int t = 0; t < 2; t++) {
        int wrong = 0;
        for (int i = 0; i < 60; i++) {
            read_bytes[0] = read_bytes[1] = 0;
            pair(types[t], ends);
            long a = start_thread(drain, 0), b = start_thread(drain, 1), w = start_thread(feed, 25);
            feed(25);
            join_thread(w);
            if (i % 2)
                (void)CALL(shutdown, ends[1], SHUT_WR);
            else
                shut(ends[1]);
            join_thread(a), join_thread(b);
            wrong += read_bytes[0] + read_bytes[1] != 500;
            shut(ends[0]);
            if (i % 2)
                shut(ends[1]);
        }
        say("type %d: %d wrong", types[t], wrong);
    }
    // A reader and a writer while both ends go away.
    for (int i = 0; i < 60; i++) {
        ignore(SIGPIPE, true);
        pair(STREAM, ends);
        long a = start_thread(drain, 0), w = start_thread(feed, 1000);
        (void)CALL(shutdown, ends[i % 2], i % 3);
        (void)CALL(shutdown, ends[0], SHUT_RDWR);
        join_thread(a), join_thread(w);
        shut(ends[0]), shut(ends[1]);
    }
    say("all ended");
}

// Polls ends[0] until told to stop.
static volatile int stop;
static void watch(long epoll)
{
    u32 got[8];
    while (!stop) {
        struct {
            int fd;
            short wanted, got;
        } p = {ends[0], OUT, 0};
        struct time limit = {0, 3000000};
        (void)CALL(ppoll, &p, 1, &limit, 0, 8);
        (void)CALL(epoll_pwait, epoll, got, 1, 0, 0, 8);
    }
}

// A socket that turns from receiver to receiver, all full and soon gone, while others poll it.
void part_storm_turn(void)
{
    int e = (int)CALL(epoll_create1, 0), before = -1;
    u64 event[2] = {IN | OUT | 1UL << 31, 0};
    ends[0] = socket_of(DGRAM | NONBLOCK);
    stop = 0;
    long a = start_thread(watch, e), b = start_thread(watch, e);
    for (int i = 0; i < 150; i++) {
        char name[] = "@turn0";
        int r = socket_of(DGRAM);
        name[5] = (char)('0' + i % 2);
        (void)bind_to(r, name);
        (void)connect_to(ends[0], name);
        (void)CALL(epoll_ctl, e, 1, ends[0], event);
        while (put_text(ends[0], "message") > 0)
            ;
        if (i % 5 == 0)
            nap(1);
        shut(before);
        if (i % 3 == 0)
            (void)CALL(epoll_ctl, e, 2, ends[0], event);
        before = r;
    }
    stop = 1;
    join_thread(a), join_thread(b);
    shut(before), shut(ends[0]), shut(e);
    say("turned");
}
