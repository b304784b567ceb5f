// Debug checks of slab objects: red zones, poison, double frees. Owns what lies behind each object:
//
//   object | fill to 8 and one word of RED | state | link (of the free list)
//
// The state belongs to whoever holds the object; an object changes hands under the rules of slab.c.
#include "slab_internal.h"

#include <lib/string.h>
#include <sync/log.h>

enum : u64 {
    STATE_FREE = 0x6565'7266'2d62'616c,
    STATE_USED = 0x6465'7375'2d62'616c,
};
enum : u8 { RED = 0xbb };

static u8 *red_zone(const struct slab_cache *c, void *obj)
{
    return (u8 *)obj + c->size;
}

static usize red_size(const struct slab_cache *c)
{
    return c->link - 8 - c->size;
}

static u64 *state_of(const struct slab_cache *c, void *obj)
{
    return (u64 *)(void *)((u8 *)obj + c->link - 8);
}

[[noreturn]] static void complain(const struct slab_cache *c, void *obj, const char *what,
                                  usize offset)
{
    panic("BUG: slab %s: %s, object %p (%u bytes) at offset %ld", c->name, what, obj, c->size,
          (long)offset);
}

static void check_red(const struct slab_cache *c, void *obj)
{
    const u8 *red = red_zone(c, obj);

    for (usize i = 0; i < red_size(c); i++)
        if (red[i] != RED)
            complain(c, obj, "written past its end", c->size + i);
}

void slab_debug_fresh(const struct slab_cache *c, void *obj)
{
    memset(red_zone(c, obj), RED, red_size(c));
    *state_of(c, obj) = STATE_FREE;
    if (!c->ctor)
        memset(obj, (u8)POISON_FREE, c->size);
}

void slab_debug_alloc(const struct slab_cache *c, void *obj)
{
    const u8 *p = obj;

    if (*state_of(c, obj) != STATE_FREE)
        complain(c, obj, "on a free list but not free", 0);
    check_red(c, obj);
    for (usize i = 0; !c->ctor && i < c->size; i++)
        if (p[i] != (u8)POISON_FREE)
            complain(c, obj, "written to after it was freed", i);
    *state_of(c, obj) = STATE_USED;
}

void slab_debug_free(const struct slab_cache *c, void *obj)
{
    const struct frame *f = virt_to_frame(obj);
    const struct slab *s = f && f->flags & FRAME_SLAB ? f->owner : NULL;

    if (!s || s->cache != c)
        complain(c, obj, "freed to a cache that it is not from", 0);
    usize offset = (usize)((u8 *)obj - (u8 *)s);
    if (offset < c->first || (offset - c->first) % c->stride)
        complain(c, obj, "freed by a pointer into its middle", offset);
    if (*state_of(c, obj) == STATE_FREE)
        complain(c, obj, "freed twice", 0);
    if (*state_of(c, obj) != STATE_USED)
        complain(c, obj, "written far past its end", c->link - 8);
    check_red(c, obj);
    *state_of(c, obj) = STATE_FREE;
    if (!c->ctor)
        memset(obj, (u8)POISON_FREE, c->size);
}
