// Devices that the platform's firmware serves by calls: the console and the wall clock
// (arch/firmware.h).
//
// Their interrupts are lines of an interrupt controller of their own; one external interrupt stands
// for all. Guarded by: nothing of its own; output goes straight through, input comes in interrupts.
#include "firmware.h"
#include <arch/console.h>
#include <arch/firmware.h>
#include <device/clock.h>
#include <device/device.h>
#include <device/irq.h>
#include <device/serial.h>
#include <device/stream.h>
#include <kerr.h>
#include <mem/slab.h>
#include <sched/timer.h>

static usize console_write(struct serial_port *p, const u8 *data, usize n)
{
    (void)p;
    arch_early_write((const char *)data, n);
    return n;
}

static usize console_room(struct serial_port *p)
{
    (void)p;
    return 4096;
}

static usize console_pending(struct serial_port *p)
{
    (void)p;
    return 0;
}

static void console_write_sync(struct serial_port *p, const char *s, usize n)
{
    (void)p;
    arch_early_write(s, n);
}

static void console_discard(struct serial_port *p)
{
    (void)p;
}

static void console_break(struct serial_port *p, bool on)
{
    (void)p, (void)on;
}

static void console_configure(struct serial_port *p, u32 baud, u32 bits, u32 parity, u32 stop)
{
    (void)p, (void)baud, (void)bits, (void)parity, (void)stop;
}

static bool console_size(struct serial_port *p, u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel)
{
    (void)p;
    return arch_console_size(rows, cols, xpixel, ypixel);
}

static void console_irq(u32 irq, void *arg)
{
    (void)irq;
    struct serial_port *p = arg;
    u8 buf[256];
    for (usize n; p->received && (n = arch_console_read(buf, sizeof(buf))) > 0;)
        p->received(p, buf, n, 0);
}

// --- requests ---

static struct serial_port *console;
static struct work request_work;
static void (*_Atomic on_request)(u32 requests);

static void serve_requests(struct work *w)
{
    (void)w;
    u32 set = arch_requests_take();
    if (set >> REQUEST_WINDOW & 1 && console && console->resized)
        console->resized(console);
    void (*fn)(u32) = atomic_load(&on_request);
    if (set && fn)
        fn(set);
}

static void request_irq(u32 irq, void *arg)
{
    (void)irq, (void)arg;
    work_queue(&request_work);
}

void firmware_on_request(void (*fn)(u32 requests))
{
    atomic_store(&on_request, fn);
    if (request_work.fn)
        work_queue(&request_work); // what came before there was anybody to hear it
}

// --- the controller ---

// Every line is claimed once for each interrupt; the handlers empty their sources.
static u32 claimed[MAX_CPUS];

static u32 chip_claim(void)
{
    u32 *mine = &claimed[this_cpu()->index];
    *mine = (*mine + 1) % LINES;
    return *mine;
}

static void chip_complete(u32 irq)
{
    (void)irq;
}

static void chip_enable(u32 irq, bool on, u32 cpu)
{
    (void)irq, (void)on, (void)cpu;
}

static const struct irq_chip chip = {"firmware", LINES, chip_claim, chip_complete, chip_enable};

static int console_probe(struct device *d)
{
    struct serial_port *p = kzalloc(sizeof(*p), 0);
    if (!p)
        return -E_NOMEM;
    p->is_console = device_is_stdout(d);
    p->plain = device_property(d, "plain", NULL) != NULL;
    p->write = console_write;
    p->write_room = console_room;
    p->pending = console_pending;
    p->write_sync = console_write_sync;
    p->discard = console_discard;
    p->set_break = console_break;
    p->configure = console_configure;
    p->size = console_size;
    work_init(&request_work, serve_requests);
    int err = irq_register_chip(&chip);
    if (!err)
        err = irq_request(LINE_CONSOLE, "console", console_irq, p);
    if (!err)
        err = irq_request(LINE_STREAM, "stream", stream_irq, NULL);
    if (!err)
        err = irq_request(LINE_REQUEST, "request", request_irq, NULL);
    if (!err)
        err = irq_request(LINE_JOB, "job", job_irq, NULL);
    if (err) {
        kfree(p);
        return err;
    }
    console = p;
    serial_register(p);
    return 0;
}

static int clock_probe(struct device *d)
{
    (void)d;
    u64 ns = arch_firmware_realtime_ns();
    if (!ns)
        return -E_NODEV;
    clock_set_realtime_ns((i64)ns);
    return 0;
}

static const char *const console_compatible[] = {"scarlet,firmware-console", NULL};
static const struct driver firmware_console = {"firmware-console", DRIVER_OTHER, console_compatible,
                                               console_probe};
DRIVER(firmware_console);
static const char *const clock_compatible[] = {"scarlet,firmware-clock", NULL};
static const struct driver firmware_clock = {"firmware-clock", DRIVER_CLOCK, clock_compatible,
                                             clock_probe};
DRIVER(firmware_clock);
