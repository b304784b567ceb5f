// Clocks without a call: the machine's counter and the kernel's data page. Runs in user mode; what
// it cannot tell goes to the kernel.
#include "data.h"
#include "machine.h"

struct spec {
    i64 sec, nsec;
};
struct val {
    i64 sec, usec;
};

[[gnu::visibility("hidden")]] extern const volatile struct vdso_data vdso_data;

int __vdso_clock_gettime(i32 clock, struct spec *ts);
int __vdso_gettimeofday(struct val *tv, void *tz);
int __vdso_clock_getres(i32 clock, struct spec *ts);

enum {
    REALTIME,
    MONOTONIC,
    PROCESS_CPU,
    THREAD_CPU,
    MONOTONIC_RAW,
    REALTIME_COARSE,
    MONOTONIC_COARSE,
    BOOTTIME
};
static u64 realtime(void)
{
    for (;;) {
        u32 seq = vdso_data.seq;
        load_barrier();
        u64 ns = monotonic(&vdso_data) + (u64)vdso_data.realtime_offset;
        load_barrier();
        if (!(seq & 1) && vdso_data.seq == seq)
            return ns;
    }
}

// Seconds by multiplication: ns / 10^9 for all u64.
static u64 seconds(u64 ns)
{
    return (u64)((unsigned __int128)(ns >> 9) * 0x44b82fa09b5a53ul >> 64 >> 11);
}

int __vdso_clock_gettime(i32 clock, struct spec *ts)
{
    u64 ns;
    if (!has_time(&vdso_data))
        return call2(NR_CLOCK_GETTIME, (u64)(i64)clock, (u64)ts);
    if (clock == MONOTONIC || clock == MONOTONIC_RAW || clock == MONOTONIC_COARSE ||
        clock == BOOTTIME)
        ns = monotonic(&vdso_data);
    else if (clock == REALTIME || clock == REALTIME_COARSE)
        ns = realtime();
    else
        return call2(NR_CLOCK_GETTIME, (u64)(i64)clock, (u64)ts);
    u64 s = seconds(ns);
    ts->sec = (i64)s;
    ts->nsec = (i64)(ns - s * 1'000'000'000);
    return 0;
}

int __vdso_gettimeofday(struct val *tv, void *tz)
{
    if (tz || !tv || !has_time(&vdso_data))
        return call2(NR_GETTIMEOFDAY, (u64)tv, (u64)tz);
    u64 ns = realtime(), s = seconds(ns);
    tv->sec = (i64)s;
    tv->usec = (i64)((ns - s * 1'000'000'000) / 1000);
    return 0;
}

int __vdso_clock_getres(i32 clock, struct spec *ts)
{
    return call2(NR_CLOCK_GETRES, (u64)(i64)clock, (u64)ts);
}
