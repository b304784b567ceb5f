// Timers that send signals: when they are due and what they post. The calls are in timercalls.c.
//
// Everything that changes is guarded by the lock of the task that owns the timer. A timer counts
// its task and its threads, and is itself counted: by its owner (the task's list, or its slot for
// an interval timer), by calls that use it, and by its alarm. The alarm is one thing that is at any
// time in one place: armed as a kernel timer, in that timer's handler, queued as work, or nowhere
// (`alarmed` false). Whoever takes it back with timer_cancel has it; if that fails, the work is on
// its way, finds whatever was set in between, and arms it anew. So nothing ever waits for a
// handler.
//
// Relies on: a kernel timer's handler does nothing with it after work_queue has it.
#include "timer.h"
#include <device/clock.h>
#include <kerr.h>
#include <mem/slab.h>

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

u64 timer_to_ns(i64 sec, i64 nsec)
{
    u64 ns;
    return __builtin_mul_overflow((u64)sec, NS_PER_SEC, &ns) ? FOREVER : add_ns(ns, (u64)nsec);
}

static void timer_fired(struct timer *timer)
{
    work_queue(&container_of(timer, struct linux_timer, timer)->work);
}

static void timer_look(struct work *work);

struct linux_timer *timer_new(void)
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

void timer_put(struct linux_timer *tm)
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

bool timer_on_cpu_time(const struct linux_timer *tm)
{
    return tm->cpu_task || tm->cpu_thread;
}

struct cpu_reading timer_cpu_read(struct linux_timer *tm)
{
    struct usage u;
    bool stopped;
    if (!timer_on_cpu_time(tm))
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
    if (!p || !sig_is_pending(p, tm->signo))
        return NULL;
    list_for_each_entry (q, &p->queue, link) {
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
        const struct sig_pending *p = &linux_task(tm->task)->shared;
        bool before = sig_is_pending(p, tm->signo);
        struct sig_info info = {.signo = tm->signo, .code = SI_KERNEL};
        (void)sig_queue(tm->task, NULL, &info); // fails only for queued values
        tm->owed = 0;
        return !before && sig_is_pending(p, tm->signo);
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
    struct cpu_reading cpu = timer_cpu_read(tm);
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

void timer_kill(struct linux_timer *tm)
{
    tm->dead = true;
    tm->armed = false;
    tm->owed = 0;
    alarm_cancel(tm);
}

// --- setting and reading (task->lock held) ---

void timer_set(struct linux_timer *tm, const struct setting *s, bool absolute,
               const struct cpu_reading *cpu)
{
    alarm_cancel(tm);
    tm->base = timer_on_cpu_time(tm)  ? BASE_CPU
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

struct setting timer_read(const struct linux_timer *tm, const struct cpu_reading *cpu)
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

u32 timer_last_overrun(struct linux_timer *tm)
{
    (void)settle(tm);
    return tm->last_overrun;
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
    list_for_each_entry (tm, &gone, link)
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
