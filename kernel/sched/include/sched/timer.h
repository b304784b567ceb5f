// One-shot timers on the CPU that arms them. No periodic tick. Work queues.
#pragma once
#include <lib/rbtree.h>
#include <sched/thread.h>

struct timer {
    struct rb_node node;        // guarded by the CPU's timer lock
    u64 deadline;               // absolute arch_time_ns
    void (*fn)(struct timer *); // runs with interrupts disabled; may re-arm, may free the timer
    _Atomic u32 cpu;            // where it is queued; TIMER_IDLE if not
};
enum : u32 { TIMER_IDLE = 0xffffffff };
void timer_init(struct timer *t, void (*fn)(struct timer *));
// Arms it, or re-arms it if armed. A deadline in the past fires at once, from the timer interrupt.
// Any context with no lock of order >= timer held.
void timer_arm(struct timer *t, u64 deadline_ns);
// Takes it off; returns true if it had not fired. timer_cancel_sync also waits for a running
// handler (not from the handler, not with a lock held that the handler takes).
bool timer_cancel(struct timer *t);
bool timer_cancel_sync(struct timer *t);
static inline bool timer_armed(const struct timer *t) // may be stale
{
    return atomic_load_explicit(&t->cpu, memory_order_relaxed) != TIMER_IDLE;
}

// Work run later by a kernel thread in thread context. Works run side by side; one may sleep
// without holding up the others.
struct work {
    struct list link;
    void (*fn)(struct work *); // may queue the work again, may free it
    _Atomic bool queued;       // cleared before fn runs
};
void work_init(struct work *w, void (*fn)(struct work *));
void work_queue(struct work *w); // any context with no lock of order >= work held; no-op if queued
