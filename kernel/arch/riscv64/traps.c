// Trap causes sorted out: which upcall serves what. Runs on the trapped thread's kernel stack;
// trap.S says in which state.
#include <arch/context.h>
#include <arch/upcall.h>
#include <machine/fpu.h>
#include <machine/ipi.h>
#include <stdatomic.h>

// The prototypes trap.S calls.
void arch_user_trap(struct trapframe *tf, u64 cause);
void arch_kernel_trap(struct trapframe *tf, u64 cause);

enum : u64 {
    CAUSE_INTERRUPT = 1ul << 63,
    IRQ_SOFT = CAUSE_INTERRUPT | 1,
    IRQ_TIMER = CAUSE_INTERRUPT | 5,
    IRQ_EXTERNAL = CAUSE_INTERRUPT | 9,
    EXC_FETCH_MISALIGNED = 0,
    EXC_FETCH_ACCESS = 1,
    EXC_ILLEGAL = 2,
    EXC_BREAKPOINT = 3,
    EXC_LOAD_MISALIGNED = 4,
    EXC_LOAD_ACCESS = 5,
    EXC_STORE_MISALIGNED = 6,
    EXC_STORE_ACCESS = 7,
    EXC_FETCH_PAGE = 12,
    EXC_LOAD_PAGE = 13,
    EXC_STORE_PAGE = 15,
};

bool arch_irq_from_user(void)
{
    return !(csr_read(sstatus) &
             SSTATUS_SPP); // as the trap left it: handlers run with interrupts off
}

static bool interrupt(u64 cause)
{
    switch (cause) {
    case IRQ_SOFT:
        arch_ipi_receive();
        return true;
    case IRQ_TIMER:
        upcall_timer();
        return true;
    case IRQ_EXTERNAL:
        upcall_external_irq();
        return true;
    default:
        return false;
    }
}

static u32 fault_access(u64 cause)
{
    return cause == EXC_FETCH_PAGE  ? ACCESS_EXEC
           : cause == EXC_LOAD_PAGE ? ACCESS_READ
                                    : ACCESS_WRITE;
}

static enum trap_cause exception_kind(u64 cause)
{
    switch (cause) {
    case EXC_ILLEGAL:
        return TRAP_ILLEGAL;
    case EXC_BREAKPOINT:
        return TRAP_BREAKPOINT;
    case EXC_FETCH_MISALIGNED:
    case EXC_LOAD_MISALIGNED:
    case EXC_STORE_MISALIGNED:
        return TRAP_MISALIGNED;
    case EXC_FETCH_ACCESS:
    case EXC_LOAD_ACCESS:
    case EXC_STORE_ACCESS:
        return TRAP_ACCESS;
    default:
        return TRAP_OTHER;
    }
}

// Everything from user mode but calls. Interrupts are off on entry and on return.
void arch_user_trap(struct trapframe *tf, u64 cause)
{
    if (interrupt(cause))
        return;
    u64 addr = csr_read(stval);
    if (cause == EXC_ILLEGAL && fpu_first_use(tf))
        return;
    arch_irq_enable();
    if (cause == EXC_LOAD_PAGE || cause == EXC_STORE_PAGE || cause == EXC_FETCH_PAGE)
        upcall_user_fault(tf, addr, fault_access(cause));
    else
        upcall_user_exception(tf, exception_kind(cause), addr);
    arch_irq_disable();
}

void arch_kernel_trap(struct trapframe *tf, u64 cause)
{
    if (!interrupt(cause)) {
        static const char *const names[16] = {
            "fetch misaligned", "fetch access fault", "illegal instruction", "breakpoint",
            "load misaligned",  "load access fault",  "store misaligned",    "store access fault",
            "call from user",   "call from kernel",   "exception 10",        "exception 11",
            "fetch page fault", "load page fault",    "exception 14",        "store page fault"};
        upcall_kernel_fault(tf, cause < 16 ? names[cause] : "unknown trap", csr_read(stval));
    }
    struct arch_thread *at = current_arch();
    if ((tf->status & SSTATUS_SPIE) && at->preempt_count == 0 &&
        (atomic_load_explicit(&at->work, memory_order_relaxed) & WORK_RESCHED))
        upcall_preempt();
}
