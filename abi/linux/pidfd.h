// Handles to processes, for the calls that make and wait for them.
#pragma once
#include <object/handle.h>
#include <task/task.h>

// Rights of a handle to t that the current task makes.
u32 pidfd_rights(struct task *t);
