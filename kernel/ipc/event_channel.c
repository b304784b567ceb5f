// Event channels and subscriptions.
//
// Owns the registry of names. The registry's mutex guards the list of channels and each channel's
// list of subscriptions; publishing holds it too, so that all subscriptions see one order. A
// subscription's spinlock guards its queue and handlers.
#include <arch/time.h>
#include <ipc/event_channel.h>
#include <lib/list.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>
#include <sched/lock.h>

struct event_channel {
    struct object obj; // first
    char name[EVENT_CHANNEL_NAME_MAX + 1];
    u32 owner;
    // --- guarded by registry_mutex ---
    struct list link;
    struct list subscriptions;
};
struct queued_note {
    struct list link;
    struct event_note note;
};
struct note_handler {
    struct list link;
    u32 number;
    enum note_filter filter;
    u64 parameter;
};
struct subscription {
    struct object obj;             // first
    struct event_channel *channel; // counted
    struct waitqueue wait;
    struct list link;     // registry_mutex
    struct spinlock lock; // class object
    // --- guarded by lock; count read without it for hints ---
    struct list queue, handlers;
    _Atomic u32 count;
    u32 lost;
};

static struct mutex registry_mutex = MUTEX_INIT(registry_mutex, &lock_class_sleep_other);
static struct list channels = LIST_INIT(channels);
static const struct object_type channel_type, subscription_type;

bool object_is_event_channel(const struct object *o)
{
    return o->type == &channel_type;
}
bool object_is_subscription(const struct object *o)
{
    return o->type == &subscription_type;
}
static struct subscription *subscription_of(struct object *o)
{
    return (struct subscription *)(void *)o;
}
static struct event_channel *channel_of(struct object *o)
{
    return (struct event_channel *)(void *)o;
}

// --- channels ---
static struct event_channel *find(const char *name, usize len)
{
    struct event_channel *c;
    list_for_each_entry (c, &channels, link)
        if (strlen(c->name) == len && memcmp(c->name, name, len) == 0 &&
            refcount_inc_not_zero(&c->obj.refs))
            return c;
    return NULL;
}

int event_channel_find(const char *name, usize len, struct object **out)
{
    mutex_lock(&registry_mutex);
    struct event_channel *c = find(name, len);
    mutex_unlock(&registry_mutex);
    if (!c)
        return -E_NOENT;
    *out = &c->obj;
    return 0;
}

u32 event_channel_owner(struct object *channel)
{
    return channel_of(channel)->owner;
}

int event_channel_open(const char *name, usize len, u32 owner, struct object **out)
{
    struct event_channel *fresh = kzalloc(sizeof(*fresh), ALLOC_USER);
    if (!fresh)
        return -E_NOMEM;
    mutex_lock(&registry_mutex);
    struct event_channel *c = find(name, len);
    if (!c) {
        c = fresh;
        fresh = NULL;
        c->owner = owner;
        object_init(&c->obj, &channel_type, 0);
        memcpy(c->name, name, len);
        list_init(&c->subscriptions);
        list_add_tail(&channels, &c->link);
    }
    mutex_unlock(&registry_mutex);
    kfree(fresh);
    *out = &c->obj;
    return 0;
}

static void plain_free(struct object *o)
{
    kfree(o);
}

static void channel_release(struct object *o)
{
    mutex_lock(&registry_mutex);
    list_del(&channel_of(o)->link);
    mutex_unlock(&registry_mutex);
    object_free(o, plain_free);
}

// --- publishing ---
// The handler that wants the note: 0 and true when there are none at all.
static bool wanted(struct subscription *s, const struct event_note *n, u32 *handler)
{
    struct note_handler *h;
    *handler = 0;
    if (list_empty(&s->handlers))
        return true;
    list_for_each_entry (h, &s->handlers, link) {
        if (h->filter == NOTE_ALL || (h->filter == NOTE_SENDER && h->parameter == n->sender) ||
            (h->filter == NOTE_ID && h->parameter == n->id) ||
            (h->filter == NOTE_TYPE && h->parameter == n->type)) {
            *handler = h->number;
            return true;
        }
    }
    return false;
}

// 1 kept, 0 not wanted, -E_NOMEM.
static int deliver(struct subscription *s, const struct event_note *n, u64 now)
{
    struct queued_note *q = kmalloc(sizeof(*q), ALLOC_USER), *oldest = NULL;
    if (!q)
        return -E_NOMEM;
    q->note = *n;
    q->note.time_ns = now;
    q->note.lost = 0;
    spin_lock(&s->lock);
    bool keep = wanted(s, n, &q->note.handler);
    if (keep) {
        if (s->count == SUBSCRIPTION_QUEUE_MAX) {
            oldest = list_entry(s->queue.next, struct queued_note, link);
            list_del(&oldest->link);
            s->count--;
            s->lost += 1;
        }
        list_add_tail(&s->queue, &q->link);
        s->count++;
    }
    spin_unlock(&s->lock);
    kfree(oldest);
    if (!keep) {
        kfree(q);
        return 0;
    }
    wake_all(&s->wait, POLL_IN | POLL_RDNORM);
    return 1;
}

i64 event_channel_publish(struct object *channel, const struct event_note *note)
{
    struct subscription *s;
    i64 told = 0;
    int err = 0;
    u64 now = arch_time_ns();
    mutex_lock(&registry_mutex);
    list_for_each_entry (s, &channel_of(channel)->subscriptions, link) {
        int r = deliver(s, note, now);
        if (r > 0)
            told++;
        else if (r < 0)
            err = r;
    }
    mutex_unlock(&registry_mutex);
    return err ? err : told;
}

// --- subscriptions ---
int subscription_create(struct object *channel, struct object **out)
{
    struct subscription *s = kzalloc(sizeof(*s), ALLOC_USER);
    if (!s)
        return -E_NOMEM;
    object_init(&s->obj, &subscription_type, 0);
    spin_init(&s->lock, &lock_class_object);
    waitqueue_init(&s->wait);
    list_init(&s->queue);
    list_init(&s->handlers);
    object_get(channel);
    s->channel = channel_of(channel);
    mutex_lock(&registry_mutex);
    list_add_tail(&s->channel->subscriptions, &s->link);
    mutex_unlock(&registry_mutex);
    *out = &s->obj;
    return 0;
}

static void subscription_release(struct object *o)
{
    struct subscription *s = subscription_of(o);
    mutex_lock(&registry_mutex);
    list_del(&s->link);
    mutex_unlock(&registry_mutex);
    struct queued_note *q, *qt;
    list_for_each_entry_safe (q, qt, &s->queue, link)
        kfree(q);
    struct note_handler *h, *ht;
    list_for_each_entry_safe (h, ht, &s->handlers, link)
        kfree(h);
    object_put(&s->channel->obj);
    object_free(o, plain_free);
}

static struct queued_note *take(struct subscription *s)
{
    struct queued_note *q = NULL;
    spin_lock(&s->lock);
    if (s->count) {
        q = list_entry(s->queue.next, struct queued_note, link);
        list_del(&q->link);
        s->count--;
        q->note.lost = s->lost;
        s->lost = 0;
    }
    spin_unlock(&s->lock);
    return q;
}

int subscription_next(struct object *o, struct event_note *out)
{
    struct subscription *s = subscription_of(o);
    for (;;) {
        struct queued_note *q = take(s);
        if (q) {
            *out = q->note;
            kfree(q);
            return 0;
        }
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&s->wait, s->count);
        if (err)
            return err;
    }
}

// Reading gives whole notes, as many as fit; the first one is waited for.
static i64 subscription_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct event_note *n = kmalloc(sizeof(*n), ALLOC_USER);
    i64 done = 0;
    if (!n)
        return -E_NOMEM;
    if (iobuf_left(buf) < sizeof(*n))
        done = -E_INVAL;
    while (done >= 0 && iobuf_left(buf) >= sizeof(*n) && (done == 0 || subscription_of(o)->count)) {
        int err = subscription_next(o, n);
        if (err) {
            done = done ? done : err;
            break;
        }
        if (iobuf_put(buf, n, sizeof(*n)) != sizeof(*n)) {
            done = done ? done : -E_FAULT;
            break;
        }
        done += sizeof(*n);
    }
    kfree(n);
    return done;
}

static u32 subscription_poll(struct object *o, struct poll_table *pt)
{
    struct subscription *s = subscription_of(o);
    poll_wait(pt, &s->wait);
    return s->count ? POLL_IN | POLL_RDNORM : 0;
}

int subscription_add_handler(struct object *o, u32 handler, enum note_filter f, u64 parameter)
{
    struct subscription *s = subscription_of(o);
    struct note_handler *fresh = kmalloc(sizeof(*fresh), ALLOC_USER), *h, *use = NULL;
    if (!fresh)
        return -E_NOMEM;
    spin_lock(&s->lock);
    list_for_each_entry (h, &s->handlers, link)
        if (h->number == handler)
            use = h;
    if (!use) {
        use = fresh;
        fresh = NULL;
        list_add_tail(&s->handlers, &use->link);
    }
    use->number = handler;
    use->filter = f;
    use->parameter = parameter;
    spin_unlock(&s->lock);
    kfree(fresh);
    return 0;
}

int subscription_remove_handler(struct object *o, u32 handler)
{
    struct subscription *s = subscription_of(o);
    struct note_handler *h, *found = NULL;
    spin_lock(&s->lock);
    list_for_each_entry (h, &s->handlers, link)
        if (h->number == handler)
            found = h;
    if (found)
        list_del(&found->link);
    spin_unlock(&s->lock);
    kfree(found);
    return found ? 0 : -E_NOENT;
}

static int event_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}

static const struct object_type channel_type = {
    .name = "event-channel",
    .kinds = OBJ_KIND_EVENT,
    .release = channel_release,
    .getattr = event_getattr,
};
static const struct object_type subscription_type = {
    .name = "subscription",
    .kinds = OBJ_KIND_EVENT,
    .release = subscription_release,
    .read = subscription_read,
    .poll = subscription_poll,
    .getattr = event_getattr,
};
