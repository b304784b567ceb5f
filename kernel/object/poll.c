// Waiting for any of many objects.
//
// Owns nothing that lasts: the waiters live on the caller's stack and, when there are many, in
// chunks from the heap. Guarded by: each queue's own lock; `woken` marks are atomics. Relies on
// every object waking its queues after a change that makes it ready.
#include <arch/time.h>
#include <mem/slab.h>
#include <object/object.h>

struct poll_link {
    struct waiter waiter;
    struct waitqueue *queue;
    u32 entry; // index of the poll_entry it belongs to
    u32 interest;
    _Atomic bool woken;
};

enum : u32 { LINKS_INLINE = 6, LINKS_CHUNK = 48 };
struct poll_chunk {
    struct poll_chunk *next;
    u32 used;
    struct poll_link links[LINKS_CHUNK];
};

struct poller {
    struct poll_table table; // first
    u32 entry;               // being registered
    u32 inline_used;
    struct poll_link inline_links[LINKS_INLINE];
    struct poll_chunk *chunks; // newest first
};

u32 object_poll(struct object *o, struct poll_table *pt)
{
    if (!o->type->poll)
        return POLL_IN | POLL_OUT | POLL_RDNORM | POLL_WRNORM;
    return o->type->poll(o, pt);
}

static bool poll_woken(struct waiter *w, u64 key)
{
    struct poll_link *l = container_of(w, struct poll_link, waiter);
    if (key && !(key & l->interest))
        return false;
    atomic_store_explicit(&l->woken, true, memory_order_release);
    return thread_wake(w->thread);
}

static struct poll_link *new_link(struct poller *p)
{
    if (p->inline_used < LINKS_INLINE)
        return &p->inline_links[p->inline_used++];
    struct poll_chunk *c = p->chunks;
    if (!c || c->used == LINKS_CHUNK) {
        c = kmalloc(sizeof(*c), ALLOC_USER);
        if (!c)
            return NULL;
        c->next = p->chunks;
        c->used = 0;
        p->chunks = c;
    }
    return &c->links[c->used++];
}

static void poll_register(struct poll_table *pt, struct waitqueue *q)
{
    struct poller *p = container_of(pt, struct poller, table);
    struct poll_link *l = new_link(p);
    if (!l) {
        pt->error = -E_NOMEM;
        return;
    }
    l->waiter = (struct waiter){.thread = current(), .wake = poll_woken};
    list_init(&l->waiter.link);
    l->queue = q;
    l->entry = p->entry;
    l->interest = pt->interest;
    atomic_init(&l->woken, false);
    wait_add(q, &l->waiter);
}

// Calls fn for each link until it returns true.
static bool for_each_link(struct poller *p, bool (*fn)(struct poll_link *l, void *arg), void *arg)
{
    for (u32 i = 0; i < p->inline_used; i++)
        if (fn(&p->inline_links[i], arg))
            return true;
    for (struct poll_chunk *c = p->chunks; c; c = c->next)
        for (u32 i = 0; i < c->used; i++)
            if (fn(&c->links[i], arg))
                return true;
    return false;
}

static bool unlink_one(struct poll_link *l, void *arg)
{
    (void)arg;
    wait_remove(l->queue, &l->waiter);
    return false;
}

static void poller_done(struct poller *p)
{
    for_each_link(p, unlink_one, NULL);
    while (p->chunks) {
        struct poll_chunk *c = p->chunks;
        p->chunks = c->next;
        kfree(c);
    }
}

static u32 wanted(const struct poll_entry *e)
{
    return e->events | POLL_ERR | POLL_HUP;
}

// Asks every object, without registering.
static i64 ask_all(struct poll_entry *entries, usize n)
{
    i64 ready = 0;
    for (usize i = 0; i < n; i++) {
        struct poll_entry *e = &entries[i];
        if (!e->object) {
            e->revents = 0;
            continue;
        }
        e->revents = object_poll(e->object, NULL) & wanted(e);
        ready += e->revents != 0;
    }
    return ready;
}

struct recheck {
    struct poll_entry *entries;
    i64 ready;
};

// Asks an object again whose queue was woken.
static bool ask_woken(struct poll_link *l, void *arg)
{
    struct recheck *r = arg;
    if (!atomic_load_explicit(&l->woken, memory_order_acquire))
        return false;
    atomic_store_explicit(&l->woken, false, memory_order_seq_cst);
    struct poll_entry *e = &r->entries[l->entry];
    u32 before = e->revents;
    e->revents = object_poll(e->object, NULL) & wanted(e);
    r->ready += (e->revents != 0) - (before != 0);
    return false;
}

static bool any_woken(struct poll_link *l, void *arg)
{
    (void)arg;
    return atomic_load_explicit(&l->woken, memory_order_acquire);
}

// Registers with every object, then sleeps until one whose queue was woken is ready.
static i64 wait_any(struct poll_entry *entries, usize n, u64 deadline)
{
    struct poller p;
    p.table.queue = poll_register;
    p.table.error = 0;
    p.inline_used = 0;
    p.chunks = NULL;
    struct recheck r = {entries, 0};
    for (usize i = 0; i < n; i++) {
        struct poll_entry *e = &entries[i];
        if (!e->object)
            continue;
        p.entry = (u32)i;
        p.table.interest = wanted(e);
        e->revents = object_poll(e->object, r.ready ? NULL : &p.table) & wanted(e);
        r.ready += e->revents != 0;
    }
    i64 result = p.table.error && !r.ready ? p.table.error : 0;
    while (!result && !r.ready) {
        thread_set_state(THREAD_SLEEPING);
        int err = for_each_link(&p, any_woken, NULL) ? 0 : wait_sleep(THREAD_SLEEPING, deadline);
        thread_set_state(THREAD_RUNNABLE);
        for_each_link(&p, ask_woken, &r);
        if (err && !r.ready) {
            result = err == -E_TIMEDOUT ? 0 : err;
            break;
        }
    }
    poller_done(&p);
    return r.ready ? r.ready : result;
}

i64 poll_objects(struct poll_entry *entries, usize n, u64 deadline)
{
    i64 ready = ask_all(entries, n);
    if (ready || deadline == 1)
        return ready;
    return wait_any(entries, n, deadline);
}
