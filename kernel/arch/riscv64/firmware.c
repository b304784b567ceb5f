// What SBI firmware offers instead of devices: nothing that the device tree's own devices do not do
// better.
#include <arch/cpu.h>
#include <arch/firmware.h>

usize arch_console_read(void *buf, usize n)
{
    (void)buf, (void)n;
    return 0;
}

u64 arch_firmware_realtime_ns(void)
{
    return 0;
}

void arch_poweroff_status(u32 status)
{
    (void)status; // SBI system reset has none
    arch_poweroff();
}
