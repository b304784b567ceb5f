// Opened nodes as objects: life time, positions, directories, attributes. Bytes are moved by
// file_data.c or by the node's file_ops. pos_lock is held while a call uses the file's own
// position.
#include "file_private.h"
#include "names.h"
#include "walk.h"
#include "watch_tell.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/lock.h>

DEFINE_SLAB(file_cache, struct file);

static void file_free(struct object *o)
{
    slab_def_free(&file_cache, o);
}

struct file *file_alloc(const struct path *p, const struct object_type *type, u32 access,
                        u32 status)
{
    struct file *f = slab_def_alloc(&file_cache, 0);
    if (!f)
        return NULL;
    object_init(&f->obj, type, status);
    f->path = *p;
    path_get(p);
    f->node = path_node(p);
    f->ops = f->node->fops;
    f->access = access;
    f->writer = f->tmpfile = false;
    mutex_init(&f->pos_lock, &lock_class_file_pos);
    f->pos = 0;
    f->private = NULL;
    return f;
}

void file_discard(struct file *f)
{
    if (f->writer) {
        node_put_writer(f->node);
        mount_put_writer(f->path.mount);
    }
    path_put(&f->path);
    object_free(&f->obj, file_free);
}

static void file_release(struct object *o)
{
    struct file *f = (struct file *)(void *)o;
    if (UNLIKELY(f->node->locks))
        lock_release_file(f);
    if (f->ops && f->ops->release)
        f->ops->release(f);
    file_discard(f);
}

static void path_only_release(struct object *o)
{
    file_discard((struct file *)(void *)o);
}

static int file_closed(struct object *o, void *owner)
{
    struct file *f = (struct file *)(void *)o;
    if (UNLIKELY(f->node->locks))
        lock_release_owner(f, owner);
    if (f->ops && f->ops->closed)
        f->ops->closed(f);
    return 0;
}

static i64 read_at(struct file *f, struct iobuf *buf, u64 *pos)
{
    if (LIKELY(!f->ops))
        return file_data_read(f, buf, pos);
    return f->ops->read ? f->ops->read(f, buf, pos) : -E_INVAL;
}

static i64 write_at(struct file *f, struct iobuf *buf, u64 *pos)
{
    i64 n = LIKELY(!f->ops) ? file_data_write(f, buf, pos)
            : f->ops->write ? f->ops->write(f, buf, pos)
                            : -E_INVAL;
    if (watched() && n > 0)
        watch_tell_change(f->path.dentry, f->node, WATCH_CONTENTS);
    return n;
}

static i64 file_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct file *f = (struct file *)(void *)o;
    if (pos)
        return read_at(f, buf, pos);
    mutex_lock(&f->pos_lock);
    i64 n = read_at(f, buf, &f->pos);
    mutex_unlock(&f->pos_lock);
    return n;
}

static i64 file_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct file *f = (struct file *)(void *)o;
    if (pos)
        return write_at(f, buf, pos);
    mutex_lock(&f->pos_lock);
    i64 n = write_at(f, buf, &f->pos);
    mutex_unlock(&f->pos_lock);
    return n;
}

static i64 file_seek(struct object *o, i64 off, u32 whence)
{
    struct file *f = (struct file *)(void *)o;
    i64 base = 0, to;
    mutex_lock(&f->pos_lock);
    if (f->ops && f->ops->seek) {
        to = f->ops->seek(f, off, whence, &f->pos);
        mutex_unlock(&f->pos_lock);
        return to;
    }
    switch (whence) {
    case OBJ_SEEK_SET:
        break;
    case OBJ_SEEK_CUR:
        base = (i64)f->pos;
        break;
    case OBJ_SEEK_END:
        base = (i64)node_size(f->node);
        break;
    case OBJ_SEEK_DATA:
    case OBJ_SEEK_HOLE:
        to = f->ops || !f->node->data ? -E_INVAL : file_data_seek(f, off, whence, f->pos);
        goto done;
    default:
        to = -E_INVAL;
        goto out;
    }
    if (__builtin_add_overflow(base, off, &to))
        to = -E_OVERFLOW;
    else if (to < 0)
        to = -E_INVAL;
done:
    if (to >= 0)
        f->pos = (u64)to;
out:
    mutex_unlock(&f->pos_lock);
    return to;
}

int file_truncate(struct file *f, u64 size)
{
    if (!(f->access & FILE_WRITE) || node_type(f->node) != MODE_REG)
        return -E_INVAL;
    if (node_has(f->node, NODE_APPEND))
        return -E_PERM;
    int err = file_may_grow(f->node, size);
    if (err)
        return err;
    node_drop_setid(f->node);
    err = node_truncate(f->node, size);
    if (watched() && !err)
        watch_tell_change(f->path.dentry, f->node, WATCH_CONTENTS);
    return err;
}

static int file_obj_truncate(struct object *o, u64 size)
{
    return file_truncate((struct file *)(void *)o, size);
}

static int file_sync(struct object *o, bool data_only)
{
    struct file *f = (struct file *)(void *)o;
    if (f->ops && f->ops->sync)
        return f->ops->sync(f, data_only);
    return f->node->data && f->node->data->ops && f->node->data->ops->write_back
               ? memobj_sync(f->node->data)
               : 0;
}

static u32 file_poll(struct object *o, struct poll_table *pt)
{
    struct file *f = (struct file *)(void *)o;
    if (f->ops && f->ops->poll)
        return f->ops->poll(f, pt);
    return POLL_IN | POLL_OUT | POLL_RDNORM | POLL_WRNORM;
}

static int file_map(struct object *o, struct map_request *r)
{
    struct file *f = (struct file *)(void *)o;
    if (f->ops)
        return f->ops->map ? f->ops->map(f, r) : -E_NODEV;
    return f->node->data ? file_data_map(f, r) : -E_NODEV;
}

static int file_getattr(struct object *o, struct attr *a)
{
    return vfs_stat_path(&((struct file *)(void *)o)->path, a);
}

static i64 describe_path(const struct path *p, char *buf, usize cap)
{
    char *at;
    i64 n = path_text(p, NULL, PATH_TEXT_DELETED, buf, cap, &at);
    if (n > 0)
        memmove(buf, at, (usize)n);
    return n;
}

static i64 file_describe(struct object *o, char *buf, usize cap)
{
    return describe_path(&((struct file *)(void *)o)->path, buf, cap);
}

// --- directories -----------------------------------------------------------------------------

static int dir_readdir(struct object *o, struct dir_sink *sink)
{
    struct file *f = (struct file *)(void *)o;
    struct node *n = f->node;
    int r = 0;
    mutex_lock(&f->pos_lock);
    mutex_lock(&n->mutex);
    if (node_has(n, NODE_DEAD)) {
        r = -E_NOENT;
        goto out;
    }
    if (f->pos == 0) {
        if (!sink->emit(sink, ".", 1, n->ino, MODE_DIR >> 12, 1))
            goto out;
        f->pos = 1;
    }
    if (f->pos == 1) {
        rcu_read_lock();
        u64 ino = dentry_node(rcu_load(f->path.dentry->parent))->ino;
        rcu_read_unlock();
        if (!sink->emit(sink, "..", 2, ino, MODE_DIR >> 12, 2))
            goto out;
        f->pos = 2;
    }
    r = n->ops->readdir ? n->ops->readdir(n, &f->pos, sink) : -E_NOTDIR;
out:
    mutex_unlock(&n->mutex);
    mutex_unlock(&f->pos_lock);
    if (!(atomic_load_explicit(&o->status, memory_order_relaxed) & OBJ_NOATIME))
        path_touch_atime(f->path.mount, n);
    return r;
}

static i64 dir_seek(struct object *o, i64 off, u32 whence)
{
    struct file *f = (struct file *)(void *)o;
    mutex_lock(&f->pos_lock);
    i64 to = whence == OBJ_SEEK_SET ? off : whence == OBJ_SEEK_CUR ? (i64)f->pos + off : -1;
    if (to < 0)
        to = -E_INVAL;
    else
        f->pos = (u64)to;
    mutex_unlock(&f->pos_lock);
    return to;
}

static int dir_sync(struct object *o, bool data_only)
{
    struct file *f = (struct file *)(void *)o;
    return f->ops && f->ops->sync ? f->ops->sync(f, data_only) : 0;
}

const struct object_type file_object_type = {
    .name = "file",
    .kinds = OBJ_KIND_FILE | OBJ_KIND_VFS,
    .seekable = true,
    .release = file_release,
    .closed = file_closed,
    .read = file_read,
    .write = file_write,
    .seek = file_seek,
    .truncate = file_obj_truncate,
    .sync = file_sync,
    .poll = file_poll,
    .map = file_map,
    .getattr = file_getattr,
    .describe = file_describe,
};

const struct object_type dir_object_type = {
    .name = "directory",
    .kinds = OBJ_KIND_DIR | OBJ_KIND_VFS,
    .seekable = true,
    .release = file_release,
    .closed = file_closed,
    .seek = dir_seek,
    .sync = dir_sync,
    .readdir = dir_readdir,
    .getattr = file_getattr,
    .describe = file_describe,
};

const struct object_type path_object_type = {
    .name = "path",
    .kinds = OBJ_KIND_VFS,
    .release = path_only_release,
    .getattr = file_getattr,
    .describe = file_describe,
};

// --- devices and fifos -----------------------------------------------------------------------

static void opened_put(struct object_origin *g)
{
    struct opened *s = container_of(g, struct opened, origin);
    path_put(&s->path);
    kfree(s);
}

static int opened_getattr(struct object_origin *g, struct attr *a)
{
    return vfs_stat_path(&container_of(g, struct opened, origin)->path, a);
}

static i64 opened_describe(struct object_origin *g, char *buf, usize cap)
{
    return describe_path(&container_of(g, struct opened, origin)->path, buf, cap);
}

const struct object_origin_ops opened_origin_ops = {
    .put = opened_put,
    .getattr = opened_getattr,
    .describe = opened_describe,
};

const struct path *object_path(struct object *o)
{
    struct file *f = object_file(o);
    if (f)
        return &f->path;
    if (o->origin && o->origin->ops == &opened_origin_ops)
        return &container_of(o->origin, struct opened, origin)->path;
    return NULL;
}
