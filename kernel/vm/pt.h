// Page tables of an address space: private to kernel/vm.
//
// A leaf table (level 0) owns one frame reference per entry that is not empty. Entries that show
// unmanaged memory (direct pages of a boot image, device registers, the zero page) own nothing. The
// soft bit says that the page is private to its tables (anonymous, or a private copy of a file
// page): it is what rss_anon counts, and the only kind of page that a write fault may take over.
//
// Guards: tables change under pt_lock of the space with its area lock held (for reading at least).
// User copies and the machine walk without locks, so pointers are published with release stores and
// nothing is freed before a flush.
//
// Sharing: after a fork both spaces point at the same leaf tables. `shares` of a table counts the
// pointers. While it is above one its entries do not change, with one exception: the sweep, which
// takes write permission away from all of them and which anybody may do, since it comes to the same
// result. A space sees shares == 1 only when nobody else has the table, and only its own fork
// (write lock) makes it grow, so that observation holds for as long as the area lock is held.
#pragma once
#include <arch/mmu.h>
#include <mem/frame.h>
#include <vm/aspace.h>

enum : u64 { PT_SPAN = PAGE_SIZE << 9 }; // what one leaf table maps
enum { PT_ENTRIES = 512 };

// State of a table, in frame->private. Counts change only while shares == 1 or before the table is
// published.
enum : u64 {
    PT_USED = 1,          // bits 0..9: entries that are not empty
    PT_ANON = 1ul << 10,  // bits 10..19: of them, private pages (leaf tables)
    PT_FILE = 1ul << 20,  // bits 20..29: of them, object pages
    PT_SWEPT = 1ul << 30, // no entry is writable
    PT_SHARE = 1ul << 32, // bits 32..63: pointers to this table
    PT_COUNT_MASK = 1023,
};

static inline u64 pt_state(const struct frame *t)
{
    return __atomic_load_n(&t->private, __ATOMIC_ACQUIRE);
}
static inline u64 pt_used(u64 state)
{
    return state & PT_COUNT_MASK;
}
static inline u64 pt_shares(u64 state)
{
    return state >> 32;
}
static inline void pt_state_add(struct frame *t, u64 n)
{
    __atomic_store_n(&t->private, __atomic_load_n(&t->private, __ATOMIC_RELAXED) + n,
                     __ATOMIC_RELAXED);
}

static inline pte_t pte_load(const pte_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}
static inline void pte_store(pte_t *p, pte_t e)
{
    __atomic_store_n(p, e, __ATOMIC_RELEASE);
}
static inline pte_t *pt_of(pte_t e)
{
    return phys_to_virt(pte_addr(e));
}
static inline struct frame *pt_frame(const pte_t *entry) // of the table that holds an entry
{
    return phys_to_frame(virt_to_phys(entry) & ~PAGE_MASK);
}

// --- leaf entries ---
// A page of an area without any access stays in the table as a special entry: frame number << 2 |
// anonymous << 1 | 1.
static inline bool entry_present(pte_t e)
{
    return pte_present(e);
}
static inline paddr_t entry_pa(pte_t e)
{
    return pte_present(e) ? pte_addr(e) : pte_special_bits(e) >> 2 << PAGE_SHIFT;
}
static inline bool entry_anon(pte_t e)
{
    return pte_present(e) ? pte_soft(e) : pte_special_bits(e) & 2;
}
extern paddr_t zero_page_pa; // a page of zeroes that read faults of untouched anonymous memory show

// The frame that the entry owns a reference of, or NULL.
static inline struct frame *entry_frame(pte_t e)
{
    struct frame *f = phys_to_frame(entry_pa(e));
    return f && !(f->flags & FRAME_RESERVED) ? f : NULL;
}
static inline u64 entry_counts(pte_t e) // what it adds to the state of its table
{
    return entry_anon(e)                 ? PT_USED + PT_ANON
           : entry_pa(e) == zero_page_pa ? PT_USED
                                         : PT_USED + PT_FILE;
}
// The entry for a page in an area with these flags; not writable unless `write`.
pte_t entry_make(paddr_t pa, u32 vma_flags, bool anon, bool write);

// Resident counts; pt_lock held.
static inline void rss_add(struct aspace *as, i64 anon, i64 file)
{
    i64 a = atomic_load_explicit(&as->rss_anon, memory_order_relaxed) + anon;
    i64 f = atomic_load_explicit(&as->rss_file, memory_order_relaxed) + file;
    atomic_store_explicit(&as->rss_anon, a, memory_order_relaxed);
    atomic_store_explicit(&as->rss_file, f, memory_order_relaxed);
    if ((u64)(a + f) > atomic_load_explicit(&as->peak_rss, memory_order_relaxed))
        atomic_store_explicit(&as->peak_rss, (u64)(a + f), memory_order_relaxed);
}

// --- table pages at hand: allocation happens outside pt_lock ---
struct pt_stock {
    struct frame *first; // chained through private
};
[[nodiscard]] bool
pt_stock_add(struct pt_stock *s); // one more zeroed page; may sleep; false: out of memory
void pt_stock_free(struct pt_stock *s);
// A zeroed page becomes a table with one pointer to it / a table whose entries are all empty again
// is given back.
void pt_table_init(struct frame *f);
void pt_table_free(struct frame *t);

// --- walking (pt_lock held) ---
// The slot above the leaf table of addr, or NULL with *span = bytes from the start of the region
// that certainly has no table.
pte_t *pt_slot(struct aspace *as, u64 addr, u64 *span);
// The leaf entry's place, looking through parked tables, to read only. NULL: no table.
const pte_t *pt_peek(struct aspace *as, u64 addr);
// The leaf entry's place in a table that is live and this space's alone; missing tables are made.
// NULL: the stock is empty.
pte_t *pt_modify(struct aspace *as, u64 addr, struct pt_stock *s);
// Takes pt_lock and does the former, filling the stock as needed. NULL: out of memory, lock not
// held.
[[nodiscard]] pte_t *pt_lock_entry(struct aspace *as, u64 addr, struct pt_stock *s);
// Makes a parked table live for reading. Slot as from pt_slot.
void pt_unpark_read(pte_t *slot);
// Makes the leaf table under `slot` live and exclusive. False: needs a page and the stock is empty.
[[nodiscard]] bool pt_exclusive(struct aspace *as, pte_t *slot, u64 addr, struct pt_stock *s);

// Puts an entry into an empty place / takes one out; counts are kept, flushing and frames are the
// caller's. Table exclusive.
void pt_install(struct aspace *as, pte_t *p, pte_t e);
pte_t pt_remove(struct aspace *as, pte_t *p);

// --- taking things out, with one flush per batch ---
enum { GATHER_MAX = 64 };
struct gather {
    struct aspace *as;
    u64 lo, hi; // range to flush; hi == 0: nothing was visible
    u32 n, tables;
    uintptr_t item[GATHER_MAX]; // struct frame *; bit 0: a table, whose share is dropped
};
static inline void gather_init(struct gather *g, struct aspace *as)
{
    g->as = as;
    g->lo = ~0ul;
    g->hi = 0;
    g->n = g->tables = 0;
}
static inline void gather_range(struct gather *g, u64 lo, u64 hi)
{
    g->lo = MIN(g->lo, lo);
    g->hi = MAX(g->hi, hi);
}
void gather_frame(struct gather *g, struct frame *f); // may flush the batch
void gather_table(struct gather *g, struct frame *t);
void gather_finish(struct gather *g); // flushes, then lets go of everything

// Drops one pointer to a leaf table; the last one lets go of its pages. Nobody can see it any more.
void pt_table_drop(struct frame *t);

enum zap_mode { ZAP_ALL, ZAP_OBJECT /* only pages that are the object's, private copies stay */ };
// Empties [start, end). Tables whose whole span lies in [floor, ceil) (an address range without
// other areas) go as a whole. -E_NOMEM only if a shared table in part inside must be copied: never
// for ZAP_ALL after pt_zap_prepare. Area lock held.
[[nodiscard]] int pt_zap(struct aspace *as, u64 start, u64 end, u64 floor, u64 ceil,
                         enum zap_mode mode);
[[nodiscard]] int pt_zap_prepare(struct aspace *as, u64 start, u64 end, u64 floor, u64 ceil);
// Frees all tables and pages. Nobody uses the space any more (arch_aspace_retire was called).
void pt_teardown(struct aspace *as);

// --- changes in bulk; area lock held for writing ---
// Gives the pages of [start, end) the protection of `v` (whose flags are final). -E_NOMEM: nothing
// changed but tables unshared.
[[nodiscard]] int pt_protect(struct aspace *as, const struct vma *v, u64 start, u64 end);
// Moves the pages of [from, from+len) to `to`; the target is empty. -E_NOMEM: nothing moved.
[[nodiscard]] int pt_move(struct aspace *as, u64 from, u64 to, u64 len);
// Fork: lets `child` point at all leaf tables that [start, end) touches; both sides parked.
// Repeated calls in growing order with *done = end of what was shared so far. The caller flushes
// the parent.
[[nodiscard]] int pt_share(struct aspace *parent, struct aspace *child, u64 start, u64 end,
                           u64 *done);
