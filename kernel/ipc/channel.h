// Private to channels: their parts.
#pragma once
#include "carry.h"
#include <ipc/channel.h>
#include <sched/lock.h>

struct channel;
struct channel_end {
    struct object obj; // first
    struct channel *channel;
    u32 side;
    struct carrier carrier;
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
