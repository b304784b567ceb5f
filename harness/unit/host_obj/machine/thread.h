// The real machine-owned head of a thread: plain data.
#pragma once
#include "../../../../kernel/arch/riscv64/include/machine/thread.h"
