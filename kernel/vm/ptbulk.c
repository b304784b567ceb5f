// Page tables in bulk: protection changes, moves, sharing at fork. The area lock is held for
// writing, so nothing else changes tables; pt_lock is taken where lock-free bookkeeping (resident
// counts, other spaces' readers) wants it.
#include "pt.h"
#include <kerr.h>

static bool any_entry(const pte_t *p, u64 n)
{
    for (u64 i = 0; i < n; i++)
        if (!pte_none(pte_load(&p[i])))
            return true;
    return false;
}

// Makes every leaf table with pages in [start, end) exclusive.
static int unshare_range(struct aspace *as, u64 start, u64 end, struct pt_stock *stock)
{
    for (u64 addr = start; addr < end;) {
        u64 span = PT_SPAN;
        spin_lock(&as->pt_lock);
        pte_t *slot = pt_slot(as, addr, &span);
        u64 next = MIN(end, ALIGN_DOWN(addr, span) + span);
        bool done =
            !slot ||
            !any_entry(pt_of(pte_load(slot)) + pt_index(addr, 0), (next - addr) >> PAGE_SHIFT) ||
            pt_exclusive(as, slot, addr, stock);
        spin_unlock(&as->pt_lock);
        if (done)
            addr = next;
        else if (!pt_stock_add(stock))
            return -E_NOMEM;
    }
    return 0;
}

// May a page be made writable without asking the fault path? Shared pages of objects that write
// back must be marked dirty first; private ones must belong to this table alone.
static bool writable_now(const struct vma *v, pte_t e)
{
    if (!(v->flags & VMA_WRITE))
        return false;
    if (v->flags & VMA_SHARED)
        return v->object && !v->object->ops->write_back;
    struct frame *f = entry_frame(e);
    return entry_anon(e) && f && atomic_load_explicit(&f->refs, memory_order_acquire) == 1;
}

int pt_protect(struct aspace *as, const struct vma *v, u64 start, u64 end)
{
    struct pt_stock stock = {0};
    int err = unshare_range(as, start, end, &stock);
    pt_stock_free(&stock);
    if (err)
        return err;
    u64 lo = ~0ul, hi = 0;
    bool code = false;
    spin_lock(&as->pt_lock);
    for (u64 addr = start; addr < end;) {
        u64 span = PT_SPAN;
        pte_t *slot = pt_slot(as, addr, &span);
        u64 next = MIN(end, ALIGN_DOWN(addr, span) + span);
        if (slot) {
            pte_t *p = pt_of(pte_load(slot)) + pt_index(addr, 0);
            for (; addr < next; addr += PAGE_SIZE, p++) {
                pte_t e = pte_load(p);
                if (pte_none(e))
                    continue;
                pte_t n = entry_make(entry_pa(e), v->flags, entry_anon(e), writable_now(v, e));
                if (n == e)
                    continue;
                pte_store(p, n);
                code |= v->flags & VMA_EXEC;
                if (pte_present(e)) {
                    lo = MIN(lo, addr);
                    hi = addr + PAGE_SIZE;
                }
            }
        }
        addr = next;
    }
    if (hi)
        arch_tlb_flush(&as->arch, lo, hi);
    spin_unlock(&as->pt_lock);
    if (code)
        arch_sync_icache(&as->arch);
    return 0;
}

// Makes the tables that the target needs, so that moving cannot fail.
static int make_tables(struct aspace *as, u64 from, u64 to, u64 len, struct pt_stock *stock)
{
    for (u64 off = 0; off < len;) {
        u64 span = PT_SPAN;
        spin_lock(&as->pt_lock);
        pte_t *slot = pt_slot(as, from + off, &span);
        u64 next = MIN(len, ALIGN_DOWN(from + off, span) + span - from);
        if (!slot) {
            spin_unlock(&as->pt_lock);
            off = next;
            continue;
        }
        // The target of one source table touches two tables at most.
        bool done = pt_modify(as, to + off, stock) && pt_modify(as, to + next - PAGE_SIZE, stock);
        spin_unlock(&as->pt_lock);
        if (done)
            off = next;
        else if (!pt_stock_add(stock))
            return -E_NOMEM;
    }
    return 0;
}

int pt_move(struct aspace *as, u64 from, u64 to, u64 len)
{
    struct pt_stock stock = {0};
    int err = unshare_range(as, from, from + len, &stock);
    if (!err)
        err = make_tables(as, from, to, len, &stock);
    if (!err) {
        u64 lo = ~0ul, hi = 0;
        spin_lock(&as->pt_lock);
        for (u64 off = 0; off < len;) {
            u64 span = PT_SPAN;
            pte_t *slot = pt_slot(as, from + off, &span);
            u64 next = MIN(len, ALIGN_DOWN(from + off, span) + span - from);
            if (!slot) {
                off = next;
                continue;
            }
            pte_t *p = pt_of(pte_load(slot)) + pt_index(from + off, 0);
            for (; off < next; off += PAGE_SIZE, p++) {
                if (pte_none(pte_load(p)))
                    continue;
                pte_t e = pt_remove(as, p);
                pt_install(as, pt_modify(as, to + off, &stock), e);
                lo = MIN(lo, from + off);
                hi = from + off + PAGE_SIZE;
            }
        }
        // Other threads may still use the old place until here, and only until here.
        if (hi)
            arch_tlb_flush(&as->arch, lo, hi);
        spin_unlock(&as->pt_lock);
    }
    pt_stock_free(&stock);
    return err;
}

int pt_share(struct aspace *parent, struct aspace *child, u64 start, u64 end, u64 *done)
{
    for (u64 addr = MAX(start, *done); addr < end;) {
        u64 span = PT_SPAN;
        pte_t *slot = pt_slot(parent, addr, &span);
        u64 next = ALIGN_DOWN(addr, span) + span;
        struct frame *t = slot ? phys_to_frame(pte_addr(pte_load(slot))) : NULL;
        if (t && pt_used(pt_state(t))) {
            pte_t *to = phys_to_virt(child->arch.root);
            for (u32 level = pt_levels() - 1; level > 1; level--) {
                pte_t *up = &to[pt_index(addr, level)];
                if (pte_none(*up)) {
                    struct frame *f = frame_alloc(0, ALLOC_ZERO | ALLOC_USER);
                    if (!f)
                        return -E_NOMEM;
                    pt_table_init(f);
                    pt_state_add(pt_frame(up), PT_USED);
                    *up = pte_table(frame_to_phys(f));
                }
                to = pt_of(*up);
            }
            pte_t parked = pte_table_parked(frame_to_phys(t));
            u64 state = __atomic_fetch_add(&t->private, PT_SHARE, __ATOMIC_RELAXED);
            pte_store(slot, parked);
            to[pt_index(addr, 1)] = parked;
            pt_state_add(pt_frame(to), PT_USED);
            rss_add(child, (i64)(state >> 10 & PT_COUNT_MASK), (i64)(state >> 20 & PT_COUNT_MASK));
        }
        *done = addr = next;
    }
    return 0;
}
