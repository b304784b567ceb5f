// cpuinfo, stat, interrupts, uptime, loadavg: what the CPUs are and do.
#include "procfs.h"
#include <device/clock.h>
#include <device/fdt.h>
#include <device/irq.h>
#include <kerr.h>
#include <mem/slab.h>

static const struct boot_cpu *boot_cpu_of(u32 cpu)
{
    for (u32 i = 0; i < boot_info.cpu_count; i++)
        if (boot_info.cpus[i].hwid == arch_cpu_hwid(cpu))
            return &boot_info.cpus[i];
    return NULL;
}

int show_cpuinfo(struct text *t, const struct proc_who *w)
{
    (void)w;
    enum { ROOM = 8192 };
    char *lines = kmalloc(ROOM, 0);
    if (!lines)
        return -E_NOMEM;
    for_each_cpu (c) {
        const struct boot_cpu *b = boot_cpu_of(c);
        if (!(cpu_online_mask() >> c & 1))
            continue;
        usize n = arch_cpu_describe(c, b && b->isa[0] ? b->isa : NULL, lines, ROOM);
        text_printf(t, "processor\t: %u\n", c);
        text_put(t, lines, n);
        text_puts(t, "\n");
    }
    kfree(lines);
    return 0;
}

struct cpu_times {
    u64 user, system, idle, irq;
};

static struct cpu_times times_of(u32 c)
{
    struct cpu *p = cpu_get(c);
    struct cpu_times t = {.user = atomic_load_explicit(&p->user_ns, memory_order_relaxed),
                          .system = atomic_load_explicit(&p->system_ns, memory_order_relaxed),
                          .idle = atomic_load_explicit(&p->idle_ns, memory_order_relaxed),
                          .irq = atomic_load_explicit(&p->irq_ns, memory_order_relaxed)};
    // An idle CPU accounts when it wakes up; what is open belongs to it.
    u64 all = arch_time_ns() - p->stat_since, known = t.user + t.system + t.idle;
    if (cpu_online_mask() >> c & 1 && all > known &&
        atomic_load_explicit(&p->running, memory_order_relaxed) == p->idle)
        t.idle += all - known;
    return t;
}

static void put_times(struct text *t, const struct cpu_times *c)
{
    text_printf(t, " %llu 0 %llu %llu 0 %llu 0 0 0 0\n", (unsigned long long)ticks_of_ns(c->user),
                (unsigned long long)ticks_of_ns(c->system),
                (unsigned long long)ticks_of_ns(c->idle), (unsigned long long)ticks_of_ns(c->irq));
}

static u64 irqs_of_line(u32 irq, const char **name)
{
    u64 sum = 0;
    *name = NULL;
    for_each_cpu (c) {
        u64 n = 0;
        *name = irq_stat(irq, c, &n);
        sum += n;
    }
    return sum;
}

static u64 irqs_of_cpus(void)
{
    u64 sum = 0;
    for_each_cpu (c)
        sum += atomic_load_explicit(&cpu_get(c)->irqs, memory_order_relaxed);
    return sum;
}

int show_machine_stat(struct text *t, const struct proc_who *w)
{
    struct sched_stats s;
    struct cpu_times sum = {0};
    const char *name;
    (void)w;
    sched_stats(&s);
    for_each_cpu (c) {
        struct cpu_times one = times_of(c);
        sum.user += one.user;
        sum.system += one.system;
        sum.idle += one.idle;
        sum.irq += one.irq;
    }
    text_puts(t, "cpu ");
    put_times(t, &sum);
    for_each_cpu (c) {
        if (!(cpu_online_mask() >> c & 1))
            continue;
        struct cpu_times one = times_of(c);
        text_printf(t, "cpu%u", c);
        put_times(t, &one);
    }
    u64 all = irqs_of_cpus();
    for (u32 i = 1; i < irq_count(); i++)
        all += irqs_of_line(i, &name);
    text_printf(t, "intr %llu", (unsigned long long)all);
    for (u32 i = 0; i < irq_count(); i++)
        text_printf(t, " %llu", (unsigned long long)(i ? irqs_of_line(i, &name) : 0));
    i64 boot = clock_realtime_offset(NULL);
    text_printf(t,
                "\nctxt %llu\nbtime %lld\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n"
                "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
                (unsigned long long)s.switches, (long long)(boot / (i64)NS_PER_SEC),
                (unsigned long long)s.forks, s.running);
    return 0;
}

int show_interrupts(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "           ");
    for_each_cpu (c)
        text_printf(t, "CPU%-8u", c);
    text_puts(t, "\n");
    for (u32 i = 1; i < irq_count(); i++) {
        const char *name;
        (void)irqs_of_line(i, &name);
        if (!name)
            continue;
        text_printf(t, "%3u:", i);
        for_each_cpu (c) {
            u64 n = 0;
            (void)irq_stat(i, c, &n);
            text_printf(t, " %10llu", (unsigned long long)n);
        }
        text_printf(t, "  SiFive PLIC %3u Level     %s\n", i, name);
    }
    text_puts(t, "CPU:");
    for_each_cpu (c)
        text_printf(
            t, " %10llu",
            (unsigned long long)atomic_load_explicit(&cpu_get(c)->irqs, memory_order_relaxed));
    text_puts(t, "  Timer and inter-processor interrupts\n");
    return 0;
}

static void put_seconds(struct text *t, u64 ns, const char *end)
{
    text_printf(t, "%llu.%02llu%s", (unsigned long long)(ns / NS_PER_SEC),
                (unsigned long long)(ns % NS_PER_SEC / 10'000'000), end);
}

int show_uptime(struct text *t, const struct proc_who *w)
{
    u64 idle = 0;
    (void)w;
    for_each_cpu (c)
        idle += times_of(c).idle;
    put_seconds(t, arch_time_ns(), " ");
    put_seconds(t, idle, "\n");
    return 0;
}

int show_loadavg(struct text *t, const struct proc_who *w)
{
    struct sched_stats s;
    (void)w;
    sched_stats(&s);
    for (u32 i = 0; i < 3; i++) {
        u64 v = s.load[i] + 2048 / 200; // rounded to hundredths
        text_printf(t, "%llu.%02llu ", (unsigned long long)(v >> 11),
                    (unsigned long long)((v & 2047) * 100 >> 11));
    }
    text_printf(t, "%u/%u %u\n", s.running, s.threads, task_last_pid());
    return 0;
}
