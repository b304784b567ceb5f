// NS16550 serial ports: interrupts both ways, a ring for what is to be sent.
//
// Guarded by the port's spinlock (class uart, innermost of all, interrupts off): registers and
// ring. Calls into the terminal layer are made without it. Facts: 16550 data sheet; binding
// ns16550a (reg-shift, reg-io-width, clock-frequency).
#include <arch/cpu.h>
#include <device/device.h>
#include <device/irq.h>
#include <device/serial.h>
#include <kerr.h>
#include <mem/slab.h>
#include <sync/lock_order.h>

enum : u32 { DATA = 0, IER = 1, FCR = 2, IIR = 2, LCR = 3, MCR = 4, LSR = 5 };
enum : u32 { DLL = 0, DLM = 1 }; // while LCR_DLAB is set
enum : u8 { IER_RX = 1, IER_TX = 2, IER_LINE = 4 };
enum : u8 { FCR_ENABLE = 1, FCR_CLEAR = 6 };
enum : u8 { LCR_STOP2 = 4, LCR_PARITY = 8, LCR_EVEN = 16, LCR_BREAK = 64, LCR_DLAB = 128 };
enum : u8 { MCR_DTR_RTS_OUT2 = 0xb };
enum : u8 {
    LSR_READY = 1,
    LSR_OVERRUN = 2,
    LSR_PARITY = 4,
    LSR_FRAMING = 8,
    LSR_BREAK = 16,
    LSR_THR_EMPTY = 32,
    LSR_IDLE = 64
};
enum : u32 { FIFO = 16, RING = 4096 };

struct uart {
    struct serial_port port; // first
    volatile u8 *regs;
    u32 shift, width; // bytes per access: 1 or 4
    u32 clock_hz;
    struct spinlock lock; // class uart
    // --- guarded by lock ---
    u32 head, tail; // of ring: bytes put in and sent so far
    bool starved;   // somebody was refused, or saw little room: owed a call of port.writable
    u8 ier, lcr;
    u32 held_trouble; // SERIAL_* of the byte that is next in the FIFO
    u8 ring[RING];
};

static u8 reg_read(const struct uart *u, u32 r)
{
    volatile u8 *p = u->regs + ((usize)r << u->shift);
    return u->width == 4 ? (u8) * (volatile u32 *)(volatile void *)p : *p;
}

static void reg_write(struct uart *u, u32 r, u8 v)
{
    volatile u8 *p = u->regs + ((usize)r << u->shift);
    if (u->width == 4)
        *(volatile u32 *)(volatile void *)p = v;
    else
        *p = v;
}

static void set_ier(struct uart *u, u8 v)
{
    if (u->ier != v)
        reg_write(u, IER, u->ier = v);
}

// Feeds the FIFO from the ring; asks for an interrupt while something is left or somebody waits for
// room. Lock held.
static void feed(struct uart *u)
{
    while (u->head != u->tail && reg_read(u, LSR) & LSR_THR_EMPTY) {
        u32 n = MIN(u->head - u->tail, FIFO);
        for (u32 i = 0; i < n; i++)
            reg_write(u, DATA, u->ring[u->tail++ % RING]);
    }
    set_ier(u, u->head != u->tail || u->starved ? u->ier | IER_TX : u->ier & (u8)~IER_TX);
}

static usize uart_write(struct serial_port *p, const u8 *data, usize n)
{
    struct uart *u = (struct uart *)p;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    usize done = 0;
    for (;;) {
        while (done < n && u->head - u->tail < RING)
            u->ring[u->head++ % RING] = data[done++];
        feed(u);
        if (done == n || u->head - u->tail == RING)
            break;
    }
    if (done < n)
        u->starved = true;
    spin_unlock_irqrestore(&u->lock, f);
    return done;
}

static usize uart_pending(struct serial_port *p)
{
    struct uart *u = (struct uart *)p;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    usize n = u->head - u->tail;
    if (!n && !(reg_read(u, LSR) & LSR_THR_EMPTY))
        n = 1;
    spin_unlock_irqrestore(&u->lock, f);
    return n;
}

static usize uart_room(struct serial_port *p)
{
    struct uart *u = (struct uart *)p;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    usize n = RING - (u->head - u->tail);
    if (n < RING / 2)
        u->starved = true; // the ring is not empty, so the interrupt is on
    spin_unlock_irqrestore(&u->lock, f);
    return n;
}

static void uart_discard(struct serial_port *p)
{
    struct uart *u = (struct uart *)p;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    u->tail = u->head;
    set_ier(u, u->ier & (u8)~IER_TX);
    if (u->starved)
        set_ier(u, u->ier | IER_TX); // switched on with nothing to send, it comes at once
    spin_unlock_irqrestore(&u->lock, f);
}

static void put_waiting(struct uart *u, u8 c)
{
    while (!(reg_read(u, LSR) & LSR_THR_EMPTY))
        arch_relax();
    reg_write(u, DATA, c);
}

// The log goes behind what programs have written already, so that lines do not get into each other.
static void uart_write_sync(struct serial_port *p, const char *s, usize n)
{
    struct uart *u = (struct uart *)p;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    while (u->head != u->tail)
        put_waiting(u, u->ring[u->tail++ % RING]);
    for (usize i = 0; i < n; i++)
        put_waiting(u, (u8)s[i]);
    spin_unlock_irqrestore(&u->lock, f);
}

static void uart_break(struct serial_port *p, bool on)
{
    struct uart *u = (struct uart *)p;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    u->lcr = on ? u->lcr | LCR_BREAK : u->lcr & (u8)~LCR_BREAK;
    reg_write(u, LCR, u->lcr);
    spin_unlock_irqrestore(&u->lock, f);
}

static void uart_configure(struct serial_port *p, u32 baud, u32 bits, u32 parity, u32 stop)
{
    struct uart *u = (struct uart *)p;
    u8 lcr = (u8)((bits >= 5 && bits <= 8 ? bits - 5 : 3) | (stop == 2 ? LCR_STOP2 : 0) |
                  (parity ? LCR_PARITY : 0) | (parity == 2 ? LCR_EVEN : 0));
    u32 divisor =
        baud && u->clock_hz ? (u32)(((u64)u->clock_hz + 8ull * baud) / (16ull * baud)) : 0;
    irqflags_t f = spin_lock_irqsave(&u->lock);
    if (divisor && divisor < 0x10000) {
        reg_write(u, LCR, lcr | LCR_DLAB);
        reg_write(u, DLL, (u8)divisor);
        reg_write(u, DLM, (u8)(divisor >> 8));
    }
    u->lcr = lcr;
    reg_write(u, LCR, lcr);
    spin_unlock_irqrestore(&u->lock, f);
}

static u32 trouble(u8 lsr)
{
    return (lsr & LSR_BREAK     ? SERIAL_BREAK
            : lsr & LSR_FRAMING ? SERIAL_FRAMING
            : lsr & LSR_PARITY  ? SERIAL_PARITY
                                : 0u) |
           (lsr & LSR_OVERRUN ? SERIAL_OVERRUN : 0u);
}

// Collects what came in, up to n bytes; a byte with trouble ends the batch. Lock held.
static u32 collect(struct uart *u, u8 *buf, u32 n, u32 *flags)
{
    u32 got = 0;
    *flags = 0;
    while (got < n) {
        u8 lsr = reg_read(u, LSR);
        if (!(lsr & LSR_READY))
            break;
        u32 t = trouble(lsr) | u->held_trouble;
        u->held_trouble = t && got ? t : 0; // comes singly: reading LSR cleared the flags, so they
                                            // are kept for the next batch
        if (u->held_trouble)
            break;
        buf[got++] = reg_read(u, DATA);
        *flags = t;
        if (t)
            break;
    }
    return got;
}

static void uart_irq(u32 irq, void *arg)
{
    (void)irq;
    struct uart *u = arg;
    (void)reg_read(u, IIR); // clears a transmit request
    u8 buf[64];
    u32 n, flags;
    bool room;
    do {
        irqflags_t f = spin_lock_irqsave(&u->lock);
        n = collect(u, buf, sizeof(buf), &flags);
        feed(u);
        room = u->starved && u->head - u->tail <= RING / 2;
        if (room) {
            u->starved = false;
            feed(u);
        }
        spin_unlock_irqrestore(&u->lock, f);
        if (n && u->port.received)
            u->port.received(&u->port, buf, n, flags);
        if (room && u->port.writable)
            u->port.writable(&u->port);
    } while (n);
}

static int uart_probe(struct device *d)
{
    if (!d->reg_count || !d->irq_count)
        return -E_INVAL;
    struct uart *u = kzalloc(sizeof(*u), 0);
    if (!u)
        return -E_NOMEM;
    u->width = 1;
    (void)device_property_u32(d, "reg-shift", &u->shift);
    (void)device_property_u32(d, "reg-io-width", &u->width);
    (void)device_property_u32(d, "clock-frequency", &u->clock_hz);
    u->regs = device_map(d, 0);
    if (!u->regs || u->shift > 4 || (u->width != 1 && u->width != 4) ||
        (7ull << u->shift) + u->width > d->regs[0].len) {
        int err = u->regs ? -E_INVAL : -E_NOMEM;
        kfree(u);
        return err;
    }
    spin_init(&u->lock, &lock_class_uart);
    u->port.is_console = device_is_stdout(d);
    u->port.write = uart_write;
    u->port.write_room = uart_room;
    u->port.pending = uart_pending;
    u->port.write_sync = uart_write_sync;
    u->port.discard = uart_discard;
    u->port.set_break = uart_break;
    u->port.configure = uart_configure;
    d->data = u;
    reg_write(u, IER, 0);
    u->lcr = 3;
    reg_write(u, LCR, u->lcr);
    reg_write(u, FCR, FCR_ENABLE | FCR_CLEAR);
    reg_write(u, MCR, MCR_DTR_RTS_OUT2);
    int err = irq_request(d->irqs[0], "uart", uart_irq, u);
    if (err) {
        kfree(u);
        return err;
    }
    serial_register(&u->port);
    irqflags_t f = spin_lock_irqsave(&u->lock);
    set_ier(u, IER_RX | IER_LINE);
    spin_unlock_irqrestore(&u->lock, f);
    return 0;
}

static const char *const uart_compatible[] = {"ns16550a", "ns16550", NULL};
static const struct driver uart_driver = {"ns16550", DRIVER_OTHER, uart_compatible, uart_probe};
DRIVER(uart_driver);
