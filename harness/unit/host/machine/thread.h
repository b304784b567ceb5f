// Host substitute: the machine-owned head of a thread. Every host thread is a CPU of its own with
// one thread on it.
#pragma once
#include <lib/types.h>

#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 1
#endif

struct cpu;
struct trapframe;

struct arch_thread {
    struct cpu *cpu;
    u32 preempt_count;
    _Atomic u32 work;
    bool (*serve_call)(struct trapframe *tf);
    const void *held_locks[16];
    u32 held_count;
};
