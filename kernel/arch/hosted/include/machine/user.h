// hosted private: guest processes of a space (tlb.c), user mode and extended state (user.c),
// interrupts (irq.c).
#pragma once
#include <arch/context.h>
#include <arch/mmu.h>
#include <machine/guest.h>

// What one CPU has of an address space: its guest process and what that must do before it runs
// again. Changed with `lock` held, count and all also looked at without; guest and fpu_owner:
// changed by the own CPU, interrupts off.
struct space_cpu {
    u32 lock;
    _Atomic u32 count; // of ops
    _Atomic bool all;  // forget every mapping first
    _Atomic(struct guest *) guest;
    u64 fpu_owner; // arch_thread.fpu_id of the state that the process holds
    struct guest_op ops[GUEST_OPS_MAX];
};

// This CPU's part of the loaded space, with a process. NULL: no memory, or the host gives no
// process. Interrupts off.
struct space_cpu *space_enter(struct arch_aspace *as);
// Copies entries around va (only present user entries) into the guest process before it runs again.
// Interrupts off.
void space_fill(struct arch_aspace *as, struct space_cpu *s, u64 va);
// Applies what is noted. False: the process is gone. Interrupts off.
bool space_apply(struct space_cpu *s);
// The entry for va, 0 if there is none. Interrupts off.
pte_t space_entry(const struct arch_aspace *as, u64 va);

// For sanitizers, around a switch of stacks: before it, from a thread (NULL: a host thread's own
// stack) to another; after it, on the new one, whose thread ran before (NULL: for the first time).
void stack_leave(struct arch_thread *from, struct arch_thread *to);
void stack_enter(struct arch_thread *again);

void fpu_leave(struct arch_thread *at); // fetches a state that a guest process holds
void tlb_answer(struct hosted_cpu *c);  // an inter-processor interrupt arrived
void tlb_init_cpu(struct hosted_cpu *c);
void hosted_serve(struct hosted_cpu *c); // what is pending, interrupts off
extern struct hosted_cpu hosted_cpus[];
