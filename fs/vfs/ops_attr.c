// Attributes by name and by place: stat, chmod, chown, utimens, truncate, access, statfs.
#include "file_private.h"
#include "names.h"
#include "watch_tell.h"
#include <task/task.h>

static int peek_attr(struct mount *m, struct dentry *d, struct node *n, void *arg)
{
    struct attr *a = arg;
    (void)d;
    if (n->ops->getattr)
        return -E_AGAIN;
    node_fill_attr(n, a);
    a->mount_id = m->id;
    return 0;
}

int vfs_stat_path(const struct path *p, struct attr *out)
{
    int r = node_getattr(path_node(p), out);
    if (!r)
        out->mount_id = p->mount->id;
    return r;
}

int vfs_stat(const struct path *base, struct pathname name, u32 lookup, struct attr *out)
{
    int r = path_peek(base, name, lookup, peek_attr, out);
    if (LIKELY(r != -E_AGAIN))
        return r;
    struct path p;
    r = path_lookup(base, name, lookup, &p);
    if (UNLIKELY(r == -E_NXIO) && (lookup & LOOKUP_FOLLOW)) {
        struct object *o;
        u32 rights;
        r = path_magic_target(base, name, lookup, &o, &rights);
        if (r)
            return r;
        r = object_getattr(o, out);
        object_put(o);
        return r;
    }
    if (r)
        return r;
    r = vfs_stat_path(&p, out);
    path_put(&p);
    return r;
}

int vfs_stat_at(i32 dirfd, struct pathname name, u32 flags, struct attr *out)
{
    struct path base;
    u32 beneath, had;
    if (!name.len && (flags & STAT_EMPTY) && dirfd != DIRFD_CWD) {
        struct href h;
        int r = href_get(&h, dirfd, RIGHT_METADATA);
        if (r)
            return r;
        r = object_getattr(h.object, out);
        href_put(&h);
        return r;
    }
    int r =
        base_narrow_from_fd(dirfd, name, RIGHT_METADATA | RIGHT_ENUMERATE, &base, &beneath, &had);
    if (r)
        return r;
    r = vfs_stat(&base, name,
                 beneath | (flags & STAT_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                     (flags & STAT_EMPTY ? LOOKUP_EMPTY : 0),
                 out);
    path_put(&base);
    return r;
}

static int apply(struct node *n, struct setattr *s)
{
    s->valid |= SET_CTIME;
    s->ctime = vfs_now();
    if (n->ops->setattr)
        return n->ops->setattr(n, s);
    node_apply_setattr(n, s);
    return 0;
}

static int apply_at(const struct path *p, struct setattr *s)
{
    int r = apply(path_node(p), s);
    if (watched() && !r)
        watch_tell_change(p->dentry, path_node(p), WATCH_ATTRIBUTES);
    return r;
}

static int want_change(const struct path *p)
{
    int r = mount_want_write(p->mount);
    if (r)
        return r;
    return node_has(path_node(p), NODE_IMMUTABLE | NODE_APPEND) ? -E_PERM : 0;
}

int vfs_chmod(const struct path *p, u32 mode)
{
    const struct cred *c = current_cred();
    struct node *n = path_node(p);
    int r = want_change(p);
    if (r)
        return r;
    if (node_type(n) == MODE_LNK)
        return -E_OPNOTSUPP;
    if (!node_owner_or_capable(n, c))
        return -E_PERM;
    if ((mode & MODE_SGID) &&
        !cred_in_group(c, atomic_load_explicit(&n->gid, memory_order_relaxed)) &&
        !cred_capable(c, CAP_FSETID))
        mode &= ~(u32)MODE_SGID;
    struct setattr s = {.valid = SET_MODE, .mode = mode & 07777};
    return apply_at(p, &s);
}

int vfs_chown(const struct path *p, u32 uid, u32 gid)
{
    const struct cred *c = current_cred();
    struct node *n = path_node(p);
    u32 have_uid = atomic_load_explicit(&n->uid, memory_order_relaxed),
        have_gid = atomic_load_explicit(&n->gid, memory_order_relaxed);
    struct setattr s = {.uid = uid, .gid = gid};
    int r = want_change(p);
    if (r)
        return r;
    if (uid != UINT32_MAX) {
        if (!(c->fsuid == have_uid && uid == have_uid) && !cred_capable(c, CAP_CHOWN))
            return -E_PERM;
        s.valid |= SET_UID;
    }
    if (gid != UINT32_MAX) {
        if (!(c->fsuid == have_uid && (gid == have_gid || cred_in_group(c, gid))) &&
            !cred_capable(c, CAP_CHOWN))
            return -E_PERM;
        s.valid |= SET_GID;
    }
    u32 mode = node_mode(n);
    if (!node_is_dir(n) && (s.valid || !cred_capable(c, CAP_CHOWN))) {
        u32 drop = MODE_SUID | ((mode & 010) ? MODE_SGID : 0);
        if (mode & drop) {
            s.valid |= SET_MODE;
            s.mode = mode & 07777 & ~drop;
        }
    }
    return apply_at(p, &s);
}

int vfs_utimens(const struct path *p, const struct set_times *t)
{
    const struct cred *c = current_cred();
    struct node *n = path_node(p);
    struct setattr s = {0};
    bool now_only = !t || (t->atime_how == TIME_NOW && t->mtime_how == TIME_NOW);
    if (t && t->atime_how == TIME_OMIT && t->mtime_how == TIME_OMIT)
        return 0;
    int r = mount_want_write(p->mount);
    if (r)
        return r;
    if (node_has(n, NODE_IMMUTABLE) || (node_has(n, NODE_APPEND) && !now_only))
        return -E_PERM;
    if (!node_owner_or_capable(n, c)) {
        if (!now_only)
            return -E_PERM;
        r = node_permission(n, WANT_WRITE, c);
        if (r)
            return r;
    }
    i64 now = vfs_now();
    if (!t || t->atime_how != TIME_OMIT) {
        s.valid |= SET_ATIME;
        s.atime = !t || t->atime_how == TIME_NOW ? now : timestamp_to_ns(t->atime);
    }
    if (!t || t->mtime_how != TIME_OMIT) {
        s.valid |= SET_MTIME;
        s.mtime = !t || t->mtime_how == TIME_NOW ? now : timestamp_to_ns(t->mtime);
    }
    return apply_at(p, &s);
}

void node_drop_setid(struct node *n)
{
    u32 mode = node_mode(n);
    u32 drop =
        (mode & MODE_SUID) | ((mode & (MODE_SGID | 010)) == (MODE_SGID | 010) ? MODE_SGID : 0);
    if (LIKELY(!drop) || (mode & MODE_FMT) != MODE_REG || capable(CAP_FSETID))
        return;
    struct setattr s = {.valid = SET_MODE, .mode = mode & 07777 & ~drop};
    (void)apply(n, &s);
}

int vfs_truncate(const struct path *base, struct pathname name, u64 size)
{
    struct path p;
    int r = path_lookup(base, name, LOOKUP_FOLLOW, &p);
    if (r)
        return r;
    struct node *n = path_node(&p);
    if (node_is_dir(n))
        r = -E_ISDIR;
    else if (node_type(n) != MODE_REG)
        r = -E_INVAL;
    if (!r)
        r = mount_want_write(p.mount);
    if (!r)
        r = node_permission(n, WANT_WRITE, current_cred());
    if (!r && node_has(n, NODE_APPEND))
        r = -E_PERM;
    if (!r)
        r = node_get_writer(n);
    if (!r) {
        r = file_may_grow(n, size);
        if (!r) {
            node_drop_setid(n);
            r = node_truncate(n, size);
            if (watched() && !r)
                watch_tell_change(p.dentry, n, WATCH_CONTENTS);
        }
        node_put_writer(n);
    }
    path_put(&p);
    return r;
}

int vfs_access(const struct path *base, struct pathname name, u32 want, u32 lookup, bool real)
{
    struct cred *old = current_cred(), *c = NULL;
    struct path p;
    if (real && (old->fsuid != old->uid || old->fsgid != old->gid ||
                 (old->uid && (old->cap_effective & ~0ull)))) {
        c = cred_copy(old);
        if (!c)
            return -E_NOMEM;
        c->fsuid = c->uid;
        c->fsgid = c->gid;
        c->cap_effective = c->uid ? 0 : c->cap_permitted;
        cred_get(old);
        task_set_cred(c);
    }
    int r = path_lookup(base, name, lookup, &p);
    if (!r) {
        struct node *n = path_node(&p);
        if ((want & WANT_EXEC) && node_type(n) == MODE_REG && (mount_flags(p.mount) & MOUNT_NOEXEC))
            r = -E_ACCES;
        if (!r && want)
            r = node_permission(n, want, current_cred());
        u32 type = node_type(n);
        if (!r && (want & WANT_WRITE) && type != MODE_CHR && type != MODE_BLK &&
            type != MODE_FIFO && type != MODE_SOCK)
            r = mount_want_write(p.mount);
        path_put(&p);
    }
    if (c)
        task_set_cred(old);
    return r;
}

int vfs_statfs(const struct path *p, struct statfs_info *out)
{
    struct superblock *sb = p->mount->sb;
    *out = (struct statfs_info){
        .magic = sb->magic, .block_size = sb->block_size, .name_max = NAME_MAX_LEN};
    out->fsid = sb->dev;
    int r = sb->ops->statfs ? sb->ops->statfs(sb, out) : 0;
    out->flags = mount_flags(p->mount);
    if (atomic_load_explicit(&sb->flags, memory_order_relaxed) & SB_RDONLY)
        out->flags |= MOUNT_RDONLY;
    return r;
}

int vfs_sync_path(const struct path *p)
{
    struct superblock *sb = p->mount->sb;
    return sb->ops->sync ? sb->ops->sync(sb, true) : 0;
}

static int sync_one(struct mount *m, void *arg)
{
    if (m->sb->ops->sync)
        (void)m->sb->ops->sync(m->sb, *(const bool *)arg);
    return 0;
}

void vfs_sync(bool disk)
{
    struct view *v = current_view();
    if (v)
        (void)mount_ns_for_each(v->ns, sync_one, &disk);
}
