// Threads at machine level: first switch-in, user frames, backtraces.
#include <arch/context.h>
#include <arch/upcall.h>
#include <lib/string.h>

void thread_trampoline(void);
[[noreturn]] void arch_thread_main(void);

void arch_thread_init(struct arch_thread *at, void *stack_top, void (*fn)(void *), void *arg)
{
    at->kstack_top = (u64)stack_top;
    at->ra = (u64)thread_trampoline;
    at->sp = (u64)stack_top - sizeof(struct trapframe); // the user frame's place is kept free
    memset(at->s, 0, sizeof(at->s));
    at->entry = fn;
    at->entry_arg = arg;
    at->fpu_used = false;
}

// Behind the trampoline: the scheduler has finished the switch.
void arch_thread_main(void)
{
    struct arch_thread *at = current_arch();
    at->entry(at->entry_arg);
    __builtin_unreachable();
}

struct trapframe *arch_user_frame(struct arch_thread *at)
{
    return (struct trapframe *)(at->kstack_top - sizeof(struct trapframe));
}

void arch_cpu_wait(void)
{
    __asm__ volatile("wfi" ::: "memory");
}
