// Devices that the platform's firmware serves by calls: the console and the wall clock
// (arch/firmware.h).
//
// The console's interrupt is a line of an interrupt controller that has just this one. Guarded by:
// nothing of its own; output goes straight through, input comes in interrupts.
#include <arch/console.h>
#include <arch/firmware.h>
#include <device/clock.h>
#include <device/device.h>
#include <device/irq.h>
#include <device/serial.h>
#include <kerr.h>
#include <mem/slab.h>
#include <sched/thread.h>

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

enum { CONSOLE_IRQ = 1 };

static void console_irq(u32 irq, void *arg)
{
    (void)irq;
    struct serial_port *p = arg;
    u8 buf[256];
    for (usize n; p->received && (n = arch_console_read(buf, sizeof(buf))) > 0;)
        p->received(p, buf, n, 0);
}

// One line: claimed once for each interrupt, the handler empties the source.
static bool claimed[MAX_CPUS];

static u32 chip_claim(void)
{
    bool *mine = &claimed[this_cpu()->index];
    *mine = !*mine;
    return *mine ? CONSOLE_IRQ : 0;
}

static void chip_complete(u32 irq)
{
    (void)irq;
}

static void chip_enable(u32 irq, bool on, u32 cpu)
{
    (void)irq, (void)on, (void)cpu;
}

static const struct irq_chip chip = {"firmware", CONSOLE_IRQ + 1, chip_claim, chip_complete,
                                     chip_enable};

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
    int err = irq_register_chip(&chip);
    if (!err)
        err = irq_request(CONSOLE_IRQ, "console", console_irq, p);
    if (err) {
        kfree(p);
        return err;
    }
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
