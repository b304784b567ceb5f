// The data page in front of the vDSO's code, as user code sees it: the kernel's clock page
// (device/clock_page.h).
#pragma once
#include <lib/types.h>

struct vdso_data {
    u32 seq; // odd while being written
    u32 shift;
    u64 base, mult;      // nanoseconds = (counter - base) * mult >> shift; mult 0: ask the kernel
    i64 realtime_offset; // nanoseconds to add to the monotonic clock
};
