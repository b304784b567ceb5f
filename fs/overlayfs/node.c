// Entries and nodes of the overlay: life time, identity of files with several names, attributes.
#include "ovl.h"
#include <lib/string.h>
#include <mem/slab.h>

DEFINE_SLAB(node_slab, struct ovl_node);

const struct lock_class *ovl_dir_class(const struct ovl *o)
{
    static const struct lock_class *const classes[] = {
        &lock_class_overlay_dir, &lock_class_overlay2_dir, &lock_class_overlay3_dir};
    return classes[o->level - 1];
}

const struct lock_class *ovl_rename_class(const struct ovl *o)
{
    static const struct lock_class *const classes[] = {
        &lock_class_overlay_rename, &lock_class_overlay2_rename, &lock_class_overlay3_rename};
    return classes[o->level - 1];
}

u64 ovl_ino(const struct ovl *o, u32 layer, u64 ino)
{
    u32 fs = o->layers[layer].fs;
    return o->one_fs || ino >> 56 ? ino : ino | (u64)fs << 56;
}

// --- entries ---------------------------------------------------------------------------------

struct ovl_entry *ovl_entry_new(struct ovl *o, struct ovl_entry *up, const struct pathname *name,
                                u32 nlower)
{
    struct ovl_entry *e = kzalloc(sizeof(*e) + nlower * sizeof(e->lower[0]), 0);
    if (!e)
        return NULL;
    if (name) {
        e->name = kmalloc(name->len + 1, 0);
        if (!e->name) {
            kfree(e);
            return NULL;
        }
        memcpy(e->name, name->str, name->len);
        e->name[name->len] = 0;
    }
    refcount_set(&e->refs, 1);
    mutex_init(&e->copy_mutex, ovl_dir_class(o));
    e->up = up;
    if (up)
        refcount_inc(&up->refs);
    return e;
}

void ovl_entry_put(struct ovl_entry *e)
{
    while (e && refcount_dec_and_test(&e->refs)) { // a loop: trees are deeper than stacks
        struct ovl_entry *up = e->up;
        dentry_put(e->upper);
        for (u32 i = 0; i < e->nlower; i++)
            dentry_put(e->lower[i].dentry);
        kfree(e->name);
        kfree(e);
        e = up;
    }
}

// --- nodes -----------------------------------------------------------------------------------

static u32 slot(const struct node *real)
{
    return ((uintptr_t)real >> 6) * 0x9e37'79b9'7f4a'7c15ull >> 56;
}
static_assert(OVL_TABLE == 256);

// table_lock held. Counted, or NULL.
static struct ovl_node *table_find(struct ovl *o, struct ovl_entry *e)
{
    struct ovl_node *n;
    struct node *real;
    if (ovl_upper(e)) {
        real = dentry_node(ovl_upper(e));
        list_for_each_entry (n, &o->by_upper[slot(real)], upper_link)
            if (dentry_node(ovl_upper(n->entry)) == real && refcount_inc_not_zero(&n->node.refs))
                return n;
        return NULL;
    }
    real = dentry_node(e->lower[0].dentry);
    list_for_each_entry (n, &o->by_lower[slot(real)], lower_link)
        if (dentry_node(n->entry->lower[0].dentry) == real && refcount_inc_not_zero(&n->node.refs))
            return n;
    return NULL;
}

static void table_enter(struct ovl *o, struct ovl_node *n)
{
    struct ovl_entry *e = n->entry;
    if (ovl_upper(e) && list_empty(&n->upper_link))
        list_add_head(&o->by_upper[slot(dentry_node(ovl_upper(e)))], &n->upper_link);
    if (e->nlower && list_empty(&n->lower_link))
        list_add_head(&o->by_lower[slot(dentry_node(e->lower[0].dentry))], &n->lower_link);
}

void ovl_node_has_upper(struct ovl_node *n)
{
    struct ovl *o = ovl_of(&n->node);
    spin_lock(&o->table_lock);
    table_enter(o, n);
    spin_unlock(&o->table_lock);
}

void ovl_node_pin(struct ovl_node *n)
{
    struct ovl *o = ovl_of(&n->node);
    node_get(&n->node);
    spin_lock(&o->table_lock);
    bool already = !list_empty(&n->pin_link);
    if (!already)
        list_add_tail(&o->pinned, &n->pin_link);
    spin_unlock(&o->table_lock);
    if (already)
        node_put(&n->node);
}

void ovl_node_unpin(struct ovl_node *n)
{
    struct ovl *o = ovl_of(&n->node);
    spin_lock(&o->table_lock);
    bool pinned = !list_empty(&n->pin_link);
    list_del(&n->pin_link);
    spin_unlock(&o->table_lock);
    if (pinned)
        node_put(&n->node);
}

static i64 symlink_text(struct node *real, char **out)
{
    usize len = real->link ? node_size(real) : PATH_MAX_LEN - 1;
    char *text = kmalloc(len + 1, 0);
    if (!text)
        return -E_NOMEM;
    i64 n = (i64)len;
    if (real->link)
        memcpy(text, real->link, len);
    else
        n = real->ops->readlink ? real->ops->readlink(real, text, len) : -E_INVAL;
    if (n < 0) {
        kfree(text);
        return n;
    }
    text[n] = 0;
    *out = text;
    return n;
}

void ovl_mirror(struct node *n)
{
    struct node *real = ovl_real_node(n);
    atomic_store_explicit(&n->mode, node_mode(real), memory_order_relaxed);
    atomic_store_explicit(&n->uid, atomic_load_explicit(&real->uid, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&n->gid, atomic_load_explicit(&real->gid, memory_order_relaxed),
                          memory_order_relaxed);
    if (node_type(real) == MODE_REG)
        atomic_store_explicit(&n->size, node_size(real), memory_order_relaxed);
}

// A directory of a layer changes by itself: what it lacks today may be there tomorrow.
bool ovl_is_dynamic(const struct ovl *o, const struct ovl_entry *e)
{
    if (o->live)
        return true;
    for (u32 i = 0; i < e->nlower; i++)
        if (node_has(dentry_node(e->lower[i].dentry), NODE_NO_NEGATIVE))
            return true;
    return false;
}

static const struct node_ops ovl_magic_ops;

static u64 number_of(struct ovl *o, struct ovl_entry *e)
{
    struct node *real = dentry_node(ovl_top(e, NULL));
    if (e->nlower)
        return ovl_ino(o, e->lower[0].layer, dentry_node(e->lower[0].dentry)->ino);
    u64 origin = node_is_dir(real) ? 0 : ovl_get_origin(o, real);
    return origin ? origin : ovl_ino(o, OVL_UPPER, real->ino);
}

int ovl_node_get(struct superblock *sb, struct ovl_entry *e, struct node **out)
{
    struct ovl *o = sb->private;
    struct node *real = dentry_node(ovl_top(e, NULL));
    bool dir = node_is_dir(real);
    char *text = NULL;
    i64 len = 0;
    struct ovl_node *n = NULL, *found = NULL;
    if (!dir) {
        spin_lock(&o->table_lock);
        found = table_find(o, e);
        spin_unlock(&o->table_lock);
        if (found)
            goto have;
    }
    bool magic = real->ops->follow;
    if (node_type(real) == MODE_LNK && !magic)
        len = symlink_text(real, &text);
    n = len < 0 ? NULL : slab_def_alloc(&node_slab, 0);
    if (!n) {
        kfree(text);
        ovl_entry_put(e);
        return len < 0 ? (int)len : -E_NOMEM;
    }
    memset(n, 0, sizeof(*n));
    node_init(&n->node, sb, magic ? &ovl_magic_ops : &ovl_node_ops, node_mode(real));
    mutex_init(&n->node.mutex, ovl_dir_class(o));
    n->node.ino = number_of(o, e);
    n->node.rdev = real->rdev;
    n->node.generation = real->generation;
    n->node.link = text;
    if (text)
        atomic_init(&n->node.size, (u64)len);
    if (node_type(real) == MODE_REG)
        n->node.fops = &ovl_file_ops;
    n->entry = e;
    atomic_init(&n->node.flags,
                (ovl_is_dynamic(o, e) ? NODE_NO_NEGATIVE : 0) | (o->live ? NODE_REVALIDATE : 0));
    n->next_cookie = 2;
    list_init(&n->upper_link);
    list_init(&n->lower_link);
    list_init(&n->pin_link);
    atomic_init(&n->node.nlink, atomic_load_explicit(&real->nlink, memory_order_relaxed));
    ovl_mirror(&n->node);
    if (!dir) {
        spin_lock(&o->table_lock);
        found = table_find(o, e);
        if (!found)
            table_enter(o, n);
        spin_unlock(&o->table_lock);
        if (found)
            node_put(&n->node); // with its entry's reference; another thread was faster
    }
    if (found)
        e = NULL;
have:
    if (found) {
        // The name that copies went to may be gone; this one is there.
        struct ovl_entry *have = found->entry;
        if (e && have->gone) {
            mutex_lock_nested(&have->copy_mutex);
            if (have->gone) {
                char *name = have->name;
                struct ovl_entry *up = have->up;
                have->name = e->name;
                have->up = e->up;
                e->name = name;
                e->up = up;
                have->gone = false;
            }
            mutex_unlock(&have->copy_mutex);
        }
        ovl_entry_put(e);
        n = found;
    }
    *out = &n->node;
    return 0;
}

static void ovl_destroy(struct node *node)
{
    struct ovl_node *n = ovl_node(node);
    struct ovl *o = ovl_of(node);
    spin_lock(&o->table_lock);
    list_del(&n->upper_link);
    list_del(&n->lower_link);
    spin_unlock(&o->table_lock);
    ovl_list_free(n);
    ovl_entry_put(n->entry);
    n->entry = NULL;
}

static void ovl_free(struct node *node)
{
    kfree((void *)(uintptr_t)node->link);
    slab_def_free(&node_slab, node);
}

// --- attributes ------------------------------------------------------------------------------

static int ovl_getattr(struct node *n, struct attr *a)
{
    struct ovl_entry *e = ovl_entry(n);
    int r = node_getattr(dentry_node(ovl_top(e, NULL)), a);
    if (r)
        return r;
    a->dev = n->sb->dev;
    a->ino = n->ino;
    if (!node_is_dir(n))
        a->nlink = atomic_load_explicit(&n->nlink, memory_order_relaxed);
    else if (e->nlower + (ovl_upper(e) ? 1 : 0) > 1)
        a->nlink = 1; // of a merged directory nobody counts them
    return 0;
}

static int ovl_setattr(struct node *n, const struct setattr *s)
{
    int r = ovl_copy_up(n);
    if (r)
        return r;
    struct setattr copy = *s;
    r = layer_setattr(ovl_real_node(n), &copy);
    ovl_mirror(n);
    return r;
}

static int ovl_truncate(struct node *n, u64 size)
{
    int r = ovl_copy_up_size(n, size);
    if (!r)
        r = layer_truncate(ovl_real_node(n), size);
    ovl_mirror(n);
    return r;
}

static int ovl_permission(struct node *n, u32 want, const struct cred *c)
{
    struct node *real = ovl_real_node(n);
    int r = node_permission_generic(n, want, c);
    if (!r && real->ops->permission)
        r = real->ops->permission(real, want, c);
    return r;
}

static int ovl_fallocate(struct node *n, u32 mode, u64 off, u64 len)
{
    int r = ovl_copy_up(n);
    if (r)
        return r;
    struct ovl *o = ovl_of(n);
    struct path p = {o->layers[OVL_UPPER].mount, ovl_upper(ovl_entry(n))};
    struct open_request q = {.access = FILE_WRITE};
    struct object *real;
    u32 rights;
    r = vfs_open_path(&p, &q, false, &real, &rights);
    if (r)
        return r;
    r = file_fallocate(object_file(real), mode, off, len);
    object_put(real);
    ovl_mirror(n);
    return r;
}

const struct node_ops ovl_node_ops = {
    .lookup = ovl_lookup,
    .create = ovl_create,
    .tmpfile = ovl_tmpfile,
    .link = ovl_link,
    .unlink = ovl_unlink,
    .rename = ovl_rename,
    .readdir = ovl_readdir,
    .getattr = ovl_getattr,
    .setattr = ovl_setattr,
    .truncate = ovl_truncate,
    .fallocate = ovl_fallocate,
    .permission = ovl_permission,
    .revalidate = ovl_revalidate,
    .xattr_get = ovl_xattr_get,
    .xattr_set = ovl_xattr_set,
    .xattr_list = ovl_xattr_list,
    .xattr_remove = ovl_xattr_remove,
    .destroy = ovl_destroy,
    .free = ovl_free,
};

static int ovl_follow(struct node *n, struct path *out)
{
    struct node *real = ovl_real_node(n);
    return real->ops->follow(real, out);
}

static const struct node_ops ovl_magic_ops = {
    .follow = ovl_follow,
    .getattr = ovl_getattr,
    .revalidate = ovl_revalidate,
    .destroy = ovl_destroy,
    .free = ovl_free,
};
