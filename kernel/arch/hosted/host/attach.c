// --attach: this terminal becomes that of a program whose console is a socket (socket.c). Ends with
// the program, as it does, or when it is left: control-A d, or by a hangup.
#define _GNU_SOURCE
#include "frames.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static const char *name;

[[noreturn, gnu::format(printf, 2, 3)]] static void leave(int status, const char *fmt, ...)
{
    tcsetattr(0, TCSADRAIN, &saved);
    if (fmt) {
        va_list args;
        va_start(args, fmt);
        fputs("\r\n[", stderr);
        vfprintf(stderr, fmt, args);
        fputs("]\n", stderr);
        va_end(args);
    }
    exit(status);
}

static void make_raw(void)
{
    struct termios raw = saved;
    cfmakeraw(&raw);
    tcsetattr(0, TCSADRAIN, &raw);
}

static int reach(void)
{
    struct sockaddr_un a;
    if (!socket_address(name, &a))
        die("--attach %s: the name is too long for a socket", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
        die("--attach %s: %s", name,
            errno == ECONNREFUSED ? "its program is gone" : strerror(errno));
    return fd;
}

static bool send_size(int fd)
{
    struct winsize w = {0};
    ioctl(0, TIOCGWINSZ, &w);
    const struct frame_size s = {w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel};
    return frame_put(fd, FRAME_SIZE, &s, sizeof(s), -1);
}

// False: nothing more is to be sent, what comes shows why.
static bool send_typed(int fd)
{
    static bool prefix;
    u8 typed[FRAME_MAX], out[FRAME_MAX];
    u16 n = 0;
    isize got = read(0, typed, sizeof(typed));
    if (got < 0 && errno == EINTR)
        return true;
    if (got <= 0)
        leave(0, NULL); // hung up
    for (isize i = 0; i < got; i++) {
        enum console_key key = console_key(&prefix, typed[i], &out[n]);
        n += key == KEY_BYTE;
        if (key == KEY_BYTE || key == KEY_NOTHING)
            continue;
        (void)frame_put(fd, FRAME_DATA, out, n, -1);
        (void)frame_put(fd, key == KEY_END ? FRAME_END : FRAME_DETACH, NULL, 0, -1);
        return false;
    }
    return !n || frame_put(fd, FRAME_DATA, out, n, -1);
}

[[noreturn]] static void end_killed(int number)
{
    tcsetattr(0, TCSADRAIN, &saved);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); // it would be a core of this program
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    exit(128 + number);
}

static void show(const u8 *s, u16 n)
{
    while (n) {
        isize done = write(1, s, n);
        if (done < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = 1, .events = POLLOUT}, 1, -1);
        else if (done < 0 && errno != EINTR)
            leave(0, NULL); // hung up
        s += done > 0 ? done : 0;
        n -= done > 0 ? (u16)done : 0;
    }
}

static void receive(int fd)
{
    static struct frame_reader r;
    i32 number;
    int got;
    while ((got = frame_take(&r, fd)) > 0) {
        memcpy(&number, r.frame.body, sizeof(number));
        switch (r.frame.kind) {
        case FRAME_DATA:
            show(r.frame.body, r.frame.len);
            break;
        case FRAME_DETACH:
            leave(0, "detached from %s", name);
        case FRAME_TAKEN:
            leave(0, "detached from %s: another terminal is attached", name);
        case FRAME_STATUS:
            leave(number, NULL);
        case FRAME_KILLED:
            end_killed(number);
        default:
            break;
        }
    }
    if (got < 0)
        leave(1, "%s: the program is gone", name);
}

// Signals that end this process leave the program running, with the terminal as it was.
static int watch_signals(void)
{
    static const int watched[] = {SIGWINCH, SIGCONT, SIGHUP, SIGTERM, SIGINT, SIGQUIT};
    sigset_t set;
    sigemptyset(&set);
    for (u32 i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
        sigaddset(&set, watched[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

void attach_run(const char *path)
{
    name = path;
    if (!isatty(0) || !isatty(1) || tcgetattr(0, &saved))
        die("--attach %s: standard input and output have to be a terminal", path);
    int fd = reach(), signals = watch_signals();
    if (signals < 0)
        die("--attach %s: %s", path, strerror(errno));
    make_raw();
    for (bool up = send_size(fd);;) {
        struct pollfd fds[] = {{.fd = up ? 0 : -1, .events = POLLIN},
                               {.fd = fd, .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[2].revents) {
            struct signalfd_siginfo info;
            bool got = read(signals, &info, sizeof(info)) == sizeof(info);
            if (got && info.ssi_signo == SIGCONT) // whoever stopped it has used the terminal
                make_raw();
            else if (got && info.ssi_signo != SIGWINCH)
                leave(128 + (int)info.ssi_signo, NULL);
            up = up && send_size(fd);
        }
        if (fds[0].revents)
            up = send_typed(fd);
        if (fds[1].revents)
            receive(fd);
    }
}
