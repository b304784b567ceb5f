// The device model: devices found in the tree, drivers that match them by "compatible".
#pragma once
#include <lib/list.h>
#include <lib/types.h>

enum { DEVICE_MAX_REGS = 4, DEVICE_MAX_IRQS = 4 };

struct device {
    struct list link;            // all devices; constant after probing
    const char *name;            // node name
    int node;                    // offset in the tree
    const struct driver *driver; // NULL: nobody wanted it
    struct {
        paddr_t start;
        u64 len;
    } regs[DEVICE_MAX_REGS];
    u32 reg_count;
    u32 irqs[DEVICE_MAX_IRQS];
    u32 irq_count;
    void *data; // the driver's
};

struct driver {
    const char *name;
    u32 stage;                     // DRIVER_*: lower ones probe first
    const char *const *compatible; // ends with NULL
    int (*probe)(
        struct device *d); // 0, or an error (logged; the device stays unused; -E_NODEV: silently)
};
enum { DRIVER_IRQCHIP, DRIVER_CLOCK, DRIVER_BUS, DRIVER_OTHER };
SET_DECLARE(driver, const struct driver);
#define DRIVER(record) SET_ENTRY(driver, record)

// Before memory allocation: reads the tree into boot_info (panics with the reason when it is
// unusable) and seeds randomness.
void device_early_init(const void *dtb);
// After memory and scheduler: keeps the tree, makes devices, probes drivers by stage. Interrupts
// may be on.
void device_init(void);

// Properties of d's node: value and length, or NULL. u32: -E_NOENT, -E_INVAL.
const void *device_property(const struct device *d, const char *name, u32 *len);
[[nodiscard]] int device_property_u32(const struct device *d, const char *name, u32 *out);
// A property of /chosen and its length, or NULL. After device_init; the tree stays.
const void *device_chosen(const char *name, u32 *len);
// Maps register block i for good. NULL: none or no memory.
void *device_map(struct device *d, u32 i);
// Is this the node that /chosen stdout-path names?
bool device_is_stdout(const struct device *d);
extern struct list all_devices;
// The "reg" of the parent of the node with this phandle (a CPU, from its interrupt controller's
// phandle). -E_NOENT.
[[nodiscard]] int device_phandle_parent_reg(u32 phandle, u64 *reg);
