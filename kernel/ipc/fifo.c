// FIFOs: pipes that hang at a node of a file system while somebody has them open.
//
// Guarded by fifo_lock: the node's slot, and the reference count of such a pipe, so that an opener
// never finds one that is on its way out.
#include "pipe.h"
#include <mem/slab.h>

static struct spinlock fifo_lock = SPINLOCK_INIT(&lock_class_pipe);

static void fifo_put(struct pipe *p)
{
    spin_lock(&fifo_lock);
    bool last = refcount_dec_and_test(&p->refs);
    if (last)
        *p->fifo_slot = NULL;
    spin_unlock(&fifo_lock);
    if (last)
        pipe_free(p);
}

static void fifo_end_free(struct object *o)
{
    kfree(o);
}

static void fifo_release(struct object *o)
{
    struct pipe_end *e = (struct pipe_end *)o;
    pipe_end_close(e->pipe, e->access);
    fifo_put(e->pipe);
    object_free(o, fifo_end_free);
}

static i64 fifo_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    return ((struct pipe_end *)o)->access & PIPE_READ ? pipe_read(o, buf, pos) : -E_BADF;
}

static i64 fifo_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    return ((struct pipe_end *)o)->access & PIPE_WRITE ? pipe_write(o, buf, pos) : -E_BADF;
}

const struct object_type fifo_type = {
    .name = "fifo",
    .kinds = OBJ_KIND_PIPE,
    .release = fifo_release,
    .read = fifo_read,
    .write = fifo_write,
    .poll = pipe_poll,
    .getattr = pipe_getattr,
    .describe = pipe_describe,
};

// The pipe at *slot, made if there is none, with a reference. NULL: no memory.
static struct pipe *fifo_pipe(void **slot)
{
    struct pipe *fresh = NULL;
    for (;;) {
        spin_lock(&fifo_lock);
        struct pipe *p = *slot;
        if (p) {
            refcount_inc(&p->refs);
        } else if (fresh) {
            p = fresh;
            fresh = NULL;
            p->fifo_slot = slot;
            *slot = p;
        }
        spin_unlock(&fifo_lock);
        if (p) {
            if (fresh)
                pipe_free(fresh);
            return p;
        }
        fresh = pipe_alloc();
        if (!fresh)
            return NULL;
    }
}

// Waits for the side that `access` lacks, unless it was there when our end was counted in or came
// since.
static int wait_other_side(struct pipe *p, u32 access, u32 status, const struct pipe_met *met)
{
    if (access == PIPE_READ && !met->writers && !(status & OBJ_NONBLOCK))
        return wait_event_interruptible(&p->read_wait, p->writer_opens != met->writer_opens);
    if (access == PIPE_WRITE && !met->readers)
        return wait_event_interruptible(&p->write_wait, p->reader_opens != met->reader_opens);
    return 0;
}

int fifo_open(void **slot, u32 access, u32 status, struct object **out)
{
    struct pipe_end *e = kzalloc(sizeof(*e), ALLOC_USER);
    if (!e)
        return -E_NOMEM;
    struct pipe *p = fifo_pipe(slot);
    if (!p) {
        kfree(e);
        return -E_NOMEM;
    }
    int err = access == PIPE_WRITE && status & OBJ_NONBLOCK && !p->readers ? -E_NXIO : 0;
    if (!err) {
        struct pipe_met met = pipe_end_open(p, access);
        // A reader that does not wait sees no hang-up until a first writer came and went.
        bool early = access == PIPE_READ && !met.writers && status & OBJ_NONBLOCK;
        e->seen_writers = early ? met.writer_opens : ~met.writer_opens;
        err = wait_other_side(p, access, status, &met);
        if (err)
            pipe_end_close(p, access);
    }
    if (err) {
        fifo_put(p);
        kfree(e);
        return err;
    }
    object_init(&e->obj, &fifo_type, status);
    e->pipe = p;
    e->access = access;
    *out = &e->obj;
    return 0;
}
