// Clocks and sleeping.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <device/clock.h>
#include <kerr.h>

u64 deadline_after(u64 sec, u64 nsec)
{
    u64 ns, at;
    if (__builtin_mul_overflow(sec, NS_PER_SEC, &ns) || __builtin_add_overflow(ns, nsec, &ns) ||
        __builtin_add_overflow(ns, arch_time_ns(), &at) || at > (u64)INT64_MAX)
        return (u64)INT64_MAX;
    return at ? at : 1;
}

static void split(u64 ns, struct linux_timespec *t)
{
    t->tv_sec = (i64)(ns / NS_PER_SEC);
    t->tv_nsec = (i64)(ns % NS_PER_SEC);
}

static struct linux_timeval as_timeval(u64 ns)
{
    return (struct linux_timeval){.tv_sec = (i64)(ns / NS_PER_SEC),
                                  .tv_usec = (i64)(ns % NS_PER_SEC / 1000)};
}

void rusage_encode(const struct usage *u, struct linux_rusage *out)
{
    out->ru_utime = as_timeval(u->utime_ns);
    out->ru_stime = as_timeval(u->stime_ns);
    out->ru_maxrss = (i64)(u->maxrss_pages * (PAGE_SIZE / 1024));
    out->ru_minflt = (i64)u->minflt;
    out->ru_majflt = (i64)u->majflt;
    out->ru_inblock = (i64)u->inblock;
    out->ru_oublock = (i64)u->oublock;
    out->ru_nvcsw = (i64)u->nvcsw;
    out->ru_nivcsw = (i64)u->nivcsw;
}

// Processor-time clocks: negative ids name a process or thread: ~pid << 3 | per-thread << 2 | kind
// (clock_getcpuclockid(3)).
static int cpu_clock(i32 clock, u64 *ns)
{
    bool thread = clock == LINUX_CLOCK_THREAD_CPUTIME_ID;
    u32 id = 0;
    if (clock < 0) {
        if ((clock & 3) == 3)
            return -E_INVAL;
        thread = clock & 4;
        id = (u32) ~(clock >> 3);
    }
    struct usage u;
    if (thread) {
        struct task_thread *tt = id ? task_find_thread(id) : current_task_thread();
        if (!tt || tt->task != current_task()) {
            if (tt && id)
                task_thread_put(tt);
            return -E_INVAL;
        }
        *ns = thread_runtime(tt->thread);
        if (id)
            task_thread_put(tt);
        return 0;
    }
    struct task *t = id ? task_find(id) : current_task();
    if (!t)
        return -E_INVAL;
    task_usage(t, &u);
    *ns = u.utime_ns + u.stime_ns;
    if (id)
        task_put(t);
    return 0;
}

static int read_clock(i32 clock, u64 *ns)
{
    switch (clock) {
    case LINUX_CLOCK_MONOTONIC:
    case LINUX_CLOCK_MONOTONIC_RAW:
    case LINUX_CLOCK_MONOTONIC_COARSE:
    case LINUX_CLOCK_BOOTTIME:
    case LINUX_CLOCK_BOOTTIME_ALARM:
        *ns = arch_time_ns();
        return 0;
    case LINUX_CLOCK_REALTIME:
    case LINUX_CLOCK_REALTIME_COARSE:
    case LINUX_CLOCK_REALTIME_ALARM:
    case LINUX_CLOCK_TAI:
        *ns = (u64)clock_realtime_ns();
        return 0;
    case LINUX_CLOCK_PROCESS_CPUTIME_ID:
    case LINUX_CLOCK_THREAD_CPUTIME_ID:
        return cpu_clock(clock, ns);
    default:
        return clock < 0 ? cpu_clock(clock, ns) : -E_INVAL;
    }
}

i64 linux_clock_gettime(i32 clock, struct linux_timespec *ts)
{
    u64 ns;
    int err = read_clock(clock, &ns);
    if (!err)
        split(ns, ts);
    return err;
}

i64 linux_clock_getres(i32 clock, struct linux_timespec *res)
{
    u64 ns;
    int err = read_clock(clock, &ns);
    if (!err && res) {
        res->tv_sec = 0;
        res->tv_nsec = clock == LINUX_CLOCK_REALTIME_COARSE || clock == LINUX_CLOCK_MONOTONIC_COARSE
                           ? 4'000'000
                           : 1;
    }
    return err;
}

static int set_time(i64 sec, i64 nsec)
{
    if (sec < 0 || nsec < 0 || nsec >= (i64)NS_PER_SEC || sec > INT64_MAX / (i64)NS_PER_SEC - 1)
        return -E_INVAL;
    if (!capable(CAP_SYS_TIME))
        return -E_PERM;
    struct timestamp t = {sec, (u32)nsec};
    clock_set_realtime(&t);
    return 0;
}

i64 linux_clock_settime(i32 clock, const struct linux_timespec *ts)
{
    return clock == LINUX_CLOCK_REALTIME ? set_time(ts->tv_sec, ts->tv_nsec) : -E_INVAL;
}

i64 linux_gettimeofday(struct linux_timeval *tv, struct linux_timezone *tz)
{
    (void)tz; // zeroes: the kernel keeps no time zone
    if (tv)
        *tv = as_timeval((u64)clock_realtime_ns());
    return 0;
}

i64 linux_settimeofday(const struct linux_timeval *tv, const struct linux_timezone *tz)
{
    (void)tz;
    if (tv && (tv->tv_usec < 0 || tv->tv_usec >= 1'000'000))
        return -E_INVAL;
    if (!tv)
        return capable(CAP_SYS_TIME) ? 0 : -E_PERM;
    return set_time(tv->tv_sec, tv->tv_usec * 1000);
}

enum { TIME_OK_STATE = 0, TIME_ERROR_STATE = 5, STATUS_UNSYNC = 0x40 };

static i64 read_adjustment(struct linux_timex *tx)
{
    if (tx->modes)
        return capable(CAP_SYS_TIME) ? -E_OPNOTSUPP : -E_PERM;
    *tx = (struct linux_timex){.maxerror = 16'000'000,
                               .esterror = 16'000'000,
                               .status = STATUS_UNSYNC,
                               .constant = 2,
                               .precision = 1,
                               .tolerance = 32'768'000,
                               .tick = 10'000,
                               .time = as_timeval((u64)clock_realtime_ns())};
    return TIME_ERROR_STATE;
}

i64 linux_adjtimex(struct linux_timex *tx)
{
    return read_adjustment(tx);
}

i64 linux_clock_adjtime(i32 clock, struct linux_timex *tx)
{
    return clock == LINUX_CLOCK_REALTIME ? read_adjustment(tx) : -E_OPNOTSUPP;
}

// --- sleeping ---
static void store_rest(uaddr_t where, u64 deadline)
{
    if (!where.v)
        return;
    u64 now = arch_time_ns();
    struct linux_timespec left;
    split(deadline > now ? deadline - now : 0, &left);
    (void)!user_copy_out(where, &left, sizeof(left));
}

// restart_syscall: the rest of a relative sleep.
static i64 sleep_again(struct linux_thread *lt)
{
    int err = thread_sleep_until(lt->restart.deadline);
    if (err == -E_RESTART)
        store_rest(uaddr(lt->restart.a), lt->restart.deadline);
    return err;
}

static i64 sleep_relative(const struct linux_timespec *req, struct linux_timespec *rem)
{
    u64 deadline = deadline_after((u64)req->tv_sec, (u64)req->tv_nsec);
    int err = thread_sleep_until(deadline);
    if (err != -E_RESTART)
        return err;
    struct linux_thread *lt = current_linux();
    lt->restart_fn = sleep_again;
    lt->restart.deadline = deadline;
    // Where the rest goes again after a restart: the call's fourth (clock_nanosleep) or second
    // argument, still in the frame.
    struct trapframe *tf = arch_user_frame(current_arch());
    lt->restart.a = rem ? tf_args(tf)[tf_syscall_nr(tf) == LINUX_SYS_nanosleep ? 1 : 3] : 0;
    if (rem) {
        u64 now = arch_time_ns();
        split(deadline > now ? deadline - now : 0, rem);
    }
    return err;
}

i64 linux_nanosleep(const struct linux_timespec *req, struct linux_timespec *rem)
{
    if (req->tv_sec < 0 || req->tv_nsec < 0 || req->tv_nsec >= (i64)NS_PER_SEC)
        return -E_INVAL;
    return sleep_relative(req, rem);
}

i64 linux_clock_nanosleep(i32 clock, u32 flags, const struct linux_timespec *req,
                          struct linux_timespec *rem)
{
    bool real = clock == LINUX_CLOCK_REALTIME || clock == LINUX_CLOCK_TAI;
    if (clock == LINUX_CLOCK_PROCESS_CPUTIME_ID || clock == LINUX_CLOCK_REALTIME_ALARM ||
        clock == LINUX_CLOCK_BOOTTIME_ALARM)
        return -E_OPNOTSUPP;
    if (!real && clock != LINUX_CLOCK_MONOTONIC && clock != LINUX_CLOCK_BOOTTIME)
        return clock == LINUX_CLOCK_THREAD_CPUTIME_ID || clock > LINUX_CLOCK_TAI ? -E_INVAL
                                                                                 : -E_OPNOTSUPP;
    if (!(flags & LINUX_TIMER_ABSTIME))
        return sleep_relative(req, rem);
    u64 at;
    if (__builtin_mul_overflow((u64)req->tv_sec, NS_PER_SEC, &at) ||
        at > (u64)INT64_MAX - NS_PER_SEC)
        at = (u64)INT64_MAX - NS_PER_SEC;
    at += (u64)req->tv_nsec;
    if (!real)
        return thread_sleep_until(at ? at : 1);
    return clock_sleep_realtime((i64)at);
}

// --- usage ---
enum { NS_PER_CLOCK = 10'000'000 };

i64 linux_times(struct linux_tms *buf)
{
    if (buf) {
        struct usage u;
        struct task *t = current_task();
        task_usage(t, &u);
        buf->tms_utime = (i64)(u.utime_ns / NS_PER_CLOCK);
        buf->tms_stime = (i64)(u.stime_ns / NS_PER_CLOCK);
        spin_lock(&tree_lock);
        buf->tms_cutime = (i64)(t->children_usage.utime_ns / NS_PER_CLOCK);
        buf->tms_cstime = (i64)(t->children_usage.stime_ns / NS_PER_CLOCK);
        spin_unlock(&tree_lock);
    }
    return (i64)(arch_time_ns() / NS_PER_CLOCK);
}

i64 linux_getrusage(i32 who, struct linux_rusage *usage)
{
    struct task *t = current_task();
    struct usage u = {0};
    switch (who) {
    case LINUX_RUSAGE_SELF:
        task_usage(t, &u);
        break;
    case LINUX_RUSAGE_CHILDREN:
        spin_lock(&tree_lock);
        u = t->children_usage;
        spin_unlock(&tree_lock);
        break;
    case LINUX_RUSAGE_THREAD:
        task_thread_usage(current_task_thread(), &u);
        break;
    default:
        return -E_INVAL;
    }
    rusage_encode(&u, usage);
    return 0;
}
