// Handles inside of messages. A queued message lives as long as the object that would receive it;
// if what it carries led back to that object, by any number of channels and local sockets, nobody
// could ever close it. So a message that carries any of these is only queued after a walk over all
// that can be reached from it.
//
// `walking` guards the walks and is held until the message is in its queue: two messages that close
// a circle together cannot both pass. Receiving takes ways away and needs no lock.
#include "carry.h"
#include <mem/slab.h>
#include <sched/lock.h>

enum { FIRST_ROOM = 64 };
static struct mutex walking = MUTEX_INIT(walking, &lock_class_carry);
static u64 walks; // guarded by walking

void carrier_init(struct carrier *c, struct object *o, const void *queue,
                  bool (*note)(struct carry_walk *w, struct object *o))
{
    *c = (struct carrier){.object = o, .queue = queue, .note = note};
    list_init(&c->link);
}

static struct carrier *carrier_of(struct object *o)
{
    struct carrier *c = o ? channel_carrier(o) : NULL;
    return c || !o ? c : socket_carrier(o);
}

bool carried_has_carriers(const struct carried *c, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (carrier_of(c[i].object))
            return true;
    return false;
}

// --- walks ---
bool carry_note(struct carry_walk *w, struct object *o)
{
    struct carrier *c = carrier_of(o);
    if (!c || c->seen == walks)
        return true;
    if (w->count == w->cap)
        return false;
    c->seen = walks;
    object_get(o);
    w->found[w->count++] = o;
    return true;
}

bool carry_note_all(struct carry_walk *w, const struct carried *c, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (!carry_note(w, c[i].object))
            return false;
    return true;
}

static int grow(struct carry_walk *w, u32 cap)
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
    int err = grow(w, MAX(n, (u32)FIRST_ROOM));
    if (err)
        return err;
    mutex_lock(&walking);
    w->locked = true;
    walks++;
    (void)carry_note_all(w, c, n); // there is room for these
    for (u32 i = 0; i < w->count; i++) {
        struct object *o = w->found[i];
        struct carrier *at = carrier_of(o);
        if (at->queue == queue)
            return -E_DEADLK;
        while (!at->note(w, o)) {
            err = grow(w, 2 * w->cap);
            if (err)
                return err;
        }
    }
    return 0;
}

void carry_walk_end(struct carry_walk *w)
{
    if (w->locked)
        mutex_unlock(&walking);
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
        struct carrier *c = list_entry(doomed.next, struct carrier, link);
        struct object *o = c->object;
        u32 puts = c->puts;
        c->puts = 0;
        list_del(&c->link);
        list_init(&c->link);
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
        list_add_tail(&doomed, &c->link);
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
