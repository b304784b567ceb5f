// Changes to the layers. They go through the path cache, so that somebody who looks at a layer
// directly sees them. No permission is checked: the caller may change the overlay, and the overlay
// may change its upper layer, as Linux has it with the mounter's rights.
#include "ovl.h"
#include <lib/printf.h>
#include <lib/string.h>

int layer_lookup(struct dentry *dir, const struct pathname *name, struct dentry **out)
{
    struct dentry *d;
    *out = NULL;
    int r = dentry_lookup(dir, name, &d);
    if (r)
        return r == -E_NOENT ? 0 : r;
    if (dentry_negative(d))
        dentry_put(d);
    else
        *out = d;
    return 0;
}

bool layer_is_whiteout(const struct node *n)
{
    return node_type(n) == MODE_CHR && n->rdev == 0;
}

// The dentry of an absent name; dir's mutex is held.
static int absent(struct dentry *dir, const struct pathname *name, struct dentry **out)
{
    struct node *n = dentry_node(dir);
    if (node_has(n, NODE_DEAD))
        return -E_NOENT;
    int r = dentry_lookup_locked(dir, name, out);
    if (!r && !dentry_negative(*out)) {
        dentry_put(*out);
        r = -E_EXIST;
    }
    return r;
}

int layer_create(struct dentry *dir, const struct pathname *name, const struct create_args *a,
                 struct dentry **out)
{
    struct node *dn = dentry_node(dir), *n;
    struct dentry *d;
    if (!dn->ops->create)
        return -E_PERM;
    mutex_lock(&dn->mutex);
    int r = absent(dir, name, &d);
    if (!r) {
        r = dn->ops->create(dn, &(struct pathname){d->name, name->len}, a, &n);
        if (!r)
            dentry_instantiate(d, n);
        else
            dentry_put(d);
    }
    mutex_unlock(&dn->mutex);
    if (!r)
        *out = d;
    return r;
}

int layer_link(struct dentry *dir, const struct pathname *name, struct node *n, struct dentry **out)
{
    struct node *dn = dentry_node(dir);
    struct dentry *d;
    if (!dn->ops->link)
        return -E_PERM;
    mutex_lock(&dn->mutex);
    int r = absent(dir, name, &d);
    if (!r) {
        r = dn->ops->link(dn, &(struct pathname){d->name, name->len}, n);
        if (!r) {
            node_get(n);
            dentry_instantiate(d, n);
        } else {
            dentry_put(d);
        }
    }
    mutex_unlock(&dn->mutex);
    if (!r)
        *out = d;
    return r;
}

int layer_remove(struct dentry *d)
{
    struct dentry *dir = d->parent;
    struct node *dn = dentry_node(dir), *n = dentry_node(d);
    bool as_dir = node_is_dir(n);
    if (!dn->ops->unlink)
        return -E_PERM;
    mutex_lock(&dn->mutex);
    int r = dentry_unhashed(d) || d->parent != dir ? -E_STALE : 0;
    if (!r && (atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_MOUNTED))
        r = -E_BUSY;
    if (!r) {
        if (as_dir)
            mutex_lock_nested(&n->mutex);
        r = dn->ops->unlink(dn, &(struct pathname){d->name, d->hash_len & 0xff}, n);
        if (!r && as_dir)
            atomic_fetch_or_explicit(&n->flags, NODE_DEAD, memory_order_relaxed);
        if (as_dir)
            mutex_unlock(&n->mutex);
        if (!r)
            dentry_unhash(d);
    }
    mutex_unlock(&dn->mutex);
    return r;
}

struct first_entry {
    struct dir_sink sink;
    char name[NAME_MAX_LEN + 1];
    usize len;
};

static bool take_first(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type,
                       u64 cookie)
{
    struct first_entry *f = (struct first_entry *)(void *)s;
    (void)ino;
    (void)type;
    (void)cookie;
    if (!f->len) {
        f->len = len;
        memcpy(f->name, name, len);
    }
    return false;
}

void layer_remove_tree(struct dentry *d)
{
    struct node *n = dentry_node(d);
    while (node_is_dir(n) && n->ops->readdir) {
        struct first_entry f = {.sink.emit = take_first};
        struct dentry *child;
        u64 cookie = 2;
        mutex_lock(&n->mutex);
        int r = n->ops->readdir(n, &cookie, &f.sink);
        mutex_unlock(&n->mutex);
        if (r || !f.len)
            break;
        r = layer_lookup(d, &(struct pathname){f.name, f.len}, &child);
        if (r || !child)
            return;
        r = layer_remove(child);
        dentry_put(child);
        if (r)
            return;
    }
    (void)layer_remove(d); // what cannot be removed stays in the work directory, where nobody looks
}

// Is top an ancestor of d? Returns top's child on the way, or NULL.
static struct dentry *child_towards(struct dentry *d, struct dentry *top)
{
    for (struct dentry *up; (up = d->parent) != d; d = up)
        if (up == top)
            return d;
    return NULL;
}

// The order is the vfs's: the upper directory first, unrelated ones by address; the file system's
// renames stand still meanwhile.
static void lock_two(struct dentry *a, struct dentry *b)
{
    if (a == b) {
        mutex_lock(&dentry_node(a)->mutex);
        return;
    }
    mutex_lock(&a->sb->rename_mutex);
    bool b_first = child_towards(a, b) || (!child_towards(b, a) && b < a);
    mutex_lock(&dentry_node(b_first ? b : a)->mutex);
    mutex_lock_nested(&dentry_node(b_first ? a : b)->mutex);
}

static void unlock_two(struct dentry *a, struct dentry *b)
{
    mutex_unlock(&dentry_node(b)->mutex);
    if (a == b)
        return;
    mutex_unlock(&dentry_node(a)->mutex);
    mutex_unlock(&a->sb->rename_mutex);
}

static int rename_locked(struct dentry *d, struct dentry *from, struct dentry *dir,
                         struct dentry *target, u32 flags)
{
    struct node *n = dentry_node(d), *old = dentry_node(target), *fn = dentry_node(from),
                *tn = dentry_node(dir);
    if (dentry_unhashed(d) || d->parent != from || node_has(tn, NODE_DEAD))
        return -E_STALE;
    if (d == dir || child_towards(dir, d) ||
        ((flags & RENAME_EXCHANGE) && (!old || child_towards(from, target))))
        return -E_INVAL;
    if ((atomic_load_explicit(&d->flags, memory_order_relaxed) |
         atomic_load_explicit(&target->flags, memory_order_relaxed)) &
        DENTRY_MOUNTED)
        return -E_BUSY;
    if (n == old)
        return 0;
    bool replaces_dir = old && node_is_dir(old) && !(flags & RENAME_EXCHANGE);
    if (replaces_dir)
        mutex_lock_nested(&old->mutex);
    int r =
        fn->ops->rename
            ? fn->ops->rename(fn, &(struct pathname){d->name, d->hash_len & 0xff}, n, tn,
                              &(struct pathname){target->name, target->hash_len & 0xff}, old, flags)
            : -E_PERM;
    if (!r && replaces_dir)
        atomic_fetch_or_explicit(&old->flags, NODE_DEAD, memory_order_relaxed);
    if (replaces_dir)
        mutex_unlock(&old->mutex);
    if (r)
        return r;
    if (old && !(flags & RENAME_EXCHANGE))
        dentry_prune_children(target);
    dentry_move(d, target, flags & RENAME_EXCHANGE);
    return 0;
}

int layer_rename(struct dentry *d, struct dentry *dir, const struct pathname *name, u32 flags)
{
    struct dentry *from = d->parent, *target;
    dentry_get(from);
    lock_two(from, dir);
    int r = dentry_lookup_locked(dir, name, &target);
    if (!r) {
        r = rename_locked(d, from, dir, target, flags);
        dentry_put(target);
    }
    unlock_two(from, dir);
    dentry_put(from);
    return r;
}

int layer_setattr(struct node *n, struct setattr *s)
{
    if (n->ops->setattr)
        return n->ops->setattr(n, s);
    node_apply_setattr(n, s);
    return 0;
}

int layer_set_times(struct node *n, i64 atime, i64 mtime)
{
    struct setattr s = {.valid = SET_ATIME | SET_MTIME, .atime = atime, .mtime = mtime};
    return layer_setattr(n, &s);
}

int layer_truncate(struct node *n, u64 size)
{
    return node_truncate(n, size);
}

void layer_temp_name(struct ovl *o, char text[32], struct pathname *name)
{
    u64 number = atomic_fetch_add_explicit(&o->temp_number, 1, memory_order_relaxed);
    name->str = text;
    name->len = kscnprintf(text, 32, "#%lx", (unsigned long)number);
}
