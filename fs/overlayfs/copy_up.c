// Copying what is to be changed from a lower layer to the upper one. The copy is made in the work
// directory and moved into place when it is whole, so that nobody sees half of it; its directories
// come first. The entry's copy mutex makes sure that it happens once.
#include "ovl.h"
#include <arch/page.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <task/task.h>

// Page by page between two page caches; holes stay holes.
static int copy_pages(struct node *from, struct node *to, u64 size)
{
    struct memobj *src = from->data, *dst = to->data;
    for (u64 pos = 0; pos < size; pos += PAGE_SIZE) {
        struct frame *f;
        paddr_t direct;
        int r = memobj_page(src, pos >> PAGE_SHIFT, 0, &f, &direct);
        if (r)
            return r;
        if (!f && !direct)
            continue;
        u64 part = MIN(PAGE_SIZE, size - pos);
        struct iobuf b;
        iobuf_kernel(&b, f ? frame_to_virt(f) : phys_to_virt(direct), part);
        i64 w = memobj_write(dst, pos, &b);
        if (f)
            frame_put(f);
        if (w != (i64)part)
            return w < 0 ? (int)w : -E_IO;
        if (current_task() && task_should_die())
            return -E_INTR;
    }
    atomic_store_explicit(&dst->size, size, memory_order_release);
    return 0;
}

static int open_layer(struct ovl *o, u32 layer, struct dentry *d, u32 access, struct object **out)
{
    struct path p = {o->layers[layer].mount, d};
    struct open_request q = {.access = access};
    u32 rights;
    return vfs_open_path(&p, &q, false, out, &rights);
}

static int copy_bytes(struct ovl *o, u32 layer, struct dentry *from, struct dentry *to, u64 size)
{
    struct object *in, *out;
    int r = open_layer(o, layer, from, FILE_READ, &in);
    if (r)
        return r;
    r = open_layer(o, OVL_UPPER, to, FILE_WRITE, &out);
    if (!r) {
        u64 a = 0, b = 0;
        while (!r && a < size) {
            i64 n = file_splice(in, &a, out, &b, MIN(size - a, 1ul << 20));
            if (n <= 0) {
                r = n ? (int)n : 0;
                break;
            }
        }
        object_put(out);
    }
    object_put(in);
    return r;
}

static int copy_data(struct ovl *o, u32 layer, struct dentry *from, struct dentry *to, u64 size)
{
    struct node *a = dentry_node(from), *b = dentry_node(to);
    size = MIN(size, node_size(a));
    if (!size)
        return 0;
    if (!a->data || a->fops || !b->data || b->fops)
        return copy_bytes(o, layer, from, to, size);
    mutex_lock(&b->mutex);
    int r = copy_pages(a, b, size);
    mutex_unlock(&b->mutex);
    return r;
}

// A whole copy in the work directory; counted in *out.
static int make_copy(struct ovl *o, struct node *n, struct ovl_entry *e, u64 size,
                     struct dentry **out)
{
    struct dentry *lower = e->lower[0].dentry, *copy;
    struct node *from = dentry_node(lower);
    struct attr a;
    int r = node_getattr(from, &a);
    if (r)
        return r;
    struct create_args c = {.mode = a.mode, .uid = a.uid, .gid = a.gid, .rdev = a.rdev};
    if ((a.mode & MODE_FMT) == MODE_LNK) {
        if (n && n->link) {
            c.link = n->link;
            c.link_len = node_size(n);
        } else {
            return -E_IO;
        }
    }
    char temp[32];
    struct pathname name;
    do {
        layer_temp_name(o, temp, &name);
        r = layer_create(o->work, &name, &c, &copy);
    } while (r == -E_EXIST);
    if (r)
        return r;
    struct node *to = dentry_node(copy);
    if ((a.mode & MODE_FMT) == MODE_REG)
        r = copy_data(o, e->lower[0].layer, lower, copy, size);
    if (!r)
        r = ovl_copy_xattrs(o, from, to);
    if (!r && (a.mode & MODE_FMT) != MODE_DIR)
        ovl_set_origin(o, to, ovl_ino(o, e->lower[0].layer, a.ino));
    if (!r)
        r = layer_set_times(to, timestamp_to_ns(a.atime), timestamp_to_ns(a.mtime));
    if (r) {
        (void)layer_remove(copy);
        dentry_put(copy);
        return r;
    }
    *out = copy;
    return 0;
}

// The parent is on the upper layer, e->copy_mutex held. n: e's node, or NULL (a directory above the
// one wanted).
static int copy_locked(struct ovl *o, struct node *n, struct ovl_entry *e, u64 size)
{
    struct dentry *dir = e->gone ? NULL : ovl_upper(e->up), *copy = NULL;
    struct pathname name = {e->name, strlen(e->name)};
    bool is_dir = node_is_dir(dentry_node(e->lower[0].dentry));
    if (e->gone && is_dir)
        return -E_NOENT;
    if (dir && is_dir) { // made by hand, or by an earlier life of this entry
        int r = layer_lookup(dir, &name, &copy);
        if (r)
            return r;
        if (copy && node_is_dir(dentry_node(copy)))
            goto done;
        dentry_put(copy);
        if (copy)
            return -E_STALE;
    }
    int r = make_copy(o, n, e, size, &copy);
    if (r)
        return r;
    if (dir) {
        struct node *dn = dentry_node(dir);
        i64 atime = atomic_load_explicit(&dn->atime, memory_order_relaxed),
            mtime = atomic_load_explicit(&dn->mtime, memory_order_relaxed);
        r = layer_rename(copy, dir, &name, RENAME_NOREPLACE);
        if (!r) { // nothing was changed that a user would see
            ovl_set_impure(o, dn);
            (void)layer_set_times(dn, atime, mtime);
        }
    } else {
        r = layer_remove(copy); // a file that is open and has no name any more
    }
    if (r) {
        (void)layer_remove(copy);
        dentry_put(copy);
        return r;
    }
done:
    atomic_store_explicit(&e->upper, copy, memory_order_release);
    return 0;
}

// Brings the directories above e, topmost first, to the upper layer.
static int copy_parents(struct ovl *o, struct ovl_entry *e)
{
    while (!ovl_upper(e->up)) {
        struct ovl_entry *top = e->up;
        while (!ovl_upper(top->up)) // the root is always there
            top = top->up;
        mutex_lock_nested(&top->copy_mutex);
        int r = ovl_upper(top) ? 0 : copy_locked(o, NULL, top, 0);
        mutex_unlock(&top->copy_mutex);
        if (r)
            return r;
    }
    return 0;
}

int ovl_copy_up_size(struct node *n, u64 size)
{
    struct ovl *o = ovl_of(n);
    struct ovl_entry *e = ovl_entry(n);
    if (ovl_upper(e))
        return 0;
    if (!o->work)
        return -E_ROFS;
    mutex_lock_nested(&e->copy_mutex);
    int r = 0;
    bool copied = false;
    if (!ovl_upper(e)) {
        r = e->gone ? 0 : copy_parents(o, e);
        if (!r)
            r = copy_locked(o, n, e, size);
        copied = !r;
    }
    mutex_unlock(&e->copy_mutex);
    if (copied && !node_is_dir(n)) {
        ovl_node_has_upper(ovl_node(n));
        // Its other names are on the lower layer only: they find the copy through this node.
        if (atomic_load_explicit(&dentry_node(e->lower[0].dentry)->nlink, memory_order_relaxed) >
                1 &&
            atomic_load_explicit(&n->nlink, memory_order_relaxed))
            ovl_node_pin(ovl_node(n));
    }
    return r;
}

// Sends the copy of a file with several names to this one, if there is none yet. The directory's
// mutex is held.
static int aim(struct ovl_entry *e, struct ovl_entry *dir, const struct pathname *name)
{
    char *text = kmalloc(name->len + 1, 0);
    if (!text)
        return -E_NOMEM;
    memcpy(text, name->str, name->len);
    text[name->len] = 0;
    struct ovl_entry *old = NULL;
    mutex_lock_nested(&e->copy_mutex);
    if (!ovl_upper(e)) {
        refcount_inc(&dir->refs);
        old = e->up;
        e->up = dir;
        char *swap = e->name;
        e->name = text;
        text = swap;
        e->gone = false;
    }
    mutex_unlock(&e->copy_mutex);
    ovl_entry_put(old);
    kfree(text);
    return 0;
}

int ovl_bring_up(struct node *dir, const struct pathname *name, struct node *n)
{
    struct ovl_entry *e = ovl_entry(n);
    struct dentry *d;
    int r = aim(e, ovl_entry(dir), name);
    if (!r)
        r = ovl_copy_up(n);
    if (!r)
        r = ovl_copy_up(dir);
    struct dentry *upper = ovl_upper(ovl_entry(dir));
    if (!r)
        r = layer_lookup(upper, name, &d);
    if (!r && !d) { // copied under another of its names
        r = layer_link(upper, name, ovl_real_node(n), &d);
        if (!r)
            ovl_set_impure(ovl_of(dir), dentry_node(upper));
    }
    if (r)
        return r;
    r = dentry_node(d) == ovl_real_node(n) ? 0 : -E_STALE;
    dentry_put(d);
    return r;
}

int ovl_copy_up_as(struct dentry *at, struct node *n)
{
    struct ovl_entry *e = ovl_entry(n);
    if (!e->nlower ||
        atomic_load_explicit(&dentry_node(e->lower[0].dentry)->nlink, memory_order_relaxed) < 2)
        return ovl_copy_up(n);
    rcu_read_lock();
    struct dentry *dir = rcu_load(at->parent);
    bool got = dentry_tryget(dir);
    rcu_read_unlock();
    if (!got)
        return ovl_copy_up(n);
    struct node *dn = dentry_node(dir);
    mutex_lock(&dn->mutex);
    bool here =
        dir != at && at->parent == dir && !dentry_unhashed(at); // not renamed or removed meanwhile
    int r = here ? ovl_bring_up(dn, &(struct pathname){at->name, at->hash_len & 0xff}, n)
                 : ovl_copy_up(n);
    mutex_unlock(&dn->mutex);
    dentry_put(dir);
    return r;
}
