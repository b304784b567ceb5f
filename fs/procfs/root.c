// What stands in /proc itself: the table, and the short texts.
#include "procfs.h"
#include <arch/cpu.h>
#include <device/chardev.h>
#include <device/fdt.h>
#include <device/serial.h>
#include <lib/printf.h>
#include <sync/log.h>
#include <task/host.h>
#include <tty/tty.h>
#include <vfs/lock.h>
#include <vfs/ops.h>

static i64 read_self(const struct proc_who *w, char *buf, usize cap)
{
    char s[24];
    const struct task *t = current_task();
    (void)w;
    if (!t)
        return -E_NOENT;
    usize n = MIN(kscnprintf(s, sizeof(s), "%u", t->pid), cap);
    memcpy(buf, s, n);
    return (i64)n;
}

static i64 read_thread_self(const struct proc_who *w, char *buf, usize cap)
{
    char s[40];
    const struct task_thread *tt = current_task_thread();
    (void)w;
    if (!tt)
        return -E_NOENT;
    usize n = MIN(kscnprintf(s, sizeof(s), "%u/task/%u", tt->task->pid, tt->tid), cap);
    memcpy(buf, s, n);
    return (i64)n;
}

static i64 fixed_link(const char *s, char *buf, usize cap)
{
    usize n = MIN(strlen(s), cap);
    memcpy(buf, s, n);
    return (i64)n;
}

static i64 read_mounts(const struct proc_who *w, char *buf, usize cap)
{
    (void)w;
    return fixed_link("self/mounts", buf, cap);
}

static i64 read_net(const struct proc_who *w, char *buf, usize cap)
{
    (void)w;
    return fixed_link("self/net", buf, cap);
}

static int show_version(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "Linux version " HOST_RELEASE " (scarlet) (clang " __clang_version__
                 ") " HOST_VERSION "\n");
    return 0;
}

static int show_cmdline(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_printf(t, "%s\n", boot_info.cmdline);
    return 0;
}

static int show_filesystems(struct text *t, const struct proc_who *w)
{
    (void)w;
    SET_FOREACH(f, filesystems, const struct filesystem_type)
    {
        if (!((*f)->flags & (FS_ALIAS | FS_KERNEL_ONLY)))
            text_printf(t, "%s\t%s\n", (*f)->flags & FS_NODEV ? "nodev" : "", (*f)->name);
    }
    return 0;
}

static void put_device(const struct chardev *d, void *arg)
{
    text_printf(arg, "%3u %s\n", d->major, d->name);
}

static int show_devices(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "Character devices:\n");
    chardev_for_each(put_device, t);
    text_puts(t, "\nBlock devices:\n");
    return 0;
}

static int show_consoles(struct text *t, const struct proc_who *w)
{
    struct serial_port *p;
    (void)w;
    list_for_each_entry (p, &serial_ports, link) {
        if (!p->is_console)
            continue;
        char name[16];
        (void)ksnprintf(name, sizeof(name), "ttyS%u", p->index);
        text_printf(t, "%-21s-W- (EC  p a) %4d:%u\n", name, TTY_MAJOR_SERIAL,
                    TTY_MINOR_SERIAL + p->index);
    }
    return 0;
}

static int show_swaps(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

static int show_nothing(struct text *t, const struct proc_who *w)
{
    (void)t, (void)w;
    return 0; // there are no block devices
}

struct lock_listing {
    struct text *text;
    u32 number;
};

static int put_lock(const struct lock_info *i, void *arg)
{
    struct lock_listing *l = arg;
    text_printf(l->text, "%u:%s %-6s ADVISORY  %s %d %02x:%02x:%llu ",
                i->waiting ? l->number : ++l->number, i->waiting ? " ->" : "", i->style,
                i->write ? "WRITE" : "READ ", (i32)i->pid, (u32)(i->dev >> 32), (u32)i->dev,
                (unsigned long long)i->ino);
    if (i->end >= UINT64_MAX >> 1)
        text_printf(l->text, "%llu EOF\n", (unsigned long long)i->start);
    else
        text_printf(l->text, "%llu %llu\n", (unsigned long long)i->start,
                    (unsigned long long)i->end);
    return 0;
}

static int show_locks(struct text *t, const struct proc_who *w)
{
    struct lock_listing l = {t, 0};
    (void)w;
    return lock_for_each(put_lock, &l);
}

static u32 root_links(struct proc_node *dir)
{
    (void)dir;
    return task_count();
}

// The letters of sysrq that a machine without a keyboard has a use for; others do nothing.
static i64 write_sysrq(const struct proc_who *w, const char *s, usize n)
{
    (void)w;
    switch (n ? s[0] : '\0') {
    case 'b':
        arch_reboot();
    case 'c':
        panic("sysrq: a crash was asked for");
    case 'o':
        vfs_sync(true);
        arch_poweroff();
    case 's':
        vfs_sync(true);
        break;
    default:
        klog(LOG_INFO, "sysrq: b(oot) c(rash) o(ff) s(ync)");
    }
    return 0;
}

#define FILE_(n, perm, fn) {.name = n, .mode = MODE_REG | perm, .show = fn}
#define LINK_(n, rd) {.name = n, .mode = MODE_LNK | 0777, .readlink = rd}
static const struct proc_entry root_entries[] = {
    LINK_("self", read_self),
    LINK_("thread-self", read_thread_self),
    LINK_("mounts", read_mounts),
    LINK_("net", read_net),
    {.name = "sys", .mode = MODE_DIR | 0555, .children = proc_sys_entries},
    FILE_("meminfo", 0444, show_meminfo),
    FILE_("cpuinfo", 0444, show_cpuinfo),
    FILE_("stat", 0444, show_machine_stat),
    FILE_("uptime", 0444, show_uptime),
    FILE_("loadavg", 0444, show_loadavg),
    FILE_("version", 0444, show_version),
    FILE_("cmdline", 0444, show_cmdline),
    FILE_("filesystems", 0444, show_filesystems),
    FILE_("partitions", 0444, show_nothing),
    FILE_("devices", 0444, show_devices),
    FILE_("interrupts", 0444, show_interrupts),
    FILE_("swaps", 0444, show_swaps),
    FILE_("vmstat", 0444, show_vmstat),
    FILE_("slabinfo", 0400, show_slabinfo),
    FILE_("diskstats", 0444, show_nothing),
    FILE_("modules", 0444, show_nothing),
    FILE_("locks", 0444, show_locks),
    FILE_("consoles", 0444, show_consoles),
    {.name = "kmsg", .mode = MODE_REG | 0400, .fops = &proc_kmsg_fops},
    {.name = "sysrq-trigger", .mode = MODE_REG | 0200, .write = write_sysrq},
    {0},
};

const struct proc_entry proc_root_entry = {.name = "",
                                           .mode = MODE_DIR | 0555,
                                           .children = root_entries,
                                           .lookup = proc_root_lookup,
                                           .readdir = proc_root_readdir,
                                           .links = root_links};
