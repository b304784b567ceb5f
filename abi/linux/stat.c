// Metadata: stat, statx, statfs.
#include "linux.h"
#include "path.h"
#include <lib/string.h>

static u64 dev_encode(u64 dev) // new_encode_dev: major and minor as the C library takes them apart
{
    u64 major = dev >> 32, minor = dev & 0xffffffff;
    return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
}

static void fill_stat(const struct attr *a, struct linux_stat *st)
{
    st->st_dev = dev_encode(a->dev);
    st->st_ino = a->ino;
    st->st_mode = a->mode;
    st->st_uid = a->uid;
    st->st_gid = a->gid;
    st->st_rdev = dev_encode(a->rdev);
    st->st_size = (i64)a->size;
    linux_stat_widths(st, a->nlink, a->blksize);
    st->st_blocks = (i64)a->blocks;
    st->st_atime = a->atime.sec;
    st->st_atime_nsec = a->atime.nsec;
    st->st_mtime = a->mtime.sec;
    st->st_mtime_nsec = a->mtime.nsec;
    st->st_ctime = a->ctime.sec;
    st->st_ctime_nsec = a->ctime.nsec;
}

i64 linux_fstat(i32 fd, struct linux_stat *st)
{
    struct href h;
    struct attr a = {0};
    int err = href_get(&h, fd, RIGHT_METADATA);
    if (err)
        return err;
    err = object_getattr(h.object, &a);
    href_put(&h);
    if (!err)
        fill_stat(&a, st);
    return err;
}

static int attr_at(i32 dir, const struct sys_name *path, u32 flags, struct attr *a)
{
    u32 f = (flags & LINUX_AT_SYMLINK_NOFOLLOW ? STAT_NOFOLLOW : 0u) |
            (flags & LINUX_AT_EMPTY_PATH ? STAT_EMPTY : 0u);
    return vfs_stat_at(dir, pathname_of(path), f, a);
}

i64 linux_newfstatat(i32 dir, const struct sys_name *path, struct linux_stat *st, u32 flags)
{
    struct attr a = {0};
    int err = attr_at(dir, path, flags, &a);
    if (!err)
        fill_stat(&a, st);
    return err;
}

static struct linux_statx_timestamp statx_time(const struct timestamp *t)
{
    return (struct linux_statx_timestamp){.tv_sec = t->sec, .tv_nsec = t->nsec};
}

i64 linux_statx(i32 dir, const struct sys_name *path, u32 flags, u32 mask, struct linux_statx *x)
{
    if ((flags & LINUX_AT_STATX_SYNC_TYPE) == LINUX_AT_STATX_SYNC_TYPE)
        return -E_INVAL;
    struct attr a = {0};
    int err = attr_at(dir, path, flags, &a);
    if (err)
        return err;
    x->stx_mask = LINUX_STATX_BASIC_STATS | LINUX_STATX_BTIME |
                  (mask & LINUX_STATX_MNT_ID ? LINUX_STATX_MNT_ID : 0);
    x->stx_blksize = a.blksize;
    x->stx_nlink = a.nlink;
    x->stx_uid = a.uid;
    x->stx_gid = a.gid;
    x->stx_mode = (u16)a.mode;
    x->stx_ino = a.ino;
    x->stx_size = a.size;
    x->stx_blocks = a.blocks;
    x->stx_atime = statx_time(&a.atime);
    x->stx_btime = statx_time(&a.btime);
    x->stx_ctime = statx_time(&a.ctime);
    x->stx_mtime = statx_time(&a.mtime);
    x->stx_rdev_major = (u32)(a.rdev >> 32);
    x->stx_rdev_minor = (u32)a.rdev;
    x->stx_dev_major = (u32)(a.dev >> 32);
    x->stx_dev_minor = (u32)a.dev;
    x->stx_mnt_id = a.mount_id;
    x->stx_attributes_mask = LINUX_STATX_ATTR_AUTOMOUNT | LINUX_STATX_ATTR_MOUNT_ROOT;
    return 0;
}

static int fill_statfs(const struct path *p, struct linux_statfs *out)
{
    struct statfs_info s = {0};
    int err = vfs_statfs(p, &s);
    if (err)
        return err;
    u32 m = mount_flags(p->mount);
    out->f_type = (i64)s.magic;
    out->f_bsize = out->f_frsize = (i64)s.block_size;
    out->f_blocks = s.blocks;
    out->f_bfree = s.blocks_free;
    out->f_bavail = s.blocks_avail;
    out->f_files = s.files;
    out->f_ffree = s.files_free;
    out->f_fsid.val[0] = (i32)s.fsid;
    out->f_fsid.val[1] = (i32)(s.fsid >> 32);
    out->f_namelen = s.name_max;
    out->f_flags = LINUX_ST_VALID |
                   (m & (MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC)) |
                   (m & MOUNT_NOATIME ? LINUX_ST_NOATIME : 0) |
                   (m & MOUNT_NODIRATIME ? LINUX_ST_NODIRATIME : 0) |
                   (m & MOUNT_RELATIME ? LINUX_ST_RELATIME : 0) |
                   (m & MOUNT_NOSYMFOLLOW ? LINUX_ST_NOSYMFOLLOW : 0);
    return 0;
}

i64 linux_statfs(const struct sys_name *path, struct linux_statfs *buf)
{
    struct path p;
    int err = place_at(LINUX_AT_FDCWD, path, LOOKUP_FOLLOW, &p);
    if (!err) {
        err = fill_statfs(&p, buf);
        path_put(&p);
    }
    return err;
}

i64 linux_fstatfs(i32 fd, struct linux_statfs *buf)
{
    struct path p;
    int err = place_of_fd(fd, RIGHT_METADATA, &p);
    if (!err) {
        err = fill_statfs(&p, buf);
        path_put(&p);
    }
    return err;
}
