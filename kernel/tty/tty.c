// Terminals: opening, input batches, reading and writing.
//
// Owns struct tty and the objects through which it is open. Guarded by: see tty_private.h. User
// copies happen without the spinlock, in small pieces; one reader and one writer at a time hold the
// sleeping locks, so that lines and writes do not mix.
#include "tty_private.h"
#include <arch/time.h>
#include <device/chardev.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>

enum : u32 { PIECE = 256 };

// --- life ---

static struct tty *of_ldisc(struct ldisc *l)
{
    return container_of(l, struct tty, ld);
}

static void on_echo(struct ldisc *l, const u8 *data, usize n)
{
    struct tty *t = of_ldisc(l);
    t->ops->write(t, data, n);
}
static void on_signal(struct ldisc *l, enum ldisc_signal s)
{
    of_ldisc(l)->notes |= NOTE_SIGNAL << s;
}
static void on_flushed(struct ldisc *l)
{
    struct tty *t = of_ldisc(l);
    t->ops->discard(t);
    t->notes |= NOTE_FLUSHED;
}
static void on_stopped(struct ldisc *l, bool stopped)
{
    struct tty *t = of_ldisc(l);
    if (t->ops->stopped)
        t->ops->stopped(t, stopped);
    if (!stopped)
        t->notes |= NOTE_STARTED;
}
static void on_readable(struct ldisc *l)
{
    of_ldisc(l)->notes |= NOTE_READABLE;
}
static const struct ldisc_ops ldisc_ops = {on_echo, on_signal, on_flushed, on_stopped, on_readable};

static void post_signals(struct tty *t)
{
    static const enum event_kind kinds[] = {
        [LDISC_INTR] = EVENT_INTERRUPT, [LDISC_QUIT] = EVENT_QUIT, [LDISC_SUSP] = EVENT_TTY_STOP};
    u32 bits = atomic_exchange_explicit(&t->signals, 0, memory_order_acq_rel);
    for (u32 s = 0; s < ARRAY_LEN(kinds); s++)
        if (bits & NOTE_SIGNAL << s)
            tty_signal_foreground(t, kinds[s]);
}

static void signal_work(struct work *w)
{
    struct tty *t = container_of(w, struct tty, signal_work);
    atomic_store_explicit(&t->signals_queued, false, memory_order_seq_cst);
    post_signals(t);
    tty_put(t);
}

void tty_setup(struct tty *t, const struct tty_ops *ops, const struct ktermios *termios, u32 major,
               u32 minor)
{
    t->ops = ops;
    refcount_set(&t->refs, 1);
    t->major = major;
    t->minor = minor;
    mutex_init(&t->read_lock, &lock_class_tty_sleep);
    mutex_init(&t->write_lock, &lock_class_tty_sleep);
    spin_init(&t->lock, &lock_class_tty);
    ldisc_init(&t->ld, &ldisc_ops, termios);
    waitqueue_init(&t->read_wait);
    waitqueue_init(&t->write_wait);
    work_init(&t->signal_work, signal_work);
}

void tty_get(struct tty *t)
{
    refcount_inc(&t->refs);
}

void tty_put(struct tty *t)
{
    if (refcount_dec_and_test(&t->refs) && t->ops->free)
        t->ops->free(t);
}

// --- input ---

void tty_wake_writers(struct tty *t)
{
    if (waitqueue_active(&t->write_wait))
        wake_all(&t->write_wait, POLL_OUT | POLL_WRNORM);
}

void tty_after(struct tty *t, u32 notes)
{
    if (notes & NOTE_READABLE && waitqueue_active(&t->read_wait))
        wake_all(&t->read_wait, POLL_IN | POLL_RDNORM);
    if (notes & (NOTE_STARTED | NOTE_FLUSHED))
        tty_wake_writers(t);
    u32 signals = notes & ~(NOTE_SIGNAL - 1);
    if (LIKELY(!signals))
        return;
    atomic_fetch_or_explicit(&t->signals, signals, memory_order_acq_rel);
    if (!in_atomic()) {
        post_signals(t);
        return;
    }
    if (atomic_exchange_explicit(&t->signals_queued, true, memory_order_acq_rel))
        return;
    tty_get(t); // the work's
    work_queue(&t->signal_work);
}

void tty_receive(struct tty *t, const u8 *data, usize n, u32 trouble)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (t->ld.t.cflag & KT_CREAD)
        ldisc_receive(&t->ld, data, n, trouble);
    u32 notes = t->notes;
    t->notes = 0;
    spin_unlock_irqrestore(&t->lock, f);
    if (notes)
        tty_after(t, notes);
}

// --- reading ---

bool tty_object_hung_up(const struct tty_object *o)
{
    return !o->is_console &&
           o->born != atomic_load_explicit(&o->tty->hangups, memory_order_acquire);
}

// One piece out of the discipline. Returns bytes; *ended: a line is through.
static usize take_piece(struct tty *t, u8 *piece, usize n, bool *ended)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    usize got = ldisc_read(&t->ld, piece, n, ended);
    u32 notes = t->notes;
    t->notes = 0;
    spin_unlock_irqrestore(&t->lock, f);
    if (notes)
        tty_after(t, notes);
    return got;
}

// Moves what is there to the buffer: a line with ICANON, else all. Returns bytes or -E_FAULT.
static i64 take_available(struct tty *t, struct iobuf *buf, bool *ended)
{
    u8 piece[PIECE];
    i64 done = 0;
    *ended = false;
    while (iobuf_left(buf) && !*ended) {
        usize got = take_piece(t, piece, MIN(iobuf_left(buf), sizeof(piece)), ended);
        if (!got)
            break;
        usize put = iobuf_put(buf, piece, got);
        done += (i64)put;
        if (put < got)
            return done ? done : -E_FAULT;
    }
    return done;
}

static bool has_bytes(const struct tty *t)
{
    const struct ldisc *l = &t->ld;
    return ldisc_canonical(l) ? l->canon_head != l->tail : l->head != l->tail;
}

// 0 when there is input (or an end), else why not.
static int wait_input(struct tty_object *o, u64 deadline)
{
    struct tty *t = o->tty;
    return wait_event_deadline(&t->read_wait, has_bytes(t) || tty_object_hung_up(o), deadline);
}

static i64 read_line(struct tty_object *o, struct iobuf *buf)
{
    for (;;) {
        bool ended;
        i64 n = take_available(o->tty, buf, &ended);
        if (n || ended || tty_object_hung_up(o))
            return n;
        if (object_nonblock(&o->obj))
            return -E_AGAIN;
        int err = wait_input(o, WAIT_FOREVER);
        if (err)
            return err;
        if (!ldisc_canonical(&o->tty->ld))
            return -E_BUSY; // the mode changed meanwhile: the caller starts again
    }
}

enum : u64 { TENTH = NS_PER_SEC / 10 };

// Without ICANON: VMIN and VTIME, all four cases.
static i64 read_raw(struct tty_object *o, struct iobuf *buf)
{
    struct tty *t = o->tty;
    u64 min = t->ld.t.cc[KT_VMIN], time = t->ld.t.cc[KT_VTIME] * TENTH;
    i64 done = 0;
    u64 deadline = !min && time ? arch_time_ns() + time : WAIT_FOREVER;
    for (;;) {
        bool ended;
        i64 n = take_available(t, buf, &ended);
        if (n < 0)
            return done ? done : n;
        done += n;
        if (!iobuf_left(buf) || (u64)done >= MAX(min, 1ull) || tty_object_hung_up(o))
            return done;
        if (object_nonblock(&o->obj))
            return done ? done : -E_AGAIN;
        if (!min && !time)
            return done;
        if (min && time && done)
            deadline = arch_time_ns() + time; // between two bytes
        int err = wait_input(o, deadline);
        if (err)
            return done || err == -E_TIMEDOUT ? done : err;
    }
}

static int lock_side(struct object *o, struct mutex *m)
{
    if (mutex_trylock(m))
        return 0;
    return object_nonblock(o) ? -E_AGAIN : mutex_lock_interruptible(m);
}

static i64 tty_read(struct object *obj, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct tty_object *o = (struct tty_object *)obj;
    struct tty *t = o->tty;
    if (tty_object_hung_up(o) || !iobuf_left(buf))
        return 0;
    i64 n = tty_job_check(t, EVENT_TTY_INPUT);
    if (!n)
        n = lock_side(obj, &t->read_lock);
    if (n)
        return n;
    do
        n = ldisc_canonical(&t->ld) ? read_line(o, buf) : read_raw(o, buf);
    while (n == -E_BUSY);
    mutex_unlock(&t->read_lock);
    if (t->ops->drained && n > 0)
        t->ops->drained(t);
    return n;
}

// --- writing ---

bool tty_stopped(const struct tty *t)
{
    return t->ld.output_stopped || t->flow_stopped;
}

// Writes what fits of in[0..n); returns how much that was.
static usize put_piece(struct tty *t, const u8 *in, usize n)
{
    u8 out[PIECE * 2];
    usize done = 0;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    while (done < n && !tty_stopped(t)) {
        usize room = MIN(t->ops->room(t), sizeof(out)), used;
        if (room < 8)
            break;
        usize made = ldisc_output(&t->ld, in + done, n - done, out, room, &used);
        if (made)
            t->ops->write(t, out, made);
        done += used;
    }
    spin_unlock_irqrestore(&t->lock, f);
    return done;
}

static bool can_write(struct tty *t)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    bool can = !tty_stopped(t) && t->ops->room(t) >= 8;
    spin_unlock_irqrestore(&t->lock, f);
    return can;
}

// Writes the n bytes of a piece, waiting for room. Returns 0, or why it stopped; *done says how far
// it came.
static int write_piece(struct tty_object *o, const u8 *in, usize n, usize *done)
{
    struct tty *t = o->tty;
    for (*done = 0;;) {
        *done += put_piece(t, in + *done, n - *done);
        if (*done == n)
            return 0;
        if (object_nonblock(&o->obj))
            return -E_AGAIN;
        int err = wait_event_interruptible(&t->write_wait, can_write(t) || tty_object_hung_up(o));
        if (err)
            return err;
        if (tty_object_hung_up(o))
            return -E_IO;
    }
}

static i64 tty_write(struct object *obj, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct tty_object *o = (struct tty_object *)obj;
    struct tty *t = o->tty;
    if (tty_object_hung_up(o))
        return -E_IO;
    i64 err = t->ld.t.lflag & KT_TOSTOP ? tty_job_check(t, EVENT_TTY_OUTPUT) : 0;
    if (!err)
        err = lock_side(obj, &t->write_lock);
    if (err)
        return err;
    u8 piece[PIECE];
    u64 total = iobuf_left(buf), written = 0;
    while (!err && written < total) {
        struct iobuf before = *buf;
        usize want = MIN(iobuf_left(buf), sizeof(piece)), n = iobuf_take(buf, piece, want), done;
        if (!n) {
            err = -E_FAULT;
            break;
        }
        err = write_piece(o, piece, n, &done);
        written += done;
        if (err) { // the buffer says how much was used: give the rest of the piece back
            *buf = before;
            (void)iobuf_take(buf, piece, done);
        } else if (UNLIKELY(thread_has_event(current())) && written < total) {
            err = -E_RESTART;
        }
    }
    mutex_unlock(&t->write_lock);
    return written ? (i64)written : err;
}

// --- the rest of the object ---

static u32 tty_poll(struct object *obj, struct poll_table *pt)
{
    struct tty_object *o = (struct tty_object *)obj;
    struct tty *t = o->tty;
    poll_wait(pt, &t->read_wait);
    poll_wait(pt, &t->write_wait);
    if (tty_object_hung_up(o))
        return POLL_IN | POLL_OUT | POLL_ERR | POLL_HUP | POLL_RDNORM | POLL_WRNORM;
    u32 mask = 0;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (ldisc_readable(&t->ld))
        mask |= POLL_IN | POLL_RDNORM;
    if (!tty_stopped(t) && t->ops->room(t) >= 8)
        mask |= POLL_OUT | POLL_WRNORM;
    spin_unlock_irqrestore(&t->lock, f);
    return mask;
}

static int tty_getattr(struct object *obj, struct attr *a)
{
    struct tty *t = ((struct tty_object *)obj)->tty;
    attr_anon(a, MODE_CHR | 0620, t->minor + 3, ANON_DEV_INODE);
    a->rdev = dev_make(t->major, t->minor);
    return 0;
}

static i64 tty_describe(struct object *obj, char *buf, usize cap)
{
    return (i64)kscnprintf(buf, cap, "/dev/%s", ((struct tty_object *)obj)->tty->name);
}

static void tty_object_free(struct object *obj)
{
    kfree(obj);
}

static void tty_release(struct object *obj)
{
    struct tty *t = ((struct tty_object *)obj)->tty;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (!--t->opens) {
        t->exclusive = false;
        t->flow_stopped = false;
    }
    spin_unlock_irqrestore(&t->lock, f);
    if (t->ops->closed)
        t->ops->closed(t);
    object_free(obj, tty_object_free);
    tty_put(t);
}

const struct object_type tty_type = {
    .name = "tty",
    .kinds = OBJ_KIND_TTY | OBJ_KIND_DEVICE,
    .release = tty_release,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .getattr = tty_getattr,
    .describe = tty_describe,
};

int tty_open(struct tty *t, u32 access_and_flags, u32 status, bool console, struct object **out)
{
    struct tty_object *o = kzalloc(sizeof(*o), ALLOC_USER);
    if (!o)
        return -E_NOMEM;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    bool refused = t->exclusive && t->opens && !capable(CAP_SYS_ADMIN);
    if (!refused) {
        t->opens++;
        o->born = t->hangups;
    }
    spin_unlock_irqrestore(&t->lock, f);
    if (refused) {
        kfree(o);
        return -E_BUSY;
    }
    object_init(&o->obj, &tty_type, status);
    tty_get(t);
    o->tty = t;
    o->is_console = console;
    if (t->ops->opened)
        t->ops->opened(t);
    if (!(access_and_flags & CHARDEV_NOCTTY) && access_and_flags & CHARDEV_READ && !console)
        tty_adopt(t);
    *out = &o->obj;
    return 0;
}

bool object_is_tty(const struct object *o)
{
    return o->type == &tty_type || pty_slave_of(o);
}

struct tty *tty_of(const struct object *o, bool *master)
{
    *master = o->type != &tty_type;
    return *master ? pty_slave_of(o) : ((const struct tty_object *)o)->tty;
}

int tty_live(struct object *o, bool allow_master, struct tty **out)
{
    bool master;
    struct tty *t = tty_of(o, &master);
    if (!t || (master && !allow_master))
        return -E_NOTTY;
    if (!master && tty_object_hung_up((struct tty_object *)o))
        return -E_IO;
    *out = t;
    return 0;
}
