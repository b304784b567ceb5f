// Mounting.
#include "path.h"
#include <lib/string.h>
#include <task/task.h>

static u32 mount_flags_of(u64 f)
{
    u32 m = (u32)f & (MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC | MOUNT_NOSYMFOLLOW |
                      MOUNT_NOATIME | MOUNT_NODIRATIME | MOUNT_RELATIME | MOUNT_STRICTATIME);
    if (!(m & (MOUNT_NOATIME | MOUNT_STRICTATIME)))
        m |= MOUNT_RELATIME; // the default since 2.6.30
    return m;
}

static int change_propagation(const struct path *at, u64 flags)
{
    enum mount_propagation p = flags & LINUX_MS_SHARED    ? PROP_SHARED
                               : flags & LINUX_MS_PRIVATE ? PROP_PRIVATE
                               : flags & LINUX_MS_SLAVE   ? PROP_SLAVE
                                                          : PROP_UNBINDABLE;
    u64 kinds = flags & (LINUX_MS_SHARED | LINUX_MS_PRIVATE | LINUX_MS_SLAVE | LINUX_MS_UNBINDABLE);
    if (kinds & (kinds - 1) || flags & ~(kinds | LINUX_MS_REC | LINUX_MS_SILENT))
        return -E_INVAL;
    return vfs_mount_propagation(at, p, flags & LINUX_MS_REC);
}

i64 linux_mount(const struct sys_name *source, const struct sys_name *target,
                const struct sys_name *fstype, u64 flags, const struct sys_name *data)
{
    struct path at;
    if ((flags & LINUX_MS_MGC_MSK) == LINUX_MS_MGC_VAL)
        flags &= ~(u64)LINUX_MS_MGC_MSK;
    int err = place_at(LINUX_AT_FDCWD, target, LOOKUP_FOLLOW, &at);
    if (err)
        return err;
    const char *options = data ? data->str : NULL;
    if (!capable(CAP_SYS_ADMIN)) {
        err = -E_PERM;
    } else if ((flags & (LINUX_MS_REMOUNT | LINUX_MS_BIND)) == (LINUX_MS_REMOUNT | LINUX_MS_BIND)) {
        err = vfs_remount(&at, mount_flags_of(flags), true, NULL);
    } else if (flags & LINUX_MS_REMOUNT) {
        err = vfs_remount(&at, mount_flags_of(flags), false, options);
    } else if (flags & (LINUX_MS_BIND | LINUX_MS_MOVE)) {
        struct path from;
        err = source && source->len ? place_at(LINUX_AT_FDCWD, source, LOOKUP_FOLLOW, &from)
                                    : -E_INVAL;
        if (!err) {
            err = flags & LINUX_MS_BIND ? vfs_mount_bind(&from, &at, flags & LINUX_MS_REC)
                                        : vfs_mount_move(&from, &at);
            path_put(&from);
        }
    } else if (flags &
               (LINUX_MS_SHARED | LINUX_MS_PRIVATE | LINUX_MS_SLAVE | LINUX_MS_UNBINDABLE)) {
        err = change_propagation(&at, flags);
    } else if (!fstype) {
        err = -E_INVAL;
    } else {
        struct mount_request r = {.source = source ? source->str : "none",
                                  .type = fstype->str,
                                  .data = options,
                                  .flags = mount_flags_of(flags)};
        err = vfs_mount_new(&at, &r);
    }
    path_put(&at);
    return err;
}

i64 linux_umount2(const struct sys_name *target, u32 flags)
{
    struct path at;
    int err =
        place_at(LINUX_AT_FDCWD, target, flags & LINUX_UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
    if (err)
        return err;
    err = vfs_umount(&at, (flags & LINUX_MNT_FORCE ? UMOUNT_FORCE : 0u) |
                              (flags & LINUX_MNT_DETACH ? UMOUNT_DETACH : 0u));
    path_put(&at);
    return err;
}

i64 linux_pivot_root(const struct sys_name *new_root, const struct sys_name *put_old)
{
    struct path a, b;
    int err = place_at(LINUX_AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &a);
    if (err)
        return err;
    err = place_at(LINUX_AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &b);
    if (!err) {
        err = vfs_pivot_root(&a, &b);
        path_put(&b);
    }
    path_put(&a);
    return err;
}
