// Terminals: settings and what else is asked of a line (the ioctl family), typed.
//
// Guarded by the terminal's spinlock. Changes by a background group are subject to job control.
#include "tty_private.h"
#include <arch/time.h>
#include <lib/string.h>
#include <object/attr.h>

static const u32 speeds[] = {0,   50,   75,   110,  134,  150,  200,   300,
                             600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const u32 high_speeds[] = {0,       57600,   115200,  230400,  460800,  500000,
                                  576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                  2500000, 3000000, 3500000, 4000000};

u32 tty_speed(u32 cbaud)
{
    cbaud &= KT_CBAUD;
    return cbaud & KT_BOTHER ? high_speeds[cbaud & 15] : speeds[cbaud & 15];
}

// The numbers follow the codes, except where the code says "other".
static void complete_speeds(struct ktermios *t)
{
    u32 out = t->cflag & KT_CBAUD, in = t->cflag >> KT_CIBAUD_SHIFT & KT_CBAUD;
    if (out != KT_BOTHER)
        t->ospeed = tty_speed(out);
    if (!in)
        t->ispeed = t->ospeed;
    else if (in != KT_BOTHER)
        t->ispeed = tty_speed(in);
}

int tty_get_termios(struct object *o, struct ktermios *out)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (err)
        return err;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    *out = t->ld.t;
    spin_unlock_irqrestore(&t->lock, f);
    return 0;
}

// Locked part of a change; returns notes.
static u32 install_termios(struct tty *t, const struct ktermios *to, bool flush)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (flush)
        ldisc_flush_input(&t->ld);
    ldisc_set_termios(&t->ld, to);
    if (t->is_pty) // no line that could have other settings
        t->ld.t.cflag = (t->ld.t.cflag & ~(u32)(KT_CSIZE | KT_PARENB)) | KT_CS8 | KT_CREAD;
    if (t->ops->configure)
        t->ops->configure(t);
    u32 notes = t->notes;
    t->notes = 0;
    spin_unlock_irqrestore(&t->lock, f);
    return notes;
}

static int drain(struct object *o, struct tty *t)
{
    bool master;
    (void)tty_of(o, &master);
    while (t->ops->pending && (master || !tty_object_hung_up((struct tty_object *)o))) {
        irqflags_t f = spin_lock_irqsave(&t->lock);
        usize n = t->ops->pending(t);
        spin_unlock_irqrestore(&t->lock, f);
        if (!n)
            break;
        int err = thread_sleep_until(arch_time_ns() + 2 * NS_PER_MS);
        if (err)
            return err;
    }
    return 0;
}

int tty_set_termios(struct object *o, const struct ktermios *termios, enum tty_when when)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (!err)
        err = tty_job_check(t, EVENT_TTY_OUTPUT);
    if (!err && when != TTY_NOW)
        err = drain(o, t);
    if (err)
        return err;
    struct ktermios to = *termios;
    complete_speeds(&to);
    to.line = 0;
    u32 notes = install_termios(t, &to, when == TTY_FLUSH);
    if (notes)
        tty_after(t, notes);
    return 0;
}

int tty_get_winsize(struct object *o, struct kwinsize *out)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (err)
        return err;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    *out = t->winsize;
    spin_unlock_irqrestore(&t->lock, f);
    return 0;
}

void tty_resize(struct tty *t, const struct kwinsize *w)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    bool changed = memcmp(&t->winsize, w, sizeof(*w)) != 0;
    t->winsize = *w;
    spin_unlock_irqrestore(&t->lock, f);
    if (changed)
        tty_signal_foreground(t, EVENT_WINDOW);
}

int tty_set_winsize(struct object *o, const struct kwinsize *w)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (!err)
        tty_resize(t, w);
    return err;
}

static void send_char(struct tty *t, u8 c)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    t->ops->write(t, &c, 1);
    spin_unlock_irqrestore(&t->lock, f);
}

static void set_flow_stopped(struct tty *t, bool stopped)
{
    irqflags_t f = spin_lock_irqsave(&t->lock);
    bool was = t->flow_stopped;
    t->flow_stopped = stopped;
    if (was != stopped && t->ops->stopped)
        t->ops->stopped(t, stopped);
    spin_unlock_irqrestore(&t->lock, f);
    if (!stopped)
        tty_wake_writers(t);
}

int tty_flow(struct object *o, u32 action)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (!err)
        err = tty_job_check(t, EVENT_TTY_OUTPUT);
    if (err)
        return err;
    switch (action) {
    case TTY_STOP_OUTPUT:
    case TTY_START_OUTPUT:
        set_flow_stopped(t, action == TTY_STOP_OUTPUT);
        return 0;
    case TTY_SEND_STOP:
    case TTY_SEND_START: {
        u8 c = t->ld.t.cc[action == TTY_SEND_STOP ? KT_VSTOP : KT_VSTART];
        if (c)
            send_char(t, c);
        return 0;
    }
    default:
        return -E_INVAL;
    }
}

int tty_flush(struct object *o, u32 what)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (!err)
        err = tty_job_check(t, EVENT_TTY_OUTPUT);
    if (err)
        return err;
    if (what > TTY_FLUSH_BOTH)
        return -E_INVAL;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    if (what != TTY_FLUSH_OUT)
        ldisc_flush_input(&t->ld);
    if (what != TTY_FLUSH_IN)
        t->ops->discard(t);
    spin_unlock_irqrestore(&t->lock, f);
    if (what != TTY_FLUSH_IN)
        tty_wake_writers(t);
    if (what != TTY_FLUSH_OUT && t->ops->drained)
        t->ops->drained(t);
    return 0;
}

int tty_drain(struct object *o)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (!err)
        err = tty_job_check(t, EVENT_TTY_OUTPUT);
    return err ? err : drain(o, t);
}

int tty_send_break(struct object *o, u32 ms)
{
    struct tty *t;
    int err = tty_drain(o);
    if (!err)
        err = tty_live(o, true, &t);
    if (err || !t->ops->set_break)
        return err;
    t->ops->set_break(t, true);
    err = thread_sleep_until(arch_time_ns() + ms * NS_PER_MS);
    t->ops->set_break(t, false);
    return err;
}

i64 tty_input_pending(struct object *o)
{
    struct tty *t;
    int err = tty_live(o, false, &t);
    if (err)
        return err;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    i64 n = (i64)ldisc_pending(&t->ld);
    spin_unlock_irqrestore(&t->lock, f);
    return n;
}

i64 tty_output_pending(struct object *o)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (err || !t->ops->pending)
        return err;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    i64 n = (i64)t->ops->pending(t);
    spin_unlock_irqrestore(&t->lock, f);
    return n;
}

int tty_insert(struct object *o, u8 c)
{
    struct tty *t;
    int err = tty_live(o, false, &t);
    if (err)
        return err;
    if (!tty_is_controlling(t) && !capable(CAP_SYS_ADMIN))
        return -E_PERM;
    tty_receive(t, &c, 1, 0);
    return 0;
}

int tty_set_exclusive(struct object *o, bool on)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (err)
        return err;
    irqflags_t f = spin_lock_irqsave(&t->lock);
    t->exclusive = on;
    spin_unlock_irqrestore(&t->lock, f);
    return 0;
}

int tty_get_exclusive(struct object *o)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    return err ? err : t->exclusive;
}

int tty_get_line(struct object *o)
{
    struct tty *t;
    return tty_live(o, true, &t);
}

int tty_device(struct object *o, u64 *rdev)
{
    struct tty *t;
    int err = tty_live(o, true, &t);
    if (!err)
        *rdev = dev_make(t->major, t->minor);
    return err;
}
