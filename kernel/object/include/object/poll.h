// Readiness. Every object reports a mask; a poller registers with the object's wait queues through
// a poll_table.
#pragma once
#include <sched/wait.h>

enum poll_mask { // the values Linux uses, so that no ABI has to translate the common case
    POLL_IN = 1,
    POLL_PRI = 2,
    POLL_OUT = 4,
    POLL_ERR = 8,
    POLL_HUP = 16,
    POLL_NVAL = 32,
    POLL_RDNORM = 64,
    POLL_RDBAND = 128,
    POLL_WRNORM = 256,
    POLL_WRBAND = 512,
    POLL_RDHUP = 0x2000,
};

struct poll_table {
    // Called by an object's poll for each queue whose wake-up may change the answer; pt NULL means
    // "do not register".
    void (*queue)(struct poll_table *pt, struct waitqueue *q);
    u32 interest;
    int error; // out of memory while registering
};
static inline void poll_wait(struct poll_table *pt, struct waitqueue *q)
{
    if (pt && pt->queue)
        pt->queue(pt, q);
}

struct object;
u32 object_poll(struct object *o, struct poll_table *pt);

// Waits for any of n objects. entries[i].object may be NULL (ignored). Fills revents; returns how
// many are non-zero, 0 on timeout, -E_RESTART, -E_NOMEM. deadline: absolute ns, 0 = forever, 1 = do
// not wait.
struct poll_entry {
    struct object *object;
    u32 events, revents;
};
[[nodiscard]] i64 poll_objects(struct poll_entry *entries, usize n, u64 deadline);
