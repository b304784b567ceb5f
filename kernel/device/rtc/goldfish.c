// The goldfish real-time clock: nanoseconds since 1970, which start the wall clock.
//
// Owns nothing after probing. Facts: QEMU docs, goldfish_rtc: reading the low word latches the high
// one.
#include <device/clock.h>
#include <device/device.h>
#include <kerr.h>

static int goldfish_probe(struct device *d)
{
    volatile u32 *regs = device_map(d, 0);
    if (!regs)
        return -E_NOMEM;
    u64 low = regs[0], high = regs[1];
    clock_set_realtime_ns((i64)(high << 32 | low));
    return 0;
}

static const char *const goldfish_compatible[] = {"google,goldfish-rtc", NULL};
static const struct driver goldfish_driver = {"goldfish-rtc", DRIVER_CLOCK, goldfish_compatible,
                                              goldfish_probe};
DRIVER(goldfish_driver);
