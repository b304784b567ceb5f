// The console: the terminal of this process, where there is one. When standard input and output are
// it, it is made raw and given back at the end; all keys are the program's, but where there is an
// escape key (--escape). Else other programs use it too (a pipeline): it stays as it is, and lines
// come as it gives them. Or it is a socket (socket.c).
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { RING = 65536 };
static u8 ring[RING];
static _Atomic u32 head, tail; // written by the reading thread and by the kernel
static struct termios saved;
static _Atomic bool raw;
static int in_fd = -1, out_fd = 2; // in_fd < 0: there is none; what the kernel says goes to 2

static bool make_raw(void)
{
    struct termios t = saved;
    cfmakeraw(&t);
    return tcsetattr(0, TCSANOW, &t) == 0;
}

void console_restore(void)
{
    if (raw)
        tcsetattr(in_fd, TCSANOW, &saved);
    raw = false;
}

// This process stops as its caller's job: all its threads, at the signal. What changes a terminal
// in the background stops it again, until it comes to the foreground.
void host_suspend(void)
{
    if (socket_is_console())
        return; // nobody's job
    bool was_raw = raw;
    sigset_t stops, old;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTSTP);
    sigaddset(&stops, SIGTTOU);
    console_restore();
    pthread_sigmask(SIG_UNBLOCK, &stops, &old);
    raise(signals_inherited()->ignored >> (SIGTSTP - 1) & 1 ? SIGSTOP : SIGTSTP);
    if (was_raw) {
        while (tcgetattr(0, &saved) < 0 && errno == EINTR)
            ;
        while (!(raw = make_raw()) && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void put(u8 c)
{
    while (head - tail == RING)
        usleep(1000);
    ring[head % RING] = c;
    head++;
}

static i32 escape = ESCAPE_DEFAULT;

void console_escape(i32 key)
{
    escape = key;
}

enum console_key console_key(bool *prefix, u8 c, u8 *out)
{
    enum { CONTROL_A = 1 };
    u8 key = escape == ESCAPE_DEFAULT ? CONTROL_A : (u8)escape;
    *out = c;
    if (!*prefix) {
        *prefix = c == key && escape != ESCAPE_NONE;
        return *prefix ? KEY_NOTHING : KEY_BYTE;
    }
    *prefix = false;
    switch (c) {
    case 'x':
    case 'X':
        return KEY_END;
    case 'd':
    case 'D':
        return KEY_DETACH;
    case 'a':
    case 'A':
        *out = key;
        return KEY_BYTE;
    default:
        return KEY_BYTE;
    }
}

static bool take(const u8 *buf, isize n)
{
    static bool prefix;
    for (isize i = 0; i < n; i++) {
        u8 c = buf[i];
        enum console_key key = raw ? console_key(&prefix, c, &c) : KEY_BYTE;
        if (key == KEY_END)
            return false;
        if (key != KEY_NOTHING) // there is no way to detach
            put(c);
    }
    return true;
}

u64 console_room(void)
{
    return RING - (head - tail);
}

void console_typed(const u8 *bytes, u64 n)
{
    while (n--)
        put(*bytes++);
}

bool console_input_waits(void)
{
    return head != tail;
}

void console_tell(void)
{
    external_interrupt(&hosted_cpus[0]);
}

static void *reader(void *arg)
{
    (void)arg;
    u8 last = '\n';
    for (u8 buf[4096];;) {
        isize n = read(in_fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EIO && tcgetpgrp(in_fd) > 0 && tcgetpgrp(in_fd) != getpgrp()) {
            usleep(50'000); // in the background
            continue;
        }
        if (n > 0 && !take(buf, n))
            host_exit(STATUS_LEFT);
        if (n <= 0) { // end of input, as a terminal says it: once for an unfinished line, once for
                      // the end
            if (last != '\n')
                put(4);
            put(4);
        } else {
            last = buf[n - 1];
        }
        do { // again while nobody takes it: the terminal may not be there yet
            console_tell();
            usleep(1000);
        } while (console_input_waits());
        if (n < 0 || (n == 0 && !isatty(in_fd)))
            return NULL;
    }
}

// Which terminal: a standard descriptor, else the controlling one. Without a program to run (an
// image's own /init) standard input and output are the console whatever they are.
static void choose(bool program)
{
    if (!program) {
        in_fd = 0;
        out_fd = 1;
        return;
    }
    for (int n = 0; n < 3 && in_fd < 0; n++)
        if (isatty(n))
            in_fd = n;
    if (in_fd < 0)
        in_fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (in_fd >= 0)
        out_fd = in_fd;
}

void console_init(bool program)
{
    if (socket_is_console()) {
        socket_serve();
        return;
    }
    if (program && escape == ESCAPE_DEFAULT)
        escape = ESCAPE_NONE; // as if the program had the terminal itself
    choose(program);
    if (isatty(0) && isatty(1) && tcgetattr(0, &saved) == 0) {
        raw = make_raw();
    }
    if (in_fd == 0) // a terminal that is not standard input is somebody else's to read
        start_thread(reader, NULL);
}

bool console_plain(void)
{
    return !raw && !socket_is_console();
}

void host_console_write(const char *s, u64 n)
{
    if (socket_takes_output()) {
        socket_print(s, n);
        return;
    }
    while (n) {
        isize done = write(out_fd, s, n);
        if (done < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = out_fd, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (done < 0 && errno != EINTR)
            return; // nobody reads any more
        if (done > 0) {
            s += done;
            n -= (u64)done;
        }
    }
}

u64 host_console_read(void *buf, u64 n)
{
    u64 got = 0;
    for (u8 *p = buf; got < n && tail != head; got++) {
        *p++ = ring[tail % RING];
        tail++;
    }
    return got;
}

bool host_console_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel)
{
    struct winsize w;
    if (socket_is_console())
        return socket_size(rows, cols, xpixel, ypixel);
    if (in_fd < 0 || ioctl(in_fd, TIOCGWINSZ, &w))
        return false;
    *rows = w.ws_row;
    *cols = w.ws_col;
    *xpixel = w.ws_xpixel;
    *ypixel = w.ws_ypixel;
    return true;
}
