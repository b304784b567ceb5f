// Linux calls in zones of other ABIs' tasks.
#pragma once
#include <arch/context.h>

bool linux_zone_syscall(struct trapframe *tf);
