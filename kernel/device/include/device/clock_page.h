// The clock page: what a program needs to tell the time from the machine's counter without a call.
// One page for all tasks, mapped read-only.
#pragma once
#include <lib/types.h>

struct aspace;
// Monotonic nanoseconds = (counter - base) * mult >> shift; mult 0: programs must ask the kernel.
// These never change. The wall clock is realtime_offset ahead; seq is odd while that is written.
struct clock_page {
    u32 seq, shift;
    u64 base, mult;
    i64 realtime_offset;
};

// The page, made when it is first asked for, never freed. NULL: no memory.
[[nodiscard]] struct clock_page *clock_page_get(void);
// Maps it into an address space that is being built. -E_NOMEM.
[[nodiscard]] int clock_page_map(struct aspace *as, u64 *addr);
// The wall clock was set (kernel/device/clock.c).
void clock_page_update(void);
