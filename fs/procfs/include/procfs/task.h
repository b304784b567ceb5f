// What others ask of /proc.
#pragma once
#include <object/object.h>
#include <task/task.h>

// The task that an open directory /proc/N speaks of: counted. -E_BADF: o is nothing of the kind;
// -E_SRCH: the task is gone, whatever its number means by now.
[[nodiscard]] int proc_task_of(struct object *o, struct task **out);
