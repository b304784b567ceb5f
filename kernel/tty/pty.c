// Pseudo-terminals: pairs of a master, which programs hold, and a slave, which is a terminal.
//
// Owns the table of pairs. Guarded by: pty_lock (sleeping): the table and the life of numbers; the
// slave's tty lock: the ring towards the master, packet state and counts of openings. A pair lives
// until the master and every slave object are gone. Facts: pty(7), ioctl_tty(2).
#include "tty_private.h"
#include <device/chardev.h>
#include <device/clock.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>

enum : u32 { RING = 8192, PTY_MAX = 1u << 20, PIECE = 256 };
enum : u8 {
    PKT_FLUSHREAD = 1,
    PKT_FLUSHWRITE = 2,
    PKT_STOP = 4,
    PKT_START = 8,
    PKT_NOSTOP = 16,
    PKT_DOSTOP = 32
};

struct pty {
    struct tty tty;        // first: the slave
    struct object *master; // no reference; NULL once closed. Guarded by pty_lock
    struct pty_info info;  // owner and mode: guarded by pty_lock; the rest constant
    // --- guarded by tty.lock ---
    u32 head, tail; // ring towards the master
    u32 slave_opens;
    bool slave_was_open, master_open, locked, packet;
    u8 packet_status; // PKT_* bits not reported yet
    bool dostop;      // what the master was told about ^S/^Q
    // --- own locks ---
    struct mutex read_lock;       // of the master side (class tty_sleep)
    struct waitqueue master_wait; // readers, writers and pollers of the master
    u8 ring[RING];
};

struct pty_master {
    struct object obj; // first
    struct pty *pty;   // counted (its tty)
};

static struct mutex pty_lock;
static struct pty **ptys; // by number
static u32 pty_cap;

static struct pty *of_tty(struct tty *t)
{
    return (struct pty *)t;
}

static void wake_master(struct pty *p, u64 key)
{
    if (waitqueue_active(&p->master_wait))
        wake_all(&p->master_wait, key);
}

// --- the slave's line ---

static usize slave_room(struct tty *t)
{
    struct pty *p = of_tty(t);
    return p->master_open ? RING - (p->head - p->tail) : RING; // nobody reads: it goes nowhere
}

static void slave_write(struct tty *t, const u8 *data, usize n)
{
    struct pty *p = of_tty(t);
    if (!p->master_open)
        return;
    n = MIN(n, (usize)(RING - (p->head - p->tail)));
    u32 at = p->head % RING;
    usize first = MIN(n, (usize)(RING - at));
    memcpy(p->ring + at, data, first);
    memcpy(p->ring, data + first, n - first);
    p->head += (u32)n;
    wake_master(p, POLL_IN | POLL_RDNORM);
}

static void tell_packet(struct pty *p, u8 set, u8 clear)
{
    if (!p->packet)
        return;
    p->packet_status = (u8)((p->packet_status & ~clear) | set);
    wake_master(p, POLL_IN | POLL_RDNORM | POLL_PRI);
}

static void slave_discard(struct tty *t)
{
    struct pty *p = of_tty(t);
    p->tail = p->head;
    tell_packet(p, PKT_FLUSHWRITE, 0);
}

static void slave_stopped(struct tty *t, bool stopped)
{
    tell_packet(of_tty(t), stopped ? PKT_STOP : PKT_START, stopped ? PKT_START : PKT_STOP);
}

// The master is told whether ^S and ^Q do what they usually do, so that it can do it by itself.
static void slave_configure(struct tty *t)
{
    struct pty *p = of_tty(t);
    bool now = t->ld.t.iflag & KT_IXON && t->ld.t.cc[KT_VSTOP] == 19 && t->ld.t.cc[KT_VSTART] == 17;
    if (now != p->dostop)
        tell_packet(p, now ? PKT_DOSTOP : PKT_NOSTOP, now ? PKT_NOSTOP : PKT_DOSTOP);
    p->dostop = now;
}

static void slave_drained(struct tty *t)
{
    wake_master(of_tty(t), POLL_OUT | POLL_WRNORM);
}

static void slave_opened(struct tty *t)
{
    struct pty *p = of_tty(t);
    irqflags_t f = spin_lock_irqsave(&t->lock);
    p->slave_opens++;
    p->slave_was_open = true;
    spin_unlock_irqrestore(&t->lock, f);
}

static void slave_closed(struct tty *t)
{
    struct pty *p = of_tty(t);
    irqflags_t f = spin_lock_irqsave(&t->lock);
    bool last = !--p->slave_opens;
    spin_unlock_irqrestore(&t->lock, f);
    if (last)
        wake_master(p, 0);
}

static void pair_free(struct tty *t)
{
    struct pty *p = of_tty(t);
    mutex_lock(&pty_lock);
    ptys[p->info.number] = NULL;
    mutex_unlock(&pty_lock);
    kfree(p);
}

static const struct tty_ops slave_ops = {
    .room = slave_room,
    .write = slave_write,
    .discard = slave_discard,
    .configure = slave_configure,
    .stopped = slave_stopped,
    .drained = slave_drained,
    .opened = slave_opened,
    .closed = slave_closed,
    .free = pair_free,
};

// --- the master ---

static struct pty *master_pty(struct object *o)
{
    return ((struct pty_master *)o)->pty;
}

static bool slave_gone(const struct pty *p)
{
    return p->slave_was_open && !p->slave_opens;
}

static bool master_has(const struct pty *p)
{
    return p->head != p->tail || (p->packet && p->packet_status);
}

// One piece towards the master. In packet mode *status gets the byte that goes in front, and a
// piece is a packet.
static usize take_ring(struct pty *p, u8 *piece, usize n, int *status)
{
    irqflags_t f = spin_lock_irqsave(&p->tty.lock);
    usize got = 0;
    *status = -1;
    if (p->packet) {
        *status = p->packet_status;
        p->packet_status = 0;
    }
    if (*status <= 0) {
        u32 at = p->tail % RING;
        got = MIN(n, (usize)(p->head - p->tail));
        usize first = MIN(got, (usize)(RING - at));
        memcpy(piece, p->ring + at, first);
        memcpy(piece + first, p->ring, got - first);
        p->tail += (u32)got;
        if (!got && !*status)
            *status = -1;
    }
    spin_unlock_irqrestore(&p->tty.lock, f);
    if (got)
        tty_wake_writers(&p->tty);
    return got;
}

// Moves what is there. Returns bytes, 0 if nothing was, -E_FAULT.
static i64 take_output(struct pty *p, struct iobuf *buf)
{
    u8 piece[PIECE];
    i64 done = 0;
    while (iobuf_left(buf)) {
        int status;
        u64 space = iobuf_left(buf) - (p->packet && iobuf_left(buf) > 1);
        usize got = take_ring(p, piece, MIN(space, sizeof(piece)), &status);
        if (status >= 0) {
            u8 head = (u8)status;
            if (!iobuf_put(buf, &head, 1))
                return done ? done : -E_FAULT;
            done++;
        }
        if (!got)
            break;
        usize put = iobuf_put(buf, piece, got);
        done += (i64)put;
        if (put < got)
            return done ? done : -E_FAULT;
        if (status >= 0)
            break;
    }
    return done;
}

static i64 master_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct pty *p = master_pty(o);
    if (!iobuf_left(buf))
        return 0;
    i64 n = mutex_lock_interruptible(&p->read_lock);
    if (n)
        return n;
    for (;;) {
        bool gone =
            slave_gone(p); // before looking: what was written before the last close is still read
        n = take_output(p, buf);
        if (!n && gone)
            n = -E_IO;
        if (!n && object_nonblock(o))
            n = -E_AGAIN;
        if (!n)
            n = wait_event_interruptible(&p->master_wait, master_has(p) || slave_gone(p));
        else
            break;
        if (n)
            break;
    }
    mutex_unlock(&p->read_lock);
    return n;
}

static usize slave_input_room(struct pty *p)
{
    irqflags_t f = spin_lock_irqsave(&p->tty.lock);
    usize n = ldisc_room(&p->tty.ld);
    spin_unlock_irqrestore(&p->tty.lock, f);
    return n;
}

static i64 master_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct pty *p = master_pty(o);
    u8 piece[PIECE];
    i64 done = 0;
    while (iobuf_left(buf)) {
        if (slave_gone(p))
            return done ? done : -E_IO;
        usize room = slave_input_room(p);
        if (!room) {
            if (object_nonblock(o))
                return done ? done : -E_AGAIN;
            int err =
                wait_event_interruptible(&p->master_wait, slave_input_room(p) || slave_gone(p));
            if (err)
                return done ? done : err;
            continue;
        }
        usize want = MIN(MIN(iobuf_left(buf), sizeof(piece)), room),
              n = iobuf_take(buf, piece, want);
        if (n)
            tty_receive(&p->tty, piece, n, 0);
        done += (i64)n;
        if (n < want)
            return done ? done : -E_FAULT;
    }
    return done;
}

static u32 master_poll(struct object *o, struct poll_table *pt)
{
    struct pty *p = master_pty(o);
    poll_wait(pt, &p->master_wait);
    u32 mask = 0;
    irqflags_t f = spin_lock_irqsave(&p->tty.lock);
    if (master_has(p))
        mask |= POLL_IN | POLL_RDNORM;
    if (p->packet && p->packet_status)
        mask |= POLL_PRI;
    if (slave_gone(p))
        mask |= POLL_HUP;
    if (ldisc_room(&p->tty.ld))
        mask |= POLL_OUT | POLL_WRNORM;
    spin_unlock_irqrestore(&p->tty.lock, f);
    return mask;
}

static int master_getattr(struct object *o, struct attr *a)
{
    attr_anon(a, MODE_CHR | 0666, master_pty(o)->info.number + 3, ANON_DEV_INODE);
    a->rdev = dev_make(TTY_MAJOR_AUX, TTY_MINOR_PTMX);
    return 0;
}

static void master_free(struct object *o)
{
    kfree(o);
}

static void master_release(struct object *o)
{
    struct pty *p = master_pty(o);
    mutex_lock(&pty_lock);
    p->master = NULL;
    mutex_unlock(&pty_lock);
    irqflags_t f = spin_lock_irqsave(&p->tty.lock);
    p->master_open = false;
    p->tail = p->head;
    spin_unlock_irqrestore(&p->tty.lock, f);
    tty_hangup(&p->tty);
    object_free(o, master_free);
    tty_put(&p->tty);
}

static const struct object_type master_type = {
    .name = "ptmx",
    .kinds = OBJ_KIND_TTY | OBJ_KIND_DEVICE,
    .release = master_release,
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .getattr = master_getattr,
};

struct tty *pty_slave_of(const struct object *o)
{
    return o->type == &master_type ? &((const struct pty_master *)o)->pty->tty : NULL;
}

// --- making pairs ---

// The lowest free number, with room in the table. pty_lock held.
static i64 free_number(void)
{
    for (u32 i = 0; i < pty_cap; i++)
        if (!ptys[i])
            return i;
    if (pty_cap == PTY_MAX)
        return -E_NOSPC;
    u32 cap = pty_cap ? pty_cap * 2 : 16;
    struct pty **grown = krealloc(ptys, pty_cap * sizeof(*ptys), cap * sizeof(*ptys), 0);
    if (!grown)
        return -E_NOMEM;
    memset(grown + pty_cap, 0, (cap - pty_cap) * sizeof(*ptys));
    ptys = grown;
    pty_cap = cap;
    return cap > 16 ? cap / 2 : 0;
}

static int ptmx_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                     struct object **out)
{
    (void)d, (void)minor, (void)access, (void)flags;
    struct pty_master *m = kzalloc(sizeof(*m), ALLOC_USER);
    struct pty *p = kzalloc(sizeof(*p), ALLOC_USER);
    if (!m || !p) {
        kfree(m);
        kfree(p);
        return -E_NOMEM;
    }
    mutex_lock(&pty_lock);
    i64 n = free_number();
    if (n >= 0) {
        p->info = (struct pty_info){(u32)n, current_cred()->fsuid, 5, 0620, clock_realtime_ns()};
        struct ktermios t = ldisc_default_termios;
        t.cflag = KT_B38400 | KT_CS8 | KT_CREAD;
        tty_setup(&p->tty, &slave_ops, &t, PTY_MAJOR, (u32)n);
        (void)ksnprintf(p->tty.name, sizeof(p->tty.name), "pts/%u", (u32)n);
        p->tty.is_pty = true;
        p->master_open = p->locked = p->dostop = true;
        mutex_init(&p->read_lock, &lock_class_tty_sleep);
        waitqueue_init(&p->master_wait);
        m->pty = p;
        object_init(&m->obj, &master_type, status);
        p->master = &m->obj;
        ptys[n] = p;
    }
    mutex_unlock(&pty_lock);
    if (n < 0) {
        kfree(m);
        kfree(p);
        return (int)n;
    }
    *out = &m->obj;
    return 0;
}

// A counted pair by number whose master is still there, or NULL.
static struct pty *find(u32 number)
{
    mutex_lock(&pty_lock);
    struct pty *p = number < pty_cap ? ptys[number] : NULL;
    if (p && (!p->master || !refcount_inc_not_zero(&p->tty.refs)))
        p = NULL;
    mutex_unlock(&pty_lock);
    return p;
}

static int open_slave(struct pty *p, u32 access_and_flags, u32 status, struct object **out)
{
    irqflags_t f = spin_lock_irqsave(&p->tty.lock);
    bool refused = p->locked;
    spin_unlock_irqrestore(&p->tty.lock, f);
    return refused ? -E_IO : tty_open(&p->tty, access_and_flags, status, false, out);
}

static int slave_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                      struct object **out)
{
    (void)d;
    struct pty *p = find(minor);
    if (!p)
        return -E_IO;
    int err = open_slave(p, access | flags, status, out);
    tty_put(&p->tty);
    return err;
}

static const struct chardev ptmx_dev = {"/dev/ptmx", TTY_MAJOR_AUX, TTY_MINOR_PTMX, 1, ptmx_open};
CHARDEV(ptmx_dev);
static const struct chardev pts_dev = {"pts", PTY_MAJOR, 0, PTY_MAX, slave_open};
CHARDEV(pts_dev);

void pty_init(void)
{
    mutex_init(&pty_lock, &lock_class_tty_sleep);
}

// --- what is asked of a master ---

static struct pty *as_master(struct object *o)
{
    return o->type == &master_type ? master_pty(o) : NULL;
}

int pty_number(struct object *o, u32 *n)
{
    struct pty *p = as_master(o);
    if (!p)
        return -E_NOTTY;
    *n = p->info.number;
    return 0;
}

static int set_flag(struct object *o, bool is_packet, bool on)
{
    struct pty *p = as_master(o);
    if (!p)
        return -E_NOTTY;
    irqflags_t f = spin_lock_irqsave(&p->tty.lock);
    if (is_packet) {
        if (on && !p->packet)
            p->packet_status = 0;
        p->packet = on;
    } else {
        p->locked = on;
    }
    spin_unlock_irqrestore(&p->tty.lock, f);
    return 0;
}

int pty_set_lock(struct object *o, bool on)
{
    return set_flag(o, false, on);
}

int pty_get_lock(struct object *o)
{
    struct pty *p = as_master(o);
    return p ? p->locked : -E_NOTTY;
}

int pty_set_packet(struct object *o, bool on)
{
    return set_flag(o, true, on);
}

int pty_get_packet(struct object *o)
{
    struct pty *p = as_master(o);
    return p ? p->packet : -E_NOTTY;
}

int pty_open_peer(struct object *o, u32 access_and_flags, u32 status, struct object **out)
{
    struct pty *p = as_master(o);
    if (!p)
        return -E_NOTTY;
    return tty_open(&p->tty, access_and_flags, status, false,
                    out); // the lock is about names, this has none
}

int pty_signal(struct object *o, u32 event_kind)
{
    struct pty *p = as_master(o);
    if (!p)
        return -E_NOTTY;
    if (event_kind != EVENT_INTERRUPT && event_kind != EVENT_QUIT && event_kind != EVENT_TTY_STOP)
        return -E_INVAL;
    tty_signal_foreground(&p->tty, (enum event_kind)event_kind);
    return 0;
}

int pty_info(u32 number, struct pty_info *out)
{
    struct pty *p = find(number);
    if (!p)
        return -E_NOENT;
    mutex_lock(&pty_lock);
    *out = p->info;
    mutex_unlock(&pty_lock);
    tty_put(&p->tty);
    return 0;
}

void pty_set_owner(u32 number, u32 uid, u32 gid, u32 mode)
{
    mutex_lock(&pty_lock);
    struct pty *p = number < pty_cap ? ptys[number] : NULL;
    if (p) {
        p->info.uid = uid;
        p->info.gid = gid;
        p->info.mode = mode & 07777;
    }
    mutex_unlock(&pty_lock);
}

int pty_for_each(u32 from, int (*fn)(const struct pty_info *i, void *arg), void *arg)
{
    int stop = 0;
    for (u32 i = from; !stop; i++) {
        mutex_lock(&pty_lock);
        while (i < pty_cap && !(ptys[i] && ptys[i]->master))
            i++;
        bool end = i >= pty_cap;
        struct pty_info info = {0};
        if (!end)
            info = ptys[i]->info;
        mutex_unlock(&pty_lock);
        if (end)
            break;
        stop = fn(&info, arg);
    }
    return stop;
}
