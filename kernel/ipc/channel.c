// Channels. A channel has two sides; a side's queue holds what the other side has sent.
//
// Owns struct channel, which lives until both ends are gone. The spinlock guards queues and the
// open flags; waiting happens on the sides' wait queues without it. Messages are freed outside the
// lock, as dropping a handle may sleep. Ends may travel in messages; that none keeps itself alive
// is carry.c's business.
#include "channel.h"
#include <lib/printf.h>
#include <mem/slab.h>
#include <object/attr.h>
#include <sched/lock.h>

enum { QUEUE_MAX_BYTES = 4 * CHANNEL_MAX_BYTES, QUEUE_MAX_MESSAGES = 1024 };
static const struct object_type channel_type;

bool object_is_channel(const struct object *o)
{
    return o->type == &channel_type;
}

// --- messages ---
int channel_message_create(u32 bytes, u32 handles, struct channel_message **out)
{
    if (bytes > CHANNEL_MAX_BYTES || handles > CHANNEL_MAX_HANDLES)
        return -E_MSGSIZE;
    usize head = sizeof(struct channel_message) + handles * sizeof(struct carried);
    struct channel_message *m = kmalloc(head + bytes, ALLOC_USER);
    if (!m)
        return -E_NOMEM;
    list_init(&m->link);
    m->bytes = bytes;
    m->handles = handles;
    m->handle = (struct carried *)(void *)(m + 1);
    m->data = (u8 *)m + head;
    for (u32 i = 0; i < handles; i++)
        m->handle[i] = (struct carried){0};
    *out = m;
    return 0;
}

void channel_message_free(struct channel_message *m)
{
    if (!m)
        return;
    carried_put(m->handle, m->handles);
    kfree(m);
}

// --- sending ---
static bool has_room(const struct channel_side *to)
{
    return !to->open || (to->messages < QUEUE_MAX_MESSAGES && to->bytes < QUEUE_MAX_BYTES);
}

// 1 queued, 0 no room, -E_PIPE.
static int try_send(struct channel *c, struct channel_side *to, struct channel_message *m)
{
    int r = 0;
    spin_lock(&c->lock);
    if (!to->open) {
        r = -E_PIPE;
    } else if (has_room(to)) {
        list_add_tail(&to->queue, &m->link);
        to->messages++;
        to->bytes += m->bytes;
        r = 1;
    }
    spin_unlock(&c->lock);
    return r;
}

static bool carries_own_end(const struct channel *c, const struct channel_message *m)
{
    for (u32 i = 0; i < m->handles; i++)
        if (m->handle[i].object && object_is_channel(m->handle[i].object) &&
            end_of(m->handle[i].object)->channel == c)
            return true;
    return false;
}

int channel_send(struct object *o, struct channel_message *m)
{
    struct channel_end *e = end_of(o);
    struct channel_side *to = other_side(e);
    bool carries = carried_has_carriers(m->handle, m->handles);
    if (carries && carries_own_end(e->channel, m))
        return -E_DEADLK;
    for (;;) {
        struct carry_walk walk = {0};
        int r = carries ? carry_walk_begin(&walk, to, m->handle, m->handles) : 0;
        if (!r) {
            if (carries)
                carried_launch(m->handle, m->handles);
            r = try_send(e->channel, to, m);
            if (carries && r <= 0)
                carried_land(m->handle, m->handles);
        }
        if (carries)
            carry_walk_end(&walk);
        if (r > 0) {
            wake_all(&to->wait, POLL_IN | POLL_RDNORM);
            return 0;
        }
        if (r < 0)
            return r;
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&to->wait, has_room(to));
        if (err)
            return err;
    }
}

// --- receiving ---
// 1 taken, 0 nothing there, -E_PIPE, -E_MSGSIZE.
static int try_receive(struct channel_end *e, u32 bytes, u32 handles, struct channel_need *need,
                       struct channel_message **out)
{
    struct channel *c = e->channel;
    struct channel_side *in = own_side(e);
    int r = 1;
    spin_lock(&c->lock);
    if (list_empty(&in->queue)) {
        r = other_side(e)->open ? 0 : -E_PIPE;
    } else {
        struct channel_message *m = list_entry(in->queue.next, struct channel_message, link);
        *need = (struct channel_need){m->bytes, m->handles};
        if (m->bytes > bytes || m->handles > handles) {
            r = -E_MSGSIZE;
        } else {
            list_del(&m->link);
            in->messages--;
            in->bytes -= m->bytes;
            *out = m;
        }
    }
    spin_unlock(&c->lock);
    return r;
}

int channel_receive(struct object *o, u32 bytes, u32 handles, struct channel_need *need,
                    struct channel_message **out)
{
    struct channel_end *e = end_of(o);
    struct channel_side *in = own_side(e);
    *need = (struct channel_need){0};
    for (;;) {
        int r = try_receive(e, bytes, handles, need, out);
        if (r > 0) {
            carried_land((*out)->handle, (*out)->handles);
            wake_all(&in->wait, POLL_OUT | POLL_WRNORM);
            return 0;
        }
        if (r < 0)
            return r;
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&in->wait, in->messages || !other_side(e)->open);
        if (err)
            return err;
    }
}

void channel_unreceive(struct object *o, struct channel_message *m)
{
    struct channel_end *e = end_of(o);
    struct channel_side *in = own_side(e);
    struct carry_walk walk = {0};
    bool carries = carried_has_carriers(m->handle, m->handles);
    // What it carries may have come to hold this end meanwhile: then nobody could ever receive it.
    int err = carries ? carry_walk_begin(&walk, in, m->handle, m->handles) : 0;
    if (!err) {
        if (carries)
            carried_launch(m->handle, m->handles);
        spin_lock(&e->channel->lock);
        list_add_head(&in->queue, &m->link);
        in->messages++;
        in->bytes += m->bytes;
        spin_unlock(&e->channel->lock);
    }
    if (carries)
        carry_walk_end(&walk);
    if (err)
        channel_message_free(m);
    wake_all(&in->wait, POLL_IN | POLL_RDNORM);
}

// --- the ends as objects ---
struct carrier *channel_carrier(struct object *o)
{
    return object_is_channel(o) ? &end_of(o)->carrier : NULL;
}

static bool channel_note(struct carry_walk *w, struct object *o)
{
    struct channel_end *e = end_of(o);
    struct channel_message *m;
    bool room = true;
    spin_lock(&e->channel->lock);
    list_for_each_entry (m, &own_side(e)->queue, link) {
        room = carry_note_all(w, m->handle, m->handles);
        if (!room)
            break;
    }
    spin_unlock(&e->channel->lock);
    return room;
}

static u32 channel_poll(struct object *o, struct poll_table *pt)
{
    struct channel_end *e = end_of(o);
    struct channel_side *in = own_side(e), *to = other_side(e);
    poll_wait(pt, &in->wait);
    poll_wait(pt, &to->wait);
    return (in->messages ? POLL_IN | POLL_RDNORM : 0u) | (!to->open      ? POLL_HUP | POLL_IN
                                                          : has_room(to) ? POLL_OUT | POLL_WRNORM
                                                                         : 0u);
}

static void end_free(struct object *o)
{
    kfree(o);
}

// What lies there is dropped; close: nothing will come any more.
static void drop_queue(struct object *o, bool close)
{
    struct channel_end *e = end_of(o);
    struct channel_side *in = own_side(e);
    struct list unread = LIST_INIT(unread);
    struct channel_message *m, *tmp;
    spin_lock(&e->channel->lock);
    if (close)
        in->open = false;
    in->messages = in->bytes = 0;
    while (!list_empty(&in->queue)) {
        struct list *first = in->queue.next;
        list_del(first);
        list_add_tail(&unread, first);
    }
    spin_unlock(&e->channel->lock);
    list_for_each_entry_safe (m, tmp, &unread, link) {
        carried_land(m->handle, m->handles);
        channel_message_free(m);
    }
}

static void channel_empty(struct object *o)
{
    drop_queue(o, false);
}

static const struct carrier_ops channel_carrier_ops = {channel_note, channel_empty};

static void channel_release(struct object *o)
{
    struct channel_end *e = end_of(o);
    struct channel *c = e->channel;
    struct channel_side *in = own_side(e);
    drop_queue(o, true);
    wake_all(&in->wait, 0);
    wake_all(&other_side(e)->wait, 0);
    if (refcount_dec_and_test(&c->refs))
        kfree(c);
    object_free(o, end_free);
}

static int channel_getattr(struct object *o, struct attr *a)
{
    attr_anon(a, MODE_SOCK | 0600, end_of(o)->channel->id, ANON_DEV_SOCKET);
    return 0;
}

static i64 channel_describe(struct object *o, char *buf, usize cap)
{
    return ksnprintf(buf, cap, "channel:[%lu]", end_of(o)->channel->id);
}

static const struct object_type channel_type = {
    .name = "channel",
    .release = channel_release,
    .left = carry_left,
    .poll = channel_poll,
    .getattr = channel_getattr,
    .describe = channel_describe,
};

int channel_create(struct object **a, struct object **b, u32 status)
{
    struct channel *c = kzalloc(sizeof(*c), ALLOC_USER);
    struct channel_end *ends[2] = {kzalloc(sizeof(struct channel_end), ALLOC_USER),
                                   kzalloc(sizeof(struct channel_end), ALLOC_USER)};
    if (!c || !ends[0] || !ends[1]) {
        kfree(ends[1]);
        kfree(ends[0]);
        kfree(c);
        return -E_NOMEM;
    }
    spin_init(&c->lock, &lock_class_object);
    refcount_set(&c->refs, 2);
    c->id = object_unique_id();
    for (u32 i = 0; i < 2; i++) {
        waitqueue_init(&c->side[i].wait);
        list_init(&c->side[i].queue);
        c->side[i].open = true;
        object_init(&ends[i]->obj, &channel_type, status);
        ends[i]->channel = c;
        ends[i]->side = i;
        carrier_init(&ends[i]->carrier, &channel_carrier_ops, &ends[i]->obj, own_side(ends[i]));
    }
    *a = &ends[0]->obj;
    *b = &ends[1]->obj;
    return 0;
}
