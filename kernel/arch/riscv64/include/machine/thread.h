// Machine-owned head of every thread. Offsets are used by trap.S; asserted in asm_check.c.
#pragma once
#include <lib/types.h>

struct trapframe;

struct arch_fpu_state {
    u64 f[32];
    u64 fcsr;
};

struct arch_thread {
    // --- read by trap.S; own thread or its CPU with interrupts off ---
    struct cpu *cpu;                          // 0
    u32 preempt_count;                        // 8
    _Atomic u32 work;                         // 12: WORK_* bits, set by anybody
    u64 kstack_top;                           // 16
    u64 scratch;                              // 24: user sp during entry
    u64 scratch2;                             // 32
    bool (*serve_call)(struct trapframe *tf); // 40: what trap.S calls for a system call
    u64 ra, sp, s[12];                        // 48: callee-saved registers while switched out
    // --- own thread ---
    void (*entry)(void *); // first function
    void *entry_arg;
    bool fpu_used; // state has ever been non-initial
    bool
        fpu_live; // registers of this CPU hold this thread's state (sstatus.FS != Off in its frame)
    struct arch_fpu_state fpu;
#ifdef CONFIG_DEBUG
    // --- debug: locks held, innermost last (kernel/sync) ---
    const void *held_locks[16];
    u32 held_count;
#endif
};

// Any bits are a valid state.
void arch_fpu_load(struct arch_thread *at, const struct arch_fpu_state *in);
