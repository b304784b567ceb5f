// riscv64: inline CPU basics. tp holds the current thread while in the kernel.
#pragma once
#include <lib/types.h>
#include <machine/thread.h>

#define SSTATUS_SIE (1ul << 1)
#define SSTATUS_SPIE (1ul << 5)
#define SSTATUS_SPP (1ul << 8)
#define SSTATUS_FS (3ul << 13)
#define SSTATUS_FS_INITIAL (1ul << 13)
#define SSTATUS_FS_CLEAN (2ul << 13)
#define SSTATUS_FS_DIRTY (3ul << 13)
#define SSTATUS_SUM (1ul << 18)
#define SIE_SSIE (1ul << 1)
#define SIE_STIE (1ul << 5)
#define SIE_SEIE (1ul << 9)

#define csr_read(csr)                                                                              \
    ({                                                                                             \
        u64 v_;                                                                                    \
        __asm__ volatile("csrr %0, " #csr : "=r"(v_)::"memory");                                   \
        v_;                                                                                        \
    })
#define csr_write(csr, val) __asm__ volatile("csrw " #csr ", %0" ::"rK"((u64)(val)) : "memory")
#define csr_set(csr, val) __asm__ volatile("csrs " #csr ", %0" ::"rK"((u64)(val)) : "memory")
#define csr_clear(csr, val) __asm__ volatile("csrc " #csr ", %0" ::"rK"((u64)(val)) : "memory")

static inline struct arch_thread *current_arch(void)
{
    struct arch_thread *t;
    __asm__("mv %0, tp" : "=r"(t));
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
static inline irqflags_t arch_irq_save(void)
{
    u64 v;
    __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(v)::"memory");
    return v & SSTATUS_SIE;
}
static inline void arch_irq_restore(irqflags_t f)
{
    __asm__ volatile("csrs sstatus, %0" ::"r"(f) : "memory");
}
static inline bool arch_irqs_enabled(void)
{
    return csr_read(sstatus) & SSTATUS_SIE;
}
static inline void arch_irq_enable(void)
{
    __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}
static inline void arch_irq_disable(void)
{
    __asm__ volatile("csrci sstatus, 2" ::: "memory");
}
static inline void arch_relax(void)
{
    // "pause" hint (Zihintpause), a nop elsewhere
    __asm__ volatile(".word 0x0100000f" ::: "memory");
}
