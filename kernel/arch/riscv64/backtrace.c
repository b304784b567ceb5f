// Registers and backtraces in the kernel log. Works from any context, on a damaged stack too: every
// pointer is checked before use.
#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/report.h>

static bool plausible(u64 fp)
{
    return fp % 8 == 0 &&
           ((fp >= KSTACK_REGION_BASE && fp < KSTACK_REGION_BASE + KSTACK_REGION_SIZE) ||
            fp >= KERNEL_BASE);
}

void arch_backtrace(u64 fp)
{
    if (!fp)
        fp = (u64)__builtin_frame_address(0);
    for (int depth = 0; depth < 32 && plausible(fp); depth++) {
        u64 ra = ((u64 *)fp)[-1], next = ((u64 *)fp)[-2];
        if (ra < KERNEL_BASE)
            break;
        report_frame(ra);
        if (next <= fp || next - fp > KSTACK_SIZE)
            break;
        fp = next;
    }
}

void arch_print_frame(const struct trapframe *tf)
{
    static const char *const names[32] = {"",   "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                          "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                          "a6", "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                          "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    report_line("pc %016lx status %016lx", tf->pc, tf->status);
    for (int i = 1; i < 32; i += 4) {
        if (i + 3 < 32)
            report_line("%-3s %016lx %-3s %016lx %-3s %016lx %-3s %016lx", names[i], tf->x[i],
                        names[i + 1], tf->x[i + 1], names[i + 2], tf->x[i + 2], names[i + 3],
                        tf->x[i + 3]);
        else
            report_line("%-3s %016lx %-3s %016lx %-3s %016lx", names[i], tf->x[i], names[i + 1],
                        tf->x[i + 1], names[i + 2], tf->x[i + 2]);
    }
    // A function that calls nothing has no frame of its own, so the backtrace misses its caller.
    report_line("return address in ra:");
    if (tf->x[1] >= KERNEL_BASE)
        report_frame(tf->x[1]);
}

u64 arch_frame_fp(const struct trapframe *tf)
{
    return tf->x[8];
}
