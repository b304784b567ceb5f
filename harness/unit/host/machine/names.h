// Substitute: see kernel/arch/include/arch/names.h.
#pragma once
#define ARCH_TREE "riscv"
