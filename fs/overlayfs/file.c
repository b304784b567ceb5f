// Opened files of the overlay: each holds the layer's file opened the same way. One that was opened
// for reading before its file was copied up reads the copy from then on; mappings made before keep
// showing the lower layer, as on Linux.
#include "ovl.h"
#include <mem/slab.h>

struct ovl_file {
    struct object *real;            // as opened; constant
    struct object *_Atomic changed; // the upper copy, opened when the first was on the lower layer
    u32 layer;                      // of real
};

enum { SHARED_STATUS = OBJ_APPEND | OBJ_SYNC | OBJ_DSYNC | OBJ_DIRECT | OBJ_NOATIME };

static int open_top(struct file *f, struct object **out, u32 *layer)
{
    struct ovl *o = ovl_of(f->node);
    struct dentry *d = ovl_top(ovl_entry(f->node), layer);
    struct path p = {o->layers[*layer].mount, d};
    struct open_request q = {.access = f->access};
    u32 rights;
    return vfs_open_path(&p, &q, false, out, &rights);
}

static int ovl_open(struct file *f)
{
    if (f->access & FILE_WRITE) {
        int r = ovl_copy_up_as(f->path.dentry, f->node);
        if (r)
            return r;
    }
    struct ovl_file *x = kmalloc(sizeof(*x), 0);
    if (!x)
        return -E_NOMEM;
    int r = open_top(f, &x->real, &x->layer);
    if (r) {
        kfree(x);
        return r;
    }
    atomic_init(&x->changed, NULL);
    mutex_init(&f->pos_lock,
               &lock_class_file_pos_over); // seeking takes that of the layer's file too
    f->private = x;
    return 0;
}

static void ovl_release(struct file *f)
{
    struct ovl_file *x = f->private;
    object_put(x->real);
    if (x->changed)
        object_put(x->changed);
    kfree(x);
}

// The layer's file with today's contents: borrowed from f.
static int current_real(struct file *f, struct object **out)
{
    struct ovl_file *x = f->private;
    struct object *o = x->real;
    if (UNLIKELY(x->layer != OVL_UPPER && ovl_upper(ovl_entry(f->node)))) {
        o = atomic_load_explicit(&x->changed, memory_order_acquire);
        if (!o) {
            struct object *expected = NULL;
            u32 layer;
            int r = open_top(f, &o, &layer);
            if (r)
                return r;
            if (!atomic_compare_exchange_strong(&x->changed, &expected, o)) {
                object_put(o);
                o = expected;
            }
        }
    }
    u32 want = atomic_load_explicit(&f->obj.status, memory_order_relaxed) & SHARED_STATUS;
    if (UNLIKELY((atomic_load_explicit(&o->status, memory_order_relaxed) & SHARED_STATUS) != want))
        (void)object_set_status(o, want, SHARED_STATUS);
    *out = o;
    return 0;
}

static i64 ovl_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct object *o;
    int r = current_real(f, &o);
    return r ? r : object_read(o, buf, pos);
}

static i64 ovl_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct object *o;
    int r = current_real(f, &o);
    if (r)
        return r;
    i64 n = object_write(o, buf, pos);
    if (n > 0)
        ovl_mirror(f->node); // size, and set-id bits that a write takes away
    return n;
}

static i64 ovl_seek(struct file *f, i64 off, u32 whence, u64 *pos)
{
    struct object *o;
    i64 base = 0, to;
    int r = current_real(f, &o);
    if (r)
        return r;
    switch (whence) {
    case OBJ_SEEK_SET:
        break;
    case OBJ_SEEK_CUR:
        base = (i64)*pos;
        break;
    case OBJ_SEEK_END:
        base = (i64)node_size(ovl_real_node(f->node));
        break;
    default:
        to = object_seek(o, off, whence);
        if (to >= 0)
            *pos = (u64)to;
        return to;
    }
    if (__builtin_add_overflow(base, off, &to))
        return -E_OVERFLOW;
    if (to < 0)
        return -E_INVAL;
    *pos = (u64)to;
    return to;
}

static int ovl_map(struct file *f, struct map_request *r)
{
    struct object *o;
    int err = current_real(f, &o);
    if (!err)
        err = object_map(o, r);
    if (!err &&
        r->ops == &file_vma_ops) { // the area belongs to the overlay's file, and shows its name
        r->file = f;
        if (mount_flags(f->path.mount) & MOUNT_NOEXEC) {
            if (r->flags & VMA_EXEC)
                return -E_PERM;
            r->flags &= ~(u32)VMA_MAYEXEC;
        }
    }
    return err;
}

static int ovl_sync(struct file *f, bool data_only)
{
    struct object *o;
    int r = current_real(f, &o);
    return r ? r : object_sync(o, data_only);
}

const struct file_ops ovl_file_ops = {
    .open = ovl_open,
    .release = ovl_release,
    .read = ovl_read,
    .write = ovl_write,
    .seek = ovl_seek,
    .map = ovl_map,
    .sync = ovl_sync,
};
