// riscv64 private: lazy floating-point state.
#pragma once
#include <machine/trapframe.h>
bool fpu_first_use(struct trapframe *tf);
