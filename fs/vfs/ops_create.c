// Making names: mkdir, mknod, symlink, link.
#include "names.h"
#include "watch_tell.h"
#include <task/task.h>

u32 current_umask(void)
{
    struct task *t = current_task();
    return t ? t->umask & 0777 : 0;
}

int may_create(struct node *dir)
{
    if (node_has(dir, NODE_DEAD))
        return -E_NOENT;
    return node_permission(dir, WANT_WRITE | WANT_EXEC, current_cred());
}

void create_owner(struct node *dir, struct create_args *a)
{
    const struct cred *c = current_cred();
    a->uid = c->fsuid;
    a->gid = c->fsgid;
    if (node_mode(dir) & MODE_SGID) {
        a->gid = atomic_load_explicit(&dir->gid, memory_order_relaxed);
        if ((a->mode & MODE_FMT) == MODE_DIR)
            a->mode |= MODE_SGID;
        else if ((a->mode & (MODE_SGID | 010)) == (MODE_SGID | 010) && !cred_in_group(c, a->gid) &&
                 !cred_capable(c, CAP_FSETID))
            a->mode &= ~(u32)MODE_SGID;
    }
}

int create_begin(const struct path *base, struct pathname name, bool as_dir, struct create_place *p)
{
    int r = path_lookup_parent(base, name, 0, &p->pl);
    if (r)
        return r;
    if (p->pl.type != LAST_NORMAL) {
        parent_lookup_done(&p->pl);
        return -E_EXIST;
    }
    struct node *dir = path_node(&p->pl.parent);
    mutex_lock(&dir->mutex);
    r = dentry_lookup_locked(p->pl.parent.dentry, &p->pl.last, &p->d);
    if (r) {
        mutex_unlock(&dir->mutex);
        parent_lookup_done(&p->pl);
        return r;
    }
    if (!dentry_negative(p->d))
        r = -E_EXIST;
    else if (p->pl.trailing_slash && !as_dir)
        r = -E_NOENT;
    else
        r = mount_want_write(p->pl.parent.mount);
    if (!r)
        r = may_create(dir);
    if (r)
        create_end(p);
    return r;
}

void create_end(struct create_place *p)
{
    mutex_unlock(&path_node(&p->pl.parent)->mutex);
    dentry_put(p->d);
    parent_lookup_done(&p->pl);
}

int create_node(struct dentry *parent, struct dentry *d, struct create_args *a)
{
    struct node *dir = dentry_node(parent), *n;
    if (!dir->ops->create)
        return -E_PERM;
    create_owner(dir, a);
    const struct pathname name = {d->name, d->hash_len & 0xff};
    int r = dir->ops->create(dir, &name, a, &n);
    if (r)
        return r;
    dentry_instantiate(d, n);
    if (watched())
        watch_tell_entry(d, n, WATCH_CREATED, 0);
    return 0;
}

int vfs_mkdir(const struct path *base, struct pathname name, u32 mode)
{
    struct create_place p;
    int r = create_begin(base, name, true, &p);
    if (r)
        return r;
    struct create_args a = {.mode = MODE_DIR | (mode & (0777 | MODE_STICKY) & ~current_umask())};
    r = create_node(p.pl.parent.dentry, p.d, &a);
    create_end(&p);
    return r;
}

int vfs_mknod_path(const struct path *base, struct pathname name, u32 mode, u64 rdev,
                   struct path *out)
{
    struct create_place p;
    u32 type = mode & MODE_FMT ? mode & MODE_FMT : MODE_REG;
    if (type == MODE_DIR)
        return -E_PERM;
    if (type != MODE_REG && type != MODE_CHR && type != MODE_BLK && type != MODE_FIFO &&
        type != MODE_SOCK)
        return -E_INVAL;
    int r = create_begin(base, name, false, &p);
    if (r)
        return r;
    if ((type == MODE_CHR || type == MODE_BLK) && !capable(CAP_MKNOD)) {
        create_end(&p);
        return -E_PERM;
    }
    struct create_args a = {.mode = type | (mode & 07777 & ~current_umask()),
                            .rdev = type == MODE_CHR || type == MODE_BLK ? rdev : 0};
    r = create_node(p.pl.parent.dentry, p.d, &a);
    if (!r && out) {
        *out = (struct path){p.pl.parent.mount, p.d};
        path_get(out);
    }
    create_end(&p);
    return r;
}

int vfs_mknod(const struct path *base, struct pathname name, u32 mode, u64 rdev)
{
    return vfs_mknod_path(base, name, mode, rdev, NULL);
}

int vfs_symlink(struct pathname target, const struct path *base, struct pathname name)
{
    struct create_place p;
    if (!target.len)
        return -E_NOENT;
    if (target.len >= PATH_MAX_LEN)
        return -E_NAMETOOLONG;
    int r = create_begin(base, name, false, &p);
    if (r)
        return r;
    struct create_args a = {.mode = MODE_LNK | 0777, .link = target.str, .link_len = target.len};
    r = create_node(p.pl.parent.dentry, p.d, &a);
    create_end(&p);
    return r;
}

// May the caller make another name for what it neither owns nor may write? (proc(5),
// protected_hardlinks, on as Debian has it)
static bool may_link(struct node *n)
{
    const struct cred *c = current_cred();
    if (c->fsuid == n->uid || cred_capable(c, CAP_FOWNER))
        return true;
    u32 mode = n->mode;
    if ((mode & MODE_FMT) != MODE_REG || mode & MODE_SUID ||
        (mode & (MODE_SGID | 010)) == (MODE_SGID | 010))
        return false;
    return node_permission(n, WANT_READ | WANT_WRITE, c) == 0;
}

int vfs_link(const struct path *old_base, struct pathname old_name, const struct path *new_base,
             struct pathname new_name, u32 lookup)
{
    struct path old;
    struct create_place p;
    int r = path_lookup(old_base, old_name, lookup, &old);
    if (r)
        return r;
    r = create_begin(new_base, new_name, false, &p);
    if (r) { // that the directory is closed comes last
        if (r == -E_ACCES && !may_link(path_node(&old)))
            r = -E_PERM;
        path_put(&old);
        return r;
    }
    struct node *dir = path_node(&p.pl.parent), *n = path_node(&old);
    // Linux 6.12 order: other mount, directory, immutable, nobody left to link.
    if (old.mount != p.pl.parent.mount)
        r = -E_XDEV;
    else if (!may_link(n))
        r = -E_PERM;
    else if (node_has(n, NODE_IMMUTABLE | NODE_APPEND) || !dir->ops->link || node_is_dir(n))
        r = -E_PERM;
    else if (!atomic_load_explicit(&n->nlink, memory_order_relaxed) &&
             !(node_has(n, NODE_ANON) && n->sb == dir->sb))
        r = -E_NOENT;
    else
        r = dir->ops->link(dir, &(struct pathname){p.d->name, p.pl.last.len}, n);
    if (!r) {
        node_get(n);
        dentry_instantiate(p.d, n);
        if (watched()) {
            watch_tell_entry(p.d, n, WATCH_CREATED, 0);
            watch_tell_change(old.dentry, n, WATCH_ATTRIBUTES);
        }
    }
    create_end(&p);
    path_put(&old);
    return r;
}
