// Serial terminals, the console among them, and the devices that stand for another terminal:
// /dev/tty, /dev/console.
//
// Owns one struct tty per serial port, for good. Guarded by: the terminals' own locks; the list is
// constant after start-up.
#include "tty_private.h"
#include <device/chardev.h>
#include <device/serial.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>

struct serial_tty {
    struct tty tty; // first
    struct serial_port *port;
};

static struct serial_tty *console;
static struct serial_tty **ports; // by index
static u32 port_count;

static struct serial_port *port_of(struct tty *t)
{
    return ((struct serial_tty *)t)->port;
}

static usize serial_room(struct tty *t)
{
    return port_of(t)->write_room(port_of(t));
}
static void serial_write(struct tty *t, const u8 *data, usize n)
{
    (void)port_of(t)->write(port_of(t), data, n);
}
static usize serial_pending(struct tty *t)
{
    return port_of(t)->pending(port_of(t));
}
static void serial_discard(struct tty *t)
{
    port_of(t)->discard(port_of(t));
}
static void serial_break(struct tty *t, bool on)
{
    port_of(t)->set_break(port_of(t), on);
}

static void serial_configure(struct tty *t)
{
    u32 c = t->ld.t.cflag;
    u32 parity = !(c & KT_PARENB) ? 0 : c & KT_PARODD ? 1 : 2;
    port_of(t)->configure(port_of(t), t->ld.t.ospeed, 5 + (c & KT_CSIZE) / KT_CS6, parity,
                          c & KT_CSTOPB ? 2 : 1);
}

static const struct tty_ops serial_ops = {
    .room = serial_room,
    .write = serial_write,
    .pending = serial_pending,
    .discard = serial_discard,
    .configure = serial_configure,
    .set_break = serial_break,
};

// --- from the driver, in interrupts ---

static void port_received(struct serial_port *p, const u8 *data, usize n, u32 flags)
{
    static_assert((u32)SERIAL_BREAK == LDISC_TROUBLE_BREAK &&
                  (u32)SERIAL_PARITY == LDISC_TROUBLE_PARITY &&
                  (u32)SERIAL_FRAMING == LDISC_TROUBLE_FRAMING &&
                  (u32)SERIAL_OVERRUN == LDISC_TROUBLE_OVERRUN);
    struct serial_tty *s = p->attached;
    tty_receive(&s->tty, data, n, flags);
}

static void port_writable(struct serial_port *p)
{
    struct serial_tty *s = p->attached;
    tty_wake_writers(&s->tty);
}

static bool port_size(struct serial_port *p, struct kwinsize *w)
{
    return p->size && p->size(p, &w->rows, &w->cols, &w->xpixel, &w->ypixel);
}

static void port_resized(struct serial_port *p)
{
    struct serial_tty *s = p->attached;
    struct kwinsize w;
    if (port_size(p, &w))
        tty_resize(&s->tty, &w);
}

// --- the log ---

static void console_write(const char *s, usize n)
{
    console->port->write_sync(console->port, s, n);
}

struct tty *console_tty(void)
{
    return console ? &console->tty : NULL;
}

static const struct ktermios *serial_termios(const struct serial_port *p)
{
    static struct ktermios t;
    t = ldisc_default_termios;
    t.cflag = KT_B9600 | KT_CS8 | KT_CREAD | KT_HUPCL | KT_CLOCAL;
    t.ispeed = t.ospeed = 9600;
    if (p->plain) {
        t.iflag = t.oflag = 0;
        t.lflag = KT_ICANON; // for the end of input, which a terminal has no other way to say
        memset(t.cc, 0, sizeof(t.cc));
        t.cc[KT_VEOF] = 4;
    }
    return &t;
}

static void add_port(struct serial_port *p)
{
    struct serial_tty *s = kzalloc(sizeof(*s), 0);
    if (!s)
        panic("no memory for serial terminal %u", p->index);
    s->port = p;
    tty_setup(&s->tty, &serial_ops, serial_termios(p), TTY_MAJOR_SERIAL,
              TTY_MINOR_SERIAL + p->index);
    (void)ksnprintf(s->tty.name, sizeof(s->tty.name), "ttyS%u", p->index);
    ports[p->index] = s;
    p->attached = s;
    (void)port_size(p, &s->tty.winsize);
    p->resized = port_resized;
    p->received = port_received;
    p->writable = port_writable;
    if (p->is_console || !console)
        console = s;
}

void console_init(void)
{
    struct serial_port *p;
    list_for_each_entry (p, &serial_ports, link)
        port_count++;
    if (!port_count)
        return;
    ports = kmalloc_array(port_count, sizeof(*ports), ALLOC_ZERO);
    if (!ports)
        panic("no memory for serial terminals");
    list_for_each_entry (p, &serial_ports, link)
        add_port(p);
    log_set_console(console_write);
}

// --- devices ---

static int serial_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                       struct object **out)
{
    u32 n = minor - d->minor;
    return n < port_count ? tty_open(&ports[n]->tty, access | flags, status, false, out) : -E_NXIO;
}

static int current_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                        struct object **out)
{
    (void)d, (void)minor;
    struct tty *t = tty_current();
    if (!t)
        return -E_NXIO;
    int err = tty_open(t, access | flags | CHARDEV_NOCTTY, status, false, out);
    tty_put(t);
    return err;
}

static int console_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                        struct object **out)
{
    (void)d, (void)minor;
    return console ? tty_open(&console->tty, access | flags, status, true, out) : -E_NODEV;
}

static const struct chardev serial_dev = {"ttyS", TTY_MAJOR_SERIAL, TTY_MINOR_SERIAL, 64,
                                          serial_open};
CHARDEV(serial_dev);
static const struct chardev current_dev = {"/dev/tty", TTY_MAJOR_AUX, TTY_MINOR_CURRENT, 1,
                                           current_open};
CHARDEV(current_dev);
static const struct chardev console_dev = {"/dev/console", TTY_MAJOR_AUX, TTY_MINOR_CONSOLE, 1,
                                           console_open};
CHARDEV(console_dev);

void tty_init(void)
{
    job_init();
    pty_init();
    console_init();
}
