// Files of the host by descriptors: O_PATH for what a name stands for, opened when it is read or
// written. Names are single components and are opened with O_NOFOLLOW, so there is no way out of
// the tree. What has a handle is reached again through /proc/self/fd, never by its name.
#define _GNU_SOURCE
#include "host.h"
#include <arch/hostfile.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { HANDLES = 1 << 20, TEXT = 32 };
// By handle: descriptor + 1, 0: not opened. Guarded by whoever owns the handle. Two or all may be
// one.
static int readers[HANDLES], writers[HANDLES], lockers[HANDLES];
// Whoever is given a number again comes after the one who closed it. The host sees to that; this
// says it.
static _Atomic u32 closed;

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
    (void)atomic_load_explicit(&closed, memory_order_acquire);
    return fd;
}

static i64 result(i64 r)
{
    return r < 0 ? -errno : r;
}

// The name under which this process finds the file of a handle.
static const char *by_handle(i64 handle, char text[TEXT])
{
    snprintf(text, TEXT, "/proc/self/fd/%d", (int)handle);
    return text;
}

i64 host_file_root(const char *path, struct host_attr *out)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
    return describe(open(path, O_PATH | O_CLOEXEC), out);
}

// Not opened again for what the descriptor allows: this process might not be allowed to. But what
// is written at a position has to go there, which it does not with O_APPEND.
i64 host_file_stream(u32 n, struct host_attr *out)
{
    char path[TEXT];
    int flags = fcntl((int)n, F_GETFL);
    i64 handle = describe(open(by_handle(n, path), O_PATH | O_CLOEXEC), out);
    if (handle < 0)
        return handle;
    int own = fcntl((int)n, F_DUPFD_CLOEXEC, 3);
    if (own >= 0 && (flags & O_ACCMODE) != O_WRONLY)
        readers[handle] = own + 1;
    if (own >= 0 && (flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND))
        writers[handle] = own + 1;
    if (own >= 0)
        lockers[handle] = own + 1; // so its locks are those of whoever shares the descriptor
    return handle;
}

i64 host_file_lookup(i64 dir, const char *name, struct host_attr *out)
{
    return describe(openat((int)dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), out);
}

i64 host_file_attr(i64 handle, struct host_attr *out)
{
    struct stat st;
    if (fstat((int)handle, &st))
        return -errno;
    describe_stat(&st, out);
    return 0;
}

i64 host_file_probe(i64 dir, const char *name, struct host_attr *out)
{
    struct stat st;
    if (fstatat((int)dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
        return -errno;
    describe_stat(&st, out);
    return 0;
}

void host_file_shut(i64 handle)
{
    if (lockers[handle] && lockers[handle] != readers[handle] && lockers[handle] != writers[handle])
        close(lockers[handle] - 1);
    if (writers[handle] && writers[handle] != readers[handle])
        close(writers[handle] - 1);
    if (readers[handle])
        close(readers[handle] - 1);
    readers[handle] = writers[handle] = lockers[handle] = 0;
}

void host_file_close(i64 handle)
{
    host_file_shut(handle);
    atomic_fetch_add_explicit(&closed, 1, memory_order_release);
    close((int)handle);
}

static int opened(int known[], i64 handle, int flags)
{
    if (!known[handle]) {
        char path[TEXT];
        int fd = open(by_handle(handle, path), O_CLOEXEC | O_NOCTTY | flags);
        if (fd < 0 && errno == EPERM && flags & O_NOATIME) // not the owner
            fd = open(path, O_CLOEXEC | O_NOCTTY | (flags & ~O_NOATIME));
        if (fd < 0)
            return -errno;
        known[handle] = fd + 1;
    }
    return known[handle] - 1;
}

static int reader(i64 handle, int flags)
{
    return opened(readers, handle, O_RDONLY | O_NOATIME | flags);
}

static int writer(i64 handle)
{
    return opened(writers, handle, O_WRONLY | O_NONBLOCK);
}

i64 host_file_open(i64 file, u32 access)
{
    int r = 0;
    if (access & HOST_LIST)
        r = opened(readers, file, O_RDONLY | O_DIRECTORY);
    else if (access & HOST_READ)
        r = opened(readers, file, O_RDONLY | O_NONBLOCK);
    if (r >= 0 && access & HOST_WRITE)
        r = writer(file);
    return r < 0 ? r : 0;
}

enum {
    LONG = 32768
}; // bytes: a transfer that is worth a job where the host cannot say if it waits

static bool cannot_say(isize r)
{
    return r < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL);
}

i64 host_file_read(i64 file, u64 pos, void *buf, u64 n)
{
    int fd = reader(file, O_NONBLOCK);
    if (fd < 0)
        return fd;
    struct iovec v = {buf, n};
    isize got = preadv2(fd, &v, 1, (off_t)pos, RWF_NOWAIT);
    if (cannot_say(got))
        return n < LONG ? result(pread(fd, buf, n, (off_t)pos)) : -EAGAIN;
    return result(got);
}

static i64 write_at(int fd, u64 pos, const void *buf, u64 n, int flags)
{
    struct iovec v = {(void *)(uintptr_t)buf, n};
    if (pos != HOST_AT_END)
        return pwritev2(fd, &v, 1, (off_t)pos, flags);
    isize put = pwritev2(fd, &v, 1, 0, RWF_APPEND | flags);
    if (put < 0 && !flags && (errno == EOPNOTSUPP || errno == ENOSYS)) { // hosts before Linux 4.16
        off_t end = lseek(fd, 0, SEEK_END);
        put = end < 0 ? -1 : pwrite(fd, buf, n, end);
    }
    return put;
}

i64 host_file_write(i64 file, u64 pos, const void *buf, u64 n)
{
    int fd = writer(file);
    if (fd < 0)
        return fd;
    isize put = write_at(fd, pos, buf, n, n < LONG ? 0 : RWF_NOWAIT);
    return n >= LONG && cannot_say(put) ? -EAGAIN : result(put);
}

i64 host_file_truncate(i64 file, u64 size)
{
    int fd = writer(file);
    return fd < 0 ? fd : result(ftruncate(fd, (off_t)size));
}

i64 host_file_allocate(i64 file, u32 mode, u64 off, u64 len)
{
    int fd = writer(file);
    return fd < 0 ? fd : result(fallocate(fd, (int)mode, (off_t)off, (off_t)len));
}

i32 file_for_job(const struct host_job *j)
{
    switch (j->kind) {
    case HOST_JOB_WRITE:
        return writer(j->file);
    case HOST_JOB_SYNC:
    case HOST_JOB_SYNC_DATA:
        if (writers[j->file])
            return writers[j->file] - 1;
        break;
    default:
        break;
    }
    return reader(j->file, O_NONBLOCK);
}

i64 file_do_job(const struct host_job *j)
{
    switch (j->kind) {
    case HOST_JOB_READ:
        return result(pread(j->fd, j->buf, j->n, (off_t)j->pos));
    case HOST_JOB_WRITE:
        return result(write_at(j->fd, j->pos, j->buf, j->n, 0));
    case HOST_JOB_SYNC:
        return result(fsync(j->fd));
    case HOST_JOB_SYNC_DATA:
        return result(fdatasync(j->fd));
    case HOST_JOB_SYNC_ALL:
        return result(syncfs(j->fd));
    }
    return -EINVAL;
}

// All locks of one file are those of one opened file, so it has to be open for both if it can be.
static int locker(i64 file, bool writable)
{
    if (!lockers[file] && readers[file] && readers[file] == writers[file])
        lockers[file] = readers[file];
    int fd = !lockers[file] && writable ? opened(lockers, file, O_RDWR | O_NONBLOCK) : 0;
    if (fd == -EMFILE || fd == -ENFILE)
        return fd;
    if (!lockers[file])
        lockers[file] = readers[file] ? readers[file] : writers[file];
    return opened(lockers, file, O_RDONLY | O_NONBLOCK);
}

// Those of open files, which closing another descriptor of the file does not take away.
static struct flock range_of(const struct host_lock *l)
{
    bool rest = l->end >= INT64_MAX;
    return (struct flock){.l_type = (short)l->kind,
                          .l_whence = SEEK_SET,
                          .l_start = (off_t)l->start,
                          .l_len = rest ? 0 : (off_t)(l->end - l->start + 1)};
}

i64 host_file_lock(i64 file, bool whole, bool writable, const struct host_lock *l)
{
    static const int kinds[] = {[F_RDLCK] = LOCK_SH, [F_WRLCK] = LOCK_EX, [F_UNLCK] = LOCK_UN};
    int fd = locker(file, writable);
    if (fd < 0)
        return fd;
    struct flock range = range_of(l);
    int r = whole ? flock(fd, kinds[l->kind] | LOCK_NB) : fcntl(fd, F_OFD_SETLK, &range);
    if (r < 0 && errno == EBADF) // it could not be opened that way
        return -ENOLCK;
    return result(r);
}

i64 host_file_lock_query(i64 file, bool writable, struct host_lock *l)
{
    int fd = locker(file, writable);
    if (fd < 0)
        return fd;
    struct flock range = range_of(l);
    if (fcntl(fd, F_OFD_GETLK, &range) < 0)
        return -errno;
    *l = (struct host_lock){.kind = (u32)range.l_type,
                            .pid = range.l_pid < 0 ? UINT32_MAX : 0,
                            .start = (u64)range.l_start,
                            .end = range.l_len ? (u64)(range.l_start + range.l_len - 1)
                                               : (u64)INT64_MAX};
    return 0;
}

i64 host_file_list(i64 dir, u64 pos, void *buf, u64 n)
{
    int fd = reader(dir, O_DIRECTORY);
    if (fd < 0)
        return fd;
    if (lseek(fd, (off_t)pos, SEEK_SET) < 0)
        return -errno;
    return result(syscall(SYS_getdents64, fd, buf, n));
}

i64 host_file_readlink(i64 link, char *buf, u64 cap)
{
    return result(readlinkat((int)link, "", buf, cap));
}

// A new regular file stays open, since its mode may forbid opening it again.
static i64 make_regular(i64 dir, const char *name, u32 mode, struct host_attr *out)
{
    char path[TEXT];
    int fd = openat((int)dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    i64 handle = describe(open(by_handle(fd, path), O_PATH | O_CLOEXEC), out);
    if (handle < 0) {
        unlinkat((int)dir, name, 0);
        close(fd);
        return handle;
    }
    readers[handle] = writers[handle] = fd + 1;
    return handle;
}

i64 host_file_make(i64 dir, const char *name, u32 mode, const char *link, struct host_attr *out)
{
    int r;
    switch (mode & S_IFMT) {
    case S_IFREG:
        return make_regular(dir, name, mode & 07777, out);
    case S_IFDIR:
        r = mkdirat((int)dir, name, mode & 07777);
        break;
    case S_IFLNK:
        r = symlinkat(link, (int)dir, name);
        break;
    case S_IFIFO:
    case S_IFSOCK:
        r = mknodat((int)dir, name, mode, 0);
        break;
    default:
        return -EPERM;
    }
    if (r < 0)
        return -errno;
    i64 handle = host_file_lookup(dir, name, out);
    if (handle < 0) // as if it had never been made
        unlinkat((int)dir, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
    return handle;
}

i64 host_file_link(i64 dir, const char *name, i64 file)
{
    char path[TEXT];
    return result(linkat(AT_FDCWD, by_handle(file, path), (int)dir, name, AT_SYMLINK_FOLLOW));
}

i64 host_file_unlink(i64 dir, const char *name, bool directory)
{
    return result(unlinkat((int)dir, name, directory ? AT_REMOVEDIR : 0));
}

i64 host_file_rename(i64 dir, const char *name, i64 to_dir, const char *to_name, u32 flags)
{
    if (!flags)
        return result(renameat((int)dir, name, (int)to_dir, to_name));
    return result(renameat2((int)dir, name, (int)to_dir, to_name, flags));
}

static struct timespec time_of(const struct host_change *c, u32 which, i64 t)
{
    if (!(c->valid & which))
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    i64 rest = t % 1000000000;
    return (struct timespec){t / 1000000000 - (rest < 0), rest < 0 ? rest + 1000000000 : rest};
}

// Both times at once and just now: what the host allows to whoever may write.
static bool is_now(const struct host_change *c)
{
    i64 off = (i64)host_realtime_ns() - c->mtime;
    return c->valid & HOST_SET_ATIME && c->valid & HOST_SET_MTIME && c->atime == c->mtime &&
           off < 1000000000 && off > -1000000000;
}

static i64 set_times(i64 handle, const struct host_change *c)
{
    struct timespec t[2] = {time_of(c, HOST_SET_ATIME, c->atime),
                            time_of(c, HOST_SET_MTIME, c->mtime)};
    char path[TEXT];
    int r = utimensat((int)handle, "", t, AT_EMPTY_PATH);
    if (r < 0 && errno == EINVAL) // hosts before Linux 5.8
        r = utimensat(AT_FDCWD, by_handle(handle, path), t, 0);
    if (r < 0 && (errno == EPERM || errno == EACCES) && is_now(c))
        r = utimensat(AT_FDCWD, by_handle(handle, path), NULL, 0);
    return result(r);
}

// Owner before mode, since a change of owner takes set-id bits away.
i64 host_file_change(i64 handle, const struct host_change *c)
{
    char path[TEXT];
    i64 r = 0;
    if (c->valid & (HOST_SET_UID | HOST_SET_GID))
        r = result(fchownat((int)handle, "", c->valid & HOST_SET_UID ? c->uid : (uid_t)-1,
                            c->valid & HOST_SET_GID ? c->gid : (gid_t)-1, AT_EMPTY_PATH));
    if (!r && c->valid & HOST_SET_MODE)
        r = result(chmod(by_handle(handle, path), c->mode & 07777));
    if (!r && c->valid & (HOST_SET_ATIME | HOST_SET_MTIME))
        r = set_times(handle, c);
    return r;
}

i64 host_file_xattr_get(i64 handle, const char *name, void *buf, u64 cap)
{
    char path[TEXT];
    return result(getxattr(by_handle(handle, path), name, buf, cap));
}

i64 host_file_xattr_set(i64 handle, const char *name, const void *val, u64 len, u32 flags)
{
    char path[TEXT];
    return result(setxattr(by_handle(handle, path), name, val, len, (int)flags));
}

i64 host_file_xattr_list(i64 handle, char *buf, u64 cap)
{
    char path[TEXT];
    return result(listxattr(by_handle(handle, path), buf, cap));
}

i64 host_file_xattr_remove(i64 handle, const char *name)
{
    char path[TEXT];
    return result(removexattr(by_handle(handle, path), name));
}

i64 host_file_statfs(i64 handle, struct host_statfs *out)
{
    struct statvfs s;
    if (fstatvfs((int)handle, &s))
        return -errno;
    *out = (struct host_statfs){.block_size = s.f_frsize,
                                .blocks = s.f_blocks,
                                .blocks_free = s.f_bfree,
                                .blocks_avail = s.f_bavail,
                                .files = s.f_files,
                                .files_free = s.f_ffree,
                                .name_max = (u32)s.f_namemax};
    return 0;
}
