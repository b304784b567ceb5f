// Early console: firmware output used until a driver takes over, and by panics.
#pragma once
#include <lib/types.h>
// Writes bytes, busy-waiting. Any context, any time after the first instruction.
void arch_early_write(const char *s, usize n);
