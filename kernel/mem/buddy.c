// The buddy allocator: free blocks of 2^order frames, naturally aligned, merged as they come back.
//
// Guarded by `lock`: the lists and each frame's free_list, which nobody else touches, whoever holds
// the frame. A free block's list links lie in its own first bytes.
#include "mem_internal.h"

#include <lib/list.h>
#include <lib/math.h>
#include <sync/lock_order.h>

static struct spinlock lock = SPINLOCK_INIT(&lock_class_frame);
static struct list free_blocks[FRAME_ORDER_MAX + 1];
static u32 orders;             // bit o: free_blocks[o] is not empty
static _Atomic u64 free_pages; // written under lock

static inline struct list *links(const struct frame *f)
{
    return frame_to_virt(f);
}

static inline void insert(struct frame *f, u32 order)
{
    f->free_list = (u8)(order + 1);
    list_add_head(&free_blocks[order], links(f));
    orders |= 1u << order;
}

static inline void take_out(struct frame *f, u32 order)
{
    struct list *l = links(f);

    l->prev->next = l->next;
    l->next->prev = l->prev;
    f->free_list = 0;
    if (list_empty(&free_blocks[order]))
        orders &= ~(1u << order);
}

static inline void count(i64 pages)
{
    u64 n = atomic_load_explicit(&free_pages, memory_order_relaxed);

    atomic_store_explicit(&free_pages, n + (u64)pages, memory_order_relaxed);
}

void buddy_init(void)
{
    for (u32 o = 0; o <= FRAME_ORDER_MAX; o++)
        list_init(&free_blocks[o]);
}

void buddy_add_span(paddr_t start, paddr_t end)
{
    irqflags_t irq = spin_lock_irqsave(&lock);

    while (start < end) {
        u64 pages = (end - start) >> PAGE_SHIFT;
        u32 order = MIN(ilog2(pages), (u32)FRAME_ORDER_MAX);
        u64 frame_number = start >> PAGE_SHIFT;
        if (frame_number)
            order = MIN(order, (u32)__builtin_ctzll(frame_number));
        insert(phys_to_frame(start), order);
        count(1l << order);
        start += PAGE_SIZE << order;
    }
    spin_unlock_irqrestore(&lock, irq);
}

static struct frame *take_locked(u32 order, u64 keep)
{
    u64 have = atomic_load_explicit(&free_pages, memory_order_relaxed);
    u32 fit = orders >> order << order;

    if (!fit || have < keep + (1ull << order))
        return NULL;
    u32 o = (u32)__builtin_ctz(fit);
    struct frame *f = phys_to_frame(virt_to_phys(free_blocks[o].next));
    take_out(f, o);
    while (o > order) {
        o--;
        insert(f + (1ul << o), o); // the upper half stays
    }
    f->order = (u8)order;
    count(-(1l << order));
    return f;
}

static void put_locked(struct frame *f, u32 order)
{
    paddr_t pa = frame_to_phys(f);

    count(1l << order);
    for (; order < FRAME_ORDER_MAX; order++) {
        struct frame *buddy = phys_to_frame(pa ^ (PAGE_SIZE << order));
        if (!buddy || buddy->free_list != order + 1)
            break;
        take_out(buddy, order);
        if (buddy < f)
            f = buddy;
        pa &= ~(PAGE_SIZE << order);
    }
    insert(f, order);
}

struct frame *buddy_take(u32 order, u64 keep)
{
    irqflags_t irq = spin_lock_irqsave(&lock);
    struct frame *f = take_locked(order, keep);

    spin_unlock_irqrestore(&lock, irq);
    return f;
}

u32 buddy_take_singles(struct frame **out, u32 n, u64 keep)
{
    irqflags_t irq = spin_lock_irqsave(&lock);
    u32 got = 0;

    // Whole blocks, as large as fit: one search each, and neighbours stay together.
    for (u32 order = ilog2(n); got < n;) {
        struct frame *f = got + (1u << order) <= n ? take_locked(order, keep) : NULL;
        if (!f) {
            if (!order--)
                break;
            continue;
        }
        for (u32 i = 1u << order; i--; got++) {
            out[got] = f + i;
            f[i].order = 0;
        }
    }
    spin_unlock_irqrestore(&lock, irq);
    return got;
}

void buddy_put(struct frame *f, u32 order)
{
    irqflags_t irq = spin_lock_irqsave(&lock);

    put_locked(f, order);
    spin_unlock_irqrestore(&lock, irq);
}

void buddy_put_singles(struct frame **frames, u32 n)
{
    irqflags_t irq = spin_lock_irqsave(&lock);

    for (u32 i = 0; i < n; i++)
        put_locked(frames[i], 0);
    spin_unlock_irqrestore(&lock, irq);
}

u64 buddy_free_pages(void)
{
    return atomic_load_explicit(&free_pages, memory_order_relaxed);
}
