// Places for objects that no name leads to (pipes, event counters), and for files whose handle lost
// rights: /proc/PID/fd/N leads to them all the same. The node holds the object and the rights of
// the handle. Opening a pipe's, a stream's or a file's gives a file that passes bytes on to the
// object, at its own position and with no more rights; other objects cannot be opened again
// (-E_NXIO), as on Linux.
#include "procfs.h"
#include <ipc/pipe.h>
#include <mem/slab.h>

struct anon_node {
    struct node node;      // first
    struct object *object; // counted
    u32 rights;
};

static struct anon_node *anon_of(struct node *n)
{
    return (struct anon_node *)(void *)n;
}

static struct object *object_of_file(const struct file *f)
{
    return anon_of(f->node)->object;
}

static int anon_open(struct file *f)
{
    struct object *o = object_of_file(f);
    u32 rights = anon_of(f->node)->rights;
    if (!(o->type->kinds & (OBJ_KIND_PIPE | OBJ_KIND_STREAM)) && !object_path(o))
        return -E_NXIO;
    if (((f->access & FILE_READ) && (!o->type->read || !(rights & RIGHT_READ))) ||
        ((f->access & FILE_WRITE) && (!o->type->write || !(rights & RIGHT_WRITE))))
        return -E_ACCES; // the other end of it, or not with this handle
    return 0;
}

static i64 anon_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    return object_read(object_of_file(f), buf, NULL);
}

static i64 anon_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    return object_write(object_of_file(f), buf, NULL);
}

static i64 anon_seek(struct file *f, i64 off, u32 whence, u64 *pos)
{
    (void)f, (void)off, (void)whence, (void)pos;
    return -E_SPIPE;
}

static u32 anon_poll(struct file *f, struct poll_table *pt)
{
    return object_poll(object_of_file(f), pt);
}

static const struct file_ops anon_fops = {.open = anon_open,
                                          .read = anon_read,
                                          .write = anon_write,
                                          .seek = anon_seek,
                                          .poll = anon_poll};

static int anon_getattr(struct node *node, struct attr *a)
{
    const struct anon_node *n = anon_of(node);
    int r = n->rights & RIGHT_METADATA ? object_getattr(n->object, a) : -E_ACCES;
    if (r)
        return r;
    a->uid = atomic_load_explicit(&node->uid, memory_order_relaxed);
    a->gid = atomic_load_explicit(&node->gid, memory_order_relaxed);
    return 0;
}

static void anon_destroy(struct node *node)
{
    object_put(anon_of(node)->object);
}

static void anon_free(struct node *node)
{
    kfree(node);
}

static const struct node_ops anon_ops = {
    .getattr = anon_getattr, .destroy = anon_destroy, .free = anon_free};

// --- where they hang -------------------------------------------------------------------------

static struct mutex mount_lock = MUTEX_INIT(mount_lock, &lock_class_mount_sleep);
static struct mount *anon_mount; // made with the first place, under mount_lock

static const struct superblock_ops anon_superblock_ops = {0};

static int no_mount(const struct filesystem_type *t, const struct fs_source *src,
                    struct superblock **out)
{
    (void)t, (void)src, (void)out;
    return -E_NODEV;
}

static const struct filesystem_type anon_type = {
    .name = "anon_objects", .flags = FS_NODEV | FS_KERNEL_ONLY | FS_ALIAS, .mount = no_mount};

static const struct node_ops top_ops = {.free = anon_free};

static int make_mount(void)
{
    struct superblock *sb = superblock_create(&anon_type, &anon_superblock_ops, 0x09041934, NULL);
    struct node *top = sb ? kzalloc(sizeof(*top), 0) : NULL;
    int r = top ? 0 : -E_NOMEM;
    if (!r) {
        node_init(top, sb, &top_ops, MODE_DIR | 0500);
        r = fs_make_root(sb, top);
    }
    if (!r)
        r = mount_kernel(sb, &anon_mount);
    if (r && sb)
        superblock_shutdown(sb);
    superblock_put(sb);
    return r;
}

int proc_object_path(const struct href *h, struct path *out)
{
    struct object *o = h->object;
    char name[64];
    i64 len = object_describe(o, name, sizeof(name) - 1);
    if (len < 0)
        return (int)len;
    name[len] = '\0';
    mutex_lock(&mount_lock);
    int r = anon_mount ? 0 : make_mount();
    mutex_unlock(&mount_lock);
    struct anon_node *n = r ? NULL : kzalloc(sizeof(*n), 0);
    if (!n)
        return r ? r : -E_NOMEM;
    node_init(&n->node, anon_mount->sb, &anon_ops, MODE_REG | 0600);
    n->node.fops = &anon_fops;
    const struct cred *c = current_cred();
    atomic_init(&n->node.uid, c->fsuid);
    atomic_init(&n->node.gid, c->fsgid);
    atomic_init(&n->node.flags, NODE_ANON);
    n->object = o;
    n->rights = h->rights;
    object_get(o);
    out->dentry = dentry_create_anon(anon_mount->sb, &n->node, name);
    if (!out->dentry)
        return -E_NOMEM;
    out->mount = anon_mount;
    mount_get(anon_mount);
    return 0;
}
