// What stands in /proc/PID and /proc/PID/task/TID: the tables, and the short texts.
#include "procfs.h"
#include <arch/page.h>
#include <lib/parse.h>
#include <mem/slab.h>

static int show_comm(struct text *t, const struct proc_who *w)
{
    struct task_state s;
    task_state_get(w, &s);
    text_printf(t, "%s\n", s.name);
    task_state_put(&s);
    return 0;
}

static i64 write_comm(const struct proc_who *w, const char *s, usize n)
{
    char name[16] = {0};
    if (w->task != current_task())
        return -E_INVAL;
    memcpy(name, s, MIN(n, sizeof(name) - 1));
    struct task_thread *tt = who_thread(w);
    if (tt) {
        thread_set_name(tt->thread, name);
        task_thread_put(tt);
    }
    if (!w->thread || w->thread->tid == w->task->pid) {
        spin_lock(&w->task->lock);
        memcpy(w->task->name, name, sizeof(name));
        spin_unlock(&w->task->lock);
    }
    return 0;
}

static int show_auxv(struct text *t, const struct proc_who *w)
{
    struct aspace *as = who_space(w);
    if (as) {
        text_put(t, (const char *)as->auxv, as->auxv_len);
        aspace_put(as);
    }
    return 0;
}

static int show_limits(struct text *t, const struct proc_who *w)
{
    static const struct {
        const char *name, *unit;
    } names[LIMIT_COUNT] = {
        [LIMIT_CPU] = {"Max cpu time", "seconds"},
        [LIMIT_FSIZE] = {"Max file size", "bytes"},
        [LIMIT_DATA] = {"Max data size", "bytes"},
        [LIMIT_STACK] = {"Max stack size", "bytes"},
        [LIMIT_CORE] = {"Max core file size", "bytes"},
        [LIMIT_RSS] = {"Max resident set", "bytes"},
        [LIMIT_NPROC] = {"Max processes", "processes"},
        [LIMIT_NOFILE] = {"Max open files", "files"},
        [LIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [LIMIT_AS] = {"Max address space", "bytes"},
        [LIMIT_LOCKS] = {"Max file locks", "locks"},
        [LIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [LIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [LIMIT_NICE] = {"Max nice priority", NULL},
        [LIMIT_RTPRIO] = {"Max realtime priority", NULL},
        [LIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };
    struct limit limits[LIMIT_COUNT];
    spin_lock(&w->task->lock);
    memcpy(limits, w->task->limits, sizeof(limits));
    spin_unlock(&w->task->lock);
    text_puts(t,
              "Limit                     Soft Limit           Hard Limit           Units     \n");
    for (u32 i = 0; i < LIMIT_COUNT; i++) {
        text_printf(t, "%-25s ", names[i].name);
        const u64 v[] = {limits[i].soft, limits[i].hard};
        for (u32 k = 0; k < 2; k++) {
            if (v[k] == UINT64_MAX)
                text_printf(t, "%-20s ", "unlimited");
            else
                text_printf(t, "%-20llu ", (unsigned long long)v[k]);
        }
        if (names[i].unit)
            text_printf(t, "%-10s\n", names[i].unit);
        else
            text_puts(t, "\n");
    }
    return 0;
}

static int show_io(struct text *t, const struct proc_who *w)
{
    struct usage u;
    task_usage(w->task, &u);
    text_printf(t,
                "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: %llu\nwrite_bytes: %llu\n"
                "cancelled_write_bytes: 0\n",
                (unsigned long long)u.inblock * 512, (unsigned long long)u.oublock * 512);
    return 0;
}

// --- who goes first when memory runs out -----------------------------------------------------

static int show_oom_score(struct text *t, const struct proc_who *w)
{
    struct frame_stats f;
    frame_stats(&f);
    i64 points = 0;
    struct aspace *as = who_space(w);
    if (as) {
        if (w->task != init_task && w->task->oom_adj > -1000 && f.total) {
            i64 all = (i64)f.total;
            i64 badness = (i64)(pages_of(&as->rss_anon) + pages_of(&as->rss_file)) +
                          w->task->oom_adj * (all / 1000);
            points = MAX((1000 + badness * 1000 / all) * 2 / 3, 0l);
        }
        aspace_put(as);
    }
    text_printf(t, "%lld\n", (long long)points);
    return 0;
}

static int show_oom_score_adj(struct text *t, const struct proc_who *w)
{
    text_printf(t, "%d\n", w->task->oom_adj);
    return 0;
}

static int show_oom_adj(struct text *t, const struct proc_who *w)
{
    i32 adj = w->task->oom_adj;
    text_printf(t, "%d\n", adj >= 1000 ? 15 : adj * 17 / 1000);
    return 0;
}

static int parse_line(const char *s, usize n, i64 *out)
{
    while (n && (s[n - 1] == '\n' || s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    while (n && (*s == ' ' || *s == '\t')) {
        s++;
        n--;
    }
    return parse_i64(s, n, 10, out) ? -E_INVAL : 0;
}

static int set_oom(const struct proc_who *w, i64 adj)
{
    if (adj < w->task->oom_adj && !capable(CAP_SYS_RESOURCE))
        return -E_ACCES;
    w->task->oom_adj = (i32)adj;
    return 0;
}

static i64 write_oom_score_adj(const struct proc_who *w, const char *s, usize n)
{
    i64 v;
    if (parse_line(s, n, &v) || v < -1000 || v > 1000)
        return -E_INVAL;
    return set_oom(w, v);
}

static i64 write_oom_adj(const struct proc_who *w, const char *s, usize n)
{
    i64 v;
    if (parse_line(s, n, &v) || v < -17 || v > 15)
        return -E_INVAL;
    return set_oom(w, v == 15 ? 1000 : v * 1000 / 17);
}

// --- failing on purpose: fail-nth of Linux's fault injection, for allocations of all kinds ------

static int show_fail_nth(struct text *t, const struct proc_who *w)
{
    text_printf(t, "%llu\n",
                (unsigned long long)(w->task == current_task() ? frame_fail_left() : 0));
    return 0;
}

static i64 write_fail_nth(const struct proc_who *w, const char *s, usize n)
{
    i64 v;
    if (parse_line(s, n, &v) || v < 0 || w->task != current_task())
        return -E_INVAL;
    frame_fail_own((u64)v);
    return 0;
}

// --- words without a machine behind them ------------------------------------------------------

static int show_personality(struct text *t, const struct proc_who *w)
{
    text_printf(t, "%08x\n", w->task->personality);
    return 0;
}

static int show_wchan(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "0"); // kernel symbols are not told
    return 0;
}

static int show_cgroup(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "0::/\n");
    return 0;
}

static int show_no_id(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "4294967295");
    return 0;
}

static int show_id_map(struct text *t, const struct proc_who *w)
{
    (void)w;
    text_puts(t, "         0          0 4294967295\n");
    return 0;
}

static int show_schedstat(struct text *t, const struct proc_who *w)
{
    struct task_state s;
    task_state_get(w, &s);
    text_printf(t, "%llu 0 %llu\n", (unsigned long long)(s.usage.utime_ns + s.usage.stime_ns),
                (unsigned long long)(s.usage.nvcsw + s.usage.nivcsw));
    task_state_put(&s);
    return 0;
}

// --- links -----------------------------------------------------------------------------------

static int follow_view(const struct proc_who *w, struct path *out,
                       void (*get)(struct view *, struct path *))
{
    spin_lock(&w->task->lock);
    struct view *v = w->task->view;
    if (v)
        get(v, out);
    spin_unlock(&w->task->lock);
    return v ? 0 : -E_NOENT;
}

static int follow_cwd(const struct proc_who *w, struct path *out)
{
    return follow_view(w, out, view_cwd);
}

static int follow_root(const struct proc_who *w, struct path *out)
{
    return follow_view(w, out, view_root);
}

static int follow_exe(const struct proc_who *w, struct path *out)
{
    struct object *exe = NULL;
    spin_lock(&w->task->lock); // while the task has its space, that has its program
    if (w->task->aspace && w->task->aspace->exe) {
        exe = w->task->aspace->exe;
        object_get(exe);
    }
    spin_unlock(&w->task->lock);
    if (!exe)
        return -E_NOENT;
    const struct path *p = object_path(exe);
    if (p) {
        *out = *p;
        path_get(out);
    }
    object_put(exe);
    return p ? 0 : -E_NOENT;
}

static i64 place_text(const struct proc_who *w, char *buf, usize cap,
                      int (*follow)(const struct proc_who *, struct path *))
{
    struct path p;
    char *whole = kmalloc(PATH_MAX_LEN, 0), *at;
    if (!whole)
        return -E_NOMEM;
    i64 n = follow(w, &p);
    if (!n) {
        n = path_text(&p, NULL, PATH_TEXT_DELETED, whole, PATH_MAX_LEN, &at);
        path_put(&p);
        if (n > 0) {
            n = MIN(n, (i64)cap);
            memcpy(buf, at, (usize)n);
        }
    }
    kfree(whole);
    return n;
}

static i64 read_cwd(const struct proc_who *w, char *buf, usize cap)
{
    return place_text(w, buf, cap, follow_cwd);
}

static i64 read_root(const struct proc_who *w, char *buf, usize cap)
{
    return place_text(w, buf, cap, follow_root);
}

static i64 read_exe(const struct proc_who *w, char *buf, usize cap)
{
    return place_text(w, buf, cap, follow_exe);
}

// --- the tables ------------------------------------------------------------------------------

static u32 thread_links(struct proc_node *dir)
{
    struct proc_who w;
    if (who_get(dir, &w))
        return 0;
    spin_lock(&w.task->lock);
    u32 n = proc_thread_count(w.task);
    spin_unlock(&w.task->lock);
    who_put(&w);
    return n;
}

static const struct proc_entry no_entries[] = {{0}};

#define FILE_(n, perm, fl, fn) {.name = n, .mode = MODE_REG | perm, .flags = fl, .show = fn}
#define FILE_RW(n, perm, fn, wr) {.name = n, .mode = MODE_REG | perm, .show = fn, .write = wr}
#define LINK_(n, rd, fo) {.name = n, .mode = MODE_LNK | 0777, .readlink = rd, .follow = fo}
// What tasks and threads have in common.
#define COMMON_ENTRIES                                                                             \
    {.name = "fd",                                                                                 \
     .mode = MODE_DIR | 0500,                                                                      \
     .flags = PROC_OWNER | PROC_COUNTED,                                                           \
     .lookup = proc_fd_lookup,                                                                     \
     .readdir = proc_fd_readdir},                                                                  \
        {.name = "fdinfo",                                                                         \
         .mode = MODE_DIR | 0555,                                                                  \
         .flags = PROC_OWNER,                                                                      \
         .lookup = proc_fd_lookup,                                                                 \
         .readdir = proc_fd_readdir},                                                              \
        {.name = "net", .mode = MODE_DIR | 0555, .children = no_entries},                          \
        {.name = "environ",                                                                        \
         .mode = MODE_REG | 0400,                                                                  \
         .flags = PROC_LOOK,                                                                       \
         .fops = &proc_environ_fops},                                                              \
        FILE_("auxv", 0400, PROC_LOOK, show_auxv), FILE_("status", 0444, 0, show_status),          \
        FILE_("personality", 0400, PROC_LOOK, show_personality),                                   \
        FILE_("limits", 0444, 0, show_limits), FILE_RW("comm", 0644, show_comm, write_comm),       \
        {.name = "cmdline", .mode = MODE_REG | 0444, .fops = &proc_cmdline_fops},                  \
        FILE_("stat", 0444, 0, show_stat), FILE_("statm", 0444, 0, show_statm),                    \
        FILE_("maps", 0444, PROC_LOOK, show_maps),                                                 \
        {.name = "mem", .mode = MODE_REG | 0600, .flags = PROC_LOOK, .fops = &proc_mem_fops},      \
        LINK_("cwd", read_cwd, follow_cwd), LINK_("root", read_root, follow_root),                 \
        LINK_("exe", read_exe, follow_exe), FILE_("mounts", 0444, PROC_WORKER, show_mounts),       \
        FILE_("mountinfo", 0444, PROC_WORKER, show_mountinfo),                                     \
        FILE_("smaps", 0444, PROC_LOOK, show_smaps),                                               \
        FILE_("smaps_rollup", 0444, PROC_LOOK, show_smaps_rollup),                                 \
        FILE_("wchan", 0444, 0, show_wchan), FILE_("schedstat", 0444, 0, show_schedstat),          \
        FILE_("cgroup", 0444, 0, show_cgroup), FILE_("oom_score", 0444, 0, show_oom_score),        \
        FILE_RW("oom_adj", 0644, show_oom_adj, write_oom_adj),                                     \
        FILE_RW("oom_score_adj", 0644, show_oom_score_adj, write_oom_score_adj),                   \
        {.name = "fail-nth",                                                                       \
         .mode = MODE_REG | 0600,                                                                  \
         .flags = PROC_ADMIN,                                                                      \
         .show = show_fail_nth,                                                                    \
         .write = write_fail_nth},                                                                 \
        FILE_("loginuid", 0644, 0, show_no_id), FILE_("sessionid", 0444, 0, show_no_id),           \
        FILE_("io", 0400, PROC_LOOK, show_io), FILE_("uid_map", 0644, 0, show_id_map),             \
        FILE_("gid_map", 0644, 0, show_id_map)

static const struct proc_entry task_entries[] = {
    {.name = "task",
     .mode = MODE_DIR | 0555,
     .lookup = proc_tasks_lookup,
     .readdir = proc_tasks_readdir,
     .links = thread_links},
    COMMON_ENTRIES,
    FILE_("mountstats", 0400, PROC_WORKER, show_mountstats),
    {0},
};
static const struct proc_entry thread_entries[] = {COMMON_ENTRIES, {0}};

const struct proc_entry proc_task_entry = {
    .name = "", .mode = MODE_DIR | 0555, .children = task_entries};
const struct proc_entry proc_thread_entry = {
    .name = "", .mode = MODE_DIR | 0555, .children = thread_entries};
