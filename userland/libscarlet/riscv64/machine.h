// Inside libscarlet: what is told of programs on riscv64.
#pragma once
#include <lib/types.h>
enum : u64 { R_RELATIVE = 3 }; // the relocation that adds the load address
