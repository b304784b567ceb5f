// Character devices by number: what a device node opens.
#pragma once
#include <object/attr.h>
#include <object/object.h>

struct chardev {
    const char *name;        // for /proc/devices
    u32 major, minor, count; // the numbers [minor, minor + count)
    // Opens one: a new object with one reference. access: PIPE-like bits CHARDEV_READ/WRITE;
    // status: enum object_status; flags: CHARDEV_NOCTTY. May sleep.
    int (*open)(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                struct object **out);
};
enum {
    CHARDEV_READ = 1,
    CHARDEV_WRITE = 2,
    CHARDEV_NOCTTY = 4 /* do not become the controlling terminal */
};

// Fixed at build time through a linker set; both kinds are found by chardev_open.
SET_DECLARE(chardev, const struct chardev);
#define CHARDEV(record) SET_ENTRY(chardev, record)

// Opens device rdev (dev_make). -E_NXIO: there is none; else the driver's error.
[[nodiscard]] int chardev_open(u64 rdev, u32 access_and_flags, u32 status, struct object **out);
// The same for block devices: none yet, -E_NXIO.
// Calls fn for every registered range in order of numbers (for /proc/devices).
void chardev_for_each(void (*fn)(const struct chardev *d, void *arg), void *arg);
