// mremap: growing, shrinking and moving. Order of checks and errors as Linux 6.12 (mremap(2)).
#include "area.h"
#include "pt.h"
#include <kerr.h>

struct remap {
    u64 old, old_len, new_len, new_addr;
    u32 flags;
    struct list *dead;
    u64 populate_from, populate_to; // grown part of locked memory
};

// May the range be resized? Returns its area or NULL with *err.
static struct vma *resizable(struct aspace *as, const struct remap *m, int *err)
{
    struct vma *v = aspace_find(as, m->old);
    *err = -E_FAULT;
    if (!v)
        return NULL;
    if (!m->old_len && !(v->flags & VMA_SHARED)) {
        *err = -E_INVAL;
        return NULL;
    }
    if (m->flags & REMAP_DONTUNMAP && v->flags & VMA_SPECIAL) {
        *err = -E_INVAL;
        return NULL;
    }
    if (m->old_len > v->end - m->old)
        return NULL;
    if (m->new_len == m->old_len)
        return v;
    u64 pgoff = (m->old - v->start + v->offset) >> PAGE_SHIFT;
    if (v->object && pgoff + (m->new_len >> PAGE_SHIFT) < pgoff) {
        *err = -E_INVAL;
        return NULL;
    }
    if (v->flags & VMA_SPECIAL)
        return NULL;
    if (m->new_len > m->old_len &&
        !area_may_expand(as, v->flags, (m->new_len - m->old_len) >> PAGE_SHIFT)) {
        *err = -E_NOMEM;
        return NULL;
    }
    return v;
}

// Moves old_len bytes at m->old (inside v) to `to`, as an area of new_len bytes. The target range
// is free.
static i64 move(struct aspace *as, struct remap *m, struct vma *v, u64 to)
{
    if (!areas_may_grow(as, 4))
        return -E_NOMEM;
    // An area of its own, so that taking it out later cannot fail. Old length 0 leaves the old area
    // as it is.
    bool keep = !m->old_len || m->flags & REMAP_DONTUNMAP;
    struct vma *n = area_copy(v);
    if (!n)
        return -E_NOMEM;
    n->start = to;
    n->end = to + m->new_len;
    if (n->object)
        n->offset = v->offset + (m->old - v->start);
    if (!keep) {
        v = area_isolate(as, v, m->old, m->old + m->old_len, m->dead);
        if (!v) {
            area_free(n);
            return -E_NOMEM;
        }
    }
    area_insert(as, n);
    int err = m->old_len ? pt_move(as, m->old, to, m->old_len) : 0;
    if (err) {
        area_erase(as, n);
        list_add_tail(m->dead, &n->object_link);
        area_merge(as, v, m->dead);
        return err;
    }
    area_account(as, n->flags, (i64)area_pages(n));
    if (!keep) {
        zones_drop(as, v->start, v->end);
        area_account(as, v->flags, -(i64)area_pages(v));
        area_erase(as, v);
        list_add_tail(m->dead, &v->object_link);
    } else if (m->flags & REMAP_DONTUNMAP && v->flags & VMA_LOCKED) {
        area_account(as, v->flags, -(i64)area_pages(v));
        v->flags &= ~(u32)VMA_LOCKED;
        area_account(as, v->flags, (i64)area_pages(v));
    }
    if (n->flags & VMA_LOCKED) {
        m->populate_from = to + m->old_len;
        m->populate_to = to + m->new_len;
    }
    area_merge(as, n, m->dead);
    return (i64)to;
}

static i64 remap_to(struct aspace *as, struct remap *m)
{
    u64 top = arch_user_top();
    if (m->new_addr & PAGE_MASK || m->new_len > top || m->new_addr > top - m->new_len)
        return -E_INVAL;
    if (m->old + m->old_len > m->new_addr && m->new_addr + m->new_len > m->old)
        return -E_INVAL;
    if (!areas_may_grow(as, 6))
        return -E_NOMEM;
    int err;
    if (m->flags & REMAP_FIXED) {
        err = areas_detach(as, m->new_addr, m->new_addr + m->new_len, m->dead);
        if (err)
            return err;
    }
    if (m->old_len > m->new_len) {
        err = areas_detach(as, m->old + m->new_len, m->old + m->old_len, m->dead);
        if (err)
            return err;
        m->old_len = m->new_len;
    }
    struct vma *v = resizable(as, m, &err);
    if (!v)
        return err;
    if (m->flags & REMAP_DONTUNMAP && !area_may_expand(as, v->flags, m->old_len >> PAGE_SHIFT))
        return -E_NOMEM;
    i64 to = (i64)m->new_addr;
    if (!(m->flags & REMAP_FIXED)) {
        to = area_place(as, m->new_addr, m->new_len);
        if (to < 0)
            return to;
    }
    return move(as, m, v, (u64)to);
}

static i64 remap_locked(struct aspace *as, struct remap *m)
{
    struct vma *v = aspace_find(as, m->old);
    if (!v)
        return -E_FAULT;
    if (m->flags & (REMAP_FIXED | REMAP_DONTUNMAP))
        return remap_to(as, m);
    if (m->old_len >= m->new_len) {
        int err = 0;
        if (m->old_len > m->new_len)
            err = areas_detach(as, m->old + m->new_len, m->old + m->old_len, m->dead);
        return err ? err : (i64)m->old;
    }
    int err;
    v = resizable(as, m, &err);
    if (!v)
        return err;
    u64 end = m->old + m->new_len;
    if (m->old_len == v->end - m->old && end > v->end && end <= arch_user_top() &&
        area_range_free(as, v->end, end)) {
        u64 grown = end - v->end;
        if (v->flags & VMA_LOCKED) {
            m->populate_from = v->end;
            m->populate_to = end;
        }
        area_resize(as, v, v->start, end);
        area_account(as, v->flags, (i64)(grown >> PAGE_SHIFT));
        area_merge(as, v, m->dead);
        return (i64)m->old;
    }
    if (!(m->flags & REMAP_MAYMOVE))
        return -E_NOMEM;
    i64 to = area_place(as, 0, m->new_len);
    return to < 0 ? to : move(as, m, v, (u64)to);
}

i64 aspace_remap(struct aspace *as, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr)
{
    if (flags & ~(u32)(REMAP_MAYMOVE | REMAP_FIXED | REMAP_DONTUNMAP))
        return -E_INVAL;
    if (flags & REMAP_FIXED && !(flags & REMAP_MAYMOVE))
        return -E_INVAL;
    if (flags & REMAP_DONTUNMAP && (!(flags & REMAP_MAYMOVE) || old_len != new_len))
        return -E_INVAL;
    if (old & PAGE_MASK)
        return -E_INVAL;
    struct list dead;
    list_init(&dead);
    struct remap m = {
        .old = old,
        .old_len = ALIGN_UP(old_len, PAGE_SIZE),
        .new_len = ALIGN_UP(new_len, PAGE_SIZE),
        .new_addr = new_addr,
        .flags = flags,
        .dead = &dead,
    };
    u64 top = arch_user_top();
    if (!m.new_len || (old_len && !m.old_len))
        return -E_INVAL;
    if (old >= top)
        return -E_FAULT;
    if (m.old_len > top - old)
        return m.new_len < m.old_len ? -E_INVAL : -E_FAULT;
    write_lock(&as->lock);
    i64 ret = remap_locked(as, &m);
    write_unlock(&as->lock);
    areas_free(&dead);
    if (ret >= 0 && m.populate_to > m.populate_from)
        (void)area_populate(as, m.populate_from, m.populate_to, ACCESS_WRITE);
    return ret;
}
