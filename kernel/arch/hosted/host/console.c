// The console: standard input and output of this process. A terminal is made raw and given back at
// the end; control-A x leaves.
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

enum { RING = 65536 };
static u8 ring[RING];
static _Atomic u32 head, tail; // written by the reading thread and by the kernel
static struct termios saved;
static bool raw;

void console_restore(void)
{
    if (raw)
        tcsetattr(0, TCSANOW, &saved);
    raw = false;
}

static void put(u8 c)
{
    while (head - tail == RING)
        usleep(1000);
    ring[head % RING] = c;
    head++;
}

static bool take(const u8 *buf, isize n)
{
    static bool prefix;
    for (isize i = 0; i < n; i++) {
        if (raw && prefix && (buf[i] | 0x20) == 'x')
            return false;
        prefix = raw && !prefix && buf[i] == 1;
        if (!prefix)
            put(buf[i]);
    }
    return true;
}

static void *reader(void *arg)
{
    struct hosted_cpu *cpu = arg;
    u8 last = '\n';
    for (u8 buf[4096];;) {
        isize n = read(0, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0 && !take(buf, n))
            host_exit(204);
        if (n <= 0) { // end of input, as a terminal says it: once for an unfinished line, once for
                      // the end
            if (last != '\n')
                put(4);
            put(4);
        } else {
            last = buf[n - 1];
        }
        do { // again while nobody takes it: the terminal may not be there yet
            atomic_fetch_or(&cpu->pending, PENDING_EXTERNAL);
            host_cpu_signal(cpu);
            usleep(1000);
        } while (head != tail);
        if (n <= 0)
            return NULL;
    }
}

void console_init(void)
{
    if (tcgetattr(0, &saved) == 0 && isatty(1)) {
        struct termios t = saved;
        cfmakeraw(&t);
        raw = tcsetattr(0, TCSANOW, &t) == 0;
    }
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t t;
    if (pthread_create(&t, NULL, reader, &hosted_cpus[0]))
        die("cannot start the console's thread");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void host_console_write(const char *s, u64 n)
{
    while (n) {
        isize done = write(1, s, n);
        if (done < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = 1, .events = POLLOUT}, 1, -1);
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
