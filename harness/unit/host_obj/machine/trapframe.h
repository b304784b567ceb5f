// The real register frame: plain data.
#pragma once
#include "../../../../kernel/arch/riscv64/include/machine/trapframe.h"
