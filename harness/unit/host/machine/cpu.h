// Host substitute: CPU basics. Interrupts are a flag per host thread; nothing ever interrupts.
#pragma once
#include <lib/types.h>
#include <machine/thread.h>

extern _Thread_local struct arch_thread host_thread;
extern _Thread_local bool host_irqs_off;

static inline struct arch_thread *current_arch(void)
{
    return &host_thread;
}
static inline struct thread *current(void)
{
    return (struct thread *)(void *)&host_thread;
}
static inline struct cpu *this_cpu(void)
{
    return host_thread.cpu;
}
static inline irqflags_t arch_irq_save(void)
{
    irqflags_t f = !host_irqs_off;
    host_irqs_off = true;
    return f;
}
static inline void arch_irq_restore(irqflags_t f)
{
    if (f)
        host_irqs_off = false;
}
static inline bool arch_irqs_enabled(void)
{
    return !host_irqs_off;
}
static inline void arch_irq_enable(void)
{
    host_irqs_off = false;
}
static inline void arch_irq_disable(void)
{
    host_irqs_off = true;
}
static inline void arch_relax(void)
{
    __builtin_ia32_pause();
}
