// Walking to places (the fast way first), and their text.
#include "walk.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/view.h>

void path_touch_atime(const struct mount *m, struct node *n)
{
    u32 mf = mount_flags(m);
    if ((mf & (MOUNT_NOATIME | MOUNT_RDONLY)) || ((mf & MOUNT_NODIRATIME) && node_is_dir(n)))
        return;
    i64 atime = atomic_load_explicit(&n->atime, memory_order_relaxed);
    i64 now = vfs_now();
    if ((mf & MOUNT_RELATIME) && atime > atomic_load_explicit(&n->mtime, memory_order_relaxed) &&
        atime > atomic_load_explicit(&n->ctime, memory_order_relaxed) &&
        now - atime < 86400 * (i64)NS_PER_SEC)
        return;
    if (atomic_load_explicit(&n->sb->flags, memory_order_relaxed) & SB_RDONLY)
        return;
    atomic_store_explicit(&n->atime, now, memory_order_relaxed);
}

// Turns what a fast walk found into counted references, if it still holds.
static bool fast_take(const struct fast_result *res, struct path *out)
{
    if (!refcount_inc_not_zero(&res->mount->refs))
        return false;
    if (!dentry_tryget(res->dentry)) {
        mount_put(res->mount);
        return false;
    }
    *out = (struct path){res->mount, res->dentry};
    return true;
}

static int check_name(struct pathname name, u32 flags)
{
    if (!name.len && !(flags & LOOKUP_EMPTY))
        return -E_NOENT;
    return name.len >= PATH_MAX_LEN ? -E_NAMETOOLONG : 0;
}

int path_lookup(const struct path *base, struct pathname name, u32 flags, struct path *out)
{
    struct fast_result res;
    int r = check_name(name, flags);
    if (r)
        return r;
    rcu_read_lock();
    r = walk_fast(base, name.str, flags, false, &res);
    bool taken = !r && fast_take(&res, out);
    bool valid = r != WALK_SLOW && walk_fast_valid(&res);
    rcu_read_unlock();
    if (valid && (r || taken))
        return r;
    if (taken)
        path_put(out);
    return flags & LOOKUP_CACHED ? -E_AGAIN : walk_ref(base, name.str, flags, out);
}

int path_peek(const struct path *base, struct pathname name, u32 flags,
              int (*fn)(struct mount *m, struct dentry *d, struct node *n, void *arg), void *arg)
{
    struct fast_result res;
    int r = check_name(name, flags);
    if (r)
        return r;
    rcu_read_lock();
    r = walk_fast(base, name.str, flags, false, &res);
    bool slow = r == WALK_SLOW;
    if (!r)
        r = fn(res.mount, res.dentry, dentry_node(res.dentry), arg);
    bool valid = !slow && walk_fast_valid(&res);
    rcu_read_unlock();
    return valid ? r : -E_AGAIN;
}

int path_lookup_parent(const struct path *base, struct pathname name, u32 flags,
                       struct parent_lookup *out)
{
    struct fast_result res;
    *out = (struct parent_lookup){0};
    int r = check_name(name, flags & ~(u32)LOOKUP_EMPTY);
    if (r)
        return r;
    rcu_read_lock();
    r = walk_fast(base, name.str, flags, true, &res);
    bool taken = !r && fast_take(&res, &out->parent);
    bool valid = r != WALK_SLOW && walk_fast_valid(&res);
    rcu_read_unlock();
    if (valid && (r || taken)) {
        out->last = res.last;
        out->type = res.type;
        out->trailing_slash = res.trailing_slash;
        return r;
    }
    if (taken)
        path_put(&out->parent);
    out->parent = (struct path){0};
    return walk_ref_parent(base, name.str, flags, out);
}

int path_parent_follow(const struct path *base, struct path *link, u32 flags,
                       struct parent_lookup *out)
{
    struct node *n = path_node(link);
    char *text = kmalloc(PATH_MAX_LEN, 0);
    if (!text)
        return -E_NOMEM;
    i64 len = out->links++ >= SYMLINK_MAX_DEPTH || (flags & LOOKUP_NO_SYMLINKS)
                  ? -E_LOOP
                  : vfs_readlink_node(n, text, PATH_MAX_LEN - 1);
    if (len <= 0) {
        kfree(text);
        return len < 0 ? (int)len : -E_NOENT;
    }
    text[len] = '\0';
    struct path old = out->parent;
    char *old_text = out->text;
    out->text = text;
    int r = walk_ref_parent(base, text, flags, out); // starts at out->parent
    if (r)
        out->parent = (struct path){0};
    path_put(&old);
    kfree(old_text);
    return r;
}

void parent_lookup_done(struct parent_lookup *p)
{
    path_put(&p->parent);
    kfree(p->text);
    p->text = NULL;
}

// Follows mountpoints upward without references. false at the top of everything.
static bool up_mount(struct mount **m, struct dentry **d)
{
    struct mount *up = rcu_load((*m)->parent);
    if (up == *m)
        return false;
    *d = atomic_load_explicit(&(*m)->mountpoint, memory_order_acquire);
    *m = up;
    return true;
}

void path_up(struct path *p, const struct path *root)
{
    for (;;) {
        u32 seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
        rcu_read_lock();
        struct mount *m = p->mount;
        struct dentry *d = p->dentry;
        for (;;) {
            if (d == root->dentry && m == root->mount)
                break;
            if (d != m->root) {
                d = rcu_load(d->parent);
                break;
            }
            if (!up_mount(&m, &d))
                break;
        }
        bool got = refcount_inc_not_zero(&m->refs);
        if (got && !dentry_tryget(d)) {
            rcu_read_unlock();
            mount_put(m);
            continue;
        }
        rcu_read_unlock();
        atomic_thread_fence(memory_order_acquire);
        bool steady =
            !(seq & 1) && atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) == seq;
        if (got && steady) {
            path_put(p);
            *p = (struct path){m, d};
            path_down_mounts(p);
            return;
        }
        if (got)
            path_put(&(struct path){m, d});
    }
}

void path_down_mounts(struct path *p)
{
    while (atomic_load_explicit(&p->dentry->flags, memory_order_relaxed) & DENTRY_MOUNTED) {
        rcu_read_lock();
        struct mount *on = mount_find_rcu(p->mount, p->dentry);
        bool got = on && refcount_inc_not_zero(&on->refs);
        rcu_read_unlock();
        if (!got) {
            if (!on)
                return;
            continue; // being unmounted
        }
        dentry_get(on->root);
        path_put(p);
        *p = (struct path){on, on->root};
    }
}

bool path_reachable(const struct path *p, const struct path *root)
{
    for (;;) {
        u32 seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
        rcu_read_lock();
        struct mount *m = p->mount;
        struct dentry *d = p->dentry;
        bool found = false;
        for (;;) {
            if (m == root->mount && dentry_is_below(d, root->dentry)) {
                found = true;
                break;
            }
            if (!up_mount(&m, &d))
                break;
        }
        rcu_read_unlock();
        atomic_thread_fence(memory_order_acquire);
        if (!(seq & 1) && atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) == seq)
            return found;
    }
}

// Puts text before *at. false: no room.
static bool prepend(char *buf, char **at, const char *s, usize len)
{
    if ((usize)(*at - buf) < len)
        return false;
    *at -= len;
    memcpy(*at, s, len);
    return true;
}

// What never had a name in its tree may have one elsewhere (files of a system underneath).
static bool is_removed(const struct dentry *d)
{
    const struct node *n = dentry_node(d);
    bool anon = atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_ANON;
    return dentry_unhashed(d) &&
           !(anon && n && atomic_load_explicit(&n->nlink, memory_order_relaxed));
}

// One attempt; valid only if the tree did not change meanwhile.
static int text_once(const struct path *p, const struct path *root, u32 how, char *buf, usize cap,
                     char **out)
{
    struct mount *m = p->mount;
    struct dentry *d = p->dentry;
    char *at = buf + cap;
    bool any = false, outside = false;
    if ((how & PATH_TEXT_DELETED) && is_removed(d) && !prepend(buf, &at, " (deleted)", 10))
        return -E_NAMETOOLONG;
    while (d != root->dentry || m != root->mount) {
        struct dentry *up = rcu_load(d->parent);
        if (d == m->root || up == d) {
            if (d == m->root && up_mount(&m, &d))
                continue;
            outside = true;
            break;
        }
        const char *name = atomic_load_explicit(&d->name, memory_order_acquire);
        usize len = strnlen(name, d->hash_len & 0xff);
        if (!prepend(buf, &at, name, len) || !prepend(buf, &at, "/", 1))
            return -E_NAMETOOLONG;
        any = true;
        d = up;
    }
    if (outside && (atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_ANON)) {
        const char *name = atomic_load_explicit(&d->name, memory_order_acquire);
        if (!prepend(buf, &at, name, strnlen(name, d->hash_len & 0xff)))
            return -E_NAMETOOLONG;
    } else {
        if (!any && !prepend(buf, &at, "/", 1))
            return -E_NAMETOOLONG;
        if (outside && (how & PATH_TEXT_UNREACHABLE) && !prepend(buf, &at, "(unreachable)", 13))
            return -E_NAMETOOLONG;
    }
    *out = at;
    return 0;
}

i64 path_text(const struct path *p, const struct path *root, u32 how, char *buf, usize cap,
              char **out)
{
    struct path own = {0};
    if (!root) {
        view_root(current_view(), &own);
        root = &own;
    }
    for (;;) {
        u32 seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
        rcu_read_lock();
        int r = text_once(p, root, how, buf, cap, out);
        rcu_read_unlock();
        atomic_thread_fence(memory_order_acquire);
        if (!(seq & 1) && atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) == seq) {
            path_put(&own);
            return r ? r : buf + cap - *out;
        }
    }
}
