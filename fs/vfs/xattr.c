// Extended attributes at a place: name spaces and permissions. Storage is the file system's.
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/ops.h>

// Which rules a name falls under: 0, -E_OPNOTSUPP (no such space), -E_PERM, -E_ACCES, -E_NODATA.
static int check_access(struct node *n, const char *name, u32 want)
{
    const struct cred *c = current_cred();
    if ((want & WANT_WRITE) && node_has(n, NODE_IMMUTABLE | NODE_APPEND))
        return -E_PERM;
    if (!strncmp(name, "security.", 9) || !strncmp(name, "system.", 7))
        return (want & WANT_WRITE) && !cred_capable(c, CAP_SYS_ADMIN) ? -E_PERM : 0;
    if (!strncmp(name, "trusted.", 8)) {
        if (cred_capable(c, CAP_SYS_ADMIN))
            return 0;
        return want & WANT_WRITE ? -E_PERM : -E_NODATA;
    }
    if (strncmp(name, "user.", 5))
        return -E_OPNOTSUPP;
    u32 type = node_type(n);
    if (type != MODE_REG && type != MODE_DIR)
        return want & WANT_WRITE ? -E_PERM : -E_NODATA;
    if (type == MODE_DIR && (node_mode(n) & MODE_STICKY) && (want & WANT_WRITE) &&
        !node_owner_or_capable(n, c))
        return -E_PERM;
    return node_permission(n, want, c);
}

static int check_name(const char *name)
{
    usize len = strnlen(name, XATTR_NAME_MAX + 1);
    return len == 0 || len > XATTR_NAME_MAX ? -E_RANGE : 0;
}

i64 vfs_xattr_get(const struct path *p, const char *name, void *buf, usize cap)
{
    struct node *n = path_node(p);
    int r = check_name(name);
    if (!r)
        r = check_access(n, name, WANT_READ);
    if (r)
        return r;
    return n->ops->xattr_get ? n->ops->xattr_get(n, name, buf, cap) : -E_OPNOTSUPP;
}

int vfs_xattr_set(const struct path *p, const char *name, const void *val, usize len, u32 flags)
{
    struct node *n = path_node(p);
    if (flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE))
        return -E_INVAL;
    int r = check_name(name);
    if (!r && len > XATTR_SIZE_MAX)
        r = -E_2BIG;
    if (!r)
        r = mount_want_write(p->mount);
    if (!r)
        r = check_access(n, name, WANT_WRITE);
    if (!r)
        r = n->ops->xattr_set ? n->ops->xattr_set(n, name, val, len, flags) : -E_OPNOTSUPP;
    return r;
}

// Names in the trusted space are for those who may use it.
static i64 list_untrusted(struct node *n, char *buf, usize cap)
{
    i64 len = n->ops->xattr_list(n, NULL, 0), total = 0;
    char *all = len > 0 ? kmalloc((usize)len, 0) : NULL;
    if (len <= 0)
        return len;
    if (!all)
        return -E_NOMEM;
    len = n->ops->xattr_list(n, all, (usize)len);
    for (i64 at = 0; at < len;) {
        usize size = strlen(all + at) + 1;
        if (strncmp(all + at, "trusted.", 8)) {
            if (cap && cap - (usize)total < size) {
                total = -E_RANGE;
                break;
            }
            if (cap)
                memcpy(buf + total, all + at, size);
            total += (i64)size;
        }
        at += (i64)size;
    }
    kfree(all);
    return len < 0 ? len : total;
}

i64 vfs_xattr_list(const struct path *p, char *buf, usize cap)
{
    struct node *n = path_node(p);
    if (!n->ops->xattr_list)
        return 0;
    return cred_capable(current_cred(), CAP_SYS_ADMIN) ? n->ops->xattr_list(n, buf, cap)
                                                       : list_untrusted(n, buf, cap);
}

int vfs_xattr_remove(const struct path *p, const char *name)
{
    struct node *n = path_node(p);
    int r = check_name(name);
    if (!r)
        r = mount_want_write(p->mount);
    if (!r)
        r = check_access(n, name, WANT_WRITE);
    if (!r)
        r = n->ops->xattr_remove ? n->ops->xattr_remove(n, name) : -E_OPNOTSUPP;
    return r;
}
