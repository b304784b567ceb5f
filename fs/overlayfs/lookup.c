// Finding a name in the layers: the upper one first, then the lower ones from the top. A file ends
// the search; directories are merged until one is opaque or something else comes between.
#include "ovl.h"
#include <mem/slab.h>

struct found {
    struct dentry *upper;
    u32 nlower, cap;
    struct ovl_real *lower;
    struct ovl_real first; // where `lower` points while one is enough
};

static void drop(struct found *f)
{
    dentry_put(f->upper);
    for (u32 i = 0; i < f->nlower; i++)
        dentry_put(f->lower[i].dentry);
    if (f->lower != &f->first)
        kfree(f->lower);
}

static int add_lower(struct found *f, struct dentry *d, u32 layer, u32 most)
{
    if (f->nlower == f->cap) {
        struct ovl_real *p = kmalloc_array(most, sizeof(*p), 0);
        if (!p)
            return -E_NOMEM;
        p[0] = f->first;
        f->lower = p;
        f->cap = most;
    }
    f->lower[f->nlower++] = (struct ovl_real){d, layer};
    return 0;
}

// 1: go on with the next layer, 0: done, or an error. *d (counted) is kept or dropped.
static int consider(struct ovl *o, struct found *f, struct dentry *d, u32 layer, u32 most)
{
    struct node *n = dentry_node(d);
    bool dir = node_is_dir(n), any = f->upper || f->nlower;
    if (layer_is_whiteout(n) || (any && !dir)) {
        dentry_put(d);
        return 0;
    }
    if (layer == OVL_UPPER) {
        f->upper = d;
    } else {
        int r = add_lower(f, d, layer, most);
        if (r) {
            dentry_put(d);
            return r;
        }
    }
    return dir && !ovl_is_opaque(o, n);
}

static int search(struct ovl *o, struct ovl_entry *dir, const struct pathname *name,
                  struct found *f)
{
    struct dentry *d, *upper = ovl_upper(dir);
    int r;
    *f = (struct found){.cap = 1};
    f->lower = &f->first;
    if (upper) {
        r = layer_lookup(upper, name, &d);
        if (!r && d) {
            r = consider(o, f, d, OVL_UPPER, dir->nlower);
            if (r <= 0)
                return r;
        }
        if (r < 0)
            return r;
    }
    for (u32 i = 0; i < dir->nlower; i++) {
        r = layer_lookup(dir->lower[i].dentry, name, &d);
        if (r)
            return r;
        if (!d)
            continue;
        r = consider(o, f, d, dir->lower[i].layer, dir->nlower);
        if (r <= 0)
            return r;
    }
    return 0;
}

int ovl_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    struct ovl *o = ovl_of(dir);
    struct ovl_entry *up = ovl_entry(dir), *e = NULL;
    struct found f;
    int r = search(o, up, name, &f);
    if (!r && !f.upper && !f.nlower)
        r = -E_NOENT;
    if (!r) {
        e = ovl_entry_new(o, up, name, f.nlower);
        r = e ? 0 : -E_NOMEM;
    }
    if (r) {
        drop(&f);
        return r;
    }
    atomic_init(&e->upper, f.upper);
    e->nlower = f.nlower;
    for (u32 i = 0; i < f.nlower; i++)
        e->lower[i] = f.lower[i];
    if (f.lower != &f.first)
        kfree(f.lower);
    return ovl_node_get(dir->sb, e, out);
}

// A file is the same by either of its parts: another name of one that was copied up still shows the
// lower one.
static bool same_parts(struct ovl_entry *e, const struct found *f, bool dir)
{
    struct dentry *upper = ovl_upper(e);
    const struct node *up = upper ? dentry_node(upper) : NULL,
                      *found = f->upper ? dentry_node(f->upper) : NULL;
    if (!dir && found)
        return found == up;
    if (dir ? found != up || f->nlower != e->nlower : !f->nlower || !e->nlower)
        return false;
    for (u32 i = 0; i < f->nlower; i++)
        if (f->lower[i].layer != e->lower[i].layer ||
            dentry_node(f->lower[i].dentry) != dentry_node(e->lower[i].dentry))
            return false;
    return true;
}

bool ovl_revalidate(struct node *dir, const struct pathname *name, struct node *n)
{
    struct found f;
    bool same = !search(ovl_of(n), ovl_entry(dir), name, &f) &&
                same_parts(ovl_entry(n), &f, node_is_dir(n));
    drop(&f);
    if (same)
        ovl_mirror(n);
    return same;
}

int ovl_lower_has(struct ovl_entry *dir, const struct pathname *name)
{
    for (u32 i = 0; i < dir->nlower; i++) {
        struct dentry *d;
        int r = layer_lookup(dir->lower[i].dentry, name, &d);
        if (r)
            return r;
        if (!d)
            continue;
        bool white = layer_is_whiteout(dentry_node(d));
        dentry_put(d);
        return !white;
    }
    return 0;
}
