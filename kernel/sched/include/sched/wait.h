// Wait queues and sleeping. A waiter links itself, sets its state, checks the condition, then
// schedules; so no wake-up is lost.
#pragma once
#include <sched/thread.h>
#include <sync/lock_order.h>

struct waitqueue {
    struct spinlock lock; // class waitqueue; guards the list
    struct list waiters;
};

struct waiter {
    struct list link;
    struct thread *thread;
    // Custom wake (poll, epoll): called with the queue's lock held, any context; returns true if it
    // counts as "woken one". NULL: thread_wake.
    bool (*wake)(struct waiter *w, u64 key);
    bool exclusive; // wake_one stops after waking this one
};

#define WAITQUEUE_INIT(name) {SPINLOCK_INIT(&lock_class_waitqueue), LIST_INIT((name).waiters)}
void waitqueue_init(struct waitqueue *q);
void wait_add(struct waitqueue *q, struct waiter *w);    // w->thread set by the caller (current)
void wait_remove(struct waitqueue *q, struct waiter *w); // idempotent
static inline bool waitqueue_active(struct waitqueue *q) // may be stale; pair with a full barrier
{
    atomic_thread_fence(memory_order_seq_cst);
    return !list_empty(&q->waiters);
}
// key: for poll sources the ready mask (0 = everything). Any context with no lock of order >=
// waitqueue held. wake_one wakes everybody who is not exclusive, and the first exclusive waiter
// that was asleep.
void wake_all(struct waitqueue *q, u64 key);
void wake_one(struct waitqueue *q, u64 key);
// The same for callers that hold q->lock (with interrupts off).
void wake_all_locked(struct waitqueue *q, u64 key);
void wake_one_locked(struct waitqueue *q, u64 key);

enum {
    WAIT_FOREVER = 0
}; // deadline value: no time limit (deadlines are absolute arch_time_ns values)

// Sleeps until cond is true. Interruptible forms return -E_RESTART when an event is pending,
// -E_TIMEDOUT past the deadline, else 0.
#define wait_event(q, cond) ((void)wait_event_common(q, cond, THREAD_BLOCKED, 0))
#define wait_event_interruptible(q, cond) wait_event_common(q, cond, THREAD_SLEEPING, 0)
#define wait_event_deadline(q, cond, deadline) wait_event_common(q, cond, THREAD_SLEEPING, deadline)
#define wait_event_common(q, cond, st, deadline)                                                   \
    ({                                                                                             \
        int ret_ = 0;                                                                              \
        if (!(cond)) {                                                                             \
            struct waiter w_ = {.thread = current()};                                              \
            list_init(&w_.link);                                                                   \
            wait_add(q, &w_);                                                                      \
            for (;;) {                                                                             \
                thread_set_state(st);                                                              \
                if (cond)                                                                          \
                    break;                                                                         \
                ret_ = wait_sleep(st, deadline);                                                   \
                if (ret_) {                                                                        \
                    if (cond)                                                                      \
                        ret_ = 0;                                                                  \
                    break;                                                                         \
                }                                                                                  \
            }                                                                                      \
            thread_set_state(THREAD_RUNNABLE);                                                     \
            wait_remove(q, &w_);                                                                   \
        }                                                                                          \
        ret_;                                                                                      \
    })
// schedule() with a deadline; 0 woken, -E_RESTART event pending (SLEEPING only), -E_TIMEDOUT. State
// was set by the caller.
[[nodiscard]] int wait_sleep(enum thread_state st, u64 deadline);
// Sleeps until an absolute time. 0 at the time, -E_RESTART if interrupted.
[[nodiscard]] int thread_sleep_until(u64 deadline_ns);
