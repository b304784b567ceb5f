// The device tree, read once at boot into plain data.
//
// Owns boot_info. No lock: one CPU runs. Relies on libfdt after fdt_check_full has accepted the
// whole tree, which makes every offset and name in it sound; lengths of properties are still the
// tree's word and are checked here, one by one.
#include <libfdt.h> // before ours, which makes macros of some names

#include "fdt_cells.h"
#include <arch/names.h>
#include <arch/page.h>
#include <device/fdt.h>
#include <kerr.h>
#include <lib/string.h>

struct boot_info boot_info;

enum : u32 { FDT_MAX_BYTES = 4u << 20 };

u64 cells_read(const u8 *p, u32 cells)
{
    u64 v = 0;
    for (u32 i = 0; i < cells * 4; i++)
        v = v << 8 | p[i];
    return v;
}

int fdt_prop_u32(const void *dtb, int node, const char *name, u32 *out)
{
    int len;
    const u8 *p = fdt_getprop(dtb, node, name, &len);
    if (!p)
        return -E_NOENT;
    if (len != 4)
        return -E_INVAL;
    *out = (u32)cells_read(p, 1);
    return 0;
}

// 32 or 64 bits.
static int prop_address(const void *dtb, int node, const char *name, u64 *out)
{
    int len;
    const u8 *p = fdt_getprop(dtb, node, name, &len);
    if (!p)
        return -E_NOENT;
    if (len != 4 && len != 8)
        return -E_INVAL;
    *out = cells_read(p, (u32)len / 4);
    return 0;
}

const char *fdt_prop_string(const void *dtb, int node, const char *name, usize *out_len)
{
    int len;
    const char *s = fdt_getprop(dtb, node, name, &len);
    if (!s || len <= 0 || s[len - 1] != '\0')
        return NULL;
    *out_len = strlen(s);
    return s;
}

static bool prop_is(const void *dtb, int node, const char *name, const char *value)
{
    usize len;
    const char *s = fdt_prop_string(dtb, node, name, &len);
    return s && !strcmp(s, value);
}

bool fdt_node_enabled(const void *dtb, int node)
{
    return !fdt_getprop(dtb, node, "status", NULL) || prop_is(dtb, node, "status", "okay") ||
           prop_is(dtb, node, "status", "ok");
}

static int copy_string(char *dst, usize cap, const char *s, usize len)
{
    if (len >= cap)
        return -E_OVERFLOW;
    memcpy(dst, s, len);
    dst[len] = '\0';
    return 0;
}

static int add_range(struct boot_range *ranges, u32 *count, u64 start, u64 len)
{
    if (!len)
        return 0;
    if (start + len < start)
        return -E_INVAL;
    if (*count == BOOT_MAX_RANGES)
        return -E_OVERFLOW;
    ranges[(*count)++] = (struct boot_range){start, len};
    return 0;
}

// Adds every (address, size) pair of a node's "reg".
static int add_reg(const void *dtb, int node, u32 acells, u32 scells, struct boot_range *ranges,
                   u32 *count)
{
    int len;
    const u8 *p = fdt_getprop(dtb, node, "reg", &len);
    u32 step = (acells + scells) * 4;
    if (!p)
        return 0;
    if (!step || len < 0 || (u32)len % step)
        return -E_INVAL;
    for (u32 i = 0; i < (u32)len / step; i++) {
        int err = add_range(ranges, count, cells_read(p + i * step, acells),
                            cells_read(p + i * step + acells * 4, scells));
        if (err)
            return err;
    }
    return 0;
}

int fdt_cells(const void *dtb, int node, u32 *acells, u32 *scells)
{
    u32 a = 2, s = 1;
    int ea = fdt_prop_u32(dtb, node, "#address-cells", &a),
        es = fdt_prop_u32(dtb, node, "#size-cells", &s);
    if (ea == -E_INVAL || es == -E_INVAL || a > 2 || s > 2)
        return -E_INVAL;
    *acells = a;
    *scells = s;
    return 0;
}

static int read_memory(const void *dtb, struct boot_info *out)
{
    u32 a, s;
    int err = fdt_cells(dtb, 0, &a, &s), node;
    if (err)
        return err;
    fdt_for_each_subnode(node, dtb, 0)
    {
        if (!prop_is(dtb, node, "device_type", "memory") || !fdt_node_enabled(dtb, node))
            continue;
        err = add_reg(dtb, node, a, s, out->ram, &out->ram_count);
        if (err)
            return err;
    }
    return out->ram_count ? 0 : -E_NODEV;
}

static int read_reserved(const void *dtb, struct boot_info *out)
{
    int n = fdt_num_mem_rsv(dtb);
    for (int i = 0; i < n; i++) {
        u64 start, len;
        if (fdt_get_mem_rsv(dtb, i, &start, &len))
            return -E_INVAL;
        int err = add_range(out->reserved, &out->reserved_count, start, len);
        if (err)
            return err;
    }
    int err = add_range(out->reserved, &out->reserved_count, virt_to_phys(dtb), fdt_totalsize(dtb));
    int parent = fdt_path_offset(dtb, "/reserved-memory"), node;
    u32 a, s;
    if (err || parent < 0)
        return err;
    err = fdt_cells(dtb, parent, &a, &s);
    if (err)
        return err;
    fdt_for_each_subnode(node, dtb, parent)
    {
        err = fdt_node_enabled(dtb, node)
                  ? add_reg(dtb, node, a, s, out->reserved, &out->reserved_count)
                  : 0;
        if (err)
            return err;
    }
    return 0;
}

static int read_chosen(const void *dtb, struct boot_info *out)
{
    int node = fdt_path_offset(dtb, "/chosen");
    if (node < 0)
        return 0;
    usize slen;
    const char *args = fdt_prop_string(dtb, node, "bootargs", &slen);
    int err = args ? copy_string(out->cmdline, sizeof(out->cmdline), args, slen) : 0;
    if (err)
        return err;
    u64 start, end;
    err = prop_address(dtb, node, "linux,initrd-start", &start);
    if (!err) {
        err = prop_address(dtb, node, "linux,initrd-end", &end);
        if (err || end < start)
            return -E_INVAL;
        out->initrd = (struct boot_range){start, end - start};
    } else if (err != -E_NOENT) {
        return err;
    }
    int len;
    const u8 *seed = fdt_getprop(dtb, node, "rng-seed", &len);
    if (seed && len > 0) {
        out->rng_seed_len = MIN((u32)len, (u32)BOOT_SEED_MAX); // more is welcome, not needed
        memcpy(out->rng_seed, seed, out->rng_seed_len);
    }
    return 0;
}

// The ISA string: the old single property, or base and extensions joined with '_'.
static int read_isa(const void *dtb, int node, char *dst)
{
    usize len;
    const char *s = fdt_prop_string(dtb, node, ARCH_TREE ",isa", &len);
    if (s)
        return copy_string(dst, BOOT_ISA_MAX, s,
                           MIN(len, (usize)BOOT_ISA_MAX - 1)); // only shown to people
    s = fdt_prop_string(dtb, node, ARCH_TREE ",isa-base", &len);
    return s ? copy_string(dst, BOOT_ISA_MAX, s, MIN(len, (usize)BOOT_ISA_MAX - 1)) : 0;
}

static int read_cpu(const void *dtb, int node, u32 acells, struct boot_info *out)
{
    int len;
    const u8 *reg = fdt_getprop(dtb, node, "reg", &len);
    if (!reg || !acells || len != (int)acells * 4)
        return -E_INVAL;
    if (out->cpu_count == BOOT_MAX_CPUS)
        return -E_OVERFLOW;
    struct boot_cpu *c = &out->cpus[out->cpu_count];
    c->hwid = cells_read(reg, acells);
    int err = read_isa(dtb, node, c->isa);
    usize slen;
    const char *mmu = fdt_prop_string(dtb, node, "mmu-type", &slen);
    if (!err && mmu)
        err = copy_string(c->mmu, sizeof(c->mmu), mmu, slen);
    if (!err)
        out->cpu_count++;
    return err;
}

static int read_cpus(const void *dtb, struct boot_info *out)
{
    int cpus = fdt_path_offset(dtb, "/cpus"), node;
    u32 a, s;
    if (cpus < 0)
        return -E_NODEV;
    int err = fdt_cells(dtb, cpus, &a, &s);
    if (!err)
        err = fdt_prop_u32(dtb, cpus, "timebase-frequency", &out->timebase_hz);
    if (err)
        return err == -E_NOENT ? -E_INVAL : err;
    fdt_for_each_subnode(node, dtb, cpus)
    {
        if (!prop_is(dtb, node, "device_type", "cpu") || !fdt_node_enabled(dtb, node))
            continue;
        err = read_cpu(dtb, node, a, out);
        if (err)
            return err;
    }
    return out->cpu_count && out->timebase_hz ? 0 : -E_INVAL;
}

int fdt_boot_info(const void *dtb, struct boot_info *out, const char **what)
{
    static const struct {
        const char *what;
        int (*read)(const void *dtb, struct boot_info *out);
    } parts[] = {
        {"memory nodes", read_memory},
        {"memory reservations", read_reserved},
        {"/chosen", read_chosen},
        {"/cpus", read_cpus},
    };
    memset(out, 0, sizeof(*out));
    *what = "header";
    if (!dtb || (uintptr_t)dtb % 8 || fdt_check_header(dtb) || fdt_totalsize(dtb) > FDT_MAX_BYTES)
        return -E_INVAL;
    *what = "structure";
    if (fdt_check_full(dtb, fdt_totalsize(dtb)))
        return -E_INVAL;
    for (usize i = 0; i < ARRAY_LEN(parts); i++) {
        *what = parts[i].what;
        int err = parts[i].read(dtb, out);
        if (err)
            return err;
    }
    usize len;
    const char *model = fdt_prop_string(dtb, 0, "model", &len);
    if (model)
        (void)copy_string(out->model, sizeof(out->model), model, MIN(len, sizeof(out->model) - 1));
    *what = NULL;
    return 0;
}
