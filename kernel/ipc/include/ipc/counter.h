// Event objects: counters (what Linux calls eventfd) and timers that are read (timerfd).
#pragma once
#include <object/object.h>

// A counter. read: 8 bytes, the value, which becomes 0 (semaphore: 1, and the value drops by one);
// waits while it is 0. write: adds 8 bytes; waits while it would pass UINT64_MAX - 1. -E_NOMEM.
[[nodiscard]] int counter_create(u64 initial, bool semaphore, u32 status, struct object **out);
// Adds from kernel context without waiting; saturates.
void counter_add(struct object *o, u64 n);

// A timer. read: 8 bytes, how often it fired since the last read; waits while that is 0. clock is
// the ABI's number, kept for it.
[[nodiscard]] int timer_object_create(u32 clock, u32 status, struct object **out);
struct timer_setting {
    u64 value_ns;    // relative time to the next firing; 0: disarmed
    u64 interval_ns; // 0: once
};
bool object_is_timer(const struct object *o);
u32 timer_object_clock(struct object *o);
// deadline_ns: absolute monotonic time of the first firing, 0 disarms (other clocks: the caller
// converts). old may be NULL.
void timer_object_set(struct object *o, u64 deadline_ns, u64 interval_ns,
                      struct timer_setting *old);
void timer_object_get(struct object *o, struct timer_setting *out);
