// Inside libscarlet: what is told of programs on x86_64.
#pragma once
#include <lib/types.h>
enum : u64 { R_RELATIVE = 8 }; // the relocation that adds the load address
