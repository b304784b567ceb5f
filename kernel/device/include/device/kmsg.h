// Waiting for the kernel log, for whoever reads it (/dev/kmsg, /proc/kmsg, syslog calls).
#pragma once
#include <sched/wait.h>

extern struct waitqueue kmsg_wait; // woken, with key POLL_IN, after records were added
void kmsg_init(void);              // called by device_init
