// Slab caches.
//
// An object is in use, on one CPU's free list, or free in its slab. The common case touches only
// the CPU's list, with interrupts off; lists are refilled from and emptied into the slabs in
// batches under the cache's lock. A slab hands out never-used objects by counting, so a new slab
// costs nothing per object (unless there is a constructor). The records of caches are never given
// back, only used again: slab_info walks them without a lock.
#include "slab_internal.h"

#include <lib/math.h>
#include <lib/string.h>
#include <sync/lock_order.h>
#include <sync/log.h>

enum {
    SLAB_ORDER_MAX = 3,      // 8 frames
    SLAB_OBJECTS_WANTED = 8, // per slab, if that is possible
    SLAB_SIZE_MAX = 16 * 1024,
    EMPTY_KEPT = 1, // wholly free slabs per cache
};

static struct spinlock records_lock =
    SPINLOCK_INIT(&lock_class_slab);       // guards making and reusing records
static struct slab_cache *_Atomic records; // appended in front; walked freely

// --- slabs
// ----------------------------------------------------------------------------------------

static inline struct slab *slab_of(const void *obj)
{
    return virt_to_frame(obj)->owner;
}

static inline void *object_at(const struct slab_cache *c, struct slab *s, u32 i)
{
    return (u8 *)s + c->first + (usize)i * c->stride;
}

static struct slab *make_slab(struct slab_cache *c, u32 flags)
{
    struct frame *f = frame_alloc(c->order, flags & ~(u32)ALLOC_ZERO);

    if (!f)
        return NULL;
    struct slab *s = frame_to_virt(f);
    *s = (struct slab){.cache = c};
    list_init(&s->link);
    for (u32 i = 0; i < 1u << c->order; i++) {
        f[i].flags |= FRAME_SLAB;
        f[i].owner = s;
    }
    frame_account(FRAME_USE_SLAB, 1l << c->order);
    for (u32 i = 0; (c->ctor || CONFIG_DEBUG_ON) && i < c->per_slab; i++) {
        if (c->ctor)
            c->ctor(object_at(c, s, i));
        if (CONFIG_DEBUG_ON)
            slab_debug_fresh(c, object_at(c, s, i));
    }
    return s;
}

static void free_slab(struct slab_cache *c, struct slab *s)
{
    struct frame *f = virt_to_frame(s);

    for (u32 i = 0; i < 1u << c->order; i++) {
        f[i].flags &= (u16)~FRAME_SLAB;
        f[i].owner = NULL;
    }
    frame_account(FRAME_USE_SLAB, -(1l << c->order));
    frame_put(f);
}

// Slabs that were taken off a cache, linked through `free`.
static u64 free_slabs(struct slab_cache *c, struct slab *s)
{
    u64 pages = 0;

    while (s) {
        struct slab *next = s->free;
        free_slab(c, s);
        pages += 1ull << c->order;
        s = next;
    }
    return pages;
}

// Lock held. Takes a wholly free slab off the cache.
static void unlink_empty(struct slab_cache *c, struct slab *s, struct slab **out)
{
    list_del(&s->link);
    c->empty--;
    atomic_fetch_sub_explicit(&c->slabs, 1, memory_order_relaxed);
    s->free = *out;
    *out = s;
}

// --- moving batches
// -------------------------------------------------------------------------------

static inline void add_held(struct slab_cache *c, i64 n)
{
    u64 held = atomic_load_explicit(&c->held, memory_order_relaxed);

    atomic_store_explicit(&c->held, held + (u64)n, memory_order_relaxed);
}

// Interrupts off. Returns the new count.
static inline u32 add_count(struct slab_cpu *cpu, i32 n)
{
    u32 count = atomic_load_explicit(&cpu->count, memory_order_relaxed) + (u32)n;

    atomic_store_explicit(&cpu->count, count, memory_order_relaxed);
    return count;
}

// Lock held. Up to `want` objects from the slabs, as a list; returns how many.
static u32 take_objects(struct slab_cache *c, u32 want, void **list)
{
    u32 got = 0;
    struct list *first;

    while (got < want && (first = list_first(&c->partial))) {
        struct slab *s = list_entry(first, struct slab, link);
        if (!s->in_use)
            c->empty--;
        for (; got < want && s->in_use < c->per_slab; got++, s->in_use++) {
            void *obj = s->free;
            if (obj)
                s->free = slab_link(c, obj);
            else
                obj = object_at(c, s, s->fresh++);
            slab_set_link(c, obj, *list);
            *list = obj;
        }
        if (s->in_use == c->per_slab)
            list_del(&s->link);
    }
    add_held(c, got);
    return got;
}

// Lock held. Returns a list of objects to their slabs; slabs that are not wanted any more go to
// *out.
static void put_objects(struct slab_cache *c, void *obj, struct slab **out)
{
    while (obj) {
        void *next = slab_link(c, obj);
        struct slab *s = slab_of(obj);
        if (UNLIKELY(!s->in_use || s->cache != c))
            panic("BUG: slab %s: object %p is freed twice or is not from here", c->name, obj);
        if (s->in_use-- == c->per_slab)
            list_add_head(&c->partial, &s->link);
        slab_set_link(c, obj, s->free);
        s->free = obj;
        add_held(c, -1);
        if (!s->in_use) {
            c->empty++;
            if (c->empty > EMPTY_KEPT) {
                unlink_empty(c, s, out);
            } else {
                list_del(&s->link);
                list_add_tail(&c->partial, &s->link);
            }
        }
        obj = next;
    }
}

// Interrupts off: one object, with the rest of a batch for this CPU; NULL if the slabs have none.
static void *refill(struct slab_cache *c)
{
    struct slab_cpu *cpu = &c->cpu[cpu_index()];
    void *list = NULL;

    spin_lock(&c->lock);
    u32 got = take_objects(c, c->batch, &list);
    spin_unlock(&c->lock);
    if (!got)
        return NULL;
    // An interrupt's frees cannot have come between: the list is still empty.
    cpu->free = slab_link(c, list);
    atomic_store_explicit(&cpu->count, got - 1, memory_order_relaxed);
    return list;
}

[[gnu::noinline]] static void *alloc_slow(struct slab_cache *c, u32 flags)
{
    for (;;) {
        irqflags_t irq = arch_irq_save();
        struct slab_cpu *cpu = &c->cpu[cpu_index()];
        void *obj = cpu->free;
        if (obj) { // we may have moved to another CPU
            cpu->free = slab_link(c, obj);
            add_count(cpu, -1);
        } else {
            obj = refill(c);
        }
        arch_irq_restore(irq);
        if (obj)
            return obj;

        struct slab *s = make_slab(c, flags);
        if (!s)
            return NULL;
        irq = spin_lock_irqsave(&c->lock);
        list_add_tail(&c->partial, &s->link);
        c->empty++;
        atomic_fetch_add_explicit(&c->slabs, 1, memory_order_relaxed);
        spin_unlock_irqrestore(&c->lock, irq);
    }
}

// Interrupts off, the CPU's list is full: its colder part goes back to the slabs.
[[gnu::noinline]] static struct slab *flush(struct slab_cache *c, struct slab_cpu *cpu)
{
    struct slab *unwanted = NULL;
    void *last = cpu->free;
    u32 keep = c->limit - c->batch;

    for (u32 i = 1; i < keep; i++)
        last = slab_link(c, last);
    void *list = slab_link(c, last);
    slab_set_link(c, last, NULL);
    atomic_store_explicit(&cpu->count, keep, memory_order_relaxed);
    spin_lock(&c->lock);
    put_objects(c, list, &unwanted);
    spin_unlock(&c->lock);
    return unwanted;
}

// --- the fast paths
// -------------------------------------------------------------------------------

void *slab_alloc(struct slab_cache *c, u32 flags)
{
    if (mem_should_fail())
        return NULL;
    irqflags_t irq = arch_irq_save();
    struct slab_cpu *cpu = &c->cpu[cpu_index()];
    void *obj = cpu->free;
    if (LIKELY(obj)) {
        cpu->free = slab_link(c, obj);
        add_count(cpu, -1);
    }
    arch_irq_restore(irq);
    if (UNLIKELY(!obj)) {
        obj = alloc_slow(c, flags);
        if (!obj)
            return NULL;
    }
    if (CONFIG_DEBUG_ON)
        slab_debug_alloc(c, obj);
    if (flags & ALLOC_ZERO)
        memset(obj, 0, c->size);
    return obj;
}

void slab_free(struct slab_cache *c, void *obj)
{
    struct slab *unwanted = NULL;

    if (CONFIG_DEBUG_ON)
        slab_debug_free(c, obj);
    irqflags_t irq = arch_irq_save();
    struct slab_cpu *cpu = &c->cpu[cpu_index()];
    if (UNLIKELY(cpu->free == obj))
        panic("BUG: slab %s: object %p is freed twice", c->name, obj);
    slab_set_link(c, obj, cpu->free);
    cpu->free = obj;
    if (UNLIKELY(add_count(cpu, 1) >= c->limit))
        unwanted = flush(c, cpu);
    arch_irq_restore(irq);
    if (UNLIKELY(unwanted))
        free_slabs(c, unwanted);
}

// --- caches
// ---------------------------------------------------------------------------------------

static u32 cpu_slots(void)
{
    return MAX(arch_cpu_count(), 1u);
}

// An unused record, from a page cut into records if need be. A page that comes to nothing stays
// with them.
static struct slab_cache *get_record(void)
{
    usize size = ALIGN_UP(sizeof(struct slab_cache) + cpu_slots() * sizeof(struct slab_cpu), 64);
    static const char taken[] = "(being made)";

    for (;;) {
        irqflags_t irq = spin_lock_irqsave(&records_lock);
        struct slab_cache *c = records;
        while (c && __atomic_load_n(&c->name, __ATOMIC_ACQUIRE)) // slab_destroy clears it
            c = c->next;
        if (c)
            __atomic_store_n(&c->name, taken, __ATOMIC_RELAXED);
        spin_unlock_irqrestore(&records_lock, irq);
        if (c)
            return c;

        u8 *page = page_alloc(ALLOC_ZERO);
        if (!page)
            return NULL;
        frame_account(FRAME_USE_SLAB, 1);
        irq = spin_lock_irqsave(&records_lock);
        for (u8 *at = page; at + size <= page + PAGE_SIZE; at += size) {
            c = (struct slab_cache *)(void *)at;
            atomic_store_explicit(&c->next, records, memory_order_relaxed);
            atomic_store_explicit(&records, c, memory_order_release);
        }
        spin_unlock_irqrestore(&records_lock, irq);
    }
}

// Chooses the slab size: the smallest that holds enough objects and wastes at most an eighth.
static void plan(struct slab_cache *c, usize align)
{
    usize room = c->size;

    if (CONFIG_DEBUG_ON) {
        c->link = (u32)ALIGN_UP(c->size, 8) + 16;
        room = ALIGN_UP(c->size, 8) + SLAB_TRAILER;
    } else if (c->ctor) {
        c->link = (u32)ALIGN_UP(c->size, 8);
        room = c->link + sizeof(void *);
    } else {
        c->link = 0;
        room = MAX(room, sizeof(void *));
    }
    c->stride = (u32)ALIGN_UP(room, align);
    c->first = (u32)ALIGN_UP(sizeof(struct slab), align);
    for (c->order = 0;; c->order++) {
        usize space = (PAGE_SIZE << c->order) - c->first;
        c->per_slab = (u32)(space / c->stride);
        usize waste = space - (usize)c->per_slab * c->stride;
        if (c->order == SLAB_ORDER_MAX ||
            (c->per_slab >= SLAB_OBJECTS_WANTED && waste <= (PAGE_SIZE << c->order) / 8))
            break;
    }
    c->batch = (u32)MIN(MAX(PAGE_SIZE / c->stride, 2ul), 32ul);
    c->limit = 2 * c->batch + 1;
}

struct slab_cache *slab_create(const char *name, usize size, usize align, void (*ctor)(void *))
{
    kassert(size && size <= SLAB_SIZE_MAX && (!align || is_power_of_2(align)) &&
            align <= PAGE_SIZE);
    struct slab_cache *c = get_record();

    if (!c)
        return NULL;
    c->size = (u32)size;
    c->ctor = ctor;
    plan(c, MAX(align, 8ul));
    spin_init(&c->lock, &lock_class_slab);
    list_init(&c->partial);
    c->empty = 0;
    memset(c->cpu, 0, cpu_slots() * sizeof(c->cpu[0]));
    c->slabs = 0;
    c->held = 0;
    __atomic_store_n(&c->name, name, __ATOMIC_RELEASE);
    return c;
}

void slab_destroy(struct slab_cache *c)
{
    struct slab *unwanted = NULL;
    irqflags_t irq = spin_lock_irqsave(&c->lock);

    for (u32 i = 0; i < cpu_slots(); i++) {
        put_objects(c, c->cpu[i].free, &unwanted);
        c->cpu[i].free = NULL;
        atomic_store_explicit(&c->cpu[i].count, 0, memory_order_relaxed);
    }
    if (c->held)
        panic("BUG: slab %s is destroyed with %lu objects in use", c->name, (u64)c->held);
    for (struct list *l; (l = list_first(&c->partial));)
        unlink_empty(c, list_entry(l, struct slab, link), &unwanted);
    spin_unlock_irqrestore(&c->lock, irq);
    free_slabs(c, unwanted);
    __atomic_store_n(&c->name, NULL, __ATOMIC_RELEASE);
}

// Returns what this CPU's list holds, and all wholly free slabs.
static u64 shrink_cache(struct slab_cache *c)
{
    struct slab *unwanted = NULL;
    irqflags_t irq = spin_lock_irqsave(&c->lock);
    struct slab_cpu *cpu = &c->cpu[cpu_index()];
    void *list = cpu->free;

    cpu->free = NULL;
    atomic_store_explicit(&cpu->count, 0, memory_order_relaxed);
    put_objects(c, list, &unwanted);
    while (c->empty)
        unlink_empty(c, list_entry(c->partial.prev, struct slab, link), &unwanted);
    spin_unlock_irqrestore(&c->lock, irq);
    return free_slabs(c, unwanted);
}

u64 slab_shrink(u64 want)
{
    u64 pages = 0;

    for (struct slab_cache *c = records; c && pages < want; c = c->next)
        if (atomic_load_explicit(&c->slabs, memory_order_acquire))
            pages += shrink_cache(c);
    return pages;
}

// --- lazily created caches
// ------------------------------------------------------------------------

[[gnu::noinline]] static struct slab_cache *def_create(struct slab_def *d)
{
    struct slab_cache *fresh = slab_create(d->name, d->size, d->align, NULL), *seen = NULL;

    if (!fresh)
        return NULL;
    if (atomic_compare_exchange_strong(&d->cache, &seen, fresh))
        return fresh;
    slab_destroy(fresh); // another CPU was faster
    return seen;
}

void *slab_def_alloc(struct slab_def *d, u32 flags)
{
    struct slab_cache *c = atomic_load_explicit(&d->cache, memory_order_acquire);

    if (UNLIKELY(!c)) {
        c = def_create(d);
        if (!c)
            return NULL;
    }
    return slab_alloc(c, flags);
}

void slab_def_free(struct slab_def *d, void *obj)
{
    slab_free(atomic_load_explicit(&d->cache, memory_order_relaxed), obj);
}

// --- numbers
// --------------------------------------------------------------------------------------

bool slab_info(usize index, struct slab_info *out)
{
    for (struct slab_cache *c = atomic_load_explicit(&records, memory_order_acquire); c;
         c = atomic_load_explicit(&c->next, memory_order_acquire)) {
        const char *name = __atomic_load_n(&c->name, __ATOMIC_ACQUIRE);
        u32 slabs = atomic_load_explicit(&c->slabs, memory_order_relaxed);
        u64 in_use = atomic_load_explicit(&c->held, memory_order_relaxed), idle = 0;

        if (!name || index--)
            continue;
        for (u32 i = 0; i < cpu_slots(); i++)
            idle += atomic_load_explicit(&c->cpu[i].count, memory_order_relaxed);
        *out = (struct slab_info){
            .name = name,
            .size = c->size,
            .objects = (usize)slabs * c->per_slab,
            .in_use = in_use > idle ? in_use - idle : 0,
            .slabs = slabs,
            .pages_per_slab = 1ul << c->order,
        };
        return true;
    }
    return false;
}
