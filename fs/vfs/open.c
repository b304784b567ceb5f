// Opening: by name, by place, without a name; creation through symlinks, the order of checks,
// devices and fifos.
#include "file_private.h"
#include "names.h"
#include "walk.h"
#include "watch_tell.h"
#include <device/chardev.h>
#include <ipc/pipe.h>
#include <mem/slab.h>
#include <vfs/memfs.h>

static u32 rights_of(u32 access, bool dir)
{
    u32 r = RIGHTS_ALL & ~(u32)(RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_ADMIN);
    if (!dir)
        r &= ~(u32)(RIGHT_ENUMERATE | RIGHT_CREATE | RIGHT_REMOVE);
    if (access & FILE_READ)
        r |= RIGHT_READ | RIGHT_EXECUTE;
    if (access & FILE_WRITE)
        r |= RIGHT_WRITE;
    return r;
}

static u32 status_of(const struct open_request *q)
{
    return (q->nonblock ? OBJ_NONBLOCK : 0) | (q->append ? OBJ_APPEND : 0) |
           (q->noatime ? OBJ_NOATIME : 0) | (q->direct ? OBJ_DIRECT : 0) |
           (q->sync ? OBJ_SYNC | OBJ_DSYNC : 0) | (q->dsync ? OBJ_DSYNC : 0) |
           (q->directory ? OBJ_AS_DIRECTORY : 0) | (q->nofollow ? OBJ_AS_NOFOLLOW : 0);
}

// May the caller open what is there (Linux' order)? created: permission bits do not count.
static int check_open(const struct path *p, const struct open_request *q, bool created)
{
    const struct cred *c = current_cred();
    struct node *n = path_node(p);
    u32 type = node_type(n), mf = mount_flags(p->mount);
    bool writes = (q->access & FILE_WRITE) || q->truncate;
    if (type == MODE_LNK)
        return -E_LOOP;
    if (type == MODE_DIR) {
        if (q->create || writes)
            return -E_ISDIR;
        if (q->access & FILE_EXEC)
            return -E_ACCES;
    } else if (q->directory) {
        return -E_NOTDIR;
    }
    if ((type == MODE_BLK || type == MODE_CHR) && (mf & MOUNT_NODEV))
        return -E_ACCES;
    if (type == MODE_REG && (q->access & FILE_EXEC) && (mf & MOUNT_NOEXEC))
        return -E_ACCES;
    if (writes && (type == MODE_REG || type == MODE_DIR)) {
        int r = mount_want_write(p->mount);
        if (r)
            return r;
    }
    u32 want = (q->access & FILE_READ ? WANT_READ : 0) | (writes ? WANT_WRITE : 0) |
               (q->access & FILE_EXEC ? WANT_EXEC : 0);
    int r = created || !want ? 0 : node_permission(n, want, c);
    if (r)
        return r;
    if (node_has(n, NODE_APPEND) && (((q->access & FILE_WRITE) && !q->append) || q->truncate))
        return -E_PERM;
    return q->noatime && !node_owner_or_capable(n, c) ? -E_PERM : 0;
}

static int open_special(const struct path *p, const struct open_request *q, struct object **out,
                        u32 *rights)
{
    struct node *n = path_node(p);
    struct opened *from = kmalloc(sizeof(*from), 0);
    int r;
    if (!from)
        return -E_NOMEM;
    switch (node_type(n)) {
    case MODE_CHR:
        r = chardev_open(n->rdev,
                         (q->access & FILE_READ ? CHARDEV_READ : 0u) |
                             (q->access & FILE_WRITE ? CHARDEV_WRITE : 0u) |
                             (q->noctty ? CHARDEV_NOCTTY : 0u),
                         status_of(q), out);
        break;
    case MODE_FIFO:
        r = fifo_open(&n->ipc_slot,
                      (q->access & FILE_READ ? PIPE_READ : 0u) |
                          (q->access & FILE_WRITE ? PIPE_WRITE : 0u),
                      status_of(q), out);
        break;
    default: // sockets, and block devices as long as there are no drivers
        r = -E_NXIO;
    }
    if (r) {
        kfree(from);
        return r;
    }
    *rights = rights_of(q->access, false);
    if ((*out)->origin) {
        kfree(from);
        return 0;
    }
    from->origin.ops = &opened_origin_ops;
    from->path = *p;
    path_get(p);
    (*out)->origin = &from->origin;
    return 0;
}

int vfs_open_path(const struct path *p, const struct open_request *q, bool check,
                  struct object **out, u32 *rights)
{
    struct node *n = path_node(p);
    struct file *f;
    if (q->path_only) {
        if (q->directory && !node_is_dir(n))
            return -E_NOTDIR;
        f = file_alloc(p, &path_object_type, 0, OBJ_PATH_ONLY);
        if (!f)
            return -E_NOMEM;
        *rights = RIGHT_METADATA | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_REOPEN;
        *out = &f->obj;
        return 0;
    }
    int r = check_open(p, q, !check);
    if (r)
        return r;
    u32 type = node_type(n);
    if (type != MODE_REG && type != MODE_DIR)
        return q->access & FILE_EXEC ? -E_ACCES // before it waits for the other end of a fifo
                                     : open_special(p, q, out, rights);
    bool dir = type == MODE_DIR;
    f = file_alloc(p, dir ? &dir_object_type : &file_object_type, q->access, status_of(q));
    if (!f)
        return -E_NOMEM;
    if (q->access & FILE_WRITE) {
        r = mount_get_writer(p->mount);
        if (!r) {
            r = node_get_writer(n);
            f->writer = !r;
            if (r)
                mount_put_writer(p->mount);
        }
    }
    if (!r && q->truncate && (!f->ops || n->ops->truncate)) {
        bool borrowed = !f->writer;
        r = borrowed ? node_get_writer(n) : 0;
        if (!r) {
            node_drop_setid(n);
            r = node_truncate(n, 0);
            if (watched() && !r)
                watch_tell_change(p->dentry, n, WATCH_CONTENTS);
            if (borrowed)
                node_put_writer(n);
        }
    }
    if (!r && f->ops && f->ops->open)
        r = f->ops->open(f);
    if (r) {
        file_discard(f);
        return r;
    }
    *rights = rights_of(q->access, dir);
    *out = &f->obj;
    return 0;
}

// The last name under its directory's mutex: found or made. *d NULL only with an error.
static int make_last(struct parent_lookup *pl, const struct open_request *q, struct dentry **d,
                     bool *created)
{
    struct node *dir = path_node(&pl->parent);
    *d = NULL;
    mutex_lock(&dir->mutex);
    int r = dentry_lookup_locked(pl->parent.dentry, &pl->last, d);
    if (!r && dentry_negative(*d)) {
        r = mount_want_write(pl->parent.mount);
        if (!r)
            r = may_create(dir);
        struct create_args a = {.mode = MODE_REG | (q->mode & 07777 & ~current_umask())};
        if (!r)
            r = create_node(pl->parent.dentry, *d, &a);
        *created = !r;
    }
    mutex_unlock(&dir->mutex);
    return r;
}

// Opens the last name of a parent, making it if it is not there. -E_AGAIN: it is a symlink to be
// followed; *link is its place.
static int open_last(struct parent_lookup *pl, const struct open_request *q, struct path *link,
                     struct object **out, u32 *rights)
{
    struct dentry *d;
    bool created = false;
    if (pl->type != LAST_NORMAL || pl->trailing_slash)
        return -E_ISDIR;
    int r = 0;
    d = dentry_find(pl->parent.dentry, &pl->last);
    if (!d || dentry_negative(d) ||
        (atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_REVALIDATE)) {
        dentry_put(d);
        r = make_last(pl, q, &d, &created);
        if (!d)
            return r;
    }
    struct path p = {pl->parent.mount, d};
    mount_get(p.mount);
    if (!r && !created) {
        if (q->exclusive)
            r = -E_EXIST;
        else if (node_type(dentry_node(d)) == MODE_LNK && !q->nofollow) {
            *link = p;
            return -E_AGAIN;
        } else {
            path_down_mounts(&p);
        }
    }
    if (!r)
        r = vfs_open_path(&p, q, !created, out, rights);
    path_put(&p);
    return r;
}

static int open_create(const struct path *base, struct pathname name, const struct open_request *q,
                       struct object **out, u32 *rights)
{
    struct parent_lookup pl;
    int r = path_lookup_parent(base, name, q->lookup, &pl);
    if (r)
        return r;
    for (;;) {
        struct path link;
        r = open_last(&pl, q, &link, out, rights);
        if (r != -E_AGAIN)
            break;
        if (path_node(&link)->ops->follow) { // leads to a place, not to a name
            struct path to;
            r = pl.links >= SYMLINK_MAX_DEPTH ||
                        (q->lookup & (LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS))
                    ? -E_LOOP
                    : path_node(&link)->ops->follow(path_node(&link), &to);
            path_put(&link);
            if (!r) {
                r = vfs_open_path(&to, q, true, out, rights);
                path_put(&to);
            }
            break;
        }
        r = path_parent_follow(base, &link, q->lookup, &pl);
        path_put(&link);
        if (r)
            break;
    }
    parent_lookup_done(&pl);
    return r;
}

static int open_tmpfile(const struct path *base, struct pathname name, const struct open_request *q,
                        struct object **out, u32 *rights)
{
    struct path dir;
    struct node *n;
    if (!(q->access & FILE_WRITE))
        return -E_INVAL;
    int r = path_lookup(base, name, q->lookup | LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
    if (r)
        return r;
    struct node *dn = path_node(&dir);
    r = mount_want_write(dir.mount);
    if (!r)
        r = node_permission(dn, WANT_WRITE | WANT_EXEC, current_cred());
    if (!r && !dn->ops->tmpfile)
        r = -E_OPNOTSUPP;
    struct create_args a = {.mode = MODE_REG | (q->mode & 07777 & ~current_umask())};
    if (!r) {
        create_owner(dn, &a);
        r = dn->ops->tmpfile(dn, &a, &n);
    }
    if (!r) {
        char text[24];
        if (!q->exclusive)
            atomic_fetch_or_explicit(&n->flags, NODE_ANON,
                                     memory_order_relaxed); // may get a name later
        struct path p = {dir.mount, dentry_create_anon(n->sb, n, vfs_number_name(text, n->ino))};
        if (!p.dentry) {
            r = -E_NOMEM;
        } else {
            r = vfs_open_path(&p, q, false, out, rights);
            dentry_put(p.dentry);
        }
    }
    path_put(&dir);
    return r;
}

int path_magic_target(const struct path *base, struct pathname name, u32 lookup,
                      struct object **out, u32 *rights)
{
    struct path p;
    int r = path_lookup(base, name,
                        (lookup & ~(u32)LOOKUP_DIRECTORY) | LOOKUP_FOLLOW | LOOKUP_OBJECT, &p);
    if (r)
        return r;
    struct node *n = path_node(&p);
    r = n->ops->target ? n->ops->target(n, out, rights) : -E_NXIO;
    path_put(&p);
    return r;
}

// Opens what a magic link shows that is no file, say the pipe behind /proc/self/fd/63: the object
// itself, with no more rights than it had.
static int reopen_target(const struct path *base, struct pathname name, u32 lookup,
                         const struct open_request *q, struct object **out, u32 *rights)
{
    u32 had;
    int r = path_magic_target(base, name, lookup, out, &had);
    if (r)
        return r;
    u32 want =
        (q->access & FILE_READ ? RIGHT_READ : 0u) | (q->access & FILE_WRITE ? RIGHT_WRITE : 0u);
    if (q->directory)
        r = -E_NOTDIR;
    else if ((had & want) != want)
        r = -E_ACCES;
    if (r)
        object_put(*out);
    *rights = (had & ~(u32)(RIGHT_READ | RIGHT_WRITE)) | want;
    return r;
}

int vfs_open(const struct path *base, struct pathname name, const struct open_request *q,
             struct object **out, u32 *rights)
{
    struct path p;
    if (q->create && q->directory)
        return -E_INVAL;
    if (q->tmpfile)
        return open_tmpfile(base, name, q, out, rights);
    u32 lookup = q->lookup | (q->directory ? LOOKUP_DIRECTORY : 0);
    bool create = q->create && !q->path_only;
    if (!q->nofollow)
        lookup |= LOOKUP_FOLLOW;
    int r = create ? open_create(base, name, q, out, rights) : path_lookup(base, name, lookup, &p);
    if (UNLIKELY(r == -E_NXIO) && (lookup & LOOKUP_FOLLOW))
        return reopen_target(base, name, lookup, q, out, rights);
    if (r || create)
        return r;
    r = vfs_open_path(&p, q, true, out, rights);
    path_put(&p);
    return r;
}
