#pragma once
#include <lib/types.h>
struct trapframe;
bool xv6_syscall(struct trapframe *tf); // abi_module.syscall
