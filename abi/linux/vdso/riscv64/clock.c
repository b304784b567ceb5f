// Clocks without a call: the time register and the kernel's data page. Runs in user mode; what it
// cannot tell goes to the kernel.
#include "../data.h"

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
enum { NR_CLOCK_GETTIME = 113, NR_CLOCK_GETRES = 114, NR_GETTIMEOFDAY = 169 };

static int call2(u64 nr, u64 a, u64 b)
{
    register u64 r0 __asm__("a0") = a;
    register u64 r1 __asm__("a1") = b;
    register u64 r7 __asm__("a7") = nr;
    __asm__ volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r7) : "memory");
    return (int)r0;
}

// Scale and shift never change, so the monotonic clock needs no second look.
static u64 monotonic(void)
{
    u64 ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks * vdso_data.mult >> vdso_data.shift;
}

static u64 realtime(void)
{
    for (;;) {
        u32 seq = vdso_data.seq;
        __asm__ volatile("fence r, r" ::: "memory");
        u64 ns = monotonic() + (u64)vdso_data.realtime_offset;
        __asm__ volatile("fence r, r" ::: "memory");
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
    if (clock == MONOTONIC || clock == MONOTONIC_RAW || clock == MONOTONIC_COARSE ||
        clock == BOOTTIME)
        ns = monotonic();
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
    if (tz || !tv)
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
