// Shared by the files of this room: the free lists, fault injection, poison.
#pragma once
#include <arch/cpu.h>
#include <lib/config.h>
#include <mem/frame.h>

enum : u64 { POISON_FREE = 0x6b6b'6b6b'6b6b'6b6b };

// The scheduler's CPU record begins with the CPU's index; mem is below it and relies on just that.
static inline u32 cpu_index(void)
{
    return *(const volatile u32 *)(const void *)this_cpu();
}

// Is this allocation to fail? One load where fault injection is off.
extern _Atomic u64 mem_fail_countdown;
bool mem_fail_now(void);
static inline bool mem_should_fail(void)
{
    return UNLIKELY(atomic_load_explicit(&mem_fail_countdown, memory_order_relaxed)) &&
           mem_fail_now();
}

// buddy.c. All take the frame lock themselves; blocks handed out have refs 0, flags 0 (or
// FRAME_POISONED) and order set.
void buddy_init(void);
// Free memory [start, end) that no neighbour of is free: boot, without merging.
void buddy_add_span(paddr_t start, paddr_t end);
// A block, or NULL; leaves at least `keep` pages free.
struct frame *buddy_take(u32 order, u64 keep);
// Up to n single frames into out; returns how many. Leaves at least `keep` pages free.
u32 buddy_take_singles(struct frame **out, u32 n, u64 keep);
void buddy_put(struct frame *f, u32 order);
void buddy_put_singles(struct frame **frames, u32 n);
u64 buddy_free_pages(void);

// reclaim.c: asks the hooks; pages freed, 0 where that is not allowed now.
u64 mem_reclaim(u64 want);

// boot.c: total and reserved of the statistics.
void boot_stats(struct frame_stats *out);
