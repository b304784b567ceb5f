// Removing and renaming names.
#include "names.h"
#include "watch_tell.h"

int may_delete(struct node *dir, struct node *child, bool as_dir)
{
    const struct cred *c = current_cred();
    int r = node_permission(dir, WANT_WRITE | WANT_EXEC, c);
    if (r)
        return r;
    if (node_has(dir, NODE_APPEND) || node_has(child, NODE_APPEND | NODE_IMMUTABLE))
        return -E_PERM;
    if ((node_mode(dir) & MODE_STICKY) &&
        atomic_load_explicit(&child->uid, memory_order_relaxed) != c->fsuid &&
        atomic_load_explicit(&dir->uid, memory_order_relaxed) != c->fsuid &&
        !cred_capable(c, CAP_FOWNER))
        return -E_PERM;
    if (as_dir && !node_is_dir(child))
        return -E_NOTDIR;
    if (!as_dir && node_is_dir(child))
        return -E_ISDIR;
    return node_has(dir, NODE_DEAD) ? -E_NOENT : 0;
}

static bool is_mountpoint(struct dentry *d)
{
    return atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_MOUNTED;
}

static int remove_locked(struct parent_lookup *pl, struct dentry *d, bool as_dir)
{
    struct node *dir = path_node(&pl->parent), *child = dentry_node(d);
    if (!child)
        return -E_NOENT;
    if (!as_dir && pl->trailing_slash)
        return node_is_dir(child) ? -E_ISDIR : -E_NOTDIR;
    int r = may_delete(dir, child, as_dir);
    if (r)
        return r;
    if (!dir->ops->unlink)
        return -E_PERM;
    if (is_mountpoint(d))
        return -E_BUSY;
    if (as_dir)
        mutex_lock_nested(&child->mutex);
    r = dir->ops->unlink(dir, &(struct pathname){d->name, d->hash_len & 0xff}, child);
    if (!r && as_dir)
        atomic_fetch_or_explicit(&child->flags, NODE_DEAD, memory_order_relaxed);
    if (as_dir)
        mutex_unlock(&child->mutex);
    if (r)
        return r;
    dentry_unhash(d);
    if (watched())
        watch_tell_removed(d, child);
    return 0;
}

static int remove_name(const struct path *base, struct pathname name, bool as_dir)
{
    struct parent_lookup pl;
    struct dentry *d = NULL;
    int r = path_lookup_parent(base, name, 0, &pl);
    if (r)
        return r;
    if (pl.type != LAST_NORMAL)
        r = !as_dir                  ? -E_ISDIR
            : pl.type == LAST_DOTDOT ? -E_NOTEMPTY
            : pl.type == LAST_DOT    ? -E_INVAL
                                     : -E_BUSY;
    else
        r = mount_want_write(pl.parent.mount);
    if (!r) {
        struct node *dir = path_node(&pl.parent);
        mutex_lock(&dir->mutex);
        r = dentry_lookup_locked(pl.parent.dentry, &pl.last, &d);
        if (!r)
            r = remove_locked(&pl, d, as_dir);
        mutex_unlock(&dir->mutex);
        dentry_put(d);
    }
    parent_lookup_done(&pl);
    return r;
}

int vfs_unlink(const struct path *base, struct pathname name)
{
    return remove_name(base, name, false);
}

int vfs_rmdir(const struct path *base, struct pathname name)
{
    return remove_name(base, name, true);
}

// Locks both directories, the upper one first. *trap: the child of one that leads to the other, or
// NULL.
static void lock_dirs(struct dentry *a, struct dentry *b, struct dentry **trap)
{
    *trap = NULL;
    if (a == b) {
        mutex_lock(&dentry_node(a)->mutex);
        return;
    }
    mutex_lock(&a->sb->rename_mutex); // directories of this file system stand still
    struct dentry *upper = a, *lower = b;
    for (struct dentry *d = a, *up; (up = d->parent) != d; d = up)
        if (up == b) { // a lies below b
            upper = b;
            lower = a;
            *trap = d;
        }
    if (!*trap)
        for (struct dentry *d = b, *up; (up = d->parent) != d; d = up)
            if (up == a)
                *trap = d;
    if (!*trap && lower < upper) {
        upper = b;
        lower = a;
    }
    mutex_lock(&dentry_node(upper)->mutex);
    mutex_lock_nested(&dentry_node(lower)->mutex);
}

static void unlock_dirs(struct dentry *a, struct dentry *b)
{
    mutex_unlock(&dentry_node(b)->mutex);
    if (a == b)
        return;
    mutex_unlock(&dentry_node(a)->mutex);
    mutex_unlock(&a->sb->rename_mutex);
}

struct renaming {
    struct parent_lookup from, to;
    struct dentry *src, *dst, *trap;
    u32 flags;
};

static int rename_check(struct renaming *x)
{
    struct node *src = dentry_node(x->src), *dst = dentry_node(x->dst);
    bool exchange = x->flags & RENAME_EXCHANGE;
    if (!src)
        return -E_NOENT;
    if ((x->flags & RENAME_NOREPLACE) && dst)
        return -E_EXIST;
    if (exchange && !dst)
        return -E_NOENT;
    if (exchange && !node_is_dir(dst) && x->to.trailing_slash)
        return -E_NOTDIR;
    if (!node_is_dir(src) && (x->from.trailing_slash || (!exchange && x->to.trailing_slash)))
        return -E_NOTDIR;
    if (x->src == x->trap)
        return -E_INVAL;
    if (x->dst == x->trap)
        return exchange ? -E_INVAL : -E_NOTEMPTY;
    if (src == dst)
        return 0;
    struct node *from = path_node(&x->from.parent), *to = path_node(&x->to.parent);
    int r = may_delete(from, src, node_is_dir(src));
    if (r)
        return r;
    if (!dst)
        r = may_create(to);
    else
        r = may_delete(to, dst, exchange ? node_is_dir(dst) : node_is_dir(src));
    if (r)
        return r;
    if (!from->ops->rename)
        return -E_PERM;
    if (from != to) { // ".." of a moved directory changes
        if (node_is_dir(src))
            r = node_permission(src, WANT_WRITE, current_cred());
        if (!r && exchange && node_is_dir(dst))
            r = node_permission(dst, WANT_WRITE, current_cred());
        if (r)
            return r;
    }
    return is_mountpoint(x->src) || is_mountpoint(x->dst) ? -E_BUSY : 0;
}

// x->src has its new place already, x->dst has the old one or (replaced) no node any more.
static void tell_moved(const struct renaming *x, struct node *src, struct node *dst)
{
    bool exchange = x->flags & RENAME_EXCHANGE;
    u32 pair = watch_pair();
    watch_tell_entry(x->dst, src, WATCH_MOVED_FROM, pair);
    watch_tell_entry(x->src, src, WATCH_MOVED_TO, pair);
    watch_tell_self(src, WATCH_MOVED);
    if (!dst)
        return;
    if (!exchange) {
        watch_tell_fewer(dst);
        return;
    }
    pair = watch_pair();
    watch_tell_entry(x->src, dst, WATCH_MOVED_FROM, pair);
    watch_tell_entry(x->dst, dst, WATCH_MOVED_TO, pair);
    watch_tell_self(dst, WATCH_MOVED);
}

static int rename_locked(struct renaming *x)
{
    int r = dentry_lookup_locked(x->from.parent.dentry, &x->from.last, &x->src);
    if (!r)
        r = dentry_lookup_locked(x->to.parent.dentry, &x->to.last, &x->dst);
    if (!r)
        r = rename_check(x);
    struct node *src = r ? NULL : dentry_node(x->src), *dst = r ? NULL : dentry_node(x->dst);
    if (r || src == dst)
        return r;
    bool replaces_dir = dst && node_is_dir(dst) && !(x->flags & RENAME_EXCHANGE);
    if (replaces_dir)
        mutex_lock_nested(&dst->mutex);
    r = path_node(&x->from.parent)
            ->ops->rename(path_node(&x->from.parent),
                          &(struct pathname){x->src->name, x->src->hash_len & 0xff}, src,
                          path_node(&x->to.parent),
                          &(struct pathname){x->dst->name, x->dst->hash_len & 0xff}, dst, x->flags);
    if (!r && replaces_dir)
        atomic_fetch_or_explicit(&dst->flags, NODE_DEAD, memory_order_relaxed);
    if (replaces_dir)
        mutex_unlock(&dst->mutex);
    if (r)
        return r;
    if (dst && !(x->flags & RENAME_EXCHANGE))
        dentry_prune_children(x->dst);
    dentry_move(x->src, x->dst, x->flags & RENAME_EXCHANGE);
    if (watched())
        tell_moved(x, src, dst);
    return 0;
}

int vfs_rename(const struct path *old_base, struct pathname old_name, const struct path *new_base,
               struct pathname new_name, u32 flags)
{
    struct renaming x = {.flags = flags};
    if ((flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
        ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))))
        return -E_INVAL;
    int r = path_lookup_parent(old_base, old_name, 0, &x.from);
    if (r)
        return r;
    r = path_lookup_parent(new_base, new_name, 0, &x.to);
    if (r) {
        parent_lookup_done(&x.from);
        return r;
    }
    if (x.from.parent.mount != x.to.parent.mount)
        r = -E_XDEV;
    else if (x.from.type != LAST_NORMAL)
        r = -E_BUSY;
    else if (x.to.type != LAST_NORMAL)
        r = flags & RENAME_NOREPLACE ? -E_EXIST : -E_BUSY;
    else
        r = mount_want_write(x.from.parent.mount);
    if (!r) {
        struct dentry *a = x.from.parent.dentry, *b = x.to.parent.dentry;
        lock_dirs(a, b, &x.trap);
        r = rename_locked(&x);
        unlock_dirs(a, b);
        dentry_put(x.src);
        dentry_put(x.dst);
    }
    parent_lookup_done(&x.to);
    parent_lookup_done(&x.from);
    return r;
}
