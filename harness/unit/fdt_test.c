// sources: kernel/device/fdt.c harness/unit/host_obj/fdt_glue.c harness/unit/host/host.c
// include: kernel/device
// The device tree: what is read from a good one, and that no bad one is believed or does harm.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <device/fdt.h>
#include <kerr.h>
#include <libfdt.h>

enum { AREA = 1 << 16 };
static u8 *end; // of readable memory: what reads past a tree is killed

static u8 blob[AREA];

// What a test changes about the tree.
static struct {
    u32 cpus, memory_ranges, reg_cut;
    const char *bootargs;
    u64 initrd_end;
    bool no_memory, no_cpus, wide_cells, seed;
} plan;

static int reset(void **state)
{
    (void)state;
    memset(&plan, 0, sizeof(plan));
    plan.cpus = 2;
    plan.memory_ranges = 1;
    plan.bootargs = "console=ttyS0 quiet";
    plan.initrd_end = 0x8810'0000;
    plan.seed = true;
    return 0;
}

static void prop(const char *name, const void *v, usize n)
{
    assert_int_equal(fdt_property(blob, name, v, (int)n), 0);
}
static void prop32(const char *name, u32 v)
{
    u32 be = __builtin_bswap32(v);
    prop(name, &be, 4);
}
static void prop64(const char *name, u64 v)
{
    u64 be = __builtin_bswap64(v);
    prop(name, &be, 8);
}
static void text(const char *name, const char *s)
{
    prop(name, s, strlen(s) + 1);
}
static void node(const char *name)
{
    assert_int_equal(fdt_begin_node(blob, name), 0);
}
static void close_node(void)
{
    assert_int_equal(fdt_end_node(blob), 0);
}

static void memory(void)
{
    static u64 reg[200];
    for (u32 i = 0; i < plan.memory_ranges; i++) {
        reg[2 * i] = __builtin_bswap64(0x8000'0000 + i * 0x1000'0000ull);
        reg[2 * i + 1] = __builtin_bswap64(0x800'0000);
    }
    node("memory@80000000");
    text("device_type", "memory");
    prop("reg", reg, plan.memory_ranges * 16 - plan.reg_cut);
    close_node();
}

static void cpus(void)
{
    node("cpus");
    prop32("#address-cells", 1);
    prop32("#size-cells", 0);
    prop32("timebase-frequency", 10'000'000);
    for (u32 i = 0; i < plan.cpus; i++) {
        char name[16];
        snprintf(name, sizeof(name), "cpu@%x", i);
        node(name);
        text("device_type", "cpu");
        prop32("reg", i);
        text("status", "okay");
        text("riscv,isa", "rv64imafdc_sstc");
        text("mmu-type", "riscv,sv48");
        close_node();
    }
    node("cpu@99");
    text("device_type", "cpu");
    prop32("reg", 0x99);
    text("status", "disabled");
    close_node();
    close_node();
}

// Builds the tree of the plan and puts it right in front of the unreadable page. Returns it.
static u8 *build(usize *size)
{
    static const u8 seed[32] = {1, 2, 3};
    assert_int_equal(fdt_create(blob, AREA), 0);
    assert_int_equal(fdt_add_reservemap_entry(blob, 0x8000'0000, 0x8'0000), 0);
    assert_int_equal(fdt_finish_reservemap(blob), 0);
    node("");
    prop32("#address-cells", plan.wide_cells ? 3 : 2);
    prop32("#size-cells", 2);
    text("model", "a machine");
    if (!plan.no_memory)
        memory();
    if (!plan.no_cpus)
        cpus();
    node("reserved-memory");
    prop32("#address-cells", 2);
    prop32("#size-cells", 2);
    prop("ranges", "", 0);
    node("mmode_resv0@80000000");
    u64 reg[2] = {__builtin_bswap64(0x8000'0000), __builtin_bswap64(0x4'0000)};
    prop("reg", reg, 16);
    close_node();
    close_node();
    node("chosen");
    text("bootargs", plan.bootargs);
    prop32("linux,initrd-start", 0x8800'0000);
    prop64("linux,initrd-end", plan.initrd_end);
    if (plan.seed)
        prop("rng-seed", seed, sizeof(seed));
    close_node();
    close_node();
    assert_int_equal(fdt_finish(blob), 0);
    *size = (fdt_totalsize(blob) + 7) & ~7ul;
    u8 *at = end - *size;
    memcpy(at, blob, *size);
    return at;
}

static struct boot_info info;
static int read_plan(void)
{
    usize size;
    const char *what;
    int err = fdt_boot_info(build(&size), &info, &what);
    assert_true(!err == !what);
    return err;
}

static void good(void **state)
{
    (void)state;
    assert_int_equal(read_plan(), 0);
    assert_int_equal(info.ram_count, 1);
    assert_int_equal(info.ram[0].start, 0x8000'0000);
    assert_int_equal(info.ram[0].len, 0x800'0000);
    assert_int_equal(info.reserved_count, 3); // the map's entry, the tree, the firmware's
    assert_int_equal(info.reserved[0].len, 0x8'0000);
    assert_int_equal(info.reserved[2].len, 0x4'0000);
    assert_int_equal(info.cpu_count, 2);
    assert_int_equal(info.cpus[1].hwid, 1);
    assert_string_equal(info.cpus[1].isa, "rv64imafdc_sstc");
    assert_string_equal(info.cpus[0].mmu, "riscv,sv48");
    assert_int_equal(info.timebase_hz, 10'000'000);
    assert_string_equal(info.cmdline, "console=ttyS0 quiet");
    assert_int_equal(info.initrd.start, 0x8800'0000);
    assert_int_equal(info.initrd.len, 0x10'0000);
    assert_int_equal(info.rng_seed_len, 32);
    assert_int_equal(info.rng_seed[2], 3);
    assert_string_equal(info.model, "a machine");
}

static void bounds(void **state)
{
    (void)state;
    plan.memory_ranges = BOOT_MAX_RANGES;
    plan.cpus = BOOT_MAX_CPUS;
    assert_int_equal(read_plan(), 0);
    assert_int_equal(info.ram_count, BOOT_MAX_RANGES);
    plan.memory_ranges++;
    assert_int_equal(read_plan(), -E_OVERFLOW);
    plan.memory_ranges = 1;
    plan.cpus = BOOT_MAX_CPUS + 1;
    assert_int_equal(read_plan(), -E_OVERFLOW);
    reset(NULL);
    static char line[BOOT_CMDLINE_MAX + 1];
    memset(line, 'a', BOOT_CMDLINE_MAX);
    plan.bootargs = line;
    assert_int_equal(read_plan(), -E_OVERFLOW);
    line[BOOT_CMDLINE_MAX - 1] = '\0';
    assert_int_equal(read_plan(), 0);
}

static void wrong_values(void **state)
{
    (void)state;
    plan.no_memory = true;
    assert_int_equal(read_plan(), -E_NODEV);
    reset(NULL);
    plan.no_cpus = true;
    assert_int_equal(read_plan(), -E_NODEV);
    reset(NULL);
    plan.reg_cut = 4;
    assert_int_equal(read_plan(), -E_INVAL);
    reset(NULL);
    plan.initrd_end = 0x1000;
    assert_int_equal(read_plan(), -E_INVAL);
    reset(NULL);
    plan.wide_cells = true;
    assert_int_equal(read_plan(), -E_INVAL);
    reset(NULL);
    plan.seed = false;
    assert_int_equal(read_plan(), 0);
    assert_int_equal(info.rng_seed_len, 0);
}

static void no_tree(void **state)
{
    (void)state;
    const char *what;
    assert_int_equal(fdt_boot_info(NULL, &info, &what), -E_INVAL);
    memset(end - 64, 0, 64);
    assert_int_equal(fdt_boot_info(end - 64, &info, &what), -E_INVAL);
    assert_string_equal(what, "header");
    usize size;
    u8 *t = build(&size);
    assert_int_equal(fdt_boot_info(t + 4, &info, &what), -E_INVAL); // not aligned
}

// Trees cut short, and trees with bytes turned over: an error or plain data, never a read outside.
static void damaged(void **state)
{
    (void)state;
    usize size;
    const char *what;
    u8 *t = build(&size);
    static u8 whole[AREA];
    memcpy(whole, t, size);
    for (usize cut = 8; cut < size; cut += 8) {
        u8 *at = end - (size - cut);
        memcpy(at, whole, size - cut);
        // Its header claims more than there is: say the truth about the size, as firmware would.
        u32 total = __builtin_bswap32((u32)(size - cut));
        if (size - cut < 40)
            break;
        memcpy(at + 4, &total, 4);
        (void)fdt_boot_info(at, &info, &what);
    }
    srand(11);
    u32 refused = 0;
    for (u32 i = 0; i < 30000; i++) {
        memcpy(t, whole, size);
        for (int n = rand() % 4; n >= 0; n--)
            t[8 + (usize)rand() % (size - 8)] = (u8)rand(); // magic and size stay
        int err = fdt_boot_info(t, &info, &what);
        refused += err != 0;
        if (!err) {
            assert_true(info.ram_count >= 1 && info.ram_count <= BOOT_MAX_RANGES);
            assert_true(info.cpu_count >= 1 && info.cpu_count <= BOOT_MAX_CPUS);
            assert_true(strnlen(info.cmdline, sizeof(info.cmdline)) < sizeof(info.cmdline));
        }
    }
    assert_true(refused > 1000);
}

int main(void)
{
    u8 *area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    end = area + AREA;
    if (area == MAP_FAILED || mprotect(end, 4096, PROT_NONE))
        return 1;
#define CASE(f) cmocka_unit_test_setup(f, reset)
    const struct CMUnitTest tests[] = {CASE(good), CASE(bounds), CASE(wrong_values), CASE(no_tree),
                                       CASE(damaged)};
    return cmocka_run_group_tests_name("fdt", tests, NULL, NULL);
}
