// Extended attributes: twelve calls over four operations.
#include "fd.h"
#include "path.h"
#include <lib/string.h>
#include <mem/slab.h>

// Moves a result out of kernel memory. n: length or error; want 0: only the length was asked for.
// out NULL: the caller gave no address.
static i64 give(struct iobuf *out, void *buf, i64 n, usize want)
{
    if (n > 0 && want && (!out || iobuf_put(out, buf, (usize)n) != (usize)n))
        n = -E_FAULT;
    kfree(buf);
    return n;
}

static i64 get(const struct path *p, const struct sys_name *name, struct iobuf *value, usize size)
{
    if (!p)
        return -E_BADF;
    usize cap = MIN(size, (usize)XATTR_SIZE_MAX);
    void *buf = cap ? kmalloc(cap, 0) : NULL;
    if (cap && !buf)
        return -E_NOMEM;
    return give(value, buf, vfs_xattr_get(p, name->str, buf, cap), size);
}

static i64 list(const struct path *p, struct iobuf *out, usize size)
{
    if (!p)
        return -E_BADF;
    usize cap = MIN(size, (usize)XATTR_SIZE_MAX);
    void *buf = cap ? kmalloc(cap, 0) : NULL;
    if (cap && !buf)
        return -E_NOMEM;
    return give(out, buf, vfs_xattr_list(p, buf, cap), size);
}

static i64 set(const struct path *p, const struct sys_name *name, struct iobuf *value, usize size,
               u32 flags)
{
    if (!p)
        return -E_BADF;
    if (size > XATTR_SIZE_MAX)
        return -E_2BIG;
    void *buf = kmalloc(MAX(size, 1ul), 0);
    if (!buf)
        return -E_NOMEM;
    i64 err = -E_FAULT;
    if (!size || (value && iobuf_take(value, buf, size) == size))
        err = vfs_xattr_set(p, name->str, buf, size,
                            (flags & LINUX_XATTR_CREATE ? XATTR_CREATE : 0u) |
                                (flags & LINUX_XATTR_REPLACE ? XATTR_REPLACE : 0u));
    kfree(buf);
    return err;
}

// The handle is to an open file, not only to a place, and has the rights.
static int opened(const struct href *fd, u32 rights)
{
    int err = fd_needs(fd, rights);
    return err ? err : path_only(fd) ? -E_BADF : 0;
}

// Runs `call` on the place that path names.
#define AT_PLACE(path, lookup, call)                                                               \
    ({                                                                                             \
        struct path p;                                                                             \
        i64 r_ = place_at(LINUX_AT_FDCWD, path, lookup, &p);                                       \
        if (r_ == 0) {                                                                             \
            r_ = (call);                                                                           \
            path_put(&p);                                                                          \
        }                                                                                          \
        r_;                                                                                        \
    })

i64 linux_setxattr(const struct sys_name *path, const struct sys_name *name, struct iobuf *value,
                   usize size, u32 flags)
{
    return AT_PLACE(path, LOOKUP_FOLLOW, set(&p, name, value, size, flags));
}
i64 linux_lsetxattr(const struct sys_name *path, const struct sys_name *name, struct iobuf *value,
                    usize size, u32 flags)
{
    return AT_PLACE(path, 0, set(&p, name, value, size, flags));
}
i64 linux_fsetxattr(struct href *fd, const struct sys_name *name, struct iobuf *value, usize size,
                    u32 flags)
{
    int err = opened(fd, RIGHTS_TO_CHANGE);
    return err ? err : set(place_of(fd), name, value, size, flags);
}
i64 linux_getxattr(const struct sys_name *path, const struct sys_name *name, struct iobuf *value,
                   usize size)
{
    return AT_PLACE(path, LOOKUP_FOLLOW, get(&p, name, value, size));
}
i64 linux_lgetxattr(const struct sys_name *path, const struct sys_name *name, struct iobuf *value,
                    usize size)
{
    return AT_PLACE(path, 0, get(&p, name, value, size));
}
i64 linux_fgetxattr(struct href *fd, const struct sys_name *name, struct iobuf *value, usize size)
{
    int err = opened(fd, RIGHT_METADATA);
    return err ? err : get(place_of(fd), name, value, size);
}
i64 linux_listxattr(const struct sys_name *path, struct iobuf *out, usize size)
{
    return AT_PLACE(path, LOOKUP_FOLLOW, list(&p, out, size));
}
i64 linux_llistxattr(const struct sys_name *path, struct iobuf *out, usize size)
{
    return AT_PLACE(path, 0, list(&p, out, size));
}
i64 linux_flistxattr(struct href *fd, struct iobuf *out, usize size)
{
    int err = opened(fd, RIGHT_METADATA);
    return err ? err : list(place_of(fd), out, size);
}
i64 linux_removexattr(const struct sys_name *path, const struct sys_name *name)
{
    return AT_PLACE(path, LOOKUP_FOLLOW, vfs_xattr_remove(&p, name->str));
}
i64 linux_lremovexattr(const struct sys_name *path, const struct sys_name *name)
{
    return AT_PLACE(path, 0, vfs_xattr_remove(&p, name->str));
}
i64 linux_fremovexattr(struct href *fd, const struct sys_name *name)
{
    const struct path *p = place_of(fd);
    int err = opened(fd, RIGHTS_TO_CHANGE);
    return err ? err : p ? vfs_xattr_remove(p, name->str) : -E_BADF;
}
