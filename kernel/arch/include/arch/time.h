// The machine's clock and one-shot timer. Part of the arch seam.
#pragma once
#include <lib/types.h>

// Nanoseconds since the clock started (monotonic, the same on all CPUs). Any context.
u64 arch_time_ns(void);
// Raw counter and its frequency, for the vDSO.
u64 arch_time_raw(void);
u64 arch_time_hz(void);
// Arms this CPU's one-shot timer for an absolute time; UINT64_MAX disarms. upcall_timer() runs when
// it fires. Interrupts disabled.
void arch_timer_arm(u64 deadline_ns);
