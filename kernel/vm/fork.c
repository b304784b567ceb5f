// Copying a space for fork: areas are copied, page tables shared and parked, so the cost is that of
// the areas and of the leaf tables. Whatever either side touches first comes back through the fault
// path (pt.h: pt_unpark_read, pt_exclusive).
#include "area.h"
#include "pt.h"
#include <kerr.h>

static void copy_fields(struct aspace *to, const struct aspace *from)
{
    to->brk_start = from->brk_start, to->brk = from->brk;
    to->stack_top = from->stack_top, to->mmap_base = from->mmap_base;
    to->vdso_base = from->vdso_base;
    to->arg_start = from->arg_start, to->arg_end = from->arg_end;
    to->env_start = from->env_start, to->env_end = from->env_end;
    to->start_code = from->start_code, to->end_code = from->end_code;
    to->start_data = from->start_data, to->end_data = from->end_data;
    to->stack_limit = from->stack_limit, to->as_limit = from->as_limit,
    to->data_limit = from->data_limit;
    if (from->exe && from->exe_get) {
        from->exe_get(from->exe);
        to->exe = from->exe, to->exe_get = from->exe_get, to->exe_put = from->exe_put;
    }
    to->auxv_len = from->auxv_len;
    for (u32 i = 0; i < sizeof(to->auxv) / 8; i++)
        ((u64 *)(void *)to->auxv)[i] = ((const u64 *)(const void *)from->auxv)[i];
}
static_assert(offsetof(struct aspace, auxv) % 8 == 0 &&
              sizeof(((struct aspace *)NULL)->auxv) % 8 == 0);

static int copy_areas(struct aspace *parent, struct aspace *child)
{
    u64 shared_to = 0;
    bool wipe = false;
    for (struct vma *v = area_of(rb_first(&parent->areas)); v; v = area_next(v)) {
        if (v->flags & VMA_DONTFORK) {
            wipe = true;
            continue;
        }
        struct vma *n = area_copy(v);
        if (!n)
            return -E_NOMEM;
        n->flags &= ~(u32)VMA_LOCKED; // locks are not inherited
        area_insert(child, n);
        area_account(child, n->flags, (i64)area_pages(n));
        if (v->flags & VMA_WIPEONFORK) {
            wipe = true;
            continue;
        }
        int err = pt_share(parent, child, v->start, v->end, &shared_to);
        if (err)
            return err;
    }
    if (!wipe)
        return 0;
    // A table may have come along for its other areas' sake.
    for (struct vma *v = area_of(rb_first(&parent->areas)); v; v = area_next(v)) {
        if (!(v->flags & (VMA_DONTFORK | VMA_WIPEONFORK)))
            continue;
        int err = pt_zap(child, v->start, v->end, v->start, v->end, ZAP_ALL);
        if (err)
            return err;
    }
    return 0;
}

int aspace_fork(struct aspace *parent, struct aspace **out)
{
    struct aspace *child;
    int err = aspace_create(&child);
    if (err)
        return err;
    write_lock(&parent->lock);
    copy_fields(child, parent);
    err = copy_areas(parent, child);
    if (!err)
        err = zones_fork(child, parent);
    // Also after a failure: the parent's tables are parked all the same. Returns when no other
    // thread of the parent uses them.
    arch_tlb_flush(&parent->arch, 0, arch_user_top());
    write_unlock(&parent->lock);
    if (err) {
        aspace_put_user(child);
        return err;
    }
    *out = child;
    return 0;
}
