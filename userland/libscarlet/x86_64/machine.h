// Inside libscarlet: what is told of programs on x86_64.
#pragma once
#include <lib/types.h>

static inline u64 machine_counter(void)
{
    u32 low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    return (u64)high << 32 | low;
}
static inline void load_barrier(void) // loads are not reordered with loads
{
    __asm__ volatile("" ::: "memory");
}
enum : u64 { R_RELATIVE = 8 }; // the relocation that adds the load address
