// Operations of mount(2), umount(2) and pivot_root(2). The mount mutex is held from the checks to
// the change.
#include "mount_private.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <task/task.h>
#include <vfs/ops.h>

static int check_admin(void)
{
    return capable(CAP_SYS_ADMIN) ? 0 : -E_PERM;
}

static bool is_mount_root(const struct path *p)
{
    return p->dentry == p->mount->root;
}

static bool in_our_ns(const struct mount *m)
{
    return m->ns && m->ns == current_view()->ns;
}

// Puts a detached tree (its reference is consumed on success) on a place that is not a mountpoint
// itself any more.
static int attach_tree(struct mount *tree, const struct path *at)
{
    struct propagated *copies;
    struct node *n = path_node(at);
    if (!in_our_ns(at->mount))
        return -E_INVAL;
    if (dentry_unhashed(at->dentry) && !is_mount_root(at))
        return -E_NOENT;
    if (node_is_dir(n) != node_is_dir(dentry_node(tree->root)))
        return -E_NOTDIR;
    int r = propagate_mount(at->mount, at->dentry, tree, &copies);
    if (r)
        return r;
    vfs_tree_write_begin();
    mount_link(tree, at->mount, at->dentry);
    for (struct propagated *p = copies; p; p = p->next)
        mount_link(p->tree, p->parent, at->dentry);
    vfs_tree_write_end();
    mount_ns_changed(at->mount->ns);
    while (copies) {
        struct propagated *next = copies->next;
        mount_ns_changed(copies->parent->ns);
        kfree(copies);
        copies = next;
    }
    return 0;
}

// The topmost place at `at`: new mounts go on top of what is mounted there.
static void top_of(const struct path *at, struct path *out)
{
    *out = *at;
    path_get(out);
    path_down_mounts(out);
}

static int attach_new(struct mount *tree, const struct path *at, bool refuse_same)
{
    struct path top;
    mutex_lock(&mount_mutex);
    top_of(at, &top);
    int r =
        refuse_same && top.mount->sb == tree->sb && is_mount_root(&top) && top.dentry == tree->root
            ? -E_BUSY
            : attach_tree(tree, &top);
    if (r)
        mount_free_tree(tree);
    mutex_unlock(&mount_mutex);
    path_put(&top);
    return r;
}

int vfs_mount_new(const struct path *at, const struct mount_request *req)
{
    int r = check_admin();
    if (r)
        return r;
    if (!req->type)
        return -E_INVAL;
    const struct filesystem_type *t = fs_type_find(req->type, strlen(req->type));
    if (!t || (t->flags & FS_KERNEL_ONLY))
        return -E_NODEV;
    const struct fs_source src = {.source = req->source, .data = req->data, .flags = req->flags};
    struct superblock *sb;
    r = t->mount(t, &src, &sb);
    if (r)
        return r;
    u32 flags = req->flags;
    if (!(flags & (MOUNT_NOATIME | MOUNT_STRICTATIME)))
        flags |= MOUNT_RELATIME;
    struct mount *m = mount_alloc(sb, sb->root, flags, req->source);
    if (!m)
        superblock_shutdown(sb);
    superblock_put(sb);
    return m ? attach_new(m, at, true) : -E_NOMEM;
}

int vfs_mount_bind(const struct path *from, const struct path *at, bool recursive)
{
    struct mount *tree = NULL;
    int r = check_admin();
    if (r)
        return r;
    mutex_lock(&mount_mutex);
    if (!in_our_ns(from->mount) || from->mount->propagation == PROP_UNBINDABLE)
        r = -E_INVAL;
    else if (recursive)
        r = mount_clone_tree(from->mount, from->dentry, true, true, &tree);
    else if (!(tree = mount_clone(from->mount, from->dentry, true)))
        r = -E_NOMEM;
    mutex_unlock(&mount_mutex);
    return r ? r : attach_new(tree, at, false);
}

static bool is_ancestor(const struct mount *m, const struct mount *of)
{
    for (;; of = of->parent) {
        if (of == m)
            return true;
        if (of->parent == of)
            return false;
    }
}

int vfs_mount_move(const struct path *from, const struct path *at)
{
    struct path top, old = {0};
    struct mount *m = from->mount;
    int r = check_admin();
    if (r)
        return r;
    mutex_lock(&mount_mutex);
    top_of(at, &top);
    if (!in_our_ns(m) || !in_our_ns(top.mount) || !is_mount_root(from) || m->parent == m ||
        m->parent->propagation == PROP_SHARED)
        r = -E_INVAL;
    else if (node_is_dir(path_node(&top)) != node_is_dir(path_node(from)))
        r = -E_NOTDIR;
    else if (is_ancestor(m, top.mount))
        r = -E_LOOP;
    else if (top.mount->propagation == PROP_SHARED)
        r = -E_INVAL; // would have to be copied to the peers
    if (!r) {
        vfs_tree_write_begin();
        mount_lift(m, &old);
        mount_link(m, top.mount, top.dentry);
        vfs_tree_write_end();
        mount_ns_changed(m->ns);
    }
    mutex_unlock(&mount_mutex);
    path_put(&top);
    path_put(&old);
    return r;
}

// Sets a flag that forbids writing, unless somebody has a file opened for it. -E_BUSY.
static int forbid_writing(_Atomic u32 *flags, u32 flag, const _Atomic u32 *writers)
{
    u32 before = atomic_fetch_or(flags, flag);
    atomic_thread_fence(memory_order_seq_cst);
    if (before & flag || !atomic_load(writers))
        return 0;
    atomic_fetch_and(flags, ~flag);
    return -E_BUSY;
}

static int remount_fs(struct superblock *sb, u32 flags, const char *data)
{
    bool was = atomic_load_explicit(&sb->flags, memory_order_relaxed) & SB_RDONLY;
    bool will = flags & MOUNT_RDONLY;
    int r = will ? forbid_writing(&sb->flags, SB_RDONLY, &sb->writers) : 0;
    if (r)
        return r;
    if (sb->ops->remount)
        r = sb->ops->remount(sb, data);
    if (r ? will && !was : !will)
        atomic_fetch_and_explicit(&sb->flags, ~(u32)SB_RDONLY, memory_order_relaxed);
    return r;
}

int vfs_remount(const struct path *at, u32 flags, bool bind_only, const char *data)
{
    struct mount *m = at->mount;
    int r = check_admin();
    if (r)
        return r;
    if (!is_mount_root(at))
        return -E_INVAL;
    if (!(flags & (MOUNT_NOATIME | MOUNT_STRICTATIME)))
        flags |= MOUNT_RELATIME;
    mutex_lock(&mount_mutex);
    if (!in_our_ns(m))
        r = -E_INVAL;
    if (!r && !bind_only)
        r = remount_fs(m->sb, flags, data);
    if (!r && bind_only && flags & MOUNT_RDONLY)
        r = forbid_writing(&m->flags, MOUNT_RDONLY, &m->writers);
    if (!r) {
        atomic_store_explicit(&m->flags, flags & MOUNT_FLAGS_MASK, memory_order_relaxed);
        mount_ns_changed(m->ns);
    }
    mutex_unlock(&mount_mutex);
    return r;
}

int vfs_mount_propagation(const struct path *at, enum mount_propagation p, bool recursive)
{
    int r = check_admin();
    if (r)
        return r;
    if (!is_mount_root(at))
        return -E_INVAL;
    mutex_lock(&mount_mutex);
    struct mount *top = at->mount;
    for (struct mount *m = top; m; m = recursive ? mount_next(m, top) : NULL)
        propagate_set(m, p);
    mount_ns_changed(top->ns);
    mutex_unlock(&mount_mutex);
    return 0;
}

struct umount_others {
    struct dentry *mountpoint;
    struct list *gone;
};

static void collect_umount(struct mount *q, void *arg)
{
    struct umount_others *u = arg;
    struct mount *child = mount_find(q, u->mountpoint);
    if (child && list_empty(&child->children) && list_empty(&child->umount_link))
        list_add_tail(u->gone, &child->umount_link);
}

int vfs_umount(const struct path *at, u32 flags)
{
    struct list gone = LIST_INIT(gone);
    struct mount *m = at->mount;
    int r = check_admin();
    if (r)
        return r;
    if (!is_mount_root(at))
        return -E_INVAL;
    if ((flags & UMOUNT_EXPIRE) && (flags & (UMOUNT_FORCE | UMOUNT_DETACH)))
        return -E_INVAL;
    mutex_lock(&mount_mutex);
    if (!in_our_ns(m) || m->parent == m) {
        r = -E_INVAL;
    } else if (!(flags & UMOUNT_DETACH)) {
        // One reference for hanging there, one of the caller's path.
        dentry_shrink(m->sb);
        if (!list_empty(&m->children) || refcount_read(&m->refs) > 2)
            r = -E_BUSY;
    }
    if (!r) {
        for (struct mount *q = m; q; q = mount_next(q, m))
            list_add_tail(&gone, &q->umount_link);
        if (m->parent->propagation == PROP_SHARED) {
            struct umount_others u = {m->mountpoint, &gone};
            propagate_each(m->parent, collect_umount, &u);
        }
        struct mount_ns *ns = m->ns;
        mount_detach_list(&gone);
        mount_ns_changed(ns);
    }
    mutex_unlock(&mount_mutex);
    mount_release(&gone);
    return r;
}

struct pivot {
    struct path old_root, new_root;
};

static int pivot_one(struct task *t, void *arg)
{
    struct pivot *p = arg;
    spin_lock(&t->lock);
    struct view *v = t->view;
    if (v)
        view_get(v);
    spin_unlock(&t->lock);
    if (!v)
        return 0;
    struct path root, cwd;
    view_root(v, &root);
    view_cwd(v, &cwd);
    if (root.mount == p->old_root.mount && root.dentry == p->old_root.dentry)
        view_set_root(v, &p->new_root);
    if (cwd.mount == p->old_root.mount && cwd.dentry == p->old_root.dentry)
        view_set_cwd(v, &p->new_root);
    path_put(&root);
    path_put(&cwd);
    view_put(v);
    return 0;
}

int vfs_pivot_root(const struct path *new_root, const struct path *put_old)
{
    struct path root, old_place = {0}, above = {0};
    int r = check_admin();
    if (r)
        return r;
    view_root(current_view(), &root);
    struct mount *nm = new_root->mount, *om = root.mount;
    mutex_lock(&mount_mutex);
    if (!in_our_ns(nm) || !in_our_ns(om))
        r = -E_INVAL;
    else if (dentry_unhashed(new_root->dentry) && !is_mount_root(new_root))
        r = -E_NOENT;
    else if (nm == om || put_old->mount == om)
        r = -E_BUSY;
    else if (!is_mount_root(&root) || !is_mount_root(new_root) || nm->parent == nm)
        r = -E_INVAL;
    else if (!path_reachable(put_old, new_root) || !path_reachable(new_root, &root))
        r = -E_INVAL;
    else if (om->parent != om && om->parent->propagation == PROP_SHARED)
        r = -E_INVAL;
    else if (nm->propagation == PROP_SHARED || nm->parent->propagation == PROP_SHARED ||
             put_old->mount->propagation == PROP_SHARED)
        r = -E_INVAL;
    else if (om->parent == om && om != om->ns->root)
        r = -E_INVAL;
    if (!r) {
        struct mount_ns *ns = nm->ns;
        vfs_tree_write_begin();
        mount_lift(nm, &old_place);
        mount_lift(om, &above);
        if (above.mount)
            mount_link(nm, above.mount, above.dentry);
        else
            ns->root = nm;
        mount_link(om, put_old->mount, put_old->dentry);
        vfs_tree_write_end();
        mount_ns_changed(ns);
    }
    mutex_unlock(&mount_mutex);
    if (!r) {
        struct pivot p = {root, *new_root};
        (void)task_for_each(0, pivot_one, &p);
        path_put(&old_place);
        path_put(&above);
    }
    path_put(&root);
    return r;
}
