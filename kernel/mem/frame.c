// Frames: allocation and freeing, through per-CPU caches of single frames.
//
// A CPU's cache is used by that CPU alone, with interrupts off; other CPUs only read its counts.
// Everything else is in the buddy allocator under its lock. A free frame has reference count 0,
// which is how a second free is noticed.
#include "mem_internal.h"

#include <lib/string.h>
#include <sync/log.h>
#include <sync/preempt.h>

enum {
    CACHE_MAX = 64,   // single frames per CPU
    CACHE_BATCH = 16, // moved to or from the buddy allocator at a time
    ZERO_MAX = 16,    // of frames known to be zero
    RESERVE_MIN = 32, // pages, emergency reserve
    RESERVE_MAX = 1024,
};

struct frame_cache {
    _Atomic u32 count, zero_count;
    struct frame *frames[CACHE_MAX];
    struct frame *zero[ZERO_MAX]; // pages that hold nothing but zeroes
};

alignas(64) static struct frame_cache caches[MAX_CPUS];
static _Atomic i64 used[FRAME_USES];

static inline u32 load_count(_Atomic u32 *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

static inline void store_count(_Atomic u32 *n, u32 v)
{
    atomic_store_explicit(n, v, memory_order_relaxed);
}

// --- debug: poison
// --------------------------------------------------------------------------------

static void poison(struct frame *f, u32 order)
{
    for (u64 i = 0; i < 1ull << order; i++) {
        u64 *word = frame_to_virt(f + i);
        for (usize w = 0; w < PAGE_SIZE / sizeof(*word); w++)
            word[w] = POISON_FREE;
        f[i].flags |= FRAME_POISONED;
    }
}

static void check_poison(struct frame *f, u32 order)
{
    for (u64 i = 0; i < 1ull << order; i++) {
        const u64 *word = frame_to_virt(f + i);
        if (!(f[i].flags & FRAME_POISONED))
            continue;
        for (usize w = 2; w < PAGE_SIZE / sizeof(*word); w++) // the first two were list links
            if (word[w] != POISON_FREE)
                panic("free frame %#lx was written to: %#lx at offset %#lx", frame_to_phys(f + i),
                      word[w], w * sizeof(*word));
        f[i].flags &= (u16)~FRAME_POISONED;
    }
}

// --- this CPU's cache
// -----------------------------------------------------------------------------

// Interrupts off. Moves the n frames on top of the stack to the buddy allocator.
static void cache_flush(struct frame_cache *c, u32 n)
{
    u32 left = load_count(&c->count) - n;

    store_count(&c->count, left);
    buddy_put_singles(&c->frames[left], n);
}

// Everything that this CPU keeps.
static void drain(void)
{
    irqflags_t irq = arch_irq_save();
    struct frame_cache *c = &caches[cpu_index()];
    u32 zeroes = load_count(&c->zero_count);

    store_count(&c->zero_count, 0);
    if (zeroes)
        buddy_put_singles(c->zero, zeroes);
    if (load_count(&c->count))
        cache_flush(c, load_count(&c->count));
    arch_irq_restore(irq);
}

// What stays for the kernel itself when users want more than there is.
static u64 reserve_pages(u32 flags)
{
    if (!(flags & ALLOC_USER))
        return 0;
    u64 part = frame_main.pages / 256;
    return MIN(MAX(part, (u64)RESERVE_MIN), (u64)RESERVE_MAX);
}

// One frame from the buddy allocator, and some for the cache while memory is plenty.
static struct frame *cache_refill(u32 flags)
{
    u64 plenty = reserve_pages(ALLOC_USER) + CACHE_BATCH;
    struct frame *f = NULL;
    irqflags_t irq = arch_irq_save();
    struct frame_cache *c = &caches[cpu_index()];
    u32 n = load_count(&c->count);

    if (!n)
        n = buddy_take_singles(c->frames, CACHE_BATCH, plenty);
    if (n) {
        f = c->frames[--n];
        store_count(&c->count, n);
    }
    arch_irq_restore(irq);
    return f ? f : buddy_take(0, reserve_pages(flags));
}

[[gnu::noinline]] static struct frame *frame_alloc_slow(u32 order, u32 flags)
{
    enum { ROUNDS = 4 };

    for (u32 round = 0;; round++) {
        struct frame *f = order ? buddy_take(order, reserve_pages(flags)) : cache_refill(flags);
        if (f)
            return f;
        if (!round) {
            drain();
            f = buddy_take(order, reserve_pages(flags));
            if (f)
                return f;
        }
        if (round == ROUNDS || flags & ALLOC_ATOMIC || !mem_reclaim(MAX(1ull << order, 32ull)))
            return NULL;
    }
}

struct frame *frame_alloc(u32 order, u32 flags)
{
    struct frame *f = NULL;
    bool dirty = flags & ALLOC_ZERO;

    if (mem_should_fail() || UNLIKELY(order > FRAME_ORDER_MAX))
        return NULL;
    if (LIKELY(!order)) {
        irqflags_t irq = arch_irq_save();
        struct frame_cache *c = &caches[cpu_index()];
        u32 n = load_count(&c->count), zeroes = load_count(&c->zero_count);

        if (zeroes && (dirty || !n)) {
            f = c->zero[--zeroes];
            store_count(&c->zero_count, zeroes);
            dirty = false;
        } else if (n) {
            f = c->frames[--n];
            store_count(&c->count, n);
        }
        arch_irq_restore(irq);
    }
    if (UNLIKELY(!f)) {
        f = frame_alloc_slow(order, flags);
        if (!f)
            return NULL;
    }
    if (CONFIG_DEBUG_ON)
        check_poison(f, order);
    if (dirty) {
        u8 *page = frame_to_virt(f);
        for (const u8 *end = page + (PAGE_SIZE << order); page < end; page += PAGE_SIZE)
            page_zero(page);
    }
    atomic_store_explicit(&f->refs, 1, memory_order_release);
    return f;
}

// --- freeing
// --------------------------------------------------------------------------------------

[[noreturn, gnu::noinline]] static void bad_free(const struct frame *f)
{
    panic("BUG: frame %#lx is freed but has no reference (flags %#x, order %u)", frame_to_phys(f),
          (u32)f->flags, (u32)f->order);
}

// Drops a reference; true if it was the last.
static inline bool drop(struct frame *f)
{
    u32 refs = atomic_fetch_sub_explicit(&f->refs, 1, memory_order_release);

    if (refs > 1)
        return false;
    if (UNLIKELY(!refs || f->flags & FRAME_RESERVED || f->free_list))
        bad_free(f);
    (void)atomic_load_explicit(&f->refs, memory_order_acquire); // after all others' decrements
    f->flags = 0;
    f->owner = NULL;
    return true;
}

static void free_block(struct frame *f)
{
    u32 order = f->order;

    if (CONFIG_DEBUG_ON)
        poison(f, order);
    if (UNLIKELY(order)) {
        buddy_put(f, order);
        return;
    }
    irqflags_t irq = arch_irq_save();
    struct frame_cache *c = &caches[cpu_index()];
    u32 n = load_count(&c->count);
    if (UNLIKELY(n == CACHE_MAX)) {
        cache_flush(c, CACHE_BATCH);
        n -= CACHE_BATCH;
    }
    c->frames[n] = f;
    store_count(&c->count, n + 1);
    arch_irq_restore(irq);
}

void frame_put(struct frame *f)
{
    if (drop(f))
        free_block(f);
}

void *page_alloc(u32 flags)
{
    struct frame *f = frame_alloc(0, flags);

    return f ? frame_to_virt(f) : NULL;
}

void page_free(void *va)
{
    frame_put(virt_to_frame(va));
}

void page_free_zeroed(void *va)
{
    struct frame *f = virt_to_frame(va);

    if (!drop(f))
        return;
    if (CONFIG_DEBUG_ON && !mem_is_zero(va, PAGE_SIZE))
        panic("page %p is not zero", va);
    irqflags_t irq = arch_irq_save();
    struct frame_cache *c = &caches[cpu_index()];
    u32 n = load_count(&c->zero_count);
    bool stays = n < ZERO_MAX && !f->order;
    if (stays) {
        c->zero[n] = f;
        store_count(&c->zero_count, n + 1);
    }
    arch_irq_restore(irq);
    if (!stays)
        free_block(f);
}

// --- numbers
// --------------------------------------------------------------------------------------

void frame_account(enum frame_use use, i64 pages)
{
    atomic_fetch_add_explicit(&used[use], pages, memory_order_relaxed);
}

u64 frame_free_count(void)
{
    u64 pages = buddy_free_pages();

    for (u32 i = 0; i < MAX_CPUS; i++)
        pages += load_count(&caches[i].count) + load_count(&caches[i].zero_count);
    return pages;
}

static u64 use_of(enum frame_use use)
{
    i64 pages = atomic_load_explicit(&used[use], memory_order_relaxed);

    return pages < 0 ? 0 : (u64)pages;
}

void frame_stats(struct frame_stats *out)
{
    boot_stats(out);
    out->free = frame_free_count();
    out->slab = use_of(FRAME_USE_SLAB);
    out->page_tables = use_of(FRAME_USE_TABLE);
    out->kernel_stacks = use_of(FRAME_USE_KSTACK);
}
