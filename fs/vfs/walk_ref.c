// The walk with references: asks file systems, follows links of every kind, obeys the restrictions
// of openat2. Holds a counted path at each step; directory mutexes only inside dentry_lookup.
#include "walk.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/view.h>

struct link_text { // a text being walked through: name itself, or a symlink's
    const char *rest;
    char *owned;       // to be freed
    struct node *node; // or this node keeps it alive
};

struct walk {
    struct path cur, root, base; // counted; base only with BENEATH
    u32 flags, links, depth;
    struct link_text stack[SYMLINK_MAX_DEPTH];
    struct link_text now; // what `s` points into
};

static void link_text_drop(struct link_text *t)
{
    kfree(t->owned);
    node_put(t->node);
    *t = (struct link_text){0};
}

static void walk_end(struct walk *w)
{
    while (w->depth)
        link_text_drop(&w->stack[--w->depth]);
    link_text_drop(&w->now);
    path_put(&w->root);
    path_put(&w->base);
}

static int walk_begin(struct walk *w, const struct path *base, const char *name, u32 flags)
{
    struct view *v = current_view();
    w->flags = flags;
    w->links = w->depth = 0;
    w->now = (struct link_text){0};
    w->base = w->root = w->cur = (struct path){0};
    if (base->mount) {
        w->cur = *base;
        path_get(&w->cur);
    } else {
        view_cwd(v, &w->cur);
    }
    if (flags & LOOKUP_IN_ROOT) {
        w->root = w->cur;
        path_get(&w->root);
    } else {
        view_root(v, &w->root);
    }
    if (flags & LOOKUP_BENEATH) {
        w->base = w->cur;
        path_get(&w->base);
    }
    if (*name == '/') {
        if (flags & LOOKUP_BENEATH)
            return -E_XDEV;
        if ((flags & LOOKUP_NO_XDEV) && w->cur.mount != w->root.mount)
            return -E_XDEV;
        path_put(&w->cur);
        w->cur = w->root;
        path_get(&w->cur);
    }
    return 0;
}

static void step_to(struct walk *w, struct dentry *d) // consumes d's reference
{
    dentry_put(w->cur.dentry);
    w->cur.dentry = d;
}

static int step_up(struct walk *w)
{
    struct mount *from = w->cur.mount;
    if ((w->flags & LOOKUP_BENEATH) && w->cur.mount == w->base.mount &&
        w->cur.dentry == w->base.dentry)
        return -E_XDEV;
    path_up(&w->cur, &w->root);
    if ((w->flags & LOOKUP_NO_XDEV) && w->cur.mount != from)
        return -E_XDEV;
    return 0;
}

// Starts walking through a symlink. *s: in the rest behind it, out the link's text.
static int enter_link(struct walk *w, struct dentry *link, const char **s, const char *rest)
{
    struct node *n = dentry_node(link);
    if (w->links++ >= SYMLINK_MAX_DEPTH || (w->flags & LOOKUP_NO_SYMLINKS) ||
        (mount_flags(w->cur.mount) & MOUNT_NOSYMFOLLOW))
        return -E_LOOP;
    if (n->ops->follow) {
        if (w->flags & LOOKUP_NO_MAGICLINKS)
            return -E_LOOP;
        if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
            return -E_XDEV;
        struct path to;
        int r = n->ops->follow(n, &to);
        if (r)
            return r;
        if ((w->flags & LOOKUP_NO_XDEV) && to.mount != w->cur.mount) {
            path_put(&to);
            return -E_XDEV;
        }
        path_put(&w->cur);
        w->cur = to;
        *s = rest;
        return 1; // no text to walk
    }
    struct link_text t = {0};
    if (n->link) {
        node_get(n);
        t.node = n;
        *s = n->link;
    } else {
        if (!n->ops->readlink)
            return -E_INVAL;
        t.owned = kmalloc(PATH_MAX_LEN, 0);
        if (!t.owned)
            return -E_NOMEM;
        i64 len = n->ops->readlink(n, t.owned, PATH_MAX_LEN - 1);
        if (len < 0) {
            kfree(t.owned);
            return (int)len;
        }
        t.owned[len] = '\0';
        *s = t.owned;
    }
    path_touch_atime(w->cur.mount, n);
    if (*rest) {
        w->now.rest = rest;
        w->stack[w->depth++] = w->now; // depth < links
    } else {
        link_text_drop(&w->now);
    }
    w->now = t;
    if (!**s)
        return -E_NOENT;
    if (**s == '/') {
        if (w->flags & LOOKUP_BENEATH)
            return -E_XDEV;
        if ((w->flags & LOOKUP_NO_XDEV) && w->cur.mount != w->root.mount)
            return -E_XDEV;
        path_put(&w->cur);
        w->cur = w->root;
        path_get(&w->cur);
    }
    return 0;
}

// What is found under one component: stepped to, or a link entered.
static int step_down(struct walk *w, const struct pathname *name, bool last, const char **s,
                     const char *rest)
{
    struct dentry *child;
    int r = dentry_lookup(w->cur.dentry, name, &child);
    if (r)
        return r;
    struct node *n = dentry_node(child);
    if (!n) {
        dentry_put(child);
        return -E_NOENT;
    }
    if (node_type(n) == MODE_LNK && (!last || (w->flags & LOOKUP_FOLLOW))) {
        r = enter_link(w, child, s, rest);
        if (r == -E_NXIO && last && (w->flags & LOOKUP_OBJECT)) {
            step_to(w, child);
            *s = rest;
            return 0;
        }
        dentry_put(child);
        return r < 0 ? r : r ? 0 : 2;
    }
    struct mount *before = w->cur.mount;
    step_to(w, child);
    if (atomic_load_explicit(&child->flags, memory_order_relaxed) & DENTRY_MOUNTED)
        path_down_mounts(&w->cur);
    if ((w->flags & LOOKUP_NO_XDEV) && w->cur.mount != before)
        return -E_XDEV;
    *s = rest;
    return 0;
}

// Walks s; with parent set stops before the last component and describes it there.
static int walk_text(struct walk *w, const char *s, struct parent_lookup *parent)
{
    for (;;) {
        while (*s == '/')
            s++;
        if (!*s) {
            if (!w->depth) {
                if (parent) {
                    parent->type = LAST_ROOT;
                    parent->last = (struct pathname){s, 0};
                }
                break;
            }
            link_text_drop(&w->now);
            w->now = w->stack[--w->depth];
            s = w->now.rest;
            continue;
        }
        struct node *dir = path_node(&w->cur);
        if (!node_is_dir(dir))
            return -E_NOTDIR;
        int r = node_permission(dir, WANT_EXEC, current_cred());
        if (r)
            return r;
        usize len = 0;
        while (s[len] && s[len] != '/')
            len++;
        if (len > NAME_MAX_LEN)
            return -E_NAMETOOLONG;
        const char *rest = s + len;
        bool slash = *rest == '/';
        while (*rest == '/')
            rest++;
        bool last = !*rest && !w->depth;
        enum last_type type = component_type(s, len);
        if (last && parent) {
            parent->type = type;
            parent->last = (struct pathname){s, len};
            parent->trailing_slash = slash;
            return 0;
        }
        if (last && slash)
            w->flags |= LOOKUP_DIRECTORY | LOOKUP_FOLLOW;
        if (type == LAST_NORMAL) {
            const struct pathname name = {s, len};
            r = step_down(w, &name, last, &s, rest);
            if (r < 0)
                return r;
            if (r == 2) // a link's text: go on in it
                continue;
        } else {
            r = type == LAST_DOTDOT ? step_up(w) : 0;
            if (r)
                return r;
        }
        s = rest;
    }
    if ((w->flags & LOOKUP_DIRECTORY) && !parent && !node_is_dir(path_node(&w->cur)))
        return -E_NOTDIR;
    return 0;
}

int walk_ref(const struct path *base, const char *name, u32 flags, struct path *out)
{
    struct walk w;
    int r = walk_begin(&w, base, name, flags);
    if (!r)
        r = walk_text(&w, name, NULL);
    if (r)
        path_put(&w.cur);
    else
        *out = w.cur;
    walk_end(&w);
    return r;
}

int walk_ref_parent(const struct path *base, const char *name, u32 flags, struct parent_lookup *out)
{
    struct walk w;
    struct path start = out->parent.mount ? out->parent : *base;
    int r = walk_begin(&w, &start, name, flags);
    w.links = out->links;
    if (!r)
        r = walk_text(&w, name, out);
    out->links = w.links;
    if (r)
        path_put(&w.cur);
    else
        out->parent = w.cur;
    walk_end(&w);
    return r;
}
