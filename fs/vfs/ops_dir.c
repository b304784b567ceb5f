// Working directory, root, bases of relative names, and symlink texts.
#include "names.h"
#include "walk.h"
#include <lib/string.h>
#include <mem/slab.h>

u32 rights_through(u32 rights, u32 had)
{
    const u32 carried = RIGHT_ENUMERATE | RIGHT_CREATE | RIGHT_REMOVE | RIGHT_METADATA |
                        RIGHT_CONTROL | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_MAP | RIGHT_WAIT |
                        RIGHT_REOPEN;
    return rights & (had | ~carried);
}

int base_narrow_from_fd(i32 dirfd, struct pathname name, u32 needs, struct path *out, u32 *lookup,
                        u32 *had)
{
    *out = BASE_CWD;
    *lookup = 0;
    *had = RIGHTS_ALL;
    if (LIKELY(dirfd == DIRFD_CWD) || name.str[0] == '/')
        return 0;
    struct href h;
    int r = href_get(&h, dirfd, 0);
    if (r)
        return r;
    const struct path *p = object_path(h.object);
    if (!p || (name.len && !node_is_dir(path_node(p)))) {
        r = -E_NOTDIR;
    } else if (!(h.rights & RIGHT_REOPEN) && (h.rights & needs) != needs) {
        r = -E_ACCES;
    } else {
        *out = *p;
        path_get(out);
        *had = h.rights;
        if (!(h.rights & RIGHT_REOPEN))
            *lookup = LOOKUP_BENEATH;
    }
    href_put(&h);
    return r;
}

int base_from_fd(i32 dirfd, struct pathname name, struct path *out)
{
    u32 lookup, had;
    return base_narrow_from_fd(dirfd, name, RIGHT_REOPEN, out, &lookup, &had);
}

int vfs_chdir_path(const struct path *p)
{
    struct node *n = path_node(p);
    if (!node_is_dir(n))
        return -E_NOTDIR;
    int r = node_permission(n, WANT_EXEC, current_cred());
    if (!r)
        view_set_cwd(current_view(), p);
    return r;
}

int vfs_chdir(const struct path *base, struct pathname name)
{
    struct path p;
    int r = path_lookup(base, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
    if (r)
        return r;
    r = vfs_chdir_path(&p);
    path_put(&p);
    return r;
}

int vfs_chroot(const struct path *base, struct pathname name)
{
    struct path p;
    int r = path_lookup(base, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
    if (r)
        return r;
    r = node_permission(path_node(&p), WANT_EXEC, current_cred());
    if (!r && !capable(CAP_SYS_CHROOT))
        r = -E_PERM;
    if (!r)
        view_set_root(current_view(), &p);
    path_put(&p);
    return r;
}

i64 vfs_getcwd(char *buf, usize cap)
{
    struct path cwd;
    char *at, *text = kmalloc(PATH_MAX_LEN, 0);
    if (!text)
        return -E_NOMEM;
    view_cwd(current_view(), &cwd);
    i64 n = -E_NOENT;
    if (!dentry_unhashed(cwd.dentry) || cwd.dentry == cwd.mount->root)
        n = path_text(&cwd, NULL, PATH_TEXT_UNREACHABLE, text, PATH_MAX_LEN - 1, &at);
    path_put(&cwd);
    if (n >= 0 && (u64)n + 1 > cap)
        n = -E_RANGE;
    if (n >= 0) {
        memcpy(buf, at, (usize)n);
        buf[n++] = '\0';
    }
    kfree(text);
    return n;
}

i64 vfs_readlink_node(struct node *n, char *buf, usize cap)
{
    if (node_type(n) != MODE_LNK)
        return -E_INVAL;
    if (n->link) {
        usize len = MIN(node_size(n), cap);
        memcpy(buf, n->link, len);
        return (i64)len;
    }
    if (n->ops->readlink)
        return n->ops->readlink(n, buf, cap);
    if (!n->ops->follow)
        return -E_INVAL;
    struct path p;
    int r = n->ops->follow(n, &p);
    if (r)
        return r;
    char *at, *text = kmalloc(PATH_MAX_LEN, 0);
    i64 len = text ? path_text(&p, NULL, PATH_TEXT_DELETED, text, PATH_MAX_LEN, &at) : -E_NOMEM;
    if (len >= 0) {
        len = MIN(len, (i64)cap);
        memcpy(buf, at, (usize)len);
    }
    kfree(text);
    path_put(&p);
    return len;
}

i64 vfs_readlink_path(const struct path *p, char *buf, usize cap)
{
    i64 n = vfs_readlink_node(path_node(p), buf, cap);
    if (n >= 0)
        path_touch_atime(p->mount, path_node(p));
    return n;
}

struct peek_link {
    char *buf;
    usize cap;
    i64 len;
};

static int peek_link(struct mount *m, struct dentry *d, struct node *n, void *arg)
{
    struct peek_link *l = arg;
    (void)d;
    if (node_type(n) != MODE_LNK)
        return -E_INVAL;
    if (!n->link)
        return -E_AGAIN;
    l->len = (i64)MIN(node_size(n), l->cap);
    memcpy(l->buf, n->link, (usize)l->len);
    path_touch_atime(m, n);
    return 0;
}

i64 vfs_readlink(const struct path *base, struct pathname name, char *buf, usize cap)
{
    struct peek_link l = {buf, cap, 0};
    i64 n = path_peek(base, name, LOOKUP_EMPTY, peek_link, &l);
    if (UNLIKELY(n == -E_AGAIN)) {
        struct path p;
        n = path_lookup(base, name, LOOKUP_EMPTY, &p);
        if (!n) {
            n = vfs_readlink_path(&p, buf, cap);
            path_put(&p);
        }
    } else if (!n) {
        n = l.len;
    }
    return n == -E_INVAL && !name.len ? -E_NOENT : n; // the base itself is no link
}
