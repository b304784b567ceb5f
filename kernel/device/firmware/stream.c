// Standard input, output and error of the first program, and what else it was given, where they are
// channels of whoever started the machine (arch/stream.h).
//
// Owns one wait queue for all channels. No lock: the channels have none of our state. Relies on an
// interrupt after arch_stream_ready has said "not yet".
#include "firmware.h"
#include <arch/hostfile.h>
#include <arch/stream.h>
#include <device/stream.h>
#include <kerr.h>
#include <lib/printf.h>
#include <mem/slab.h>
#include <object/attr.h>
#include <object/handle.h>

struct stream {
    struct object obj; // first
    u32 n;
};
enum : u64 { CHUNK = 16384 };

static struct waitqueue ready_wait = WAITQUEUE_INIT(ready_wait);

static u32 number(const struct object *o)
{
    return ((const struct stream *)o)->n;
}

void stream_irq(u32 irq, void *arg)
{
    (void)irq, (void)arg;
    wake_all(&ready_wait, 0);
}

// 0 when it is worth trying again, -E_AGAIN, -E_RESTART.
static int wait_ready(struct object *o, u32 wanted)
{
    if (object_nonblock(o))
        return -E_AGAIN;
    return wait_event_interruptible(&ready_wait, arch_stream_ready(number(o), wanted) != 0);
}

static i64 stream_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    usize cap = MIN(iobuf_left(buf), CHUNK);
    u8 *chunk = cap ? kmalloc(cap, ALLOC_USER) : NULL;
    i64 done = 0, r = cap && !chunk ? -E_NOMEM : 0;
    while (chunk && iobuf_left(buf)) {
        usize want = MIN(iobuf_left(buf), cap);
        r = arch_stream_read(number(o), chunk, want, pos);
        if (r == -E_AGAIN && !done) {
            r = wait_ready(o, STREAM_POLL_IN);
            if (!r)
                continue;
        }
        if (r <= 0)
            break;
        usize put = iobuf_put(buf, chunk, (usize)r);
        done += (i64)put;
        if (pos)
            *pos += put;
        if (put < (usize)r) {
            r = -E_FAULT;
            break;
        }
        if (put < want)
            break;
    }
    kfree(chunk);
    return done ? done : r;
}

// All of it, unless a signal, an error or O_NONBLOCK ends it.
static i64 stream_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    usize cap = MIN(iobuf_left(buf), CHUNK);
    u8 *chunk = cap ? kmalloc(cap, ALLOC_USER) : NULL;
    i64 done = 0, r = cap && !chunk ? -E_NOMEM : 0;
    while (chunk && iobuf_left(buf) && r >= 0) {
        usize have = iobuf_take(buf, chunk, MIN(iobuf_left(buf), cap));
        if (!have)
            r = -E_FAULT;
        for (usize at = 0; at < have && r >= 0;) {
            r = arch_stream_write(number(o), chunk + at, have - at, pos);
            if (r == -E_AGAIN) {
                r = wait_ready(o, STREAM_POLL_OUT);
                continue;
            }
            if (r <= 0)
                break;
            at += (usize)r;
            done += r;
            if (pos)
                *pos += (u64)r;
        }
        if (!r && have) // takes nothing and says no error
            break;
    }
    kfree(chunk);
    return done ? done : r;
}

static u32 stream_poll(struct object *o, struct poll_table *pt)
{
    static_assert((u32)STREAM_POLL_IN == POLL_IN && (u32)STREAM_POLL_OUT == POLL_OUT &&
                  (u32)STREAM_POLL_ERR == POLL_ERR && (u32)STREAM_POLL_HUP == POLL_HUP);
    poll_wait(pt, &ready_wait);
    u32 access, wanted = 0;
    (void)arch_stream_kind(number(o), &access);
    if (access & STREAM_READ)
        wanted |= STREAM_POLL_IN;
    if (access & STREAM_WRITE)
        wanted |= STREAM_POLL_OUT;
    u32 mask = arch_stream_ready(number(o), wanted);
    return mask | (mask & POLL_IN ? POLL_RDNORM : 0u) | (mask & POLL_OUT ? POLL_WRNORM : 0u);
}

static i64 stream_seek(struct object *o, i64 off, u32 whence)
{
    return arch_stream_seek(number(o), off, whence);
}

static int stream_truncate(struct object *o, u64 size)
{
    return (int)arch_stream_truncate(number(o), size);
}

static int stream_sync(struct object *o, bool data_only)
{
    (void)data_only;
    return (int)arch_stream_sync(number(o));
}

static struct timestamp stamp(i64 ns)
{
    return (struct timestamp){ns / (i64)NS_PER_SEC, (u32)(ns % (i64)NS_PER_SEC)};
}

static int stream_getattr(struct object *o, struct attr *a)
{
    struct host_attr h;
    i64 err = arch_stream_attr(number(o), &h);
    if (err)
        return (int)err;
    attr_anon(a, h.mode, h.ino, (u32)h.dev);
    a->dev = h.dev;
    a->rdev = h.rdev;
    a->nlink = h.nlink;
    a->uid = h.uid;
    a->gid = h.gid;
    a->size = h.size;
    a->blocks = h.blocks;
    a->atime = stamp(h.atime);
    a->mtime = stamp(h.mtime);
    a->ctime = stamp(h.ctime);
    return 0;
}

static i64 stream_describe(struct object *o, char *buf, usize cap)
{
    struct attr a;
    int err = stream_getattr(o, &a);
    if (err)
        return err;
    return MIN((i64)cap, (i64)ksnprintf(buf, cap, "%s:[%llu]",
                                        (a.mode & MODE_FMT) == MODE_FIFO   ? "pipe"
                                        : (a.mode & MODE_FMT) == MODE_SOCK ? "socket"
                                                                           : "stream",
                                        (unsigned long long)a.ino));
}

static void stream_free(struct object *o)
{
    kfree(o);
}

static void stream_release(struct object *o)
{
    object_free(o, stream_free);
}

static const struct object_type stream_type = {.name = "stream",
                                               .kinds = OBJ_KIND_STREAM,
                                               .release = stream_release,
                                               .read = stream_read,
                                               .write = stream_write,
                                               .poll = stream_poll,
                                               .sync = stream_sync,
                                               .getattr = stream_getattr,
                                               .describe = stream_describe};
static const struct object_type seekable_type = {.name = "stream",
                                                 .kinds = OBJ_KIND_STREAM | OBJ_KIND_FILE,
                                                 .seekable = true,
                                                 .release = stream_release,
                                                 .read = stream_read,
                                                 .write = stream_write,
                                                 .seek = stream_seek,
                                                 .truncate = stream_truncate,
                                                 .poll = stream_poll,
                                                 .sync = stream_sync,
                                                 .getattr = stream_getattr,
                                                 .describe = stream_describe};

int stream_open(u32 n, struct object **out, u32 *rights)
{
    u32 access = 0;
    *out = NULL;
    *rights = 0;
    if (arch_stream_kind(n, &access) != STREAM_BYTES)
        return -E_NODEV;
    struct stream *s = kzalloc(sizeof(*s), 0);
    if (!s)
        return -E_NOMEM;
    object_init(&s->obj, access & STREAM_SEEK ? &seekable_type : &stream_type,
                access & STREAM_APPEND ? OBJ_APPEND : 0);
    s->n = n;
    *rights = RIGHTS_ALL & ~(access & STREAM_READ ? 0u : RIGHT_READ) &
              ~(access & STREAM_WRITE ? 0u : RIGHT_WRITE);
    *out = &s->obj;
    return 0;
}
