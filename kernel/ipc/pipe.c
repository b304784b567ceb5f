// Pipes: moving bytes through a ring of pages.
//
// Owns the ring. Guarded by the pipe's sleeping lock, held across user copies, so that writes of up
// to PIPE_ATOMIC bytes stay whole: one free slot always takes such a write. Waiting happens without
// the lock, on the queue of one's own side; whoever changes the ring wakes the other side after
// letting go of the lock.
#include "pipe.h"
#include <lib/string.h>

// --- reading ---

// Moves what is there. Lock held. Returns bytes, or -E_FAULT when not one could be stored.
static i64 take_data(struct pipe *p, struct iobuf *buf)
{
    i64 got = 0;
    while (pipe_used(p) && iobuf_left(buf)) {
        struct pipe_slot *s = pipe_slot_at(p, pipe_tail(p));
        usize want = MIN((u64)s->len, iobuf_left(buf));
        usize n = iobuf_put(buf, s->page + s->off, want);
        got += (i64)n;
        s->off += (u16)n;
        s->len -= (u16)n;
        if (UNLIKELY(n < want))
            return got ? got : -E_FAULT;
        bool packet = s->packet;
        if (!s->len || packet)
            pipe_pop(p);
        if (packet)
            break;
    }
    return got;
}

i64 pipe_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct pipe *p = ((struct pipe_end *)o)->pipe;
    if (!iobuf_left(buf))
        return 0;
    for (;;) {
        mutex_lock(&p->lock);
        if (pipe_readable(p)) {
            bool was_full = pipe_full(p);
            i64 got = take_data(p, buf);
            bool room = was_full && !pipe_full(p);
            mutex_unlock(&p->lock);
            if (room)
                pipe_wake_writers(p);
            return got;
        }
        bool end = pipe_at_end(p);
        mutex_unlock(&p->lock);
        if (end)
            return 0;
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&p->read_wait, pipe_readable(p) || pipe_at_end(p));
        if (err)
            return err;
    }
}

// --- writing ---

// Appends to the page written last, if all of it fits there (as a small write may not be split).
static usize append(struct pipe *p, struct iobuf *buf)
{
    if (!pipe_used(p))
        return 0;
    struct pipe_slot *s = pipe_slot_at(p, pipe_head(p) - 1);
    u32 end = (u32)s->off + s->len;
    u64 n = iobuf_left(buf) % PIPE_PAGE; // the odd part goes first, the rest is whole pages
    if (s->packet || s->sealed || !n || end + n > PIPE_PAGE)
        return 0;
    usize done = iobuf_take(buf, s->page + end, n);
    s->len += (u16)done;
    return done;
}

// Fills a fresh slot. 0: nothing could be read from the user. Lock held, not full.
static i64 fill_slot(struct pipe *p, struct iobuf *buf, bool packet)
{
    u8 *page = pipe_page_new(p);
    if (!page)
        return -E_NOMEM;
    usize want = MIN(iobuf_left(buf), (u64)PIPE_PAGE);
    usize n = iobuf_take(buf, page, want);
    if (UNLIKELY(!n)) {
        pipe_page_done(p, page);
        return -E_FAULT;
    }
    pipe_push(p, (struct pipe_slot){.page = page, .len = (u16)n, .packet = packet});
    return n < want ? -E_FAULT : (i64)n;
}

// Moves what fits. Lock held. 0: all is in, or the ring is full; else an error after which to stop
// (bytes moved before it count).
static i64 put_data(struct pipe *p, struct iobuf *buf, bool packet)
{
    if (!packet) {
        u64 before = iobuf_left(buf) % PIPE_PAGE;
        usize n = append(p, buf);
        if (n && n < before)
            return -E_FAULT;
    }
    while (iobuf_left(buf) && !pipe_full(p)) {
        i64 n = fill_slot(p, buf, packet);
        if (n < 0)
            return n;
    }
    return 0;
}

i64 pipe_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct pipe *p = ((struct pipe_end *)o)->pipe;
    u64 total = iobuf_left(buf);
    if (!total)
        return 0;
    bool packet = atomic_load_explicit(&o->status, memory_order_relaxed) & OBJ_DIRECT;
    i64 err;
    for (;;) {
        mutex_lock(&p->lock);
        if (UNLIKELY(!p->readers)) {
            mutex_unlock(&p->lock);
            err = -E_PIPE;
            break;
        }
        u64 before = iobuf_left(buf);
        err = put_data(p, buf, packet);
        mutex_unlock(&p->lock);
        if (iobuf_left(buf) != before)
            pipe_wake_readers(p);
        if (err || !iobuf_left(buf))
            break;
        if (object_nonblock(o)) {
            err = -E_AGAIN;
            break;
        }
        err = wait_event_interruptible(&p->write_wait, !pipe_full(p) || !p->readers);
        if (err)
            break;
    }
    u64 done = total - iobuf_left(buf);
    return done ? (i64)done : err;
}

u32 pipe_poll(struct object *o, struct poll_table *pt)
{
    struct pipe_end *e = (struct pipe_end *)o;
    struct pipe *p = e->pipe;
    u32 mask = 0;
    if (e->access & PIPE_READ) {
        poll_wait(pt, &p->read_wait);
        if (pipe_readable(p))
            mask |= POLL_IN | POLL_RDNORM;
        if (!p->writers && e->seen_writers != p->writer_opens)
            mask |= POLL_HUP;
    }
    if (e->access & PIPE_WRITE) {
        poll_wait(pt, &p->write_wait);
        if (!pipe_full(p))
            mask |= POLL_OUT | POLL_WRNORM;
        if (!p->readers)
            mask |= POLL_ERR;
    }
    return mask;
}

// --- size ---

u64 pipe_pending(struct object *o)
{
    struct pipe *p = ((struct pipe_end *)o)->pipe;
    u64 n = 0;
    mutex_lock(&p->lock);
    for (u32 i = pipe_tail(p); i != pipe_head(p); i++)
        n += pipe_slot_at(p, i)->len;
    mutex_unlock(&p->lock);
    return n;
}

u64 pipe_capacity(struct object *o)
{
    struct pipe *p = ((struct pipe_end *)o)->pipe;
    mutex_lock(&p->lock);
    u64 n = (u64)(p->mask + 1) * PIPE_PAGE;
    mutex_unlock(&p->lock);
    return n;
}

i64 pipe_set_capacity(struct object *o, u64 bytes)
{
    struct pipe *p = ((struct pipe_end *)o)->pipe;
    if (bytes > 1ull << 31)
        return -E_INVAL;
    if (bytes > (u64)PIPE_MAX_SLOTS * PIPE_PAGE)
        return -E_PERM;
    u32 n = 1;
    while ((u64)n * PIPE_PAGE < bytes)
        n *= 2;
    struct pipe_slot *fresh = kmalloc_array(n, sizeof(*fresh), ALLOC_USER | ALLOC_ZERO);
    if (!fresh)
        return -E_NOMEM;
    mutex_lock(&p->lock);
    u32 used = pipe_used(p);
    if (used + p->reserved > n) {
        mutex_unlock(&p->lock);
        kfree(fresh);
        return -E_BUSY;
    }
    for (u32 i = 0; i < used; i++)
        fresh[i] = *pipe_slot_at(p, pipe_tail(p) + i);
    struct pipe_slot *old = p->slots;
    bool grew = n > p->mask + 1;
    p->slots = fresh;
    p->mask = n - 1;
    atomic_store_explicit(&p->tail, 0, memory_order_relaxed);
    atomic_store_explicit(&p->head, used, memory_order_relaxed);
    mutex_unlock(&p->lock);
    if (old != p->inline_slots)
        kfree(old);
    if (grew)
        pipe_wake_writers(p);
    return (i64)n * PIPE_PAGE;
}
