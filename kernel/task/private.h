// Private to the task room.
#pragma once
#include "pid.h"
#include <task/abi.h>
#include <task/task.h>

// --- task.c ---
void task_free_thread(struct task_thread *tt);

// --- group.c; tree_lock held unless said otherwise ---
void group_join(struct task *t, struct pgrp *pg); // takes over a reference to pg
void group_leave(struct task *t);
[[nodiscard]] int group_create_first(struct task *t); // session and group of the first task
// A tie between a task of group pg and its parent in group of_parent is gone (POSIX 3.272): if pg
// is orphaned by that and has a stopped member, all its members get a hang-up, then a continue.
// tree_lock held.
void group_tie_gone(struct pgrp *pg, const struct pgrp *of_parent);

// --- wait.c ---
// Tells t's parent that t changed state (posts t->exit_event or EVENT_CHILD) and wakes waiters. No
// lock held.
void parent_notify(struct task *t, const struct exit_info *info, u32 event_kind);
// Puts t before those of its parent's children that have nothing to tell. tree_lock held.
void child_has_news(struct task *t);
// Takes a zombie out of the tree (tree_lock held). The caller then calls task_reaped.
void task_unlink(struct task *t);
// After that, without the lock: tells who polls it, and drops the tree's reference.
void task_reaped(struct task *t);

// --- task_object.c ---
void task_object_changed(struct task *t); // it became a zombie or was reaped: wakes those who poll

// --- count.c ---
struct user_count *user_count_get(u32 uid); // NULL: no memory
void user_count_put(struct user_count *u);
// One more task for the user unless over `limit`; false if refused.
bool user_count_charge(struct user_count *u, u64 limit, bool force);
void user_count_uncharge(struct user_count *u);

// --- usage.c ---
void usage_add(struct usage *sum, const struct usage *u);
void usage_of_thread(struct thread *t, struct usage *out);
