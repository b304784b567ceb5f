// Wall-clock time: the monotonic clock plus an offset that starts from the real-time clock chip.
// Read without lock.
#pragma once
#include <object/attr.h>

// Nanoseconds since 1970. Any context.
i64 clock_realtime_ns(void);
void clock_realtime(struct timestamp *out);
// Sets it (tasks need a capability; the caller checks). Any thread context.
void clock_set_realtime(const struct timestamp *t);
void clock_set_realtime_ns(i64 ns);
// realtime - monotonic, and a number that grows with each setting (for the vDSO and timers on the
// wall clock).
i64 clock_realtime_offset(u32 *generation);
// Sleeps until the wall clock shows at least ns, also when it is set meanwhile. 0, -E_RESTART.
[[nodiscard]] int clock_sleep_realtime(i64 ns);
