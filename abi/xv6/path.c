// Calls on names.
#include "devices.h"
#include "xv6.h"
#include "xv6_consts.h"
#include "xv6_handlers.h"

// Runs fn on the path that was given.
static i64 with_path(const struct sys_name *given, int (*fn)(struct pathname name))
{
    struct xv6_path p;
    int err = xv6_path_get(&p, given);
    if (!err) {
        err = fn(p.name);
        xv6_path_done(&p);
    }
    return err;
}

static int change_dir(struct pathname name)
{
    struct path cwd = BASE_CWD;
    return vfs_chdir(&cwd, name);
}

i64 xv6_chdir(const struct sys_name *path)
{
    return with_path(path, change_dir);
}

static int make_dir(struct pathname name)
{
    struct path cwd = BASE_CWD;
    return vfs_mkdir(&cwd, name, 0777);
}

i64 xv6_mkdir(const struct sys_name *path)
{
    return path->len ? with_path(path, make_dir) : -E_NOENT;
}

static int remove_name(struct pathname name)
{
    struct path cwd = BASE_CWD;
    struct attr a;
    int err = vfs_stat(&cwd, name, 0, &a);
    if (err)
        return err;
    return (a.mode & MODE_FMT) == MODE_DIR ? vfs_rmdir(&cwd, name) : vfs_unlink(&cwd, name);
}

i64 xv6_unlink(const struct sys_name *path)
{
    return path->len ? with_path(path, remove_name) : -E_NOENT;
}

i64 xv6_link(const struct sys_name *old, const struct sys_name *new)
{
    struct xv6_path from, to;
    struct path cwd = BASE_CWD;
    if (!new->len)
        return -E_NOENT;
    int err = xv6_path_get(&from, old);
    if (err)
        return err;
    err = xv6_path_get(&to, new);
    if (!err) {
        err = vfs_link(&cwd, from.name, &cwd, to.name, LOOKUP_FOLLOW);
        xv6_path_done(&to);
    }
    xv6_path_done(&from);
    return err;
}

i64 xv6_mknod(const struct sys_name *path, i16 major, i16 minor)
{
    struct xv6_path p;
    struct path cwd = BASE_CWD;
    if (!path->len)
        return -E_NOENT;
    int err = xv6_path_get(&p, path);
    if (!err) {
        err = vfs_mknod(&cwd, p.name, MODE_CHR | 0666, xv6_rdev(major, minor));
        xv6_path_done(&p);
    }
    return err;
}
