// Physical frames: a buddy allocator with per-CPU caches of single frames. Every frame of RAM has a
// 16-byte descriptor.
//
// Every function may be called in any context, interrupts included, unless it says otherwise.
// Nothing here sleeps by itself; only the reclaim hooks may, and they run only where the caller
// may.
#pragma once
#include <arch/page.h>
#include <sync/atomic.h>

struct frame {
    _Atomic u32 refs; // 0: free, or not the first frame of its block
    u16 flags;        // FRAME_*; while allocated the holder's business, 0 at first
    u8 order;         // of the block this frame heads
    u8 free_list;     // the buddy allocator's: 1 + order of the free block this frame heads, or 0
    union {
        void *owner; // slab, memobj: whoever holds the frame. NULL at first
        u64 private; // free for the holder (page-table frames: share state)
    };
};
static_assert(sizeof(struct frame) == 16);

enum {
    FRAME_RESERVED = 1, // never given out (kernel image, boot image, descriptors)
    FRAME_SLAB = 2,     // part of a slab; owner is the slab, on every frame of it
    FRAME_TABLE = 4,    // for the holder: a page table
    FRAME_POISONED = 8, // free and filled with POISON_FREE (debug)
};

enum { FRAME_ORDER_MAX = 15 }; // largest block: 128 MiB

enum alloc_flags {
    ALLOC_ZERO = 1,   // zeroed
    ALLOC_ATOMIC = 2, // must not reclaim (no sleeping); default may call the reclaim hooks
    ALLOC_USER = 4,   // on behalf of a user: fails while the emergency reserve would be touched
};

// Boot, single-threaded: registers RAM ranges (page aligned by shrinking), then ranges to keep out
// (by growing); both may overlap and come in any order. Then frame_init builds the descriptors, in
// RAM itself; panics without RAM.
void frame_add_ram(paddr_t start, u64 len);
void frame_reserve(paddr_t start, u64 len);
void frame_init(void);
// Gives whole frames of a range that was reserved (boot image, init text) to the allocator. Once;
// panics otherwise.
void frame_release_range(paddr_t start, u64 len);

// 2^order frames, naturally aligned, reference count 1 on the first. NULL when there are none
// (after the reclaim hooks, unless ALLOC_ATOMIC or in atomic context).
[[nodiscard]] struct frame *frame_alloc(u32 order, u32 flags);
// Another reference, by a holder of one.
static inline void frame_get(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}
// For lock-free lookups: takes a reference unless the frame is free. It may then be another's: look
// again.
[[nodiscard]] static inline bool frame_get_not_zero(struct frame *f)
{
    u32 n = atomic_load_explicit(&f->refs, memory_order_relaxed);

    while (n)
        if (atomic_compare_exchange_weak_explicit(&f->refs, &n, n + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}
void frame_put(struct frame *f); // frees the block at zero
// One page by address; the common short forms.
[[nodiscard]] void *page_alloc(u32 flags); // NULL on failure
void page_free(void *va);
// The same for a page that is all zero again (emptied page tables): a later ALLOC_ZERO is then
// free.
void page_free_zeroed(void *va);

// RAM ranges; constant after frame_init. The largest one is at hand, the others take a search.
struct frame_range {
    paddr_t base;
    u64 pages;
    struct frame *frames;
};
extern struct frame_range frame_main;
struct frame *frame_find(paddr_t pa);
paddr_t frame_locate(const struct frame *f);

static inline paddr_t frame_to_phys(const struct frame *f)
{
    u64 i = ((u64)(uintptr_t)f - (u64)(uintptr_t)frame_main.frames) / sizeof(*f);

    return LIKELY(i < frame_main.pages) ? frame_main.base + (i << PAGE_SHIFT) : frame_locate(f);
}
// NULL if not RAM. Reserved frames have descriptors too.
static inline struct frame *phys_to_frame(paddr_t pa)
{
    u64 i = (pa - frame_main.base) >> PAGE_SHIFT;

    return LIKELY(i < frame_main.pages) ? frame_main.frames + i : frame_find(pa);
}
static inline void *frame_to_virt(const struct frame *f)
{
    return phys_to_virt(frame_to_phys(f));
}
static inline struct frame *virt_to_frame(const void *va) // direct-map addresses
{
    return phys_to_frame(virt_to_phys(va));
}

// What frames are used for, as far as anybody says so: for /proc/meminfo. Slabs count themselves.
enum frame_use { FRAME_USE_SLAB, FRAME_USE_TABLE, FRAME_USE_KSTACK, FRAME_USES };
void frame_account(enum frame_use use, i64 pages);

struct frame_stats {
    u64 total, free, reserved, slab, page_tables, kernel_stacks; // in pages
};
void frame_stats(struct frame_stats *out);
u64 frame_free_count(void); // pages; cheap, approximate

// Reclaim: hooks asked to free about `want` pages; return pages freed. Called from frame_alloc
// where the caller may sleep, in order added. A caller may hold sleeping locks: hooks only try
// theirs. Never called again from inside a hook.
typedef u64 (*reclaim_fn)(u64 want);
struct reclaim_hook {
    struct reclaim_hook *next;
    reclaim_fn fn;
};
void frame_add_reclaim(struct reclaim_hook *hook); // for good
// Fault injection for tests: the n-th allocation from now (frames, slab objects, kmalloc) fails. 0:
// off. Anybody's, or only the current thread's; there is one count, the last call decides.
void frame_fail_after(u64 n);
void frame_fail_own(u64 n);
struct arch_thread;
// A thread has ended: nobody who comes to its place later is meant.
void frame_fail_forget(const struct arch_thread *gone);
u64 frame_fail_left(void); // what is left of n; 0: it failed, or never was asked to
