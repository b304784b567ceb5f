// Hosted CPUs: host threads. %gs points at the CPU's block while kernel code runs. "Interrupts off"
// is a flag there: a host signal that finds it set leaves its reason in `pending`, and whoever
// clears the flag looks at that.
#pragma once
#include <lib/types.h>
#include <machine/thread.h>

struct hosted_cpu {
    struct arch_thread *current; // gs:0
    u32 irqs_off;                // gs:8
    _Atomic u32 pending;         // gs:12, PENDING_*; set by any host thread
    struct hosted_cpu *self;     // gs:16
    u32 relaxed;                 // gs:24, rounds of arch_relax
    u32 index;
    _Atomic i32 tid;   // host thread
    _Atomic i32 guest; // host process that this CPU waits for, 0: none. The signal handler stops it
    bool from_user;    // interrupts being served met user mode
    // --- flush requests: tlb.c ---
    alignas(64) _Atomic u64 asked, done;
    struct arch_aspace *loaded;
    _Atomic(struct arch_aspace *) drop, forget;
};
enum : u32 { PENDING_TIMER = 1, PENDING_IPI = 2, PENDING_EXTERNAL = 4 };

void hosted_irq_take(void); // serves what is pending; interrupts on before and after

static inline struct arch_thread *current_arch(void)
{
    struct arch_thread *t;
    __asm__("movq %%gs:0, %0" : "=r"(t));
    return t;
}
static inline struct thread *current(void)
{
    return (struct thread *)(void *)current_arch();
}
static inline struct cpu *this_cpu(void)
{
    return *(struct cpu *volatile *)&current_arch()->cpu;
}
// Interrupts or preemption off.
static inline struct hosted_cpu *hosted_cpu(void)
{
    struct hosted_cpu *c;
    __asm__ volatile("movq %%gs:16, %0" : "=r"(c));
    return c;
}
static inline bool arch_irqs_enabled(void)
{
    u32 off;
    __asm__ volatile("movl %%gs:8, %0" : "=r"(off)::"memory");
    return !off;
}
static inline void arch_irq_disable(void)
{
    __asm__ volatile("movl $1, %%gs:8" ::: "memory");
}
static inline void arch_irq_enable(void)
{
    u32 pending;
    __asm__ volatile("movl $0, %%gs:8\n\tmovl %%gs:12, %0" : "=r"(pending)::"memory");
    if (__builtin_expect(pending != 0, 0))
        hosted_irq_take();
}
static inline irqflags_t arch_irq_save(void)
{
    bool on = arch_irqs_enabled();
    arch_irq_disable();
    return on;
}
static inline void arch_irq_restore(irqflags_t f)
{
    if (f)
        arch_irq_enable();
}
// In loops that wait for another CPU. That one may have lost its processor to somebody else: now
// and then ours is offered.
static inline void arch_relax(void)
{
    enum { ROUNDS = 64, NR_SCHED_YIELD = 24 };
    u32 round = 1;
    __asm__ volatile("pause\n\txaddl %0, %%gs:24" : "+r"(round)::"memory");
    if (round % ROUNDS == ROUNDS - 1) {
        u64 result = NR_SCHED_YIELD;
        __asm__ volatile("syscall" : "+a"(result)::"rcx", "r11", "memory");
    }
#ifdef HOSTED_TSAN // signals do not serve interrupts: hosted_signal
    if (arch_irqs_enabled())
        arch_irq_enable();
#endif
}
