// Preemption control. While preempt_count is non-zero the thread stays on its CPU and may not sleep.
#pragma once
#include <arch/cpu.h>
#include <stdatomic.h>

// Runs the scheduler if WORK_RESCHED is set; provided by kernel/sched. Called with preempt_count 0.
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
