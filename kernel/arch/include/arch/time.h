// The machine's clock and one-shot timer. Part of the arch seam.
#pragma once
#include <lib/types.h>

// Nanoseconds since the clock started (monotonic, the same on all CPUs). Any context.
u64 arch_time_ns(void);
// Raw counter and its frequency.
u64 arch_time_raw(void);
u64 arch_time_hz(void);
// How user code tells arch_time_ns by itself: (counter - base) * mult >> shift. False: it cannot.
struct arch_time_scale {
    u64 base, mult;
    u32 shift;
};
bool arch_time_scale(struct arch_time_scale *out);
// Arms this CPU's one-shot timer for an absolute time; UINT64_MAX disarms. upcall_timer() runs when
// it fires. Interrupts disabled.
void arch_timer_arm(u64 deadline_ns);
