// The watchdog: a hart that makes no progress for 10 s is reported, with its stack, by another.
// Progress is a switch of threads, or a tick that finds the hart in user mode or preemptible. Each
// busy hart is looked after by the next one, which keeps a timer for that as long as the first is
// busy; an idle machine has no such timers. The hart's own tick looks too, which is all there is on
// a machine with one.
//
// Looks are counted, not nanoseconds, so that a machine stopped from outside for a while raises no
// alarm.
#include "sched.h"
#include <sync/log.h>

enum : u64 { LOOK_NS = 2'500 * NS_PER_MS, STUCK_LOOKS = 4, SELF_TICKS = 1000 };
enum { ANSWER_MS = 100, SCAN_LINES = 24 };

static void look(struct timer *t);

void watchdog_init(struct sched_cpu *c)
{
    timer_init(&c->watch_timer, look);
}

// The next (or with `up` false, the previous) CPU that is up, around the circle.
static struct sched_cpu *neighbour(u32 index, bool up)
{
    u64 online = online_mask();
    u32 i = index;
    do {
        i = (up ? i + 1 : i - 1) % MAX_CPUS;
    } while (!(online >> i & 1));
    return sched_cpus[i];
}

static u64 progress_of(const struct sched_cpu *c)
{
    return atomic_load_explicit(&c->rq.progress, memory_order_relaxed);
}

static void announce(struct sched_cpu *c)
{
    const struct thread *t = atomic_load(&c->cpu.running);
    klog(LOG_CRIT, "hart %lu: no progress for 10 s, in thread \"%s\"", (unsigned long)c->cpu.hwid,
         t->name);
}

void watchdog_tick(struct sched_cpu *c, u64 now, bool progress)
{
    (void)now;
    u64 p = progress_of(c) + progress;
    atomic_store_explicit(&c->rq.progress, p, memory_order_relaxed);
    if (p != c->self_seen) {
        c->self_seen = p;
        c->self_ticks = 0;
    } else if (++c->self_ticks == SELF_TICKS) {
        c->self_ticks = 0;
        announce(c);
        arch_backtrace(0);
    }
    if (!single_cpu() && !atomic_load_explicit(&c->watched, memory_order_relaxed)) {
        atomic_store(&c->watched, true);
        ipi_post(neighbour(c->cpu.index, true), IPI_WATCH);
    }
}

void watchdog_watch(struct sched_cpu *c)
{
    if (timer_armed(&c->watch_timer))
        return;
    c->watch = neighbour(c->cpu.index, false);
    c->watch_seen = progress_of(c->watch);
    c->watch_stuck = 0;
    timer_arm(&c->watch_timer, arch_time_ns() + LOOK_NS);
}

void watchdog_backtrace(void)
{
    struct sched_cpu *c = this_sched_cpu();
    klog(LOG_CRIT, "hart %lu: where it is:", (unsigned long)c->cpu.hwid);
    arch_backtrace(0);
    atomic_store(&c->backtrace_done, true);
}

// What looks like return addresses on the stack of a hart that does not even take interrupts; the
// outermost first.
[[clang::no_sanitize("address", "thread")]] static void scan_stack(const struct thread *t)
{
    const u64 *top = (const u64 *)t->arch.kstack_top;
    u32 lines = 0;
    for (const u64 *p = top - sizeof(struct trapframe) / 8;
         p > top - KSTACK_SIZE / 8 && lines < SCAN_LINES; p--) {
        u64 offset;
        const char *name = ksym_lookup(*p - 1, &offset);
        if (name) {
            klog(LOG_CRIT, "  %016lx %s+0x%lx", (unsigned long)*p, name, (unsigned long)offset + 1);
            lines++;
        }
    }
}

static void report(struct sched_cpu *c)
{
    announce(c);
    atomic_store(&c->backtrace_done, false);
    ipi_post(c, IPI_BACKTRACE);
    u64 until = arch_time_ns() + ANSWER_MS * NS_PER_MS;
    while (!atomic_load(&c->backtrace_done) && arch_time_ns() < until)
        arch_relax();
    if (atomic_load(&c->backtrace_done))
        return;
    klog(LOG_CRIT, "hart %lu: takes no interrupts; on its stack, outermost first, perhaps stale:",
         (unsigned long)c->cpu.hwid);
    scan_stack(atomic_load(&c->cpu.running));
}

static void look(struct timer *t)
{
    struct sched_cpu *c = container_of(t, struct sched_cpu, watch_timer);
    struct sched_cpu *w = c->watch;
    u64 seen = progress_of(w);
    if (seen != c->watch_seen) {
        c->watch_seen = seen;
        c->watch_stuck = 0;
    } else if (atomic_load(&w->cpu.running) == w->cpu.idle) {
        atomic_store(&w->watched, false); // its next busy tick asks again
        return;
    } else if (++c->watch_stuck == STUCK_LOOKS) {
        c->watch_stuck = 0;
        report(w);
    }
    timer_arm(t, arch_time_ns() + LOOK_NS);
}
