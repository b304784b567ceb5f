// Moving waiting threads between CPUs: a CPU that runs out of work takes some, and busy CPUs even
// out at their ticks. Two run queues are held at once only by trying the second, so their order
// does not matter.
#include "sched.h"

enum { EVEN_OUT_TICKS = 4 }; // busy CPUs compare their queues every so many ticks

// A waiting thread of rq that may run on `cpu` and whose registers are saved; the one that would
// wait longest.
static struct thread *candidate(struct runqueue *rq, u32 cpu)
{
    struct thread *t;
    for (u32 i = 0; (rq->rt_map[0] | rq->rt_map[1]) && i < RT_LEVELS; i++)
        list_for_each_entry (t, &rq->rt[i], rt_node)
            if ((t->affinity >> cpu & 1) && !atomic_load_explicit(&t->on_cpu, memory_order_acquire))
                return t;
    for (struct rb_node *n = rb_last(&rq->fair); n; n = rb_prev(n)) {
        t = container_of(n, struct thread, fair_node);
        if ((t->affinity >> cpu & 1) && !atomic_load_explicit(&t->on_cpu, memory_order_acquire))
            return t;
    }
    return NULL;
}

// The other CPU with most waiting threads, at least `least`.
static struct runqueue *busiest(u32 self, u32 least)
{
    struct runqueue *best = NULL;
    for (u64 m = online_mask() & ~(1ul << self); m; m &= m - 1) {
        struct runqueue *rq = &sched_cpus[__builtin_ctzl(m)]->rq;
        u32 n = atomic_load_explicit(&rq->queued, memory_order_relaxed);
        if (n >= least) {
            best = rq;
            least = n + 1;
        }
    }
    return best;
}

static bool pull_from(struct sched_cpu *c, struct runqueue *from)
{
    if (!spin_trylock(&from->lock))
        return false;
    struct thread *t = candidate(from, c->cpu.index);
    if (t) {
        rq_dequeue(from, t);
        t->vruntime += c->rq.min_vruntime - from->min_vruntime;
        atomic_store_explicit(&t->last_cpu, c->cpu.index, memory_order_relaxed);
        rq_enqueue(&c->rq, t);
    }
    spin_unlock(&from->lock);
    return t;
}

bool balance_pull(struct sched_cpu *c)
{
    struct runqueue *from = busiest(c->cpu.index, 1);
    return from && pull_from(c, from);
}

void balance_tick(struct sched_cpu *c)
{
    if (single_cpu())
        return;
    struct runqueue *rq = &c->rq;
    u32 queued = atomic_load_explicit(&rq->queued, memory_order_relaxed);
    // A thread that could not be taken when that CPU went idle (its registers were not saved yet)
    // waits here: tell the idle one to look again.
    u64 idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed);
    if (queued && idle) {
        ipi_post(sched_cpus[__builtin_ctzl(idle)], IPI_RESCHED);
        return;
    }
    c->balance_ticks++;
    if (c->balance_ticks % EVEN_OUT_TICKS)
        return;
    struct runqueue *from = busiest(c->cpu.index, queued + 2);
    if (!from)
        return;
    spin_lock(&rq->lock);
    pull_from(c, from);
    spin_unlock(&rq->lock);
}
