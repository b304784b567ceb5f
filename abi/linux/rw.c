// Reading and writing.
#include "fd.h"
#include "linux.h"
#include "path.h"
#include "socket.h"

i64 linux_broken_pipe(void)
{
    struct sig_info info = {
        .signo = SIG_PIPE, .code = SI_USER, .pid = current_task()->pid, .uid = current_cred()->uid};
    (void)sig_send_thread(current_task_thread(), &info);
    return -E_PIPE;
}

// What is written to a pipe that nobody reads, or such a stream, also ends in SIGPIPE.
[[gnu::noinline]] static i64 write_failed(struct object *o, i64 r)
{
    return object_is_local_socket(o) ? socket_sent(o, r, 0) : linux_broken_pipe();
}

static i64 after_write(struct object *o, i64 r)
{
    return UNLIKELY(r == -E_PIPE) ? write_failed(o, r) : r;
}

static i64 do_read(struct href *fd, struct iobuf *buf, u64 *pos)
{
    const struct object_type *t = fd->object->type;
    return t->read ? t->read(fd->object, buf, pos) : t->kinds & OBJ_KIND_DIR ? -E_ISDIR : -E_INVAL;
}

// The receiver may want to know who wrote.
[[gnu::noinline]] static i64 write_socket(struct object *o, struct iobuf *buf)
{
    struct socket_send how = {.sender = socket_sender()};
    return socket_send_message(o, buf, 0, NULL, &how);
}

i64 linux_write_object(struct object *o, struct iobuf *buf, u64 *pos)
{
    const struct object_type *t = o->type;
    if (UNLIKELY(t->kinds & OBJ_KIND_SOCKET) && !pos)
        return write_socket(o, buf);
    return t->write ? after_write(o, t->write(o, buf, pos)) : -E_INVAL;
}

i64 linux_read(struct href *fd, struct iobuf *buf, usize count)
{
    (void)count;
    return do_read(fd, buf, NULL);
}
i64 linux_write(struct href *fd, struct iobuf *buf, usize count)
{
    (void)count;
    return linux_write_object(fd->object, buf, NULL);
}
i64 linux_readv(struct href *fd, struct iobuf *vec, usize count)
{
    (void)count;
    return do_read(fd, vec, NULL);
}
i64 linux_writev(struct href *fd, struct iobuf *vec, usize count)
{
    (void)count;
    return linux_write_object(fd->object, vec, NULL);
}

static int seekable(const struct href *fd, i64 pos)
{
    if (pos < 0)
        return -E_INVAL;
    return fd->object->type->seekable && fd->rights & RIGHT_SEEK ? 0 : -E_SPIPE;
}

i64 linux_pread64(struct href *fd, struct iobuf *buf, usize count, i64 pos)
{
    (void)count;
    u64 at = (u64)pos;
    int err = seekable(fd, pos);
    return err ? err : do_read(fd, buf, &at);
}
i64 linux_pwrite64(struct href *fd, struct iobuf *buf, usize count, i64 pos)
{
    (void)count;
    u64 at = (u64)pos;
    int err = seekable(fd, pos);
    return err ? err : linux_write_object(fd->object, buf, &at);
}
i64 linux_preadv(struct href *fd, struct iobuf *vec, usize count, i64 pos)
{
    return linux_pread64(fd, vec, count, pos);
}
i64 linux_pwritev(struct href *fd, struct iobuf *vec, usize count, i64 pos)
{
    return linux_pwrite64(fd, vec, count, pos);
}
i64 linux_preadv2(struct href *fd, struct iobuf *vec, usize count, i64 pos, u32 flags)
{
    (void)flags; // those that are let through only matter for writing
    return pos == -1 ? linux_readv(fd, vec, count) : linux_pread64(fd, vec, count, pos);
}
i64 linux_pwritev2(struct href *fd, struct iobuf *vec, usize count, i64 pos, u32 flags)
{
    i64 r;
    if (flags & LINUX_RWF_APPEND && object_file(fd->object)) {
        u64 at = fd->object->type->seekable
                     ? (u64)fd->object->type->seek(fd->object, 0, OBJ_SEEK_END)
                     : 0;
        r = linux_write_object(fd->object, vec, &at);
    } else {
        r = pos == -1 ? linux_writev(fd, vec, count) : linux_pwrite64(fd, vec, count, pos);
    }
    if (r > 0 && flags & (LINUX_RWF_DSYNC | LINUX_RWF_SYNC) && fd->object->type->sync) {
        int err = fd->object->type->sync(fd->object, !(flags & LINUX_RWF_SYNC));
        if (err)
            return err;
    }
    return r;
}

i64 linux_lseek(struct href *fd, i64 off, u32 whence)
{
    if (!fd->object->type->seek || !(fd->rights & RIGHT_SEEK))
        return -E_SPIPE;
    return fd->object->type->seek(fd->object, off, whence);
}

static i64 do_sync(struct href *fd, bool data_only)
{
    return fd->object->type->sync ? fd->object->type->sync(fd->object, data_only) : -E_INVAL;
}

i64 linux_fsync(struct href *fd)
{
    return do_sync(fd, false);
}
i64 linux_fdatasync(struct href *fd)
{
    return do_sync(fd, true);
}
i64 linux_sync(void)
{
    vfs_sync(true);
    return 0;
}
i64 linux_syncfs(struct href *fd)
{
    const struct path *p = place_of(fd);
    return p && !path_only(fd) ? vfs_sync_path(p) : -E_BADF;
}
i64 linux_sync_file_range(struct href *fd, i64 offset, i64 nbytes, u32 flags)
{
    (void)flags;
    if (path_only(fd))
        return -E_BADF;
    if (offset < 0 || nbytes < 0 || offset > INT64_MAX - nbytes)
        return -E_INVAL;
    struct file *f = object_file(fd->object);
    if (!f || !f->node->data)
        return -E_SPIPE;
    return object_sync(fd->object, true);
}

// What cannot be positioned is no source, since bytes that were read and not written would be lost;
// a terminal into a pipe is the exception that Linux makes.
static bool may_sendfile(const struct object *in, const struct object *out)
{
    u32 kinds = out->type->kinds;
    if (kinds & OBJ_KIND_PIPE)
        return in->type->seekable || in->type->kinds & OBJ_KIND_TTY;
    return in->type->seekable &&
           !(atomic_load_explicit(&out->status, memory_order_relaxed) & OBJ_APPEND);
}

i64 linux_sendfile(struct href *out, struct href *in, i64 *offset, usize count)
{
    if (offset && !in->object->type->seekable)
        return -E_SPIPE;
    if ((offset && *offset < 0) || !may_sendfile(in->object, out->object))
        return -E_INVAL;
    u64 pos = offset ? (u64)*offset : 0;
    i64 n = after_write(out->object,
                        file_splice(in->object, offset ? &pos : NULL, out->object, NULL, count));
    if (offset)
        *offset = (i64)pos;
    return n;
}

i64 linux_copy_file_range(struct href *in, i64 *in_off, struct href *out, i64 *out_off, usize len,
                          u32 flags)
{
    (void)flags;
    struct file *a = object_file(in->object), *b = object_file(out->object);
    if (!a || !b)
        return -E_INVAL;
    if ((in_off && *in_off < 0) || (out_off && *out_off < 0))
        return -E_INVAL;
    u64 ip = in_off ? (u64)*in_off : 0, op = out_off ? (u64)*out_off : 0;
    i64 n = file_copy_range(a, in_off ? &ip : NULL, b, out_off ? &op : NULL, len);
    if (in_off)
        *in_off = (i64)ip;
    if (out_off)
        *out_off = (i64)op;
    return n;
}
