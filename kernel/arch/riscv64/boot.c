// The boot hart's first C code at virtual addresses: what must work before the kernel proper
// starts.
#include <libfdt.h> // first: it declares the C string functions that lib/string.h then maps

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/upcall.h>
#include <lib/string.h>
#include <machine/harts.h>

[[noreturn]] void arch_boot(u64 hart, paddr_t dtb_phys);

[[noreturn]] static void fail(const char *why)
{
    static const char prefix[] = "panic: ";
    arch_early_write(prefix, sizeof(prefix) - 1);
    arch_early_write(why, strlen(why));
    arch_early_write("\n", 1);
    arch_poweroff();
}

// "mmu=sv48" on the command line asks for four-level tables; three levels are the default since
// walks are shorter.
static bool wants_sv48(const void *dtb)
{
    int chosen = fdt_path_offset(dtb, "/chosen"), len = 0;
    const char *args = chosen < 0 ? NULL : fdt_getprop(dtb, chosen, "bootargs", &len);
    if (!args || len <= 0 || args[len - 1] != 0)
        return false;
    for (const char *p = args; *p; p++)
        if ((p == args || p[-1] == ' ') && strncmp(p, "mmu=sv48", 8) == 0 &&
            (p[8] == 0 || p[8] == ' '))
            return true;
    return false;
}

void arch_boot(u64 hart, paddr_t dtb_phys)
{
    if (dtb_phys == 0 || dtb_phys % 8 != 0 || dtb_phys >> 37 != 0)
        fail("the firmware gave no usable device tree address");
    const void *dtb = phys_to_virt(dtb_phys);
    if (fdt_check_header(dtb) != 0)
        fail("the device tree has a damaged header");
    harts_init(dtb, hart);
    mmu_init_boot(wants_sv48(dtb));
    tlb_init_hart(0);
    time_init();
    csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
    upcall_boot(dtb);
}
