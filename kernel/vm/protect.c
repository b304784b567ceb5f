// mprotect, mlock, munlock: changing the flags of ranges, with splitting and joining. Errors as
// Linux 6.12.
#include "area.h"
#include "pt.h"
#include <kerr.h>

// Gives [start, end) of v (inside it) new flags. Returns the area that holds the range afterwards,
// NULL if out of memory.
static struct vma *set_flags(struct aspace *as, struct vma *v, u64 start, u64 end, u32 flags,
                             struct list *dead)
{
    if (v->flags == flags)
        return v;
    v = area_isolate(as, v, start, end, dead);
    if (!v)
        return NULL;
    const u32 access = VMA_READ | VMA_WRITE | VMA_EXEC;
    if ((v->flags ^ flags) & access) {
        struct vma as_will_be = area_content(v);
        as_will_be.flags = flags;
        if (pt_protect(as, &as_will_be, start, end)) {
            area_merge(as, v, dead);
            return NULL;
        }
    }
    area_account(as, v->flags, -(i64)area_pages(v));
    v->flags = flags;
    area_account(as, v->flags, (i64)area_pages(v));
    return area_merge(as, v, dead);
}

static int protect_locked(struct aspace *as, u64 start, u64 end, u32 prot, struct list *dead)
{
    struct vma *v = aspace_find(as, start);
    if (!v)
        return -E_NOMEM;
    while (start < end) {
        u32 flags = (v->flags & ~(u32)(VMA_READ | VMA_WRITE | VMA_EXEC)) | prot;
        if (prot & ~(flags >> 3))
            return -E_ACCES;
        u64 stop = MIN(v->end, end), pages = (stop - start) >> PAGE_SHIFT;
        // More data is counted against the limit; less or the same is always fine.
        if (!area_may_expand(as, flags, pages) && area_may_expand(as, v->flags, pages))
            return -E_NOMEM;
        v = set_flags(as, v, start, stop, flags, dead);
        if (!v)
            return -E_NOMEM;
        start = stop;
        if (start < end && v->end <= start) {
            v = area_next(v);
            if (!v || v->start > start)
                return -E_NOMEM;
        }
    }
    return 0;
}

static_assert(VMA_MAYREAD == VMA_READ << 3 && VMA_MAYWRITE == VMA_WRITE << 3 &&
              VMA_MAYEXEC == VMA_EXEC << 3);

int aspace_protect(struct aspace *as, u64 addr, u64 len, u32 prot)
{
    if (addr & PAGE_MASK)
        return -E_INVAL;
    if (!len)
        return 0;
    len = ALIGN_UP(len, PAGE_SIZE);
    if (!len || addr + len <= addr)
        return -E_NOMEM;
    struct list dead;
    list_init(&dead);
    write_lock(&as->lock);
    int err = protect_locked(as, addr, addr + len, prot & (VMA_READ | VMA_WRITE | VMA_EXEC), &dead);
    write_unlock(&as->lock);
    areas_free(&dead);
    return err;
}

static int lock_locked(struct aspace *as, u64 start, u64 end, bool lock, struct list *dead)
{
    struct vma *v = aspace_find(as, start);
    if (!v)
        return -E_NOMEM;
    while (start < end) {
        u64 stop = MIN(v->end, end);
        u32 flags = lock ? v->flags | VMA_LOCKED : v->flags & ~(u32)VMA_LOCKED;
        if (!(v->flags & VMA_SPECIAL)) {
            v = set_flags(as, v, start, stop, flags, dead);
            if (!v)
                return -E_NOMEM;
        }
        start = stop;
        if (start < end && v->end <= start) {
            v = area_next(v);
            if (!v || v->start > start)
                return -E_NOMEM;
        }
    }
    return 0;
}

static u32 populate_access(u32 flags)
{
    if (flags & VMA_WRITE && !(flags & VMA_SHARED))
        return ACCESS_WRITE;
    return flags & (VMA_READ | VMA_WRITE) ? ACCESS_READ : ACCESS_EXEC;
}

int aspace_lock_range(struct aspace *as, u64 addr, u64 len, bool lock)
{
    u64 start = ALIGN_DOWN(addr, PAGE_SIZE), end = ALIGN_UP(addr + len, PAGE_SIZE);
    if (end < start || addr + len < addr)
        return -E_INVAL;
    if (start == end)
        return 0;
    struct list dead;
    list_init(&dead);
    write_lock(&as->lock);
    int err = lock_locked(as, start, end, lock, &dead);
    write_unlock(&as->lock);
    areas_free(&dead);
    while (!err && lock && start < end) {
        read_lock(&as->lock);
        struct vma *v = aspace_find_next(as, start);
        u64 from = v ? MAX(v->start, start) : end, stop = v ? MIN(v->end, end) : end;
        u32 flags = v ? v->flags : 0;
        read_unlock(&as->lock);
        if (from >= end)
            break;
        if (!(flags & (VMA_READ | VMA_WRITE | VMA_EXEC)))
            err = -E_NOMEM;
        else if (area_populate(as, from, stop, populate_access(flags)) != FAULT_OK)
            err = -E_AGAIN;
        start = stop;
    }
    return err;
}
