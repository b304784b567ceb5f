// What the machine calls on behalf of user mode: calls, faults, exceptions, and the work due on the
// way back. Thread context, no locks held.
#include <arch/context.h>
#include <arch/upcall.h>
#include <kerr.h>
#include <sched/wait.h>
#include <sync/log.h>
#include <sync/preempt.h>
#include <task/abi.h>

static void report_fault(struct trapframe *tf, enum event_kind kind, enum event_code code, u64 addr)
{
    struct event e = {.kind = kind, .code = code, .addr = addr};
    current_task()->abi->fault(tf, &e);
}

// No frame for this fault: somebody is ended, and the fault is tried again when that has given
// memory back.
static void out_of_memory(void)
{
    if (task_should_die())
        return;
    if (!task_oom_kill()) {
        struct task *t = current_task();
        klog(LOG_ERR, "Out of memory: ended process %u (%s), nothing else to end", t->pid, t->name);
        i32 number = t->abi->event_number ? t->abi->event_number(EVENT_KILL) : 0;
        task_terminate(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = number});
        return;
    }
    if (!task_should_die())
        (void)thread_sleep_until(arch_time_ns() + 2 * NS_PER_MS);
}

void upcall_user_fault(struct trapframe *tf, u64 addr, u32 access)
{
    switch (aspace_fault(current_task()->aspace, addr, access)) {
    case FAULT_OK:
        return;
    case FAULT_OOM:
        out_of_memory();
        return;
    case FAULT_NO_AREA:
        report_fault(tf, EVENT_FAULT_ADDRESS, EVC_MAPERR, addr);
        return;
    case FAULT_DENIED:
        report_fault(tf, EVENT_FAULT_ADDRESS, EVC_ACCERR, addr);
        return;
    case FAULT_BUS:
        report_fault(tf, EVENT_FAULT_BUS, EVC_ADRERR, addr);
        return;
    }
}

void upcall_user_exception(struct trapframe *tf, enum trap_cause cause, u64 addr)
{
    switch (cause) {
    case TRAP_ILLEGAL:
        report_fault(tf, EVENT_FAULT_ILLEGAL, EVC_ILLOPC, tf_pc(tf));
        return;
    case TRAP_ILLEGAL_OPERAND:
        report_fault(tf, EVENT_FAULT_ILLEGAL, EVC_ILLOPN, tf_pc(tf));
        return;
    case TRAP_BREAKPOINT:
        report_fault(tf, EVENT_TRAP, EVC_BRKPT, tf_pc(tf));
        return;
    case TRAP_MISALIGNED:
        report_fault(tf, EVENT_FAULT_BUS, EVC_ADRALN, addr);
        return;
    case TRAP_ACCESS:
        report_fault(tf, EVENT_FAULT_ADDRESS, EVC_ACCERR, addr);
        return;
    case TRAP_PROTECTION:
        report_fault(tf, EVENT_FAULT_ADDRESS, EVC_KERNEL, 0);
        return;
    case TRAP_INT_DIVIDE:
    case TRAP_INT_OVERFLOW:
    case TRAP_FLOAT_DIVIDE:
    case TRAP_FLOAT_OVERFLOW:
    case TRAP_FLOAT_UNDERFLOW:
    case TRAP_FLOAT_INEXACT:
    case TRAP_FLOAT_INVALID:
        static_assert(TRAP_FLOAT_INVALID - TRAP_INT_DIVIDE == (u32)EVC_FLTINV - (u32)EVC_INTDIV);
        report_fault(tf, EVENT_FAULT_ARITH,
                     (enum event_code)(EVC_INTDIV + (u32)cause - TRAP_INT_DIVIDE), tf_pc(tf));
        return;
    case TRAP_OTHER:
        report_fault(tf, EVENT_FAULT_ILLEGAL, EVC_ILLOPC, tf_pc(tf));
        return;
    }
}

void upcall_user_work(struct trapframe *tf)
{
    for (;;) {
        u32 work = atomic_load_explicit(&current_arch()->work, memory_order_relaxed);
        if (!work)
            return;
        if (work & WORK_EVENT) {
            task_check_stop();
            if (UNLIKELY(current()->tick_events))
                task_check_cpu_limit();
            if (task_should_die())
                task_exit_thread();
            current_task()->abi->deliver(tf);
            if (task_should_die())
                task_exit_thread();
        }
        if (atomic_load_explicit(&current_arch()->work, memory_order_relaxed) & WORK_RESCHED)
            preempt_schedule();
    }
}
