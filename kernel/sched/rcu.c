// Read-copy-update. Readers run with preemption disabled, so a CPU is quiescent when it switches
// threads, waits idle, or is interrupted with preemption enabled. One kernel thread does it all:
// collects the callbacks of every CPU, lets a grace period pass, calls them.
//
// Callbacks wait on a lock-free stack of the CPU that gave them. The rcu thread is woken by that
// CPU's tick or when it goes idle, so a busy system works in batches of 10 ms and an idle one has
// none left. With one CPU the thread's own running is the grace period.
#include "sched.h"
#include <sched/wait.h>
#include <sync/log.h>

enum { KICK_AT = 512 }; // callbacks of one CPU that are worth a wake-up before the tick

static struct thread *rcu_thread;
static _Atomic bool wanted;     // somebody asked the thread to look
static _Atomic u64 waiting_for; // CPUs that have not reported in this grace period

void rcu_init_cpu(struct rcu_cpu *r)
{
    *r = (struct rcu_cpu){.idle_seq = 1};
}

static void wake_rcu(void)
{
    if (rcu_thread && !atomic_exchange(&wanted, true))
        thread_wake(rcu_thread);
}

void rcu_kick(void)
{
    wake_rcu();
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
    head->fn = fn;
    struct rcu_cpu *r = &this_sched_cpu()->rcu; // any CPU's will do if we are moved meanwhile
    struct rcu_head *old = atomic_load_explicit(&r->pending, memory_order_relaxed);
    do {
        head->next = old;
    } while (!atomic_compare_exchange_weak_explicit(&r->pending, &old, head, memory_order_release,
                                                    memory_order_relaxed));
    u32 n = atomic_load_explicit(&r->count, memory_order_relaxed) + 1;
    atomic_store_explicit(&r->count, n, memory_order_relaxed);
    if (UNLIKELY(n >= KICK_AT) && !in_atomic())
        wake_rcu();
}

// Interrupts off, this CPU.
static void report(struct sched_cpu *c)
{
    atomic_store_explicit(&c->rcu.report, false, memory_order_relaxed);
    u64 bit = 1ul << c->cpu.index;
    atomic_fetch_and(&waiting_for, ~bit);
}

// In the scheduler, run queue locked: the thread that waits cannot be woken from here; it polls for
// this rare case.
void rcu_quiescent(struct sched_cpu *c)
{
    report(c);
}

void rcu_ipi(struct sched_cpu *c)
{
    if (!atomic_load_explicit(&c->rcu.report, memory_order_relaxed))
        return;
    u32 own = c->rq.curr == c->rq.idle; // idle threads run with preemption disabled
    if (current_arch()->preempt_count == PREEMPT_IRQ + own)
        report(c);
    else // a reader, or a spinlock: the end of it runs the scheduler, which reports
        atomic_fetch_or_explicit(&current_arch()->work, WORK_RESCHED, memory_order_relaxed);
}

// Asks CPU c to report, unless it is idle: then it is quiescent already.
static void ask(struct sched_cpu *c)
{
    u64 seq = atomic_load(&c->rcu.idle_seq);
    if (!(seq & 1)) {
        atomic_fetch_and(&waiting_for, ~(1ul << c->cpu.index));
        return;
    }
    atomic_store(&c->rcu.report, true);
    ipi_post(c, IPI_RCU);
}

static void grace_period(void)
{
    atomic_thread_fence(memory_order_seq_cst);
    preempt_disable();
    u64 others = online_mask() & ~(1ul << this_cpu()->index);
    atomic_store(&waiting_for, others);
    for (u64 m = others; m; m &= m - 1)
        ask(sched_cpus[__builtin_ctzl(m)]);
    preempt_enable();
    // Nearly always everybody has answered its interrupt by now; long readers are waited for with
    // pauses.
    for (u32 i = 0; i < 1000 && atomic_load(&waiting_for); i++)
        arch_relax();
    while (atomic_load(&waiting_for))
        (void)thread_sleep_until(arch_time_ns() + NS_PER_MS);
    atomic_thread_fence(memory_order_seq_cst);
}

// The callbacks of all CPUs, as a list in no order.
static struct rcu_head *collect(void)
{
    struct rcu_head *all = NULL;
    for (u64 m = online_mask(); m; m &= m - 1) {
        struct rcu_cpu *r = &sched_cpus[__builtin_ctzl(m)]->rcu;
        atomic_store_explicit(&r->count, 0, memory_order_relaxed);
        struct rcu_head *h = atomic_exchange_explicit(&r->pending, NULL, memory_order_acquire);
        while (h) {
            struct rcu_head *next = h->next;
            h->next = all;
            all = h;
            h = next;
        }
    }
    return all;
}

static void rcu_main(void *arg)
{
    (void)arg;
    for (;;) {
        thread_set_state(THREAD_BLOCKED);
        if (!atomic_exchange(&wanted, false)) {
            schedule();
            continue;
        }
        thread_set_state(THREAD_RUNNABLE);
        struct rcu_head *h = collect();
        if (!h)
            continue;
        if (!single_cpu())
            grace_period();
        while (h) {
            struct rcu_head *next = h->next; // h is the callback's from here on
            h->fn(h);
            h = next;
        }
    }
}

void rcu_start(void)
{
    struct thread *t;
    if (thread_create(&t, "rcu", NULL, rcu_main, NULL))
        panic("no memory for the rcu thread");
    rcu_thread = t;
    thread_start(t);
}

struct sync_wait {
    struct rcu_head head;
    struct waitqueue queue;
    _Atomic bool done;
};

static void sync_done(struct rcu_head *h)
{
    struct sync_wait *w = container_of(h, struct sync_wait, head);
    // The waiter may be gone as soon as it sees `done`, so it is set with the queue's lock held,
    // which the waiter takes afterwards.
    irqflags_t f = spin_lock_irqsave(&w->queue.lock);
    atomic_store(&w->done, true);
    wake_all_locked(&w->queue, 0);
    spin_unlock_irqrestore(&w->queue.lock, f);
}

// Waits until a batch that holds a callback given now has come to that callback.
static void wait_batch(void)
{
    struct sync_wait w;
    waitqueue_init(&w.queue);
    atomic_init(&w.done, false);
    rcu_call(&w.head, sync_done);
    wake_rcu();
    wait_event(&w.queue, atomic_load(&w.done));
    irqflags_t f = spin_lock_irqsave(&w.queue.lock);
    spin_unlock_irqrestore(&w.queue.lock, f);
}

void rcu_synchronize(void)
{
    might_sleep();
    if (single_cpu()) // no other thread of this CPU is a reader while we run
        return;
    wait_batch();
}

void rcu_barrier(void)
{
    might_sleep();
    wait_batch(); // everything given before is in this batch or an earlier one,
    wait_batch(); // and batches do not overlap
}
