// Interrupts of hosted CPUs: host signals that are taken when the kernel allows it, and the state
// of the CPUs. See machine/cpu.h.
#include <arch/cpu.h>
#include <arch/time.h>
#include <arch/upcall.h>
#include <machine/host.h>
#include <machine/user.h>
#include <stdatomic.h>

struct hosted_cpu hosted_cpus[MAX_CPUS];

void hosted_serve(struct hosted_cpu *c)
{
    for (u32 p; (p = atomic_exchange(&c->pending, 0)) != 0;) {
        if (p & PENDING_IPI) {
            tlb_answer(c);
            upcall_ipi();
        }
        if (p & PENDING_EXTERNAL)
            upcall_external_irq();
        if (p & PENDING_TIMER)
            upcall_timer();
    }
}

void hosted_irq_take(void)
{
    for (;;) {
        arch_irq_disable();
        hosted_serve(hosted_cpu());
        struct arch_thread *at = current_arch();
        if (at->preempt_count == 0 &&
            atomic_load_explicit(&at->work, memory_order_relaxed) & WORK_RESCHED)
            upcall_preempt(); // we may come back on another CPU
        u32 pending;
        __asm__ volatile("movl $0, %%gs:8\n\tmovl %%gs:12, %0" : "=r"(pending)::"memory");
        if (!pending)
            return;
    }
}

// In a signal handler, on the interrupted thread's kernel stack.
#ifdef HOSTED_TSAN
[[clang::disable_sanitizer_instrumentation]] void hosted_signal(void)
{
    // The handler may have interrupted the sanitizer itself: what is pending is served where kernel
    // code asks for it (machine/cpu.h).
}
#else
void hosted_signal(void)
{
    if (arch_irqs_enabled())
        hosted_irq_take();
}
#endif

bool arch_irq_from_user(void)
{
    return hosted_cpu()->from_user;
}

static void raise(struct hosted_cpu *c, u32 what)
{
    atomic_fetch_or(&c->pending, what);
    host_cpu_signal(c);
}

void arch_ipi_send(u32 cpu)
{
    raise(&hosted_cpus[cpu], PENDING_IPI);
}

void arch_cpu_wait(void)
{
    host_cpu_wait(hosted_cpu());
}

u32 arch_cpu_count(void)
{
    return host_cpu_count();
}

u64 arch_cpu_hwid(u32 cpu)
{
    return cpu;
}

static void secondary(struct hosted_cpu *c)
{
    stack_enter(NULL);
    tlb_init_cpu(c);
    upcall_secondary_start(c->index);
}

void hosted_run_on(u64 stack, void (*fn)(void *), void *arg);

// First code of a host thread that is a CPU: on to its idle thread's kernel stack.
static void secondary_entry(struct hosted_cpu *c)
{
    stack_leave(NULL, c->current);
    hosted_run_on(c->current->kstack_top - sizeof(struct trapframe), (void (*)(void *))secondary,
                  c);
}

void arch_start_secondaries(void)
{
    for (u32 i = 1; i < host_cpu_count() && i < MAX_CPUS; i++) {
        struct arch_thread *at = upcall_idle_thread(i);
        if (!at)
            continue;
        struct hosted_cpu *c = &hosted_cpus[i];
        *c = (struct hosted_cpu){.current = at, .irqs_off = 1, .self = c, .index = i};
        irqflags_t f = arch_irq_save();
        (void)host_cpu_start(
            c, secondary_entry); // one that does not start is missed by sched_wait_secondaries
        arch_irq_restore(f);
    }
}

// --- clock ---
u64 arch_time_raw(void)
{
    return host_clock.mult ? __builtin_ia32_rdtsc() : host_time_ns();
}

u64 arch_time_hz(void)
{
    return host_clock.mult
               ? (u64)(((unsigned __int128)NS_PER_SEC << host_clock.shift) / host_clock.mult)
               : NS_PER_SEC;
}

bool arch_time_scale(struct arch_time_scale *out)
{
    *out = (struct arch_time_scale){host_clock.base, host_clock.mult, host_clock.shift};
    return host_clock.mult != 0;
}

u64 arch_time_ns(void)
{
    if (!host_clock.mult)
        return host_time_ns();
    __asm__ volatile("lfence" ::: "memory");
    u64 ticks = __builtin_ia32_rdtsc() - host_clock.base;
    return (u64)((unsigned __int128)ticks * host_clock.mult >> host_clock.shift);
}

void arch_timer_arm(u64 deadline_ns)
{
    u64 now = arch_time_ns();
    host_timer_arm(hosted_cpu(), deadline_ns == UINT64_MAX ? UINT64_MAX
                                 : deadline_ns > now       ? deadline_ns - now
                                                           : 1);
}

u64 arch_entropy_word(void)
{
    return host_random();
}
