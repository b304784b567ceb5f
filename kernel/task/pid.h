// Private: numbers of tasks, threads, groups and sessions. One number space; a number stays taken
// while anything bears it.
#pragma once
#include <task/task.h>

struct pid {
    u32 nr;
    // --- guarded by pid_lock for writing; readers use RCU ---
    u32 users; // which of the four are set
    struct task *_Atomic task;
    struct task_thread *_Atomic thread;
    struct pgrp *_Atomic pgrp;
    struct session *_Atomic session;
    struct rcu_head rcu;
};

// A fresh number (cyclic), with users 1 for the caller; `wanted` non-zero asks for that one
// (-E_EXIST). -E_AGAIN when all are taken, -E_NOMEM.
[[nodiscard]] int pid_alloc(u32 wanted, struct pid **out);
void pid_hold(struct pid *p);
void pid_release(struct pid *p); // frees the number with the last user
struct pid *pid_lookup(u32 nr);  // under rcu_read_lock; NULL if not taken
// First number >= nr in use, or NULL. Under rcu_read_lock.
struct pid *pid_next(u32 nr);
