// Files of the host by descriptors: O_PATH for what a name stands for, opened for reading when it
// is read. Names are single components and are opened with O_NOFOLLOW, so there is no way out of
// the tree.
#define _GNU_SOURCE
#include "host.h"
#include <arch/hostfile.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { HANDLES = 1 << 20 };
static int readers[HANDLES]; // by descriptor: one for reading + 1, 0: none yet. Guarded by the
                             // nodes' own locks (one reader each)

static i64 ns(struct timespec t)
{
    return t.tv_sec * 1000000000l + t.tv_nsec;
}

void describe_stat(const struct stat *st, struct host_attr *out)
{
    *out = (struct host_attr){.ino = st->st_ino,
                              .dev = st->st_dev,
                              .rdev = (u64)major(st->st_rdev) << 32 | minor(st->st_rdev),
                              .size = (u64)st->st_size,
                              .blocks = (u64)st->st_blocks,
                              .mode = st->st_mode,
                              .uid = st->st_uid,
                              .gid = st->st_gid,
                              .nlink = (u32)st->st_nlink,
                              .atime = ns(st->st_atim),
                              .mtime = ns(st->st_mtim),
                              .ctime = ns(st->st_ctim)};
}

static i64 describe(int fd, struct host_attr *out)
{
    struct stat st;
    if (fd < 0)
        return -errno;
    if (fd >= HANDLES || fstat(fd, &st)) {
        int err = fd >= HANDLES ? EMFILE : errno;
        close(fd);
        return -err;
    }
    describe_stat(&st, out);
    return fd;
}

i64 host_file_root(const char *path, struct host_attr *out)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
    return describe(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), out);
}

i64 host_file_lookup(i64 dir, const char *name, struct host_attr *out)
{
    return describe(openat((int)dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), out);
}

void host_file_close(i64 handle)
{
    if (readers[handle])
        close(readers[handle] - 1);
    readers[handle] = 0;
    close((int)handle);
}

static int reader(i64 handle, int flags)
{
    if (!readers[handle]) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)handle);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME | flags);
        if (fd < 0 && errno == EPERM) // not the owner
            fd = open(path, O_RDONLY | O_CLOEXEC | flags);
        if (fd < 0)
            return -errno;
        readers[handle] = fd + 1;
    }
    return readers[handle] - 1;
}

i64 host_file_read(i64 file, u64 pos, void *buf, u64 n)
{
    int fd = reader(file, O_NONBLOCK);
    if (fd < 0)
        return fd;
    isize got = pread(fd, buf, n, (off_t)pos);
    return got < 0 ? -errno : got;
}

i64 host_file_list(i64 dir, u64 pos, void *buf, u64 n)
{
    int fd = reader(dir, O_DIRECTORY);
    if (fd < 0)
        return fd;
    if (lseek(fd, (off_t)pos, SEEK_SET) < 0)
        return -errno;
    long got = syscall(SYS_getdents64, fd, buf, n);
    return got < 0 ? -errno : got;
}

i64 host_file_readlink(i64 link, char *buf, u64 cap)
{
    isize n = readlinkat((int)link, "", buf, cap);
    return n < 0 ? -errno : n;
}
