// Inside libscarlet: what is told of programs on riscv64.
#pragma once
#include <lib/types.h>

static inline u64 machine_counter(void)
{
    u64 ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks)::"memory");
    return ticks;
}
static inline void load_barrier(void)
{
    __asm__ volatile("fence r, r" ::: "memory");
}
enum : u64 { R_RELATIVE = 3 }; // the relocation that adds the load address
