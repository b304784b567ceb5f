// Slabs: caches of equal objects, and kmalloc on top. Per-CPU magazines; never sleeps unless it must reclaim.
#pragma once
#include <lib/types.h>
#include <mem/frame.h>

struct slab_cache;

// A cache of objects of `size` bytes. `name` is kept. ctor may be NULL (runs once per object when its slab is made).
// Boot-time safe after frame_init. NULL on out of memory.
[[nodiscard]] struct slab_cache *slab_create(const char *name, usize size, usize align, void (*ctor)(void *));
[[nodiscard]] void *slab_alloc(struct slab_cache *c, u32 flags); // ALLOC_*; NULL on failure
void slab_free(struct slab_cache *c, void *obj);
void slab_destroy(struct slab_cache *c); // all objects must be free

// Static declaration: DEFINE_SLAB(task_cache, struct task) makes a lazily created typed cache.
struct slab_def {
    const char *name;
    usize size, align;
    struct slab_cache *_Atomic cache;
};
#define DEFINE_SLAB(var, type) static struct slab_def var = {#type, sizeof(type), alignof(type), NULL}
[[nodiscard]] void *slab_def_alloc(struct slab_def *d, u32 flags);
void slab_def_free(struct slab_def *d, void *obj);

// Any size up to 4 MiB. kfree(NULL) is allowed. kmalloc_array checks n*size.
[[nodiscard]] void *kmalloc(usize size, u32 flags);
[[nodiscard]] void *kzalloc(usize size, u32 flags);
[[nodiscard]] void *kmalloc_array(usize n, usize size, u32 flags);
[[nodiscard]] void *krealloc(void *p, usize old_size, usize new_size, u32 flags);
void kfree(void *p);

// Iterates caches for /proc/slabinfo.
struct slab_info {
    const char *name;
    usize size, objects, in_use, slabs, pages_per_slab;
};
bool slab_info(usize index, struct slab_info *out);
