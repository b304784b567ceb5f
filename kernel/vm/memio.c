// Memory objects: copying in and out, changing size, writing back, and taking pages away from the
// areas that show them. Guards: memobj.c. Users of truncation and dropping serialise among
// themselves (the file's own lock).
#include "area.h"
#include "objpriv.h"
#include "pt.h"
#include <kerr.h>
#include <lib/string.h>
#include <sched/rcu.h>
#include <sync/log.h>
#include <vm/user.h>

// Cached frames of pages that lie one behind the other, each with a reference.
enum { RUN = 8 };
struct run {
    u32 n, next;
    void *frames[RUN];
};

// Up to `want` frames from `index` on; none if the first is not cached. As memobj_peek: a drop that
// came in between is seen by its generation, so no frame is returned that has left the object.
static void run_fill(struct memobj *o, u64 index, u64 want, struct run *r)
{
    r->next = 0;
    if (want == 1) {
        r->frames[0] = memobj_peek(o, index);
        r->n = r->frames[0] != NULL;
        return;
    }
    for (;;) {
        u64 gen = atomic_load_explicit(&o->drop_gen, memory_order_acquire);
        rcu_read_lock();
        u32 found = radix_lookup_run(&o->pages, index, (u32)MIN(want, (u64)RUN), r->frames),
            got = 0;
        while (got < found && frame_get_not_zero(r->frames[got] = object_frame(r->frames[got])))
            got++;
        rcu_read_unlock();
        r->n = got;
        if (LIKELY(got == found && atomic_load_explicit(&o->drop_gen, memory_order_acquire) == gen))
            return;
        while (got)
            frame_put(r->frames[--got]);
    }
}

static void run_drop(struct run *r)
{
    while (r->next < r->n)
        frame_put(r->frames[r->next++]);
}

// Takes the next frame and, as far as `most` pages are wanted, those that lie behind it in memory
// as they do in the object. Returns how many.
static u32 run_take(struct run *r, u64 most, struct frame **out)
{
    struct frame *f = *out = r->frames[r->next];
    paddr_t pa = frame_to_phys(f);
    u32 n = 1;
    while (n < most && r->next + n < r->n && r->frames[r->next + n] == f + n &&
           frame_to_phys(f + n) == pa + n * PAGE_SIZE)
        n++;
    r->next += n;
    return n;
}

// Pages that n bytes from an offset in the first of them touch.
static u64 pages_of(u64 off, u64 n)
{
    return (off + n + PAGE_MASK) >> PAGE_SHIFT;
}

i64 memobj_read(struct memobj *o, u64 pos, struct iobuf *buf)
{
    u64 size = atomic_load_explicit(&o->size, memory_order_acquire);
    if (pos >= size)
        return 0;
    if (o->flags & MEMOBJ_DEVICE)
        return -E_IO;
    u64 n = MIN(size - pos, iobuf_left(buf)), done = 0;
    struct run run;
    run.n = run.next = 0;
    while (done < n) {
        u64 index = (pos + done) >> PAGE_SHIFT, off = (pos + done) & PAGE_MASK;
        u64 most = pages_of(off, n - done);
        struct frame *f = NULL;
        paddr_t pa = 0;
        u32 pages = 1;
        if (run.next == run.n && !o->ops->direct)
            run_fill(o, index, most, &run);
        if (LIKELY(run.next < run.n)) {
            pages = run_take(&run, most, &f);
        } else {
            int err = memobj_page(o, index, 0, &f, &pa);
            if (err)
                return done ? (i64)done : err;
        }
        usize chunk = MIN(pages * PAGE_SIZE - off, n - done), got;
        if (f) {
            got = iobuf_put(buf, (const u8 *)frame_to_virt(f) + off, chunk);
            for (u32 i = 0; i < pages; i++)
                frame_put(f + i);
        } else if (pa) {
            got = iobuf_put(buf, (const u8 *)phys_to_virt(pa) + off, chunk);
        } else {
            got = iobuf_zero(buf, chunk);
        }
        done += got;
        if (got < chunk) {
            run_drop(&run);
            return done ? (i64)done : -E_FAULT;
        }
    }
    return (i64)done;
}

// A whole new page without a store behind it: filled before it is seen, so it need not be zeroed
// first. Returns bytes, or an error; -E_EXIST: the page is there, write it the ordinary way
// (nothing was consumed).
static i64 write_new_page(struct memobj *o, u64 index, struct iobuf *buf)
{
    struct frame *f = frame_alloc(0, ALLOC_USER);
    if (!f)
        return -E_NOMEM;
    struct iobuf before = *buf;
    u8 *page = frame_to_virt(f);
    usize got = iobuf_take(buf, page, PAGE_SIZE);
    if (got < PAGE_SIZE)
        memset(page + got, 0, PAGE_SIZE - got);
    int err = got ? memobj_insert(o, index, f, true) : -E_FAULT;
    if (!err)
        return (i64)got;
    *buf = before;
    frame_put(f);
    return err;
}

// The bytes of cached pages are in: a write-back that came before has not lost them, and the
// references held reclaim off.
static void wrote(struct memobj *o, u64 index, struct frame *f, u32 pages)
{
    for (u32 i = 0; i < pages; i++) {
        memobj_mark_dirty(o, index + i, f + i);
        if (f[i].private)
            __atomic_store_n(&f[i].private, 0, __ATOMIC_RELAXED);
        frame_put(f + i);
    }
}

i64 memobj_write(struct memobj *o, u64 pos, struct iobuf *buf)
{
    if (o->flags & MEMOBJ_DEVICE)
        return -E_IO;
    u64 n = iobuf_left(buf), done = 0;
    struct run run;
    run.n = run.next = 0;
    while (done < n) {
        u64 index = (pos + done) >> PAGE_SHIFT, off = (pos + done) & PAGE_MASK;
        u64 most = pages_of(off, n - done);
        struct frame *f = NULL;
        paddr_t pa = 0;
        u32 pages = 1;
        if (run.next == run.n)
            run_fill(o, index, most, &run);
        if (run.next < run.n) {
            pages = run_take(&run, most, &f);
        } else if (off == 0 && n - done >= PAGE_SIZE && !o->ops->read_in && !o->ops->direct) {
            i64 r = write_new_page(o, index, buf);
            if (r == -E_EXIST)
                continue;
            if (r < 0)
                return done ? (i64)done : r;
            done += (u64)r;
            if ((u64)r < PAGE_SIZE)
                return (i64)done;
            continue;
        } else {
            int err = memobj_page(o, index, MEMOBJ_CREATE, &f, &pa);
            if (err)
                return done ? (i64)done : err;
        }
        usize chunk = MIN(pages * PAGE_SIZE - off, n - done);
        usize got = iobuf_take(buf, (u8 *)(f ? frame_to_virt(f) : phys_to_virt(pa)) + off, chunk);
        if (f)
            wrote(o, index, f, pages);
        done += got;
        if (got < chunk) {
            run_drop(&run);
            return done ? (i64)done : -E_FAULT;
        }
    }
    return (i64)done;
}

// --- taking pages away ---
static void unmap_in(struct aspace *as, struct memobj *o, u64 first, u64 last, enum zap_mode mode)
{
    read_lock(&as->lock);
    for (struct vma *v = area_of(rb_first(&as->areas)); v; v = area_next(v)) {
        if (v->object != o)
            continue;
        u64 from = v->offset >> PAGE_SHIFT, pages = area_pages(v);
        if (last < from || first >= from + pages)
            continue;
        u64 start = first > from ? v->start + ((first - from) << PAGE_SHIFT) : v->start;
        u64 end = last - from < pages - 1 ? v->start + ((last - from + 1) << PAGE_SHIFT) : v->end;
        // Copying a shared table needs a page. The reserve serves the kernel; without even that the
        // stale page stays visible.
        if (pt_zap(as, start, end, start, end, mode))
            klog(LOG_ERR, "vm: no memory to unmap dropped pages of an object at %#lx", start);
    }
    read_unlock(&as->lock);
}

// Visits every space that has an area of the object. A mark in the list remembers the place while
// the list's lock is not held; areas are always added at the end, so a copy made by a fork
// meanwhile is visited too.
void memobj_unmap(struct memobj *o, u64 first, u64 last, bool even_private)
{
    struct vma mark = {0};
    spin_lock(&o->map_lock);
    list_add_head(&o->areas, &mark.object_link);
    for (struct list *l; (l = mark.object_link.next) != &o->areas;) {
        struct vma *v = list_entry(l, struct vma, object_link);
        list_del(&mark.object_link);
        list_add_head(l, &mark.object_link); // behind v
        struct aspace *as = v->aspace;
        if (!as)
            continue; // somebody else's mark
        aspace_get(as);
        spin_unlock(&o->map_lock);
        unmap_in(as, o, first, last, even_private ? ZAP_ALL : ZAP_OBJECT);
        aspace_put(as);
        spin_lock(&o->map_lock);
    }
    list_del(&mark.object_link);
    spin_unlock(&o->map_lock);
}

// clean: dirty ones stay.
static void drop_pages(struct memobj *o, u64 first, u64 last, bool clean)
{
    enum { BATCH = 32 };
    u64 dropped = 0;
    for (bool more = true; more;) {
        struct frame *batch[BATCH];
        u32 n = 0;
        spin_lock(&o->tree_lock);
        while (n < BATCH) {
            u64 index = first;
            void *item = radix_next(&o->pages, &index);
            if (!item || index > last) {
                more = false;
                break;
            }
            if (!clean || !((uintptr_t)item & 1)) {
                radix_erase(&o->pages, index);
                batch[n++] = object_frame(item);
            }
            if (index == ~0ul) {
                more = false;
                break;
            }
            first = index + 1;
        }
        atomic_fetch_sub_explicit(&o->cached, n, memory_order_relaxed);
        atomic_fetch_add_explicit(&o->drop_gen, 1, memory_order_seq_cst);
        spin_unlock(&o->tree_lock);
        for (u32 i = 0; i < n; i++)
            frame_put(batch[i]);
        dropped += n;
    }
    memobj_count_dropped(dropped);
    if (dropped && o->ops->account)
        (void)o->ops->account(o, -(i64)dropped);
}

void memobj_drop(struct memobj *o, u64 first, u64 last)
{
    drop_pages(o, first, last, false);
    memobj_unmap(o, first, last, false);
}

void memobj_drop_clean(struct memobj *o)
{
    drop_pages(o, 0, ~0ul, true);
    memobj_unmap(o, 0, ~0ul, false);
}

void memobj_truncate(struct memobj *o, u64 size)
{
    u64 old = atomic_exchange(&o->size, size);
    if (size >= old)
        return;
    u64 first = object_pages(size);
    drop_pages(o, first, ~0ul, false);
    memobj_unmap(o, first, ~0ul, true);
    // What comes back when the object grows again must be zeroes.
    u64 off = size & PAGE_MASK;
    struct frame *f = off ? memobj_peek(o, size >> PAGE_SHIFT) : NULL;
    if (f) {
        memset((u8 *)frame_to_virt(f) + off, 0, PAGE_SIZE - off);
        memobj_mark_dirty(o, size >> PAGE_SHIFT, f);
        frame_put(f);
    }
}

int memobj_sync(struct memobj *o)
{
    if (!o->ops->write_back)
        return 0;
    int ret = 0;
    for (u64 index = 0;; index++) {
        struct frame *f = NULL;
        spin_lock(&o->tree_lock);
        void *item;
        while ((item = radix_next(&o->pages, &index)) != NULL && !((uintptr_t)item & 1) &&
               index != ~0ul)
            index++;
        if (item && (uintptr_t)item & 1) {
            f = object_frame(item);
            frame_get(f);
            radix_replace(&o->pages, index, f);
        }
        spin_unlock(&o->tree_lock);
        if (!f)
            return ret;
        // Later stores through mappings must mark it anew.
        memobj_unmap(o, index, index, false);
        int err = o->ops->write_back(o, index, f);
        if (err) {
            memobj_mark_dirty(o, index, f);
            ret = err;
        }
        frame_put(f);
        if (index == ~0ul)
            return ret;
    }
}
