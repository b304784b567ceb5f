// A library for scarlet-host alone (LD_PRELOAD) that stands for a slow disk: what it is asked about
// a file below a directory "slow" waits for a file of the call's name in the directory $SLOW, where
// "CALL.waits" says that it does; never for longer than 30 seconds, then it is an error. Each call
// that reaches the disk is a line in $SLOW/log.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *place;

[[gnu::constructor]] static void start(void)
{
    char exe[4096];
    long n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    const char *name = strrchr(exe, '/');
    if (name && !strcmp(name, "/scarlet-host"))
        place = getenv("SLOW");
}

static bool is_slow(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    long n = place ? readlink(link, path, sizeof(path) - 1) : -1;
    path[n > 0 ? n : 0] = 0;
    return strstr(path, "/slow/");
}

static void touch(const char *name, const char *suffix)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s%s", place, name, suffix);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

// Returns false after 30 seconds.
static bool wait_for(const char *name)
{
    char path[4096], line[64];
    snprintf(path, sizeof(path), "%s/log", place);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (write(fd, line, (size_t)snprintf(line, sizeof(line), "%s\n", name)) < 0)
        return false;
    close(fd);
    touch(name, ".waits");
    snprintf(path, sizeof(path), "%s/%s", place, name);
    for (int i = 0; i < 3000; i++) {
        if (!access(path, F_OK))
            return true;
        usleep(10000);
    }
    errno = EIO;
    return false;
}

#define SYNC(name)                                                                                 \
    int name(int fd)                                                                               \
    {                                                                                              \
        bool waits = SYS_##name == SYS_syncfs ? place != NULL : is_slow(fd);                       \
        return waits && !wait_for(#name) ? -1 : (int)syscall(SYS_##name, fd);                      \
    }
SYNC(fsync)
SYNC(fdatasync)
SYNC(syncfs)

static long transfer(long number, int fd, const struct iovec *v, int n, off_t pos, int flags)
{
    const char *name = number == SYS_preadv2 ? "read" : "write";
    if (is_slow(fd)) {
        if (flags & RWF_NOWAIT) {
            errno = number == SYS_preadv2 ? EAGAIN : EOPNOTSUPP;
            return -1;
        }
        if (!wait_for(name))
            return -1;
    }
    return syscall(number, fd, v, n, pos, 0, flags);
}

ssize_t preadv2(int fd, const struct iovec *v, int n, off_t pos, int flags)
{
    return transfer(SYS_preadv2, fd, v, n, pos, flags);
}

ssize_t pwritev2(int fd, const struct iovec *v, int n, off_t pos, int flags)
{
    return transfer(SYS_pwritev2, fd, v, n, pos, flags);
}

ssize_t pread(int fd, void *buf, size_t n, off_t pos)
{
    return transfer(SYS_preadv2, fd, &(struct iovec){buf, n}, 1, pos, 0);
}
