// mmap and munmap. Errors and merging as Linux 6.12 (mm/mmap.c facts: mmap(2), munmap(2)).
#include "area.h"
#include "pt.h"
#include <kerr.h>
#include <mem/slab.h>

int areas_detach(struct aspace *as, u64 start, u64 end, struct list *dead)
{
    struct vma *v = aspace_find_next(as, start);
    if (!v || v->start >= end)
        return 0;
    // What surrounds the hole: no area lies in [floor, ceil) but those that go.
    struct vma *prev = area_prev(v);
    u64 floor = v->start < start ? start : prev ? prev->end : 0;
    struct vma *last = aspace_find_next(as, end - 1), *after = last;
    u64 ceil = arch_user_top();
    if (last && last->start < end)
        after = last->end > end ? NULL : area_next(last);
    else
        last = NULL;
    if (last && last->end > end)
        ceil = end;
    else if (after)
        ceil = after->start;

    int err = pt_zap_prepare(as, start, end, floor, ceil);
    if (err)
        return err;
    bool cut_low = v->start < start;
    if (cut_low) {
        v = area_split(as, v, start);
        if (!v)
            return -E_NOMEM;
    }
    struct vma *tail = aspace_find(as, end);
    if (tail && tail->start < end && !area_split(as, tail, end)) {
        if (cut_low)
            area_merge(as, v, dead);
        return -E_NOMEM;
    }
    // Nothing fails from here on.
    zones_drop(as, start, end);
    while (v && v->start < end) {
        struct vma *next = area_next(v);
        area_account(as, v->flags, -(i64)area_pages(v));
        area_erase(as, v);
        list_add_tail(dead, &v->object_link);
        v = next;
    }
    err = pt_zap(as, start, end, floor, ceil, ZAP_ALL);
    (void)err; // prepared
    return 0;
}

int aspace_unmap(struct aspace *as, u64 addr, u64 len)
{
    u64 top = arch_user_top();
    if (addr & PAGE_MASK || addr > top || len > top - addr)
        return -E_INVAL;
    len = ALIGN_UP(len, PAGE_SIZE);
    if (!len)
        return -E_INVAL;
    struct list dead;
    list_init(&dead);
    write_lock(&as->lock);
    int err = areas_detach(as, addr, addr + len, &dead);
    write_unlock(&as->lock);
    areas_free(&dead);
    return err;
}

enum fault_result area_populate(struct aspace *as, u64 start, u64 end, u32 access)
{
    for (u64 addr = start; addr < end; addr += PAGE_SIZE) {
        enum fault_result r = aspace_fault(as, addr, access);
        if (r != FAULT_OK)
            return r;
    }
    return FAULT_OK;
}

// Pages in [start, end) that areas cover.
static u64 covered(struct aspace *as, u64 start, u64 end)
{
    u64 pages = 0;
    for (struct vma *v = aspace_find_next(as, start); v && v->start < end; v = area_next(v))
        pages += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
    return pages;
}

static i64 choose(struct aspace *as, const struct map_request *r, u64 len)
{
    u64 top = arch_user_top();
    if (len > top)
        return -E_NOMEM;
    if (!(r->how & (MAP_REQ_FIXED | MAP_REQ_NOREPLACE)))
        return r->high ? area_place_within(as, r->addr, len, r->low, r->high)
                       : area_place(as, r->addr, len);
    if (r->addr > top - len)
        return -E_NOMEM;
    if (r->addr & PAGE_MASK)
        return -E_INVAL;
    if (r->addr < USER_MIN && !(r->how & MAP_REQ_LOW))
        return -E_PERM;
    if (r->how & MAP_REQ_NOREPLACE) {
        struct vma *v = aspace_find_next(as, r->addr);
        if (v && v->start < r->addr + len)
            return -E_EXIST;
    }
    return (i64)r->addr;
}

// Puts a fresh area in, with the lock held. *used: it belongs to the space now (or, joined with a
// neighbour, to `dead`).
static i64 map_locked(struct aspace *as, const struct map_request *r, u64 len, u32 flags,
                      struct vma *fresh, struct list *dead, bool *used)
{
    if (!areas_may_grow(as, 0))
        return -E_NOMEM;
    i64 at = choose(as, r, len);
    if (at < 0)
        return at;
    u64 start = (u64)at, end = start + len, pages = len >> PAGE_SHIFT;
    bool replace = r->how & MAP_REQ_FIXED && !(r->how & MAP_REQ_NOREPLACE);
    u64 old = replace ? covered(as, start, end) : 0;
    if (!area_may_expand(as, flags, pages - MIN(old, pages)))
        return -E_NOMEM;
    if (old) {
        int err = areas_detach(as, start, end, dead);
        if (err)
            return err;
    }
    fresh->start = start;
    fresh->end = end;
    fresh->flags = flags;
    area_insert(as, fresh);
    area_account(as, flags, (i64)pages);
    *used = true;
    area_merge(as, fresh, dead);
    return at;
}

i64 aspace_map(struct aspace *as, const struct map_request *r)
{
    if (!r->len)
        return -E_INVAL;
    u64 len = ALIGN_UP(r->len, PAGE_SIZE);
    if (!len)
        return -E_NOMEM;
    if (r->offset & PAGE_MASK)
        return -E_INVAL;
    if ((r->offset >> PAGE_SHIFT) + (len >> PAGE_SHIFT) > ~0ul >> PAGE_SHIFT)
        return -E_OVERFLOW;
    u32 flags = r->flags | as->def_flags;
    struct vma *v = area_alloc();
    if (!v)
        return -E_NOMEM;
    v->label = r->label;
    v->offset = r->object ? r->offset : 0;
    if (r->object) {
        memobj_get(r->object);
        v->object = r->object;
    } else {
        flags |= VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC;
        if (flags & VMA_SHARED) {
            v->object = memobj_create_anon(len);
            if (!v->object) {
                area_free(v);
                return -E_NOMEM;
            }
            if (!v->label)
                v->label = "/dev/zero (deleted)";
        }
    }
    v->ops = r->ops;
    v->file = r->file;
    if (v->file && v->ops && v->ops->get)
        v->ops->get(v->file);

    struct list dead;
    list_init(&dead);
    bool used = false;
    write_lock(&as->lock);
    i64 at = map_locked(as, r, len, flags, v, &dead, &used);
    write_unlock(&as->lock);
    if (!used)
        area_free(v);
    areas_free(&dead);
    if (at >= 0 && (r->how & MAP_REQ_POPULATE || flags & VMA_LOCKED) &&
        flags & (VMA_READ | VMA_WRITE | VMA_EXEC))
        (void)area_populate(as, (u64)at, (u64)at + len,
                            flags & VMA_WRITE && !(flags & VMA_SHARED) ? ACCESS_WRITE
                            : flags & VMA_READ                         ? ACCESS_READ
                                                                       : ACCESS_EXEC);
    return at;
}
