// Timers that are read: timerfd on the kernel's timer objects. No state. Facts: timerfd_create(2),
// Linux 6.12 fs/timerfd.c. Timers on the wall clock are converted when they are set.
#include "fd.h"
#include "linux.h"
#include "path.h"
#include <arch/time.h>
#include <device/clock.h>
#include <ipc/counter.h>

static u64 saturated_ns(const struct linux_timespec *t)
{
    u64 ns;
    if (__builtin_mul_overflow((u64)t->tv_sec, NS_PER_SEC, &ns) ||
        __builtin_add_overflow(ns, (u64)t->tv_nsec, &ns) || ns > (u64)INT64_MAX)
        return (u64)INT64_MAX;
    return ns;
}

static struct linux_timespec as_timespec(u64 ns)
{
    return (struct linux_timespec){.tv_sec = (i64)(ns / NS_PER_SEC),
                                   .tv_nsec = (i64)(ns % NS_PER_SEC)};
}

static void encode(const struct timer_setting *s, struct linux_itimerspec *out)
{
    out->it_value = as_timespec(s->value_ns);
    out->it_interval = as_timespec(s->interval_ns);
}

i64 linux_timerfd_create(i32 clock, u32 flags)
{
    struct object *o;
    int err = timer_object_create((u32)clock, flags & LINUX_TFD_NONBLOCK ? OBJ_NONBLOCK : 0, &o);
    return err ? err : fd_install(o, RIGHT_READ | RIGHT_WRITE, flags & LINUX_TFD_CLOEXEC);
}

// Absolute monotonic time of the first firing; never 0, which would disarm.
static u64 first_firing(struct object *o, u32 flags, const struct linux_timespec *value)
{
    u64 ns = saturated_ns(value);
    if (!(flags & LINUX_TFD_TIMER_ABSTIME))
        return deadline_after(ns / NS_PER_SEC, ns % NS_PER_SEC);
    if (timer_object_clock(o) == LINUX_CLOCK_REALTIME) {
        i64 at, off = clock_realtime_offset(NULL);
        if (__builtin_sub_overflow((i64)ns, off, &at))
            at = off > 0 ? 1 : INT64_MAX;
        return at > 0 ? (u64)at : 1;
    }
    return ns ? ns : 1;
}

i64 linux_timerfd_settime(struct href *fd, u32 flags, const struct linux_itimerspec *new,
                          struct linux_itimerspec *old)
{
    if (!object_is_timer(fd->object))
        return -E_INVAL;
    struct timer_setting before;
    bool armed = new->it_value.tv_sec || new->it_value.tv_nsec;
    timer_object_set(fd->object, armed ? first_firing(fd->object, flags, &new->it_value) : 0,
                     saturated_ns(&new->it_interval), &before);
    if (old)
        encode(&before, old);
    return 0;
}

i64 linux_timerfd_gettime(struct href *fd, struct linux_itimerspec *current)
{
    struct timer_setting s;
    if (!object_is_timer(fd->object))
        return -E_INVAL;
    timer_object_get(fd->object, &s);
    encode(&s, current);
    return 0;
}
