// Native calls on time, chance and the machine as a whole. No state.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <arch/time.h>
#include <device/clock.h>
#include <device/random.h>
#include <ipc/counter.h>
#include <lib/string.h>
#include <mem/frame.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <task/host.h>

// --- clocks ---
i64 scarlet_clock_get(u32 clock)
{
    struct usage u;
    switch (clock) {
    case SCARLET_CLOCK_MONOTONIC:
        return (i64)arch_time_ns();
    case SCARLET_CLOCK_WALL:
        return clock_realtime_ns();
    case SCARLET_CLOCK_TASK:
        task_usage(current_task(), &u);
        return (i64)(u.utime_ns + u.stime_ns);
    default:
        return (i64)thread_runtime(current());
    }
}

i64 scarlet_clock_set(i64 ns)
{
    if (!capable(CAP_SYS_TIME))
        return -E_PERM;
    if (ns < 0)
        return -E_INVAL;
    clock_set_realtime_ns(ns);
    return 0;
}

i64 scarlet_sleep(u64 ns)
{
    u64 at;
    if (__builtin_add_overflow(arch_time_ns(), ns, &at) || at > (u64)INT64_MAX)
        at = (u64)INT64_MAX;
    return thread_sleep_until(at);
}

// Until the task's threads together have run for ns. All processors together cannot do the rest in
// less than their share of it, so that is slept before looking again.
static i64 sleep_for_work(u64 ns)
{
    for (;;) {
        struct usage u;
        task_usage(current_task(), &u);
        u64 done = u.utime_ns + u.stime_ns;
        if (done >= ns)
            return 0;
        u64 least = MAX((ns - done) / cpu_count(), (u64)NS_PER_MS);
        int err = thread_sleep_until(MIN(arch_time_ns() + least, (u64)INT64_MAX));
        if (err)
            return err;
    }
}

i64 scarlet_sleep_until(u32 clock, i64 ns)
{
    if (ns < 0)
        return -E_INVAL;
    switch (clock) {
    case SCARLET_CLOCK_MONOTONIC:
        return thread_sleep_until((u64)ns); // 0: long past
    case SCARLET_CLOCK_WALL:
        return clock_sleep_realtime(ns);
    case SCARLET_CLOCK_TASK:
        return sleep_for_work((u64)ns);
    default: // no time passes on the clock of a thread that sleeps
        return (u64)ns <= thread_runtime(current()) ? 0 : -E_DEADLK;
    }
}

// --- timers ---
i64 scarlet_timer_create(u32 flags)
{
    struct object *o;
    int err = timer_object_create(1, flags & SCARLET_TIMER_NONBLOCK ? OBJ_NONBLOCK : 0, &o);
    return err ? err : install(o, anonymous_rights(RIGHT_READ) & ~(u32)RIGHT_MAP, false);
}

i64 scarlet_timer_set(struct href *timer, u64 first, u64 interval)
{
    if (!object_is_timer(timer->object))
        return -E_NOTTY;
    timer_object_set(timer->object, first, interval, NULL);
    return 0;
}

i64 scarlet_timer_get(struct href *timer, struct scarlet_timer_state *state)
{
    struct timer_setting s;
    if (!object_is_timer(timer->object))
        return -E_NOTTY;
    timer_object_get(timer->object, &s);
    *state = (struct scarlet_timer_state){s.value_ns, s.interval_ns};
    return 0;
}

// --- chance ---
i64 scarlet_random(struct iobuf *buffer, usize count)
{
    u8 part[256];
    usize done = 0;
    int err = random_ready() ? 0 : random_wait_ready();
    if (err)
        return err;
    while (done < count) {
        usize n = MIN(count - done, sizeof(part));
        random_bytes(part, n);
        usize put = iobuf_put(buffer, part, n);
        done += put;
        if (put != n && !done)
            return -E_FAULT;
        if (put != n || (done < count && thread_has_event(current())))
            break;
    }
    memset(part, 0, sizeof(part));
    return (i64)done;
}

// --- the machine ---
i64 scarlet_system_info(struct scarlet_system_info *info)
{
    struct frame_stats f;
    struct sched_stats s;
    struct host_names n;
    frame_stats(&f);
    sched_stats(&s);
    host_names(&n);
    info->memory_total = f.total * PAGE_SIZE;
    info->memory_free = f.free * PAGE_SIZE;
    info->uptime_ns = arch_time_ns();
    for (int i = 0; i < 3; i++)
        info->load[i] = s.load[i];
    info->processors = cpu_count();
    info->online = (u32)__builtin_popcountl(cpu_online_mask());
    info->tasks = task_count();
    info->running = s.running;
    info->page_size = PAGE_SIZE;
    info->switches = s.switches;
    strlcpy(info->machine, ARCH_NAME, sizeof(info->machine));
    strlcpy(info->release, HOST_RELEASE, sizeof(info->release));
    strlcpy(info->node, n.node, sizeof(info->node));
    return 0;
}

i64 scarlet_set_node_name(const struct sys_name *name)
{
    if (!capable(CAP_SYS_ADMIN))
        return -E_PERM;
    host_set_node(name->str, name->len);
    return 0;
}

i64 scarlet_log_read(u64 sequence, struct scarlet_log_entry *entry)
{
    struct log_record r = {.seq = UINT64_MAX};
    u64 seq = MAX(sequence, log_first_seq());
    if (!capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
        return -E_PERM;
    if (seq >= log_next_seq())
        return 0;
    usize n = log_read(&seq, &r, entry->text, sizeof(entry->text));
    if (r.seq != seq)
        return 0;
    entry->sequence = seq;
    entry->time_ns = r.time_ns;
    entry->level = r.level;
    entry->length = (u32)MIN(n, sizeof(entry->text));
    return 1;
}

static void stop_cpu(void *arg)
{
    (void)arg;
    arch_halt();
}

i64 scarlet_shutdown(u32 kind)
{
    if (!capable(CAP_SYS_BOOT))
        return -E_PERM;
    syscall_log_unknown();
    vfs_sync(true);
    switch (kind) {
    case SCARLET_SHUTDOWN_POWER_OFF:
        klog(LOG_NOTICE, "power off");
        arch_poweroff();
    case SCARLET_SHUTDOWN_RESTART:
        klog(LOG_NOTICE, "restart");
        arch_reboot();
    default:
        klog(LOG_NOTICE, "halted");
        cpu_call_others(stop_cpu, NULL);
        arch_halt();
    }
}
