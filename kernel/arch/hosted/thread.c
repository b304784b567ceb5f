// Threads at machine level: first switch-in, context switch. The address sanitizer is told which
// stack runs.
#include <arch/context.h>
#include <arch/upcall.h>
#include <machine/user.h>

void hosted_switch(struct arch_thread *prev, struct arch_thread *next);
void hosted_thread_entry(void);
[[noreturn]] void hosted_thread_main(void);

static_assert(offsetof(struct arch_thread, rsp) == 24); // switch.S
static_assert(offsetof(struct hosted_cpu, irqs_off) == 8 &&
              offsetof(struct hosted_cpu, pending) == 12 &&
              offsetof(struct hosted_cpu, self) == 16 &&
              offsetof(struct hosted_cpu, relaxed) == 24); // cpu.h

#if __has_feature(address_sanitizer)
void __sanitizer_start_switch_fiber(void **save, const void *bottom, usize size);
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, usize *size);
void __asan_unpoison_memory_region(const volatile void *p, usize n);
void stack_leave(void **save, u64 top)
{
    __sanitizer_start_switch_fiber(save, (void *)(top - KSTACK_SIZE), KSTACK_SIZE);
}
void stack_enter(void *fiber)
{
    __sanitizer_finish_switch_fiber(fiber, NULL, NULL);
}
static void fresh_stack(u64 top)
{
    __asan_unpoison_memory_region((void *)(top - KSTACK_SIZE), KSTACK_SIZE);
}
#else
void stack_leave(void **save, u64 top)
{
    (void)save, (void)top;
}
void stack_enter(void *fiber)
{
    (void)fiber;
}
static void fresh_stack(u64 top)
{
    (void)top;
}
#endif

void arch_context_switch(struct arch_thread *prev, struct arch_thread *next)
{
    fpu_leave(prev);
    stack_leave(&prev->fiber, next->kstack_top);
    hosted_switch(prev, next);
    stack_enter(prev->fiber); // we are prev, again
}

void arch_thread_init(struct arch_thread *at, void *stack_top, void (*fn)(void *), void *arg)
{
    at->kstack_top = (u64)stack_top;
    fresh_stack(at->kstack_top);
    u64 *sp =
        (u64 *)(at->kstack_top - sizeof(struct trapframe)); // the user frame's place is kept free
    *--sp = (u64)hosted_thread_entry;
    for (int i = 0; i < 6; i++)
        *--sp = 0;
    at->rsp = (u64)sp;
    at->entry = fn;
    at->entry_arg = arg;
    at->fiber = NULL;
    at->fpu.len = 0;
    at->fpu_id = 0;
    at->fpu_guest = NULL;
}

void hosted_thread_main(void)
{
    stack_enter(NULL);
    upcall_thread_start();
    struct arch_thread *at = current_arch();
    at->entry(at->entry_arg);
    __builtin_unreachable();
}

struct trapframe *arch_user_frame(struct arch_thread *at)
{
    return (struct trapframe *)(at->kstack_top - sizeof(struct trapframe));
}
