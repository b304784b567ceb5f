// Physical frames: buddy allocator with per-CPU caches. Every frame of RAM has a 16-byte descriptor.
#pragma once
#include <arch/page.h>
#include <sync/atomic.h>

struct frame {
    _Atomic u32 refs;  // 0: free or not managed
    u16 flags;         // FRAME_*
    u8 order;          // of the block this frame heads
    u8 zone;           // reserved
    union {
        void *owner;      // slab, memobj: whoever holds the frame
        u64 private;      // free for the owner (page-table frames: share state)
    };
};
static_assert(sizeof(struct frame) == 16);

enum { FRAME_RESERVED = 1, FRAME_SLAB = 2, FRAME_TABLE = 4, FRAME_BUDDY = 8, FRAME_CACHE = 16 };

enum alloc_flags {
    ALLOC_ZERO = 1,    // zeroed
    ALLOC_ATOMIC = 2,  // must not reclaim (no sleeping); default may call the reclaim hook
    ALLOC_USER = 4,    // on behalf of a user: fails while the emergency reserve would be touched
};

// Boot: registers RAM ranges (page aligned by shrinking), then ranges to keep out; then builds descriptors (taken from the RAM itself).
void frame_add_ram(paddr_t start, u64 len);
void frame_reserve(paddr_t start, u64 len);
void frame_init(void);
// Gives a range that was reserved (boot image, init text) to the allocator.
void frame_release_range(paddr_t start, u64 len);

// 2^order frames, naturally aligned, reference count 1. NULL when there are none (after the reclaim hook, unless ATOMIC).
[[nodiscard]] struct frame *frame_alloc(u32 order, u32 flags);
void frame_get(struct frame *f);
void frame_put(struct frame *f); // frees at zero
// One page by address; the common short forms.
[[nodiscard]] void *page_alloc(u32 flags); // NULL on failure
void page_free(void *va);

paddr_t frame_to_phys(const struct frame *f);
struct frame *phys_to_frame(paddr_t pa); // NULL if not managed RAM
static inline void *frame_to_virt(const struct frame *f)
{
    return phys_to_virt(frame_to_phys(f));
}

struct frame_stats {
    u64 total, free, reserved, slab, page_tables, kernel_stacks; // in pages
};
void frame_stats(struct frame_stats *out);
u64 frame_free_count(void); // cheap, approximate

// Reclaim: hooks asked to free about `want` pages; return pages freed. Called from frame_alloc in thread context without ATOMIC, in order added.
typedef u64 (*reclaim_fn)(u64 want);
struct reclaim_hook {
    struct reclaim_hook *next;
    reclaim_fn fn;
};
void frame_add_reclaim(struct reclaim_hook *hook);
// Fault injection for tests: fail the n-th allocation from now (0: off).
void frame_fail_after(u64 n);
