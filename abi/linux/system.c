// The machine as a whole: names, memory and load, log, randomness, power.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <device/random.h>
#include <kerr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <syscall/dispatch.h>
#include <task/host.h>
#include <vfs/ops.h>

i64 linux_uname(struct linux_utsname *buf)
{
    struct host_names n;
    host_names(&n);
    strlcpy(
        buf->sysname, "Linux",
        sizeof(buf->sysname)); // the interface that is served; the release says whose kernel it is
    strlcpy(buf->nodename, n.node, sizeof(buf->nodename));
    strlcpy(buf->release, HOST_RELEASE, sizeof(buf->release));
    strlcpy(buf->version, HOST_VERSION, sizeof(buf->version));
    strlcpy(buf->machine, ARCH_NAME, sizeof(buf->machine));
    strlcpy(buf->domainname, n.domain, sizeof(buf->domainname));
    return 0;
}

static i64 set_name(struct iobuf *name, i32 len, void (*set)(const char *, usize))
{
    char text[HOST_NAME_MAX];
    if (!capable(CAP_SYS_ADMIN))
        return -E_PERM;
    if (iobuf_take(name, text, (usize)len) != (usize)len)
        return -E_FAULT;
    set(text, (usize)len);
    return 0;
}

i64 linux_sethostname(struct iobuf *name, i32 len)
{
    return set_name(name, len, host_set_node);
}

i64 linux_setdomainname(struct iobuf *name, i32 len)
{
    return set_name(name, len, host_set_domain);
}

i64 linux_sysinfo(struct linux_sysinfo *info)
{
    struct frame_stats f;
    struct sched_stats s;
    frame_stats(&f);
    sched_stats(&s);
    info->uptime = (i64)((arch_time_ns() + NS_PER_SEC - 1) / NS_PER_SEC);
    for (int i = 0; i < 3; i++)
        info->loads[i] = s.load[i] << 5; // 11 bits of fraction become 16
    info->totalram = (f.total - f.reserved) * PAGE_SIZE;
    info->freeram = f.free * PAGE_SIZE;
    info->procs = (u16)s.threads;
    info->mem_unit = 1;
    return 0;
}

i64 linux_getrandom(struct iobuf *buf, usize count, u32 flags)
{
    if (!random_ready() && !(flags & LINUX_GRND_INSECURE)) {
        if (flags & LINUX_GRND_NONBLOCK)
            return -E_AGAIN;
        int err = random_wait_ready();
        if (err)
            return err;
    }
    u8 part[256];
    usize done = 0;
    while (done < count) {
        usize n = MIN(count - done, sizeof(part));
        random_bytes(part, n);
        usize put = iobuf_put(buf, part, n);
        done += put;
        if (put != n)
            return done ? (i64)done : -E_FAULT;
        if (done < count && thread_has_event(current()))
            break;
    }
    memset(part, 0, sizeof(part));
    return (i64)done;
}

// --- the kernel log (syslog(2)) ---
static struct {
    struct mutex lock; // class sleep_other
    u64 read_seq;      // next for SYSLOG_ACTION_READ
    u64 clear_seq;     // first for READ_ALL
    u32 saved_level;   // of CONSOLE_OFF
    bool off;
    _Atomic bool ready;
} syslog;

static void syslog_lock(void)
{
    static struct spinlock once = SPINLOCK_INIT(&lock_class_object);
    if (UNLIKELY(!atomic_load(&syslog.ready))) {
        spin_lock(&once);
        if (!atomic_load(&syslog.ready))
            mutex_init(&syslog.lock, &lock_class_log_reader);
        atomic_store(&syslog.ready, true);
        spin_unlock(&once);
    }
    mutex_lock(&syslog.lock);
}

// One record as text: "<6>[    0.123456] text\n". Returns its length.
static usize record_text(char *out, usize cap, u64 *seq)
{
    char *text = out + 40;
    struct log_record r;
    usize n = log_read(seq, &r, text, cap - 48);
    if (r.seq != *seq)
        return 0;
    n = MIN(n, cap - 48);
    char head[40];
    usize h = (usize)ksnprintf(head, sizeof(head), "<%u>[%5llu.%06llu] ", r.level,
                               r.time_ns / NS_PER_SEC, r.time_ns % NS_PER_SEC / 1000);
    memmove(out + h, text, n);
    memcpy(out, head, h);
    out[h + n] = '\n';
    return h + n + 1;
}

static i64 read_all(struct iobuf *buf, usize len, bool clear)
{
    enum { CAP = LOG_RECORD_MAX + 64 };
    char *line = kmalloc(CAP, 0);
    if (!line)
        return -E_NOMEM;
    u64 end = log_next_seq(), first = MAX(syslog.clear_seq, log_first_seq()), from = end;
    usize total = 0;
    while (from > first) { // as many of the last records as fit
        u64 seq = from - 1;
        usize n = record_text(line, CAP, &seq);
        if (seq != from - 1 || total + n > len)
            break;
        total += n;
        from--;
    }
    i64 done = 0;
    for (u64 seq = from; seq < end; seq++) {
        usize n = record_text(line, CAP, &seq);
        if (!n || (usize)done + n > len)
            break;
        if (iobuf_put(buf, line, n) != n) {
            done = -E_FAULT;
            break;
        }
        done += (i64)n;
    }
    if (clear && done >= 0)
        syslog.clear_seq = end;
    kfree(line);
    return done;
}

static i64 read_new(struct iobuf *buf, usize len)
{
    enum { CAP = LOG_RECORD_MAX + 64 };
    char *line = kmalloc(CAP, 0);
    if (!line)
        return -E_NOMEM;
    i64 done = 0;
    while ((usize)done < len) {
        u64 seq = syslog.read_seq;
        usize n = record_text(line, CAP, &seq);
        if (!n || (usize)done + n > len)
            break;
        if (iobuf_put(buf, line, n) != n) {
            done = done ? done : -E_FAULT;
            break;
        }
        syslog.read_seq = seq + 1;
        done += (i64)n;
    }
    kfree(line);
    return done;
}

i64 linux_syslog(i32 action, struct iobuf *buf, i32 len)
{
    if (action != LINUX_SYSLOG_ACTION_READ_ALL && action != LINUX_SYSLOG_ACTION_SIZE_BUFFER &&
        !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
        return -E_PERM;
    if (action == LINUX_SYSLOG_ACTION_READ && len > 0)
        while (syslog.read_seq >=
               log_next_seq()) { // new records wake nobody here: look again now and then
            int err = thread_sleep_until(arch_time_ns() + 100 * NS_PER_MS);
            if (err)
                return err;
        }
    i64 r = 0;
    syslog_lock();
    switch (action) {
    case LINUX_SYSLOG_ACTION_CLOSE:
    case LINUX_SYSLOG_ACTION_OPEN:
        break;
    case LINUX_SYSLOG_ACTION_READ:
        r = len ? read_new(buf, (usize)len) : 0;
        break;
    case LINUX_SYSLOG_ACTION_READ_ALL:
    case LINUX_SYSLOG_ACTION_READ_CLEAR:
        r = len ? read_all(buf, (usize)len, action == LINUX_SYSLOG_ACTION_READ_CLEAR) : 0;
        break;
    case LINUX_SYSLOG_ACTION_CLEAR:
        syslog.clear_seq = log_next_seq();
        break;
    case LINUX_SYSLOG_ACTION_CONSOLE_OFF:
        if (!syslog.off)
            syslog.saved_level = log_console_level();
        syslog.off = true;
        log_set_console_level(1);
        break;
    case LINUX_SYSLOG_ACTION_CONSOLE_ON:
        if (syslog.off)
            log_set_console_level(syslog.saved_level);
        syslog.off = false;
        break;
    case LINUX_SYSLOG_ACTION_CONSOLE_LEVEL:
        if (len < 1 || len > 8)
            r = -E_INVAL;
        else
            log_set_console_level((u32)len);
        syslog.off = false;
        break;
    case LINUX_SYSLOG_ACTION_SIZE_UNREAD: {
        char *line = kmalloc(LOG_RECORD_MAX + 64, 0);
        for (u64 seq = syslog.read_seq, end = log_next_seq(); line && seq < end; seq++)
            r += (i64)record_text(line, LOG_RECORD_MAX + 64, &seq);
        kfree(line);
        break;
    }
    case LINUX_SYSLOG_ACTION_SIZE_BUFFER:
        r = 128 * 1024;
        break;
    default:
        r = -E_INVAL;
    }
    mutex_unlock(&syslog.lock);
    return r;
}

// --- power ---
static void stop_cpu(void *arg)
{
    (void)arg;
    arch_halt();
}

i64 linux_reboot(u32 magic1, u32 magic2, u32 cmd, const struct sys_name *arg)
{
    (void)magic1;
    (void)magic2;
    (void)arg;
    if (!capable(CAP_SYS_BOOT))
        return -E_PERM;
    if (cmd == LINUX_LINUX_REBOOT_CMD_CAD_ON || cmd == LINUX_LINUX_REBOOT_CMD_CAD_OFF)
        return 0; // there is no such key here
    syscall_log_unknown();
    vfs_sync(true);
    switch (cmd) {
    case LINUX_LINUX_REBOOT_CMD_POWER_OFF:
        klog(LOG_NOTICE, "power off");
        arch_poweroff();
    case LINUX_LINUX_REBOOT_CMD_RESTART:
    case LINUX_LINUX_REBOOT_CMD_RESTART2:
        klog(LOG_NOTICE, "restart");
        arch_reboot();
    case LINUX_LINUX_REBOOT_CMD_HALT:
        klog(LOG_NOTICE, "halted");
        cpu_call_others(stop_cpu, NULL);
        arch_halt();
    default:
        return -E_INVAL;
    }
}

// --- small things ---
i64 linux_umask(u32 mask)
{
    struct task *t = current_task();
    u32 old = t->umask;
    t->umask = mask & 0777;
    return old;
}

i64 linux_personality(u32 persona)
{
    struct task *t = current_task();
    u32 old = t->personality;
    if (persona != 0xffffffff)
        t->personality = persona;
    return old;
}
