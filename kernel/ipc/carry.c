// Handles inside of messages. A queued message lives as long as the object that would receive it;
// if what it carries leads back to that object, by any number of channels and local sockets, nobody
// can ever close it. A channel takes no such message: a walk over all that can be reached from it
// comes first. Local sockets take it, and what is lost that way is found later (carry_collect.c).
//
// carry_walking guards the walks and is held until a message with carriers is in its queue: two
// messages that close a circle together cannot both pass. Receiving takes ways away and needs no
// lock.
#include "carry.h"
#include <mem/slab.h>
#include <sched/lock.h>

enum { FIRST_ROOM = 64 };
static struct mutex carry_walking = MUTEX_INIT(carry_walking, &lock_class_carry);
u64 carry_walks;

void carrier_init(struct carrier *c, const struct carrier_ops *ops, struct object *o,
                  const void *queue)
{
    *c = (struct carrier){.ops = ops, .object = o, .queue = queue};
    list_init(&c->flying);
    list_init(&c->doomed);
}

struct carrier *carrier_of(struct object *o)
{
    struct carrier *c = o ? channel_carrier(o) : NULL;
    return c || !o ? c : socket_carrier(o);
}

void carry_lock(void)
{
    mutex_lock(&carry_walking);
}

void carry_unlock(void)
{
    mutex_unlock(&carry_walking);
}

bool carried_has_carriers(const struct carried *c, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (carrier_of(c[i].object))
            return true;
    return false;
}

// --- walks ---
bool carry_add(struct carry_walk *w, struct carrier *c)
{
    if (c->seen == carry_walks)
        return true;
    if (w->count == w->cap)
        return false;
    c->seen = carry_walks;
    c->index = w->count;
    object_get(c->object);
    w->found[w->count++] = c->object;
    return true;
}

bool carry_note(struct carry_walk *w, struct object *o)
{
    struct carrier *c = carrier_of(o);
    return !c || (carry_add(w, c) && (!w->graph || carry_add_edge(w, c)));
}

bool carry_note_all(struct carry_walk *w, const struct carried *c, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (!carry_note(w, c[i].object))
            return false;
    return true;
}

int carry_grow(struct carry_walk *w, u32 cap)
{
    struct object **more = kmalloc_array(cap, sizeof(struct object *), ALLOC_USER);
    if (!more)
        return -E_NOMEM;
    for (u32 i = 0; i < w->count; i++)
        more[i] = w->found[i];
    kfree(w->found);
    w->found = more;
    w->cap = cap;
    return 0;
}

int carry_walk_begin(struct carry_walk *w, const void *queue, const struct carried *c, u32 n)
{
    int err = carry_grow(w, MAX(n, (u32)FIRST_ROOM));
    if (err)
        return err;
    carry_lock();
    w->locked = true;
    carry_walks++;
    (void)carry_note_all(w, c, n); // there is room for these
    for (u32 i = 0; i < w->count; i++) {
        struct object *o = w->found[i];
        struct carrier *at = carrier_of(o);
        if (at->queue == queue)
            return -E_DEADLK;
        while (!at->ops->note(w, o)) {
            err = carry_grow(w, 2 * w->cap);
            if (err)
                return err;
        }
    }
    return 0;
}

void carry_walk_end(struct carry_walk *w)
{
    if (w->locked)
        carry_unlock();
    for (u32 i = 0; i < w->count; i++)
        object_put(w->found[i]);
    kfree(w->found);
}

// --- the end of messages ---
// A message may carry the last reference to an object with messages in its queue, and so on:
// whoever comes first drops them one after the other, so that no stack grows with the depth.
static struct spinlock doomed_lock = SPINLOCK_INIT(&lock_class_object);
static struct list doomed = LIST_INIT(doomed); // guarded by doomed_lock
static bool dropping;                          // likewise

static void drop_all_locked(void)
{
    dropping = true;
    while (!list_empty(&doomed)) {
        struct carrier *c = list_entry(doomed.next, struct carrier, doomed);
        struct object *o = c->object;
        u32 puts = c->puts;
        c->puts = 0;
        list_del(&c->doomed);
        list_init(&c->doomed);
        spin_unlock(&doomed_lock);
        while (puts--)
            object_put(o);
        spin_lock(&doomed_lock);
    }
    dropping = false;
}

static void put_carrier(struct carrier *c)
{
    spin_lock(&doomed_lock);
    if (!c->puts++)
        list_add_tail(&doomed, &c->doomed);
    if (!dropping)
        drop_all_locked();
    spin_unlock(&doomed_lock);
}

void carried_put(struct carried *c, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        struct carrier *at = carrier_of(c[i].object);
        if (at)
            put_carrier(at);
        else if (c[i].object)
            object_put(c[i].object);
        c[i].object = NULL;
    }
}
