// Threads at machine level: first switch-in, context switch. Sanitizers are told which stack runs.
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

// What sanitizers must know. stack_leave: the last that runs before a switch of stacks, so it is
// itself unknown to the thread sanitizer.
#if __has_feature(address_sanitizer)
void __sanitizer_start_switch_fiber(void **save, const void *bottom, usize size);
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, usize *size);
void __asan_unpoison_memory_region(const volatile void *p, usize n);
void stack_leave(struct arch_thread *from, struct arch_thread *to)
{
    void *host_stack;
    __sanitizer_start_switch_fiber(from ? &from->fiber : &host_stack,
                                   (void *)(to->kstack_top - KSTACK_SIZE), KSTACK_SIZE);
}
void stack_enter(struct arch_thread *again)
{
    __sanitizer_finish_switch_fiber(again ? again->fiber : NULL, NULL, NULL);
}
static void fresh_stack(struct arch_thread *at)
{
    at->fiber = NULL;
    __asan_unpoison_memory_region((void *)(at->kstack_top - KSTACK_SIZE), KSTACK_SIZE);
}
// Called before what does not return, for the frames that are left behind. The runtime's own goes
// by the host's thread, which is another one if we are moved to another CPU in the middle of it.
void __asan_handle_no_return(void);
[[clang::disable_sanitizer_instrumentation]] void __asan_handle_no_return(void)
{
    __asan_unpoison_memory_region((void *)(current_arch()->kstack_top - KSTACK_SIZE), KSTACK_SIZE);
}
#elifdef HOSTED_TSAN
void *__tsan_create_fiber(u32 flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, u32 flags);
void *__tsan_get_current_fiber(void);
static void *fibers[KSTACK_REGION_SIZE / KSTACK_SLOT]; // by stack; its user's own

// Threads of one CPU run one after another: a switch orders what they do (flags 0).
[[clang::disable_sanitizer_instrumentation]] void stack_leave(struct arch_thread *from,
                                                              struct arch_thread *to)
{
    (void)from;
    if (to->fiber)
        __tsan_switch_to_fiber(to->fiber, 0);
    else // the boot thread
        to->fiber = __tsan_get_current_fiber();
}
void stack_enter(struct arch_thread *again)
{
    (void)again;
}
static void fresh_stack(struct arch_thread *at)
{
    void **fiber = &fibers[(at->kstack_top - 1 - KSTACK_REGION_BASE) / KSTACK_SLOT];
    if (*fiber) // of a thread that has ended
        __tsan_destroy_fiber(*fiber);
    at->fiber = *fiber = __tsan_create_fiber(0);
}
#else
void stack_leave(struct arch_thread *from, struct arch_thread *to)
{
    (void)from, (void)to;
}
void stack_enter(struct arch_thread *again)
{
    (void)again;
}
static void fresh_stack(struct arch_thread *at)
{
    at->fiber = NULL;
}
#endif

[[clang::disable_sanitizer_instrumentation]] void arch_context_switch(struct arch_thread *prev,
                                                                      struct arch_thread *next)
{
    fpu_leave(prev);
    stack_leave(prev, next);
    hosted_switch(prev, next);
    stack_enter(prev); // we are prev, again
}

void arch_thread_init(struct arch_thread *at, void *stack_top, void (*fn)(void *), void *arg)
{
    at->kstack_top = (u64)stack_top;
    fresh_stack(at);
    u64 *sp =
        (u64 *)(at->kstack_top - sizeof(struct trapframe)); // the user frame's place is kept free
    *--sp = (u64)hosted_thread_entry;
    for (int i = 0; i < 6; i++)
        *--sp = 0;
    at->rsp = (u64)sp;
    at->entry = fn;
    at->entry_arg = arg;
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
