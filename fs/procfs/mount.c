// The file system type, its root, and the directories of tasks below it.
#include "procfs.h"
#include <lib/parse.h>
#include <lib/printf.h>

enum : u64 { PROC_MAGIC = 0x9fa0 };

static struct proc_node ids_of(struct task *t, struct task_thread *tt)
{
    return (struct proc_node){.pid = t->pid,
                              .tid = tt ? tt->tid : 0,
                              .task_start = t->start_ns,
                              .thread_start = tt ? tt->start_ns : 0,
                              .fd = -1};
}

int proc_root_lookup(struct proc_node *dir, const struct pathname *name, struct node **out)
{
    u32 nr;
    int r = -E_NOENT;
    if (!proc_number(name, &nr) || !nr)
        return r;
    struct task *t = task_find(nr);
    if (t) {
        struct proc_node ids = ids_of(t, NULL);
        r = proc_make(dir->node.sb, &proc_task_entry, &ids, proc_ino(&ids, &proc_task_entry), out);
        task_put(t);
        return r;
    }
    struct task_thread *tt = task_find_thread(nr); // not listed, but there
    if (tt) {
        struct proc_node ids = ids_of(tt->task, tt);
        r = proc_make(dir->node.sb, &proc_task_entry, &ids, proc_ino(&ids, &proc_task_entry), out);
        task_thread_put(tt);
    }
    return r;
}

struct listing {
    u64 *cookie;
    struct dir_sink *sink;
};

static bool list_number(struct listing *l, u32 nr, u64 ino, u32 type)
{
    char name[12];
    usize len = kscnprintf(name, sizeof(name), "%u", nr);
    if (!l->sink->emit(l->sink, name, len, ino, type >> 12, PROC_DYNAMIC + nr + 1))
        return false;
    *l->cookie = PROC_DYNAMIC + nr + 1;
    return true;
}

static int list_task(struct task *t, void *arg)
{
    struct proc_node ids = ids_of(t, NULL);
    return !list_number(arg, t->pid, proc_ino(&ids, &proc_task_entry), MODE_DIR);
}

int proc_root_readdir(struct proc_node *dir, u64 *cookie, struct dir_sink *sink)
{
    (void)dir;
    struct listing l = {cookie, sink};
    (void)task_for_each((u32)(*cookie - PROC_DYNAMIC), list_task, &l);
    return 0;
}

// --- /proc/PID/task --------------------------------------------------------------------------

int proc_tasks_lookup(struct proc_node *dir, const struct pathname *name, struct node **out)
{
    u32 nr;
    struct proc_who w;
    if (!proc_number(name, &nr) || who_get(dir, &w))
        return -E_NOENT;
    int r = -E_NOENT;
    struct task_thread *tt = task_find_thread(nr);
    if (tt && tt->task != w.task) {
        task_thread_put(tt);
        tt = NULL;
    }
    if (tt || nr == dir->pid) { // an ended first thread is listed as long as its task
        struct proc_node ids = ids_of(w.task, tt);
        ids.tid = nr;
        r = proc_make(dir->node.sb, &proc_thread_entry, &ids, proc_ino(&ids, &proc_thread_entry),
                      out);
    }
    if (tt)
        task_thread_put(tt);
    who_put(&w);
    return r;
}

// The smallest number >= from among the task's threads, or 0.
static u32 next_thread(struct task *t, u32 from)
{
    u32 best = from <= t->pid ? t->pid : 0;
    struct task_thread *tt;
    spin_lock(&t->lock);
    list_for_each_entry (tt, &t->threads, link)
        if (tt->tid >= from && (!best || tt->tid < best))
            best = tt->tid;
    spin_unlock(&t->lock);
    return best;
}

int proc_tasks_readdir(struct proc_node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct proc_who w;
    if (who_get(dir, &w))
        return -E_NOENT;
    struct listing l = {cookie, sink};
    u32 nr;
    while ((nr = next_thread(w.task, (u32)(*cookie - PROC_DYNAMIC)))) {
        struct proc_node ids = ids_of(w.task, NULL);
        ids.tid = nr;
        if (!list_number(&l, nr, proc_ino(&ids, &proc_thread_entry), MODE_DIR))
            break;
    }
    who_put(&w);
    return 0;
}

// --- the type --------------------------------------------------------------------------------

static int check_options(const char *data)
{
    struct fs_option o;
    u64 v;
    while (fs_next_option(&data, &o)) {
        if (!o.bad && o.has_val && !strcmp(o.key, "hidepid") &&
            (!strcmp(o.val, "0") || !strcmp(o.val, "off")))
            continue;
        if (!o.bad && o.has_val && !strcmp(o.key, "gid") &&
            !parse_u64(o.val, strlen(o.val), 10, &v) && v < UINT32_MAX)
            continue;
        return -E_INVAL;
    }
    return 0;
}

static int proc_remount(struct superblock *sb, const char *data)
{
    (void)sb;
    return check_options(data);
}

static const struct superblock_ops proc_superblock_ops = {.remount = proc_remount,
                                                          .destroy = proc_forget_instance};

static int proc_mount(const struct filesystem_type *t, const struct fs_source *src,
                      struct superblock **out)
{
    int r = check_options(src->data);
    if (r)
        return r;
    struct superblock *sb = superblock_create(t, &proc_superblock_ops, PROC_MAGIC, NULL);
    if (!sb)
        return -E_NOMEM;
    const struct proc_node nobody = {.fd = -1};
    struct node *root;
    r = proc_make(sb, &proc_root_entry, &nobody, PROC_ROOT_INO, &root);
    if (!r)
        r = fs_make_root(sb, root);
    if (!r)
        r = proc_remember_instance(sb);
    if (r) {
        superblock_put(sb);
        return r;
    }
    *out = sb;
    return 0;
}

static const struct filesystem_type proc_type = {
    .name = "proc", .flags = FS_NODEV, .mount = proc_mount};
FILESYSTEM_TYPE(proc_type);
