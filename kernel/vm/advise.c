// madvise, mincore, msync. Errors as Linux 6.12.
#include "area.h"
#include "objpriv.h"
#include "pt.h"
#include <kerr.h>

static bool wants_write_lock(enum aspace_advice a)
{
    return a == ADVISE_DONTFORK || a == ADVISE_DOFORK || a == ADVISE_WIPEONFORK ||
           a == ADVISE_KEEPONFORK;
}

static int change_flag(struct aspace *as, struct vma *v, u64 start, u64 end, u32 set, u32 clear,
                       struct list *dead)
{
    u32 flags = (v->flags | set) & ~clear;
    if (flags == v->flags)
        return 0;
    v = area_isolate(as, v, start, end, dead);
    if (!v)
        return -E_NOMEM;
    v->flags = flags;
    area_merge(as, v, dead);
    return 0;
}

static bool private_anon(const struct vma *v)
{
    return !v->object && !(v->flags & VMA_SHARED);
}

// One area's part of the range.
static int advise_area(struct aspace *as, struct vma *v, u64 start, u64 end, enum aspace_advice a,
                       struct list *dead)
{
    switch (a) {
    case ADVISE_DONTNEED:
    case ADVISE_FREE:
        if (v->flags & VMA_LOCKED || (v->object && v->object->flags & MEMOBJ_DEVICE))
            return -E_INVAL;
        if (a == ADVISE_FREE && !private_anon(v))
            return -E_INVAL;
        return pt_zap(as, start, end, start, end, ZAP_ALL);
    case ADVISE_DONTFORK:
        return change_flag(as, v, start, end, VMA_DONTFORK, 0, dead);
    case ADVISE_DOFORK:
        return v->object && v->object->flags & MEMOBJ_DEVICE
                   ? -E_INVAL
                   : change_flag(as, v, start, end, 0, VMA_DONTFORK, dead);
    case ADVISE_WIPEONFORK:
        return private_anon(v) ? change_flag(as, v, start, end, VMA_WIPEONFORK, 0, dead) : -E_INVAL;
    case ADVISE_KEEPONFORK:
        return change_flag(as, v, start, end, 0, VMA_WIPEONFORK, dead);
    default:
        return 0; // NORMAL, WILLNEED: reading ahead has nothing to gain here
    }
}

// Punches the range out of a shared object; the space's lock is not held while pages are dropped.
static int remove_area(struct aspace *as, u64 *at, u64 end)
{
    read_lock(&as->lock);
    struct vma *v = aspace_find(as, *at);
    int err = 0;
    struct memobj *o = NULL;
    u64 first = 0, last = 0, stop = end;
    if (v) {
        stop = MIN(v->end, end);
        o = v->object;
        if (v->flags & VMA_LOCKED || !o || o->flags & MEMOBJ_DEVICE)
            err = -E_INVAL;
        else if ((v->flags & (VMA_SHARED | VMA_WRITE)) != (VMA_SHARED | VMA_WRITE))
            err = -E_ACCES;
        else if (o->ops->read_in || o->ops->direct)
            err = -E_OPNOTSUPP;
        if (!err) {
            memobj_get(o);
            first = area_index(v, *at);
            last = first + ((stop - *at) >> PAGE_SHIFT) - 1;
        }
    }
    read_unlock(&as->lock);
    if (v && !err) {
        memobj_drop(o, first, last);
        memobj_put(o);
    }
    *at = stop;
    return err;
}

// The start of the next area at or above addr, clipped to end. *hole is set if that is above addr.
static u64 next_area(struct aspace *as, u64 addr, u64 end, bool *hole)
{
    read_lock(&as->lock);
    struct vma *v = aspace_find_next(as, addr);
    u64 at = v ? MIN(MAX(v->start, addr), end) : end;
    read_unlock(&as->lock);
    *hole |= at > addr;
    return at;
}

static int advise_remove(struct aspace *as, u64 addr, u64 end)
{
    bool hole = false;
    while (addr < end) {
        addr = next_area(as, addr, end, &hole);
        int err = addr < end ? remove_area(as, &addr, end) : 0;
        if (err)
            return err;
    }
    return hole ? -E_NOMEM : 0;
}

static int advise_populate(struct aspace *as, u64 addr, u64 end, u32 access)
{
    switch (area_populate(as, addr, end, access)) {
    case FAULT_OK:
        return 0;
    case FAULT_DENIED:
        return -E_INVAL;
    case FAULT_BUS:
        return -E_FAULT;
    default:
        return -E_NOMEM;
    }
}

int aspace_advise(struct aspace *as, u64 addr, u64 len, enum aspace_advice a)
{
    if (addr & PAGE_MASK)
        return -E_INVAL;
    u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
    if ((len && !ALIGN_UP(len, PAGE_SIZE)) || end < addr)
        return -E_INVAL;
    if (end == addr)
        return 0;
    if (a == ADVISE_REMOVE)
        return advise_remove(as, addr, end);
    if (a == ADVISE_POPULATE_READ || a == ADVISE_POPULATE_WRITE)
        return advise_populate(as, addr, end,
                               a == ADVISE_POPULATE_WRITE ? ACCESS_WRITE : ACCESS_READ);

    struct list dead;
    list_init(&dead);
    bool exclusive = wants_write_lock(a), hole = false;
    int err = 0;
    if (exclusive)
        write_lock(&as->lock);
    else
        read_lock(&as->lock);
    while (!err && addr < end) {
        struct vma *v = aspace_find_next(as, addr);
        if (!v || v->start > addr)
            hole = true;
        if (!v || v->start >= end)
            break;
        u64 start = MAX(v->start, addr), stop = MIN(v->end, end);
        err = advise_area(as, v, start, stop, a, &dead);
        addr = stop;
    }
    if (exclusive)
        write_unlock(&as->lock);
    else
        read_unlock(&as->lock);
    areas_free(&dead);
    return err ? err : hole ? -E_NOMEM : 0;
}

static bool resident(struct aspace *as, const struct vma *v, u64 addr)
{
    spin_lock(&as->pt_lock);
    const pte_t *p = pt_peek(as, addr);
    bool there = p && !pte_none(pte_load(p));
    spin_unlock(&as->pt_lock);
    if (there || !v->object)
        return there;
    u64 index = area_index(v, addr);
    if (v->object->ops->direct && v->object->ops->direct(v->object, index))
        return true;
    struct frame *f = memobj_peek(v->object, index);
    if (f)
        frame_put(f);
    return f;
}

int aspace_mincore(struct aspace *as, u64 addr, u64 len, u8 *vec)
{
    if (addr & PAGE_MASK)
        return -E_INVAL;
    u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
    if ((len && !ALIGN_UP(len, PAGE_SIZE)) || end < addr || end > arch_user_top())
        return -E_NOMEM;
    int err = 0;
    read_lock(&as->lock);
    for (struct vma *v = NULL; addr < end; addr += PAGE_SIZE) {
        if (!v || addr >= v->end)
            v = aspace_find(as, addr);
        if (!v) {
            err = -E_NOMEM;
            break;
        }
        *vec++ = resident(as, v, addr);
    }
    read_unlock(&as->lock);
    return err;
}

int aspace_sync(struct aspace *as, u64 addr, u64 len, u32 flags)
{
    if (flags & ~(u32)(ASPACE_SYNC_ASYNC | ASPACE_SYNC_INVALIDATE | ASPACE_SYNC_WAIT) ||
        addr & PAGE_MASK)
        return -E_INVAL;
    if (flags & ASPACE_SYNC_ASYNC && flags & ASPACE_SYNC_WAIT)
        return -E_INVAL;
    u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
    if (end < addr || (len && !ALIGN_UP(len, PAGE_SIZE)))
        return -E_NOMEM;
    bool hole = false;
    while (addr < end) {
        addr = next_area(as, addr, end, &hole);
        if (addr >= end)
            break;
        read_lock(&as->lock);
        struct vma *v = aspace_find(as, addr);
        struct memobj *o = NULL;
        void *file = NULL;
        const struct vma_ops *ops = NULL;
        int err = 0;
        u64 stop = v ? v->end : addr + PAGE_SIZE;
        if (v && flags & ASPACE_SYNC_INVALIDATE && v->flags & VMA_LOCKED)
            err = -E_BUSY;
        if (v && flags & ASPACE_SYNC_WAIT && v->flags & VMA_SHARED && v->object) {
            o = v->object;
            memobj_get(o);
            if (v->file && v->ops && v->ops->sync) {
                ops = v->ops;
                file = v->file;
                ops->get(file);
            }
        }
        read_unlock(&as->lock);
        if (o) {
            if (!err)
                err = file ? ops->sync(file) : memobj_sync(o);
            if (file)
                ops->put(file);
            memobj_put(o);
        }
        if (err)
            return err;
        addr = stop;
    }
    return hole ? -E_NOMEM : 0;
}
