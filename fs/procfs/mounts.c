// mounts, mountinfo and mountstats: the mounts that a task sees below its root. The mount mutex is
// held while they are listed, so these texts are made by a worker (PROC_WORKER).
#include "procfs.h"
#include <mem/slab.h>

static const char special[] = " \t\n\\#";

struct listing {
    struct text *text;
    char *buf; // PATH_MAX_LEN bytes
    struct path root;
    void (*put)(struct listing *l, struct mount *m);
};

static void put_options(struct text *t, u32 flags)
{
    static const struct {
        u32 flag;
        const char *name;
    } names[] = {{MOUNT_NOSUID, ",nosuid"},          {MOUNT_NODEV, ",nodev"},
                 {MOUNT_NOEXEC, ",noexec"},          {MOUNT_NOATIME, ",noatime"},
                 {MOUNT_NODIRATIME, ",nodiratime"},  {MOUNT_RELATIME, ",relatime"},
                 {MOUNT_NOSYMFOLLOW, ",nosymfollow"}};
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        if (flags & names[i].flag)
            text_puts(t, names[i].name);
}

static bool readonly_fs(const struct superblock *sb)
{
    return atomic_load_explicit(&((struct superblock *)(uintptr_t)sb)->flags,
                                memory_order_relaxed) &
           SB_RDONLY;
}

static void put_fs_options(struct listing *l, struct superblock *sb)
{
    if (!sb->ops->show_options)
        return;
    usize n = sb->ops->show_options(sb, l->buf, PATH_MAX_LEN);
    text_put(l->text, l->buf, MIN(n, (usize)PATH_MAX_LEN - 1));
}

static void put_source(struct listing *l, const struct mount *m)
{
    const char *s = m->source ? m->source : "none";
    text_escaped(l->text, s, strlen(s), special);
}

static void put_place(struct listing *l, struct mount *m)
{
    const struct path top = {m, m->root};
    char *at;
    i64 n = path_text(&top, &l->root, 0, l->buf, PATH_MAX_LEN, &at);
    if (n > 0)
        text_escaped(l->text, at, (usize)n, special);
}

// The name of a dentry within its file system.
static void put_inner(struct listing *l, struct dentry *from)
{
    char *end = l->buf + PATH_MAX_LEN, *at;
    u32 seq;
    do {
        seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
        at = end;
        rcu_read_lock();
        for (struct dentry *d = from, *up; (up = rcu_load(d->parent)) != d; d = up) {
            const char *name = atomic_load_explicit(&d->name, memory_order_acquire);
            usize len =
                strnlen(name, atomic_load_explicit(&d->hash_len, memory_order_relaxed) & 0xff);
            if ((usize)(at - l->buf) < len + 1)
                break;
            at -= len;
            memcpy(at, name, len);
            *--at = '/';
        }
        rcu_read_unlock();
        atomic_thread_fence(memory_order_acquire);
    } while ((seq & 1) || atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) != seq);
    if (at == end)
        text_puts(l->text, "/");
    else
        text_escaped(l->text, at, (usize)(end - at), special);
}

static void put_mounts_line(struct listing *l, struct mount *m)
{
    u32 flags = mount_flags(m);
    put_source(l, m);
    text_puts(l->text, " ");
    put_place(l, m);
    text_printf(l->text, " %s %s", m->sb->type->name,
                (flags & MOUNT_RDONLY) || readonly_fs(m->sb) ? "ro" : "rw");
    put_options(l->text, flags);
    put_fs_options(l, m->sb);
    text_puts(l->text, " 0 0\n");
}

static void put_mountinfo_line(struct listing *l, struct mount *m)
{
    struct text *t = l->text;
    u32 flags = mount_flags(m);
    text_printf(t, "%llu %llu %u:%u ", (unsigned long long)m->id,
                (unsigned long long)rcu_load(m->parent)->id, (u32)(m->sb->dev >> 32),
                (u32)m->sb->dev);
    put_inner(l, m->root);
    text_puts(t, " ");
    put_place(l, m);
    text_puts(t, flags & MOUNT_RDONLY ? " ro" : " rw");
    put_options(t, flags);
    if (m->propagation == PROP_SHARED)
        text_printf(t, " shared:%u", m->peer_group);
    if (m->master)
        text_printf(t, " master:%u", m->master->peer_group);
    if (m->propagation == PROP_UNBINDABLE)
        text_puts(t, " unbindable");
    text_printf(t, " - %s ", m->sb->type->name);
    put_source(l, m);
    text_puts(t, readonly_fs(m->sb) ? " ro" : " rw");
    put_fs_options(l, m->sb);
    text_puts(t, "\n");
}

static void put_mountstats_line(struct listing *l, struct mount *m)
{
    if (m->source) {
        text_puts(l->text, "device ");
        put_source(l, m);
    } else {
        text_puts(l->text, "no device");
    }
    text_puts(l->text, " mounted on ");
    put_place(l, m);
    text_printf(l->text, " with fstype %s \n", m->sb->type->name);
}

static int put_one(struct mount *m, void *arg)
{
    struct listing *l = arg;
    const struct path top = {m, m->root};
    if (path_reachable(&top, &l->root))
        l->put(l, m);
    return l->text->failed ? -E_NOMEM : 0;
}

static int list_mounts(struct text *t, const struct proc_who *w,
                       void (*put)(struct listing *l, struct mount *m))
{
    struct listing l = {.text = t, .put = put, .buf = kmalloc(PATH_MAX_LEN, 0)};
    if (!l.buf)
        return -E_NOMEM;
    spin_lock(&w->task->lock);
    struct view *v = w->task->view;
    if (v)
        view_get(v);
    spin_unlock(&w->task->lock);
    int r = -E_INVAL;
    if (v) {
        view_root(v, &l.root);
        r = mount_ns_for_each(v->ns, put_one, &l);
        path_put(&l.root);
        view_put(v);
    }
    kfree(l.buf);
    return r;
}

int show_mounts(struct text *t, const struct proc_who *w)
{
    return list_mounts(t, w, put_mounts_line);
}

int show_mountinfo(struct text *t, const struct proc_who *w)
{
    return list_mounts(t, w, put_mountinfo_line);
}

int show_mountstats(struct text *t, const struct proc_who *w)
{
    return list_mounts(t, w, put_mountstats_line);
}
