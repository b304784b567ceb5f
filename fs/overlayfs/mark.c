// Extended attributes: the overlay's marks on its layers, and the user's attributes around them. A
// user's attribute that looks like a mark is stored with ".overlay" once more in its name, so that
// overlays can be stacked.
#include "ovl.h"
#include <lib/string.h>
#include <mem/slab.h>

static const char trusted_prefix[] = "trusted.overlay.", user_prefix[] = "user.overlay.";

static const char *prefix(const struct ovl *o)
{
    return o->user_xattr ? user_prefix : trusted_prefix;
}

static const char *mark_name(const struct ovl *o, const char *mark, char buf[64])
{
    strlcpy(buf, prefix(o), 64);
    strlcat(buf, mark, 64);
    return buf;
}

static bool has_yes(struct ovl *o, struct node *real, const char *mark)
{
    char name[64], c = 0;
    return real->ops->xattr_get &&
           real->ops->xattr_get(real, mark_name(o, mark, name), &c, 1) == 1 && c == 'y';
}

static int set_mark(struct ovl *o, struct node *real, const char *mark, const void *val, usize len)
{
    char name[64];
    return real->ops->xattr_set ? real->ops->xattr_set(real, mark_name(o, mark, name), val, len, 0)
                                : -E_OPNOTSUPP;
}

bool ovl_is_opaque(struct ovl *o, struct node *real)
{
    return has_yes(o, real, "opaque");
}

int ovl_set_opaque(struct ovl *o, struct node *real)
{
    int r = set_mark(o, real, "opaque", "y", 1);
    return r == -E_OPNOTSUPP ? -E_IO : r;
}

bool ovl_is_impure(struct ovl *o, struct node *real)
{
    return has_yes(o, real, "impure");
}

void ovl_set_impure(struct ovl *o, struct node *real)
{
    if (!ovl_is_impure(o, real))
        (void)set_mark(o, real, "impure", "y",
                       1); // without it only directory listings show other numbers
}

// Version, then the overlay's inode number.
struct origin {
    u8 version, pad[7];
    u64 ino;
};
enum { ORIGIN_VERSION = 0x53 };

u64 ovl_get_origin(struct ovl *o, struct node *real)
{
    struct origin g;
    char name[64];
    if (!real->ops->xattr_get ||
        real->ops->xattr_get(real, mark_name(o, "origin", name), &g, sizeof(g)) != (i64)sizeof(g))
        return 0;
    return g.version == ORIGIN_VERSION ? g.ino : 0;
}

void ovl_set_origin(struct ovl *o, struct node *real, u64 ino)
{
    struct origin g = {.version = ORIGIN_VERSION, .ino = ino};
    (void)set_mark(o, real, "origin", &g, sizeof(g));
}

static bool is_mark(const struct ovl *o, const char *name)
{
    return !strncmp(name, prefix(o), strlen(prefix(o)));
}

// How a user's attribute is called in the layer; buf has room for one of full length.
static const char *stored_name(const struct ovl *o, const char *name, char *buf)
{
    if (!is_mark(o, name))
        return name;
    strlcpy(buf, prefix(o), XATTR_NAME_MAX + 16);
    strlcat(buf, "overlay.", XATTR_NAME_MAX + 16);
    strlcat(buf, name + strlen(prefix(o)), XATTR_NAME_MAX + 16);
    return strlen(buf) > XATTR_NAME_MAX ? NULL : buf;
}

i64 ovl_xattr_get(struct node *n, const char *name, void *buf, usize cap)
{
    char text[XATTR_NAME_MAX + 16];
    struct node *real = ovl_real_node(n);
    const char *stored = stored_name(ovl_of(n), name, text);
    if (!stored)
        return -E_NODATA;
    return real->ops->xattr_get ? real->ops->xattr_get(real, stored, buf, cap) : -E_OPNOTSUPP;
}

int ovl_xattr_set(struct node *n, const char *name, const void *val, usize len, u32 flags)
{
    char text[XATTR_NAME_MAX + 16];
    const char *stored = stored_name(ovl_of(n), name, text);
    if (!stored)
        return -E_RANGE;
    int r = ovl_copy_up(n);
    if (r)
        return r;
    struct node *real = ovl_real_node(n);
    return real->ops->xattr_set ? real->ops->xattr_set(real, stored, val, len, flags)
                                : -E_OPNOTSUPP;
}

int ovl_xattr_remove(struct node *n, const char *name)
{
    char text[XATTR_NAME_MAX + 16];
    const char *stored = stored_name(ovl_of(n), name, text);
    struct node *real = ovl_real_node(n);
    if (!stored)
        return -E_NODATA;
    if (!real->ops->xattr_get || !real->ops->xattr_remove)
        return -E_OPNOTSUPP;
    i64 has = real->ops->xattr_get(real, stored, NULL, 0);
    if (has < 0)
        return (int)has;
    int r = ovl_copy_up(n);
    if (r)
        return r;
    real = ovl_real_node(n);
    return real->ops->xattr_remove(real, stored);
}

// All names of a layer's node; *out is to be freed. Returns the length.
static i64 list_all(struct node *real, char **out)
{
    *out = NULL;
    if (!real->ops->xattr_list)
        return 0;
    for (;;) {
        i64 need = real->ops->xattr_list(real, NULL, 0);
        if (need <= 0)
            return need;
        *out = kmalloc((usize)need, 0);
        if (!*out)
            return -E_NOMEM;
        i64 got = real->ops->xattr_list(real, *out, (usize)need);
        if (got != -E_RANGE)
            return got;
        kfree(*out); // one was added meanwhile
        *out = NULL;
    }
}

i64 ovl_xattr_list(struct node *n, char *buf, usize cap)
{
    struct ovl *o = ovl_of(n);
    char *all;
    i64 len = list_all(ovl_real_node(n), &all), total = 0;
    usize plen = strlen(prefix(o));
    for (i64 at = 0; at < len;) {
        const char *name = all + at, *show = name;
        usize size = strlen(name) + 1, cut = 0;
        at += (i64)size;
        if (is_mark(o, name)) {
            if (strncmp(name + plen, "overlay.", 8))
                continue;
            show = name + plen + 8;
            cut = 8;
        }
        usize shown = size - cut;
        if (cap) {
            if (cap - (usize)total < shown) {
                total = -E_RANGE;
                break;
            }
            if (cut) {
                memcpy(buf + total, prefix(o), plen);
                memcpy(buf + total + plen, show, shown - plen);
            } else {
                memcpy(buf + total, name, size);
            }
        }
        total += (i64)shown;
    }
    kfree(all);
    return len < 0 ? len : total;
}

static int copy_one(struct node *from, struct node *to, const char *name)
{
    i64 len = from->ops->xattr_get(from, name, NULL, 0);
    if (len == -E_NODATA)
        return 0;
    if (len < 0)
        return (int)len;
    void *val = kmalloc((usize)len, 0);
    if (!val)
        return -E_NOMEM;
    if (len)
        len = from->ops->xattr_get(from, name, val, (usize)len);
    int r = len < 0 ? (int)len : to->ops->xattr_set(to, name, val, (usize)len, 0);
    kfree(val);
    return r;
}

int ovl_copy_xattrs(struct ovl *o, struct node *from, struct node *to)
{
    char *all;
    usize plen = strlen(prefix(o));
    if (!from->ops->xattr_get || !to->ops->xattr_set)
        return 0;
    i64 len = list_all(from, &all);
    int r = len < 0 && len != -E_OPNOTSUPP ? (int)len : 0;
    for (i64 at = 0; at < len && !r;) {
        const char *name = all + at;
        at += (i64)strlen(name) + 1;
        if (is_mark(o, name) && strncmp(name + plen, "overlay.", 8))
            continue;
        r = copy_one(from, to, name);
    }
    kfree(all);
    return r;
}
