// The device model: nodes of the tree become devices, drivers take them in stages.
//
// Owns the list of devices. Built on the boot CPU before any user of it runs; constant afterwards,
// so no lock.
#include <libfdt.h> // before ours, which makes macros of some names

#include "fdt_cells.h"
#include <arch/mmu.h>
#include <device/clock.h>
#include <device/device.h>
#include <device/fdt.h>
#include <device/kmsg.h>
#include <device/random.h>
#include <device/serial.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>

struct list all_devices = LIST_INIT(all_devices);
struct list serial_ports = LIST_INIT(serial_ports);

static const void *tree;
static int stdout_node = -1;

enum : u32 { BUS_DEPTH = 8 };

// A bus on the way down: how its children's addresses are written and where they lie.
struct bus {
    const struct bus *parent;
    int node;
    u32 acells, scells;
};

// Translates a child's address into the parent's space, bus by bus. False: not reachable.
static bool translate(const struct bus *b, u64 *addr, u64 size)
{
    for (; b->parent; b = b->parent) {
        int len;
        const u8 *r = fdt_getprop(tree, b->node, "ranges", &len);
        if (!r)
            return false;
        if (!len)
            continue; // same addresses
        u32 step = (b->acells + b->parent->acells + b->scells) * 4;
        bool found = false;
        for (u32 i = 0; step && i < (u32)len / step && !found; i++) {
            const u8 *e = r + i * step;
            u64 child = cells_read(e, b->acells),
                up = cells_read(e + b->acells * 4, b->parent->acells);
            u64 n = cells_read(e + (b->acells + b->parent->acells) * 4, b->scells);
            if (*addr >= child && *addr - child < n && size <= n - (*addr - child)) {
                *addr = up + (*addr - child);
                found = true;
            }
        }
        if (!found)
            return false;
    }
    return true;
}

static void read_regs(struct device *d, const struct bus *b)
{
    int len;
    const u8 *p = fdt_getprop(tree, d->node, "reg", &len);
    u32 step = (b->acells + b->scells) * 4;
    for (u32 i = 0; p && step && i < (u32)len / step && d->reg_count < DEVICE_MAX_REGS; i++) {
        u64 addr = cells_read(p + i * step, b->acells),
            size = cells_read(p + i * step + b->acells * 4, b->scells);
        if (!size || addr + size < addr || !translate(b, &addr, size))
            break;
        d->regs[d->reg_count].start = addr;
        d->regs[d->reg_count++].len = size;
    }
}

// The node that interrupts of `node` go to: its own "interrupt-parent" or the nearest one above.
static int interrupt_parent(int node, const struct bus *b)
{
    u32 phandle;
    for (;;) {
        if (!fdt_prop_u32(tree, node, "interrupt-parent", &phandle))
            return fdt_node_offset_by_phandle(tree, phandle);
        if (!b)
            return -1;
        node = b->node;
        b = b->parent;
    }
}

static void read_irqs(struct device *d, const struct bus *b)
{
    int len;
    const u8 *p = fdt_getprop(tree, d->node, "interrupts", &len);
    if (!p)
        return;
    int parent = interrupt_parent(d->node, b);
    u32 cells;
    if (parent < 0 || fdt_prop_u32(tree, parent, "#interrupt-cells", &cells) || cells < 1 ||
        cells > 3)
        return;
    for (u32 i = 0; i < (u32)len / (cells * 4) && d->irq_count < DEVICE_MAX_IRQS; i++)
        d->irqs[d->irq_count++] = (u32)cells_read(p + i * cells * 4, 1);
}

static void add_device(int node, const struct bus *b)
{
    struct device *d = kzalloc(sizeof(*d), 0);
    if (!d)
        panic("no memory for the list of devices");
    d->node = node;
    d->name = fdt_get_name(tree, node, NULL);
    read_regs(d, b);
    read_irqs(d, b);
    list_add_tail(&all_devices, &d->link);
}

static void scan(const struct bus *b, u32 depth)
{
    int node;
    fdt_for_each_subnode(node, tree, b->node)
    {
        if (!fdt_node_enabled(tree, node) || !fdt_getprop(tree, node, "compatible", NULL))
            continue;
        add_device(node, b);
        struct bus below = {b, node, 0, 0};
        if (depth < BUS_DEPTH && fdt_getprop(tree, node, "ranges", NULL) &&
            !fdt_cells(tree, node, &below.acells, &below.scells))
            scan(&below, depth + 1);
    }
}

static bool matches(const struct device *d, const struct driver *drv)
{
    for (const char *const *c = drv->compatible; *c; c++)
        if (!fdt_node_check_compatible(tree, d->node, *c))
            return true;
    return false;
}

static void probe_stage(u32 stage)
{
    SET_FOREACH(drv, driver, const struct driver)
    {
        if ((*drv)->stage != stage)
            continue;
        struct device *d;
        list_for_each_entry (d, &all_devices, link) {
            if (d->driver || !matches(d, *drv))
                continue;
            int err = (*drv)->probe(d);
            if (!err)
                d->driver = *drv;
            else if (err != -E_NODEV)
                klog(LOG_ERR, "device %s: driver %s: %s", d->name, (*drv)->name,
                     kerr_name((enum kerr) - err));
        }
    }
}

// stdout-path is a path or an alias, with options behind a colon.
static void find_stdout(void)
{
    int chosen = fdt_path_offset(tree, "/chosen");
    usize len;
    const char *path = chosen < 0 ? NULL : fdt_prop_string(tree, chosen, "stdout-path", &len);
    if (!path)
        return;
    const char *colon = strchr(path, ':');
    stdout_node = fdt_path_offset_namelen(tree, path, colon ? (int)(colon - path) : (int)len);
}

void device_early_init(const void *dtb)
{
    const char *what;
    int err = fdt_boot_info(dtb, &boot_info, &what);
    if (err)
        panic("device tree: %s: %s", what,
              err == -E_OVERFLOW ? "more entries than this kernel can hold"
              : err == -E_NODEV  ? "missing"
                                 : "malformed");
    tree = dtb;
    random_add(boot_info.rng_seed, boot_info.rng_seed_len, boot_info.rng_seed_len * 8);
    memset(boot_info.rng_seed, 0, sizeof(boot_info.rng_seed));
}

void device_init(void)
{
    struct bus root = {NULL, 0, 0, 0};
    if (fdt_cells(tree, 0, &root.acells, &root.scells))
        panic("device tree: bad cell counts at the root");
    kmsg_init();
    find_stdout();
    scan(&root, 0);
    for (u32 stage = DRIVER_IRQCHIP; stage <= DRIVER_OTHER; stage++)
        probe_stage(stage);
}

const void *device_property(const struct device *d, const char *name, u32 *len)
{
    int n;
    const void *p = fdt_getprop(tree, d->node, name, &n);
    if (p && len)
        *len = (u32)n;
    return p;
}

const void *device_chosen(const char *name, u32 *len)
{
    int n, chosen = fdt_path_offset(tree, "/chosen");
    const void *p = chosen < 0 ? NULL : fdt_getprop(tree, chosen, name, &n);
    if (p)
        *len = (u32)n;
    return p;
}

int device_property_u32(const struct device *d, const char *name, u32 *out)
{
    return fdt_prop_u32(tree, d->node, name, out);
}

void *device_map(struct device *d, u32 i)
{
    return i < d->reg_count ? arch_map_device(d->regs[i].start, d->regs[i].len) : NULL;
}

bool device_is_stdout(const struct device *d)
{
    return d->node == stdout_node;
}

int device_phandle_parent_reg(u32 phandle, u64 *reg)
{
    int node = fdt_node_offset_by_phandle(tree, phandle);
    int parent = node < 0 ? -1 : fdt_parent_offset(tree, node), len;
    const u8 *p = parent < 0 ? NULL : fdt_getprop(tree, parent, "reg", &len);
    if (!p || (len != 4 && len != 8))
        return -E_NOENT;
    *reg = cells_read(p, (u32)len / 4);
    return 0;
}

void serial_register(struct serial_port *p)
{
    u32 index = 0;
    struct serial_port *other;
    list_for_each_entry (other, &serial_ports, link)
        index++;
    p->index = index;
    list_add_tail(&serial_ports, &p->link);
}
