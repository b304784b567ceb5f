// The break: one anonymous area that grows and shrinks at its end. As Linux's brk(2): any failure
// returns the old break.
#include "area.h"
#include "pt.h"
#include <kerr.h>

// Grows from old to new end (both page aligned). False: no room or no memory.
static bool grow(struct aspace *as, u64 from, u64 to, struct list *dead)
{
    const u32 flags =
        VMA_READ | VMA_WRITE | VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC | VMA_HEAP | as->def_flags;
    u64 pages = (to - from) >> PAGE_SHIFT;
    if (to > arch_user_top() || !area_range_free(as, from, to + PAGE_SIZE) ||
        !area_may_expand(as, flags, pages))
        return false;
    struct vma *v = from ? aspace_find(as, from - 1) : NULL;
    if (v && v->flags == flags && v->end == from && !v->object) {
        area_resize(as, v, v->start, to);
        area_account(as, flags, (i64)pages);
        area_merge(as, v, dead);
        return true;
    }
    if (!areas_may_grow(as, 1))
        return false;
    v = area_alloc();
    if (!v)
        return false;
    v->start = from;
    v->end = to;
    v->flags = flags;
    area_insert(as, v);
    area_account(as, flags, (i64)pages);
    area_merge(as, v, dead);
    return true;
}

i64 aspace_set_brk(struct aspace *as, u64 brk)
{
    struct list dead;
    list_init(&dead);
    u64 from = 0, to = 0;
    bool locked = false;
    write_lock(&as->lock);
    u64 now = as->brk;
    if (brk >= as->brk_start && brk <= arch_user_top()) {
        u64 old_end = ALIGN_UP(now, PAGE_SIZE), new_end = ALIGN_UP(brk, PAGE_SIZE);
        u64 data = as->end_data - as->start_data;
        bool within = as->data_limit == ~0ul || (brk - as->brk_start) + data <= as->data_limit;
        if (within && new_end == old_end) {
            as->brk = brk;
        } else if (brk < now) {
            if (!areas_detach(as, new_end, old_end, &dead))
                as->brk = brk;
        } else if (within && grow(as, old_end, new_end, &dead)) {
            as->brk = brk;
            from = old_end;
            to = new_end;
            locked = as->def_flags & VMA_LOCKED;
        }
    }
    i64 ret = (i64)as->brk;
    write_unlock(&as->lock);
    areas_free(&dead);
    if (locked)
        (void)area_populate(as, from, to, ACCESS_WRITE);
    return ret;
}
