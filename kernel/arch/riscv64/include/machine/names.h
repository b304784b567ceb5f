// Names of this machine, as text.
#pragma once

#define ARCH_TREE "riscv" // as in arch/names.h
