// Descriptors: opening, closing, copies, pipes, attributes.
#include "devices.h"
#include "xv6.h"
#include "xv6_consts.h"
#include "xv6_handlers.h"
#include <ipc/pipe.h>

static struct handle_table *table(void)
{
    return current_task()->handles;
}

static u32 handle_limit(void)
{
    return (u32)current_xv6()->machine->limits.handles;
}

int xv6_href(struct href *h, i32 fd, u32 rights)
{
    if (fd < 0 || (u32)fd >= handle_limit())
        return -E_BADF;
    return href_get(h, fd, rights);
}

// A directory opens with mode 0 exactly, whatever the bits mean otherwise; making a file over one
// fails.
static int open_file(struct pathname name, i32 mode, struct object **out, u32 *rights)
{
    struct path cwd = BASE_CWD;
    struct attr a;
    struct open_request r = {
        .access = (mode & XV6_O_WRONLY ? 0u : FILE_READ) |
                  (mode & (XV6_O_WRONLY | XV6_O_RDWR) ? FILE_WRITE : 0u),
        .create = mode & XV6_O_CREATE,
        .truncate = mode & XV6_O_TRUNC,
        .mode = 0777, // any file can be executed
    };
    int err = 0;
    bool there = vfs_stat(&cwd, name, LOOKUP_FOLLOW, &a) == 0;
    u32 type = there ? a.mode & MODE_FMT : MODE_REG;
    if (type == MODE_DIR && mode != 0)
        return -E_ISDIR;
    if (type != MODE_REG)
        r.truncate = false;
    while ((err = vfs_open(&cwd, name, &r, out, rights)) == -E_RESTART)
        if (xv6_interrupted())
            return -E_INTR;
    if (err == -E_NXIO && there && xv6_opens(a.rdev)) { // no driver: it can be opened and looked at
        struct open_request place = {.path_only = true};
        err = vfs_open(&cwd, name, &place, out, rights);
    }
    return err;
}

i64 xv6_open(const struct sys_name *path, i32 mode)
{
    struct xv6_machine *m = current_xv6()->machine;
    struct xv6_path p;
    if (!path->len && mode & XV6_O_CREATE)
        return -E_NOENT;
    i32 fd = handle_reserve(table(), 0, handle_limit());
    if (fd < 0)
        return fd;
    int err = xv6_charge_files(m, 1);
    if (err) {
        handle_unreserve(table(), fd);
        return err;
    }
    struct object *o = NULL;
    u32 rights = 0;
    err = xv6_path_get(&p, path);
    if (!err) {
        err = open_file(p.name, mode, &o, &rights);
        xv6_path_done(&p);
    }
    if (err) {
        xv6_uncharge_files(m, 1);
        handle_unreserve(table(), fd);
        return err;
    }
    xv6_take_console(o);
    handle_publish(table(), fd, o, rights, 0);
    return fd;
}

i64 xv6_close(i32 fd)
{
    if (fd < 0 || (u32)fd >= handle_limit())
        return -E_BADF;
    return handle_close(table(), fd) == -E_BADF
               ? -E_BADF
               : 0; // an error of the object's own is not the descriptor's
}

i64 xv6_dup(i32 fd)
{
    struct href h;
    int err = xv6_href(&h, fd, RIGHT_DUPLICATE);
    if (err)
        return err;
    object_get(h.object);
    i32 copy = handle_install(table(), h.object, h.rights, 0, 0, handle_limit());
    if (copy < 0)
        object_put(h.object);
    href_put(&h);
    return copy;
}

i64 xv6_pipe(i32 *fds)
{
    struct xv6_machine *m = current_xv6()->machine;
    struct object *ends[2];
    int err = xv6_charge_files(m, 2);
    if (err)
        return err;
    err = pipe_create(&ends[0], &ends[1], 0);
    if (err) {
        xv6_uncharge_files(m, 2);
        return err;
    }
    const u32 rights = RIGHTS_ALL & ~(u32)(RIGHT_READ | RIGHT_WRITE | RIGHT_ADMIN);
    err = handle_install_pair(table(), ends[0], rights | RIGHT_READ, ends[1], rights | RIGHT_WRITE,
                              0, handle_limit(), fds);
    if (err)
        xv6_uncharge_files(m, 2);
    return err;
}

void xv6_pipe_undo(i32 *fds)
{
    handle_close_pair(table(), fds);
    xv6_uncharge_files(current_xv6()->machine, 2);
}

static i16 type_of(u32 mode)
{
    switch (mode & MODE_FMT) {
    case MODE_DIR:
        return XV6_T_DIR;
    case MODE_CHR:
    case MODE_BLK:
        return XV6_T_DEVICE;
    default:
        return XV6_T_FILE;
    }
}

i64 xv6_fstat(i32 fd, struct xv6_stat *st)
{
    struct href h;
    struct attr a = {0};
    int err = xv6_href(&h, fd, RIGHT_METADATA);
    if (err)
        return err;
    const struct path *p = object_path(h.object);
    bool named = p || h.object->type->kinds &
                          (OBJ_KIND_TTY | OBJ_KIND_DEVICE | OBJ_KIND_FILE | OBJ_KIND_DIR);
    err = named && !object_is_pipe(h.object) ? object_getattr(h.object, &a) : -E_BADF;
    if (!err) {
        st->dev = (i32)((a.dev >> 32) << 20 | (a.dev & 0xfffff));
        st->ino = xv6_inum(current_xv6()->machine, a.dev, a.ino);
        st->type = type_of(a.mode);
        u32 links =
            st->type == XV6_T_DIR && a.nlink > 1 ? a.nlink - 1 : a.nlink; // "." does not count
        st->nlink = (i16)MIN(links, (u32)INT16_MAX);
        st->size = st->type == XV6_T_DIR && p ? xv6_dir_size(p)
                   : st->type == XV6_T_DEVICE ? 0
                                              : a.size;
    }
    href_put(&h);
    return err;
}
