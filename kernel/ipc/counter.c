// Event counters: a number that adds up and is read away.
//
// Guarded by the object's spinlock; waiting happens on its queue without the lock.
#include <ipc/counter.h>
#include <mem/slab.h>
#include <object/attr.h>
#include <sched/lock.h>

struct counter {
    struct object obj; // first
    bool semaphore;
    struct waitqueue wait; // readers and writers
    struct spinlock lock;  // class object
    // --- guarded by lock; read without it for hints ---
    _Atomic u64 value;
};

enum : u64 { COUNTER_MAX = UINT64_MAX - 1 };

static u64 value_of(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void changed(struct counter *c, u64 key)
{
    if (waitqueue_active(&c->wait))
        wake_all(&c->wait, key);
}

// Takes the value a read gives. 0: none there.
static u64 counter_take(struct counter *c)
{
    spin_lock(&c->lock);
    u64 got = value_of(c);
    if (got && c->semaphore)
        got = 1;
    atomic_store_explicit(&c->value, value_of(c) - got, memory_order_relaxed);
    spin_unlock(&c->lock);
    return got;
}

static i64 counter_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct counter *c = (struct counter *)o;
    if (iobuf_left(buf) < sizeof(u64))
        return -E_INVAL;
    for (;;) {
        u64 got = counter_take(c);
        if (got) {
            changed(c, POLL_OUT | POLL_WRNORM);
            return iobuf_put(buf, &got, sizeof(got)) == sizeof(got) ? (i64)sizeof(got) : -E_FAULT;
        }
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&c->wait, value_of(c));
        if (err)
            return err;
    }
}

static bool counter_try_add(struct counter *c, u64 n)
{
    spin_lock(&c->lock);
    bool fits = n <= COUNTER_MAX - value_of(c);
    if (fits)
        atomic_store_explicit(&c->value, value_of(c) + n, memory_order_relaxed);
    spin_unlock(&c->lock);
    return fits;
}

static i64 counter_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct counter *c = (struct counter *)o;
    u64 n;
    if (iobuf_left(buf) < sizeof(n))
        return -E_INVAL;
    if (iobuf_take(buf, &n, sizeof(n)) != sizeof(n))
        return -E_FAULT;
    if (n == UINT64_MAX)
        return -E_INVAL;
    while (!counter_try_add(c, n)) {
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&c->wait, n <= COUNTER_MAX - value_of(c));
        if (err)
            return err;
    }
    changed(c, POLL_IN | POLL_RDNORM);
    return sizeof(n);
}

void counter_add(struct object *o, u64 n)
{
    struct counter *c = (struct counter *)o;
    spin_lock(&c->lock);
    u64 room = UINT64_MAX - value_of(c);
    atomic_store_explicit(&c->value, value_of(c) + MIN(n, room), memory_order_relaxed);
    spin_unlock(&c->lock);
    changed(c, POLL_IN | POLL_RDNORM);
}

static u32 counter_poll(struct object *o, struct poll_table *pt)
{
    struct counter *c = (struct counter *)o;
    if (pt)
        poll_wait(pt, &c->wait);
    u64 v = value_of(c);
    return (v ? POLL_IN | POLL_RDNORM : 0u) | (v == UINT64_MAX ? POLL_ERR : 0u) |
           (v < COUNTER_MAX ? POLL_OUT | POLL_WRNORM : 0u);
}

static int event_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE); // every anonymous object shares one inode, as on Linux
    return 0;
}

static void counter_free(struct object *o)
{
    kfree(o);
}
static void counter_release(struct object *o)
{
    object_free(o, counter_free);
}

static const struct object_type counter_type = {
    .name = "eventfd",
    .kinds = OBJ_KIND_EVENT,
    .release = counter_release,
    .read = counter_read,
    .write = counter_write,
    .poll = counter_poll,
    .getattr = event_getattr,
};

int counter_create(u64 initial, bool semaphore, u32 status, struct object **out)
{
    struct counter *c = kzalloc(sizeof(*c), ALLOC_USER);
    if (!c)
        return -E_NOMEM;
    object_init(&c->obj, &counter_type, status);
    spin_init(&c->lock, &lock_class_object);
    waitqueue_init(&c->wait);
    c->semaphore = semaphore;
    atomic_init(&c->value, initial);
    *out = &c->obj;
    return 0;
}
