// Streams and requests: the host's calls with interrupts off, its errors as the kernel's.
#include <arch/cpu.h>
#include <arch/firmware.h>
#include <arch/stream.h>
#include <kerr.h>
#include <machine/host.h>
#include <machine/hostcall.h>

u32 arch_stream_count(void)
{
    return host_stream_count();
}

enum arch_stream_kind arch_stream_kind(u32 n, u32 *access)
{
    return (enum arch_stream_kind)host_stream_kind(n, access);
}

i64 arch_stream_name(u32 n, char *buf, usize cap)
{
    return HOST(host_stream_name(n, buf, cap));
}

i64 arch_stream_attr(u32 n, struct host_attr *out)
{
    return HOST(host_stream_attr(n, out));
}

i64 arch_stream_read(u32 n, void *buf, usize len, const u64 *pos)
{
    return HOST(host_stream_read(n, buf, len, pos));
}

i64 arch_stream_write(u32 n, const void *buf, usize len, const u64 *pos)
{
    return HOST(host_stream_write(n, buf, len, pos));
}

i64 arch_stream_seek(u32 n, i64 off, u32 whence)
{
    return HOST(host_stream_seek(n, off, whence));
}

i64 arch_stream_truncate(u32 n, u64 size)
{
    return HOST(host_stream_truncate(n, size));
}

i64 arch_stream_sync(u32 n)
{
    return HOST(host_stream_sync(n));
}

u32 arch_stream_ready(u32 n, u32 wanted)
{
    irqflags_t f = arch_irq_save();
    u32 r = host_stream_ready(n, wanted);
    arch_irq_restore(f);
    return r;
}

enum arch_trace arch_trace_kind(void)
{
    return (enum arch_trace)host_trace_kind();
}

void arch_trace_write(const char *line, usize n)
{
    irqflags_t f = arch_irq_save();
    host_trace_write(line, n);
    arch_irq_restore(f);
}

u32 arch_requests_take(void)
{
    return host_requests_take();
}

void arch_program_started(void)
{
    irqflags_t f = arch_irq_save();
    host_program_started();
    arch_irq_restore(f);
}

void arch_suspend(void)
{
    irqflags_t f = arch_irq_save();
    host_suspend();
    arch_irq_restore(f);
}

bool arch_console_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel)
{
    irqflags_t f = arch_irq_save();
    bool known = host_console_size(rows, cols, xpixel, ypixel);
    arch_irq_restore(f);
    return known;
}
