// The walk without references: the whole path under RCU, nothing counted, locked or allocated. It
// sees the tree as it was at one moment if vfs_tree_seq did not change from beginning to end;
// whoever uses the result checks that last. Whatever is not in memory, needs asking a file system,
// or is restricted by openat2 flags goes to the walk with references.
#include "walk.h"
#include <vfs/view.h>

enum { FAST_UNABLE = LOOKUP_NO_SYMLINKS | LOOKUP_NO_XDEV | LOOKUP_BENEATH | LOOKUP_IN_ROOT };

static inline int may_search(struct node *dir)
{
    u32 mode = node_mode(dir);
    if (LIKELY((mode & (MODE_FMT | 0111)) == (MODE_DIR | 0111) && !node_has(dir, NODE_NO_FASTPERM)))
        return 0;
    if ((mode & MODE_FMT) != MODE_DIR)
        return -E_NOTDIR;
    if (dir->ops->permission)
        return WALK_SLOW;
    return node_permission_generic(dir, WANT_EXEC, current_cred());
}

static void down_mounts(struct mount **m, struct dentry **d)
{
    struct mount *on;
    while ((atomic_load_explicit(&(*d)->flags, memory_order_relaxed) & DENTRY_MOUNTED) &&
           (on = mount_find_rcu(*m, *d))) {
        *m = on;
        *d = on->root;
    }
}

int walk_fast(const struct path *base, const char *s, u32 flags, bool want_parent,
              struct fast_result *res)
{
    const char *rest_stack[SYMLINK_MAX_DEPTH];
    u64 words[NAME_WORDS];
    u32 depth = 0, links = 0;
    struct path root, cwd;

    res->seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
    if (UNLIKELY((res->seq & 1) || (flags & FAST_UNABLE) ||
                 !view_peek(current_view(), &root, &cwd)))
        return WALK_SLOW;
    if (base->mount)
        cwd = *base;
    struct mount *m = cwd.mount;
    struct dentry *d = cwd.dentry;
    if (*s == '/') {
        m = root.mount;
        d = root.dentry;
        do
            s++;
        while (*s == '/');
    }
    struct node *node = dentry_node(d);
    res->trailing_slash = false;
    if (!*s) {
        res->type = LAST_ROOT;
        res->last = (struct pathname){s, 0};
        goto done;
    }
    for (;;) {
        int r = may_search(node);
        if (UNLIKELY(r))
            return r;
        u64 hash_len;
        usize len = scan_component(s, words, &hash_len);
        if (UNLIKELY(len > NAME_MAX_LEN))
            return -E_NAMETOOLONG;
        const char *rest = s + len;
        bool slash = *rest == '/';
        while (*rest == '/')
            rest++;
        bool last = !*rest && !depth;
        enum last_type type = component_type(s, len);
        if (last) {
            if (want_parent) {
                res->type = type;
                res->last = (struct pathname){s, len};
                res->trailing_slash = slash;
                goto done;
            }
            if (slash)
                flags |= LOOKUP_DIRECTORY | LOOKUP_FOLLOW;
        }
        if (LIKELY(type == LAST_NORMAL)) {
            struct dentry *child = dentry_find_rcu(d, words, hash_len);
            if (UNLIKELY(!child))
                return WALK_SLOW;
            u32 df = atomic_load_explicit(&child->flags, memory_order_relaxed);
            if (UNLIKELY(df & DENTRY_REVALIDATE))
                return WALK_SLOW;
            struct node *next = dentry_node(child);
            if (!next)
                return -E_NOENT;
            if (UNLIKELY((node_mode(next) & MODE_FMT) == MODE_LNK) &&
                (!last || (flags & LOOKUP_FOLLOW))) {
                if (!next->link || next->ops->follow || (mount_flags(m) & MOUNT_NOSYMFOLLOW))
                    return WALK_SLOW;
                if (links++ >= SYMLINK_MAX_DEPTH)
                    return -E_LOOP;
                if (*rest)
                    rest_stack[depth++] = rest; // depth <= links
                else if (slash)
                    flags |= LOOKUP_DIRECTORY;
                path_touch_atime(m, next);
                s = next->link;
                if (!*s)
                    return -E_NOENT;
                if (*s == '/') {
                    m = root.mount;
                    d = root.dentry;
                    while (*s == '/')
                        s++;
                    node = dentry_node(d);
                    if (!*s) {
                        rest = s;
                        goto next_part;
                    }
                }
                continue;
            }
            d = child;
            node = next;
            if (UNLIKELY(df & DENTRY_MOUNTED)) {
                down_mounts(&m, &d);
                node = dentry_node(d);
            }
        } else if (type == LAST_DOTDOT) {
            for (;;) {
                if (d == root.dentry && m == root.mount)
                    break;
                if (d != m->root) {
                    d = rcu_load(d->parent);
                    break;
                }
                struct mount *up = rcu_load(m->parent);
                if (up == m)
                    break;
                d = atomic_load_explicit(&m->mountpoint, memory_order_acquire);
                m = up;
            }
            down_mounts(&m, &d);
            node = dentry_node(d);
        }
    next_part:
        while (!*rest) {
            if (!depth)
                goto done;
            rest = rest_stack[--depth];
        }
        s = rest;
    }
done:
    if ((flags & LOOKUP_DIRECTORY) && !want_parent && (node_mode(node) & MODE_FMT) != MODE_DIR)
        return -E_NOTDIR;
    res->mount = m;
    res->dentry = d;
    return 0;
}
