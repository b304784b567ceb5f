// Private to the Linux ABI: the call path, and how an interrupted call remembers its restart class
// in the frame.
#pragma once
#include "linux_consts.h"
#include <syscall/dispatch.h>

bool linux_syscall(struct trapframe *tf);
// The restart class of the call in this frame if it was interrupted; forgets it. 0: nothing to
// restart.
u32 linux_take_restart(struct trapframe *tf);
