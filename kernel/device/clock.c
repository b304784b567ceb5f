// Wall-clock time: an offset to the monotonic clock.
//
// Guarded by clock_lock for setting; readers use the one atomic word. Relies on arch_time_ns being
// the same on all CPUs.
#include <arch/time.h>
#include <device/clock.h>
#include <device/clock_page.h>
#include <kerr.h>
#include <sched/wait.h>
#include <sync/atomic.h>
#include <sync/lock_order.h>

static struct spinlock clock_lock = SPINLOCK_INIT(&lock_class_device);
static _Atomic i64 offset_ns;
static _Atomic u32 generation;
static struct waitqueue settings = WAITQUEUE_INIT(settings); // woken after each one;

i64 clock_realtime_ns(void)
{
    return (i64)arch_time_ns() + atomic_load_explicit(&offset_ns, memory_order_relaxed);
}

void clock_realtime(struct timestamp *out)
{
    i64 now = clock_realtime_ns();
    // The clock may be set before 1970; nanoseconds count upwards all the same.
    i64 sec = now / (i64)NS_PER_SEC, rest = now % (i64)NS_PER_SEC;
    if (rest < 0) {
        sec--;
        rest += (i64)NS_PER_SEC;
    }
    *out = (struct timestamp){sec, (u32)rest};
}

void clock_set_realtime_ns(i64 ns)
{
    spin_lock(&clock_lock);
    atomic_store_explicit(&offset_ns, ns - (i64)arch_time_ns(), memory_order_relaxed);
    atomic_fetch_add_explicit(&generation, 1, memory_order_release);
    spin_unlock(&clock_lock);
    wake_all(&settings, 0);
    clock_page_update();
}

int clock_sleep_realtime(i64 ns)
{
    for (;;) {
        u32 before;
        i64 at;
        if (__builtin_sub_overflow(ns, clock_realtime_offset(&before), &at))
            at = ns < 0 ? 0 : INT64_MAX;
        if (at <= (i64)arch_time_ns())
            return 0;
        int err = wait_event_deadline(&settings, generation != before, (u64)at);
        if (err && err != -E_TIMEDOUT)
            return err;
    }
}

void clock_set_realtime(const struct timestamp *t)
{
    clock_set_realtime_ns(t->sec * (i64)NS_PER_SEC + t->nsec);
}

i64 clock_realtime_offset(u32 *gen)
{
    u32 before = atomic_load_explicit(&generation, memory_order_acquire);
    i64 offset = atomic_load_explicit(&offset_ns, memory_order_relaxed);
    if (gen)
        *gen = before;
    return offset;
}
