// Pipes: the ends as objects, and the life of a pipe from the first end to the last.
//
// Owns struct pipe's memory. Counts of readers and writers are guarded by the pipe's lock.
#include "pipe.h"
#include <lib/printf.h>
#include <mem/slab.h>
#include <object/attr.h>

DEFINE_SLAB(pipe_cache, struct pipe);

struct pipe *pipe_alloc(void)
{
    struct pipe *p = slab_def_alloc(&pipe_cache, ALLOC_USER | ALLOC_ZERO);
    if (!p)
        return NULL;
    refcount_set(&p->refs, 1);
    mutex_init(&p->lock, &lock_class_pipe_sleep);
    waitqueue_init(&p->read_wait);
    waitqueue_init(&p->write_wait);
    p->slots = p->inline_slots;
    p->mask = PIPE_SLOTS - 1;
    p->id = object_unique_id();
    return p;
}

void pipe_free(struct pipe *p)
{
    for (u32 i = p->tail; i != p->head; i++)
        page_free(p->slots[i & p->mask].page);
    if (p->spare)
        page_free(p->spare);
    if (p->slots != p->inline_slots)
        kfree(p->slots);
    slab_def_free(&pipe_cache, p);
}

struct pipe_met pipe_end_open(struct pipe *p, u32 access)
{
    mutex_lock(&p->lock);
    struct pipe_met met = {p->readers, p->writers, p->reader_opens, p->writer_opens};
    if (access & PIPE_READ) {
        p->readers++;
        p->reader_opens++;
    }
    if (access & PIPE_WRITE) {
        p->writers++;
        p->writer_opens++;
    }
    mutex_unlock(&p->lock);
    wake_all(access & PIPE_READ ? &p->write_wait : &p->read_wait, 0);
    if (access == (PIPE_READ | PIPE_WRITE))
        wake_all(&p->read_wait, 0);
    return met;
}

void pipe_end_close(struct pipe *p, u32 access)
{
    mutex_lock(&p->lock);
    bool last_reader = access & PIPE_READ && --p->readers == 0;
    bool last_writer = access & PIPE_WRITE && --p->writers == 0;
    mutex_unlock(&p->lock);
    if (last_reader && waitqueue_active(&p->write_wait))
        wake_all(&p->write_wait, 0);
    if (last_writer && waitqueue_active(&p->read_wait))
        wake_all(&p->read_wait, 0);
}

int pipe_getattr(struct object *o, struct attr *a)
{
    attr_anon(a, MODE_FIFO | 0600, ((struct pipe_end *)o)->pipe->id, ANON_DEV_PIPE);
    return 0;
}

i64 pipe_describe(struct object *o, char *buf, usize cap)
{
    return MIN((i64)cap, (i64)ksnprintf(buf, cap, "pipe:[%llu]",
                                        (unsigned long long)((struct pipe_end *)o)->pipe->id));
}

static void end_free(struct object *o)
{
    struct pipe *p = ((struct pipe_end *)o)->pipe;
    if (refcount_dec_and_test(&p->refs))
        pipe_free(p);
}

static void end_release(struct object *o)
{
    struct pipe_end *e = (struct pipe_end *)o;
    pipe_end_close(e->pipe, e->access);
    object_free(o, end_free);
}

const struct object_type pipe_reader_type = {
    .name = "pipe",
    .kinds = OBJ_KIND_PIPE,
    .release = end_release,
    .read = pipe_read,
    .poll = pipe_poll,
    .getattr = pipe_getattr,
    .describe = pipe_describe,
};
const struct object_type pipe_writer_type = {
    .name = "pipe",
    .kinds = OBJ_KIND_PIPE,
    .release = end_release,
    .write = pipe_write,
    .poll = pipe_poll,
    .getattr = pipe_getattr,
    .describe = pipe_describe,
};

int pipe_create(struct object **reader, struct object **writer, u32 status)
{
    struct pipe *p = pipe_alloc();
    if (!p)
        return -E_NOMEM;
    refcount_set(&p->refs, 2);
    for (u32 i = 0; i < 2; i++) {
        struct pipe_end *e = &p->ends[i];
        object_init(&e->obj, i ? &pipe_writer_type : &pipe_reader_type, status);
        e->pipe = p;
        e->access = i ? PIPE_WRITE : PIPE_READ;
    }
    p->readers = p->writers = 1;
    p->reader_opens = p->writer_opens = 1;
    *reader = &p->ends[0].obj;
    *writer = &p->ends[1].obj;
    return 0;
}

bool object_is_pipe(const struct object *o)
{
    return o->type->kinds & OBJ_KIND_PIPE;
}

bool pipe_same(const struct object *a, const struct object *b)
{
    return object_is_pipe(a) && object_is_pipe(b) &&
           ((const struct pipe_end *)a)->pipe == ((const struct pipe_end *)b)->pipe;
}
