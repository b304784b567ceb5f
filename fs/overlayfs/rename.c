// Renaming across layers: everything is copied up first, then moved on the upper layer, leaving
// whiteouts where lower layers would show through. Directories with a lower part are not moved
// (-E_XDEV, as Linux without redirect_dir): programs then copy them.
#include "ovl.h"
#include <lib/string.h>

struct side {
    struct node *dir, *child;
    const struct pathname *name;
    struct dentry *real; // what the upper layer has there: counted, may be a whiteout, may be NULL
    bool lower_has;
};

static bool has_lower_part(struct node *n)
{
    return node_is_dir(n) && ovl_entry(n)->nlower;
}

static int bring_name_up(struct side *s)
{
    int r = node_is_dir(s->child) ? ovl_copy_up(s->child) : ovl_bring_up(s->dir, s->name, s->child);
    return r ? r : layer_lookup(ovl_upper(ovl_entry(s->dir)), s->name, &s->real);
}

static int prepare(struct side *from, struct side *to, u32 flags)
{
    int r = ovl_lower_has(ovl_entry(from->dir), from->name);
    if (r < 0)
        return r;
    from->lower_has = r;
    r = ovl_lower_has(ovl_entry(to->dir), to->name);
    if (r < 0)
        return r;
    to->lower_has = r;
    r = bring_name_up(from);
    if (!r && !from->real)
        r = -E_STALE; // somebody changed the layer
    if (!r && (flags & RENAME_EXCHANGE)) {
        r = bring_name_up(to);
        return r || to->real ? r : -E_STALE;
    }
    if (!r)
        r = ovl_copy_up(to->dir);
    if (!r)
        r = layer_lookup(ovl_upper(ovl_entry(to->dir)), to->name, &to->real);
    return r;
}

// A replaced directory looks empty but may hold whiteouts: it goes away first.
static int clear_target(struct ovl *o, struct side *to)
{
    char text[32];
    struct pathname temp;
    int r;
    if (!to->real || !node_is_dir(dentry_node(to->real)))
        return 0;
    do {
        layer_temp_name(o, text, &temp);
        r = layer_rename(to->real, o->work, &temp,
                         RENAME_NOREPLACE | (to->lower_has ? RENAME_WHITEOUT : 0));
    } while (r == -E_EXIST);
    if (r)
        return r;
    layer_remove_tree(to->real);
    dentry_put(to->real);
    to->real = NULL;
    return layer_lookup(ovl_upper(ovl_entry(to->dir)), to->name, &to->real);
}

static int move(struct ovl *o, struct side *from, struct side *to)
{
    bool dir = node_is_dir(from->child);
    struct dentry *target = ovl_upper(ovl_entry(to->dir));
    int r = clear_target(o, to);
    if (!r && dir && to->lower_has)
        r = ovl_set_opaque(o, dentry_node(from->real)); // what lies below must not show through
    if (r)
        return r;
    if (!to->real || !layer_is_whiteout(dentry_node(to->real)))
        return layer_rename(from->real, target, to->name, from->lower_has ? RENAME_WHITEOUT : 0);
    if (!dir && !from->lower_has)
        return layer_rename(from->real, target, to->name, 0);
    r = layer_rename(from->real, target, to->name,
                     RENAME_EXCHANGE); // the whiteout comes to the old name
    if (!r && !from->lower_has)
        (void)layer_remove(to->real);
    return r;
}

static int exchange(struct ovl *o, struct side *from, struct side *to)
{
    int r = 0;
    if (node_is_dir(from->child) && to->lower_has)
        r = ovl_set_opaque(o, dentry_node(from->real));
    if (!r && node_is_dir(to->child) && from->lower_has)
        r = ovl_set_opaque(o, dentry_node(to->real));
    return r ? r
             : layer_rename(from->real, ovl_upper(ovl_entry(to->dir)), to->name, RENAME_EXCHANGE);
}

static void keep_listing(struct side *from, struct side *to, bool exchanged)
{
    ovl_list_remove(from->dir, from->name);
    if (to->child)
        ovl_list_remove(to->dir, to->name);
    ovl_list_add(to->dir, to->name, from->child->ino, node_type(from->child));
    if (exchanged)
        ovl_list_add(from->dir, from->name, to->child->ino, node_type(to->child));
}

int ovl_rename(struct node *old_dir, const struct pathname *old_name, struct node *child,
               struct node *new_dir, const struct pathname *new_name, struct node *new_child,
               u32 flags)
{
    struct ovl *o = ovl_of(old_dir);
    struct side from = {.dir = old_dir, .child = child, .name = old_name},
                to = {.dir = new_dir, .child = new_child, .name = new_name};
    bool exchanging = flags & RENAME_EXCHANGE;
    if (flags & ~(u32)(RENAME_EXCHANGE | RENAME_NOREPLACE))
        return -E_INVAL;
    if (!o->work)
        return -E_ROFS;
    if (has_lower_part(child) || (exchanging && has_lower_part(new_child)))
        return -E_XDEV;
    int r = new_child && !exchanging && node_is_dir(new_child) ? ovl_is_empty(new_child) : 0;
    if (!r)
        r = prepare(&from, &to, flags);
    if (!r)
        r = exchanging ? exchange(o, &from, &to) : move(o, &from, &to);
    dentry_put(from.real);
    dentry_put(to.real);
    if (r)
        return r;
    if (new_child && !exchanging) {
        if (node_is_dir(new_child)) {
            atomic_store_explicit(&new_child->nlink, 0, memory_order_relaxed);
        } else {
            node_dec_nlink(new_child);
            if (!atomic_load_explicit(&new_child->nlink, memory_order_relaxed))
                ovl_node_unpin(ovl_node(new_child));
        }
        struct ovl_entry *e = ovl_entry(new_child);
        mutex_lock_nested(&e->copy_mutex);
        if (e->up == ovl_entry(new_dir) && e->name && strlen(e->name) == new_name->len &&
            !memcmp(e->name, new_name->str, new_name->len))
            e->gone = true;
        mutex_unlock(&e->copy_mutex);
    }
    if (ovl_entry(child)->nlower)
        ovl_set_impure(o, dentry_node(ovl_upper(ovl_entry(new_dir))));
    if (exchanging && ovl_entry(new_child)->nlower)
        ovl_set_impure(o, dentry_node(ovl_upper(ovl_entry(old_dir))));
    keep_listing(&from, &to, exchanging);
    return 0;
}
