// The older forms of calls that only x86_64 has; each is the newer one with arguments filled in.
#include "../linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <device/clock.h>
#include <kerr.h>

enum { CWD = LINUX_AT_FDCWD };

i64 linux_open(const struct sys_name *path, u32 flags, u32 mode)
{
    return linux_openat(CWD, path, flags, mode);
}
i64 linux_creat(const struct sys_name *path, u32 mode)
{
    return linux_openat(CWD, path, LINUX_O_CREAT | LINUX_O_WRONLY | LINUX_O_TRUNC, mode);
}
i64 linux_stat(const struct sys_name *path, struct linux_stat *st)
{
    return linux_newfstatat(CWD, path, st, 0);
}
i64 linux_lstat(const struct sys_name *path, struct linux_stat *st)
{
    return linux_newfstatat(CWD, path, st, LINUX_AT_SYMLINK_NOFOLLOW);
}
i64 linux_access(const struct sys_name *path, u32 mode)
{
    return linux_faccessat(CWD, path, mode);
}
i64 linux_readlink(const struct sys_name *path, struct iobuf *buf, i32 size)
{
    return linux_readlinkat(CWD, path, buf, size);
}
i64 linux_mkdir(const struct sys_name *path, u32 mode)
{
    return linux_mkdirat(CWD, path, mode);
}
i64 linux_rmdir(const struct sys_name *path)
{
    return linux_unlinkat(CWD, path, LINUX_AT_REMOVEDIR);
}
i64 linux_unlink(const struct sys_name *path)
{
    return linux_unlinkat(CWD, path, 0);
}
i64 linux_symlink(const struct sys_name *target, const struct sys_name *path)
{
    return linux_symlinkat(target, CWD, path);
}
i64 linux_link(const struct sys_name *oldpath, const struct sys_name *newpath)
{
    return linux_linkat(CWD, oldpath, CWD, newpath, 0);
}
i64 linux_rename(const struct sys_name *oldpath, const struct sys_name *newpath)
{
    return linux_renameat2(CWD, oldpath, CWD, newpath, 0);
}
i64 linux_renameat(i32 olddir, const struct sys_name *oldpath, i32 newdir,
                   const struct sys_name *newpath)
{
    return linux_renameat2(olddir, oldpath, newdir, newpath, 0);
}
i64 linux_chmod(const struct sys_name *path, u32 mode)
{
    return linux_fchmodat(CWD, path, mode);
}
i64 linux_chown(const struct sys_name *path, u32 uid, u32 gid)
{
    return linux_fchownat(CWD, path, uid, gid, 0);
}
i64 linux_lchown(const struct sys_name *path, u32 uid, u32 gid)
{
    return linux_fchownat(CWD, path, uid, gid, LINUX_AT_SYMLINK_NOFOLLOW);
}
i64 linux_mknod(const struct sys_name *path, u32 mode, u32 dev)
{
    return linux_mknodat(CWD, path, mode, dev);
}
i64 linux_futimesat(i32 dir, const struct sys_name *path, const struct linux_timeval *times)
{
    struct linux_timespec t[2];
    for (u32 i = 0; times && i < 2; i++) {
        if (times[i].tv_usec < 0 || times[i].tv_usec >= 1'000'000)
            return -E_INVAL;
        t[i] = (struct linux_timespec){times[i].tv_sec, times[i].tv_usec * 1000};
    }
    return linux_utimensat(dir, path, times ? t : NULL, 0);
}
i64 linux_utimes(const struct sys_name *path, const struct linux_timeval *times)
{
    return linux_futimesat(CWD, path, times);
}
i64 linux_utime(const struct sys_name *path, const struct linux_utimbuf *times)
{
    struct linux_timespec t[2] = {0};
    if (times) {
        t[0].tv_sec = times->actime;
        t[1].tv_sec = times->modtime;
    }
    return linux_utimensat(CWD, path, times ? t : NULL, 0);
}
i64 linux_getdents(struct href *fd, struct iobuf *ents, u32 count)
{
    return linux_read_entries(fd, ents, count, true);
}
i64 linux_signalfd(i32 fd, const u64 *mask, usize size)
{
    return linux_signalfd4(fd, mask, size, 0);
}

i64 linux_pipe(i32 *fds)
{
    return linux_pipe2(fds, 0);
}
void linux_pipe_undo(i32 *fds)
{
    linux_pipe2_undo(fds, 0);
}
i64 linux_dup2(i32 old, i32 new)
{
    if (old != new)
        return linux_dup3(old, new, 0);
    i64 r = linux_fcntl_F_GETFD(old); // is it open at all?
    return r < 0 ? r : new;
}
i64 linux_eventfd(u32 count)
{
    return linux_eventfd2(count, 0);
}

i64 linux_poll(struct linux_pollfd *fds, u32 nfds, i32 timeout)
{
    struct linux_timespec t = {timeout / 1000, timeout % 1000 * 1'000'000l};
    return linux_ppoll(fds, nfds, timeout < 0 ? NULL : &t, NULL, 0);
}
i64 linux_select(i32 n, u64 *readfds, u64 *writefds, u64 *exceptfds, struct linux_timeval *timeout)
{
    struct linux_timespec t;
    if (timeout)
        t = (struct linux_timespec){timeout->tv_sec + timeout->tv_usec / 1'000'000,
                                    timeout->tv_usec % 1'000'000 * 1000};
    i64 r = linux_pselect6(n, readfds, writefds, exceptfds, timeout ? &t : NULL, NULL);
    if (timeout)
        *timeout = (struct linux_timeval){t.tv_sec, t.tv_nsec / 1000};
    return r;
}
i64 linux_epoll_create(i32 size)
{
    (void)size;
    return linux_epoll_create1(0);
}
i64 linux_epoll_wait(struct href *epfd, struct iobuf *events, i32 maxevents, i32 timeout)
{
    return linux_epoll_pwait(epfd, events, maxevents, timeout, NULL, 0);
}

i64 linux_fork(struct trapframe *tf)
{
    return linux_clone(SIG_CHLD, uaddr(0), uaddr(0), 0, uaddr(0), tf);
}
i64 linux_vfork(struct trapframe *tf)
{
    return linux_clone(LINUX_CLONE_VFORK | LINUX_CLONE_VM | SIG_CHLD, uaddr(0), uaddr(0), 0,
                       uaddr(0), tf);
}
i64 linux_getpgrp(void)
{
    return linux_getpgid(0);
}
i64 linux_pause(void)
{
    u64 mask = atomic_load(&current_linux()->blocked);
    return linux_rt_sigsuspend(&mask, sizeof(mask));
}
i64 linux_alarm(u32 seconds)
{
    struct linux_itimerval set = {.it_value.tv_sec = seconds}, old = {0};
    i64 r = linux_setitimer(LINUX_ITIMER_REAL, &set, &old);
    if (r < 0)
        return r;
    bool some = old.it_value.tv_sec || old.it_value.tv_usec; // rounded, but never down to "none"
    i64 left = old.it_value.tv_sec + (old.it_value.tv_usec >= 500'000);
    return some && !left ? 1 : left;
}
i64 linux_time(i64 *out)
{
    struct timestamp now;
    clock_realtime(&now);
    if (out)
        *out = now.sec;
    return now.sec;
}
