// CPU time and load. A thread's total is exact (accounted at every switch). User and system time
// are told apart by sampling: what ran since the last sample goes to the mode that the tick
// interrupts, so a trap need not read the clock. Asking for a thread's times settles the unsampled
// rest as system time (the asker is in a call), so neither figure ever shrinks.
//
// Load averages: every 5 s, at whatever tick comes first, the number of running and waiting threads
// is folded in. While all CPUs are idle no tick comes; the missed periods had load 0. Guarded by
// load_lock (tried, never waited for, in interrupts).
#include "sched.h"

enum : u64 { LOAD_PERIOD_NS = 5 * NS_PER_SEC, LOAD_ONE = 1 << 11 };

static struct spinlock load_lock = SPINLOCK_INIT(&lock_class_rcu);
// --- guarded by load_lock ---
static u64 load[3];
// --- written under load_lock ---
static _Atomic u64 load_next;

static void add_u64(_Atomic u64 *v, u64 n)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void account_tick(struct sched_cpu *c, u64 now, bool user)
{
    struct thread *t = c->rq.curr;
    u64 ran = atomic_load_explicit(&t->runtime_ns, memory_order_relaxed);
    if (user)
        add_u64(&t->user_ns, ran - t->settled_ns);
    t->settled_ns = ran;
    // The CPU: all that was neither idle nor settled before.
    u64 idle = atomic_load_explicit(&c->cpu.idle_ns, memory_order_relaxed);
    u64 known = idle + atomic_load_explicit(&c->cpu.user_ns, memory_order_relaxed) +
                atomic_load_explicit(&c->cpu.system_ns, memory_order_relaxed);
    u64 all = now - c->cpu.stat_since;
    if (all > known)
        add_u64(user ? &c->cpu.user_ns : &c->cpu.system_ns, all - known);
}

struct thread_times thread_times(struct thread *t)
{
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    if (rq->curr == t)
        rq_update_curr(rq, arch_time_ns());
    t->settled_ns = atomic_load_explicit(&t->runtime_ns, memory_order_relaxed);
    struct thread_times r = {.user_ns = atomic_load_explicit(&t->user_ns, memory_order_relaxed)};
    r.system_ns = t->settled_ns - r.user_ns;
    spin_unlock_irqrestore(&rq->lock, f);
    return r;
}

u64 thread_runtime(struct thread *t)
{
    irqflags_t f;
    struct runqueue *rq = thread_rq_lock(t, &f);
    if (rq->curr == t)
        rq_update_curr(rq, arch_time_ns());
    u64 r = atomic_load_explicit(&t->runtime_ns, memory_order_relaxed);
    spin_unlock_irqrestore(&rq->lock, f);
    return r;
}

static u32 count_running(void)
{
    u32 n = 0;
    for (u64 m = online_mask(); m; m &= m - 1) {
        struct sched_cpu *c = sched_cpus[__builtin_ctzl(m)];
        n += atomic_load_explicit(&c->rq.queued, memory_order_relaxed);
        n += atomic_load_explicit(&c->cpu.running, memory_order_relaxed) != c->cpu.idle;
    }
    return n;
}

// 2^11 * e^(-5 s / 1, 5 and 15 minutes)
static const u64 decay[3] = {1884, 2014, 2037};

static u64 fold(u64 average, u64 factor, u64 active)
{
    u64 sum = average * factor + active * (LOAD_ONE - factor);
    if (active >= average)
        sum += LOAD_ONE - 1; // round towards the goal, or it is never reached
    return sum / LOAD_ONE;
}

// load_lock held.
static void load_update(u64 now)
{
    u64 due = atomic_load_explicit(&load_next, memory_order_relaxed);
    if (now < due)
        return;
    u64 periods = (now - due) / LOAD_PERIOD_NS + 1;
    atomic_store_explicit(&load_next, due + periods * LOAD_PERIOD_NS, memory_order_relaxed);
    u64 active = count_running() * LOAD_ONE;
    for (u32 i = 0; i < 3; i++) {
        // After some hours of idling nothing is left.
        for (u64 n = periods - 1; n && load[i]; n--)
            load[i] = fold(load[i], decay[i], 0);
        load[i] = fold(load[i], decay[i], active);
    }
}

void load_tick(u64 now)
{
    if (now < atomic_load_explicit(&load_next, memory_order_relaxed) || !spin_trylock(&load_lock))
        return;
    load_update(now);
    spin_unlock(&load_lock);
}

void load_init(u64 now)
{
    atomic_store(&load_next, now + LOAD_PERIOD_NS);
}

void sched_stats(struct sched_stats *out)
{
    *out =
        (struct sched_stats){.running = count_running(),
                             .threads = atomic_load_explicit(&thread_total, memory_order_relaxed),
                             .forks = atomic_load_explicit(&thread_forks, memory_order_relaxed)};
    irqflags_t f = spin_lock_irqsave(&load_lock);
    load_update(arch_time_ns());
    for (u32 i = 0; i < 3; i++)
        out->load[i] = load[i];
    spin_unlock_irqrestore(&load_lock, f);
    for (u64 m = online_mask(); m; m &= m - 1)
        out->switches +=
            atomic_load_explicit(&sched_cpus[__builtin_ctzl(m)]->rq.switches, memory_order_relaxed);
}
