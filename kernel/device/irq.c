// Interrupt numbers: who serves which, how often they came, and which CPU takes them.
//
// Owns the table of lines. Guarded by irq_lock (interrupts off) for changes; the handler path reads
// a line's action with an acquire load and marks itself in `running`, for which irq_free waits.
#include <arch/upcall.h>
#include <device/irq.h>
#include <device/random.h>
#include <kerr.h>
#include <mem/slab.h>
#include <sched/thread.h>
#include <sync/lock_order.h>
#include <sync/log.h>

struct irq_action {
    irq_handler fn;
    void *arg;
    const char *name;
};
struct irq_line {
    struct irq_action *_Atomic action;
    _Atomic u32 running;
    u32 cpu;             // where it is routed; guarded by irq_lock
    _Atomic u64 *counts; // per CPU
};

static struct spinlock irq_lock = SPINLOCK_INIT(&lock_class_irq);
static const struct irq_chip *_Atomic chip; // set once
static struct irq_line *lines;
static u32 next_cpu;
static _Atomic u64 spurious;

int irq_register_chip(const struct irq_chip *c)
{
    if (atomic_load_explicit(&chip, memory_order_relaxed))
        return -E_BUSY;
    lines = kmalloc_array(c->count, sizeof(*lines), ALLOC_ZERO);
    if (!lines)
        return -E_NOMEM;
    atomic_store_explicit(&chip, c, memory_order_release);
    return 0;
}

int irq_request(u32 irq, const char *name, irq_handler fn, void *arg)
{
    const struct irq_chip *c = atomic_load_explicit(&chip, memory_order_acquire);
    if (!c)
        return -E_NODEV;
    if (!irq || irq >= c->count)
        return -E_INVAL;
    struct irq_action *a = kmalloc(sizeof(*a), 0);
    _Atomic u64 *counts = kmalloc_array(arch_cpu_count(), sizeof(*counts), ALLOC_ZERO);
    if (!a || !counts) {
        kfree(a);
        kfree((void *)counts);
        return -E_NOMEM;
    }
    *a = (struct irq_action){fn, arg, name};
    struct irq_line *l = &lines[irq];
    irqflags_t f = spin_lock_irqsave(&irq_lock);
    bool taken = atomic_load_explicit(&l->action, memory_order_relaxed);
    if (!taken) {
        if (!l->counts) {
            l->counts = counts;
            counts = NULL;
        }
        l->cpu = next_cpu++ % MAX(cpu_count(), 1u);
        atomic_store_explicit(&l->action, a, memory_order_release);
        c->set_enabled(irq, true, l->cpu);
    }
    spin_unlock_irqrestore(&irq_lock, f);
    kfree((void *)counts);
    if (taken)
        kfree(a);
    return taken ? -E_BUSY : 0;
}

void irq_free(u32 irq)
{
    const struct irq_chip *c = atomic_load_explicit(&chip, memory_order_acquire);
    struct irq_line *l = &lines[irq];
    irqflags_t f = spin_lock_irqsave(&irq_lock);
    c->set_enabled(irq, false, l->cpu);
    struct irq_action *a = atomic_exchange_explicit(&l->action, NULL, memory_order_seq_cst);
    spin_unlock_irqrestore(&irq_lock, f);
    while (atomic_load_explicit(&l->running, memory_order_seq_cst))
        arch_relax();
    kfree(a);
}

static void serve(const struct irq_chip *c, u32 irq)
{
    struct irq_line *l = &lines[irq];
    atomic_fetch_add_explicit(&l->running, 1, memory_order_seq_cst);
    struct irq_action *a = atomic_load_explicit(&l->action, memory_order_seq_cst);
    if (LIKELY(a)) {
        _Atomic u64 *n = &l->counts[this_cpu()->index]; // only this CPU writes it
        atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        a->fn(irq, a->arg);
    } else {
        spurious++;
    }
    atomic_fetch_sub_explicit(&l->running, 1, memory_order_release);
    c->complete(irq);
}

void upcall_external_irq(void)
{
    const struct irq_chip *c = atomic_load_explicit(&chip, memory_order_acquire);
    if (!c)
        return;
    irq_enter();
    for (u32 irq; (irq = c->claim());) {
        random_add_moment(irq);
        if (LIKELY(irq < c->count))
            serve(c, irq);
    }
    irq_exit();
}

u32 irq_count(void)
{
    const struct irq_chip *c = atomic_load_explicit(&chip, memory_order_acquire);
    return c ? c->count : 0;
}

const char *irq_stat(u32 irq, u32 cpu, u64 *count)
{
    if (irq >= irq_count())
        return NULL;
    irqflags_t f = spin_lock_irqsave(&irq_lock);
    struct irq_action *a = atomic_load_explicit(&lines[irq].action, memory_order_relaxed);
    const char *name = a ? a->name : NULL; // names are constants of the drivers
    *count = lines[irq].counts && cpu < arch_cpu_count() ? lines[irq].counts[cpu] : 0;
    spin_unlock_irqrestore(&irq_lock, f);
    return name;
}
