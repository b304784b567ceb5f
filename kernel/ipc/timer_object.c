// Timers that are read: each firing adds to a number that a read takes away.
//
// A periodic timer that has fired rests until it is read: what it missed is computed then. So
// nobody can fill a CPU with interrupts by short intervals, and those who wait are woken once
// (as on Linux 6.12, fs/timerfd.c).
//
// Guarded by the object's spinlock, taken with interrupts off because the firing takes it too.
#include <arch/time.h>
#include <ipc/counter.h>
#include <mem/slab.h>
#include <object/attr.h>
#include <sched/lock.h>
#include <sched/timer.h>

struct timer_object {
    struct object obj; // first
    u32 clock;         // the ABI's number; constant
    struct waitqueue wait;
    struct spinlock lock; // class timer_user
    // --- guarded by lock ---
    struct timer timer;
    u64 deadline; // next firing that is not counted yet, 0: disarmed
    u64 interval;
    // The machine's timer is set for deadline when fired is 0.
    _Atomic u64 fired; // since the last read; read without lock for hints
};

static const struct object_type timer_type;

// Counts the firings up to now and moves the deadline past it. Lock held. True if there was one.
static bool advance(struct timer_object *t, u64 now)
{
    if (!t->deadline || now < t->deadline)
        return false;
    u64 n = 1;
    if (!t->interval) {
        t->deadline = 0;
    } else {
        if (now - t->deadline >= t->interval)
            n += (now - t->deadline) / t->interval;
        t->deadline += n * t->interval;
    }
    atomic_store_explicit(&t->fired, t->fired + n, memory_order_relaxed);
    return true;
}

static void timer_fired(struct timer *timer)
{
    struct timer_object *t = container_of(timer, struct timer_object, timer);
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (advance(t, arch_time_ns()))
        wake_all(&t->wait, POLL_IN | POLL_RDNORM);
    else if (t->deadline) // set anew while this was on its way
        timer_arm(&t->timer, t->deadline);
    spin_unlock_irqrestore(&t->lock, f);
}

static u64 timer_take(struct timer_object *t)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    u64 n = t->fired;
    if (n) {
        if (advance(t, arch_time_ns()))
            n = t->fired;
        atomic_store_explicit(&t->fired, 0, memory_order_relaxed);
        if (t->deadline)
            timer_arm(&t->timer, t->deadline);
    }
    spin_unlock_irqrestore(&t->lock, f);
    return n;
}

static i64 timer_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct timer_object *t = (struct timer_object *)o;
    if (iobuf_left(buf) < sizeof(u64))
        return -E_INVAL;
    for (;;) {
        u64 n = timer_take(t);
        if (n)
            return iobuf_put(buf, &n, sizeof(n)) == sizeof(n) ? (i64)sizeof(n) : -E_FAULT;
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&t->wait, t->fired);
        if (err)
            return err;
    }
}

static u32 timer_poll(struct object *o, struct poll_table *pt)
{
    struct timer_object *t = (struct timer_object *)o;
    poll_wait(pt, &t->wait);
    return t->fired ? POLL_IN | POLL_RDNORM : 0;
}

static void read_setting(struct timer_object *t, u64 now, struct timer_setting *out)
{
    if (t->fired)
        (void)advance(t, now);
    out->interval_ns = t->interval;
    out->value_ns = !t->deadline ? 0 : t->deadline > now ? t->deadline - now : 1;
}

void timer_object_set(struct object *o, u64 deadline_ns, u64 interval_ns, struct timer_setting *old)
{
    struct timer_object *t = (struct timer_object *)o;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (old)
        read_setting(t, arch_time_ns(), old);
    (void)timer_cancel(&t->timer); // a handler that runs already finds the new deadline
    t->deadline = deadline_ns;
    t->interval = interval_ns;
    atomic_store_explicit(&t->fired, 0, memory_order_relaxed);
    if (deadline_ns)
        timer_arm(&t->timer, deadline_ns);
    spin_unlock_irqrestore(&t->lock, f);
}

void timer_object_get(struct object *o, struct timer_setting *out)
{
    struct timer_object *t = (struct timer_object *)o;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    read_setting(t, arch_time_ns(), out);
    spin_unlock_irqrestore(&t->lock, f);
}

static int timer_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}

static void timer_free(struct object *o)
{
    kfree(o);
}

static void timer_release(struct object *o)
{
    struct timer_object *t = (struct timer_object *)o;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    t->deadline = 0; // a handler that runs now does not arm it again
    spin_unlock_irqrestore(&t->lock, f);
    (void)timer_cancel_sync(&t->timer);
    object_free(o, timer_free);
}

static const struct object_type timer_type = {
    .name = "timerfd",
    .kinds = OBJ_KIND_EVENT,
    .release = timer_release,
    .read = timer_read,
    .poll = timer_poll,
    .getattr = timer_getattr,
};

bool object_is_timer(const struct object *o)
{
    return o->type == &timer_type;
}

u32 timer_object_clock(struct object *o)
{
    return ((struct timer_object *)o)->clock;
}

int timer_object_create(u32 clock, u32 status, struct object **out)
{
    struct timer_object *t = kzalloc(sizeof(*t), ALLOC_USER);
    if (!t)
        return -E_NOMEM;
    object_init(&t->obj, &timer_type, status);
    spin_init(&t->lock, &lock_class_timer_user);
    waitqueue_init(&t->wait);
    timer_init(&t->timer, timer_fired);
    t->clock = clock;
    *out = &t->obj;
    return 0;
}
