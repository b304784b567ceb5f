// Making and removing names. dir->mutex is held by the vfs; what was checked there holds for the
// overlay, so that only the layers' own limits can refuse.
#include "ovl.h"
#include <lib/string.h>
#include <mem/slab.h>

// The node for something that was made on the upper layer (consumes `made`).
static int node_for_new(struct node *dir, const struct pathname *name, struct dentry *made,
                        struct node **out)
{
    struct ovl_entry *e = ovl_entry_new(ovl_of(dir), ovl_entry(dir), name, 0);
    if (!e) {
        dentry_put(made);
        return -E_NOMEM;
    }
    atomic_init(&e->upper, made);
    return ovl_node_get(dir->sb, e, out);
}

// What the upper layer has at name: nothing (NULL), or a whiteout. Everything else would show in
// the overlay.
static int old_whiteout(struct node *dir, const struct pathname *name, struct dentry **out)
{
    int r = layer_lookup(ovl_upper(ovl_entry(dir)), name, out);
    if (!r && *out && !layer_is_whiteout(dentry_node(*out))) {
        dentry_put(*out);
        r = -E_EXIST;
    }
    return r;
}

// Puts `d` from the work directory where a whiteout is.
static int replace_whiteout(struct ovl *o, struct dentry *d, struct dentry *dir,
                            const struct pathname *name)
{
    if (!node_is_dir(dentry_node(d)))
        return layer_rename(d, dir, name, 0);
    int r = ovl_set_opaque(o, dentry_node(d));
    struct dentry *white = NULL;
    if (!r)
        r = layer_lookup(dir, name, &white);
    if (!r && !white)
        r = -E_STALE;
    if (!r)
        r = layer_rename(d, dir, name, RENAME_EXCHANGE);
    if (!r)
        (void)layer_remove(white);
    dentry_put(white);
    return r;
}

// Takes the upper layer's `d` away from its name; a whiteout stays there if the lower layers have
// the name.
static int take_away(struct ovl *o, struct dentry *d, bool whiteout)
{
    struct node *n = dentry_node(d);
    if (!whiteout && !node_is_dir(n))
        return layer_remove(d);
    char text[32];
    struct pathname temp;
    int r;
    do {
        layer_temp_name(o, text, &temp);
        r = layer_rename(d, o->work, &temp, RENAME_NOREPLACE | (whiteout ? RENAME_WHITEOUT : 0));
    } while (r == -E_EXIST);
    if (!r)
        layer_remove_tree(d); // with the whiteouts in it
    return r;
}

int ovl_create(struct node *dir, const struct pathname *name, const struct create_args *a,
               struct node **out)
{
    struct ovl *o = ovl_of(dir);
    struct dentry *white, *made;
    bool had_white;
    if ((a->mode & MODE_FMT) == MODE_CHR && a->rdev == 0)
        return -E_PERM; // would be a whiteout
    int r = ovl_copy_up(dir);
    if (r)
        return r;
    struct dentry *upper = ovl_upper(ovl_entry(dir));
    r = old_whiteout(dir, name, &white);
    if (r)
        return r;
    had_white = white;
    if (!white) {
        r = layer_create(upper, name, a, &made);
    } else {
        char text[32];
        struct pathname temp;
        dentry_put(white);
        do {
            layer_temp_name(o, text, &temp);
            r = layer_create(o->work, &temp, a, &made);
        } while (r == -E_EXIST);
        if (!r) {
            r = replace_whiteout(o, made, upper, name);
            if (r) {
                (void)layer_remove(made);
                dentry_put(made);
            }
        }
    }
    if (r)
        return r;
    dentry_get(made);
    r = node_for_new(dir, name, made, out);
    if (r)
        (void)take_away(o, made, had_white);
    else
        ovl_list_add(dir, name, (*out)->ino, node_type(*out));
    dentry_put(made);
    return r;
}

int ovl_tmpfile(struct node *dir, const struct create_args *a, struct node **out)
{
    struct node *n;
    int r = ovl_copy_up(dir);
    if (r)
        return r;
    struct dentry *upper = ovl_upper(ovl_entry(dir));
    struct node *real = dentry_node(upper);
    if (!real->ops->tmpfile)
        return -E_OPNOTSUPP;
    r = real->ops->tmpfile(real, a, &n);
    if (r)
        return r;
    atomic_fetch_or_explicit(&n->flags, NODE_ANON, memory_order_relaxed);
    struct dentry *d = dentry_create_anon(n->sb, n, "#tmpfile");
    if (!d)
        return -E_NOMEM;
    return node_for_new(dir, NULL, d, out);
}

int ovl_link(struct node *dir, const struct pathname *name, struct node *n)
{
    struct ovl *o = ovl_of(dir);
    struct dentry *white, *made;
    int r = ovl_copy_up(n);
    if (!r)
        r = ovl_copy_up(dir);
    if (!r)
        r = old_whiteout(dir, name, &white);
    if (r)
        return r;
    struct dentry *upper = ovl_upper(ovl_entry(dir));
    struct node *real = ovl_real_node(n);
    if (!white) {
        r = layer_link(upper, name, real, &made);
    } else {
        char text[32];
        struct pathname temp;
        dentry_put(white);
        do {
            layer_temp_name(o, text, &temp);
            r = layer_link(o->work, &temp, real, &made);
        } while (r == -E_EXIST);
        if (!r) {
            r = layer_rename(made, upper, name, 0);
            if (r) {
                (void)layer_remove(made);
                dentry_put(made);
            }
        }
    }
    if (r)
        return r;
    dentry_put(made);
    node_inc_nlink(n);
    if (ovl_entry(n)->nlower)
        ovl_set_impure(o, dentry_node(upper));
    ovl_list_add(dir, name, n->ino, node_type(n));
    return 0;
}

int ovl_unlink(struct node *dir, const struct pathname *name, struct node *child)
{
    struct ovl *o = ovl_of(dir);
    struct ovl_entry *e = ovl_entry(child);
    struct dentry *d;
    if (!o->work)
        return -E_ROFS;
    int r = node_is_dir(child) ? ovl_is_empty(child) : 0;
    if (!r)
        r = ovl_lower_has(ovl_entry(dir), name);
    if (r < 0)
        return r;
    bool whiteout = r;
    r = ovl_copy_up(dir);
    if (r)
        return r;
    struct dentry *upper = ovl_upper(ovl_entry(dir));
    r = layer_lookup(upper, name, &d);
    if (r)
        return r;
    if (d) {
        r = take_away(o, d, whiteout);
    } else {
        r = layer_create(upper, name, &(struct create_args){.mode = MODE_CHR}, &d);
    }
    if (r) {
        dentry_put(d);
        return r;
    }
    dentry_put(d);
    mutex_lock_nested(&e->copy_mutex);
    if (e->up == ovl_entry(dir) && e->name && strlen(e->name) == name->len &&
        !memcmp(e->name, name->str, name->len))
        e->gone = true;
    mutex_unlock(&e->copy_mutex);
    if (node_is_dir(child)) {
        atomic_store_explicit(&child->nlink, 0, memory_order_relaxed);
    } else {
        node_dec_nlink(child);
        if (!atomic_load_explicit(&child->nlink, memory_order_relaxed))
            ovl_node_unpin(ovl_node(child));
    }
    ovl_list_remove(dir, name);
    return 0;
}
