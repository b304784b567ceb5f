// Listing directories. One that only the upper layer has is passed through. Any other gets a list
// of its merged names when it is first read, which is kept true from then on: positions in it are
// stable for as long as somebody has the directory open.
#include "ovl.h"
#include <lib/string.h>
#include <mem/slab.h>

// --- the list ---------------------------------------------------------------------------------

static i32 compare(const struct ovl_name *e, const char *name, usize len)
{
    if (len != e->len)
        return len < e->len ? -1 : 1;
    return memcmp(name, e->name, len);
}

static struct ovl_name *find(struct ovl_node *d, const char *name, usize len)
{
    struct rb_node *at = d->by_name.node;
    while (at) {
        struct ovl_name *e = rb_entry(at, struct ovl_name, by_name);
        i32 c = compare(e, name, len);
        if (!c)
            return e;
        at = c < 0 ? at->left : at->right;
    }
    return NULL;
}

static struct ovl_name *insert(struct ovl_node *d, const char *name, usize len, u64 ino, u32 type)
{
    struct ovl_name *e = kmalloc(sizeof(*e) + len + 1, 0);
    if (!e)
        return NULL;
    *e = (struct ovl_name){
        .cookie = d->next_cookie++, .ino = ino, .type = (u8)type, .len = (u16)len};
    memcpy(e->name, name, len);
    e->name[len] = 0;
    struct rb_node **link = &d->by_name.node, *parent = NULL;
    while (*link) {
        parent = *link;
        link = compare(rb_entry(parent, struct ovl_name, by_name), name, len) < 0 ? &parent->left
                                                                                  : &parent->right;
    }
    rb_link(&e->by_name, parent, link);
    rb_insert_color(&d->by_name, &e->by_name);
    parent = rb_last(&d->by_cookie); // cookies only grow
    rb_link(&e->by_cookie, parent, parent ? &parent->right : &d->by_cookie.node);
    rb_insert_color(&d->by_cookie, &e->by_cookie);
    d->names++;
    return e;
}

static void erase(struct ovl_node *d, struct ovl_name *e)
{
    rb_erase(&d->by_name, &e->by_name);
    rb_erase(&d->by_cookie, &e->by_cookie);
    d->names--;
    kfree(e);
}

void ovl_list_free(struct ovl_node *d)
{
    struct rb_node *n = rb_first_postorder(&d->by_name), *next;
    for (; n; n = next) {
        next = rb_next_postorder(n);
        kfree(rb_entry(n, struct ovl_name, by_name));
    }
    d->by_name = d->by_cookie = (struct rb_root){0};
    d->names = 0;
    d->next_cookie = 2;
    d->listed = false;
}

void ovl_list_add(struct node *dir, const struct pathname *name, u64 ino, u32 type)
{
    struct ovl_node *d = ovl_node(dir);
    if (d->listed && !find(d, name->str, name->len) &&
        !insert(d, name->str, name->len, ino, type >> 12))
        ovl_list_free(d);
}

void ovl_list_remove(struct node *dir, const struct pathname *name)
{
    struct ovl_node *d = ovl_node(dir);
    struct ovl_name *e = d->listed ? find(d, name->str, name->len) : NULL;
    if (e)
        erase(d, e);
}

// --- reading layers ---------------------------------------------------------------------------

// What the layer's node says of an entry that needs a closer look; the layer's directory is locked
// by the reader.
struct closer {
    bool whiteout, opaque;
    u64 origin;
};

static int look_closer(struct ovl *o, struct node *dir, const char *name, usize len,
                       struct closer *c)
{
    struct node *n;
    *c = (struct closer){0};
    int r = dir->ops->lookup ? dir->ops->lookup(dir, &(struct pathname){name, len}, &n) : -E_NOENT;
    if (r)
        return r;
    c->whiteout = layer_is_whiteout(n);
    c->opaque = node_is_dir(n) && ovl_is_opaque(o, n);
    if (!node_is_dir(n))
        c->origin = ovl_get_origin(o, n);
    node_put(n);
    return 0;
}

struct gather {
    struct dir_sink sink;
    struct ovl *o;
    struct ovl_node *into;
    struct node *real;
    u32 layer;
    bool impure;
    int err;
};

enum { TYPE_DIR = MODE_DIR >> 12, TYPE_CHR = MODE_CHR >> 12 };

static bool gather_one(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type,
                       u64 cookie)
{
    struct gather *g = (struct gather *)(void *)s;
    (void)cookie;
    struct ovl_name *e = find(g->into, name, len);
    if (e) { // an upper layer has it; a directory merged with this one bears its number
        if (e->from_upper && e->type == TYPE_DIR && !e->opaque && type == TYPE_DIR)
            e->ino = ovl_ino(g->o, g->layer, ino);
        e->from_upper = false;
        return true;
    }
    struct closer c = {0};
    bool upper = g->layer == OVL_UPPER;
    if (type == TYPE_CHR || (upper && (g->impure || type == TYPE_DIR)))
        (void)look_closer(g->o, g->real, name, len, &c);
    e = insert(g->into, name, len, c.origin ? c.origin : ovl_ino(g->o, g->layer, ino), type);
    if (!e) {
        g->err = -E_NOMEM;
        return false;
    }
    e->whiteout = c.whiteout;
    e->opaque = c.opaque;
    e->from_upper = upper;
    return true;
}

static int gather_layer(struct ovl *o, struct ovl_node *d, struct dentry *dir, u32 layer)
{
    struct node *real = dentry_node(dir);
    struct gather g = {.sink.emit = gather_one, .o = o, .into = d, .real = real, .layer = layer};
    u64 cookie = 2;
    if (!real->ops->readdir)
        return -E_NOTDIR;
    g.impure = layer == OVL_UPPER && ovl_is_impure(o, real);
    mutex_lock(&real->mutex);
    int r = real->ops->readdir(real, &cookie, &g.sink);
    mutex_unlock(&real->mutex);
    return r ? r : g.err;
}

static int make_list(struct node *dir)
{
    struct ovl *o = ovl_of(dir);
    struct ovl_node *d = ovl_node(dir);
    struct ovl_entry *e = d->entry;
    struct dentry *upper = ovl_upper(e);
    if (d->listed)
        return 0;
    int r = upper ? gather_layer(o, d, upper, OVL_UPPER) : 0;
    for (u32 i = 0; i < e->nlower && !r; i++)
        r = gather_layer(o, d, e->lower[i].dentry, e->lower[i].layer);
    if (r) {
        ovl_list_free(d);
        return r;
    }
    for (struct rb_node *n = rb_first(&d->by_cookie), *next; n; n = next) {
        next = rb_next(n);
        if (rb_entry(n, struct ovl_name, by_cookie)->whiteout)
            erase(d, rb_entry(n, struct ovl_name, by_cookie));
    }
    d->listed = true;
    return 0;
}

// --- directories of the upper layer alone -----------------------------------------------------

struct pass {
    struct dir_sink sink;
    struct dir_sink *to;
    struct ovl *o;
    struct node *real;
    bool impure, any;
};

static bool pass_one(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type, u64 cookie)
{
    struct pass *p = (struct pass *)(void *)s;
    struct closer c = {0};
    if (type == TYPE_CHR || p->impure)
        (void)look_closer(p->o, p->real, name, len, &c);
    if (c.whiteout)
        return true;
    p->any = true;
    return !p->to || p->to->emit(p->to, name, len,
                                 c.origin ? c.origin : ovl_ino(p->o, OVL_UPPER, ino), type, cookie);
}

static int pass_through(struct node *dir, u64 *cookie, struct dir_sink *sink, bool *any)
{
    struct ovl *o = ovl_of(dir);
    struct node *real = dentry_node(ovl_upper(ovl_entry(dir)));
    struct pass p = {
        .sink.emit = pass_one, .to = sink, .o = o, .real = real, .impure = ovl_is_impure(o, real)};
    if (!real->ops->readdir)
        return -E_NOTDIR;
    mutex_lock(&real->mutex);
    int r = real->ops->readdir(real, cookie, &p.sink);
    mutex_unlock(&real->mutex);
    *any = p.any;
    return r;
}

int ovl_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct ovl_node *d = ovl_node(dir);
    bool any;
    if (!d->entry->nlower)
        return pass_through(dir, cookie, sink, &any);
    if (*cookie <= 2 && ovl_is_dynamic(ovl_of(dir), d->entry))
        ovl_list_free(d);
    int r = make_list(dir);
    if (r)
        return r;
    struct rb_node *at = d->by_cookie.node, *found = NULL;
    while (at) { // first entry at or after *cookie
        if (rb_entry(at, struct ovl_name, by_cookie)->cookie >= *cookie) {
            found = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    for (; found; found = rb_next(found)) {
        struct ovl_name *e = rb_entry(found, struct ovl_name, by_cookie);
        if (!sink->emit(sink, e->name, e->len, e->ino, e->type, e->cookie + 1))
            return 0;
        *cookie = e->cookie + 1;
    }
    return 0;
}

int ovl_is_empty(struct node *dir)
{
    struct ovl_node *d = ovl_node(dir);
    bool any = false;
    u64 cookie = 2;
    int r;
    if (d->entry->nlower) {
        r = make_list(dir);
        any = !r && d->names;
    } else {
        r = pass_through(dir, &cookie, NULL, &any);
    }
    return r ? r : any ? -E_NOTEMPTY : 0;
}
