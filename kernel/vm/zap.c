// Taking pages out of page tables: batches with one flush each, zapping of ranges, teardown of a
// whole space.
//
// Order for every page: entry cleared, translations flushed (which also waits for user copies that
// walked the old entry), frame let go. A flush over at least the span of a table forgets table
// pointers too, so whole tables widen the range of their batch to that.
#include "pt.h"
#include <kerr.h>

static void release(struct gather *g)
{
    if (g->hi)
        arch_tlb_flush(&g->as->arch, g->lo, g->hi);
    for (u32 i = 0; i < g->n; i++) {
        struct frame *f = (struct frame *)(g->item[i] & ~1ul);
        if (g->item[i] & 1)
            pt_table_drop(f);
        else
            frame_put(f);
    }
    gather_init(g, g->as);
}

void gather_frame(struct gather *g, struct frame *f)
{
    if (g->n == GATHER_MAX)
        release(g);
    g->item[g->n++] = (uintptr_t)f;
}

void gather_table(struct gather *g, struct frame *t)
{
    if (g->n == GATHER_MAX)
        release(g);
    g->item[g->n++] = (uintptr_t)t | 1;
    g->tables++;
}

void gather_finish(struct gather *g)
{
    release(g);
}

// Unhooks the leaf table under `slot`, and the tables above that become empty.
static void unhook(struct aspace *as, struct gather *g, pte_t *slot, u64 base)
{
    pte_t e = pte_load(slot);
    struct frame *t = phys_to_frame(pte_addr(e));
    u64 state = pt_state(t);
    rss_add(as, -(i64)(state >> 10 & PT_COUNT_MASK), -(i64)(state >> 20 & PT_COUNT_MASK));
    // Even an unwalked table may be known by its pointer; a parked one is not.
    bool visible = !pte_is_parked(e);
    for (u32 level = 1;; level++) {
        pte_store(slot, 0);
        if (visible)
            gather_range(g, base, base + PT_SPAN);
        gather_table(g, t);
        t = pt_frame(slot);
        pt_state_add(t, 0 - PT_USED);
        if (pt_used(pt_state(t)) || level == pt_levels() - 1)
            return; // the root stays
        visible = true;
        pte_t *up = phys_to_virt(as->arch.root);
        for (u32 l = pt_levels() - 1; l > level + 1; l--)
            up = pt_of(pte_load(&up[pt_index(base, l)]));
        slot = &up[pt_index(base, level + 1)];
    }
}

static bool anything(const pte_t *p, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (!pte_none(pte_load(&p[i])))
            return true;
    return false;
}

static void zap_entries(struct aspace *as, struct gather *g, pte_t *p, u64 addr, u64 end,
                        enum zap_mode mode)
{
    u64 gone = 0;
    for (; addr < end; addr += PAGE_SIZE, p++) {
        pte_t e = pte_load(p);
        if (pte_none(e) || (mode == ZAP_OBJECT && entry_anon(e)))
            continue;
        pte_store(p, 0);
        gone += entry_counts(e);
        if (pte_present(e))
            gather_range(g, addr, addr + PAGE_SIZE);
        struct frame *f = entry_frame(e);
        if (f)
            gather_frame(g, f);
    }
    if (gone) {
        pt_state_add(pt_frame(p - 1), 0 - gone);
        rss_add(as, -(i64)(gone >> 10 & PT_COUNT_MASK), -(i64)(gone >> 20 & PT_COUNT_MASK));
    }
}

static bool whole(u64 base, u64 floor, u64 ceil)
{
    return base >= floor && base + PT_SPAN <= ceil;
}

int pt_zap(struct aspace *as, u64 start, u64 end, u64 floor, u64 ceil, enum zap_mode mode)
{
    struct gather g;
    struct pt_stock stock = {0};
    int err = 0;
    gather_init(&g, as);
    spin_lock(&as->pt_lock);
    for (u64 addr = start; addr < end;) {
        u64 base = ALIGN_DOWN(addr, PT_SPAN), span = PT_SPAN;
        if (g.tables >=
            4) { // each may hold hundreds of pages: do not keep others waiting for the lock
            spin_unlock(&as->pt_lock);
            gather_finish(&g);
            spin_lock(&as->pt_lock);
        }
        pte_t *slot = pt_slot(as, addr, &span);
        u64 next = MIN(end, ALIGN_DOWN(addr, span) + span);
        if (!slot) {
            addr = next;
            continue;
        }
        if (mode == ZAP_ALL && whole(base, floor, ceil)) {
            unhook(as, &g, slot, base);
            addr = next;
            continue;
        }
        pte_t *p = pt_of(pte_load(slot)) + pt_index(addr, 0);
        if (!anything(p, (u32)((next - addr) >> PAGE_SHIFT))) {
            addr = next;
            continue;
        }
        if (!pt_exclusive(as, slot, addr, &stock)) {
            // The batch is finished first: it may hold this very table's pages back, and filling
            // the stock may sleep.
            gather_finish(&g);
            spin_unlock(&as->pt_lock);
            bool more = pt_stock_add(&stock);
            spin_lock(&as->pt_lock);
            if (more)
                continue;
            err = -E_NOMEM;
            break;
        }
        p = pt_of(pte_load(slot)) + pt_index(addr, 0);
        zap_entries(as, &g, p, addr, next, mode);
        addr = next;
    }
    spin_unlock(&as->pt_lock);
    gather_finish(&g);
    pt_stock_free(&stock);
    return err;
}

static int prepare_edge(struct aspace *as, u64 addr, u64 end, u64 floor, u64 ceil,
                        struct pt_stock *stock)
{
    if (whole(ALIGN_DOWN(addr, PT_SPAN), floor, ceil))
        return 0;
    end = MIN(end, ALIGN_DOWN(addr, PT_SPAN) + PT_SPAN);
    for (;;) {
        u64 span;
        spin_lock(&as->pt_lock);
        pte_t *slot = pt_slot(as, addr, &span);
        bool done = !slot ||
                    !anything(pt_of(pte_load(slot)) + pt_index(addr, 0),
                              (u32)((end - addr) >> PAGE_SHIFT)) ||
                    pt_exclusive(as, slot, addr, stock);
        spin_unlock(&as->pt_lock);
        if (done)
            return 0;
        if (!pt_stock_add(stock))
            return -E_NOMEM;
    }
}

// Only the tables at both ends can be in part inside; all between are covered whole.
int pt_zap_prepare(struct aspace *as, u64 start, u64 end, u64 floor, u64 ceil)
{
    struct pt_stock stock = {0};
    int err = prepare_edge(as, start, end, floor, ceil, &stock);
    u64 last = ALIGN_DOWN(end - 1, PT_SPAN);
    if (!err && last > start)
        err = prepare_edge(as, last, end, floor, ceil, &stock);
    pt_stock_free(&stock);
    return err;
}

// Index of the first entry from i on that is not empty, or n.
static u32 next_used(const pte_t *t, u32 i, u32 n)
{
    while (i + 4 <= n && !(t[i] | t[i + 1] | t[i + 2] | t[i + 3]))
        i += 4;
    while (i < n && pte_none(t[i]))
        i++;
    return i;
}

static void teardown_table(struct frame *frame, u32 level)
{
    pte_t *t = frame_to_virt(frame);
    u64 left = pt_used(pt_state(frame));
    for (u32 i = 0; left; i++, left--) {
        i = next_used(t, i, PT_ENTRIES);
        struct frame *below = phys_to_frame(pte_addr(t[i]));
        if (level == 1)
            pt_table_drop(below);
        else
            teardown_table(below, level - 1);
        t[i] = 0;
    }
    pt_table_free(frame);
}

void pt_teardown(struct aspace *as)
{
    struct frame *root = phys_to_frame(as->arch.root);
    pte_t *t = phys_to_virt(as->arch.root);
    u64 left = pt_used(pt_state(root));
    for (u32 i = 0; left; i++, left--) {
        i = next_used(t, i, PT_ENTRIES);
        teardown_table(phys_to_frame(pte_addr(t[i])), pt_levels() - 2);
        t[i] = 0;
    }
    root->private = PT_SHARE;
    atomic_store_explicit(&as->rss_anon, 0, memory_order_relaxed);
    atomic_store_explicit(&as->rss_file, 0, memory_order_relaxed);
}
