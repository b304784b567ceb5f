// Mount namespaces. Their lists are guarded by the mount mutex.
#include "mount_private.h"
#include <mem/slab.h>

static _Atomic u64 next_ns_id = 1;

void mount_ns_changed(struct mount_ns *ns)
{
    if (!ns)
        return;
    atomic_fetch_add_explicit(&ns->changes, 1, memory_order_release);
    wake_all(&ns->changed, 0);
}

static struct mount_ns *ns_alloc(void)
{
    struct mount_ns *ns = kzalloc(sizeof(*ns), 0);
    if (!ns)
        return NULL;
    refcount_set(&ns->refs, 1);
    ns->id = atomic_fetch_add_explicit(&next_ns_id, 1, memory_order_relaxed);
    list_init(&ns->mounts);
    waitqueue_init(&ns->changed);
    return ns;
}

int mount_ns_create(struct superblock *root_fs, u32 flags, const char *source,
                    struct mount_ns **out)
{
    struct mount_ns *ns = ns_alloc();
    struct mount *m = mount_alloc(root_fs, root_fs->root, flags, source);
    if (!ns || !m) {
        mount_put(m);
        kfree(ns);
        return -E_NOMEM;
    }
    mutex_lock(&mount_mutex);
    m->ns = ns;
    list_add_tail(&ns->mounts, &m->ns_link);
    ns->root = m;
    mutex_unlock(&mount_mutex);
    *out = ns;
    return 0;
}

// Exchanges *p for the same place in the copied tree.
static void move_path(struct path *p, struct mount *from, struct mount *to)
{
    if (p->mount != from)
        return;
    mount_get(to);
    mount_put(from);
    p->mount = to;
}

int mount_ns_copy(struct mount_ns *old, struct path *root, struct path *cwd, struct mount_ns **out)
{
    struct mount_ns *ns = ns_alloc();
    struct mount *tree;
    if (!ns)
        return -E_NOMEM;
    mutex_lock(&mount_mutex);
    int r = mount_clone_tree(old->root, old->root->root, false, true, &tree);
    if (r) {
        mutex_unlock(&mount_mutex);
        kfree(ns);
        return r;
    }
    vfs_tree_write_begin();
    ns->root = tree;
    struct mount *from = old->root;
    for (struct mount *to = tree; to;
         to = mount_next(to, tree), from = mount_next(from, old->root)) {
        to->ns = ns;
        list_add_tail(&ns->mounts, &to->ns_link);
    }
    vfs_tree_write_end();
    // The copies hang in the table too, so that walks find them.
    from = old->root;
    for (struct mount *to = tree; to;
         to = mount_next(to, tree), from = mount_next(from, old->root)) {
        if (to != tree) {
            vfs_tree_write_begin();
            mount_hash_enter(to);
            vfs_tree_write_end();
        }
        move_path(root, from, to);
        move_path(cwd, from, to);
    }
    mutex_unlock(&mount_mutex);
    *out = ns;
    return 0;
}

void mount_ns_get(struct mount_ns *ns)
{
    refcount_inc(&ns->refs);
}

void mount_ns_put(struct mount_ns *ns)
{
    if (!ns || !refcount_dec_and_test(&ns->refs))
        return;
    struct list gone = LIST_INIT(gone);
    mutex_lock(&mount_mutex);
    mount_detach_tree(ns->root, &gone);
    mutex_unlock(&mount_mutex);
    mount_release(&gone);
    kfree(ns);
}

int mount_ns_for_each(struct mount_ns *ns, int (*fn)(struct mount *m, void *arg), void *arg)
{
    struct mount *m;
    int r = 0;
    mutex_lock(&mount_mutex);
    list_for_each_entry (m, &ns->mounts, ns_link) {
        r = fn(m, arg);
        if (r)
            break;
    }
    mutex_unlock(&mount_mutex);
    return r;
}
