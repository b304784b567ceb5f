// Pipes: bytes that come from, or go to, something other than a user's read and write.
//
// Owns nothing. Two pipes are locked in the order of their addresses. No lock is held while a
// caller reads into pages of its own (their slots are reserved meanwhile) or writes what is there
// to elsewhere (the pipe is claimed meanwhile): those who want the same side wait as for a full or
// an empty pipe, and get out of that by an event.
#include "pipe.h"
#include <ipc/pipe_splice.h>
#include <lib/string.h>

static struct pipe *pipe_of(struct object *o)
{
    return ((struct pipe_end *)o)->pipe;
}

// --- waiting; afterwards it may have changed again ---

static int wait_data(struct pipe *p, bool nonblock)
{
    if (pipe_readable(p) || pipe_at_end(p))
        return 0;
    if (nonblock)
        return -E_AGAIN;
    return wait_event_interruptible(&p->read_wait, pipe_readable(p) || pipe_at_end(p));
}

static int wait_room(struct pipe *p, bool nonblock)
{
    if (!pipe_full(p))
        return 0;
    if (!p->readers)
        return -E_PIPE;
    if (nonblock)
        return -E_AGAIN;
    return wait_event_interruptible(&p->write_wait, !pipe_full(p) || !p->readers);
}

// Locks a pipe that has data (1), or is at its end (0: not locked).
static int lock_with_data(struct pipe *p, bool nonblock)
{
    for (;;) {
        int err = wait_data(p, nonblock);
        if (err)
            return err;
        mutex_lock(&p->lock);
        if (pipe_readable(p))
            return 1;
        bool end = pipe_at_end(p);
        mutex_unlock(&p->lock);
        if (end)
            return 0;
    }
}

// Locks a pipe that has room and a reader.
static int lock_with_room(struct pipe *p, bool nonblock)
{
    for (;;) {
        int err = wait_room(p, nonblock);
        if (err)
            return err;
        mutex_lock(&p->lock);
        if (p->readers && !pipe_full(p))
            return 0;
        bool alone = !p->readers;
        mutex_unlock(&p->lock);
        if (alone)
            return -E_PIPE;
    }
}

// The first n bytes of the first slot are gone. Lock held.
static void eat(struct pipe *p, u32 n)
{
    struct pipe_slot *s = pipe_slot_at(p, pipe_tail(p));
    s->off += (u16)n;
    s->len -= (u16)n;
    if (!s->len)
        pipe_pop(p);
}

// --- from pipe to pipe ---

static void lock_both(struct pipe *a, struct pipe *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock_nested(a < b ? &b->lock : &a->lock);
}

// The first n bytes of a slot as a slot of another pipe, with a page of its own. Both locked.
static bool push_copy(struct pipe *to, const struct pipe_slot *s, u32 n)
{
    u8 *page = pipe_page_new(to);
    if (!page)
        return false;
    memcpy(page, s->page + s->off, n);
    pipe_push(to,
              (struct pipe_slot){.page = page, .len = (u16)n, .packet = s->packet, .sealed = true});
    return true;
}

// Both locked.
static i64 copy_slots(struct pipe *from, struct pipe *to, u64 n)
{
    u64 done = 0;
    for (u32 i = pipe_tail(from); i != pipe_head(from) && done < n && !pipe_full(to); i++) {
        const struct pipe_slot *s = pipe_slot_at(from, i);
        u32 part = (u32)MIN((u64)s->len, n - done);
        if (!push_copy(to, s, part))
            return done ? (i64)done : -E_NOMEM;
        done += part;
    }
    return (i64)done;
}

// Whole pages change hands. Both locked.
static i64 move_slots(struct pipe *from, struct pipe *to, u64 n)
{
    u64 done = 0;
    while (pipe_used(from) && done < n && !pipe_full(to)) {
        struct pipe_slot *s = pipe_slot_at(from, pipe_tail(from));
        u32 part = (u32)MIN((u64)s->len, n - done);
        if (part == s->len) {
            pipe_push(to, *s);
            s->page = NULL;
            pipe_pop(from);
        } else {
            if (!push_copy(to, s, part))
                return done ? (i64)done : -E_NOMEM;
            eat(from, part);
        }
        done += part;
    }
    return (i64)done;
}

i64 pipe_to_pipe(struct object *in, struct object *out, u64 n, bool keep, bool nonblock)
{
    struct pipe *from = pipe_of(in), *to = pipe_of(out);
    for (;;) {
        int err = wait_data(from, nonblock);
        if (!err)
            err = wait_room(to, nonblock);
        if (err)
            return err;
        lock_both(from, to);
        bool again = false, was_full = pipe_full(from);
        i64 r = 0;
        if (!to->readers)
            r = -E_PIPE;
        else if (!pipe_readable(from))
            again = !pipe_at_end(from);
        else if (pipe_full(to))
            again = true;
        else
            r = keep ? copy_slots(from, to, n) : move_slots(from, to, n);
        bool room = was_full && !pipe_full(from);
        mutex_unlock(&from->lock);
        mutex_unlock(&to->lock);
        if (r > 0)
            pipe_wake_readers(to);
        if (room)
            pipe_wake_writers(from);
        if (!again)
            return r;
    }
}

// --- a user's memory ---

// How much of the buffer lies in the user's page that it begins in.
static usize page_part(struct iobuf *b)
{
    while (b->seg_off == b->segs->len) {
        b->segs++;
        b->nsegs--;
        b->seg_off = 0;
    }
    u64 at = b->segs->base + b->seg_off;
    return MIN(MIN(b->segs->len - b->seg_off, PAGE_SIZE - (at & PAGE_MASK)), iobuf_left(b));
}

i64 pipe_from_pages(struct object *o, struct iobuf *buf, bool nonblock)
{
    struct pipe *p = pipe_of(o);
    u64 total = iobuf_left(buf);
    i64 err = lock_with_room(p, nonblock);
    if (err)
        return err;
    while (!err && iobuf_left(buf) && !pipe_full(p)) {
        u8 *page = pipe_page_new(p);
        if (!page) {
            err = -E_NOMEM;
            break;
        }
        usize want = page_part(buf), n = iobuf_take(buf, page, want);
        if (n)
            pipe_push(p, (struct pipe_slot){.page = page, .len = (u16)n, .sealed = true});
        else
            pipe_page_done(p, page);
        if (n < want)
            err = -E_FAULT;
    }
    mutex_unlock(&p->lock);
    u64 done = total - iobuf_left(buf);
    if (done)
        pipe_wake_readers(p);
    return done ? (i64)done : err;
}

i64 pipe_to_pages(struct object *o, struct iobuf *buf, bool nonblock)
{
    struct pipe *p = pipe_of(o);
    u64 done = 0;
    i64 r = lock_with_data(p, nonblock);
    if (r <= 0)
        return r;
    bool was_full = pipe_full(p);
    while (pipe_used(p) && iobuf_left(buf)) {
        struct pipe_slot *s = pipe_slot_at(p, pipe_tail(p));
        u32 part = (u32)MIN((u64)s->len, iobuf_left(buf));
        if (iobuf_put(buf, s->page + s->off, part) < part)
            break;
        eat(p, part);
        done += part;
    }
    bool room = was_full && !pipe_full(p);
    mutex_unlock(&p->lock);
    if (room)
        pipe_wake_writers(p);
    return done ? (i64)done : -E_FAULT;
}

// --- to elsewhere ---

i64 pipe_claim(struct object *o, struct pipe_claim *c, u64 n, bool nonblock)
{
    struct pipe *p = pipe_of(o);
    u32 parts = 0;
    u64 total = 0;
    int r = lock_with_data(p, nonblock);
    if (r <= 0)
        return r;
    for (u32 i = pipe_tail(p); i != pipe_head(p) && parts < PIPE_CLAIM_PARTS && total < n; i++) {
        const struct pipe_slot *s = pipe_slot_at(p, i);
        u64 part = MIN((u64)s->len, n - total);
        c->parts[parts++] = (struct iobuf_seg){(u64)(uintptr_t)(s->page + s->off), part};
        total += part;
    }
    atomic_store_explicit(&p->claimed, true, memory_order_relaxed);
    mutex_unlock(&p->lock);
    c->data = (struct iobuf){.segs = c->parts, .nsegs = parts, .left = total, .kernel = true};
    return (i64)total;
}

void pipe_claim_end(struct object *o, u64 gone)
{
    struct pipe *p = pipe_of(o);
    mutex_lock(&p->lock);
    bool was_full = pipe_full(p);
    while (gone) {
        u32 part = (u32)MIN((u64)pipe_slot_at(p, pipe_tail(p))->len, gone);
        eat(p, part);
        gone -= part;
    }
    atomic_store_explicit(&p->claimed, false, memory_order_relaxed);
    bool room = was_full && !pipe_full(p), others = pipe_readable(p) || pipe_at_end(p);
    mutex_unlock(&p->lock);
    if (room)
        pipe_wake_writers(p);
    if (others)
        pipe_wake_readers(p);
}

// --- from elsewhere ---

int pipe_fill_begin(struct object *o, u64 pages, bool nonblock, struct pipe_fill *f)
{
    struct pipe *p = pipe_of(o);
    int err = lock_with_room(p, nonblock);
    if (err)
        return err;
    u32 room = (u32)MIN(pages, (u64)(p->mask + 1 - pipe_used(p) - p->reserved));
    p->reserved += room;
    mutex_unlock(&p->lock);
    *f = (struct pipe_fill){.pipe = o, .room = room};
    f->pages = kmalloc_array(room, sizeof(*f->pages), ALLOC_USER);
    if (f->pages)
        return 0;
    pipe_fill_end(f);
    return -E_NOMEM;
}

struct pipe_page *pipe_fill_page(struct pipe_fill *f)
{
    if (f->count == f->room)
        return NULL;
    u8 *page = page_alloc(ALLOC_USER);
    if (!page)
        return NULL;
    f->pages[f->count] = (struct pipe_page){.data = page};
    return &f->pages[f->count++];
}

void pipe_fill_end(struct pipe_fill *f)
{
    struct pipe *p = pipe_of(f->pipe);
    bool came = false;
    mutex_lock(&p->lock);
    bool was_full = pipe_full(p);
    p->reserved -= f->room;
    for (u32 i = 0; i < f->count; i++) {
        struct pipe_page *g = &f->pages[i];
        if (!g->len)
            continue;
        pipe_push(p, (struct pipe_slot){.page = g->data, .len = (u16)g->len, .sealed = true});
        g->data = NULL;
        came = true;
    }
    bool room = was_full && !pipe_full(p);
    mutex_unlock(&p->lock);
    if (came)
        pipe_wake_readers(p);
    if (room)
        pipe_wake_writers(p);
    for (u32 i = 0; i < f->count; i++)
        if (f->pages[i].data)
            page_free(f->pages[i].data);
    kfree(f->pages);
}
