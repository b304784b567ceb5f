// Inter-processor interrupts: reasons are bits in the target's record, so any number of them cost
// one interrupt. Cross calls: each CPU has one slot as a caller; the target's call_from says whose
// slots to run. No allocation, callers do not wait for each other.
#include "sched.h"
#include <arch/upcall.h>
#include <sync/log.h>

void ipi_post(struct sched_cpu *c, u32 reason)
{
    // Whoever turns the reasons from none to some sends; the target takes them all at once.
    if (!atomic_fetch_or(&c->cpu.ipi_reasons, reason))
        arch_ipi_send(c->cpu.index);
}

static void run_calls(struct sched_cpu *c)
{
    u64 from = atomic_exchange(&c->call_from, 0);
    for (; from; from &= from - 1) {
        struct call_slot *slot = &sched_cpus[__builtin_ctzl(from)]->call;
        slot->fn(slot->arg);
        atomic_fetch_and_explicit(&slot->pending, ~(1ul << c->cpu.index), memory_order_release);
    }
}

void upcall_ipi(void)
{
    irq_enter();
    struct sched_cpu *c = this_sched_cpu();
    u32 reasons = atomic_exchange(&c->cpu.ipi_reasons, 0);
    atomic_fetch_add_explicit(&c->cpu.irqs, 1, memory_order_relaxed);
    if (UNLIKELY(reasons & IPI_STOP))
        arch_halt();
    if (reasons & IPI_CALL)
        run_calls(c);
    if ((reasons & IPI_RESCHED) && c->rq.curr == c->rq.idle)
        atomic_fetch_or_explicit(&c->rq.curr->arch.work, WORK_RESCHED, memory_order_relaxed);
    if (reasons & IPI_RCU)
        rcu_ipi(c);
    if (reasons & IPI_WATCH)
        watchdog_watch(c);
    if (reasons & IPI_BACKTRACE)
        watchdog_backtrace();
    irq_exit();
}

void cpu_call_mask(u64 mask, void (*fn)(void *), void *arg)
{
    kdebug_assert(arch_irqs_enabled());
    preempt_disable();
    struct sched_cpu *c = this_sched_cpu();
    u64 self = 1ul << c->cpu.index, others = mask & online_mask() & ~self;
    if (others) {
        c->call.fn = fn;
        c->call.arg = arg;
        atomic_store_explicit(&c->call.pending, others, memory_order_relaxed);
        for (u64 m = others; m; m &= m - 1) {
            struct sched_cpu *to = sched_cpus[__builtin_ctzl(m)];
            atomic_fetch_or(&to->call_from, self);
            ipi_post(to, IPI_CALL);
        }
    }
    if (mask & self) {
        irqflags_t f = arch_irq_save();
        fn(arg);
        arch_irq_restore(f);
    }
    while (others && atomic_load_explicit(&c->call.pending, memory_order_acquire))
        arch_relax(); // interrupts are on: we serve others' calls meanwhile
    preempt_enable();
}

void cpu_call_others(void (*fn)(void *), void *arg)
{
    preempt_disable();
    cpu_call_mask(~(1ul << this_cpu()->index), fn, arg);
    preempt_enable();
}

void thread_set_work(struct thread *t, u32 work_bits)
{
    atomic_fetch_or(&t->arch.work, work_bits);
    if (t == current() || !atomic_load(&t->on_cpu))
        return; // it looks before it returns to user mode
    preempt_disable();
    struct sched_cpu *c = sched_cpus[atomic_load_explicit(&t->last_cpu, memory_order_relaxed)];
    if (c != this_sched_cpu())
        ipi_post(c, IPI_RESCHED); // the interrupt's way back to user mode looks at the bits
    preempt_enable();
}

static void stop_others(void)
{
    for (u64 m = online_mask() & ~(1ul << this_cpu()->index); m; m &= m - 1)
        ipi_post(sched_cpus[__builtin_ctzl(m)], IPI_STOP);
}

void sched_ipi_init(void)
{
    panic_set_stop(stop_others);
}
