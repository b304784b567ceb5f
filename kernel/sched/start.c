// Bringing the scheduler up: CPU 0 around the running boot thread, then the other harts. Owns the
// table of CPUs, which is written at boot only: a CPU's record is complete before its bit appears
// in online_cpus.
#include "sched.h"
#include <arch/upcall.h>
#include <kerr.h>
#include <mem/slab.h>
#include <sched/wait.h>
#include <sync/log.h>

static struct sched_cpu boot_cpu = {.cpu = {.running = &boot_thread}, .rq = {.curr = &boot_thread}};

// Usable from the first instruction in C on, long before sched_init. Never freed: one reference
// stays.
struct thread boot_thread = {
    .arch = {.cpu = &boot_cpu.cpu},
    .name = "boot",
    .state = THREAD_RUNNABLE,
    .on_rq = true,
    .on_cpu = true,
    .rt_index = RT_NONE,
    .weight_inverse = 1u << 20,
    .affinity = UINT64_MAX,
    .refs = REFCOUNT_INIT(2),
};

struct sched_cpu *sched_cpus[MAX_CPUS] = {&boot_cpu};
_Atomic u64 online_cpus = 1;
_Atomic u64 idle_cpus;
static _Atomic u32 cpu_total = 1;

struct cpu *cpu_get(u32 index)
{
    return &sched_cpus[index]->cpu;
}

u32 cpu_count(void)
{
    return atomic_load_explicit(&cpu_total, memory_order_relaxed);
}

u64 cpu_online_mask(void)
{
    return online_mask();
}

static void idle_main(void *arg)
{
    (void)arg;
    preempt_disable();
    sched_idle_loop();
}

// Everything of a CPU's record but its idle thread.
static void cpu_setup(struct sched_cpu *c, u32 index)
{
    c->cpu.index = index;
    c->cpu.hwid = arch_cpu_hwid(index);
    c->cpu.rq = &c->rq;
    c->cpu.timers = &c->timers;
    runqueue_init(&c->rq, index);
    timer_base_init(&c->timers, index);
    rcu_init_cpu(&c->rcu);
    watchdog_init(c);
}

[[nodiscard]] static int idle_setup(struct sched_cpu *c)
{
    int err = thread_create_idle(&c->cpu.idle, c, idle_main);
    if (!err)
        c->rq.idle = c->cpu.idle;
    return err;
}

void sched_init(void)
{
    struct sched_cpu *c = &boot_cpu;
    struct rcu_head *early = c->rcu.pending; // given before us
    cpu_setup(c, 0);
    atomic_store(&c->rcu.pending, early);
    u64 now = arch_time_ns();
    c->rq.curr = &boot_thread;
    c->cpu.stat_since = now;
    spin_init(&boot_thread.lock, &lock_class_thread);
    rb_clear_node(&boot_thread.fair_node);
    list_init(&boot_thread.rt_node);
    sched_set_weight(&boot_thread);
    boot_thread.exec_start = boot_thread.slice_start = now;
    boot_thread.kstack = (char *)boot_thread.arch.kstack_top - KSTACK_SIZE;
    if (idle_setup(c))
        panic("no memory for the idle thread");
    sched_ipi_init();
    load_init(now);
    tick_start(c, now);
    rcu_start();
    work_start();
}

int sched_start_secondaries(void)
{
    u32 n = MIN(arch_cpu_count(), (u32)MAX_CPUS);
    for (u32 i = 1; i < n; i++) {
        struct sched_cpu *c = kzalloc(sizeof(*c), 0);
        if (!c)
            return -E_NOMEM;
        cpu_setup(c, i);
        int err = idle_setup(c);
        if (err) {
            kfree(c);
            return err;
        }
        c->rq.curr = c->rq.idle;
        atomic_store(&c->cpu.running, c->cpu.idle);
        atomic_store(&c->cpu.idle->on_cpu, true);
        sched_cpus[i] = c;
        atomic_store(&cpu_total, i + 1);
    }
    arch_start_secondaries();
    return 0;
}

struct arch_thread *upcall_idle_thread(u32 cpu)
{
    return cpu < MAX_CPUS && sched_cpus[cpu] ? &sched_cpus[cpu]->cpu.idle->arch : NULL;
}

void upcall_secondary_start(u32 cpu)
{
    struct sched_cpu *c = sched_cpus[cpu];
    u64 now = arch_time_ns();
    c->cpu.stat_since = now;
    c->cpu.idle->exec_start = c->cpu.idle->slice_start = now;
    atomic_fetch_or(&online_cpus, 1ul << cpu);
    sched_idle_loop(); // with the preemption count it was made with
}

void sched_wait_secondaries(void)
{
    u64 all = cpu_count() >= 64 ? UINT64_MAX : (1ul << cpu_count()) - 1;
    u64 until = arch_time_ns() + NS_PER_SEC;
    while (online_mask() != all && arch_time_ns() < until)
        (void)thread_sleep_until(arch_time_ns() + NS_PER_MS);
    for (u64 m = all & ~online_mask(); m; m &= m - 1)
        klog(LOG_ERR, "hart %lu did not start",
             (unsigned long)sched_cpus[__builtin_ctzl(m)]->cpu.hwid);
}
