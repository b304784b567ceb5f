// Tasks as objects: what a handle to a task points at.
#pragma once
#include <object/object.h>
#include <task/task.h>

void task_object_init(void); // boot, before the first task
// An object for t (takes a reference of its own). It polls readable once the task ends: then its
// exit information is final. -E_NOMEM.
[[nodiscard]] int task_object_create(struct task *t, struct object **out);
bool object_is_task(const struct object *o);
// The task behind the object; lives as long as the object does.
struct task *task_of_object(struct object *o);
// Waits until the task is ending, at most until the absolute monotonic deadline (0: no limit, 1:
// does not wait): its exit information is in *out. -E_TIMEDOUT, -E_RESTART.
[[nodiscard]] int task_object_wait(struct object *o, u64 deadline, struct exit_info *out);
