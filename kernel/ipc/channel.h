// Private to channels: their parts, and the walk that keeps them from holding themselves.
#pragma once
#include <ipc/channel.h>
#include <sched/lock.h>

struct channel;
struct channel_end {
    struct object obj; // first
    struct channel *channel;
    u32 side;
    u64 seen; // number of the last walk that came by; channel_cycle.c's lock
};
struct channel_side {
    struct waitqueue wait; // receivers of this side, and senders to it
    // --- guarded by channel.lock; read without it for hints ---
    struct list queue;
    _Atomic u32 messages, bytes;
    _Atomic bool open;
};
struct channel {
    struct spinlock lock; // class object
    refcount_t refs;      // one per end
    u64 id;
    struct channel_side side[2];
};

static inline struct channel_end *end_of(struct object *o)
{
    return (struct channel_end *)(void *)o;
}
static inline struct channel_side *own_side(struct channel_end *e)
{
    return &e->channel->side[e->side];
}
static inline struct channel_side *other_side(struct channel_end *e)
{
    return &e->channel->side[!e->side];
}

// --- channel_cycle.c ---
struct channel_walk {
    struct object **ends; // counted
    u32 count, cap;
    bool locked;
};
bool channel_message_carries_ends(const struct channel_message *m);
// Makes sure that putting m into the queue of side `to` of c closes no circle, and that it stays so
// until channel_walk_end, which must follow in any case. -E_DEADLK: it would; -E_NOMEM.
[[nodiscard]] int channel_walk_begin(struct channel_walk *w, struct channel *c,
                                     const struct channel_side *to, struct channel_message *m);
void channel_walk_end(struct channel_walk *w); // may sleep
// Frees messages that nobody will receive, however deep channels lie in each other. May sleep.
void channel_free_unread(struct list *unread);
