// Start, end and trouble of the hosted kernel: from the host's main function to upcall_boot;
// registers and backtraces in the log.
#include <arch/console.h>
#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/firmware.h>
#include <arch/report.h>
#include <arch/upcall.h>
#include <machine/boot.h>
#include <machine/host.h>
#include <machine/user.h>

void hosted_run_on(u64 stack, void (*fn)(void *), void *arg);

// kernel/sched's boot thread begins with its machine part.
extern struct arch_thread boot_arch_thread __asm__("boot_thread");
alignas(KSTACK_SLOT) static u8 boot_stack[KSTACK_SLOT];

static void boot(void *dtb)
{
    stack_enter(NULL);
    upcall_boot(dtb);
}

void hosted_boot(u64 dtb)
{
    struct hosted_cpu *c = &hosted_cpus[0];
    c->current = &boot_arch_thread; // something may be pending already
    c->irqs_off = 1;
    c->self = c;
    boot_arch_thread.kstack_top = (u64)boot_stack + KSTACK_SLOT;
    tlb_init_cpu(c);
    host_cpu_adopt(c);
    stack_leave(NULL, &boot_arch_thread);
    hosted_run_on(boot_arch_thread.kstack_top - sizeof(struct trapframe), boot, phys_to_virt(dtb));
    __builtin_unreachable();
}

// --- firmware.h ---
void arch_early_write(const char *s, usize n)
{
    irqflags_t f = arch_irq_save();
    host_console_write(s, n);
    arch_irq_restore(f);
}

usize arch_console_read(void *buf, usize n)
{
    irqflags_t f = arch_irq_save();
    usize got = host_console_read(buf, n);
    arch_irq_restore(f);
    return got;
}

u64 arch_firmware_realtime_ns(void)
{
    return host_realtime_ns();
}

usize arch_cpu_describe(u32 cpu, const char *isa, char *buf, usize cap)
{
    (void)isa;
    irqflags_t f = arch_irq_save();
    usize n = host_cpu_describe(cpu, buf, cap);
    arch_irq_restore(f);
    return n;
}

// --- power ---
enum { STATUS_PANIC = 201 }; // as harness/boot reports it

void arch_poweroff(void)
{
    host_exit(0);
}

void arch_poweroff_status(u32 status)
{
    host_exit((i32)status);
}

void arch_poweroff_killed(u32 number)
{
    host_exit_killed((i32)number);
}

void arch_reboot(void)
{
    host_exit(0);
}

void arch_halt(void)
{
    host_exit(STATUS_PANIC);
}

// --- registers and backtraces ---
void hosted_kernel_fault(const char *why, u64 addr, const struct hosted_registers *r)
{
    static struct trapframe tf;
    tf = (struct trapframe){.rip = r->rip, .rsp = r->rsp, .rbp = r->rbp};
    arch_irq_disable();
    upcall_kernel_fault(&tf, why, addr);
}

void arch_backtrace(u64 fp)
{
    if (!fp)
        fp = (u64)__builtin_frame_address(0);
    u64 top = current_arch()->kstack_top;
    for (int depth = 0; depth < 32 && fp % 8 == 0 && fp < top - 16 && fp >= top - KSTACK_SIZE;
         depth++) {
        u64 next = ((u64 *)fp)[0];
        report_frame(((u64 *)fp)[1]);
        if (next <= fp)
            break;
        fp = next;
    }
}

void arch_print_frame(const struct trapframe *tf)
{
    report_line("rip %016lx rsp %016lx rbp %016lx flags %08lx", tf->rip, tf->rsp, tf->rbp,
                tf->flags);
    report_line("rax %016lx rbx %016lx rcx %016lx rdx %016lx", tf->rax, tf->rbx, tf->rcx,
                tf->args[2]);
    report_line("rdi %016lx rsi %016lx r8  %016lx r9  %016lx", tf->args[0], tf->args[1],
                tf->args[4], tf->args[5]);
    report_line("r10 %016lx r11 %016lx r12 %016lx r13 %016lx", tf->args[3], tf->r11, tf->r12,
                tf->r13);
    report_line("r14 %016lx r15 %016lx fs  %016lx gs  %016lx", tf->r14, tf->r15, tf->fs_base,
                tf->gs_base);
}

u64 arch_frame_fp(const struct trapframe *tf)
{
    return tf->rbp;
}
