// Memory objects: the page cache. Lookup, filling, dirty marks, life.
//
// The tree is changed under tree_lock and read under RCU. A reader takes its reference from a count
// that may have reached zero and then asks whether pages were dropped meanwhile (drop_gen): pages
// leave the tree first, then drop_gen grows, then the tree's references go. An unchanged drop_gen
// thus means that the tree's reference was there when the reader took its own. Filling from the
// store is exclusive per page through one of a few mutexes; a page enters the tree only when it is
// filled.
#include "objpriv.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sched/rcu.h>

DEFINE_SLAB(node_cache, struct radix_node);
DEFINE_SLAB(anon_cache, struct memobj);

enum { FILL_MUTEXES = 16 };
static struct mutex fill_mutex[FILL_MUTEXES];
static _Atomic u64 next_id = 1;
static _Atomic u64 cached_total;

// --- reclaim: objects whose clean pages can be read in again (without write_back the cache is the
// store) ---
static struct spinlock reclaim_lock; // class memobj, outside tree_lock; guards the list
static struct list reclaim_objects = LIST_INIT(reclaim_objects);
static struct reclaim_hook reclaim_hook;

// --- tree nodes ---
static struct radix_node *node_alloc(void)
{
    return slab_def_alloc(&node_cache, ALLOC_ATOMIC);
}
static void node_free_late(struct rcu_head *h)
{
    slab_def_free(&node_cache, container_of((void **)(void *)h, struct radix_node, free_link[0]));
}
static void node_free(struct radix_node *n)
{
    static_assert(sizeof(n->free_link) >= sizeof(struct rcu_head));
    rcu_call((struct rcu_head *)(void *)n->free_link, node_free_late);
}
static const struct radix_ops node_ops = {node_alloc, node_free};

void memobj_init(struct memobj *o, const struct memobj_ops *ops, u64 size)
{
    *o = (struct memobj){.ops = ops, .id = atomic_fetch_add(&next_id, 1)};
    refcount_set(&o->refs, 1);
    atomic_store_explicit(&o->size, size, memory_order_relaxed);
    spin_init(&o->tree_lock, &lock_class_memobj);
    spin_init(&o->map_lock, &lock_class_memobj);
    radix_init(&o->pages, &node_ops);
    list_init(&o->areas);
    list_init(&o->reclaim_link);
    if (ops->read_in && ops->write_back) {
        spin_lock(&reclaim_lock);
        list_add_tail(&reclaim_objects, &o->reclaim_link);
        spin_unlock(&reclaim_lock);
    }
}

static void anon_destroy(struct memobj *o)
{
    slab_def_free(&anon_cache, o);
}
static const struct memobj_ops anon_ops = {.destroy = anon_destroy};

struct memobj *memobj_create_anon(u64 size)
{
    struct memobj *o = slab_def_alloc(&anon_cache, ALLOC_USER);
    if (o) {
        memobj_init(o, &anon_ops, size);
        o->flags = MEMOBJ_SHM;
    }
    return o;
}

void memobj_get(struct memobj *o)
{
    refcount_inc(&o->refs);
}

static void drop_item(u64 index, void *item, void *arg)
{
    (void)index, (void)arg;
    frame_put(object_frame(item));
}

void memobj_put(struct memobj *o)
{
    if (!refcount_dec_and_test(&o->refs))
        return;
    if (o->ops->read_in) {
        spin_lock(&reclaim_lock);
        list_del(&o->reclaim_link);
        spin_unlock(&reclaim_lock);
    }
    u64 cached = atomic_load_explicit(&o->cached, memory_order_relaxed);
    if (cached) {
        radix_clear(&o->pages, drop_item, NULL);
        atomic_fetch_sub_explicit(&cached_total, cached, memory_order_relaxed);
        if (o->ops->account)
            (void)o->ops->account(o, -(i64)cached);
    }
    if (o->ops->destroy)
        o->ops->destroy(o);
}

u64 memobj_cached_total(void)
{
    return atomic_load_explicit(&cached_total, memory_order_relaxed);
}

void memobj_count_dropped(u64 pages)
{
    atomic_fetch_sub_explicit(&cached_total, pages, memory_order_relaxed);
}

struct frame *memobj_peek(struct memobj *o, u64 index)
{
    struct frame *f;
    for (;;) {
        u64 gen = atomic_load_explicit(&o->drop_gen, memory_order_acquire);
        rcu_read_lock();
        void *item = radix_lookup(&o->pages, index);
        f = object_frame(item);
        bool got = f && frame_get_not_zero(f);
        rcu_read_unlock();
        if (LIKELY(!f || (got && atomic_load_explicit(&o->drop_gen, memory_order_acquire) == gen)))
            return f;
        if (got)
            frame_put(f);
    }
}

int memobj_insert(struct memobj *o, u64 index, struct frame *f, bool dirty)
{
    int err = o->ops->account ? o->ops->account(o, 1) : 0;
    if (err)
        return err;
    f->private = 0;
    void *item = (void *)((uintptr_t)f | (dirty && o->ops->write_back ? 1u : 0u));
    for (u32 attempt = 0;; attempt++) {
        spin_lock(&o->tree_lock);
        err = radix_insert(&o->pages, index, item);
        if (!err)
            atomic_fetch_add_explicit(&o->cached, 1, memory_order_relaxed);
        spin_unlock(&o->tree_lock);
        if (err != -E_NOMEM || attempt == 4)
            break;
        // Nodes are allocated under the lock and cannot wait for reclaim; let it happen here, then
        // try again.
        struct radix_node *n = slab_def_alloc(&node_cache, 0);
        if (!n)
            break;
        slab_def_free(&node_cache, n);
    }
    if (!err)
        atomic_fetch_add_explicit(&cached_total, 1, memory_order_relaxed);
    else if (o->ops->account)
        (void)o->ops->account(o, -1);
    return err;
}

bool memobj_mark_dirty(struct memobj *o, u64 index, struct frame *f)
{
    if (!o->ops->write_back)
        return true;
    spin_lock(&o->tree_lock);
    void *item = radix_lookup(&o->pages, index);
    bool there = object_frame(item) == f;
    if (there && !((uintptr_t)item & 1))
        radix_replace(&o->pages, index, (void *)((uintptr_t)f | 1));
    spin_unlock(&o->tree_lock);
    return there;
}

// A new page: read in or zeroes. -E_EXIST: somebody else was faster.
static int fill(struct memobj *o, u64 index, struct frame **out)
{
    struct frame *f = frame_alloc(0, ALLOC_ZERO | ALLOC_USER);
    if (!f)
        return -E_NOMEM;
    int err = o->ops->read_in ? o->ops->read_in(o, index, f) : 0;
    if (!err) {
        frame_get(f);
        err = memobj_insert(o, index, f, false);
        if (!err) {
            *out = f;
            return 0;
        }
        frame_put(f);
    }
    frame_put(f);
    return err;
}

static int fill_exclusive(struct memobj *o, u64 index, struct frame **out)
{
    if (!o->ops->read_in)
        return fill(o, index, out);
    struct mutex *m = &fill_mutex[(o->id * 31 + index) % FILL_MUTEXES];
    mutex_lock(m);
    int err = 0;
    *out = memobj_peek(o, index);
    if (!*out)
        err = fill(o, index, out);
    mutex_unlock(m);
    return err;
}

int memobj_page(struct memobj *o, u64 index, u32 flags, struct frame **out, paddr_t *direct)
{
    *out = NULL;
    *direct = 0;
    if (o->ops->direct) {
        *direct = o->ops->direct(o, index);
        if (*direct)
            return 0;
    }
    for (;;) {
        struct frame *f = memobj_peek(o, index);
        if (!f) {
            if (!o->ops->read_in && !(flags & (MEMOBJ_WRITE | MEMOBJ_CREATE)))
                return 0;
            if (flags & MEMOBJ_NOWAIT)
                return -E_AGAIN;
            int err = fill_exclusive(o, index, &f);
            if (err == -E_EXIST)
                continue;
            if (err)
                return err;
        }
        if (flags & MEMOBJ_WRITE) {
            memobj_mark_dirty(o, index, f);
            if (f->private)
                __atomic_store_n(&f->private, 0, __ATOMIC_RELAXED);
        }
        *out = f;
        return 0;
    }
}

// Frees clean pages that nobody maps or uses. The count is frozen at zero while a page leaves the
// tree, so no reader gets hold of it.
static u64 reclaim_from(struct memobj *o, u64 want)
{
    u64 freed = 0, looked = 0;
    spin_lock_nested(&o->tree_lock);
    u64 at = o->clock;
    while (freed < want && looked++ < 2 * want + 64) {
        u64 index = at;
        void *item = radix_next(&o->pages, &index);
        if (!item) {
            at = 0;
            if (looked > 1)
                break;
            continue;
        }
        at = index + 1;
        struct frame *f = object_frame(item);
        u32 one = 1;
        if ((uintptr_t)item & 1 ||
            !atomic_compare_exchange_strong_explicit(&f->refs, &one, 0, memory_order_acquire,
                                                     memory_order_relaxed))
            continue;
        radix_erase(&o->pages, index);
        atomic_fetch_add_explicit(&o->drop_gen, 1, memory_order_release);
        atomic_fetch_sub_explicit(&o->cached, 1, memory_order_relaxed);
        atomic_store_explicit(&f->refs, 1, memory_order_release);
        frame_put(f);
        freed++;
    }
    o->clock = at;
    spin_unlock(&o->tree_lock);
    if (freed && o->ops->account)
        (void)o->ops->account(o, -(i64)freed);
    return freed;
}

static u64 reclaim(u64 want)
{
    u64 freed = 0;
    want = MAX(want, 16ul);
    spin_lock(&reclaim_lock);
    struct list *last = reclaim_objects.prev;
    for (struct list *l; freed < want && (l = list_first(&reclaim_objects)) != NULL;) {
        freed += reclaim_from(list_entry(l, struct memobj, reclaim_link), want - freed);
        list_del(l);
        list_add_tail(&reclaim_objects, l);
        if (l == last)
            break;
    }
    spin_unlock(&reclaim_lock);
    atomic_fetch_sub_explicit(&cached_total, freed, memory_order_relaxed);
    return freed;
}

void memobj_init_reclaim(void)
{
    spin_init(&reclaim_lock, &lock_class_memobj);
    for (u32 i = 0; i < FILL_MUTEXES; i++)
        mutex_init(&fill_mutex[i], &lock_class_memobj_sleep);
    reclaim_hook.fn = reclaim;
    frame_add_reclaim(&reclaim_hook);
}
