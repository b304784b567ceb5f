// Descriptors that this process was given as streams for the kernel (arch/stream.h), and the thread
// that watches what the kernel waits for: descriptors, and signals meant for the program.
//
// The descriptors are shared with other processes, so their flags stay as they are: what might wait
// is asked with RWF_NOWAIT, or polled first. Guarded by: `armed` is atomic.
#define _GNU_SOURCE
#include "host.h"
#include <arch/hostfile.h>
#include <arch/stream.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static_assert(STREAM_POLL_IN == POLLIN && STREAM_POLL_OUT == POLLOUT &&
              STREAM_POLL_ERR == POLLERR && STREAM_POLL_HUP == POLLHUP);

static struct stream {
    i32 kind;
    u32 access;
    bool regular;
    _Atomic u32 armed; // poll mask that the watcher looks for, once
} *streams;
static u32 stream_count; // constant, as all but `armed`
static struct pollfd *watched;
static int wake_fd = -1, signal_fd = -1;

// One more than the highest descriptor that is open, at least 3.
static u32 count_open(void)
{
    u32 count = 3;
    DIR *list = opendir("/proc/self/fd");
    for (struct dirent *e; list && (e = readdir(list)) != NULL;) {
        int n = atoi(e->d_name);
        if (n >= (int)count && n != dirfd(list))
            count = (u32)n + 1;
    }
    if (list)
        closedir(list);
    return count;
}

// Before there is any descriptor or thread of ours: what is closed is kept closed for the program,
// and standard numbers are not used for anything else.
void streams_init(bool program, bool console)
{
    stream_count = program ? count_open() : 3;
    streams = calloc(stream_count, sizeof(*streams));
    watched = calloc(2 + stream_count, sizeof(*watched));
    if (!streams || !watched)
        die("no memory for %u descriptors", stream_count);
    for (int n = 0; n < (int)stream_count; n++) {
        struct stream *s = &streams[n];
        struct stat st;
        int flags = fcntl(n, F_GETFL);
        s->kind = program ? STREAM_BYTES : STREAM_CONSOLE;
        if (flags < 0) {
            s->kind = program && !(console && n < 3) ? STREAM_NONE : STREAM_CONSOLE;
            while (n < 3 && open("/dev/null", O_RDWR) < n)
                ;
            continue;
        }
        if (program && (isatty(n) || (console && n < 3)))
            s->kind = STREAM_CONSOLE;
        int mode = flags & O_ACCMODE;
        s->access = (mode != O_WRONLY ? STREAM_READ : 0u) | (mode != O_RDONLY ? STREAM_WRITE : 0u) |
                    (lseek(n, 0, SEEK_CUR) >= 0 ? STREAM_SEEK : 0u) |
                    (flags & O_APPEND ? STREAM_APPEND : 0u);
        s->regular = fstat(n, &st) == 0 && S_ISREG(st.st_mode);
        if (s->kind == STREAM_BYTES && (S_ISDIR(st.st_mode) || flags & O_PATH)) {
            s->kind = STREAM_PLACE;
            s->access = STREAM_READ | (flags & O_PATH ? STREAM_PATH_ONLY : 0u);
        }
    }
    signal_fd = signals_open(program);
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        die("cannot watch descriptors: %s", strerror(errno));
}

static void *watcher(void *arg)
{
    struct hosted_cpu *cpu = arg;
    for (;;) {
        struct pollfd *fds = watched;
        fds[0] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
        for (u32 n = 0; n < stream_count; n++) {
            u32 armed = atomic_load(&streams[n].armed);
            fds[2 + n] = (struct pollfd){.fd = armed ? (int)n : -1, .events = (short)armed};
        }
        if (poll(fds, 2 + stream_count, -1) <= 0)
            continue;
        u64 count;
        bool news = false;
        if (fds[0].revents && read(wake_fd, &count, sizeof(count)) < 0)
            continue;
        if (fds[1].revents) {
            signals_take(signal_fd);
            news = true;
        }
        for (u32 n = 0; n < stream_count; n++)
            if (fds[2 + n].revents) {
                atomic_store(&streams[n].armed, 0);
                news = true;
            }
        if (news)
            external_interrupt(cpu);
    }
    return NULL;
}

void streams_start(void)
{
    start_thread(watcher, &hosted_cpus[0]);
}

u32 host_stream_count(void)
{
    return stream_count;
}

i32 host_stream_kind(u32 n, u32 *access)
{
    *access = streams[n].access;
    return streams[n].kind;
}

i64 host_stream_name(u32 n, char *buf, u64 cap)
{
    char link[32];
    struct stat named, st;
    snprintf(link, sizeof(link), "/proc/self/fd/%u", n);
    isize len = readlink(link, buf, cap);
    if (len < 0 || (u64)len >= cap)
        return len < 0 ? -errno : -ENAMETOOLONG;
    buf[len] = 0;
    if (fstat((int)n, &st) || lstat(buf, &named) || named.st_dev != st.st_dev ||
        named.st_ino != st.st_ino)
        return -ENOENT;
    return len;
}

i64 host_stream_attr(u32 n, struct host_attr *out)
{
    struct stat st;
    if (fstat((int)n, &st))
        return -errno;
    describe_stat(&st, out);
    return 0;
}

static bool may_wait(int err)
{
    return err == EOPNOTSUPP || err == EINVAL || err == ENOSYS || err == ESPIPE;
}

static bool is_ready(u32 n, short what)
{
    struct pollfd p = {.fd = (int)n, .events = what};
    return poll(&p, 1, 0) > 0;
}

i64 host_stream_read(u32 n, void *buf, u64 len, const u64 *pos)
{
    struct iovec v = {buf, len};
    isize got = -1;
    errno = EINVAL;
    if (!streams[n].regular)
        got = preadv2((int)n, &v, 1, pos ? (off_t)*pos : -1, RWF_NOWAIT);
    if (got < 0 && may_wait(errno)) {
        if (!streams[n].regular && !is_ready(n, POLLIN))
            return -EAGAIN;
        got = pos ? pread((int)n, buf, len, (off_t)*pos) : read((int)n, buf, len);
    }
    return got < 0 ? -errno : got;
}

i64 host_stream_write(u32 n, const void *buf, u64 len, const u64 *pos)
{
    enum { AT_ONCE = 4096 }; // what fits into a pipe that is ready
    struct iovec v = {(void *)(uintptr_t)buf, len};
    isize put = -1;
    errno = EINVAL;
    if (!streams[n].regular)
        put = pwritev2((int)n, &v, 1, pos ? (off_t)*pos : -1, RWF_NOWAIT);
    if (put < 0 && may_wait(errno)) {
        if (!streams[n].regular) {
            if (!is_ready(n, POLLOUT))
                return -EAGAIN;
            len = len < AT_ONCE ? len : AT_ONCE;
        }
        put = pos ? pwrite((int)n, buf, len, (off_t)*pos) : write((int)n, buf, len);
    }
    return put < 0 ? -errno : put;
}

i64 host_stream_seek(u32 n, i64 off, u32 whence)
{
    off_t at = lseek((int)n, off, (int)whence);
    return at < 0 ? -errno : at;
}

i64 host_stream_truncate(u32 n, u64 size)
{
    return ftruncate((int)n, (off_t)size) ? -errno : 0;
}

i64 host_stream_sync(u32 n)
{
    return fsync((int)n) ? -errno : 0;
}

u32 host_stream_ready(u32 n, u32 wanted)
{
    struct pollfd p = {.fd = (int)n, .events = (short)wanted};
    if (poll(&p, 1, 0) > 0)
        return (u32)p.revents;
    if ((atomic_fetch_or(&streams[n].armed, wanted) & wanted) != wanted) {
        u64 one = 1;
        (void)!write(wake_fd, &one, sizeof(one));
    }
    return 0;
}
