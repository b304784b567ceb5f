// Areas of an address space: private to kernel/vm. Everything here wants as->lock held for writing
// unless it says otherwise.
#pragma once
#include <lib/list.h>
#include <vm/aspace.h>

enum : u64 {
    STACK_GUARD_GAP = 256 * PAGE_SIZE, // kept free below a growing stack
    MMAP_LOWEST = 0x10000,             // lowest address chosen by us
};

// Whether `more` areas may come to the space's.
bool areas_may_grow(const struct aspace *as, u32 more); // lock held

static inline struct vma *area_of(struct rb_node *n)
{
    return n ? rb_entry(n, struct vma, node) : NULL;
}
static inline struct vma *area_next(struct vma *v) // lock held for reading
{
    return area_of(rb_next(&v->node));
}
static inline struct vma *area_prev(struct vma *v) // lock held for reading
{
    return area_of(rb_prev(&v->node));
}
static inline u64 area_pages(const struct vma *v)
{
    return (v->end - v->start) >> PAGE_SHIFT;
}
// Index of the object's page that an address of the area shows.
static inline u64 area_index(const struct vma *v, u64 addr)
{
    return (v->offset + (addr - v->start)) >> PAGE_SHIFT;
}

// What an area is, without its places in tree and lists, which other locks guard.
static inline struct vma area_content(const struct vma *v) // lock held for reading
{
    return (struct vma){.start = v->start,
                        .end = v->end,
                        .flags = v->flags,
                        .object = v->object,
                        .offset = v->offset,
                        .file = v->file,
                        .ops = v->ops,
                        .aspace = v->aspace,
                        .label = v->label};
}
// A blank area, not in any space. NULL: out of memory.
[[nodiscard]] struct vma *area_alloc(void);
// A copy of v with its own references to object and file, not in any space. NULL: out of memory.
[[nodiscard]] struct vma *area_copy(const struct vma *v);
// Gives back an area that is in no space: its references, then itself. May sleep and take file
// system locks: no as->lock.
void area_free(struct vma *v);
void areas_free(struct list *dead); // those chained by areas_detach

// Puts v into / takes it out of the space: tree, gaps, object's list. Counting is area_account's.
void area_insert(struct aspace *as, struct vma *v);
void area_erase(struct aspace *as, struct vma *v);
// Changes an area's bounds (neighbours permitting); offset follows start.
void area_resize(struct aspace *as, struct vma *v, u64 start, u64 end);
// Adds (or with negative pages takes away) pages with these flags to the space's totals.
void area_account(struct aspace *as, u32 flags, i64 pages);
// May the space hold this many more pages with these flags? Limits of the task.
bool area_may_expand(const struct aspace *as, u32 flags, u64 pages);

// Cuts v at addr (inside it): v keeps the lower part, the upper is returned. NULL: out of memory or
// too many areas.
[[nodiscard]] struct vma *area_split(struct aspace *as, struct vma *v, u64 addr);
// Joins v with neighbours that continue it; returns the area that now contains it. Joined areas go
// to `dead`.
struct vma *area_merge(struct aspace *as, struct vma *v, struct list *dead);
// Makes exactly [start, end) of v one area, splitting as needed. NULL: out of memory, nothing
// changed.
[[nodiscard]] struct vma *area_isolate(struct aspace *as, struct vma *v, u64 start, u64 end,
                                       struct list *dead);

// Highest place of len bytes in [lo, hi) outside all areas and guard gaps, 0 if none; and the
// lowest.
u64 area_gap_top(struct aspace *as, u64 len, u64 lo, u64 hi);
u64 area_gap_bottom(struct aspace *as, u64 len, u64 lo, u64 hi);
// Where an area of len bytes goes without a fixed address: the hint if it is free, else from
// mmap_base down. -E_NOMEM.
[[nodiscard]] i64 area_place(struct aspace *as, u64 hint, u64 len);
// The same where it is to end at `high` at the latest: the hint, else the lowest place from low on.
[[nodiscard]] i64 area_place_within(struct aspace *as, u64 hint, u64 len, u64 low, u64 high);
// Is [start, end) free of areas and guard gaps?
bool area_range_free(struct aspace *as, u64 start, u64 end);

// Empties [start, end): areas there are split, taken out and chained to `dead`, their pages zapped.
// -E_NOMEM: nothing changed.
[[nodiscard]] int areas_detach(struct aspace *as, u64 start, u64 end, struct list *dead);
// Faults in [start, end); stops at the first failure. No lock held. For populate and mlock.
enum fault_result area_populate(struct aspace *as, u64 start, u64 end, u32 access);
void area_unlink_object(struct vma *v); // part of area_erase, for teardown

// --- zone.c; as->lock held for writing ---
void zones_drop(struct aspace *as, u64 start, u64 end); // those that lie in what is unmapped, whole
void zones_trim(struct aspace *as);
[[nodiscard]] int zones_fork(struct aspace *to, const struct aspace *from);
void zones_free(struct aspace *as);
