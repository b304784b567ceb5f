// Private to the native ABI: the first registers of threads and the stack frame of an event
// handler, one source per machine.
#pragma once
#include <arch/context.h>

struct scarlet_task_event;
// Makes tf run entry(event) on the stack below stack_top (0: the running one). -E_FAULT: the stack
// cannot take it.
[[nodiscard]] int event_frame_push(struct trapframe *tf, u64 entry, u64 stack_top,
                                   const struct scarlet_task_event *e, u32 blocked);
// Undoes that from where the stack pointer is. -E_FAULT: no frame there.
[[nodiscard]] int event_frame_pop(struct trapframe *tf, u32 *blocked);
// Turns the creator's registers into a new thread's: entry(argument), its stack pointer at `stack`,
// a multiple of 16.
void thread_frame_init(struct trapframe *tf, u64 entry, u64 stack, u64 argument);
