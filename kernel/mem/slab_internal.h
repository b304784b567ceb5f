// Slab caches as slab.c, slab_debug.c and kmalloc.c see them.
#pragma once
#include "mem_internal.h"

#include <lib/list.h>
#include <mem/slab.h>
#include <sync/spinlock.h>

// One run of frames, cut into objects. The header lies at its start.
struct slab {
    struct slab_cache *cache; // constant
    // --- guarded by the cache's lock ---
    struct list link; // on cache->partial; on no list while no object is free here
    void *free;       // list of free objects through their links
    u32 fresh;        // objects from this number on have never been handed out
    u32 in_use;       // objects not free here; those on a CPU's list count
};

// The free objects at one CPU's hand. Used by that CPU with interrupts off; others only read count.
struct slab_cpu {
    alignas(16) void *free;
    _Atomic u32 count;
};

struct slab_cache {
    // --- constant ---
    const char *name; // NULL: the record is unused
    u32 size;         // as asked for
    u32 stride;       // from object to object
    u32 first;        // offset of object 0 in its slab
    u32 link;         // offset of the link word in a free object
    u32 per_slab;     // objects
    u32 order;        // frames per slab, log2
    u32 batch;        // objects moved between a CPU's list and the slabs at a time
    u32 limit;        // a CPU's list is never longer
    void (*ctor)(void *);
    struct slab_cache *_Atomic next; // all records, used or not; set once
    // --- guarded by lock ---
    struct spinlock lock;
    struct list partial; // slabs with a free object; wholly free ones at the end
    u32 empty;           // wholly free slabs, all on partial
    _Atomic u32 slabs;
    _Atomic u64 held; // objects not free in their slabs
    // --- each used by its CPU ---
    struct slab_cpu cpu[]; // arch_cpu_count()
};

// Links are 8-aligned, as objects and `link` are.
static inline void *slab_link(const struct slab_cache *c, void *obj)
{
    void *next;

    __builtin_memcpy(&next, __builtin_assume_aligned((u8 *)obj + c->link, 8), sizeof(next));
    return next;
}
static inline void slab_set_link(const struct slab_cache *c, void *obj, void *next)
{
    __builtin_memcpy(__builtin_assume_aligned((u8 *)obj + c->link, 8), &next, sizeof(next));
}

// slab_debug.c: only called in debug builds. In memory an object is followed by a red zone and a
// trailer; in front of it ends the trailer of its neighbour or a red zone.
enum { SLAB_TRAILER = 24 }; // red zone, state, link: from the object's end, rounded up to 8
void slab_debug_fresh(const struct slab_cache *c, void *obj);
void slab_debug_alloc(const struct slab_cache *c, void *obj);
void slab_debug_free(const struct slab_cache *c, void *obj);
