// Host substitute: the machine-owned head of a thread.
#pragma once
#include <lib/types.h>

struct cpu;
struct trapframe;
struct arch_fpu_state {
    u64 fcsr;
};
struct arch_thread {
    struct cpu *cpu;
    u32 preempt_count;
    _Atomic u32 work;
    bool (*serve_call)(struct trapframe *tf);
};
