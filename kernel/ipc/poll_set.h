// Inside of a set of waits, shared by poll_set.c (items and waiting) and watch.c (what hangs at the
// watched objects).
#pragma once
#include <ipc/poll_set.h>
#include <sched/lock.h>
#include <sched/timer.h>

enum : u32 {
    POLL_SET_FLAGS = POLL_SET_EXCLUSIVE | POLL_SET_WAKEUP | POLL_SET_ONESHOT | POLL_SET_EDGE,
    POLL_SET_DEPTH = 5
};

struct set_item;
struct set_wait { // a registration with one queue of the target
    struct waiter waiter;
    struct waitqueue *queue; // NULL: unused
    struct set_item *item;
    struct set_wait *next;
};

struct set_item {
    struct list link;       // a bucket of the set; guarded by the set's lock
    struct list watch_link; // watch.items of the target; guarded by watch_lock
    struct list ready_link; // set->ready; guarded by the set's ready_lock
    struct poll_set *set;
    struct object *target; // no reference
    i32 fd;
    struct poll_item item; // written under lock and ready_lock
    struct set_wait first; // most objects have one queue
    struct set_wait *more;
};

struct poll_set {
    struct object obj; // first
    struct mutex lock; // class poll_set
    // --- guarded by lock and watch_lock together for writing, either for reading ---
    struct list *buckets;
    u32 bucket_count;  // a power of two
    _Atomic u32 count; // read anywhere
    struct list first_buckets[8];
    // --- guarded by ready_lock ---
    struct spinlock ready_lock; // class poll_ready
    struct list ready;
    struct list sleepers; // set_sleeper
    // --- own locks ---
    struct waitqueue poll_wait; // those who poll the set itself
    _Atomic bool told;          // poll_work is on its way and holds a reference
    struct work poll_work;      // wakes them: a wake-up may not run inside another queue's wake-up
    // --- guarded by watch_lock ---
    u32 visit, depth; // of the nesting check
};

// What hangs at an object that is watched.
struct watch {
    struct list items; // set_item.watch_link
};

extern struct mutex watch_lock; // class poll_watch

static inline struct list *set_bucket(struct poll_set *s, i32 fd)
{
    return &s->buckets[(u32)fd & (s->bucket_count - 1)];
}

// All with watch_lock held.
[[nodiscard]] int watch_link(struct set_item *it); // -E_NOMEM
void watch_unlink(struct set_item *it);
struct set_item *watch_first(struct object *target);                                  // NULL: none
[[nodiscard]] int watch_check_nesting(struct poll_set *set, struct poll_set *target); // -E_LOOP
void poll_set_target_gone(struct object *target); // takes watch_lock
