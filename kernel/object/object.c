// Kernel objects: counting, the end of an object, and the operations whose defaults need more than
// a line.
//
// Owns the numbers of anonymous objects. Guarded by: atomics only. Relies on RCU for memory that a
// lookup may still look at.
#include <lib/string.h>
#include <object/attr.h>
#include <object/object.h>

static _Atomic u64 last_id;
static void (*watch_gone)(struct object *o);

void object_init(struct object *o, const struct object_type *type, u32 status)
{
    o->type = type;
    refcount_set(&o->refs, 1);
    atomic_init(&o->status, status);
    o->origin = NULL;
    atomic_init(&o->watchers, NULL);
}

void object_set_watch_hook(void (*gone)(struct object *o))
{
    watch_gone = gone;
}

void object_put(struct object *o)
{
    if (!refcount_dec_and_test(&o->refs))
        return;
    if (UNLIKELY(atomic_load_explicit(&o->watchers, memory_order_relaxed)))
        watch_gone(o);
    // The thing may still call into the node's file system while it ends, so the origin goes last.
    struct object_origin *origin = o->origin;
    o->type->release(o);
    if (origin)
        origin->ops->put(origin);
}

// What rcu_call needs to find its way back: the free function takes the place of the type, which
// nobody reads any more.
struct free_note {
    void (*fn)(struct object *o);
};

static void free_later(struct rcu_head *head)
{
    struct object *o = container_of(head, struct object, rcu);
    struct free_note note;
    memcpy(&note, &o->type, sizeof(note));
    note.fn(o);
}

void object_free(struct object *o, void (*fn)(struct object *o))
{
    if (LIKELY(!(atomic_load_explicit(&o->status, memory_order_relaxed) & OBJ_LOOKED_UP))) {
        fn(o);
        return;
    }
    struct free_note note = {fn};
    static_assert(sizeof(note) == sizeof(o->type));
    memcpy(&o->type, &note, sizeof(note));
    rcu_call(&o->rcu, free_later);
}

u64 object_unique_id(void)
{
    return atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
}

int object_getattr(struct object *o, struct attr *a)
{
    if (o->origin && o->origin->ops->getattr)
        return o->origin->ops->getattr(o->origin, a);
    return o->type->getattr ? o->type->getattr(o, a) : -E_BADF;
}

i64 object_describe(struct object *o, char *buf, usize cap)
{
    if (o->origin && o->origin->ops->describe)
        return o->origin->ops->describe(o->origin, buf, cap);
    if (o->type->describe)
        return o->type->describe(o, buf, cap);
    static const char head[] = "anon_inode:[";
    usize len = 0;
    const char *parts[] = {head, o->type->name, "]"};
    for (usize i = 0; i < ARRAY_LEN(parts); i++)
        for (const char *s = parts[i]; *s && len < cap; s++)
            buf[len++] = *s;
    return (i64)len;
}

u32 object_set_status(struct object *o, u32 bits, u32 mask)
{
    u32 old = atomic_load_explicit(&o->status, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&o->status, &old, (old & ~mask) | (bits & mask),
                                                  memory_order_acq_rel, memory_order_relaxed))
        ;
    u32 now = (old & ~mask) | (bits & mask);
    if (now != old && o->type->status_changed)
        o->type->status_changed(o, old, now);
    return old;
}

void attr_anon(struct attr *a, u32 mode, u64 ino, u32 dev_minor)
{
    *a = (struct attr){
        .mode = mode,
        .nlink = 1,
        .dev = dev_make(0, dev_minor),
        .ino = ino,
        .blksize = 4096,
    };
}
