// Preemption control. While preempt_count is non-zero the thread stays on its CPU and may not
// sleep.
#pragma once
#include <arch/cpu.h>
#include <stdatomic.h>

// Serving an interrupt counts as a very deep preempt_disable, so that both questions cost one load.
enum : u32 { PREEMPT_IRQ = 0x10000 };

// Runs the scheduler if WORK_RESCHED is set; provided by kernel/sched. Called with preempt_count 0.
// Does nothing while interrupts are off.
void preempt_schedule(void);

static inline void preempt_disable(void)
{
    current_arch()->preempt_count++;
    atomic_signal_fence(memory_order_seq_cst);
}
static inline void preempt_enable_no_resched(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    current_arch()->preempt_count--;
}
static inline void preempt_enable(void)
{
    preempt_enable_no_resched();
    if (UNLIKELY(atomic_load_explicit(&current_arch()->work, memory_order_relaxed) &
                 WORK_RESCHED) &&
        current_arch()->preempt_count == 0)
        preempt_schedule();
}

// Brackets of an interrupt handler; interrupts are off in between.
static inline void irq_enter(void)
{
    current_arch()->preempt_count += PREEMPT_IRQ;
    atomic_signal_fence(memory_order_seq_cst);
}
static inline void irq_exit(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    current_arch()->preempt_count -= PREEMPT_IRQ;
}
// True between irq_enter and irq_exit.
static inline bool in_irq(void)
{
    return current_arch()->preempt_count >= PREEMPT_IRQ;
}
// True where sleeping is impossible: a spinlock is held, preemption or interrupts are off, or an
// interrupt is being served.
static inline bool in_atomic(void)
{
    return current_arch()->preempt_count || !arch_irqs_enabled();
}
