// Timers that send signals: interval timers (getitimer(2)) and POSIX timers (timer_create(2)).
//
// Everything that changes is guarded by the lock of the task that owns the timer. A timer counts
// its task and its threads, and is itself counted: by its owner (the task's list, or its slot for
// an interval timer), by calls that use it, and by its alarm. The alarm is one thing that is at any
// time in one place: armed as a kernel timer, in that timer's handler, queued as work, or nowhere
// (`alarmed` false). Whoever takes it back with timer_cancel has it; if that fails, the work is on
// its way, finds whatever was set in between, and arms it anew. So nothing ever waits for a handler.
//
// Relies on: a kernel timer's handler does nothing with it after work_queue has it.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <device/clock.h>
#include <kerr.h>
#include <mem/slab.h>

enum time_base : u8 {
    BASE_MONOTONIC,
    BASE_REALTIME, // absolute times of the wall clock, which may be set
    BASE_CPU,
};

struct linux_timer {
    refcount_t refs;
    // --- constant ---
    struct task *task;          // owner, counted
    struct task_thread *target; // whom to signal, counted; NULL: the task
    struct task *cpu_task;      // whose time counts, counted; or
    struct task_thread *cpu_thread;
    bool user_only; // only time in user mode counts
    bool wall;      // the wall clock
    bool itimer;    // of setitimer
    bool silent;    // SIGEV_NONE: only to be looked at
    i32 signo;
    u32 id;
    u64 value;
    // --- the alarm's ---
    struct timer timer;
    struct work work;
    // --- guarded by task->lock ---
    struct list link; // linux_task.timers
    bool dead;        // deleted; only references keep it
    bool alarmed;     // see above
    bool armed;       // deadline means something
    bool posted;      // our signal was in the queue when we last looked
    enum time_base base;
    u64 deadline, interval; // in time of the base
    u64 owed;               // expirations that no signal stands for yet
    u64 gap;                // least wait for the next look, while signals are not taken
    u64 cpu_seen, cpu_wait; // last reading of a CPU clock; least wait for the next
    u32 overrun;            // of the signal posted last
    u32 last_overrun;       // of the signal taken last
};
DEFINE_SLAB(timer_slab, struct linux_timer);

enum : u64 {
    NS_PER_USEC = 1000,
    NS_PER_MSEC = 1'000'000,
    REALTIME_LOOK = NS_PER_SEC, // how late we may notice that the wall clock was set forward
    GAP_MIN = 50 * NS_PER_USEC, // between signals of one timer, however short its interval
    GAP_MAX = 2 * NS_PER_MSEC,  // between looks whether a pending signal was taken
    RETRY = 10 * NS_PER_MSEC,   // when the signal queue is full
    CPU_LOOK_MIN = NS_PER_MSEC,
    CPU_LOOK_MAX = 16 * NS_PER_MSEC, // when the clock stands still
    FOREVER = INT64_MAX,
};

static u64 add_ns(u64 a, u64 b)
{
    u64 r;
    return __builtin_add_overflow(a, b, &r) ? FOREVER : MIN(r, (u64)FOREVER);
}

static u64 to_ns(i64 sec, i64 nsec)
{
    u64 ns;
    return __builtin_mul_overflow((u64)sec, NS_PER_SEC, &ns) ? FOREVER : add_ns(ns, (u64)nsec);
}

static void timer_fired(struct timer *timer)
{
    work_queue(&container_of(timer, struct linux_timer, timer)->work);
}

static void timer_look(struct work *work);

// A timer of the current task, owned by the caller. NULL: no memory.
static struct linux_timer *timer_new(void)
{
    struct linux_timer *tm = slab_def_alloc(&timer_slab, ALLOC_ZERO);
    if (!tm)
        return NULL;
    refcount_set(&tm->refs, 1);
    tm->task = current_task();
    task_get(tm->task);
    timer_init(&tm->timer, timer_fired);
    work_init(&tm->work, timer_look);
    list_init(&tm->link);
    return tm;
}

// No lock held: the last one frees.
static void timer_put(struct linux_timer *tm)
{
    if (!refcount_dec_and_test(&tm->refs))
        return;
    if (tm->target)
        task_thread_put(tm->target);
    if (tm->cpu_thread)
        task_thread_put(tm->cpu_thread);
    if (tm->cpu_task)
        task_put(tm->cpu_task);
    task_put(tm->task);
    slab_def_free(&timer_slab, tm);
}

// --- clocks ---

static bool on_cpu_time(const struct linux_timer *tm)
{
    return tm->cpu_task || tm->cpu_thread;
}

struct cpu_reading {
    u64 ns;
    bool stopped; // whose time it is has ended
};

// CPU time, for timers that need it. No task lock held.
static struct cpu_reading cpu_read(struct linux_timer *tm)
{
    struct usage u;
    bool stopped;
    if (!on_cpu_time(tm))
        return (struct cpu_reading){0};
    struct task *t = tm->cpu_task ? tm->cpu_task : tm->cpu_thread->task;
    spin_lock(&t->lock);
    stopped = tm->cpu_task ? !t->thread_count : !tm->cpu_thread->abi_state;
    spin_unlock(&t->lock);
    if (tm->cpu_task)
        task_usage(tm->cpu_task, &u);
    else
        task_thread_usage(tm->cpu_thread, &u);
    return (struct cpu_reading){tm->user_only ? u.utime_ns : u.utime_ns + u.stime_ns, stopped};
}

static u64 base_now(const struct linux_timer *tm, const struct cpu_reading *cpu)
{
    if (tm->base == BASE_CPU)
        return cpu->ns;
    if (tm->base == BASE_MONOTONIC)
        return arch_time_ns();
    i64 wall = clock_realtime_ns();
    return wall > 0 ? (u64)wall : 0;
}

// --- posting (task->lock held) ---

static struct sig_pending *queue_of(struct linux_timer *tm)
{
    if (!tm->target)
        return &linux_task(tm->task)->shared;
    struct linux_thread *lt = linux_thread(tm->target);
    return lt ? &lt->pending : NULL;
}

// The signal of ours that nobody has taken yet.
static struct sig_queued *find_posted(struct linux_timer *tm)
{
    struct sig_pending *p = queue_of(tm);
    struct sig_queued *q;
    if (!p || !(p->set & sig_bit(tm->signo)))
        return NULL;
    list_for_each_entry(q, &p->queue, link) {
        if (q->info.signo == tm->signo && q->info.code == SI_TIMER && q->info.timer_id == tm->id &&
            q->info.value == tm->value)
            return q;
    }
    return NULL;
}

static u32 clamp_overrun(u64 n) // DELAYTIMER_MAX
{
    return (u32)MIN(n, (u64)INT32_MAX);
}

// Notices that our signal was taken.
static struct sig_queued *settle(struct linux_timer *tm)
{
    struct sig_queued *q = tm->posted ? find_posted(tm) : NULL;
    if (tm->posted && !q) {
        tm->posted = false;
        tm->last_overrun = tm->overrun;
    }
    return q;
}

static bool can_post(const struct linux_timer *tm)
{
    struct task *t = tm->task;
    return t->abi == &linux_abi && t->thread_count && !t->exiting &&
           (!tm->target || linux_thread(tm->target));
}

// Sends what is owed. True: as a signal of its own; false: it went into one that is pending
// already, nobody wants it, or it must wait (then it is still owed).
static bool post(struct linux_timer *tm)
{
    if (!can_post(tm)) {
        tm->owed = 0;
        return false;
    }
    if (tm->itimer) { // they carry no count
        const u64 *set = &linux_task(tm->task)->shared.set, bit = sig_bit(tm->signo);
        bool before = *set & bit;
        struct sig_info info = {.signo = tm->signo, .code = SI_KERNEL};
        (void)sig_queue(tm->task, NULL, &info); // fails only for queued values
        tm->owed = 0;
        return !before && *set & bit;
    }
    struct sig_queued *q = settle(tm);
    if (q) {
        tm->overrun = clamp_overrun(tm->overrun + tm->owed);
        q->info.overrun = tm->overrun;
        tm->owed = 0;
        return false;
    }
    u32 overrun = clamp_overrun(tm->owed - 1);
    struct sig_info info = {.signo = tm->signo,
                            .code = SI_TIMER,
                            .value = tm->value,
                            .timer_id = tm->id,
                            .overrun = overrun};
    if (sig_queue(tm->task, tm->target, &info))
        return false;
    tm->owed = 0;
    tm->posted = find_posted(tm) != NULL; // not if ignored, or the number alone was recorded
    if (tm->posted)
        tm->overrun = overrun;
    return tm->posted;
}

// --- the alarm (task->lock held) ---

// The alarm is ours and set nowhere: sets it for the next look.
static void alarm_arm(struct linux_timer *tm, u64 now)
{
    u64 mono = arch_time_ns(), at = mono;
    u64 left = tm->deadline > now ? tm->deadline - now : 0;
    if (tm->owed) {
        at = mono + RETRY;
    } else {
        switch (tm->base) {
        case BASE_MONOTONIC:
            at = tm->deadline;
            break;
        case BASE_REALTIME:
            at = mono + MIN(left, (u64)REALTIME_LOOK);
            break;
        case BASE_CPU: // at the earliest when every CPU works for it
            at = left ? add_ns(mono, MAX(left / cpu_count(), tm->cpu_wait)) : mono;
            break;
        }
        at = MAX(at, mono + tm->gap);
    }
    timer_arm(&tm->timer, at);
}

// Takes the alarm back if it is not on its way already. The caller holds another reference.
static void alarm_cancel(struct linux_timer *tm)
{
    if (tm->alarmed && timer_cancel(&tm->timer)) {
        tm->alarmed = false;
        (void)!refcount_dec_and_test(&tm->refs);
    }
}

// Counts the expirations up to now and sends them.
static void expire(struct linux_timer *tm, u64 now)
{
    u64 n = 1;
    if (tm->interval) {
        n += (now - tm->deadline) / tm->interval;
        tm->deadline = add_ns(tm->deadline, n * tm->interval);
    } else {
        tm->armed = false;
    }
    tm->owed += n;
}

static void timer_look(struct work *work)
{
    struct linux_timer *tm = container_of(work, struct linux_timer, work);
    struct task *t = tm->task;
    struct cpu_reading cpu = cpu_read(tm);
    spin_lock(&t->lock);
    u64 now = base_now(tm, &cpu);
    if (!tm->dead) {
        if (tm->base == BASE_CPU) {
            bool idle = now == tm->cpu_seen;
            tm->cpu_wait = idle ? MIN(tm->cpu_wait * 2, (u64)CPU_LOOK_MAX) : (u64)CPU_LOOK_MIN;
            tm->cpu_seen = now;
        }
        if (tm->armed && now >= tm->deadline)
            expire(tm, now);
        if (tm->owed)
            tm->gap = post(tm) ? GAP_MIN : MIN(MAX(tm->gap * 2, (u64)GAP_MIN), (u64)GAP_MAX);
    }
    bool again = !tm->dead && ((tm->armed && !cpu.stopped) || tm->owed);
    if (again)
        alarm_arm(tm, now);
    else
        tm->alarmed = false;
    spin_unlock(&t->lock);
    if (!again)
        timer_put(tm);
}

// Deletes; the caller drops the owner's reference when it has let go of the lock.
static void timer_kill(struct linux_timer *tm)
{
    tm->dead = true;
    tm->armed = false;
    tm->owed = 0;
    alarm_cancel(tm);
}

// --- setting and reading (task->lock held) ---

struct setting {
    u64 value, interval; // ns; value 0: disarmed
};

static void timer_set(struct linux_timer *tm, const struct setting *s, bool absolute,
                      const struct cpu_reading *cpu)
{
    alarm_cancel(tm);
    tm->base = on_cpu_time(tm)          ? BASE_CPU
               : tm->wall && absolute ? BASE_REALTIME
                                      : BASE_MONOTONIC;
    u64 now = base_now(tm, cpu);
    tm->armed = s->value != 0;
    tm->deadline = absolute ? s->value : add_ns(now, s->value);
    tm->interval = tm->armed ? s->interval : 0;
    tm->owed = tm->gap = 0;
    tm->cpu_seen = cpu->ns;
    tm->cpu_wait = CPU_LOOK_MIN;
    tm->last_overrun = 0;
    if (!tm->armed || tm->silent || tm->alarmed || cpu->stopped)
        return;
    tm->alarmed = true;
    refcount_inc(&tm->refs);
    alarm_arm(tm, now);
}

static struct setting timer_read(const struct linux_timer *tm, const struct cpu_reading *cpu)
{
    if (!tm->armed)
        return (struct setting){0};
    u64 now = base_now(tm, cpu);
    struct setting s = {.interval = tm->interval};
    if (tm->deadline > now)
        s.value = tm->deadline - now;
    else if (tm->interval)
        s.value = tm->interval - (now - tm->deadline) % tm->interval;
    else
        s.value = tm->silent ? 0 : 1; // expired, but the signal is still to come
    return s;
}

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
        struct cpu_reading cpu = cpu_read(tm);
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
        next.value = to_ns(v->tv_sec, v->tv_usec * (i64)NS_PER_USEC);
        next.interval = to_ns(i->tv_sec, i->tv_usec * (i64)NS_PER_USEC);
    }
    struct linux_timer *tm = itimer_get(which);
    if (!tm && next.value) {
        tm = itimer_make(which);
        if (!tm)
            return -E_NOMEM;
    }
    if (tm) {
        struct cpu_reading cpu = cpu_read(tm);
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
    list_for_each_entry(tm, &lt->timers, link)
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
    u32 kind = clock & 3, id = ~(u32)(clock >> 3);
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
    return on_cpu_time(tm) ? 0 : -E_INVAL;
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
    struct cpu_reading cpu = cpu_read(tm);
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
    struct setting next = {to_ns(v->tv_sec, v->tv_nsec), to_ns(i->tv_sec, i->tv_nsec)};
    struct setting before = {0};
    struct linux_timer *tm = timer_get(id);
    if (!tm)
        return -E_INVAL;
    struct cpu_reading cpu = cpu_read(tm);
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
    if (tm) {
        (void)settle(tm);
        n = tm->last_overrun;
    }
    spin_unlock(&t->lock);
    return n;
}

// --- the end ---

void linux_timers_drop(struct task *t, bool keep_itimers)
{
    struct linux_task *lt = linux_task(t);
    struct linux_timer *itimers[LINUX_TASK_ITIMERS] = {0}, *tm;
    struct list gone = LIST_INIT(gone);
    if (!lt)
        return;
    spin_lock(&t->lock);
    list_splice_tail(&gone, &lt->timers);
    lt->timer_count = 0;
    lt->next_timer_id = 0;
    list_for_each_entry(tm, &gone, link)
        timer_kill(tm);
    for (u32 i = 0; i < LINUX_TASK_ITIMERS && !keep_itimers; i++) {
        itimers[i] = lt->itimers[i];
        lt->itimers[i] = NULL;
        if (itimers[i])
            timer_kill(itimers[i]);
    }
    spin_unlock(&t->lock);
    for (struct list *l; (l = list_pop(&gone));)
        timer_put(list_entry(l, struct linux_timer, link));
    for (u32 i = 0; i < LINUX_TASK_ITIMERS; i++)
        if (itimers[i])
            timer_put(itimers[i]);
}
