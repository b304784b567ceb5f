// The real encoding of page-table entries: it is plain arithmetic.
#pragma once
#include "../../../../kernel/arch/riscv64/include/machine/mmu.h"
