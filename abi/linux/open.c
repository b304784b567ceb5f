// Opening files and reading directories.
#include "linux.h"
#include "path.h"
#include <lib/string.h>
#include <task/task.h>

static void translate(u32 flags, u32 mode, struct open_request *r)
{
    u32 acc = flags & LINUX_O_ACCMODE;
    *r = (struct open_request){
        .access = acc == LINUX_O_RDONLY   ? FILE_READ
                  : acc == LINUX_O_WRONLY ? FILE_WRITE
                  : acc == LINUX_O_RDWR   ? FILE_READ | FILE_WRITE
                                          : 0u,
        .create = flags & LINUX_O_CREAT,
        .exclusive = flags & LINUX_O_EXCL,
        .truncate = flags & LINUX_O_TRUNC,
        .append = flags & LINUX_O_APPEND,
        .directory = flags & LINUX_O_DIRECTORY,
        .path_only = flags & LINUX_O_PATH,
        .tmpfile = (flags & LINUX_O_TMPFILE) == LINUX_O_TMPFILE,
        .nonblock = flags & LINUX_O_NONBLOCK,
        .nofollow = flags & LINUX_O_NOFOLLOW,
        .noatime = flags & LINUX_O_NOATIME,
        .noctty = flags & LINUX_O_NOCTTY,
        .sync = (flags & LINUX_O_SYNC) == LINUX_O_SYNC,
        .dsync = flags & LINUX_O_DSYNC,
        .mode = mode & 07777,
    };
    if (r->path_only) { // only these count with O_PATH
        r->create = r->exclusive = r->truncate = r->append = r->tmpfile = false;
        r->access = 0;
    }
    if (r->tmpfile)
        r->directory = r->create = false;
}

static i64 open_at(i32 dir, const struct sys_name *path, u32 flags, u32 mode, u32 resolve)
{
    struct task *t = current_task();
    struct open_request r;
    translate(flags, mode, &r);
    if ((flags & LINUX_O_TMPFILE) == LINUX_O_TMPFILE && !(r.access & FILE_WRITE))
        return -E_INVAL;
    r.lookup = resolve;
    i32 fd = handle_reserve(t->handles, 0, (u32)MIN(t->limits[LIMIT_NOFILE].soft, 1ul << 30));
    if (fd < 0)
        return fd;
    struct path base;
    struct object *o;
    u32 rights, beneath, had;
    bool changes = r.create || r.tmpfile || r.truncate || r.access & FILE_WRITE;
    int err =
        base_narrow_from_fd(dir, pathname_of(path), RIGHT_ENUMERATE | (changes ? RIGHT_CREATE : 0u),
                            &base, &beneath, &had);
    if (!err) {
        r.lookup |= beneath;
        err = vfs_open(&base, pathname_of(path), &r, &o, &rights);
        path_put(&base);
    }
    if (err) {
        handle_unreserve(t->handles, fd);
        return err;
    }
    handle_publish(t->handles, fd, o, rights_through(rights, had),
                   flags & LINUX_O_CLOEXEC ? HANDLE_CLOEXEC : 0);
    return fd;
}

i64 linux_openat(i32 dir, const struct sys_name *path, u32 flags, u32 mode)
{
    return open_at(dir, path, flags, mode, 0);
}

i64 linux_openat2(i32 dir, const struct sys_name *path, const struct linux_open_how *how,
                  usize size)
{
    (void)size;
    u64 f = how->resolve;
    u32 resolve = (f & LINUX_RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0u) |
                  (f & LINUX_RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0u) |
                  (f & LINUX_RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS : 0u) |
                  (f & LINUX_RESOLVE_BENEATH ? LOOKUP_BENEATH : 0u) |
                  (f & LINUX_RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0u);
    return open_at(dir, path, (u32)how->flags, (u32)how->mode, resolve);
}

// --- directories ---
struct dents {
    struct dir_sink sink;
    struct iobuf *out;
    u64 room;
    i64 written;
    int err;
    bool old; // entries as getdents has them: without room for the type before the name
};

static bool emit_dirent(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type,
                        u64 cookie)
{
    struct dents *d = container_of(s, struct dents, sink);
    enum { HEAD_MAX = 19 };
    alignas(8) u8 rec[HEAD_MAX + NAME_MAX_LEN + 1 + 8];
    usize head = d->old ? 18 : 19, size = ALIGN_UP(head + len + 1 + d->old, 8ul);
    if (size > d->room) {
        if (d->written == 0)
            d->err = -E_INVAL;
        return false;
    }
    memcpy(rec, &ino, 8);
    memcpy(rec + 8, &cookie, 8);
    u16 reclen = (u16)size;
    memcpy(rec + 16, &reclen, 2);
    memcpy(rec + head, name, len);
    memset(rec + head + len, 0, size - head - len);
    rec[d->old ? size - 1 : 18] = (u8)type;
    if (iobuf_put(d->out, rec, size) != size) {
        d->err = -E_FAULT;
        return false;
    }
    d->room -= size;
    d->written += (i64)size;
    return true;
}

i64 linux_read_entries(struct href *fd, struct iobuf *ents, u32 count, bool old)
{
    struct dents d = {.sink.emit = emit_dirent, .out = ents, .room = count, .old = old};
    if (!fd->object->type->readdir)
        return -E_NOTDIR;
    int err = fd->object->type->readdir(fd->object, &d.sink);
    if (d.written)
        return d.written;
    return err ? err : d.err;
}

i64 linux_getdents64(struct href *fd, struct iobuf *ents, u32 count)
{
    return linux_read_entries(fd, ents, count, false);
}
