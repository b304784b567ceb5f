// Changing how a thread is scheduled: class, nice value, level, affinity. The thread is taken off
// its queue, changed, and put back.
#include "sched.h"
#include <kerr.h>

static bool waiting(const struct runqueue *rq, const struct thread *t)
{
    return t->on_rq && rq->curr != t;
}

static bool valid(const struct sched_params *p)
{
    if (p->nice < -20 || p->nice > 19) // kept, for the way back to a fair class
        return false;
    if (p->class == SCHED_FIFO || p->class == SCHED_RR)
        return p->rtprio >= 1 && p->rtprio <= RT_LEVELS;
    return p->class <= SCHED_IDLE_CLASS && p->rtprio == 0;
}

int thread_set_sched(struct thread *t, const struct sched_params *p)
{
    if (!valid(p))
        return -E_INVAL;
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    bool queued = waiting(rq, t), was_rt = is_rt(t), running = rq->curr == t;
    if (running)
        rq_update_curr(rq, arch_time_ns());
    if (queued)
        rq_dequeue(rq, t);
    t->sched = *p;
    sched_set_weight(t);
    if (was_rt && !is_rt(t) && (queued || running))
        t->vruntime = rq->min_vruntime; // its old one is from before
    if (running) {
        atomic_store_explicit(&rq->rt_running, is_rt(t), memory_order_relaxed);
        rq_resched(rq);
    }
    if (queued) {
        rq_enqueue(rq, t);
        if (rq_should_preempt(rq, t))
            rq_resched(rq);
    }
    spin_unlock_irqrestore(&rq->lock, f);
    return 0;
}

struct sched_params thread_get_sched(struct thread *t)
{
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    struct sched_params p = t->sched;
    spin_unlock_irqrestore(&rq->lock, f);
    return p;
}

u64 thread_get_affinity(struct thread *t)
{
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    u64 mask = t->affinity;
    spin_unlock_irqrestore(&rq->lock, f);
    return mask;
}

int thread_set_affinity(struct thread *t, u64 mask)
{
    if (!(mask & online_mask()))
        return -E_INVAL;
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    t->affinity = mask;
    bool stays = mask >> rq->index & 1;
    bool move = !stays && waiting(rq, t);
    if (move && atomic_load_explicit(&t->on_cpu, memory_order_acquire)) {
        move = false; // just leaving this CPU: it is looked at again when it runs
    } else if (move) {
        rq_dequeue(rq, t);
        t->vruntime -= rq->min_vruntime;
    }
    bool running = rq->curr == t;
    if (!stays && running)
        rq_resched(rq); // put_prev sends it where it may be
    spin_unlock(&rq->lock);
    if (move)
        sched_place(t, false);
    arch_irq_restore(f);
    preempt_disable();
    preempt_enable();
    return 0;
}
