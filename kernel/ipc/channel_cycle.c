// Channel ends inside of messages. A queued message lives as long as the end that would receive it;
// if what it carries led back to that end, by any number of channels, nobody could ever close it.
// So a message that carries ends is only queued after a walk over all that can be reached from it.
//
// `walking` guards the walks and is held until the message is in its queue: two messages that close
// a circle together cannot both pass. Receiving takes ways away and needs no lock.
#include "channel.h"
#include <mem/slab.h>

static struct mutex walking = MUTEX_INIT(walking, &lock_class_sleep_other);
static u64 walks; // guarded by walking

static struct channel_end *end_in(const struct channel_message *m, u32 i)
{
    struct object *o = m->handle[i].object;
    return o && object_is_channel(o) ? end_of(o) : NULL;
}

bool channel_message_carries_ends(const struct channel_message *m)
{
    for (u32 i = 0; i < m->handles; i++)
        if (end_in(m, i))
            return true;
    return false;
}

// false: no room for all.
static bool note_ends(struct channel_walk *w, const struct channel_message *m)
{
    for (u32 i = 0; i < m->handles; i++) {
        struct channel_end *e = end_in(m, i);
        if (!e || e->seen == walks)
            continue;
        if (w->count == w->cap)
            return false;
        e->seen = walks;
        object_get(&e->obj);
        w->ends[w->count++] = &e->obj;
    }
    return true;
}

static int grow(struct channel_walk *w)
{
    u32 cap = w->cap ? 2 * w->cap : CHANNEL_MAX_HANDLES;
    struct object **more = kmalloc_array(cap, sizeof(struct object *), ALLOC_USER);
    if (!more)
        return -E_NOMEM;
    for (u32 i = 0; i < w->count; i++)
        more[i] = w->ends[i];
    kfree(w->ends);
    w->ends = more;
    w->cap = cap;
    return 0;
}

// Notes what waits in the queue of an end. false: no room for all.
static bool note_queue(struct channel_walk *w, struct channel_end *e)
{
    struct channel_message *m;
    bool room = true;
    spin_lock(&e->channel->lock);
    list_for_each_entry (m, &own_side(e)->queue, link) {
        room = note_ends(w, m);
        if (!room)
            break;
    }
    spin_unlock(&e->channel->lock);
    return room;
}

int channel_walk_begin(struct channel_walk *w, struct channel *c, const struct channel_side *to,
                       struct channel_message *m)
{
    int err = grow(w);
    if (err)
        return err;
    mutex_lock(&walking);
    w->locked = true;
    walks++;
    (void)note_ends(w, m); // there is room for a message's
    u32 own = w->count;
    for (u32 i = 0; i < w->count; i++) {
        struct channel_end *e = end_of(w->ends[i]);
        if (e->channel == c && (own_side(e) == to || i < own))
            return -E_DEADLK; // also an end of the channel itself, over which it is sent
        while (!note_queue(w, e)) {
            err = grow(w);
            if (err)
                return err;
        }
    }
    return 0;
}

void channel_walk_end(struct channel_walk *w)
{
    if (w->locked)
        mutex_unlock(&walking);
    for (u32 i = 0; i < w->count; i++)
        object_put(w->ends[i]);
    kfree(w->ends);
}

// --- the end of messages ---
// A message may carry the last reference to an end with messages in its queue, and so on: whoever
// comes first frees them one after the other, so that no stack grows with the depth.
static struct spinlock doomed_lock = SPINLOCK_INIT(&lock_class_object);
static struct list doomed = LIST_INIT(doomed); // guarded by doomed_lock
static bool freeing;                           // likewise

void channel_free_unread(struct list *unread)
{
    spin_lock(&doomed_lock);
    while (!list_empty(unread)) {
        struct list *first = unread->next;
        list_del(first);
        list_add_tail(&doomed, first);
    }
    if (!freeing) {
        freeing = true;
        while (!list_empty(&doomed)) {
            struct channel_message *m = list_entry(doomed.next, struct channel_message, link);
            list_del(&m->link);
            spin_unlock(&doomed_lock);
            channel_message_free(m);
            spin_lock(&doomed_lock);
        }
        freeing = false;
    }
    spin_unlock(&doomed_lock);
}
