// Devices that a platform reaches by calls and not by registers: a console, a wall clock. Used by
// kernel/device/firmware; a platform without one gives nothing. Output is arch_early_write.
#pragma once
#include <lib/types.h>

// Takes up to n bytes that have come in; an external interrupt says so. Any context.
usize arch_console_read(void *buf, usize n);
// Nanoseconds since 1970 as the firmware knows them, 0: it does not.
u64 arch_firmware_realtime_ns(void);
// Leaves the machine with a status for whoever started it, where the platform has one (else as
// arch_poweroff).
[[noreturn]] void arch_poweroff_status(u32 status);
