// Waking threads and choosing a CPU for them. The lock of the run queue a thread belongs to
// (last_cpu) guards its state; the fast path, a thread that goes back to where it ran, takes that
// one lock only.
//
// A thread between two queues (runnable, on_rq clear, on_cpu clear) belongs to whoever moves it;
// others see that it is runnable and leave it alone. Its vruntime is relative then: the distance to
// the old queue's min_vruntime.
#include "sched.h"

struct runqueue *thread_rq_lock(struct thread *t, irqflags_t *f)
{
    for (;;) {
        u32 cpu = atomic_load_explicit(&t->last_cpu, memory_order_relaxed);
        struct runqueue *rq = &sched_cpus[cpu]->rq;
        *f = spin_lock_irqsave(&rq->lock);
        if (LIKELY(cpu == atomic_load_explicit(&t->last_cpu, memory_order_relaxed)))
            return rq;
        spin_unlock_irqrestore(&rq->lock, *f);
    }
}

void rq_resched(struct runqueue *rq)
{
    u32 old = atomic_fetch_or_explicit(&rq->curr->arch.work, WORK_RESCHED, memory_order_release);
    if (old & WORK_RESCHED)
        return;
    struct sched_cpu *c = sched_cpus[rq->index];
    if (c != this_sched_cpu())
        ipi_post(c, IPI_RESCHED);
}

static bool claim_idle(u32 cpu)
{
    u64 bit = 1ul << cpu;
    return (atomic_load_explicit(&idle_cpus, memory_order_relaxed) & bit) &&
           (atomic_fetch_and(&idle_cpus, ~bit) & bit);
}

// A real-time thread avoids CPUs that run one already.
static u32 select_for_rt(u64 allowed, u32 last)
{
    if ((allowed >> last & 1) &&
        !atomic_load_explicit(&sched_cpus[last]->rq.rt_running, memory_order_relaxed))
        return last;
    for (u64 m = allowed; m; m &= m - 1) {
        u32 c = (u32)__builtin_ctzl(m);
        if (!atomic_load_explicit(&sched_cpus[c]->rq.rt_running, memory_order_relaxed))
            return c;
    }
    return allowed >> last & 1 ? last : (u32)__builtin_ctzl(allowed);
}

static u32 least_loaded(u64 allowed, u32 prefer)
{
    u32 best = (u32)__builtin_ctzl(allowed), best_n = UINT32_MAX;
    if (allowed >> prefer & 1) {
        best = prefer;
        best_n = atomic_load_explicit(&sched_cpus[prefer]->rq.queued, memory_order_relaxed);
    }
    for (u64 m = allowed; m && best_n; m &= m - 1) {
        u32 c = (u32)__builtin_ctzl(m);
        u32 n = atomic_load_explicit(&sched_cpus[c]->rq.queued, memory_order_relaxed);
        if (n < best_n) {
            best = c;
            best_n = n;
        }
    }
    return best;
}

u32 sched_select_cpu(const struct thread *t, bool fresh)
{
    u64 online = online_mask(), allowed = t->affinity & online;
    if (LIKELY(online == 1))
        return 0;
    if (UNLIKELY(!allowed))
        allowed = online;
    u32 last = atomic_load_explicit(&t->last_cpu, memory_order_relaxed);
    const struct runqueue *own = &this_sched_cpu()->rq;
    u32 here = own->index;
    // This CPU may be serving an interrupt of its idle thread; it is not in idle_cpus then.
    bool here_idle =
        own->curr == own->idle && !atomic_load_explicit(&own->queued, memory_order_relaxed);
    if ((allowed >> last & 1) && (last == here ? here_idle : claim_idle(last)))
        return last;
    if ((allowed >> here & 1) && here_idle)
        return here;
    u64 idle;
    while ((idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed) & allowed)) {
        u32 c = (u32)__builtin_ctzl(idle);
        if (claim_idle(c))
            return c;
    }
    if (is_rt(t))
        return select_for_rt(allowed, last);
    if (!fresh && (allowed >> last & 1))
        return last;
    return least_loaded(allowed, last);
}

// t is placed in the queue's time; lock held.
static void activate(struct runqueue *rq, struct thread *t)
{
    struct sched_cpu *here = this_sched_cpu();
    rq_enqueue(rq, t);
    if (rq_should_preempt(rq, t))
        rq_resched(rq);
    else if (rq->index == here->cpu.index)
        timer_want(&here->timers,
                   rq_slice_end(rq)); // elsewhere its tick will see the new competitor
}

void sched_place(struct thread *t, bool fresh)
{
    for (;;) {
        u32 cpu = sched_select_cpu(t, fresh);
        struct runqueue *rq = &sched_cpus[cpu]->rq;
        irqflags_t f = spin_lock_irqsave(&rq->lock);
        // The affinity may have changed while no lock covered the thread.
        if (UNLIKELY(!(t->affinity >> cpu & 1) && (t->affinity & online_mask()))) {
            spin_unlock_irqrestore(&rq->lock, f);
            continue;
        }
        atomic_store_explicit(&t->last_cpu, cpu, memory_order_relaxed);
        if (fresh) {
            rq_place_new(rq, t);
        } else {
            t->vruntime += rq->min_vruntime;
            rq_place_woken(rq, t);
        }
        activate(rq, t);
        spin_unlock_irqrestore(&rq->lock, f);
        return;
    }
}

static bool wake_from(struct thread *t, u32 states)
{
    // Pairs with the barrier in thread_set_state: either we see the sleeping state or the sleeper
    // sees what we wrote.
    atomic_thread_fence(memory_order_seq_cst);
    if (!(1u << atomic_load_explicit(&t->state, memory_order_relaxed) & states))
        return false;
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    if (!(1u << atomic_load_explicit(&t->state, memory_order_relaxed) & states)) {
        spin_unlock_irqrestore(&rq->lock, f);
        return false;
    }
    atomic_store_explicit(&t->state, THREAD_RUNNABLE, memory_order_relaxed);
    if (t->on_rq) { // it has not got to schedule() yet
        spin_unlock_irqrestore(&rq->lock, f);
        return true;
    }
    u32 cpu = rq->index;
    // While it is still leaving its CPU it must be queued there.
    if (!atomic_load_explicit(&t->on_cpu, memory_order_acquire))
        cpu = sched_select_cpu(t, false);
    if (LIKELY(cpu == rq->index)) {
        rq_place_woken(rq, t);
        activate(rq, t);
        spin_unlock_irqrestore(&rq->lock, f);
        return true;
    }
    t->vruntime -= rq->min_vruntime;
    spin_unlock(&rq->lock);
    struct runqueue *to = &sched_cpus[cpu]->rq;
    spin_lock(&to->lock);
    bool allowed = (t->affinity >> cpu & 1) || !(t->affinity & online_mask());
    if (LIKELY(allowed)) {
        atomic_store_explicit(&t->last_cpu, cpu, memory_order_relaxed);
        t->vruntime += to->min_vruntime;
        rq_place_woken(to, t);
        activate(to, t);
    }
    spin_unlock(&to->lock);
    if (UNLIKELY(!allowed))
        sched_place(t, false);
    arch_irq_restore(f);
    preempt_disable(); // a switch wanted by now could not happen with interrupts off
    preempt_enable();
    return true;
}

bool thread_wake(struct thread *t)
{
    return wake_from(t, 1u << THREAD_SLEEPING | 1u << THREAD_BLOCKED);
}

bool thread_interrupt(struct thread *t)
{
    return wake_from(t, 1u << THREAD_SLEEPING);
}

bool thread_continue(struct thread *t)
{
    return wake_from(t, 1u << THREAD_STOPPED);
}

bool thread_interrupt_or_continue(struct thread *t)
{
    return wake_from(t, 1u << THREAD_SLEEPING | 1u << THREAD_STOPPED);
}
