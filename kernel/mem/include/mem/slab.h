// Slabs: caches of equal objects, and kmalloc on top. Per-CPU free lists; never sleeps unless it
// must reclaim.
//
// Every function may be called in any context, interrupts included, unless it says otherwise.
// ALLOC_* flags are those of <mem/frame.h>: without ALLOC_ATOMIC an allocation may run the reclaim
// hooks where sleeping is allowed. Debug builds put red zones around objects, fill free ones with
// 0x6b, and stop at a second free, an overrun or a write after free.
#pragma once
#include <lib/types.h>
#include <mem/frame.h>

struct slab_cache;

// A cache of objects of `size` bytes (1..16 KiB), aligned to `align` (a power of two up to a page;
// 0: 8 or more). `name` is kept. ctor may be NULL; it runs once per object when its slab is made,
// and objects must be freed in the state it leaves (it must not allocate from the same cache).
// Boot-time safe after frame_init. NULL on out of memory.
[[nodiscard]] struct slab_cache *slab_create(const char *name, usize size, usize align,
                                             void (*ctor)(void *));
// ALLOC_*; NULL on failure. ALLOC_ZERO is not for caches with a ctor.
[[nodiscard]] void *slab_alloc(struct slab_cache *c, u32 flags);
void slab_free(struct slab_cache *c, void *obj);
// All objects must be free and nobody may be using the cache. Panics if objects are missing.
void slab_destroy(struct slab_cache *c);

// Static declaration: DEFINE_SLAB(task_cache, struct task) makes a lazily created typed cache.
struct slab_def {
    const char *name;
    usize size, align;
    struct slab_cache *_Atomic cache;
};
#define DEFINE_SLAB(var, type)                                                                     \
    static struct slab_def var = {#type, sizeof(type), alignof(type), NULL}
[[nodiscard]] void *slab_def_alloc(struct slab_def *d, u32 flags);
void slab_def_free(struct slab_def *d, void *obj);

// Any size up to 4 MiB, at least 16-byte aligned; sizes from a page on are whole pages, page
// aligned, rounded up to a power of two. Size 0 gives a small object. kfree(NULL) is allowed.
// kmalloc_array checks n*size.
[[nodiscard]] void *kmalloc(usize size, u32 flags);
[[nodiscard]] void *kzalloc(usize size, u32 flags);
[[nodiscard]] void *kmalloc_array(usize n, usize size, u32 flags);
// Keeps the first MIN(old_size, new_size) bytes. On failure p stays as it was. p may be NULL
// (old_size 0).
[[nodiscard]] void *krealloc(void *p, usize old_size, usize new_size, u32 flags);
void kfree(void *p);
// Bytes that p really has room for.
[[nodiscard]] usize kmalloc_usable(const void *p);

// Gives frames of empty slabs back, this CPU's free objects first; returns pages. frame_alloc's
// reclaim does so by itself.
u64 slab_shrink(u64 want);

// Iterates caches for /proc/slabinfo: index 0, 1, ...; false at the end. Numbers are of one moment,
// roughly.
struct slab_info {
    const char *name;
    usize size, objects, in_use, slabs, pages_per_slab;
};
bool slab_info(usize index, struct slab_info *out);
