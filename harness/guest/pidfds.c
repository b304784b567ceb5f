// pidfds: what handles to processes do, one line per check: a name and a result, which is a number
// (errors as -errno) and the same on every run.
#define OWN_START
#include "start.h"

[[noreturn]] void begin(const word *stack);
ENTRY(begin);

enum { SIGUSR1 = 10, SIGKILL = 9, SIGSTOP = 19, SIGCONT = 18, SIGCHLD = 17 };
enum { P_PIDFD = 3, WNOHANG = 1, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x1000000 };
enum { NONBLOCK = 04000, CLONE_PIDFD = 0x1000, CLONE_PARENT_SETTID = 0x100000 };
enum { CLONE_FILES = 0x400, CLONE_VFORK = 0x4000, CLONE_DETACHED = 0x400000 };
enum { F_GETFD = 1, F_GETFL = 3, IN = 1, HUP = 16, QUEUED = -1 };

void *memset(void *to, int byte, word n);
void *memset(void *to, int byte, word n)
{
    for (volatile unsigned char *p = to; n--; p++)
        *p = (unsigned char)byte;
    return to;
}

struct poll_item {
    int fd;
    short events, revents;
};
struct information { // siginfo_t
    int signal, error, code, pad;
    int pid, user;
    long value;
    char rest[96];
};
struct time {
    long seconds, nanoseconds;
};
struct arguments { // of clone3
    word flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

static void tell(const char *name, long result)
{
    put(name);
    put(": ");
    put_number(result);
    put("\n");
}

static long polled(long fd, int milliseconds)
{
    struct poll_item p = {(int)fd, IN, 0};
    struct time t = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    long n = CALL(ppoll, &p, 1, milliseconds < 0 ? 0 : &t, 0, 8);
    return n < 0 ? n : p.revents;
}

static long wait_for(long fd, int options, struct information *i)
{
    *i = (struct information){0};
    return CALL(waitid, P_PIDFD, fd, i, options, 0);
}

static void tell_wait(const char *name, long fd, int options)
{
    struct information i;
    long r = wait_for(fd, options, &i);
    tell(name, r);
    if (!r && i.signal) {
        tell("  code", i.code);
        tell("  status", (int)i.value);
    }
}

// A child that runs what follows where 0 is returned, and ends itself there.
static long child_with(int *fd)
{
    return CALL(clone, CLONE_PIDFD | SIGCHLD, 0, fd, 0, 0);
}

[[noreturn]] static void leave(int status)
{
    for (;;)
        CALL(exit_group, status);
}

// Waits for the other end of a pipe to be closed or written to.
static void hold(const int *gate)
{
    char c;
    CALL(close, gate[1]);
    CALL(read, gate[0], &c, 1);
}

static void numbers(void)
{
    int fd[2];
    tell("of nobody", CALL(pidfd_open, 0x3ffffff, 0));
    tell("of zero", CALL(pidfd_open, 0, 0));
    tell("of less", CALL(pidfd_open, -5, 0));
    tell("unknown flag", CALL(pidfd_open, 1, 1));
    long self = CALL(pidfd_open, CALL(getpid), 0), quick = CALL(pidfd_open, CALL(getpid), NONBLOCK);
    tell("closes on exec", CALL(fcntl, self, F_GETFD));
    tell("does not wait", CALL(fcntl, quick, F_GETFL) & NONBLOCK);
    tell("waits", CALL(fcntl, self, F_GETFL) & NONBLOCK);
    tell("self is no child", wait_for(self, WEXITED, &(struct information){0}));
    tell("nor polls", polled(self, 0));
    char c;
    tell("is not read", CALL(read, self, &c, 1));
    tell("nor written", CALL(write, self, &c, 1));
    tell("wait for less", CALL(waitid, P_PIDFD, -1, 0, WEXITED, 0));
    tell("wait for none", CALL(waitid, P_PIDFD, 99, 0, WEXITED, 0));
    CALL(pipe2, fd, 0);
    tell("wait for a pipe", CALL(waitid, P_PIDFD, fd[0], 0, WEXITED, 0));
    tell("signal a pipe", CALL(pidfd_send_signal, fd[0], 0, 0, 0));
    tell("signal none", CALL(pidfd_send_signal, 99, 0, 0, 0));
    tell("from a pipe", CALL(pidfd_getfd, fd[0], 0, 0));
    tell("nothing to self", CALL(pidfd_send_signal, self, 0, 0, 0));
    tell("too large to self", CALL(pidfd_send_signal, self, 65, 0, 0));
    tell("unknown way", CALL(pidfd_send_signal, self, 0, 0, 8));
    tell("two ways", CALL(pidfd_send_signal, self, 0, 0, 6));
    struct information i = {.signal = SIGUSR1, .code = QUEUED};
    tell("another's number", CALL(pidfd_send_signal, self, SIGKILL, &i, 0));
    tell("nowhere", CALL(pidfd_send_signal, self, SIGKILL, 16, 0));
    long place = CALL(openat, -100, "/proc/self", 0200000, 0),
         all = CALL(openat, -100, "/proc", 0, 0);
    long thread = CALL(openat, -100, "/proc/thread-self", 0, 0);
    tell("to a place", CALL(pidfd_send_signal, place, 0, 0, 0));
    tell("to a thread's", CALL(pidfd_send_signal, thread, 0, 0, 0));
    tell("to another", CALL(pidfd_send_signal, all, 0, 0, 0));
    tell("no more than named",
         CALL(pidfd_send_signal, CALL(openat, -100, "/proc/self", 010000000, 0), 0, 0, 0));
    tell("waits for no place", CALL(waitid, P_PIDFD, place, 0, WEXITED, 0));
    for (int n = 0; n < 2; n++)
        CALL(close, fd[n]);
    CALL(close, self);
    CALL(close, quick);
}

static void ends(void)
{
    int gate[2], fd = -1;
    CALL(pipe2, gate, 0);
    long child = child_with(&fd);
    if (!child) {
        hold(gate);
        tell("the child has none", CALL(fcntl, fd, F_GETFD) == -9 || fd == -1);
        leave(7);
    }
    CALL(close, gate[0]);
    tell("closes on exec", CALL(fcntl, fd, F_GETFD));
    tell("polls", polled(fd, 0));
    tell_wait("not yet", fd, WEXITED | WNOHANG);
    long quick = CALL(pidfd_open, child, NONBLOCK);
    tell_wait("would wait", quick, WEXITED);
    tell_wait("asked not to", quick, WEXITED | WNOHANG);
    char name[32] = "/proc/", *end = name + 6;
    for (long n = child, ten = 1; n / ten || ten == 1; ten *= 10) {
        for (char *p = ++end; p > name + 7; p--)
            p[-1] = p[-2];
        name[6] = (char)('0' + n / ten % 10);
    }
    long place = CALL(openat, -100, name, 0200000, 0);
    tell("in its place", place >= 0 ? CALL(pidfd_send_signal, place, 0, 0, 0) : place);
    CALL(close, gate[1]);
    tell("polls at its end", polled(fd, -1));
    tell_wait("looks", fd, WEXITED | WNOHANG | WNOWAIT);
    tell("a dead one is open to", CALL(close, CALL(pidfd_open, child, 0)));
    tell("and takes signals", CALL(pidfd_send_signal, fd, SIGUSR1, 0, 0));
    tell_wait("waits", fd, WEXITED);
    tell("polls when gone", polled(fd, 0));
    tell_wait("waits again", quick, WEXITED);
    tell("signals", CALL(pidfd_send_signal, fd, 0, 0, 0));
    tell("takes", CALL(pidfd_getfd, fd, 0, 0));
    tell("its place", CALL(pidfd_send_signal, place, 0, 0, 0));
    tell("number", CALL(pidfd_open, child, 0));
    CALL(close, fd);
    CALL(close, quick);
}

static void signals(void)
{
    int fd = -1, gate[2];
    CALL(pipe2, gate, 0);
    long child = child_with(&fd);
    if (!child) {
        CALL(setpgid, 0, 0);
        hold(gate);
        leave(0);
    }
    CALL(setpgid, child, 0);
    struct information i = {.signal = SIGUSR1, .code = 1};
    tell("the kernel's code", CALL(pidfd_send_signal, fd, SIGUSR1, &i, 0));
    tell("stop", CALL(pidfd_send_signal, fd, SIGSTOP, 0, 0));
    tell_wait("stopped", fd, WSTOPPED);
    tell("continue the group", CALL(pidfd_send_signal, fd, SIGCONT, 0, 4));
    tell_wait("continued", fd, WCONTINUED);
    i = (struct information){.signal = SIGUSR1, .code = QUEUED, .value = 5};
    tell("queue", CALL(pidfd_send_signal, fd, SIGUSR1, &i, 0));
    tell_wait("ended", fd, WEXITED);
    CALL(close, fd);
    CALL(close, gate[0]);
    CALL(close, gate[1]);
}

static void takes(void)
{
    int fd = -1, gate[2], data[2];
    CALL(pipe2, gate, 0);
    CALL(pipe2, data, 0);
    long child = child_with(&fd);
    if (!child) {
        hold(gate);
        leave(0);
    }
    CALL(write, data[1], "x", 1);
    CALL(close, data[0]);
    char c = 0;
    tell("flags", CALL(pidfd_getfd, fd, data[0], 1));
    tell("none there", CALL(pidfd_getfd, fd, 77, 0));
    long mine = CALL(pidfd_getfd, fd, data[0], 0);
    tell("closes on exec", CALL(fcntl, mine, F_GETFD));
    tell("reads", CALL(read, mine, &c, 1));
    tell("what was written", c == 'x');
    if (CALL(geteuid) == 0) { // of another user nothing
        long other = CALL(clone, SIGCHLD, 0, 0, 0, 0);
        if (!other) {
            CALL(setresuid, 1000, 1000, 1000);
            tell("as another user", CALL(pidfd_getfd, fd, data[0], 0));
            tell("as another user, a signal", CALL(pidfd_send_signal, fd, 0, 0, 0));
            tell("as another user, to self", CALL(close, CALL(pidfd_open, CALL(getpid), 0)));
            leave(0);
        }
        CALL(wait4, other, 0, 0, 0);
    }
    CALL(close, gate[1]);
    tell_wait("ended", fd, WEXITED);
    CALL(close, gate[0]);
    CALL(close, data[1]);
    CALL(close, mine);
    CALL(close, fd);
}

static void clones(void)
{
    int fd = -1;
    struct arguments a = {.flags = CLONE_PIDFD, .pidfd = (word)&fd, .exit_signal = SIGCHLD};
    long child = CALL(clone3, &a, 64);
    if (!child)
        leave(3);
    tell("there", child > 0 && fd >= 0);
    tell_wait("ended", fd, WEXITED);
    CALL(close, fd);
    a.flags |= CLONE_VFORK | CLONE_FILES;
    child = CALL(clone3, &a, 64);
    if (!child)
        leave(CALL(fcntl, fd, F_GETFD) == 1 ? 4 : 5); // shared: it has its own
    tell_wait("shared", fd, WEXITED);
    CALL(close, fd);
    a.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
    a.parent_tid = a.pidfd;
    tell("one place for two", CALL(clone3, &a, 64));
    tell("the same", CALL(clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
    tell("detached", CALL(clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0));
    a = (struct arguments){.flags = CLONE_PIDFD, .pidfd = 16, .exit_signal = SIGCHLD};
    tell("nowhere", CALL(clone3, &a, 64));
    tell("no child of it", CALL(wait4, -1, 0, WNOHANG, 0));
    const word few[] = {3, 4096}, usual[] = {1024, 4096};
    CALL(prlimit64, 0, 7, few, 0);
    a.pidfd = (word)&fd;
    tell("no number free", CALL(clone3, &a, 64));
    CALL(prlimit64, 0, 7, usual, 0);
    tell("no child of that", CALL(wait4, -1, 0, WNOHANG, 0));
}

// Many children that end while others wait for them by handle, in any order.
static void many(void)
{
    enum { CHILDREN = 40, ROUNDS = 5 };
    long good = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int fd[CHILDREN];
        for (int n = 0; n < CHILDREN; n++) {
            fd[n] = -1;
            if (!child_with(&fd[n]))
                leave(n);
        }
        for (int n = CHILDREN - 1; n >= 0; n--) {
            struct information i;
            long p = n % 3 ? polled(fd[n], -1) : IN;
            good += p == IN && !wait_for(fd[n], n % 3 ? WEXITED | WNOHANG : WEXITED, &i) &&
                    (int)i.value == n && polled(fd[n], 0) == (IN | HUP);
            CALL(close, fd[n]);
        }
    }
    tell("ended as they should", good);
    tell("left", CALL(wait4, -1, 0, WNOHANG, 0));
}

void begin(const word *stack)
{
    static const struct {
        char letter; // its name's first
        void (*run)(void);
    } parts[] = {{'n', numbers}, {'e', ends},   {'s', signals},
                 {'t', takes},   {'c', clones}, {'m', many}};
    for (word n = 0; n < sizeof(parts) / sizeof(*parts); n++)
        if (stack[0] > 1 && *(const char *)stack[2] == parts[n].letter) {
            parts[n].run();
            leave(0);
        }
    leave(2);
}
