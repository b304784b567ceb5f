// What watches an object, and how deep sets of waits are nested.
//
// Guarded by watch_lock, one for the kernel: watchers change rarely.
#include "poll_set.h"
#include <mem/slab.h>

struct mutex watch_lock;
static u32 visit; // of the check that runs

void poll_set_init(void)
{
    mutex_init(&watch_lock, &lock_class_poll_watch);
    object_set_watch_hook(poll_set_target_gone);
}

static struct watch *watch_of(struct object *o)
{
    return atomic_load_explicit(&o->watchers, memory_order_relaxed);
}

int watch_link(struct set_item *it)
{
    struct watch *w = watch_of(it->target);
    if (!w) {
        w = kmalloc(sizeof(*w), ALLOC_USER);
        if (!w)
            return -E_NOMEM;
        list_init(&w->items);
        atomic_store_explicit(&it->target->watchers, w, memory_order_relaxed);
    }
    list_add_tail(&w->items, &it->watch_link);
    return 0;
}

void watch_unlink(struct set_item *it)
{
    struct watch *w = watch_of(it->target);
    list_del(&it->watch_link);
    if (!list_empty(&w->items))
        return;
    atomic_store_explicit(&it->target->watchers, NULL, memory_order_relaxed);
    kfree(w);
}

struct set_item *watch_first(struct object *target)
{
    struct watch *w = watch_of(target);
    return w ? list_entry(w->items.next, struct set_item, watch_link) : NULL;
}

// Levels of sets below and including s; more than POLL_SET_DEPTH when `never` is among them. Each
// set is looked at once per check, so that many paths to the same set cost nothing.
static u32 depth_below(struct poll_set *s, const struct poll_set *never)
{
    if (s == never)
        return POLL_SET_DEPTH + 1;
    if (s->visit == visit)
        return s->depth;
    u32 deepest = 0;
    for (u32 i = 0; i < s->bucket_count && deepest <= POLL_SET_DEPTH; i++) {
        struct set_item *it;
        list_for_each_entry (it, &s->buckets[i], link)
            if (object_is_poll_set(it->target))
                deepest = MAX(deepest, depth_below((struct poll_set *)it->target, never));
    }
    s->visit = visit;
    return s->depth = deepest + 1;
}

// Levels of sets above and including s.
static u32 depth_above(struct poll_set *s)
{
    if (s->visit == visit)
        return s->depth;
    u32 deepest = 0;
    struct watch *w = watch_of(&s->obj);
    if (w) {
        struct set_item *it;
        list_for_each_entry (it, &w->items, watch_link)
            deepest = MAX(deepest, depth_above(it->set));
    }
    s->visit = visit;
    return s->depth = deepest + 1;
}

int watch_check_nesting(struct poll_set *set, struct poll_set *target)
{
    visit++;
    u32 below = depth_below(target, set);
    if (below > POLL_SET_DEPTH)
        return -E_LOOP;
    visit++;
    return below + depth_above(set) > POLL_SET_DEPTH ? -E_LOOP : 0;
}
