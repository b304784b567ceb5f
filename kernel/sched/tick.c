// What a busy CPU does every 10 ms, and at the end of time slices. There is no tick while a CPU is
// idle: the first one that finds it so does not come back. Runs inside the timer interrupt; the
// tick's deadline is this CPU's own, interrupts off.
#include "sched.h"
#include <sync/log.h>

void tick_start(struct sched_cpu *c, u64 now)
{
    if (c->timers.tick == 0) {
        c->timers.tick = now + TICK_NS;
        timer_want(&c->timers, c->timers.tick);
    }
}

static void tick(struct sched_cpu *c, u64 now, bool busy, bool user)
{
    if (rcu_has_pending(c))
        rcu_kick();
    log_flush_wake();
    load_tick(now);
    if (!busy)
        return;
    // The interrupt itself counts in preempt_count.
    bool preemptible = user || current_arch()->preempt_count == PREEMPT_IRQ;
    watchdog_tick(c, now, preemptible);
    balance_tick(c);
}

// The scheduler's part of a timer interrupt. Returns when it wants the next.
u64 tick_timer(struct sched_cpu *c, u64 now)
{
    struct runqueue *rq = &c->rq;
    bool due = c->timers.tick && now >= c->timers.tick;
    bool user = due && arch_irq_from_user();
    spin_lock(&rq->lock);
    bool busy = rq->curr != rq->idle;
    rq_update_curr(rq, now);
    if (due)
        account_tick(c, now, user);
    if (busy && (rq_slice_over(rq, now) || rq_share_over(rq) ||
                 (due && !(rq->curr->affinity >> rq->index & 1))))
        rq_resched(rq);
    spin_unlock(&rq->lock);
    if (user && current()->tick_events)
        atomic_fetch_or_explicit(&current_arch()->work, WORK_EVENT, memory_order_relaxed);
    if (due) {
        tick(c, now, busy, user);
        c->timers.tick = busy ? now + TICK_NS : 0;
    }
    // Handlers may have queued threads.
    u64 next = c->timers.tick ? c->timers.tick : UINT64_MAX;
    if (busy && atomic_load_explicit(&rq->queued, memory_order_relaxed)) {
        u64 end = rq_slice_end(rq);
        // A slice that is over but has nobody to make room for yet is looked at again by the tick.
        if (end > now)
            next = MIN(next, end);
    }
    return next;
}
