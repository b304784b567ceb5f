// Mounts: the table that walks read, making, copying and releasing them.
#include "mount_private.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>

enum { MOUNT_BUCKETS = 512 };
static struct mount *_Atomic table[MOUNT_BUCKETS];
static _Atomic u64 next_id = 1;
struct mutex mount_mutex;

void mount_init_table(void)
{
    mutex_init(&mount_mutex, &lock_class_mount_sleep);
}

static inline struct mount *_Atomic *bucket(const struct mount *m, const struct dentry *d)
{
    return &table[(((uintptr_t)m >> 6) + ((uintptr_t)d >> 6)) * 0x9e37'79b9'7f4a'7c15ull >> 55];
}

struct mount *mount_find_rcu(const struct mount *parent, const struct dentry *d)
{
    struct mount *m = rcu_load(*bucket(parent, d));
    while (m && (rcu_load(m->parent) != parent ||
                 atomic_load_explicit(&m->mountpoint, memory_order_relaxed) != d || m->parent == m))
        m = rcu_load(m->hash_next);
    return m;
}

struct mount *mount_find(const struct mount *parent, const struct dentry *d)
{
    rcu_read_lock();
    struct mount *m = mount_find_rcu(parent, d);
    rcu_read_unlock();
    return m;
}

struct mount *mount_alloc(struct superblock *sb, struct dentry *root, u32 flags, const char *source)
{
    struct mount *m = kzalloc(sizeof(*m), 0);
    if (!m)
        return NULL;
    usize len = source ? strlen(source) : 4;
    m->source = kmalloc(len + 1, 0);
    if (!m->source) {
        kfree(m);
        return NULL;
    }
    memcpy(m->source, source ? source : "none", len + 1);
    refcount_set(&m->refs, 1);
    m->id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
    m->sb = sb;
    superblock_get(sb);
    atomic_fetch_add_explicit(&sb->mounts, 1, memory_order_relaxed);
    m->root = root;
    dentry_get(root);
    atomic_init(&m->parent, m);
    atomic_init(&m->flags, flags & MOUNT_FLAGS_MASK);
    list_init(&m->children);
    list_init(&m->child_link);
    list_init(&m->ns_link);
    list_init(&m->peers);
    list_init(&m->slaves);
    list_init(&m->slave_link);
    list_init(&m->umount_link);
    return m;
}

static void mount_free_rcu(struct rcu_head *head)
{
    kfree(container_of(head, struct mount, rcu));
}

void mount_put(struct mount *m)
{
    if (!m || !refcount_dec_and_test(&m->refs))
        return;
    struct superblock *sb = m->sb;
    dentry_put(m->root);
    if (atomic_fetch_sub_explicit(&sb->mounts, 1, memory_order_acq_rel) == 1 &&
        !(atomic_load_explicit(&sb->flags, memory_order_relaxed) & SB_KEEP))
        superblock_shutdown(sb);
    superblock_put(sb);
    kfree(m->source);
    rcu_call(&m->rcu, mount_free_rcu);
}

int mount_kernel(struct superblock *sb, struct mount **out)
{
    *out = mount_alloc(sb, sb->root, 0, "none");
    return *out ? 0 : -E_NOMEM;
}

struct mount *mount_next(struct mount *m, struct mount *top)
{
    if (!list_empty(&m->children))
        return list_entry(m->children.next, struct mount, child_link);
    while (m != top) {
        struct mount *up = m->parent;
        if (m->child_link.next != &up->children)
            return list_entry(m->child_link.next, struct mount, child_link);
        m = up;
    }
    return NULL;
}

struct mount *mount_clone(struct mount *m, struct dentry *root, bool keep_peer)
{
    struct mount *c = mount_alloc(m->sb, root, mount_flags(m), m->source);
    if (!c)
        return NULL;
    if (keep_peer && m->propagation == PROP_SHARED) {
        c->propagation = PROP_SHARED;
        c->peer_group = m->peer_group;
        list_add_tail(&m->peers, &c->peers);
    }
    if (keep_peer && m->master) {
        c->master = m->master;
        list_add_tail(&m->master->slaves, &c->slave_link);
        if (c->propagation != PROP_SHARED)
            c->propagation = PROP_SLAVE;
    }
    return c;
}

// Joins a detached copy to its parent inside a tree nobody sees yet.
// Counts first and looks then; vfs_remount turns the flag first and looks at the counts then.
int mount_get_writer(struct mount *m)
{
    atomic_fetch_add(&m->writers, 1);
    atomic_fetch_add(&m->sb->writers, 1);
    atomic_thread_fence(memory_order_seq_cst);
    int err = mount_want_write(m);
    if (err)
        mount_put_writer(m);
    return err;
}

void mount_put_writer(struct mount *m)
{
    atomic_fetch_sub_explicit(&m->sb->writers, 1, memory_order_release);
    atomic_fetch_sub_explicit(&m->writers, 1, memory_order_release);
}

static void link_private(struct mount *c, struct mount *parent, struct dentry *mountpoint)
{
    dentry_get(mountpoint);
    mount_get(parent);
    atomic_store_explicit(&c->mountpoint, mountpoint, memory_order_relaxed);
    atomic_store_explicit(&c->parent, parent, memory_order_relaxed);
    list_add_tail(&parent->children, &c->child_link);
}

int mount_clone_tree(struct mount *m, struct dentry *root, bool skip_unbindable, bool keep_peer,
                     struct mount **out)
{
    struct mount *copy = mount_clone(m, root, keep_peer);
    if (!copy)
        return -E_NOMEM;
    struct mount *from = m, *to = copy;
    struct list *next = m->children.next;
    for (;;) { // depth first; `to` is the copy of `from`
        if (next == &from->children) {
            if (from == m)
                break;
            next = from->child_link.next;
            from = from->parent;
            to = to->parent;
            continue;
        }
        struct mount *child = list_entry(next, struct mount, child_link);
        bool outside = from == m && !dentry_is_below(child->mountpoint, root);
        if (outside || (skip_unbindable && child->propagation == PROP_UNBINDABLE)) {
            next = next->next;
            continue;
        }
        struct mount *c = mount_clone(child, child->root, keep_peer);
        if (!c) {
            mount_free_tree(copy);
            return -E_NOMEM;
        }
        link_private(c, to, child->mountpoint);
        from = child;
        to = c;
        next = child->children.next;
    }
    *out = copy;
    return 0;
}

void mount_free_tree(struct mount *tree)
{
    struct mount *m = tree;
    for (;;) { // leaves first
        while (!list_empty(&m->children))
            m = list_entry(m->children.next, struct mount, child_link);
        struct mount *up = m->parent;
        propagate_leave(m);
        if (m == tree) {
            mount_put(m);
            return;
        }
        list_del(&m->child_link);
        atomic_store_explicit(&m->parent, m, memory_order_relaxed);
        dentry_put(m->mountpoint);
        mount_put(up);
        mount_put(m);
        m = up;
    }
}

void mount_hash_enter(struct mount *m)
{
    struct mount *_Atomic *b = bucket(m->parent, m->mountpoint);
    struct mount *head = atomic_load_explicit(b, memory_order_relaxed);
    atomic_store_explicit(&m->hash_next, head, memory_order_relaxed);
    m->hash_prev = b;
    if (head)
        head->hash_prev = &m->hash_next;
    rcu_store(*b, m);
    atomic_fetch_or_explicit(&m->mountpoint->flags, DENTRY_MOUNTED, memory_order_release);
}

void mount_link(struct mount *tree, struct mount *parent, struct dentry *mountpoint)
{
    link_private(tree, parent, mountpoint);
    for (struct mount *m = tree; m; m = mount_next(m, tree)) {
        m->ns = parent->ns;
        list_del(&m->ns_link);
        if (parent->ns)
            list_add_tail(&parent->ns->mounts, &m->ns_link);
        if (!m->hash_prev)
            mount_hash_enter(m);
    }
}

static void clear_mounted(struct dentry *d)
{
    for (u32 i = 0; i < MOUNT_BUCKETS; i++)
        for (struct mount *o = table[i]; o; o = o->hash_next)
            if (o->mountpoint == d)
                return;
    atomic_fetch_and_explicit(&d->flags, ~(u32)DENTRY_MOUNTED, memory_order_release);
}

static void unhash(struct mount *m)
{
    if (!m->hash_prev)
        return;
    struct mount *next = atomic_load_explicit(&m->hash_next, memory_order_relaxed);
    rcu_store(*m->hash_prev, next);
    if (next)
        next->hash_prev = m->hash_prev;
    m->hash_prev = NULL;
    clear_mounted(m->mountpoint);
}

void mount_lift(struct mount *m, struct path *old)
{
    if (m->parent == m)
        return;
    *old = (struct path){m->parent, m->mountpoint};
    unhash(m);
    list_del(&m->child_link);
    rcu_store(m->parent, m);
}

void mount_detach_list(struct list *gone)
{
    struct mount *m;
    vfs_tree_write_begin();
    list_for_each_entry (m, gone, umount_link) {
        unhash(m);
        list_del(&m->child_link);
        list_del(&m->ns_link);
        m->old_parent = m->parent == m ? NULL : m->parent;
        m->ns = NULL;
    }
    list_for_each_entry (m, gone, umount_link)
        rcu_store(m->parent, m);
    vfs_tree_write_end();
    list_for_each_entry (m, gone, umount_link)
        propagate_leave(m);
}

void mount_detach_tree(struct mount *top, struct list *gone)
{
    for (struct mount *m = top; m; m = mount_next(m, top))
        list_add_tail(gone, &m->umount_link);
    mount_detach_list(gone);
}

void mount_release(struct list *gone)
{
    struct list *l;
    while ((l = list_pop(gone))) {
        struct mount *m = list_entry(l, struct mount, umount_link);
        if (m->old_parent) {
            dentry_put(m->mountpoint);
            mount_put(m->old_parent);
        }
        mount_put(m);
    }
}
