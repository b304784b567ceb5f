// Firmware services: console output, hart start, IPIs, reset. Stateless but for one probe result.
#include <arch/console.h>
#include <arch/cpu.h>
#include <machine/sbi.h>

struct sbi_result sbi_call(u64 ext, u64 fid, u64 a0, u64 a1, u64 a2)
{
    register u64 r0 __asm__("a0") = a0;
    register u64 r1 __asm__("a1") = a1;
    register u64 r2 __asm__("a2") = a2;
    register u64 r6 __asm__("a6") = fid;
    register u64 r7 __asm__("a7") = ext;
    __asm__ volatile("ecall" : "+r"(r0), "+r"(r1) : "r"(r2), "r"(r6), "r"(r7) : "memory");
    return (struct sbi_result){(i64)r0, (i64)r1};
}

bool sbi_has_extension(u64 ext)
{
    struct sbi_result r = sbi_call(SBI_EXT_BASE, 3, ext, 0, 0);
    return r.error == 0 && r.value != 0;
}

void arch_early_write(const char *s, usize n)
{
    for (usize i = 0; i < n; i++) {
        if (s[i] == '\n')
            sbi_call(SBI_LEGACY_PUTCHAR, 0, '\r', 0, 0);
        sbi_call(SBI_LEGACY_PUTCHAR, 0, (u8)s[i], 0, 0);
    }
}

static void reset(u64 type)
{
    sbi_call(SBI_EXT_SRST, 0, type, 0, 0);
    sbi_call(8, 0, 0, 0, 0); // legacy shutdown, for firmware without SRST
}

void arch_halt(void)
{
    arch_irq_disable();
    for (;;)
        __asm__ volatile("wfi");
}

void arch_poweroff(void)
{
    reset(0);
    arch_halt();
}

void arch_reboot(void)
{
    reset(1); // cold reboot
    arch_halt();
}
