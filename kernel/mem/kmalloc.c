// kmalloc: small sizes from slab caches of fixed sizes, large ones as blocks of frames.
//
// The caches are made at first use; the frame descriptor of a pointer tells which kind it is, so
// kfree needs no size.
#include "slab_internal.h"

#include <lib/checked.h>
#include <lib/math.h>
#include <lib/string.h>
#include <sync/log.h>

enum { SMALL_MAX = 2048, STEP = 16 };

static struct slab_def classes[] = {
    {"kmalloc-16", 16, 16, NULL},     {"kmalloc-32", 32, 16, NULL},
    {"kmalloc-48", 48, 16, NULL},     {"kmalloc-64", 64, 16, NULL},
    {"kmalloc-96", 96, 16, NULL},     {"kmalloc-128", 128, 16, NULL},
    {"kmalloc-192", 192, 16, NULL},   {"kmalloc-256", 256, 16, NULL},
    {"kmalloc-384", 384, 16, NULL},   {"kmalloc-512", 512, 16, NULL},
    {"kmalloc-768", 768, 16, NULL},   {"kmalloc-1024", 1024, 16, NULL},
    {"kmalloc-1536", 1536, 16, NULL}, {"kmalloc-2048", 2048, 16, NULL},
};

// Index into classes. Up to 128 by table, above in half steps between powers of two.
// More than that is not to be had by accident: who wants it asks for frames.
enum : usize { KMALLOC_MAX = 4 << 20 };

static inline u32 class_of(usize size)
{
    static const u8 small[SMALL_MAX / STEP / 16 + 1] = {0, 0, 1, 2, 3, 4, 4, 5, 5};

    if (size <= 128)
        return small[(size + STEP - 1) / STEP];
    u32 top = ilog2(size - 1); // 7 for 129..256
    return 2 * (top - 7) + 6 + ((size - 1) >> (top - 1) & 1);
}

void *kmalloc(usize size, u32 flags)
{
    if (LIKELY(size <= SMALL_MAX))
        return slab_def_alloc(&classes[class_of(size)], flags);
    if (size > KMALLOC_MAX)
        return NULL;
    struct frame *f = frame_alloc(order_of(DIV_ROUND_UP(size, PAGE_SIZE)), flags);
    return f ? frame_to_virt(f) : NULL;
}

void *kzalloc(usize size, u32 flags)
{
    return kmalloc(size, flags | ALLOC_ZERO);
}

void *kmalloc_array(usize n, usize size, u32 flags)
{
    usize bytes;

    return checked_mul(n, size, &bytes) ? kmalloc(bytes, flags) : NULL;
}

// The frame of a kmalloc'ed pointer.
static inline struct frame *frame_of(const void *p)
{
    struct frame *f = virt_to_frame(p);

    if (UNLIKELY(!f || (!(f->flags & FRAME_SLAB) && ((uintptr_t)p & PAGE_MASK))))
        panic("BUG: %p is not from kmalloc", p);
    return f;
}

void kfree(void *p)
{
    if (!p)
        return;
    struct frame *f = frame_of(p);
    if (LIKELY(f->flags & FRAME_SLAB))
        slab_free(((const struct slab *)f->owner)->cache, p);
    else
        frame_put(f);
}

usize kmalloc_usable(const void *p)
{
    const struct frame *f = frame_of(p);

    return f->flags & FRAME_SLAB ? ((const struct slab *)f->owner)->cache->size
                                 : PAGE_SIZE << f->order;
}

void *krealloc(void *p, usize old_size, usize new_size, u32 flags)
{
    if (!p)
        return kmalloc(new_size, flags);
    kdebug_assert(old_size <= kmalloc_usable(p));
    usize room = kmalloc_usable(p);
    if (new_size <= room &&
        new_size > room / 4) { // shrinking a lot moves, so that memory comes back
        if (flags & ALLOC_ZERO && new_size > old_size)
            memset((u8 *)p + old_size, 0, new_size - old_size);
        return p;
    }
    void *fresh = kmalloc(new_size, flags);
    if (!fresh)
        return NULL;
    memcpy(fresh, p, MIN(old_size, new_size));
    kfree(p);
    return fresh;
}
