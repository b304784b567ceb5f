// What the vDSO's C code asks of x86-64.
#pragma once
#include "data.h"

enum { NR_CLOCK_GETTIME = 228, NR_CLOCK_GETRES = 229, NR_GETTIMEOFDAY = 96 };

static inline int call2(u64 nr, u64 a, u64 b)
{
    u64 result = nr;
    __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b) : "rcx", "r11", "memory");
    return (int)result;
}

static inline void load_barrier(void) // loads are not reordered with loads
{
    __asm__ volatile("" ::: "memory");
}

static inline bool has_time(const volatile struct vdso_data *d)
{
    return d->mult != 0;
}

// Base, scale and shift never change, so there is no need for a second look.
static inline u64 monotonic(const volatile struct vdso_data *d)
{
    u32 low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    u64 ticks = ((u64)high << 32 | low) - d->base;
    return (u64)((unsigned __int128)ticks * d->mult >> d->shift);
}
