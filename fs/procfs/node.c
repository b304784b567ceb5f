// Nodes: made when a name is looked up, alike for all tables. What belongs to a task is asked again
// at every walk (revalidate): is the task still there, and whose is it now?
#include "procfs.h"
#include <lib/parse.h>
#include <mem/slab.h>
#include <procfs/task.h>

DEFINE_SLAB(proc_nodes, struct proc_node);

u64 proc_ino(const struct proc_node *ids, const struct proc_entry *e)
{
    u64 place = (uintptr_t)e / 8;
    if (!ids->pid)
        return 0xf000'0000 | (place & 0xfff'ffff);
    u64 whose = ids->tid ? 1ull << 63 | (u64)ids->tid << 32 : (u64)ids->pid << 32;
    if (ids->fd >= 0) // a handle, or what is said of it
        return whose | (u64)(e == &proc_fd_link) << 30 | (u64)ids->fd;
    return whose | 1u << 31 | (place & 0x3fff'ffff);
}

// The owner is that of the task, but for things a task with secrets keeps from its own user.
static void update_owner(struct proc_node *n, const struct proc_who *w)
{
    u32 uid = 0, gid = 0;
    if (w->task && (w->task->dumpable || n->entry->mode == (MODE_DIR | 0555))) {
        struct cred *c = task_cred_get(w->task);
        uid = c->euid;
        gid = c->egid;
        cred_put(c);
    }
    struct setattr s = {.valid = SET_UID | SET_GID, .uid = uid, .gid = gid};
    node_apply_setattr(&n->node, &s);
}

static bool proc_revalidate(struct node *dir, const struct pathname *name, struct node *node)
{
    (void)dir, (void)name;
    struct proc_node *n = proc_node(node);
    struct proc_who w;
    if (who_get(n, &w))
        return false;
    bool there = n->fd < 0 || proc_fd_exists(&w, n->fd);
    if (there)
        update_owner(n, &w);
    who_put(&w);
    return there;
}

static int proc_getattr(struct node *node, struct attr *a)
{
    struct proc_node *n = proc_node(node);
    struct proc_who w;
    if (who_get(n, &w)) { // as it was; only an open directory or file leads here
        node_fill_attr(node, a);
        return 0;
    }
    if (n->pid)
        update_owner(n, &w);
    node_fill_attr(node, a);
    a->blksize = 1024;
    if (n->entry == &proc_fd_link) { // the permission bits say how the handle may be used
        struct handle_table *handles = task_handles_get(w.task);
        struct href h;
        if (handles && !handle_lookup(handles, n->fd, &h)) {
            a->mode = MODE_LNK | 0100 | (h.rights & RIGHT_READ ? 0400u : 0) |
                      (h.rights & RIGHT_WRITE ? 0200u : 0);
            a->size = 64;
            href_put(&h);
        }
        if (handles)
            handle_table_put(handles);
    }
    if (node_is_dir(node)) {
        a->nlink = 2;
        for (const struct proc_entry *e = n->entry->children; e && e->name; e++)
            a->nlink += (e->mode & MODE_FMT) == MODE_DIR;
    }
    if (n->entry->links)
        a->nlink += n->entry->links(n);
    if (n->entry->flags & PROC_COUNTED)
        a->size = proc_fd_count(&w);
    who_put(&w);
    return 0;
}

static int proc_setattr(struct node *node, const struct setattr *s)
{
    if (s->valid & SET_MODE)
        return -E_PERM;
    node_apply_setattr(node, s);
    return 0;
}

static int proc_truncate(struct node *node, u64 size)
{
    (void)node, (void)size;
    return 0; // what is written replaces the value anyway
}

static void proc_free(struct node *node)
{
    slab_def_free(&proc_nodes, proc_node(node));
}

// --- directories -----------------------------------------------------------------------------

static int dir_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    struct proc_node *d = proc_node(dir);
    for (const struct proc_entry *e = d->entry->children; e && e->name; e++)
        if (strlen(e->name) == name->len && !memcmp(e->name, name->str, name->len))
            return proc_make(dir->sb, e, d, proc_ino(d, e), out);
    return d->entry->lookup ? d->entry->lookup(d, name, out) : -E_NOENT;
}

static int dir_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct proc_node *d = proc_node(dir);
    struct proc_who w;
    if (who_get(d, &w))
        return -E_NOENT;
    who_put(&w);
    u64 at = 2;
    for (const struct proc_entry *e = d->entry->children; e && e->name; e++, at++) {
        if (at < *cookie)
            continue;
        if (!sink->emit(sink, e->name, strlen(e->name), proc_ino(d, e), e->mode >> 12, at + 1))
            return 0;
        *cookie = at + 1;
    }
    if (!d->entry->readdir)
        return 0;
    *cookie = MAX(*cookie, (u64)PROC_DYNAMIC);
    return d->entry->readdir(d, cookie, sink);
}

static int owner_permission(struct node *node, u32 want, const struct cred *c)
{
    int r = node_permission_generic(node, want, c);
    struct task *me = current_task();
    return r && me && me->pid == proc_node(node)->pid ? 0 : r;
}

// A dead task's directory cannot be used any more.
static int task_permission(struct node *node, u32 want, const struct cred *c)
{
    struct proc_who w;
    if (who_get(proc_node(node), &w))
        return -E_SRCH;
    who_put(&w);
    return node_permission_generic(node, want, c);
}

bool proc_number(const struct pathname *name, u32 *out)
{
    u64 v;
    if (name->len > 10 || parse_u64(name->str, name->len, 10, &v) || v > INT32_MAX)
        return false;
    if (name->str[0] == '0' && name->len > 1)
        return false;
    *out = (u32)v;
    return true;
}

// --- symlinks --------------------------------------------------------------------------------

static i64 link_readlink(struct node *node, char *buf, usize cap)
{
    struct proc_node *n = proc_node(node);
    struct proc_who w;
    if (who_get(n, &w))
        return -E_NOENT;
    i64 r = n->entry->follow ? who_may_look(&w) : 0;
    if (!r)
        r = n->entry->readlink(&w, buf, cap);
    who_put(&w);
    return r;
}

static int link_follow(struct node *node, struct path *out)
{
    struct proc_node *n = proc_node(node);
    struct proc_who w;
    if (who_get(n, &w))
        return -E_NOENT;
    int r = who_may_look(&w);
    if (!r)
        r = n->entry->follow(&w, out);
    who_put(&w);
    return r;
}

#define COMMON                                                                                     \
    .getattr = proc_getattr, .setattr = proc_setattr, .revalidate = proc_revalidate,               \
    .free = proc_free

static const struct node_ops dir_ops = {COMMON, .lookup = dir_lookup, .readdir = dir_readdir};
static const struct node_ops owner_dir_ops = {COMMON, .lookup = dir_lookup, .readdir = dir_readdir,
                                              .permission = owner_permission};
static const struct node_ops task_dir_ops = {COMMON, .lookup = dir_lookup, .readdir = dir_readdir,
                                             .permission = task_permission};
static const struct node_ops file_ops = {COMMON, .truncate = proc_truncate};
static const struct node_ops link_ops = {COMMON, .readlink = link_readlink};
static const struct node_ops magic_ops = {COMMON, .readlink = link_readlink, .follow = link_follow};

int proc_task_of(struct object *o, struct task **out)
{
    struct proc_who w;
    const struct file *f = object_file(o);
    if (!f || f->node->ops != &task_dir_ops || proc_node(f->node)->entry != &proc_task_entry)
        return -E_BADF;
    int err = who_get(proc_node(f->node), &w);
    if (err)
        return err;
    task_get(w.task);
    *out = w.task;
    who_put(&w);
    return 0;
}

static const struct node_ops *ops_for(const struct proc_entry *e)
{
    switch (e->mode & MODE_FMT) {
    case MODE_DIR:
        if (e == &proc_task_entry || e == &proc_thread_entry)
            return &task_dir_ops;
        return e->flags & PROC_OWNER ? &owner_dir_ops : &dir_ops;
    case MODE_LNK:
        return e->follow ? &magic_ops : &link_ops;
    default:
        return &file_ops;
    }
}

int proc_make(struct superblock *sb, const struct proc_entry *e, const struct proc_node *ids,
              u64 ino, struct node **out)
{
    struct proc_node *n = slab_def_alloc(&proc_nodes, ALLOC_ZERO);
    if (!n)
        return -E_NOMEM;
    node_init(&n->node, sb, ops_for(e), e->mode);
    n->node.ino = ino;
    n->entry = e;
    n->pid = ids->pid;
    n->tid = ids->tid;
    n->task_start = ids->task_start;
    n->thread_start = ids->thread_start;
    n->fd = ids->fd;
    u32 flags = n->pid ? NODE_REVALIDATE : 0;
    if (node_is_dir(&n->node))
        flags |= NODE_NO_NEGATIVE;
    if (n->node.ops->permission)
        flags |= NODE_NO_FASTPERM;
    if (e->follow)
        flags |= NODE_MAGIC;
    if ((e->mode & MODE_FMT) == MODE_REG)
        n->node.fops = e->fops ? e->fops : &proc_text_fops;
    atomic_store_explicit(&n->node.flags, flags, memory_order_relaxed);
    struct proc_who w;
    if (n->pid && !who_get(n, &w)) {
        update_owner(n, &w);
        who_put(&w);
    }
    *out = &n->node;
    return 0;
}
