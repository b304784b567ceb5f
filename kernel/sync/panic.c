// Panics: the first CPU to get here stops all others, tells what happened and ends the machine.
// Relies on nothing that may be broken: no allocation, no waiting for locks, the early console.
#include "log_internal.h"
#include <arch/console.h>
#include <arch/context.h>
#include <arch/report.h>
#include <arch/time.h>
#include <arch/upcall.h>
#include <lib/printf.h>
#include <stdarg.h>
#include <sync/preempt.h>

enum { TAIL_RECORDS = 40 };

static _Atomic(struct arch_thread *) panicking;
static _Atomic i64 action;
static void (*_Atomic stop_others)(void);

void panic_set_action(i64 seconds)
{
    atomic_store(&action, seconds);
}

void panic_set_stop(void (*stop)(void))
{
    atomic_store(&stop_others, stop);
}

bool panic_in_progress(void)
{
    return atomic_load_explicit(&panicking, memory_order_relaxed);
}

void report_line(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vadd(LOG_EMERG, fmt, args);
    va_end(args);
}

static void report_address(u64 addr, u64 back)
{
    u64 offset;
    const char *name = ksym_lookup(addr - back, &offset);
    if (name)
        report_line("  %016lx %s+0x%lx", (unsigned long)addr, name, (unsigned long)(offset + back));
    else
        report_line("  %016lx", (unsigned long)addr);
}

void report_frame(u64 return_address)
{
    // The call is before the address it returns to, which may already belong to the next function.
    report_address(return_address, 1);
}

[[noreturn]] static void finish(void)
{
    i64 a = atomic_load(&action);
    if (a < 0)
        arch_reboot();
    if (a == 0)
        arch_halt();
    u64 until = arch_time_ns() + (u64)a * NS_PER_SEC;
    while (arch_time_ns() < until)
        arch_relax();
    arch_reboot();
}

// Returns on the first panic only.
static void enter(void)
{
    arch_irq_disable();
    struct arch_thread *first = NULL;
    if (!atomic_compare_exchange_strong(&panicking, &first, current_arch())) {
        if (first != current_arch())
            arch_halt();
        static _Atomic bool again;
        if (!atomic_exchange(&again, true)) {
            static const char text[] = "\r\npanic: once more, while panicking\r\n";
            arch_early_write(text, sizeof(text) - 1);
        }
        finish();
    }
    void (*stop)(void) = atomic_load(&stop_others);
    if (stop)
        stop();
    log_enter_panic();
}

[[noreturn]] static void die(const struct trapframe *tf, const char *fmt, va_list args)
{
    enter();
    u64 before = log_next_seq();
    static char text[512];
    kvsnprintf(text, sizeof(text), fmt, args);
    report_line("panic: %s", text);
    if (tf)
        arch_print_frame(tf);
    report_line("backtrace:");
    if (tf)
        report_address(tf_pc(tf), 0);
    arch_backtrace(tf ? arch_frame_fp(tf) : 0);
    report_line("end of the log before this:");
    log_dump_tail(before, TAIL_RECORDS);
    report_line("end of panic");
    finish();
}

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    die(NULL, fmt, args);
}

void panic_frame(const struct trapframe *tf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    die(tf, fmt, args);
}

void machine_stop(const char *fmt, ...)
{
    enter();
    u64 before = log_next_seq();
    static char text[512];
    va_list args;
    va_start(args, fmt);
    kvsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    report_line("stopped: %s", text);
    log_dump_tail(before, TAIL_RECORDS);
    finish();
}

void upcall_kernel_fault(struct trapframe *tf, const char *why, u64 addr)
{
    panic_frame(tf, "%s in the kernel, address %016lx", why, (unsigned long)addr);
}
