// What SBI firmware offers instead of devices: nothing that the device tree's own devices do not do
// better.
#include <arch/cpu.h>
#include <arch/firmware.h>
#include <arch/stream.h>
#include <kerr.h>

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

void arch_poweroff_killed(u32 number)
{
    (void)number;
    arch_poweroff();
}

void arch_suspend(void) {}
void arch_program_started(void) {}

bool arch_console_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel)
{
    (void)rows, (void)cols, (void)xpixel, (void)ypixel;
    return false;
}

enum arch_trace arch_trace_kind(void)
{
    return ARCH_TRACE_LOG;
}

void arch_trace_write(const char *line, usize n)
{
    (void)line, (void)n;
}

u32 arch_requests_take(void)
{
    return 0;
}

u32 arch_stream_count(void)
{
    return 3;
}

enum arch_stream_kind arch_stream_kind(u32 n, u32 *access)
{
    (void)n, (void)access;
    return STREAM_CONSOLE;
}

i64 arch_stream_name(u32 n, char *buf, usize cap)
{
    (void)n, (void)buf, (void)cap;
    return -E_NODEV;
}

i64 arch_stream_attr(u32 n, struct host_attr *out)
{
    (void)n, (void)out;
    return -E_NODEV;
}

i64 arch_stream_read(u32 n, void *buf, usize len, const u64 *pos)
{
    (void)n, (void)buf, (void)len, (void)pos;
    return -E_NODEV;
}

i64 arch_stream_write(u32 n, const void *buf, usize len, const u64 *pos)
{
    (void)n, (void)buf, (void)len, (void)pos;
    return -E_NODEV;
}

i64 arch_stream_seek(u32 n, i64 off, u32 whence)
{
    (void)n, (void)off, (void)whence;
    return -E_NODEV;
}

i64 arch_stream_truncate(u32 n, u64 size)
{
    (void)n, (void)size;
    return -E_NODEV;
}

i64 arch_stream_sync(u32 n)
{
    (void)n;
    return -E_NODEV;
}

u32 arch_stream_ready(u32 n, u32 wanted)
{
    (void)n, (void)wanted;
    return STREAM_POLL_ERR;
}
