// Page tables: walking, making tables, taking private copies of shared ones, entries.
// Guards and sharing rules: pt.h.
#include "pt.h"
#include <kerr.h>
#include <lib/string.h>
#include <sync/log.h>

paddr_t zero_page_pa;

pte_t entry_make(paddr_t pa, u32 flags, bool anon, bool write)
{
    if (!(flags & (VMA_READ | VMA_WRITE | VMA_EXEC)))
        return pte_special(pa >> PAGE_SHIFT << 2 | (anon ? 2u : 0u) | 1u);
    u32 prot = PTE_PROT_USER;
    if (flags & (VMA_READ | VMA_WRITE)) // writable memory is readable, as on every machine we know
        prot |= PTE_PROT_READ;
    if (write)
        prot |= PTE_PROT_WRITE;
    if (flags & VMA_EXEC)
        prot |= PTE_PROT_EXEC;
    pte_t e = pte_leaf(pa, prot);
    return anon ? pte_set_soft(e) : e;
}

bool pt_stock_add(struct pt_stock *s)
{
    struct frame *f = frame_alloc(0, ALLOC_ZERO | ALLOC_USER);
    if (!f)
        return false;
    f->private = (u64)(uintptr_t)s->first;
    s->first = f;
    return true;
}

void pt_table_init(struct frame *f)
{
    f->flags |= FRAME_TABLE;
    f->private = PT_SHARE;
    frame_account(FRAME_USE_TABLE, 1);
}

void pt_table_free(struct frame *t)
{
    t->flags &= (u16)~FRAME_TABLE;
    t->private = 0;
    frame_account(FRAME_USE_TABLE, -1);
    page_free_zeroed(frame_to_virt(t));
}

static struct frame *stock_take(struct pt_stock *s)
{
    struct frame *f = s->first;
    if (f) {
        s->first = (struct frame *)(uintptr_t)f->private;
        pt_table_init(f);
    }
    return f;
}

void pt_stock_free(struct pt_stock *s)
{
    for (struct frame *f; (f = s->first) != NULL;) {
        s->first = (struct frame *)(uintptr_t)f->private;
        f->private = 0;
        page_free_zeroed(frame_to_virt(f));
    }
}

pte_t *pt_slot(struct aspace *as, u64 addr, u64 *span)
{
    pte_t *t = phys_to_virt(as->arch.root);
    for (u32 level = pt_levels() - 1; level > 1; level--) {
        pte_t e = pte_load(&t[pt_index(addr, level)]);
        if (pte_none(e)) {
            *span = PAGE_SIZE << (9 * level);
            return NULL;
        }
        t = pt_of(e);
    }
    pte_t *slot = &t[pt_index(addr, 1)];
    if (!pte_none(pte_load(slot)))
        return slot;
    *span = PT_SPAN;
    return NULL;
}

const pte_t *pt_peek(struct aspace *as, u64 addr)
{
    u64 span;
    const pte_t *slot = pt_slot(as, addr, &span);
    return slot ? pt_of(pte_load(slot)) + pt_index(addr, 0) : NULL;
}

// Takes write permission from all entries. May run at the same time in several spaces: all store
// the same values.
static void sweep(struct frame *t, u64 state)
{
    pte_t *p = frame_to_virt(t);
    for (u64 left = pt_used(state); left; p++) {
        pte_t e = pte_load(p);
        if (pte_none(e))
            continue;
        left--;
        if (pte_present(e) && pte_writable(e))
            pte_store(p, pte_wrprotect(e));
    }
    __atomic_fetch_or(&t->private, PT_SWEPT, __ATOMIC_RELEASE);
}

void pt_unpark_read(pte_t *slot)
{
    pte_t e = pte_load(slot);
    struct frame *t = phys_to_frame(pte_addr(e));
    u64 state = pt_state(t);
    if (pt_shares(state) > 1 && !(state & PT_SWEPT))
        sweep(t, state);
    pte_store(slot, pte_table(pte_addr(e)));
}

// Fills the empty table `copy` with the entries of shared table `t`; both end up without write
// permission.
static void copy_table(struct frame *t, struct frame *copy, u64 state)
{
    pte_t *from = frame_to_virt(t), *to = frame_to_virt(copy);
    for (u64 left = pt_used(state); left; from++, to++) {
        pte_t e = pte_load(from);
        if (pte_none(e))
            continue;
        left--;
        struct frame *f = entry_frame(e);
        if (f)
            frame_get(f);
        if (pte_present(e) && pte_writable(e)) {
            e = pte_wrprotect(e);
            pte_store(from, e);
        }
        *to = e;
    }
    if (!(state & PT_SWEPT))
        __atomic_fetch_or(&t->private, PT_SWEPT, __ATOMIC_RELEASE);
    copy->private = PT_SHARE | (state & (PT_SWEPT - 1));
}

bool pt_exclusive(struct aspace *as, pte_t *slot, u64 addr, struct pt_stock *s)
{
    pte_t e = pte_load(slot);
    struct frame *t = phys_to_frame(pte_addr(e));
    u64 state = pt_state(t);
    if (LIKELY(pt_shares(state) == 1)) {
        if (state & PT_SWEPT)
            t->private = state & ~PT_SWEPT;
        if (pte_is_parked(e))
            pte_store(slot, pte_table(pte_addr(e)));
        return true;
    }
    struct frame *copy = stock_take(s);
    if (!copy)
        return false;
    copy_table(t, copy, state);
    pte_store(slot, pte_table(frame_to_phys(copy)));
    if (!pte_is_parked(e)) { // it was in use for reading: others may be walking it
        u64 base = ALIGN_DOWN(addr, PT_SPAN);
        arch_tlb_flush(&as->arch, base, base + PT_SPAN);
    }
    pt_table_drop(t);
    return true;
}

pte_t *pt_modify(struct aspace *as, u64 addr, struct pt_stock *s)
{
    pte_t *t = phys_to_virt(as->arch.root);
    for (u32 level = pt_levels() - 1;; level--) {
        pte_t *slot = &t[pt_index(addr, level)];
        pte_t e = pte_load(slot);
        if (UNLIKELY(pte_none(e))) {
            struct frame *f = stock_take(s);
            if (!f)
                return NULL;
            pt_state_add(pt_frame(slot), PT_USED);
            e = pte_table(frame_to_phys(f));
            pte_store(slot, e);
        } else if (level == 1) {
            if (!pt_exclusive(as, slot, addr, s))
                return NULL;
            e = pte_load(slot);
        }
        t = pt_of(e);
        if (level == 1)
            return &t[pt_index(addr, 0)];
    }
}

pte_t *pt_lock_entry(struct aspace *as, u64 addr, struct pt_stock *s)
{
    for (;;) {
        spin_lock(&as->pt_lock);
        pte_t *p = pt_modify(as, addr, s);
        if (LIKELY(p != NULL))
            return p;
        spin_unlock(&as->pt_lock);
        if (!pt_stock_add(s))
            return NULL;
    }
}

void pt_install(struct aspace *as, pte_t *p, pte_t e)
{
    u64 counts = entry_counts(e);
    pt_state_add(pt_frame(p), counts);
    pte_store(p, e);
    rss_add(as, counts & PT_ANON ? 1 : 0, counts & PT_FILE ? 1 : 0);
}

pte_t pt_remove(struct aspace *as, pte_t *p)
{
    pte_t e = pte_load(p);
    u64 counts = entry_counts(e);
    pte_store(p, 0);
    pt_state_add(pt_frame(p), 0 - counts);
    rss_add(as, counts & PT_ANON ? -1 : 0, counts & PT_FILE ? -1 : 0);
    return e;
}

void pt_table_drop(struct frame *t)
{
    u64 old = __atomic_fetch_sub(&t->private, PT_SHARE, __ATOMIC_ACQ_REL);
    if (pt_shares(old) > 1)
        return;
    pte_t *p = frame_to_virt(t);
    for (u64 left = pt_used(old); left; p++) {
        pte_t e = *p;
        if (pte_none(e))
            continue;
        left--;
        *p = 0;
        struct frame *f = entry_frame(e);
        if (f)
            frame_put(f);
    }
    pt_table_free(t);
}
