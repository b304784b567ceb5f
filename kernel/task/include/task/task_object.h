// Tasks as objects: what a handle to a task points at.
#pragma once
#include <object/object.h>
#include <task/task.h>

void task_object_init(void); // boot, before the first task
// An object for t (takes a reference of its own). It polls readable once all threads of the task
// have ended and it can be waited for, and as hung up once it was reaped. -E_NOMEM.
[[nodiscard]] int task_object_create(struct task *t, struct object **out);
// One for a task that is about to be made, and what it is for; nobody may see it in between.
[[nodiscard]] int task_object_prepare(struct object **out);
void task_object_set(struct object *o, struct task *t);
bool object_is_task(const struct object *o);
// The task behind the object; lives as long as the object does.
struct task *task_of_object(struct object *o);
// Waits until the task is ending, at most until the absolute monotonic deadline (0: no limit, 1:
// does not wait): its exit information is in *out. -E_TIMEDOUT, -E_RESTART.
[[nodiscard]] int task_object_wait(struct object *o, u64 deadline, struct exit_info *out);
