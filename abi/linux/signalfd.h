// Private to the Linux ABI: signals that are read.
#pragma once
struct task;
// A signal became pending for t or one of its threads: wakes those who read or poll it. task->lock
// held or not; any context.
void signalfd_wake(struct task *t);
