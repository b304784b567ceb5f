// Advisory locks: fcntl's byte ranges of a process or an open file, and flock. No state:
// fs/vfs/lock.c holds them. Facts: fcntl(2), flock(2), Linux 6.12 fs/locks.c. Objects that are no
// files of a file system hold no locks: ENOLCK.
#include "fd.h"
#include "path.h"
#include <vfs/lock.h>

enum : i64 { OFFSET_MAX = INT64_MAX };

// The range *l means. -E_INVAL, -E_OVERFLOW.
static int range_of(struct href *fd, const struct linux_flock *l, struct range_lock *out)
{
    i64 start = 0, end = OFFSET_MAX;
    if (l->l_whence == LINUX_SEEK_CUR) {
        start = object_seek(fd->object, 0, OBJ_SEEK_CUR);
        if (start < 0)
            start = 0; // what has no position is at its start
    } else if (l->l_whence == LINUX_SEEK_END) {
        struct file *f = object_file(fd->object);
        start = f ? (i64)node_size(f->node) : 0;
    } else if (l->l_whence != LINUX_SEEK_SET) {
        return -E_INVAL;
    }
    if (l->l_start > OFFSET_MAX - start)
        return -E_OVERFLOW;
    start += l->l_start;
    if (start < 0)
        return -E_INVAL;
    if (l->l_len > 0) {
        if (l->l_len - 1 > OFFSET_MAX - start)
            return -E_OVERFLOW;
        end = start + l->l_len - 1;
    } else if (l->l_len < 0) { // the bytes before start
        if (start + l->l_len < 0)
            return -E_INVAL;
        end = start - 1;
        start += l->l_len;
    }
    if (l->l_type != LINUX_F_RDLCK && l->l_type != LINUX_F_WRLCK && l->l_type != LINUX_F_UNLCK)
        return -E_INVAL;
    static_assert(LINUX_F_RDLCK == (int)LOCK_KIND_READ && LINUX_F_WRLCK == (int)LOCK_KIND_WRITE &&
                  LINUX_F_UNLCK == (int)LOCK_KIND_NONE);
    *out = (struct range_lock){
        .kind = (enum lock_kind)l->l_type, .start = (u64)start, .end = (u64)end};
    return 0;
}

static i64 query(struct href *fd, struct linux_flock *l, bool of_file)
{
    struct range_lock r;
    if (path_only(fd))
        return -E_BADF;
    if (!of_file && l->l_type != LINUX_F_RDLCK && l->l_type != LINUX_F_WRLCK)
        return -E_INVAL;
    int err = range_of(fd, l, &r);
    if (err)
        return err;
    struct file *f = object_file(fd->object);
    if (f)
        err = lock_query(f, &r, of_file);
    else
        r.kind = LOCK_KIND_NONE;
    if (err)
        return err;
    l->l_type = (i16)r.kind;
    if (r.kind == LOCK_KIND_NONE)
        return 0;
    l->l_whence = LINUX_SEEK_SET;
    l->l_start = (i64)r.start;
    l->l_len = r.end >= (u64)OFFSET_MAX ? 0 : (i64)(r.end - r.start + 1);
    l->l_pid = (i32)r.pid; // -1: of an open file
    return 0;
}

static i64 set(struct href *fd, const struct linux_flock *l, bool of_file, bool wait)
{
    struct range_lock r;
    if (path_only(fd))
        return -E_BADF;
    int err = range_of(fd, l, &r);
    if (err)
        return err;
    if ((r.kind == LOCK_KIND_READ && !(fd->rights & RIGHT_READ)) ||
        (r.kind == LOCK_KIND_WRITE && !(fd->rights & RIGHT_WRITE)))
        return -E_BADF;
    struct file *f = object_file(fd->object);
    if (!f)
        return r.kind == LOCK_KIND_NONE ? 0 : -E_NOLCK;
    return lock_range(f, &r, of_file, wait);
}

i64 linux_fcntl_F_GETLK(struct href *fd, struct linux_flock *lock)
{
    return query(fd, lock, false);
}
i64 linux_fcntl_F_OFD_GETLK(struct href *fd, struct linux_flock *lock)
{
    return query(fd, lock, true);
}
i64 linux_fcntl_F_SETLK(struct href *fd, const struct linux_flock *lock)
{
    return set(fd, lock, false, false);
}
i64 linux_fcntl_F_SETLKW(struct href *fd, const struct linux_flock *lock)
{
    return set(fd, lock, false, true);
}
i64 linux_fcntl_F_OFD_SETLK(struct href *fd, const struct linux_flock *lock)
{
    return set(fd, lock, true, false);
}
i64 linux_fcntl_F_OFD_SETLKW(struct href *fd, const struct linux_flock *lock)
{
    return set(fd, lock, true, true);
}

i64 linux_flock(struct href *fd, u32 op)
{
    if (op & LINUX_LOCK_MAND)
        return 0; // mandatory locks are gone from Linux, but the call still succeeds
    enum lock_kind kind;
    switch (op & ~(u32)LINUX_LOCK_NB) {
    case LINUX_LOCK_SH:
        kind = LOCK_KIND_READ;
        break;
    case LINUX_LOCK_EX:
        kind = LOCK_KIND_WRITE;
        break;
    case LINUX_LOCK_UN:
        kind = LOCK_KIND_NONE;
        break;
    default:
        return -E_INVAL;
    }
    if (path_only(fd) || (kind != LOCK_KIND_NONE && !(fd->rights & (RIGHT_READ | RIGHT_WRITE))))
        return -E_BADF;
    struct file *f = object_file(fd->object);
    if (!f)
        return kind == LOCK_KIND_NONE ? 0 : -E_NOLCK;
    return lock_flock(f, kind, !(op & LINUX_LOCK_NB));
}
