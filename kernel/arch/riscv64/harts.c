// The harts of this machine, from the device tree; starting them through SBI HSM. Written once at
// boot.
#include <libfdt.h> // first: it declares the C string functions that lib/string.h then maps

#include <arch/context.h>
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <machine/harts.h>
#include <machine/sbi.h>
#include <stdatomic.h>

struct hart_info hart_info = {.count = 1, .timebase_hz = 10'000'000};
static u64 hart_ids[MAX_CPUS];

struct hart_entry hart_entries[MAX_CPUS];
void _start(void);
[[noreturn]] void arch_secondary(u32 cpu);

static bool isa_has(const char *isa, int len, const char *ext)
{
    usize n = strlen(ext);
    for (int i = 0; i + (int)n < len + 1 && isa[i]; i++)
        if (isa[i] == '_' && strncmp(isa + i + 1, ext, n) == 0 &&
            (isa[i + 1 + (int)n] == '_' || isa[i + 1 + (int)n] == 0))
            return true;
    return false;
}

// "riscv,isa-extensions" is a list of strings, "riscv,isa" one string.
static bool node_has_extension(const void *dtb, int node, const char *ext)
{
    int len;
    const char *list = fdt_getprop(dtb, node, "riscv,isa-extensions", &len);
    if (list)
        return fdt_stringlist_contains(list, len, ext);
    const char *isa = fdt_getprop(dtb, node, "riscv,isa", &len);
    return isa && len > 0 && isa[len - 1] == 0 && isa_has(isa, len, ext);
}

void harts_init(const void *dtb, u64 boot_hart)
{
    hart_ids[0] = boot_hart;
    int cpus = fdt_path_offset(dtb, "/cpus");
    if (cpus < 0)
        return;
    int len;
    const fdt32_t *tb = fdt_getprop(dtb, cpus, "timebase-frequency", &len);
    if (tb && len == 4 && fdt32_to_cpu(*tb))
        hart_info.timebase_hz = fdt32_to_cpu(*tb);
    hart_info.has_sstc = true;
    bool any = false;
    int node;
    fdt_for_each_subnode(node, dtb, cpus)
    {
        const char *type = fdt_getprop(dtb, node, "device_type", &len);
        const fdt32_t *reg = fdt_getprop(dtb, node, "reg", &len);
        if (!type || strcmp(type, "cpu") != 0 || !reg || (len != 4 && len != 8))
            continue;
        const char *status = fdt_getprop(dtb, node, "status", NULL);
        if (status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0)
            continue;
        u64 id = len == 4 ? fdt32_to_cpu(reg[0])
                          : (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]);
        any = true;
        hart_info.has_sstc &= node_has_extension(dtb, node, "sstc");
        if (id != boot_hart && hart_info.count < MAX_CPUS)
            hart_ids[hart_info.count++] = id;
    }
    if (!any)
        hart_info.has_sstc = false;
}

u32 arch_cpu_count(void)
{
    return hart_info.count;
}

u64 arch_cpu_hwid(u32 cpu)
{
    return hart_ids[cpu];
}

void arch_start_secondaries(void)
{
    for (u32 cpu = 1; cpu < hart_info.count; cpu++) {
        struct arch_thread *at = upcall_idle_thread(cpu);
        if (!at)
            continue;
        struct hart_entry *entry = &hart_entries[cpu];
        entry->hwid = hart_ids[cpu];
        entry->satp = mmu_secondary_satp();
        entry->cpu = cpu;
        atomic_store_explicit(&entry->thread, at, memory_order_release);
        // A hart that does not start, for whatever reason, is missed by sched_wait_secondaries.
        sbi_call(SBI_EXT_HSM, 0, hart_ids[cpu], kernel_phys((const void *)_start), 0);
    }
}

// First C code of a secondary hart: virtual addresses, its idle thread and stack, interrupts off.
void arch_secondary(u32 cpu)
{
    mmu_load_kernel_root();
    tlb_init_hart(cpu);
    time_init_hart();
    csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
    upcall_secondary_start(cpu);
}

usize arch_cpu_describe(u32 cpu, const char *isa, char *buf, usize cap)
{
    u32 bits = 64 - (u32)__builtin_clzll(arch_user_top() - 1) + 1; // the lower half is the user's
    if (!isa)
        isa = "rv64imafdc";
    int n = ksnprintf(buf, cap,
                      "hart\t\t: %llu\nisa\t\t: %s\nmmu\t\t: sv%u\n"
                      "mvendorid\t: 0x0\nmarchid\t\t: 0x0\nmimpid\t\t: 0x0\nhart isa\t: %s\n",
                      (unsigned long long)arch_cpu_hwid(cpu), isa,
                      bits <= 39   ? 39
                      : bits <= 48 ? 48
                                   : 57,
                      isa);
    return n < 0 ? 0 : MIN((usize)n, cap - 1);
}
