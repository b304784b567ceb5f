// One-shot timers on the CPU that arms them. No periodic tick.
#pragma once
#include <lib/rbtree.h>
#include <sched/thread.h>

struct timer {
    struct rb_node node;     // guarded by the CPU's timer lock
    u64 deadline;            // absolute arch_time_ns
    void (*fn)(struct timer *); // runs with interrupts disabled; may re-arm
    _Atomic u32 cpu;         // where it is queued; TIMER_IDLE if not
};
enum { TIMER_IDLE = 0xffffffff };
void timer_init(struct timer *t, void (*fn)(struct timer *));
void timer_arm(struct timer *t, u64 deadline_ns); // re-arms if armed. Any context
// Takes it off; returns true if it had not fired. timer_cancel_sync also waits for a running handler (not from the handler).
bool timer_cancel(struct timer *t);
bool timer_cancel_sync(struct timer *t);

// Work run later by a kernel thread in thread context.
struct work {
    struct list link;
    void (*fn)(struct work *);
    _Atomic bool queued;
};
void work_init(struct work *w, void (*fn)(struct work *));
void work_queue(struct work *w); // any context; no-op if queued
