// Calls for timers: interval timers (getitimer(2)) and POSIX timers (timer_create(2)).
//
// The task's slots and list of timers are guarded by task->lock. A timer found there is used under
// a reference of the call's own, since another thread may delete it meanwhile (then it is `dead`).
#include "linux_consts.h"
#include "linux_handlers.h"
#include "timer.h"
#include <kerr.h>

enum : u64 { NS_PER_USEC = 1000 };

// --- interval timers ---

static struct linux_timer **itimer_slot(i32 which)
{
    return &linux_task(current_task())->itimers[which];
}

// The timer, with a reference for the caller; NULL if none was ever set.
static struct linux_timer *itimer_get(i32 which)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    struct linux_timer *tm = *itimer_slot(which);
    if (tm)
        refcount_inc(&tm->refs);
    spin_unlock(&t->lock);
    return tm;
}

// The same; makes it. NULL: no memory.
static struct linux_timer *itimer_make(i32 which)
{
    static const u8 signals[LINUX_TASK_ITIMERS] = {
        [LINUX_ITIMER_REAL] = SIG_ALRM,
        [LINUX_ITIMER_VIRTUAL] = SIG_VTALRM,
        [LINUX_ITIMER_PROF] = SIG_PROF,
    };
    struct task *t = current_task();
    struct linux_timer *fresh = timer_new();
    if (!fresh)
        return NULL;
    fresh->itimer = true;
    fresh->signo = signals[which];
    fresh->user_only = which == LINUX_ITIMER_VIRTUAL;
    if (which != LINUX_ITIMER_REAL) {
        fresh->cpu_task = t;
        task_get(t);
    }
    spin_lock(&t->lock);
    struct linux_timer **slot = itimer_slot(which), *tm = *slot;
    if (!tm) {
        tm = *slot = fresh;
        fresh = NULL;
    }
    refcount_inc(&tm->refs);
    spin_unlock(&t->lock);
    if (fresh) // another thread was first
        timer_put(fresh);
    return tm;
}

static struct linux_timeval as_timeval(u64 ns)
{
    return (struct linux_timeval){.tv_sec = (i64)(ns / NS_PER_SEC),
                                  .tv_usec = (i64)(ns % NS_PER_SEC / NS_PER_USEC)};
}

static void itimer_store(const struct setting *s, struct linux_itimerval *out)
{
    // An armed timer never reads as zero.
    out->it_value = as_timeval(s->value ? MAX(s->value, (u64)NS_PER_USEC) : 0);
    out->it_interval = as_timeval(s->interval);
}

i64 linux_getitimer(i32 which, struct linux_itimerval *value)
{
    struct setting now = {0};
    struct linux_timer *tm = itimer_get(which);
    if (tm) {
        struct cpu_reading cpu = timer_cpu_read(tm);
        spin_lock(&tm->task->lock);
        now = timer_read(tm, &cpu);
        spin_unlock(&tm->task->lock);
        timer_put(tm);
    }
    itimer_store(&now, value);
    return 0;
}

static bool valid_timeval(const struct linux_timeval *tv)
{
    return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1'000'000;
}

i64 linux_setitimer(i32 which, const struct linux_itimerval *value, struct linux_itimerval *old)
{
    struct setting next = {0}, before = {0};
    if (value) {
        const struct linux_timeval *v = &value->it_value, *i = &value->it_interval;
        if (!valid_timeval(v) || !valid_timeval(i))
            return -E_INVAL;
        next.value = timer_to_ns(v->tv_sec, v->tv_usec * (i64)NS_PER_USEC);
        next.interval = timer_to_ns(i->tv_sec, i->tv_usec * (i64)NS_PER_USEC);
    }
    struct linux_timer *tm = itimer_get(which);
    if (!tm && next.value) {
        tm = itimer_make(which);
        if (!tm)
            return -E_NOMEM;
    }
    if (tm) {
        struct cpu_reading cpu = timer_cpu_read(tm);
        spin_lock(&tm->task->lock);
        before = timer_read(tm, &cpu);
        timer_set(tm, &next, false, &cpu);
        spin_unlock(&tm->task->lock);
        timer_put(tm);
    }
    if (old)
        itimer_store(&before, old);
    return 0;
}

// --- POSIX timers ---

static struct linux_timer *list_find(struct linux_task *lt, u32 id) // task->lock held
{
    struct linux_timer *tm;
    list_for_each_entry (tm, &lt->timers, link)
        if (tm->id == id)
            return tm;
    return NULL;
}

// With a reference for the caller; NULL: no such timer.
static struct linux_timer *timer_get(i32 id)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    struct linux_timer *tm = list_find(linux_task(t), (u32)id);
    if (tm)
        refcount_inc(&tm->refs);
    spin_unlock(&t->lock);
    return tm;
}

// A thread of the current task, counted; tid 0: the current one. NULL: none.
static struct task_thread *own_thread(u32 tid)
{
    struct task_thread *tt = tid ? task_find_thread(tid) : current_task_thread();
    if (!tt)
        return NULL;
    if (!tid)
        task_thread_get(tt);
    if (tt->task == current_task())
        return tt;
    task_thread_put(tt);
    return NULL;
}

// Negative clock ids name a process or thread: ~id << 3 | per-thread << 2 | kind, kind 0 all CPU
// time, 1 user time, 2 scheduled time (clock_getcpuclockid(3); Linux include/linux/posix-timers.h).
// With the low three bits 3 they name a clock behind a handle instead.
static int use_cpu_clock(struct linux_timer *tm, i32 clock)
{
    if ((clock & 7) == 3)
        return -E_OPNOTSUPP;
    u32 kind = clock & 3, id = ~(u32)clock >> 3;
    if (kind == 3)
        return -E_INVAL;
    tm->user_only = kind == 1;
    if (clock & 4) {
        tm->cpu_thread = own_thread(id);
    } else if (id) {
        tm->cpu_task = task_find(id);
    } else {
        tm->cpu_task = current_task();
        task_get(tm->cpu_task);
    }
    return timer_on_cpu_time(tm) ? 0 : -E_INVAL;
}

static int use_clock(struct linux_timer *tm, i32 clock)
{
    switch (clock) {
    case LINUX_CLOCK_REALTIME:
    case LINUX_CLOCK_TAI:
        tm->wall = true;
        return 0;
    case LINUX_CLOCK_MONOTONIC:
    case LINUX_CLOCK_BOOTTIME:
        return 0;
    case LINUX_CLOCK_PROCESS_CPUTIME_ID:
        tm->cpu_task = current_task();
        task_get(tm->cpu_task);
        return 0;
    case LINUX_CLOCK_THREAD_CPUTIME_ID:
        tm->cpu_thread = own_thread(0);
        return 0;
    case LINUX_CLOCK_MONOTONIC_RAW:
    case LINUX_CLOCK_REALTIME_COARSE:
    case LINUX_CLOCK_MONOTONIC_COARSE:
    case LINUX_CLOCK_REALTIME_ALARM:
    case LINUX_CLOCK_BOOTTIME_ALARM:
        return -E_OPNOTSUPP;
    default:
        return clock < 0 ? use_cpu_clock(tm, clock) : -E_INVAL;
    }
}

static int use_event(struct linux_timer *tm, const struct linux_sigevent *event)
{
    if (!event) {
        tm->signo = SIG_ALRM; // the value is the id
        return 0;
    }
    tm->signo = event->sigev_signo;
    tm->value = event->sigev_value.sival_ptr.v;
    switch (event->sigev_notify) {
    case LINUX_SIGEV_NONE:
        tm->silent = true;
        return 0;
    case LINUX_SIGEV_THREAD_ID:
        if (event->sigev_notify_thread_id > 0)
            tm->target = own_thread((u32)event->sigev_notify_thread_id);
        if (!tm->target)
            return -E_INVAL;
        break;
    case LINUX_SIGEV_SIGNAL:
    case LINUX_SIGEV_THREAD: // the C library's matter; here the same
        break;
    default:
        return -E_INVAL;
    }
    return tm->signo >= 1 && tm->signo <= SIG_MAX ? 0 : -E_INVAL;
}

// Gives it a number and puts it on the task's list. Each may have a signal pending some day, so
// they count for the same limit.
static int enlist(struct linux_timer *tm, bool value_is_id)
{
    struct task *t = tm->task;
    struct linux_task *lt = linux_task(t);
    int err = -E_AGAIN;
    spin_lock(&t->lock);
    if ((u64)lt->timer_count + lt->queued < t->limits[LIMIT_SIGPENDING].soft) {
        do {
            tm->id = lt->next_timer_id;
            lt->next_timer_id = (tm->id + 1) & INT32_MAX;
        } while (list_find(lt, tm->id));
        if (value_is_id)
            tm->value = tm->id;
        list_add_tail(&lt->timers, &tm->link);
        lt->timer_count++;
        err = 0;
    }
    spin_unlock(&t->lock);
    return err;
}

i64 linux_timer_create(i32 clock, const struct linux_sigevent *event, i32 *id)
{
    struct linux_timer *tm = timer_new();
    if (!tm)
        return -E_NOMEM;
    int err = use_clock(tm, clock);
    if (!err)
        err = use_event(tm, event);
    if (!err) {
        refcount_inc(&tm->refs); // listed, another thread may delete it
        err = enlist(tm, !event);
        if (!err)
            *id = (i32)tm->id;
        else
            timer_put(tm);
    }
    timer_put(tm);
    return err;
}

i64 linux_timer_delete(i32 id)
{
    struct task *t = current_task();
    struct linux_task *lt = linux_task(t);
    spin_lock(&t->lock);
    struct linux_timer *tm = list_find(lt, (u32)id);
    if (tm) {
        list_del(&tm->link);
        lt->timer_count--;
        timer_kill(tm);
    }
    spin_unlock(&t->lock);
    if (!tm)
        return -E_INVAL;
    timer_put(tm);
    return 0;
}

void linux_timer_create_undo(i32 clock, const struct linux_sigevent *event, i32 *id)
{
    (void)clock;
    (void)event;
    (void)!linux_timer_delete(*id);
}

static struct linux_timespec as_timespec(u64 ns)
{
    return (struct linux_timespec){.tv_sec = (i64)(ns / NS_PER_SEC),
                                   .tv_nsec = (i64)(ns % NS_PER_SEC)};
}

static void timer_store(const struct setting *s, struct linux_itimerspec *out)
{
    out->it_value = as_timespec(s->value);
    out->it_interval = as_timespec(s->interval);
}

i64 linux_timer_gettime(i32 id, struct linux_itimerspec *current)
{
    struct linux_timer *tm = timer_get(id);
    if (!tm)
        return -E_INVAL;
    struct cpu_reading cpu = timer_cpu_read(tm);
    spin_lock(&tm->task->lock);
    struct setting now = timer_read(tm, &cpu);
    bool dead = tm->dead;
    spin_unlock(&tm->task->lock);
    timer_put(tm);
    timer_store(&now, current);
    return dead ? -E_INVAL : 0;
}

static bool valid_timespec(const struct linux_timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < (i64)NS_PER_SEC;
}

i64 linux_timer_settime(i32 id, u32 flags, const struct linux_itimerspec *new,
                        struct linux_itimerspec *old)
{
    const struct linux_timespec *v = &new->it_value, *i = &new->it_interval;
    if (!valid_timespec(v) || !valid_timespec(i))
        return -E_INVAL;
    struct setting next = {timer_to_ns(v->tv_sec, v->tv_nsec), timer_to_ns(i->tv_sec, i->tv_nsec)};
    struct setting before = {0};
    struct linux_timer *tm = timer_get(id);
    if (!tm)
        return -E_INVAL;
    struct cpu_reading cpu = timer_cpu_read(tm);
    spin_lock(&tm->task->lock);
    bool dead = tm->dead;
    if (!dead) {
        before = timer_read(tm, &cpu);
        timer_set(tm, &next, flags & LINUX_TIMER_ABSTIME, &cpu);
    }
    spin_unlock(&tm->task->lock);
    timer_put(tm);
    if (old)
        timer_store(&before, old);
    return dead ? -E_INVAL : 0;
}

i64 linux_timer_getoverrun(i32 id)
{
    struct task *t = current_task();
    i64 n = -E_INVAL;
    spin_lock(&t->lock);
    struct linux_timer *tm = list_find(linux_task(t), (u32)id);
    if (tm)
        n = timer_last_overrun(tm);
    spin_unlock(&t->lock);
    return n;
}
