// Switching threads. A CPU's run queue lock guards the choice, not the switch: it is released
// before the registers change hands. What keeps another CPU from running a thread whose registers
// are not saved yet is one rule: while on_cpu is set, a thread is queued nowhere but on the CPU it
// is leaving, and nobody takes it from there. The next thread clears on_cpu with a release store as
// soon as it runs.
//
// The scheduler runs with preemption disabled (count 1) and interrupts off, across the switch.
#include "sched.h"
#include <arch/upcall.h>
#include <sync/log.h>

// Second half of a switch, on the new thread's stack. Returns the thread that has ended, if the one
// we come from has.
static struct thread *finish_switch(void)
{
    struct sched_cpu *c = this_sched_cpu();
    struct thread *prev = c->rq.prev, *push = c->rq.push;
    bool dead = atomic_load_explicit(&prev->state, memory_order_relaxed) == THREAD_DEAD;
    c->rq.push = NULL;
    atomic_store_explicit(&prev->on_cpu, false, memory_order_release);
    if (UNLIKELY(push))
        sched_place(push, false);
    return dead ? prev : NULL;
}

static void switch_to(struct sched_cpu *c, struct thread *prev, struct thread *next)
{
    c->rq.prev = prev;
    atomic_store_explicit(&c->cpu.running, next, memory_order_relaxed);
    atomic_store_explicit(&next->on_cpu, true, memory_order_relaxed);
    next->arch.cpu = &c->cpu;
    if (next->mmu != prev->mmu)
        arch_aspace_switch(next->mmu);
    arch_context_switch(&prev->arch, &next->arch);
}

// What becomes of the thread that leaves. Queue locked, prev accounted.
static void put_prev(struct sched_cpu *c, struct thread *prev, bool preempted)
{
    struct runqueue *rq = &c->rq;
    if (prev == rq->idle)
        return;
    enum thread_state state = atomic_load_explicit(&prev->state, memory_order_relaxed);
    if (state == THREAD_SLEEPING && !preempted && thread_has_event(prev)) {
        atomic_store_explicit(&prev->state, THREAD_RUNNABLE, memory_order_relaxed);
        state = THREAD_RUNNABLE;
    }
    if (state != THREAD_RUNNABLE && !preempted) {
        prev->on_rq = false;
    } else if (UNLIKELY(!(prev->affinity >> rq->index & 1) && (prev->affinity & online_mask()))) {
        // Continues elsewhere, once its registers are saved. Until then it is runnable but on no
        // queue.
        prev->on_rq = false;
        atomic_store_explicit(&prev->state, THREAD_RUNNABLE, memory_order_relaxed);
        prev->vruntime -= rq->min_vruntime;
        rq->push = prev;
    } else if (preempted && is_rt(prev) && !rq_slice_over(rq, prev->exec_start)) {
        rq_enqueue_head(rq, prev);
    } else {
        rq_enqueue(rq, prev);
    }
}

// One more, where only the run queue's owner writes.
static void count(_Atomic u64 *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void count_switch(struct runqueue *rq, struct thread *prev, bool preempted)
{
    count(&rq->switches);
    count(preempted ? &prev->nivcsw : &prev->nvcsw);
}

// A thread set SLEEPING just before it was preempted must get to check its condition, so preemption
// never puts to sleep. A push, too, makes it runnable: a spurious wake-up, which every sleeper
// expects.
void sched_run(bool preempted)
{
    irqflags_t f = arch_irq_save();
    struct sched_cpu *c = this_sched_cpu();
    struct runqueue *rq = &c->rq;
    struct thread *prev = current();
    u64 now = arch_time_ns();
    spin_lock(&rq->lock);
    rcu_note_switch(c);
    if (atomic_load_explicit(&prev->arch.work, memory_order_relaxed) & WORK_RESCHED)
        atomic_fetch_and_explicit(&prev->arch.work, ~WORK_RESCHED, memory_order_relaxed);
    rq_update_curr(rq, now);
    put_prev(c, prev, preempted);
    struct thread *next = rq_pick(rq);
    if (!next && !single_cpu() && balance_pull(c))
        next = rq_pick(rq);
    if (!next)
        next = rq->idle;
    count(&rq->progress);
    next->exec_start = now;
    if (next == prev) {
        next->slice_start = now;
        if (atomic_load_explicit(&rq->queued, memory_order_relaxed) && next != rq->idle)
            timer_want(&c->timers, rq_slice_end(rq));
        spin_unlock(&rq->lock);
        arch_irq_restore(f);
        return;
    }
    count_switch(rq, prev, preempted);
    rq->curr = next;
    next->slice_start = now;
    if (is_rt(next) != is_rt(prev))
        atomic_store_explicit(&rq->rt_running, is_rt(next), memory_order_relaxed);
    if (prev == rq->idle)
        tick_start(c, now);
    if (atomic_load_explicit(&rq->queued, memory_order_relaxed) && next != rq->idle)
        timer_want(&c->timers, rq_slice_end(rq));
    spin_unlock(&rq->lock);
    switch_to(c, prev, next);
    struct thread *dead =
        finish_switch(); // of the thread that ran before us now, perhaps on another CPU
    arch_irq_restore(f);
    if (UNLIKELY(dead))
        thread_put(dead);
}

void schedule(void)
{
    might_sleep();
    preempt_disable();
    sched_run(false);
    preempt_enable();
}

void thread_yield(void)
{
    might_sleep();
    preempt_disable();
    irqflags_t f = arch_irq_save();
    struct runqueue *rq = &this_sched_cpu()->rq;
    spin_lock(&rq->lock);
    rq_update_curr(rq, arch_time_ns());
    if (rq->first && !is_rt(current())) {
        u64 v = container_of(rq->first, struct thread, fair_node)->vruntime;
        if ((i64)(current()->vruntime - v) < 0)
            current()->vruntime = v; // behind the one that waits longest
    }
    spin_unlock(&rq->lock);
    arch_irq_restore(f);
    sched_run(false); // the state is RUNNABLE
    preempt_enable();
}

static bool resched_wanted(void)
{
    return atomic_load_explicit(&current_arch()->work, memory_order_relaxed) & WORK_RESCHED;
}

void preempt_schedule(void)
{
    if (!arch_irqs_enabled())
        return; // the end of the interrupt, or whoever disabled them, will see to it
    do {
        preempt_disable();
        sched_run(true);
        preempt_enable_no_resched();
    } while (resched_wanted());
}

void upcall_preempt(void)
{
    do {
        preempt_disable();
        sched_run(true);
        preempt_enable_no_resched();
    } while (resched_wanted());
}

void upcall_thread_start(void)
{
    struct thread *dead = finish_switch();
    arch_irq_enable();
    if (dead)
        thread_put(dead);
    preempt_enable(); // the count a new thread starts with
}

// Idle threads run with preemption disabled; they call the scheduler themselves.
void sched_idle_loop(void)
{
    struct sched_cpu *c = this_sched_cpu();
    u64 bit = 1ul << c->cpu.index;
    for (;;) {
        arch_irq_disable();
        if (rcu_has_pending(c))
            rcu_kick();
        log_flush_wake();
        if (!resched_wanted()) {
            atomic_fetch_or(&idle_cpus, bit);
            atomic_fetch_add(&c->rcu.idle_seq, 1);
            // A wake-up from here on is an interrupt, which ends the wait although interrupts are
            // off.
            arch_cpu_wait();
            atomic_fetch_add(&c->rcu.idle_seq, 1);
            atomic_fetch_and(&idle_cpus, ~bit);
        }
        arch_irq_enable();
        if (resched_wanted())
            sched_run(false);
    }
}
