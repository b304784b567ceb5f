// Where traces of calls go: a file, or standard error (arch/firmware.h).
// Guarded by: one line at a time, write_lock; the rest is constant.
#define _GNU_SOURCE
#include "host.h"
#include <arch/firmware.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum arch_trace kind;
static int out = STDERR_FILENO;
static const char *out_name = "standard error";
static bool failed;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

void trace_init(enum arch_trace wanted, const char *file)
{
    kind = wanted;
    if (!file)
        return;
    if (kind == ARCH_TRACE_LOG)
        kind = ARCH_TRACE_TEXT;
    out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    out_name = file;
    if (out < 0)
        die("--trace-file %s: %s", file, strerror(errno));
}

u32 host_trace_kind(void)
{
    return kind;
}

static bool put(const char *s, u64 n)
{
    while (n) {
        isize done = write(out, s, n);
        if (done < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = out, .events = POLLOUT}, 1, -1);
        else if (done < 0 && errno != EINTR)
            return false;
        s += done > 0 ? done : 0;
        n -= done > 0 ? (u64)done : 0;
    }
    return true;
}

// A terminal that was made raw wants to be told to go back to the start of the line.
void host_trace_write(const char *line, u64 n)
{
    bool raw = !console_plain() && isatty(out);
    pthread_mutex_lock(&write_lock);
    if (!put(line, raw ? n - 1 : n) || (raw && !put("\r\n", 2))) {
        if (!failed)
            fprintf(stderr, "scarlet-host: %s: the trace is not complete: %s\n", out_name,
                    strerror(errno));
        failed = true;
    }
    pthread_mutex_unlock(&write_lock);
}
