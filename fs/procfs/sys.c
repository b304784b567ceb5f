// /proc/sys: settings of the kernel. Those that a room owns are asked there; those that nothing in
// the kernel reads (yet) are kept here so that programs that write them read them back.
#include "procfs.h"
#include <device/random.h>
#include <lib/parse.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <task/host.h>
#include <vm/aspace.h>

// --- numbers kept here -----------------------------------------------------------------------

struct kept_number {
    _Atomic i64 v;
    i64 min, max;
};
static struct kept_number overcommit_memory = {0, 0, 2}, overcommit_ratio = {50, 0, INT32_MAX},
                          swappiness = {60, 0, 200}, panic_seconds = {0, INT32_MIN, INT32_MAX},
                          file_max = {INT64_MAX, 0, INT64_MAX},
                          pipe_max_size = {1048576, 4096, INT32_MAX};

static int parse_number(const char *s, usize n, i64 *out)
{
    while (n && strchr(" \t\n", s[n - 1]))
        n--;
    while (n && strchr(" \t", *s)) {
        s++;
        n--;
    }
    return parse_i64(s, n, 10, out) ? -E_INVAL : 0;
}

static i64 write_kept(struct kept_number *k, const char *s, usize n)
{
    i64 v;
    if (parse_number(s, n, &v) || v < k->min || v > k->max)
        return -E_INVAL;
    atomic_store(&k->v, v);
    return 0;
}

#define KEPT(name)                                                                                 \
    static int show_##name(struct text *t, const struct proc_who *w)                               \
    {                                                                                              \
        (void)w;                                                                                   \
        text_printf(t, "%lld\n", (long long)atomic_load(&name.v));                                 \
        return 0;                                                                                  \
    }                                                                                              \
    static i64 write_##name(const struct proc_who *w, const char *s, usize n)                      \
    {                                                                                              \
        (void)w;                                                                                   \
        return write_kept(&name, s, n);                                                            \
    }
KEPT(overcommit_memory)
KEPT(overcommit_ratio)
KEPT(swappiness)
KEPT(file_max)
KEPT(pipe_max_size)

static int show_max_map_count(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_printf(t, "%u\n", aspace_max_areas());
    return 0;
}

static i64 write_max_map_count(const struct proc_who *w, const char *s, usize n)
{
    i64 v;
    (void)w;
    if (parse_number(s, n, &v) || v < 0 || v > INT32_MAX)
        return -E_INVAL;
    aspace_set_max_areas((u32)v);
    return 0;
}

static int show_panic_seconds(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_printf(t, "%lld\n", (long long)atomic_load(&panic_seconds.v));
    return 0;
}

static i64 write_panic_seconds(const struct proc_who *w, const char *s, usize n)
{
    (void)w;
    i64 r = write_kept(&panic_seconds, s, n);
    if (!r)
        panic_set_action(atomic_load(&panic_seconds.v));
    return r;
}

// --- constants -------------------------------------------------------------------------------

#define CONSTANT(name, value)                                                                      \
    static int show_##name(struct text *t, const struct proc_who *w)                               \
    {                                                                                              \
        (void)w;                                                                                   \
        text_puts(t, value "\n");                                                                  \
        return 0;                                                                                  \
    }
CONSTANT(osrelease, HOST_RELEASE)
CONSTANT(ostype, "Linux")
CONSTANT(version, HOST_VERSION)
CONSTANT(pid_max, "4194304")
CONSTANT(ngroups_max, "65536")
CONSTANT(cap_last_cap, "40")
CONSTANT(overflow_id, "65534")
CONSTANT(pool_size, "256")
CONSTANT(nr_open, "1048576")
CONSTANT(zero, "0")

// --- names -----------------------------------------------------------------------------------

static int show_hostname(struct text *t, const struct proc_who *w)
{
    struct host_names n;
    (void)w;
    host_names(&n);
    text_printf(t, "%s\n", n.node);
    return 0;
}

static int show_domainname(struct text *t, const struct proc_who *w)
{
    struct host_names n;
    (void)w;
    host_names(&n);
    text_printf(t, "%s\n", n.domain);
    return 0;
}

static i64 write_name(const char *s, usize n, void (*set)(const char *, usize))
{
    usize len = 0;
    while (len < n && s[len] && s[len] != '\n')
        len++;
    set(s, MIN(len, (usize)HOST_NAME_MAX)); // as Linux: the rest is dropped
    return 0;
}

static i64 write_hostname(const struct proc_who *w, const char *s, usize n)
{
    (void)w;
    return write_name(s, n, host_set_node);
}

static i64 write_domainname(const struct proc_who *w, const char *s, usize n)
{
    (void)w;
    return write_name(s, n, host_set_domain);
}

// --- asked elsewhere -------------------------------------------------------------------------

static int show_printk(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_printf(t, "%u\t4\t1\t7\n", log_console_level());
    return 0;
}

static i64 write_printk(const struct proc_who *w, const char *s, usize n)
{
    i64 v;
    usize len = 0;
    (void)w;
    while (len < n && !strchr(" \t\n", s[len]))
        len++;
    if (parse_number(s, len, &v) || v < 0 || v > 15)
        return -E_INVAL;
    log_set_console_level((u32)MIN(v, 8l));
    return 0;
}

static int show_threads_max(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_printf(t, "%llu\n", (unsigned long long)init_task->limits[LIMIT_NPROC].hard * 2);
    return 0;
}

static int show_entropy(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_printf(t, "%u\n", random_entropy_bits());
    return 0;
}

static void put_uuid(struct text *t, const u8 b[16])
{
    for (u32 i = 0; i < 16; i++)
        text_printf(t, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
    text_puts(t, "\n");
}

static void make_uuid(u8 b[16]) // RFC 9562, version 4
{
    random_bytes(b, 16);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
}

static int show_uuid(struct text *t, const struct proc_who *w)
{
    u8 b[16];
    (void)w;
    make_uuid(b);
    put_uuid(t, b);
    return 0;
}

static int show_boot_id(struct text *t, const struct proc_who *w)
{
    static struct spinlock lock = SPINLOCK_INIT(&lock_class_procfs);
    static u8 id[16];
    static bool made;
    u8 b[16], fresh[16];
    (void)w;
    make_uuid(fresh);
    spin_lock(&lock);
    if (!made)
        memcpy(id, fresh, sizeof(id));
    made = true;
    memcpy(b, id, sizeof(b));
    spin_unlock(&lock);
    put_uuid(t, b);
    return 0;
}

static int count_handles(struct task *t, void *arg)
{
    spin_lock(&t->lock);
    if (t->handles)
        *(u64 *)arg += handle_count(t->handles);
    spin_unlock(&t->lock);
    return 0;
}

static int show_file_nr(struct text *t, const struct proc_who *w)
{
    u64 n = 0;
    (void)w;
    (void)task_for_each(1, count_handles, &n);
    text_printf(t, "%llu\t0\t%lld\n", (unsigned long long)n, (long long)atomic_load(&file_max.v));
    return 0;
}

static int show_inode_nr(struct text *t, const struct proc_who *w)
{
    struct dentry_stats s;
    (void)w;
    dentry_stats(&s);
    text_printf(t, "%llu\t%llu\n", (unsigned long long)(s.total - s.negative), 0ull);
    return 0;
}

static int show_dentry_state(struct text *t, const struct proc_who *w)
{
    struct dentry_stats s;
    (void)w;
    dentry_stats(&s);
    text_printf(t, "%llu\t%llu\t45\t0\t%llu\t0\n", (unsigned long long)s.total,
                (unsigned long long)s.unused, (unsigned long long)s.negative);
    return 0;
}

static i64 write_drop_caches(const struct proc_who *w, const char *s, usize n)
{
    i64 v;
    (void)w;
    if (parse_number(s, n, &v) || v < 1 || v > 4)
        return -E_INVAL;
    if (v & 2) {
        dentry_shrink(NULL);
        (void)slab_shrink(UINT64_MAX);
    }
    return 0;
}

// --- the tables ------------------------------------------------------------------------------

#define RO(n, fn) {.name = n, .mode = MODE_REG | 0444, .show = fn}
#define RW(n, fn, wr) {.name = n, .mode = MODE_REG | 0644, .show = fn, .write = wr}
#define DIR_(n, c) {.name = n, .mode = MODE_DIR | 0555, .children = c}

static const struct proc_entry random_entries[] = {
    RO("boot_id", show_boot_id),
    RO("uuid", show_uuid),
    RO("entropy_avail", show_entropy),
    RO("poolsize", show_pool_size),
    {0},
};
static const struct proc_entry kernel_entries[] = {
    RO("osrelease", show_osrelease),
    RO("ostype", show_ostype),
    RO("version", show_version),
    RW("hostname", show_hostname, write_hostname),
    RW("domainname", show_domainname, write_domainname),
    RO("pid_max", show_pid_max),
    RO("ngroups_max", show_ngroups_max),
    RO("cap_last_cap", show_cap_last_cap),
    RO("threads-max", show_threads_max),
    RW("printk", show_printk, write_printk),
    RW("panic", show_panic_seconds, write_panic_seconds),
    RO("overflowuid", show_overflow_id),
    RO("overflowgid", show_overflow_id),
    RO("tainted", show_zero),
    DIR_("random", random_entries),
    {0},
};
static const struct proc_entry vm_entries[] = {
    RW("overcommit_memory", show_overcommit_memory, write_overcommit_memory),
    RW("overcommit_ratio", show_overcommit_ratio, write_overcommit_ratio),
    RW("max_map_count", show_max_map_count, write_max_map_count),
    RW("swappiness", show_swappiness, write_swappiness),
    {.name = "drop_caches", .mode = MODE_REG | 0200, .write = write_drop_caches},
    {0},
};
static const struct proc_entry fs_entries[] = {
    RW("file-max", show_file_max, write_file_max),
    RO("file-nr", show_file_nr),
    RW("pipe-max-size", show_pipe_max_size, write_pipe_max_size),
    RO("nr_open", show_nr_open),
    RO("inode-nr", show_inode_nr),
    RO("dentry-state", show_dentry_state),
    RO("overflowuid", show_overflow_id),
    RO("overflowgid", show_overflow_id),
    {0},
};
const struct proc_entry proc_sys_entries[] = {
    DIR_("kernel", kernel_entries),
    DIR_("vm", vm_entries),
    DIR_("fs", fs_entries),
    {0},
};
