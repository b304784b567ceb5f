// Memory objects, private to kernel/vm.
#pragma once
#include <vm/memobj.h>

enum {
    CACHE_ICACHE_CLEAN = 1
}; // in frame->private of a cached page: instruction fetches see its bytes

static inline struct frame *object_frame(void *item)
{
    return (struct frame *)((uintptr_t)item & ~(uintptr_t)1);
}
static inline u64 object_pages(u64 size)
{
    return (size >> PAGE_SHIFT) + (size & PAGE_MASK ? 1 : 0);
}
// Adds a filled frame as page `index`; the caller's reference becomes the tree's. -E_EXIST,
// -E_NOMEM, -E_NOSPC: it stays the caller's.
[[nodiscard]] int memobj_insert(struct memobj *o, u64 index, struct frame *f, bool dirty);
// False: f is page `index` no more.
bool memobj_mark_dirty(struct memobj *o, u64 index, struct frame *f);
// Empties what areas show of pages [first, last]; even_private: private copies too.
void memobj_unmap(struct memobj *o, u64 first, u64 last, bool even_private);
void memobj_count_dropped(u64 pages); // statistics
