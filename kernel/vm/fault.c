// Page faults: anonymous memory, copy-on-write, object pages, growing stacks, first touch of parked
// tables.
//
// Runs with as->lock held for reading, so areas stand still; pages are allocated and read in
// without pt_lock, then put in place under it after a second look. Whoever finds that somebody else
// was faster lets his page go and starts over.
#include "area.h"
#include "objpriv.h"
#include "pt.h"
#include <kerr.h>
#include <lib/string.h>

enum { AGAIN = 100 };                   // internal result: look again
enum : u64 { AROUND = 16 * PAGE_SIZE }; // window of object pages mapped together

struct fault {
    struct aspace *as;
    struct vma *v;
    u64 addr;
    u32 access;
    struct pt_stock stock;
};

static bool allowed(u32 flags, u32 access)
{
    if (access & ACCESS_WRITE)
        return flags & VMA_WRITE;
    if (access & ACCESS_EXEC)
        return flags & VMA_EXEC;
    return flags & (VMA_READ | VMA_WRITE); // writing implies reading
}

// Puts an entry into an empty place, unless it is empty no more. The lock is let go. False: nothing
// was done.
static int install(struct fault *f, pte_t e)
{
    struct aspace *as = f->as;
    pte_t *p = pt_lock_entry(as, f->addr, &f->stock);
    if (UNLIKELY(!p))
        return FAULT_OOM;
    int r = AGAIN;
    if (LIKELY(pte_none(pte_load(p)))) {
        pt_install(as, p, e);
        arch_tlb_flush_local(&as->arch, f->addr);
        r = FAULT_OK;
    }
    spin_unlock(&as->pt_lock);
    return r;
}

static int fill_anon(struct fault *f)
{
    u32 flags = f->v->flags;
    if (!(f->access & ACCESS_WRITE))
        return install(f, entry_make(zero_page_pa, flags, false, false));
    struct frame *page = frame_alloc(0, ALLOC_ZERO | ALLOC_USER);
    if (UNLIKELY(!page))
        return FAULT_OOM;
    int r = install(f, entry_make(frame_to_phys(page), flags, true, true));
    if (UNLIKELY(r != FAULT_OK))
        frame_put(page);
    return r;
}

// May a cached page be mapped executable: do instruction fetches of this space see its bytes?
static bool executable(struct aspace *as, struct frame *page)
{
    if (!(__atomic_load_n(&page->private, __ATOMIC_ACQUIRE) & CACHE_ICACHE_CLEAN))
        return false;
    arch_icache_settle(&as->arch);
    return true;
}

static void make_executable(struct aspace *as, struct frame *page)
{
    if (executable(as, page))
        return;
    arch_sync_icache(&as->arch);
    __atomic_store_n(&page->private, CACHE_ICACHE_CLEAN, __ATOMIC_RELEASE);
}

// The reference that an entry for a directly addressed page owns: none for images and devices, but
// it may be the kernel's own RAM.
static struct frame *direct_frame(paddr_t pa)
{
    struct frame *f = phys_to_frame(pa);
    if (!f || f->flags & FRAME_RESERVED)
        return NULL;
    frame_get(f);
    return f;
}

// Maps what is at hand of the pages around: those in the cache or directly addressable. pt_lock
// held, p: the entry just installed.
static void map_around(struct fault *f, pte_t *p)
{
    struct aspace *as = f->as;
    struct vma *v = f->v;
    struct memobj *o = v->object;
    u64 size = object_pages(atomic_load_explicit(&o->size, memory_order_relaxed));
    u64 start = MAX(ALIGN_DOWN(f->addr, AROUND), v->start),
        end = MIN(ALIGN_DOWN(f->addr, AROUND) + AROUND, v->end);
    u64 index = area_index(v, start), counts = 0;
    p -= (f->addr - start) >> PAGE_SHIFT;
    for (u64 addr = start; addr < end && index < size; addr += PAGE_SIZE, index++, p++) {
        if (!pte_none(pte_load(p)))
            continue;
        paddr_t pa = o->ops->direct ? o->ops->direct(o, index) : 0;
        if (pa) {
            (void)direct_frame(pa);
        } else {
            struct frame *page = memobj_peek(o, index);
            if (!page)
                continue;
            if (v->flags & VMA_EXEC && !executable(as, page)) {
                frame_put(page);
                continue;
            }
            pa = frame_to_phys(page);
        }
        pte_t e = entry_make(pa, v->flags, false, false);
        pte_store(p, e);
        counts += entry_counts(e);
    }
    if (counts) {
        pt_state_add(pt_frame(p - 1), counts);
        rss_add(as, 0, (i64)(counts >> 20 & PT_COUNT_MASK));
    }
}

// A private copy of a page. NULL: out of memory.
static struct frame *copy_of(paddr_t pa)
{
    struct frame *copy = frame_alloc(0, ALLOC_USER);
    if (copy)
        page_copy(frame_to_virt(copy), phys_to_virt(pa));
    return copy;
}

static int fill_object(struct fault *f)
{
    struct aspace *as = f->as;
    struct vma *v = f->v;
    struct memobj *o = v->object;
    bool write = f->access & ACCESS_WRITE, shared = v->flags & VMA_SHARED,
         private_copy = write && !shared;
    u64 drops = atomic_load_explicit(&o->drop_gen, memory_order_acquire),
        index = area_index(v, f->addr);
    if (index >= object_pages(atomic_load_explicit(&o->size, memory_order_acquire)))
        return FAULT_BUS;
    struct frame *page;
    paddr_t pa;
    int err =
        memobj_page(o, index, MEMOBJ_CREATE | (write && shared ? MEMOBJ_WRITE : 0u), &page, &pa);
    if (err)
        return err == -E_NOMEM ? FAULT_OOM : FAULT_BUS;
    bool cached = page;
    if (page)
        pa = frame_to_phys(page);
    else if (pa)
        page = direct_frame(pa);
    else
        return FAULT_BUS;
    if (private_copy) {
        struct frame *copy = copy_of(pa);
        if (page)
            frame_put(page);
        if (!copy)
            return FAULT_OOM;
        page = copy;
        pa = frame_to_phys(copy);
        if (v->flags & VMA_EXEC)
            arch_sync_icache(&as->arch);
    } else if (v->flags & VMA_EXEC && cached) {
        make_executable(as, page);
    }

    pte_t *p = pt_lock_entry(as, f->addr, &f->stock);
    int r = FAULT_OOM;
    if (p) {
        r = AGAIN;
        if (pte_none(pte_load(p)) &&
            atomic_load_explicit(&o->drop_gen, memory_order_acquire) == drops) {
            pt_install(as, p, entry_make(pa, v->flags, private_copy, write));
            if (!write)
                map_around(f, p);
            arch_tlb_flush_local(&as->arch, f->addr);
            r = FAULT_OK;
        }
        spin_unlock(&as->pt_lock);
    }
    if (r == FAULT_OK && write && shared && cached)
        memobj_mark_dirty(o, index, page); // a write-back may have come between marking and mapping
    if (r != FAULT_OK && page)
        frame_put(page);
    return r;
}

// Replaces the present entry e by a private copy. pt_lock is held on entry, not on return.
static int copy_on_write(struct fault *f, pte_t e)
{
    struct aspace *as = f->as;
    struct frame *old = entry_frame(e), *copy;
    paddr_t pa = entry_pa(e);
    if (old)
        frame_get(old);
    spin_unlock(&as->pt_lock);
    copy = pa == zero_page_pa ? frame_alloc(0, ALLOC_ZERO | ALLOC_USER) : copy_of(pa);
    if (copy && f->v->flags & VMA_EXEC)
        arch_sync_icache(&as->arch);
    int r = FAULT_OOM;
    pte_t *p = copy ? pt_lock_entry(as, f->addr, &f->stock) : NULL;
    if (p) {
        r = AGAIN;
        if (pte_load(p) == e) {
            pt_remove(as, p);
            arch_tlb_flush(&as->arch, f->addr, f->addr + PAGE_SIZE);
            pt_install(as, p, entry_make(frame_to_phys(copy), f->v->flags, true, true));
            r = FAULT_OK;
        }
        spin_unlock(&as->pt_lock);
    }
    if (old) {
        frame_put(old);
        if (r == FAULT_OK)
            frame_put(old); // what the entry owned
    }
    if (r != FAULT_OK && copy)
        frame_put(copy);
    return r;
}

// First store to a shared page of an object with a store behind it: it becomes dirty before it
// becomes writable, and once more after, since a write-back may come between. A page that has left
// the object is about to be unmapped: the store is tried again then. pt_lock is held on entry, not
// on return.
static int write_shared(struct fault *f, pte_t e)
{
    struct aspace *as = f->as;
    struct frame *page = entry_frame(e);
    u64 index = area_index(f->v, f->addr);
    if (page)
        frame_get(page);
    spin_unlock(&as->pt_lock);
    if (page && !memobj_mark_dirty(f->v->object, index, page)) {
        frame_put(page);
        return FAULT_OK;
    }
    pte_t *p = pt_lock_entry(as, f->addr, &f->stock);
    int r = FAULT_OOM;
    if (p) {
        r = AGAIN;
        if (pte_load(p) == e) {
            pte_store(p, pte_mkwrite(e));
            arch_tlb_flush_local(&as->arch, f->addr);
            r = FAULT_OK;
        }
        spin_unlock(&as->pt_lock);
    }
    if (page) {
        memobj_mark_dirty(f->v->object, index, page);
        frame_put(page);
    }
    return r;
}

// A store to a present page. pt_lock is held on entry, not on return.
static int write_present(struct fault *f, pte_t *slot)
{
    struct aspace *as = f->as;
    if (!pt_exclusive(as, slot, f->addr, &f->stock)) {
        spin_unlock(&as->pt_lock);
        return pt_stock_add(&f->stock) ? AGAIN : FAULT_OOM;
    }
    pte_t *p = pt_of(pte_load(slot)) + pt_index(f->addr, 0), e = pte_load(p);
    if (!pte_writable(e)) {
        if (f->v->flags & VMA_SHARED) {
            if (f->v->object->ops->write_back)
                return write_shared(f, e);
        } else {
            struct frame *page = entry_anon(e) ? entry_frame(e) : NULL;
            if (!page || atomic_load_explicit(&page->refs, memory_order_acquire) != 1)
                return copy_on_write(f, e);
        }
        pte_store(p, pte_mkwrite(e));
    }
    arch_tlb_flush_local(&as->arch, f->addr);
    spin_unlock(&as->pt_lock);
    return FAULT_OK;
}

static int serve(struct fault *f)
{
    struct aspace *as = f->as;
    u64 span;
    spin_lock(&as->pt_lock);
    pte_t *slot = pt_slot(as, f->addr, &span);
    if (slot && pte_present(pte_load(pt_of(pte_load(slot)) + pt_index(f->addr, 0)))) {
        if (f->access & ACCESS_WRITE)
            return write_present(f, slot);
        if (pte_is_parked(pte_load(slot)))
            pt_unpark_read(slot);
        arch_tlb_flush_local(&as->arch, f->addr);
        spin_unlock(&as->pt_lock);
        return FAULT_OK;
    }
    spin_unlock(&as->pt_lock);
    return f->v->object ? fill_object(f) : fill_anon(f);
}

// Lowers the start of a stack to addr. False: no stack there, over its limit, or too near to what
// lies below.
static bool grow_stack(struct aspace *as, u64 addr)
{
    bool grown = false;
    write_lock(&as->lock);
    struct vma *v = aspace_find_next(as, addr);
    if (v && v->start <= addr) {
        grown = true; // by another thread
    } else if (v && v->flags & VMA_STACK && addr >= MMAP_LOWEST) {
        struct vma *prev = area_prev(v);
        u64 guard =
            prev && !(prev->flags & VMA_STACK) && prev->flags & (VMA_READ | VMA_WRITE | VMA_EXEC)
                ? STACK_GUARD_GAP
                : 0;
        u64 pages = (v->start - addr) >> PAGE_SHIFT;
        if (v->end - addr <= as->stack_limit && (!prev || addr >= prev->end + guard) &&
            area_may_expand(as, v->flags, pages)) {
            area_resize(as, v, addr, v->end);
            area_account(as, v->flags, (i64)pages);
            grown = true;
        }
    }
    write_unlock(&as->lock);
    return grown;
}

enum fault_result aspace_fault(struct aspace *as, u64 addr, u32 access)
{
    struct fault f = {.as = as, .addr = ALIGN_DOWN(addr, PAGE_SIZE), .access = access};
    if (addr >= arch_user_top())
        return FAULT_NO_AREA;
    read_lock(&as->lock);
    f.v = aspace_find_next(as, f.addr);
    if (UNLIKELY(!f.v || f.addr < f.v->start)) {
        bool stack = f.v && f.v->flags & VMA_STACK;
        read_unlock(&as->lock);
        if (!stack || !grow_stack(as, f.addr))
            return FAULT_NO_AREA;
        read_lock(&as->lock);
        f.v = aspace_find(as, f.addr);
        if (!f.v) {
            read_unlock(&as->lock);
            return FAULT_NO_AREA;
        }
    }
    int r = FAULT_DENIED;
    if (LIKELY(allowed(f.v->flags, access)))
        while ((r = serve(&f)) == AGAIN)
            ;
    read_unlock(&as->lock);
    pt_stock_free(&f.stock);
    return (enum fault_result)r;
}
