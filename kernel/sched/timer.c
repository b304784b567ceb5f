// One-shot timers: per CPU a tree by deadline, and the machine's timer armed for the nearest of:
// first timer, tick, end of slice.
//
// A timer's `cpu` field serialises those who arm and cancel it: whoever swaps IDLE for LOCKED owns
// it until it is queued. Queued timers are guarded by their CPU's base lock. Taking off the first
// timer leaves the machine armed: an interrupt for nothing is cheaper than programming it twice.
#include "sched.h"
#include <arch/upcall.h>

enum : u32 { TIMER_LOCKED = 0xfffffffe };

void timer_base_init(struct timer_base *b, u32 index)
{
    *b = (struct timer_base){.index = index, .hw = UINT64_MAX};
    spin_init(&b->lock, &lock_class_timer);
}

static struct timer *node_timer(struct rb_node *n)
{
    return container_of(n, struct timer, node);
}

static bool timer_less(const struct rb_node *a, const struct rb_node *b)
{
    return container_of(a, struct timer, node)->deadline <
           container_of(b, struct timer, node)->deadline;
}

// Base locked.
static void base_insert(struct timer_base *b, struct timer *t)
{
    if (!b->first || timer_less(&t->node, b->first))
        b->first = &t->node;
    rb_insert(&b->tree, &t->node, timer_less);
}

static void base_remove(struct timer_base *b, struct timer *t)
{
    if (b->first == &t->node)
        b->first = rb_next(&t->node);
    rb_erase(&b->tree, &t->node);
}

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
    t->fn = fn;
    t->deadline = 0;
    atomic_store_explicit(&t->cpu, TIMER_IDLE, memory_order_relaxed);
}

// Takes the timer off its queue, if it is on one, and leaves its cpu field as `then`. Interrupts
// off.
static bool take(struct timer *t, u32 then)
{
    for (;;) {
        u32 cpu = atomic_load_explicit(&t->cpu, memory_order_acquire);
        if (cpu == TIMER_IDLE) {
            if (then == TIMER_IDLE ||
                atomic_compare_exchange_strong_explicit(&t->cpu, &cpu, then, memory_order_acquire,
                                                        memory_order_relaxed))
                return false;
            continue;
        }
        if (cpu == TIMER_LOCKED) { // being armed elsewhere at this moment
            arch_relax();
            continue;
        }
        struct timer_base *b = &sched_cpus[cpu]->timers;
        spin_lock(&b->lock);
        bool ours = atomic_load_explicit(&t->cpu, memory_order_relaxed) == cpu;
        if (ours) {
            base_remove(b, t);
            atomic_store_explicit(&t->cpu, then, memory_order_release);
        }
        spin_unlock(&b->lock);
        if (ours)
            return true;
    }
}

void timer_arm(struct timer *t, u64 deadline_ns)
{
    irqflags_t f = arch_irq_save();
    take(t, TIMER_LOCKED);
    t->deadline = deadline_ns;
    struct timer_base *b = &this_sched_cpu()->timers;
    spin_lock(&b->lock);
    base_insert(b, t);
    atomic_store_explicit(&t->cpu, b->index, memory_order_release);
    timer_want(b, deadline_ns);
    spin_unlock(&b->lock);
    arch_irq_restore(f);
}

bool timer_cancel(struct timer *t)
{
    if (atomic_load_explicit(&t->cpu, memory_order_acquire) == TIMER_IDLE)
        return false;
    irqflags_t f = arch_irq_save();
    bool was = take(t, TIMER_IDLE);
    arch_irq_restore(f);
    return was;
}

static bool handler_running(const struct timer *t)
{
    for (u64 m = online_mask(); m; m &= m - 1)
        if (atomic_load_explicit(&sched_cpus[__builtin_ctzl(m)]->timers.running,
                                 memory_order_acquire) == t)
            return true;
    return false;
}

bool timer_cancel_sync(struct timer *t)
{
    bool was = timer_cancel(t);
    // The handler may arm it again.
    while (handler_running(t) ||
           atomic_load_explicit(&t->cpu, memory_order_acquire) != TIMER_IDLE) {
        arch_relax();
        was |= timer_cancel(t);
    }
    return was;
}

// Calls what is due; returns the next deadline.
static u64 run_due(struct timer_base *b, u64 now)
{
    spin_lock(&b->lock);
    while (b->first && node_timer(b->first)->deadline <= now) {
        struct timer *t = node_timer(b->first);
        base_remove(b, t);
        atomic_store_explicit(&b->running, t, memory_order_relaxed);
        atomic_store_explicit(&t->cpu, TIMER_IDLE,
                              memory_order_release); // who sees this also sees `running`
        spin_unlock(&b->lock);
        t->fn(t); // t may be gone afterwards
        atomic_store_explicit(&b->running, NULL, memory_order_release);
        spin_lock(&b->lock);
    }
    u64 next = b->first ? node_timer(b->first)->deadline : UINT64_MAX;
    spin_unlock(&b->lock);
    return next;
}

void upcall_timer(void)
{
    irq_enter();
    struct sched_cpu *c = this_sched_cpu();
    struct timer_base *b = &c->timers;
    atomic_fetch_add_explicit(&c->cpu.irqs, 1, memory_order_relaxed);
    b->hw = 0; // nothing below programs the machine; it is done once at the end
    u64 now = arch_time_ns();
    u64 next = run_due(b, now);
    u64 sched_next = tick_timer(c, now);
    b->hw = MIN(next, sched_next);
    arch_timer_arm(b->hw);
    irq_exit();
}
