// Machine-owned head of every thread. Offsets used by switch.S are asserted in thread.c.
#pragma once
#include <lib/types.h>

struct trapframe;

// x86-64 extended state in the uncompacted XSAVE layout, as the host hands it over.
struct arch_fpu_state {
    u64 len; // bytes of area that count; 0: initial state
    u8 area[4032];
};
enum { ARCH_FPU_OLD = 512 /* bytes of the FXSAVE area, with which every state begins */ };

struct arch_thread {
    struct cpu *cpu;
    u32 preempt_count;
    _Atomic u32 work; // WORK_* bits, set by anybody
    u64 kstack_top;
    u64 rsp; // while switched out
    // --- own thread ---
    bool (*serve_call)(struct trapframe *tf);
    void (*entry)(void *); // first function
    void *entry_arg;
    void *fiber; // a sanitizer's record of the stack
    u64 fpu_id;  // names this state among all there ever were; a guest process remembers whose it
                 // holds
    struct guest *fpu_guest; // a guest process that holds a newer state than `fpu`, or NULL
    struct arch_fpu_state fpu;
#ifdef CONFIG_DEBUG
    // --- debug: locks held, innermost last (kernel/sync) ---
    const void *held_locks[16];
    u32 held_count;
#endif
};

// `at`, the current thread, goes on with what user memory said: a whole state as long as its own,
// or ARCH_FPU_OLD bytes of one, the rest being initial; 0 bytes: the initial state. The processor
// gets features that it has and no reserved bits. -E_INVAL: another length.
[[nodiscard]] int arch_fpu_load(struct arch_thread *at, const u8 *bytes, u64 len);
