// Watches and telling them. A node that somebody watches has NODE_WATCHED, and nothing is looked up
// for the others; while there is no watch at all, telling is one load.
//
// watch_lock guards the table, the queues and NODE_WATCHED. Nodes are compared as addresses only:
// a watch keeps its own node alive.
#include "watch_tell.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>
#include <task/task.h>
#include <vfs/dentry.h>
#include <vfs/watch.h>

enum { BUCKETS = 64 };
struct queued {
    struct list link;
    struct watch_note note;
};
struct watcher {
    struct object obj; // first
    struct path place; // counted
    struct node *node; // of place
    struct waitqueue wait;
    // --- guarded by watch_lock; count read without it for hints ---
    struct list link, queue;
    _Atomic u32 count;
    u32 lost;
};
static struct spinlock watch_lock = SPINLOCK_INIT(&lock_class_object);
static struct list buckets[BUCKETS]; // watch_lock; a bucket is initialised when first used
_Atomic u32 watch_total;
static _Atomic u32 next_pair;
static const struct object_type watch_type;

static struct list *bucket_of(const struct node *n)
{
    struct list *b = &buckets[((uintptr_t)n >> 6) % BUCKETS];
    if (!b->next)
        list_init(b);
    return b;
}

static struct watcher *watcher_of(struct object *o)
{
    return (struct watcher *)(void *)o;
}

bool object_is_watch(const struct object *o)
{
    return o->type == &watch_type;
}

// --- telling ---
static bool says_the_same(const struct watcher *w, const struct watch_note *n)
{
    if (list_empty(&w->queue))
        return false;
    const struct watch_note *last = &list_entry(w->queue.prev, struct queued, link)->note;
    return last->what == n->what && last->inode == n->inode && last->pair == n->pair &&
           last->length == n->length && memcmp(last->name, n->name, n->length) == 0;
}

// watch_lock held. No memory counts as lost.
static void enqueue(struct watcher *w, const struct watch_note *n)
{
    if (says_the_same(w, n))
        return;
    struct queued *q;
    if (w->count == WATCH_QUEUE_MAX) {
        q = list_entry(w->queue.next, struct queued, link);
        list_del(&q->link);
        w->count--;
        w->lost++;
    } else {
        q = kmalloc(sizeof(*q), ALLOC_ATOMIC | ALLOC_USER);
    }
    if (!q) {
        w->lost++;
        return;
    }
    q->note = *n;
    list_add_tail(&w->queue, &q->link);
    w->count++;
    wake_all(&w->wait, POLL_IN | POLL_RDNORM);
}

static void tell(const struct node *n, const struct watch_note *note)
{
    struct watcher *w;
    spin_lock(&watch_lock);
    list_for_each_entry (w, bucket_of(n), link)
        if (w->node == n)
            enqueue(w, note);
    spin_unlock(&watch_lock);
}

void watch_tell_self(const struct node *n, u32 what)
{
    if (!node_has(n, NODE_WATCHED))
        return;
    struct watch_note note = {.what = what, .type = node_type(n) >> 12, .inode = n->ino};
    tell(n, &note);
}

void watch_tell_entry(const struct dentry *d, const struct node *n, u32 what, u32 pair)
{
    struct watch_note note = {
        .what = what, .pair = pair, .type = node_type(n) >> 12, .inode = n->ino};
    const struct node *dir;
    u32 seq;
    do { // a move may be exchanging name and parent
        seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
        rcu_read_lock();
        struct dentry *up = rcu_load(((struct dentry *)(uintptr_t)d)->parent);
        dir = up == d ? NULL : dentry_node(up);
        if (dir && !node_has(dir, NODE_WATCHED))
            dir = NULL;
        if (dir) {
            const char *name = atomic_load_explicit(&d->name, memory_order_acquire);
            note.length = (u32)strnlen(name, d->hash_len & 0xff);
            memcpy(note.name, name, note.length);
        }
        rcu_read_unlock();
        atomic_thread_fence(memory_order_acquire);
    } while (dir && (seq & 1 || atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) != seq));
    if (!dir)
        return;
    note.name[note.length] = '\0';
    tell(dir, &note);
}

void watch_tell_change(const struct dentry *d, const struct node *n, u32 what)
{
    watch_tell_entry(d, n, what, 0);
    watch_tell_self(n, what);
}

void watch_tell_removed(const struct dentry *d, const struct node *n)
{
    watch_tell_entry(d, n, WATCH_REMOVED, 0);
    watch_tell_fewer(n);
}

void watch_tell_fewer(const struct node *n)
{
    bool gone = node_has(n, NODE_DEAD) || !atomic_load_explicit(&n->nlink, memory_order_relaxed);
    watch_tell_self(n, gone ? WATCH_GONE : WATCH_ATTRIBUTES);
}

u32 watch_pair(void)
{
    return atomic_fetch_add_explicit(&next_pair, 1, memory_order_relaxed) + 1;
}

// --- the object ---
int watch_create(const struct path *p, struct object **out)
{
    struct node *n = path_node(p);
    int err = node_permission(n, WANT_READ, current_cred());
    if (err)
        return err;
    struct watcher *w = kzalloc(sizeof(*w), ALLOC_USER);
    if (!w)
        return -E_NOMEM;
    object_init(&w->obj, &watch_type, 0);
    waitqueue_init(&w->wait);
    list_init(&w->queue);
    w->place = *p;
    path_get(p);
    w->node = n;
    spin_lock(&watch_lock);
    list_add_tail(bucket_of(n), &w->link);
    atomic_fetch_or_explicit(&n->flags, NODE_WATCHED, memory_order_relaxed);
    atomic_fetch_add_explicit(&watch_total, 1, memory_order_relaxed);
    spin_unlock(&watch_lock);
    *out = &w->obj;
    return 0;
}

static void watch_free(struct object *o)
{
    kfree(o);
}

static void watch_release(struct object *o)
{
    struct watcher *w = watcher_of(o), *other;
    bool last = true;
    spin_lock(&watch_lock);
    list_del(&w->link);
    list_for_each_entry (other, bucket_of(w->node), link)
        if (other->node == w->node)
            last = false;
    if (last)
        atomic_fetch_and_explicit(&w->node->flags, ~(u32)NODE_WATCHED, memory_order_relaxed);
    atomic_fetch_sub_explicit(&watch_total, 1, memory_order_relaxed);
    spin_unlock(&watch_lock);
    struct queued *q, *next;
    list_for_each_entry_safe (q, next, &w->queue, link)
        kfree(q);
    path_put(&w->place);
    object_free(o, watch_free);
}

static struct queued *take(struct watcher *w)
{
    struct queued *q = NULL;
    spin_lock(&watch_lock);
    if (w->count) {
        q = list_entry(w->queue.next, struct queued, link);
        list_del(&q->link);
        w->count--;
        q->note.lost = w->lost;
        w->lost = 0;
    }
    spin_unlock(&watch_lock);
    return q;
}

// Whole notes, as many as fit; the first one is waited for.
static i64 watch_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct watcher *w = watcher_of(o);
    const usize size = sizeof(struct watch_note);
    i64 done = 0;
    (void)pos;
    if (iobuf_left(buf) < size)
        return -E_INVAL;
    while (iobuf_left(buf) >= size) {
        struct queued *q = take(w);
        if (!q && done)
            break;
        if (!q) {
            int err = object_nonblock(o) ? -E_AGAIN : wait_event_interruptible(&w->wait, w->count);
            if (err)
                return err;
            continue;
        }
        usize put = iobuf_put(buf, &q->note, size);
        kfree(q);
        if (put != size)
            return done ? done : -E_FAULT;
        done += (i64)size;
    }
    return done;
}

static u32 watch_poll(struct object *o, struct poll_table *pt)
{
    struct watcher *w = watcher_of(o);
    poll_wait(pt, &w->wait);
    return w->count ? POLL_IN | POLL_RDNORM : 0;
}

static int watch_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}

static const struct object_type watch_type = {
    .name = "watch",
    .kinds = OBJ_KIND_EVENT,
    .release = watch_release,
    .read = watch_read,
    .poll = watch_poll,
    .getattr = watch_getattr,
};
