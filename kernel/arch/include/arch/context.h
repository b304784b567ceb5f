// Threads as the machine sees them: context switch, first entry, user trapframes, FPU.
#pragma once
#include <arch/cpu.h>
#include <arch/page.h>
#include <machine/trapframe.h> // struct trapframe

// Switches from prev to next; returns when prev is switched to again. Interrupts disabled. Saves
// callee-saved registers and, when dirty, the FPU.
void arch_context_switch(struct arch_thread *prev, struct arch_thread *next);

// Prepares a new thread's first switch-in. stack_top is the high end of its kernel stack
// (16-aligned). fn(arg) runs first with interrupts disabled inside upcall_thread_start(); it must
// not return.
void arch_thread_init(struct arch_thread *at, void *stack_top, void (*fn)(void *), void *arg);

// The user-mode register frame of a thread, at the top of its kernel stack. Valid while the thread
// is inside the kernel.
struct trapframe *arch_user_frame(struct arch_thread *at);
// Leaves the kernel for user mode with the thread's user frame, running pending work first. Thread
// context.
[[noreturn]] void arch_enter_user(void);

// Neutral accessors of a user frame.
//   u64 *tf_args(tf): six call arguments, contiguous; u64 tf_syscall_nr(tf); u64 tf_pc(tf); void
//   tf_set_pc(tf, v); u64 tf_sp(tf); void tf_set_sp(tf, v); i64 tf_result(tf); void
//   tf_set_result(tf, v); void tf_set_tls(tf, v); void tf_init(tf, pc, sp): fresh user frame, all
//   else zero; void tf_restart_syscall(tf): makes the interrupted call instruction run again with
//   its original first argument.
// (inline in machine/trapframe.h)

// What serves the system calls of a thread: called with interrupts enabled and the thread's user
// frame. The callee-saved registers are in the frame only if tf_is_full(tf); a server that needs
// them answers true once and is called again with a full frame.
typedef bool (*call_server)(struct trapframe *tf);
static inline void arch_thread_set_call(struct arch_thread *at, call_server fn)
{
    at->serve_call = fn;
}
static inline call_server arch_thread_call(const struct arch_thread *at)
{
    return at->serve_call;
}

// FPU state of a thread: copies it to memory (for signal frames, fork). Taking it back from there
// is each machine's own: arch_fpu_load in machine/thread.h. arch_fpu_clear: fresh state at exec.
struct arch_fpu_state; // machine/trapframe.h
void arch_fpu_save(struct arch_thread *at, struct arch_fpu_state *out);
void arch_fpu_fork(struct arch_thread *child); // child inherits current's state
void arch_fpu_clear(struct arch_thread *at);
