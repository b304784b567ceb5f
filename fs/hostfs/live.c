// Names and attributes of live instances: every step of a walk asks the host whether the name still
// stands for the same file, absent names are asked for again, and changes go straight to the host,
// which decides what its user may do.
//
// Guarded by: directories by their nodes' mutexes, the tree of regular files by the instance's
// lock. Relies on handles: as long as a file has one, its number is not given to another. Regular
// files have one node whatever their names, so that all share one cache; directories have one for
// each name they were found under, as a directory may be locked only once.
#include "hostfs_private.h"

static int cannot_write(const struct node *n)
{
    return hostfs_of(n)->writable ? 0 : -E_ROFS;
}

// --- regular files by number ---

static struct hostfs_node *numbered(struct rb_node *r)
{
    return rb_entry(r, struct hostfs_node, by_number);
}

static int order(const struct hostfs_node *n, u64 dev, u64 ino)
{
    if (n->dev != dev)
        return n->dev < dev ? -1 : 1;
    return n->node.ino < ino ? -1 : n->node.ino > ino;
}

static bool less(const struct rb_node *a, const struct rb_node *b)
{
    const struct hostfs_node *y = numbered((struct rb_node *)(uintptr_t)b);
    return order(numbered((struct rb_node *)(uintptr_t)a), y->dev, y->node.ino) < 0;
}

// Counted; NULL: none. Lock held. Ones that are going may still be there.
static struct hostfs_node *find(struct hostfs *h, u64 dev, u64 ino)
{
    struct rb_node *r = h->files.node, *first = NULL;
    while (r) { // the first that does not sort before
        int c = order(numbered(r), dev, ino);
        if (c >= 0)
            first = r;
        r = c < 0 ? r->right : r->left;
    }
    for (; first && !order(numbered(first), dev, ino); first = rb_next(first))
        if (refcount_inc_not_zero(&numbered(first)->node.refs))
            return numbered(first);
    return NULL;
}

// The node of a regular file: the one there is, or n, which is used up in any case.
static struct hostfs_node *enter(struct hostfs *h, struct hostfs_node *n)
{
    spin_lock(&h->lock);
    struct hostfs_node *known = find(h, n->dev, n->node.ino);
    if (!known)
        rb_insert(&h->files, &n->by_number, less);
    spin_unlock(&h->lock);
    if (!known)
        return n;
    node_put(&n->node);
    return known;
}

static void live_destroy(struct node *node)
{
    struct hostfs *h = hostfs_of(node);
    struct hostfs_node *n = hostfs_node(node);
    spin_lock(&h->lock);
    if (!rb_empty_node(&n->by_number))
        rb_erase(&h->files, &n->by_number);
    spin_unlock(&h->lock);
    hostfs_stored_del(n);
    hostfs_destroy(node);
}

struct node *hostfs_live_start(struct superblock *sb, struct hostfs_node *n, i64 handle,
                               const struct host_attr *a)
{
    hostfs_node_start(n, sb, handle, a);
    if ((a->mode & MODE_FMT) == MODE_REG)
        n = enter(sb->private, n);
    return &n->node;
}

// --- looking up ---

static int live_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    struct host_attr a;
    char text[HOSTFS_NAME];
    int err = hostfs_name(name, text);
    if (err)
        return err;
    struct hostfs_node *n = hostfs_node_alloc();
    if (!n)
        return -E_NOMEM;
    u32 tries = 0;
    i64 handle;
    do
        handle = arch_host_lookup(hostfs_node(dir)->handle, text, &a);
    while (hostfs_again(handle, &tries));
    if (handle < 0) {
        kfree(n);
        return (int)handle;
    }
    *out = hostfs_live_start(dir->sb, n, handle, &a);
    hostfs_take_attr(hostfs_node(*out), &a);
    return 0;
}

static bool live_revalidate(struct node *dir, const struct pathname *name, struct node *node)
{
    struct host_attr a;
    char text[HOSTFS_NAME];
    struct hostfs_node *n = hostfs_node(node);
    if (hostfs_name(name, text) || arch_host_probe(hostfs_node(dir)->handle, text, &a) ||
        a.ino != node->ino || a.dev != n->dev ||
        (a.mode & MODE_FMT) != (node_mode(node) & MODE_FMT))
        return false;
    hostfs_take_attr(n, &a);
    return true;
}

// --- attributes ---

static int live_getattr(struct node *n, struct attr *a)
{
    int err = hostfs_live_refresh(hostfs_node(n));
    if (err)
        return err;
    node_fill_attr(n, a);
    a->blocks = hostfs_node(n)->blocks;
    return 0;
}

static int live_setattr(struct node *n, const struct setattr *s)
{
    static const struct {
        u32 ours, host;
    } known[] = {{SET_MODE, HOST_SET_MODE},
                 {SET_UID, HOST_SET_UID},
                 {SET_GID, HOST_SET_GID},
                 {SET_ATIME, HOST_SET_ATIME},
                 {SET_MTIME, HOST_SET_MTIME}};
    struct host_change c = {
        .mode = s->mode, .uid = s->uid, .gid = s->gid, .atime = s->atime, .mtime = s->mtime};
    for (usize i = 0; i < ARRAY_LEN(known); i++)
        c.valid |= s->valid & known[i].ours ? known[i].host : 0;
    int err = cannot_write(n);
    if (!err)
        err = (int)arch_host_change(hostfs_node(n)->handle, &c);
    return err ?: hostfs_live_refresh(hostfs_node(n));
}

// --- changes of names; the directory's own attributes are asked for when they are looked at ---

// The owner is the program's, where the host's user may give files away.
static void give(i64 handle, const struct create_args *a, struct host_attr *have)
{
    const struct host_change c = {.valid = HOST_SET_UID | HOST_SET_GID |
                                           (a->mode & (MODE_SUID | MODE_SGID) ? HOST_SET_MODE : 0u),
                                  .mode = a->mode,
                                  .uid = a->uid,
                                  .gid = a->gid};
    if (have->uid == a->uid && have->gid == a->gid)
        return;
    (void)!arch_host_change(handle, &c);
    (void)!arch_host_attr(handle, have);
}

static int live_create(struct node *dir, const struct pathname *name, const struct create_args *a,
                       struct node **out)
{
    struct host_attr have;
    char text[HOSTFS_NAME], *link = NULL;
    int err = cannot_write(dir);
    if (!err)
        err = hostfs_name(name, text);
    if (err)
        return err;
    struct hostfs_node *n = hostfs_node_alloc();
    bool is_link = (a->mode & MODE_FMT) == MODE_LNK;
    if (n && is_link && (link = kmalloc(a->link_len + 1, 0)) != NULL) {
        memcpy(link, a->link, a->link_len);
        link[a->link_len] = 0;
    }
    u32 tries = 0;
    i64 handle;
    do
        handle = !n || (is_link && !link)
                     ? -E_NOMEM
                     : arch_host_make(hostfs_node(dir)->handle, text, a->mode, link, &have);
    while (hostfs_again(handle, &tries));
    kfree(link);
    if (handle < 0) {
        kfree(n);
        return (int)handle;
    }
    give(handle, a, &have);
    *out = hostfs_live_start(dir->sb, n, handle, &have);
    return 0;
}

static int live_link(struct node *dir, const struct pathname *name, struct node *n)
{
    char text[HOSTFS_NAME];
    int err = cannot_write(dir);
    if (!err)
        err = hostfs_name(name, text);
    if (!err)
        err = (int)arch_host_link(hostfs_node(dir)->handle, text, hostfs_node(n)->handle);
    return err ?: hostfs_live_refresh(hostfs_node(n));
}

static int live_unlink(struct node *dir, const struct pathname *name, struct node *child)
{
    struct host_attr a;
    char text[HOSTFS_NAME];
    int err = cannot_write(dir);
    if (!err)
        err = hostfs_name(name, text);
    if (!err)
        err = (int)arch_host_unlink(hostfs_node(dir)->handle, text, node_is_dir(child));
    if (!err && !arch_host_attr(hostfs_node(child)->handle, &a))
        hostfs_take_attr(hostfs_node(child), &a);
    return err;
}

static int live_rename(struct node *old_dir, const struct pathname *old_name, struct node *child,
                       struct node *new_dir, const struct pathname *new_name,
                       struct node *new_child, u32 flags)
{
    struct host_attr a;
    char from[HOSTFS_NAME], to[HOSTFS_NAME];
    (void)child;
    int err = flags & RENAME_WHITEOUT ? -E_INVAL : cannot_write(old_dir);
    if (!err)
        err = hostfs_name(old_name, from);
    if (!err)
        err = hostfs_name(new_name, to);
    if (!err)
        err = (int)arch_host_rename(hostfs_node(old_dir)->handle, from,
                                    hostfs_node(new_dir)->handle, to, flags);
    if (!err && new_child && !arch_host_attr(hostfs_node(new_child)->handle, &a))
        hostfs_take_attr(hostfs_node(new_child), &a);
    return err;
}

const struct node_ops hostfs_live_ops = {.lookup = live_lookup,
                                         .revalidate = live_revalidate,
                                         .create = live_create,
                                         .link = live_link,
                                         .unlink = live_unlink,
                                         .rename = live_rename,
                                         .readdir = hostfs_readdir,
                                         .readlink = hostfs_readlink,
                                         .getattr = live_getattr,
                                         .setattr = live_setattr,
                                         .xattr_get = hostfs_xattr_get,
                                         .xattr_set = hostfs_live_xattr_set,
                                         .xattr_list = hostfs_xattr_list,
                                         .xattr_remove = hostfs_live_xattr_remove,
                                         .lock = hostfs_live_lock,
                                         .lock_query = hostfs_live_lock_query,
                                         .truncate = hostfs_live_truncate,
                                         .fallocate = hostfs_live_fallocate,
                                         .destroy = live_destroy,
                                         .free = hostfs_free};
