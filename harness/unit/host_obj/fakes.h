// What object, ipc and the like stand on, for one host thread: memory that can fail, wait queues
// that really keep their waiters, a sleep that runs a hook of the test, and buffers in host memory.
#pragma once
#include <lib/types.h>
#include <vm/user.h>

// The n-th allocation from now fails, once (0: none does). True from fake_failed if it has.
void fake_fail_nth(u32 n);
bool fake_failed(void);
u64 fake_allocated(void); // blocks alive
// Called where a thread would sleep. NULL: sleeping is interrupted at once (-E_RESTART).
extern void (*fake_sleep)(void);
extern u32 fake_sleeps, fake_wakes;
extern u64 fake_now;
void fake_rcu(void); // runs what was handed to rcu_call
u64 fake_rcu_pending(void);
void fake_work(void); // runs queued works
// User copies stop after this many bytes (UINT64_MAX: never).
extern u64 fake_fault_after;
