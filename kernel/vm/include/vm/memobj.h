// Memory objects: what an area of an address space shows. A memory object is an array of pages,
// cached as frames in a radix tree, filled by read_in and written by write_back; it is the one page
// cache that read, write and mmap share.
#pragma once
#include <lib/radix.h>
#include <mem/frame.h>
#include <sched/lock.h>

struct memobj;

struct memobj_ops {
    // Fills page `index` (frame is zeroed, nobody else fills it) from backing store. NULL: pages
    // start as zeroes (tmpfs, shared anonymous).
    int (*read_in)(struct memobj *o, u64 index, struct frame *f);
    // Writes page `index` out. NULL: the cache is the store (never clean, never reclaimed).
    int (*write_back)(struct memobj *o, u64 index, struct frame *f);
    // Directly addressable store (boot image, device): physical address of page `index`, 0 if none.
    // Pages are never cached nor freed. Called with spinlocks held: must not sleep.
    paddr_t (*direct)(struct memobj *o, u64 index);
    // Last reference gone, pages already dropped.
    void (*destroy)(struct memobj *o);
    // May the object hold `pages` more pages (size limits)? 0 or -E_NOSPC. NULL: always. Negative:
    // pages given back, always 0. May be called with spinlocks held: atomics only.
    int (*account)(struct memobj *o, i64 pages);
};

struct memobj {
    const struct memobj_ops *ops;
    refcount_t refs;
    u32 flags;            // MEMOBJ_*
    _Atomic u64 size;     // bytes; pages wholly past it fault (bus error). Written under `lock`
                          // sleeping lock of the owner
    _Atomic u64 cached;   // pages in the tree
    _Atomic u64 drop_gen; // grows after pages left the tree, before they are unmapped and freed
    u64 id;               // unique, never reused (futex keys)
    // --- guarded by `tree_lock` (writers; readers are RCU) ---
    struct spinlock tree_lock; // class memobj
    struct radix pages;        // index -> struct frame * (low bit: dirty)
    u64 clock;                 // where reclaim goes on
    // --- guarded by map_lock ---
    struct spinlock map_lock;
    struct list areas; // vmas mapping this object (for truncation)
    // --- guarded by the reclaim lock ---
    struct list reclaim_link; // objects with read_in and write_back
};
enum {
    MEMOBJ_DEVICE = 1, // registers and the like: mapped in place, not readable as a file
    MEMOBJ_SHM = 2,
    MEMOBJ_FIXED = 4, // never shrinks nor drops pages (boot image): areas are not listed
};

void memobj_init(struct memobj *o, const struct memobj_ops *ops, u64 size);
// A fresh anonymous shared object (no owner file). NULL: out of memory.
[[nodiscard]] struct memobj *memobj_create_anon(u64 size);
void memobj_get(struct memobj *o);
void memobj_put(struct memobj *o);

enum {
    MEMOBJ_WRITE = 1 /* will be modified: create if missing, mark dirty */,
    MEMOBJ_CREATE = 2,
    MEMOBJ_NOWAIT = 4
};
// Finds page `index`, reading it in if needed; returns it with a reference (direct pages: *direct
// set to the address and NULL frame). Holes without MEMOBJ_CREATE and without read_in: *out = NULL,
// 0 returned, *direct = 0. May sleep. -E_NOMEM, -E_IO, -E_NOSPC.
[[nodiscard]] int memobj_page(struct memobj *o, u64 index, u32 flags, struct frame **out,
                              paddr_t *direct);

struct iobuf;
// The page if it is cached, with a reference; else NULL. Never sleeps.
[[nodiscard]] struct frame *memobj_peek(struct memobj *o, u64 index);
// Pages cached in all objects, for statistics.
u64 memobj_cached_total(void);
void memobj_init_reclaim(void); // part of vm_init

// Copies between the cache and a buffer; the caller has checked size and holds what serialises
// writers. Return bytes copied (short on fault or no memory after the first byte) or an error.
// Reads stop at `size`.
[[nodiscard]] i64 memobj_read(struct memobj *o, u64 pos, struct iobuf *buf);
[[nodiscard]] i64 memobj_write(struct memobj *o, u64 pos,
                               struct iobuf *buf); // grows nothing; caller updates size after
// Truncating and dropping: the owner serialises them with each other and with its own size changes,
// and holds no address space's lock. Changes size: on shrink drops pages past the end, zeroes the
// tail of the last page, unmaps from all address spaces (private copies past the end too). May
// sleep.
void memobj_truncate(struct memobj *o, u64 size);
// Drops cached pages in [first, last] (hole punch); unmaps them too (private copies stay).
void memobj_drop(struct memobj *o, u64 first, u64 last);
// Drops the pages that are not dirty, because the store behind them may have changed. May sleep.
void memobj_drop_clean(struct memobj *o);
[[nodiscard]] int memobj_sync(struct memobj *o); // write_back of dirty pages
