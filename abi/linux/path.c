// Calls on names: making, removing, moving, attributes.
#include "path.h"
#include "fd.h"
#include "socket.h"
#include <lib/string.h>
#include <mem/slab.h>

int place_at(i32 dir, const struct sys_name *name, u32 lookup, struct path *out)
{
    struct path base;
    struct pathname n = pathname_of(name);
    int err = base_from_fd(dir, n, &base);
    if (err)
        return err;
    err = path_lookup(&base, n, lookup, out);
    path_put(&base);
    return err;
}

int place_of_fd(i32 fd, u32 rights, struct path *out)
{
    struct href h;
    int err = href_get(&h, fd, 0);
    if (err)
        return err;
    const struct path *p = place_of(&h);
    err = p ? fd_needs(&h, rights) : -E_BADF;
    if (!err) {
        *out = *p;
        path_get(out);
    }
    href_put(&h);
    return err;
}

i64 linux_mkdirat(i32 dir, const struct sys_name *path, u32 mode)
{
    struct path base;
    int err = base_from_fd(dir, pathname_of(path), &base);
    if (!err) {
        err = vfs_mkdir(&base, pathname_of(path), mode);
        path_put(&base);
    }
    return err;
}

i64 linux_mknodat(i32 dir, const struct sys_name *path, u32 mode, u32 dev)
{
    struct path base;
    // The user's device number: minor bits 0..7 and 20..31, major bits 8..19 (new_encode_dev).
    u64 rdev = dev_make(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
    if ((mode & MODE_FMT) == 0)
        mode |= MODE_REG;
    if ((mode & MODE_FMT) == MODE_DIR)
        return -E_PERM;
    int err = base_from_fd(dir, pathname_of(path), &base);
    if (!err) {
        err = vfs_mknod(&base, pathname_of(path), mode, rdev);
        path_put(&base);
    }
    return err;
}

i64 linux_unlinkat(i32 dir, const struct sys_name *path, u32 flags)
{
    struct path base;
    int err = base_from_fd(dir, pathname_of(path), &base);
    if (!err) {
        err = flags & LINUX_AT_REMOVEDIR ? vfs_rmdir(&base, pathname_of(path))
                                         : vfs_unlink(&base, pathname_of(path));
        path_put(&base);
    }
    return err;
}

i64 linux_symlinkat(const struct sys_name *target, i32 dir, const struct sys_name *path)
{
    struct path base;
    if (target->len == 0)
        return -E_NOENT;
    int err = base_from_fd(dir, pathname_of(path), &base);
    if (!err) {
        err = vfs_symlink(pathname_of(target), &base, pathname_of(path));
        path_put(&base);
    }
    return err;
}

// Two bases at once.
static int two_bases(i32 d1, const struct sys_name *n1, i32 d2, const struct sys_name *n2,
                     struct path *b1, struct path *b2)
{
    int err = base_from_fd(d1, pathname_of(n1), b1);
    if (err)
        return err;
    err = base_from_fd(d2, pathname_of(n2), b2);
    if (err)
        path_put(b1);
    return err;
}

i64 linux_linkat(i32 olddir, const struct sys_name *oldpath, i32 newdir,
                 const struct sys_name *newpath, u32 flags)
{
    struct path b1, b2;
    int err = two_bases(olddir, oldpath, newdir, newpath, &b1, &b2);
    if (err)
        return err;
    err = vfs_link(&b1, pathname_of(oldpath), &b2, pathname_of(newpath), lookup_of(flags, false));
    path_put(&b1);
    path_put(&b2);
    return err;
}

i64 linux_renameat2(i32 olddir, const struct sys_name *oldpath, i32 newdir,
                    const struct sys_name *newpath, u32 flags)
{
    struct path b1, b2;
    int err = two_bases(olddir, oldpath, newdir, newpath, &b1, &b2);
    if (err)
        return err;
    u32 f = (flags & LINUX_RENAME_NOREPLACE ? RENAME_NOREPLACE : 0u) |
            (flags & LINUX_RENAME_EXCHANGE ? RENAME_EXCHANGE : 0u) |
            (flags & LINUX_RENAME_WHITEOUT ? RENAME_WHITEOUT : 0u);
    err = vfs_rename(&b1, pathname_of(oldpath), &b2, pathname_of(newpath), f);
    path_put(&b1);
    path_put(&b2);
    return err;
}

i64 linux_readlinkat(i32 dir, const struct sys_name *path, struct iobuf *buf, i32 size)
{
    enum { SHORT = 256 };
    char text[SHORT], *p = text;
    if (size <= 0)
        return -E_INVAL;
    usize cap = MIN((usize)size, (usize)PATH_MAX_LEN);
    struct path base;
    int err = base_from_fd(dir, pathname_of(path), &base);
    if (err == -E_NOTDIR && path->len == 0) // a pipe or a socket
        return -E_NOENT;
    if (err)
        return err;
    // The caller's buffer may be large; most links are short.
    i64 n;
    for (usize room = MIN(cap, (usize)SHORT);;) {
        n = vfs_readlink(&base, pathname_of(path), p, room);
        if (n < (i64)room || room == cap)
            break;
        p = kmalloc(cap, 0);
        if (!p) {
            path_put(&base);
            return -E_NOMEM;
        }
        room = cap;
    }
    path_put(&base);
    if (n > 0 && iobuf_put(buf, p, (usize)n) != (usize)n)
        n = -E_FAULT;
    if (p != text)
        kfree(p);
    return n;
}

// --- attributes ---
static i64 chmod_at(i32 dir, const struct sys_name *path, u32 mode, u32 flags)
{
    struct path p;
    int err = place_at(dir, path, lookup_of(flags, true), &p);
    if (err)
        return err;
    err = (path_node(&p)->mode & MODE_FMT) == MODE_LNK ? -E_OPNOTSUPP : vfs_chmod(&p, mode & 07777);
    path_put(&p);
    return err;
}

i64 linux_fchmodat(i32 dir, const struct sys_name *path, u32 mode)
{
    return chmod_at(dir, path, mode, 0);
}

i64 linux_fchmodat2(i32 dir, const struct sys_name *path, u32 mode, u32 flags)
{
    return chmod_at(dir, path, mode, flags);
}

i64 linux_fchmod(struct href *fd, u32 mode)
{
    const struct path *p = place_of(fd);
    int err = fd_needs(fd, RIGHTS_TO_CHANGE);
    if (!err && !p && object_is_local_socket(fd->object))
        return socket_chmod(fd->object, mode);
    return err ? err : p ? vfs_chmod(p, mode & 07777) : -E_INVAL;
}

i64 linux_fchownat(i32 dir, const struct sys_name *path, u32 uid, u32 gid, u32 flags)
{
    struct path p;
    int err = place_at(dir, path, lookup_of(flags, true), &p);
    if (!err) {
        err = vfs_chown(&p, uid, gid);
        path_put(&p);
    }
    return err;
}

i64 linux_fchown(struct href *fd, u32 uid, u32 gid)
{
    const struct path *p = place_of(fd);
    int err = fd_needs(fd, RIGHTS_TO_CHANGE);
    if (!err && !p && object_is_local_socket(fd->object))
        return socket_chown(fd->object, uid, gid);
    return err ? err : p ? vfs_chown(p, uid, gid) : -E_INVAL;
}

static int time_how(const struct linux_timespec *t, struct timestamp *out, int *how)
{
    if (t->tv_nsec == LINUX_UTIME_NOW || t->tv_nsec == LINUX_UTIME_OMIT) {
        *how = t->tv_nsec == LINUX_UTIME_NOW ? TIME_NOW : TIME_OMIT;
        return 0;
    }
    if (t->tv_nsec < 0 || t->tv_nsec >= (i64)NS_PER_SEC)
        return -E_INVAL;
    *how = 0;
    *out = (struct timestamp){t->tv_sec, (u32)t->tv_nsec};
    return 0;
}

i64 linux_utimensat(i32 dir, const struct sys_name *path, const struct linux_timespec *times,
                    u32 flags)
{
    struct set_times t;
    int err = 0;
    if (times) {
        err = time_how(&times[0], &t.atime, &t.atime_how);
        if (!err)
            err = time_how(&times[1], &t.mtime, &t.mtime_how);
        if (err)
            return err;
        if (t.atime_how == TIME_OMIT && t.mtime_how == TIME_OMIT)
            return 0;
    }
    struct path p;
    err = path ? place_at(dir, path, lookup_of(flags, true), &p)
               : place_of_fd(dir, RIGHTS_TO_CHANGE, &p);
    if (!err) {
        err = vfs_utimens(&p, times ? &t : NULL);
        path_put(&p);
    }
    return err;
}

static i64 access_at(i32 dir, const struct sys_name *path, u32 mode, u32 flags)
{
    if (mode & ~7u)
        return -E_INVAL;
    struct path base;
    int err = base_from_fd(dir, pathname_of(path), &base);
    if (err)
        return err;
    err = vfs_access(&base, pathname_of(path), mode, lookup_of(flags & ~LINUX_AT_EACCESS, true),
                     !(flags & LINUX_AT_EACCESS));
    path_put(&base);
    return err;
}

i64 linux_faccessat(i32 dir, const struct sys_name *path, u32 mode)
{
    return access_at(dir, path, mode, 0);
}

i64 linux_faccessat2(i32 dir, const struct sys_name *path, u32 mode, u32 flags)
{
    return access_at(dir, path, mode, flags);
}

i64 linux_truncate(const struct sys_name *path, i64 length)
{
    struct path base = BASE_CWD;
    return length < 0 ? -E_INVAL : vfs_truncate(&base, pathname_of(path), (u64)length);
}

i64 linux_ftruncate(struct href *fd, i64 length)
{
    if (length < 0)
        return -E_INVAL;
    return fd->object->type->truncate ? fd->object->type->truncate(fd->object, (u64)length)
                                      : -E_INVAL;
}

i64 linux_fallocate(struct href *fd, u32 mode, i64 offset, i64 len)
{
    struct file *f = object_file(fd->object);
    if (!f)
        return fd->object->type->kinds & OBJ_KIND_PIPE ? -E_SPIPE : -E_NODEV;
    if (offset > INT64_MAX - len)
        return -E_FBIG;
    u32 m = (mode & LINUX_FALLOC_FL_KEEP_SIZE ? FALLOC_KEEP_SIZE : 0u) |
            (mode & LINUX_FALLOC_FL_PUNCH_HOLE ? FALLOC_PUNCH_HOLE : 0u);
    return file_fallocate(f, m, (u64)offset, (u64)len);
}

// --- working directory and root ---
i64 linux_getcwd(struct iobuf *buf, usize size)
{
    usize cap = MIN(size, (usize)PATH_MAX_LEN);
    char shorter[256], *text = cap <= sizeof(shorter) ? shorter : NULL;
    i64 n;
    if (!text) { // nearly every directory name is short
        n = vfs_getcwd(shorter, sizeof(shorter));
        text = shorter;
        if (n == -E_RANGE) {
            text = kmalloc(cap, 0);
            if (!text)
                return -E_NOMEM;
            n = vfs_getcwd(text, cap);
        }
    } else {
        n = vfs_getcwd(text, cap);
    }
    if (n > 0 && iobuf_put(buf, text, (usize)n) != (usize)n)
        n = -E_FAULT;
    if (text != shorter)
        kfree(text);
    return n;
}

i64 linux_chdir(const struct sys_name *path)
{
    struct path base = BASE_CWD;
    return vfs_chdir(&base, pathname_of(path));
}

i64 linux_fchdir(i32 fd)
{
    struct path p;
    struct href h;
    int err = href_get(&h, fd, 0);
    if (err)
        return err;
    bool anywhere = place_of(&h);
    href_put(&h);
    if (!anywhere) // a pipe, a socket
        return -E_NOTDIR;
    err = place_of_fd(fd, RIGHT_REOPEN, &p); // below `.` nobody asks for the handle's rights
    if (err)
        return err;
    err = vfs_chdir_path(&p);
    path_put(&p);
    return err;
}

i64 linux_chroot(const struct sys_name *path)
{
    struct path base = BASE_CWD;
    return vfs_chroot(&base, pathname_of(path));
}
