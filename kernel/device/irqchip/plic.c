// The platform-level interrupt controller.
//
// Owns its registers. Guarded by: enable bits by the caller (irq_lock); claim and complete touch
// only the calling CPU's context. Facts: RISC-V PLIC specification 1.0.0; binding
// sifive,plic-1.0.0.
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/names.h>
#include <device/device.h>
#include <device/irq.h>
#include <kerr.h>
#include <sched/thread.h>
#include <sync/log.h>

enum : u32 {
    PRIORITY = 0,
    ENABLE = 0x2000,
    ENABLE_STRIDE = 0x80,
    CONTEXT = 0x20'0000,
    CONTEXT_STRIDE = 0x1000,
    THRESHOLD = 0,
    CLAIM = 4,
    CAUSE_SUPERVISOR_EXTERNAL = 9,
    MAX_CONTEXTS = 15872,
};

static struct {
    volatile u32 *priority;
    u8 *enable;                    // of context 0
    volatile u32 *claim[MAX_CPUS]; // NULL: this CPU takes none
    volatile u32 *enable_of[MAX_CPUS];
} plic;

static u32 plic_claim(void)
{
    volatile u32 *c = plic.claim[this_cpu()->index];
    return c ? *c : 0;
}

static void plic_complete(u32 irq)
{
    *plic.claim[this_cpu()->index] = irq;
}

static void plic_set_enabled(u32 irq, bool on, u32 cpu)
{
    // A CPU without context cannot be asked; the boot CPU always has one.
    volatile u32 *e = plic.enable_of[cpu] ? plic.enable_of[cpu] : plic.enable_of[0];
    if (!e)
        return;
    plic.priority[irq] = on ? 1 : 0;
    u32 bit = 1u << (irq % 32);
    e[irq / 32] = on ? e[irq / 32] | bit : e[irq / 32] & ~bit;
}

static struct irq_chip chip = {
    .name = "plic",
    .claim = plic_claim,
    .complete = plic_complete,
    .set_enabled = plic_set_enabled,
};

static i32 cpu_of_hart(u64 hart)
{
    for (u32 i = 0; i < arch_cpu_count() && i < MAX_CPUS; i++)
        if (arch_cpu_hwid(i) == hart)
            return (i32)i;
    return -1;
}

static u32 be32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

// Context n of the controller belongs to the hart whose local controller the n-th entry names.
static int add_context(struct device *d, u32 n, u32 phandle)
{
    u64 hart;
    if (device_phandle_parent_reg(phandle, &hart))
        return 0;
    i32 cpu = cpu_of_hart(hart);
    u64 at = CONTEXT + (u64)n * CONTEXT_STRIDE;
    if (cpu < 0)
        return 0;
    if (at + CONTEXT_STRIDE > d->regs[0].len)
        return -E_INVAL;
    u8 *regs = arch_map_device(d->regs[0].start + at, CONTEXT_STRIDE);
    if (!regs)
        return -E_NOMEM;
    *(volatile u32 *)(void *)(regs + THRESHOLD) = 0;
    plic.enable_of[cpu] = (volatile u32 *)(void *)(plic.enable + (usize)n * ENABLE_STRIDE);
    for (u32 i = 0; i <= chip.count / 32; i++)
        plic.enable_of[cpu][i] = 0;
    plic.claim[cpu] = (volatile u32 *)(void *)(regs + CLAIM);
    return 0;
}

static int plic_probe(struct device *d)
{
    u32 ndev, len;
    const u8 *ext = device_property(d, "interrupts-extended", &len);
    if (device_property_u32(d, ARCH_TREE ",ndev", &ndev) || !ndev || ndev > 1023 || !ext ||
        !d->reg_count)
        return -E_INVAL;
    u32 contexts = len / 8;
    if (contexts > MAX_CONTEXTS || d->regs[0].len < CONTEXT)
        return -E_INVAL;
    chip.count = ndev + 1;
    plic.priority = arch_map_device(d->regs[0].start + PRIORITY, 0x1000);
    plic.enable = arch_map_device(d->regs[0].start + ENABLE, (usize)contexts * ENABLE_STRIDE);
    if (!plic.priority || !plic.enable)
        return -E_NOMEM;
    for (u32 i = 1; i <= ndev; i++)
        plic.priority[i] = 0;
    for (u32 n = 0; n < contexts; n++) {
        if (be32(ext + (usize)n * 8 + 4) != CAUSE_SUPERVISOR_EXTERNAL)
            continue;
        int err = add_context(d, n, be32(ext + (usize)n * 8));
        if (err)
            return err;
    }
    return irq_register_chip(&chip);
}

static const char *const plic_compatible[] = {"sifive,plic-1.0.0", ARCH_TREE ",plic0", NULL};
static const struct driver plic_driver = {"plic", DRIVER_IRQCHIP, plic_compatible, plic_probe};
DRIVER(plic_driver);
