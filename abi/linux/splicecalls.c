// splice, tee, vmsplice: which end is what, positions, and who is told of a broken pipe. The bytes
// are moved by fs/vfs/splice.c and ipc/pipe_splice.h. Rules: their pages of the manual, Linux 6.12
// fs/splice.c. No state.
#include "fd.h"
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <ipc/pipe_splice.h>
#include <syscall/dispatch.h>
#include <vfs/file.h>

// A position that the caller gave, or the object's own.
struct place {
    uaddr_t at; // where the caller has it; 0: the object's own
    u64 pos;
};

static int place_get(struct place *p)
{
    return p->at.v ? sys_fetch(&p->pos, p->at, sizeof(p->pos)) : 0;
}
static u64 *place_pos(struct place *p)
{
    return p->at.v ? &p->pos : NULL;
}
static bool place_put(const struct place *p)
{
    return !p->at.v || !sys_store(p->at, &p->pos, sizeof(p->pos));
}

// May len bytes be moved from, or to, there?
static int place_check(struct place *p, struct object *o, usize len)
{
    i64 at = p->at.v ? (i64)p->pos : o->type->seekable ? object_seek(o, 0, OBJ_SEEK_CUR) : 0;
    if (p->at.v && !o->type->seekable)
        return -E_INVAL;
    if (len > INT64_MAX || (p->at.v && at < 0) || (at > 0 && len > (u64)(INT64_MAX - at)))
        return -E_INVAL;
    return 0;
}

static bool waits_not(const struct object *o, u32 flags)
{
    return object_nonblock(o) || flags & LINUX_SPLICE_F_NONBLOCK;
}

// The caller also learns by a signal that nobody reads a pipe.
static i64 piped(i64 r)
{
    return r == -E_PIPE ? linux_broken_pipe() : r;
}

static i64 pipe_pair(struct object *in, struct object *out, usize len, bool keep, u32 flags)
{
    if (!object_is_pipe(in) || !object_is_pipe(out) || pipe_same(in, out))
        return -E_INVAL;
    return piped(pipe_to_pipe(in, out, len, keep, waits_not(in, flags) || object_nonblock(out)));
}

static i64 from_pipe(struct object *in, struct object *out, struct place *to, usize len, u32 flags)
{
    if (atomic_load_explicit(&out->status, memory_order_relaxed) & OBJ_APPEND)
        return -E_INVAL;
    int err = place_check(to, out, len);
    if (err)
        return err;
    return file_splice_from_pipe(in, out, place_pos(to), len, waits_not(in, flags),
                                 linux_write_object);
}

static i64 to_pipe(struct object *in, struct place *from, struct object *out, usize len, u32 flags)
{
    int err = place_check(from, in, len);
    if (err)
        return err;
    return piped(file_splice_to_pipe(in, place_pos(from), out, len, waits_not(out, flags)));
}

static bool may(const struct href *in, const struct href *out)
{
    return in->rights & RIGHT_READ && out->rights & RIGHT_WRITE && !path_only(in) &&
           !path_only(out);
}

i64 linux_splice(struct href *in, uaddr_t off_in, struct href *out, uaddr_t off_out, usize len,
                 u32 flags)
{
    if (!len)
        return 0;
    struct place from = {off_in, 0}, to = {off_out, 0};
    if (path_only(in) || path_only(out))
        return -E_BADF;
    bool in_pipe = object_is_pipe(in->object), out_pipe = object_is_pipe(out->object);
    if ((in_pipe && off_in.v) || (out_pipe && off_out.v))
        return -E_SPIPE;
    if (place_get(&to) || place_get(&from))
        return -E_FAULT;
    if (!may(in, out))
        return -E_BADF;
    i64 r = in_pipe && out_pipe ? pipe_pair(in->object, out->object, len, false, flags)
            : in_pipe           ? from_pipe(in->object, out->object, &to, len, flags)
            : out_pipe          ? to_pipe(in->object, &from, out->object, len, flags)
                                : -E_INVAL;
    if (r >= 0 && (!place_put(&to) || !place_put(&from)))
        return -E_FAULT;
    return r;
}

i64 linux_tee(struct href *in, struct href *out, usize len, u32 flags)
{
    if (!len)
        return 0;
    return may(in, out) ? pipe_pair(in->object, out->object, len, true, flags) : -E_BADF;
}

// Which way is told by the end: one that can be written to is.
i64 linux_vmsplice(struct href *fd, struct iobuf *vec, usize count, u32 flags)
{
    (void)count;
    bool nonblock = flags & LINUX_SPLICE_F_NONBLOCK; // and whatever the end itself says
    if (path_only(fd) || !(fd->rights & (RIGHT_READ | RIGHT_WRITE)))
        return -E_BADF;
    if (!iobuf_left(vec))
        return 0;
    if (!object_is_pipe(fd->object))
        return -E_BADF;
    return fd->rights & RIGHT_WRITE ? piped(pipe_from_pages(fd->object, vec, nonblock))
                                    : pipe_to_pages(fd->object, vec, nonblock);
}
