// Inside of a pipe, shared by pipe.c (data), pipe_splice.c (data from pipe to pipe, and past user
// memory), pipe_ends.c (objects) and fifo.c (names).
#pragma once
#include <ipc/pipe.h>
#include <mem/slab.h>
#include <sched/lock.h>

enum : u32 { PIPE_SLOTS = 16, PIPE_MAX_SLOTS = 256, PIPE_PAGE = 4096 };

struct pipe_slot {
    u8 *page;     // owned
    u16 off, len; // what is left in it
    bool packet;  // a read takes it whole
    bool sealed;  // nothing is appended to it
};

struct pipe;
struct pipe_end {
    struct object obj; // first
    struct pipe *pipe; // a reference
    u32 access;        // PIPE_*
    u32 seen_writers;  // FIFO: writer_opens when this end was opened: no hang-up before one came
};

struct pipe {
    refcount_t refs;   // ends; of a FIFO under fifo_lock
    struct mutex lock; // class pipe_sleep
    // --- guarded by lock; what is atomic may be read without it for a hint that a wake-up follows
    // up ---
    _Atomic u32 head, tail; // slots filled and emptied so far
    u32 mask;               // slots - 1
    struct pipe_slot *slots;
    u8 *spare;            // a page kept for the next write
    _Atomic u32 reserved; // slots that are free, but for somebody who is reading into pages of his
    _Atomic bool claimed; // somebody is writing what is there to elsewhere: only he takes it out
    _Atomic u32 readers, writers;
    _Atomic u32 reader_opens,
        writer_opens; // so far: a FIFO opener waits for the other number to move
    // --- own locks ---
    struct waitqueue read_wait, write_wait;
    // --- constant ---
    u64 id;
    void **fifo_slot; // in the vfs node; NULL: no FIFO. Guarded by fifo_lock
    struct pipe_slot inline_slots[PIPE_SLOTS];
    struct pipe_end ends[2]; // of an unnamed pipe
};

extern const struct object_type pipe_reader_type, pipe_writer_type, fifo_type;

static inline u32 pipe_used(const struct pipe *p) // slots
{
    return atomic_load_explicit(&p->head, memory_order_relaxed) -
           atomic_load_explicit(&p->tail, memory_order_relaxed);
}
static inline bool pipe_full(const struct pipe *p)
{
    return pipe_used(p) + atomic_load_explicit(&p->reserved, memory_order_relaxed) > p->mask;
}
static inline bool pipe_readable(const struct pipe *p)
{
    return pipe_used(p) && !atomic_load_explicit(&p->claimed, memory_order_relaxed);
}
static inline bool pipe_at_end(const struct pipe *p) // nothing is there, and nobody brings more
{
    return !p->writers && !pipe_used(p);
}

// --- the ring, for those who hold the lock ---
static inline struct pipe_slot *pipe_slot_at(struct pipe *p, u32 n)
{
    return &p->slots[n & p->mask];
}
static inline u32 pipe_head(const struct pipe *p)
{
    return atomic_load_explicit(&p->head, memory_order_relaxed);
}
static inline u32 pipe_tail(const struct pipe *p)
{
    return atomic_load_explicit(&p->tail, memory_order_relaxed);
}
static inline void pipe_page_done(struct pipe *p, u8 *page)
{
    if (p->spare)
        page_free(page);
    else
        p->spare = page;
}
static inline u8 *pipe_page_new(struct pipe *p) // NULL: no memory
{
    u8 *page = p->spare;
    if (page) {
        p->spare = NULL;
        return page;
    }
    return page_alloc(ALLOC_USER);
}
static inline void pipe_push(struct pipe *p, struct pipe_slot s) // not full
{
    *pipe_slot_at(p, pipe_head(p)) = s;
    atomic_store_explicit(&p->head, pipe_head(p) + 1, memory_order_relaxed);
}
// The first slot goes; its page, unless NULL by now, with it.
static inline void pipe_pop(struct pipe *p)
{
    struct pipe_slot *s = pipe_slot_at(p, pipe_tail(p));
    if (s->page)
        pipe_page_done(p, s->page);
    s->page = NULL;
    atomic_store_explicit(&p->tail, pipe_tail(p) + 1, memory_order_relaxed);
}

static inline void pipe_wake(struct waitqueue *q, u64 key) // after the lock
{
    if (waitqueue_active(q))
        wake_all(q, key);
}
static inline void pipe_wake_readers(struct pipe *p)
{
    pipe_wake(&p->read_wait, POLL_IN | POLL_RDNORM);
}
static inline void pipe_wake_writers(struct pipe *p)
{
    pipe_wake(&p->write_wait, POLL_OUT | POLL_WRNORM);
}

[[nodiscard]] struct pipe *pipe_alloc(void); // refs 1, no ends counted; NULL: no memory
void pipe_free(struct pipe *p);              // nobody uses it any more
// Counts an end in or out and wakes whom that concerns. What the end found when it was counted in:
// others of the other kind, and how often that kind had been opened; by the time the caller looks,
// those it woke may have come and gone.
struct pipe_met {
    u32 readers, writers, reader_opens, writer_opens;
};
struct pipe_met pipe_end_open(struct pipe *p, u32 access);
void pipe_end_close(struct pipe *p, u32 access);
i64 pipe_read(struct object *o, struct iobuf *buf, u64 *pos);
i64 pipe_write(struct object *o, struct iobuf *buf, u64 *pos);
u32 pipe_poll(struct object *o, struct poll_table *pt);
int pipe_getattr(struct object *o, struct attr *a);
i64 pipe_describe(struct object *o, char *buf, usize cap);
