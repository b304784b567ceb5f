// Host substitute: one thread; interrupts are a flag.
#pragma once
#include <lib/types.h>
#include <machine/thread.h>

extern struct thread *fake_current;
extern bool fake_irqs_off;

static inline struct thread *current(void)
{
    return fake_current;
}
static inline struct arch_thread *current_arch(void)
{
    return (struct arch_thread *)(void *)fake_current;
}
static inline struct cpu *this_cpu(void)
{
    return current_arch()->cpu;
}
static inline irqflags_t arch_irq_save(void)
{
    irqflags_t f = !fake_irqs_off;
    fake_irqs_off = true;
    return f;
}
static inline void arch_irq_restore(irqflags_t f)
{
    if (f)
        fake_irqs_off = false;
}
static inline bool arch_irqs_enabled(void)
{
    return !fake_irqs_off;
}
static inline void arch_irq_enable(void)
{
    fake_irqs_off = false;
}
static inline void arch_irq_disable(void)
{
    fake_irqs_off = true;
}
static inline void arch_relax(void) {}
