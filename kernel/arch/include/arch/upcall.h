// What the machine calls: functions that rooms to the right of arch provide. Only their meaning is
// fixed here.
#pragma once
#include <lib/types.h>

struct trapframe;
struct arch_thread;

enum access_kind { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXEC = 4 };

enum trap_cause { // user exceptions that are not page faults
    TRAP_ILLEGAL,
    TRAP_ILLEGAL_OPERAND,
    TRAP_BREAKPOINT,
    TRAP_MISALIGNED,
    TRAP_ACCESS,     // bus error
    TRAP_PROTECTION, // not allowed, whatever the address
    TRAP_INT_DIVIDE, // from here in the order of EVC_INTDIV and so on
    TRAP_INT_OVERFLOW,
    TRAP_FLOAT_DIVIDE,
    TRAP_FLOAT_OVERFLOW,
    TRAP_FLOAT_UNDERFLOW,
    TRAP_FLOAT_INEXACT,
    TRAP_FLOAT_INVALID,
    TRAP_OTHER,
};

// Boot CPU, interrupts off, running on the boot stack with early console and direct map. dtb:
// kernel address of the device tree.
[[noreturn]] void upcall_boot(const void *dtb); // kernel/init
[[noreturn]] void
upcall_secondary_start(u32 cpu); // kernel/sched: runs on the new CPU's idle thread, interrupts off

struct arch_thread *
upcall_idle_thread(u32 cpu);    // sched: idle thread (with its stack) of a CPU about to start
void upcall_timer(void);        // sched: this CPU's timer fired. Interrupts off
void upcall_ipi(void);          // sched: an IPI arrived. Interrupts off
void upcall_external_irq(void); // device: the interrupt controller has something. Interrupts off
void upcall_thread_start(
    void); // sched: first thing a new thread runs (finishes the switch, enables interrupts)

// Asks for preemption at the end of an interrupt taken in kernel mode (preempt_count is 0 and
// WORK_RESCHED set). Interrupts off.
void upcall_preempt(void); // sched

// Page fault at addr. user: taken in user mode; thread context, interrupts enabled. Handles it or
// posts the event.
void upcall_user_fault(struct trapframe *tf, u64 addr, u32 access);                // syscall
void upcall_user_exception(struct trapframe *tf, enum trap_cause cause, u64 addr); // syscall
// Pending work before user mode: called with interrupts enabled while current's work bits are set;
// runs until they are clear.
void upcall_user_work(struct trapframe *tf); // syscall
// Unhandled kernel trap.
[[noreturn]] void upcall_kernel_fault(struct trapframe *tf, const char *why,
                                      u64 addr); // sync: panic
