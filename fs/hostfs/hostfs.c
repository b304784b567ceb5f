// Files of the system underneath (arch/hostfile.h) as a file system; only the kernel itself mounts
// it. Two kinds of instances:
// - a snapshot, read-only: attributes are taken when a name is looked up and contents when they are
//   first read; what changes underneath afterwards is seen only where it was not looked at yet;
// - live (option "live"; MOUNT_RDONLY: read-only): live.c, contents.c.
//
// Owns a handle for each node. Guarded by the nodes' own mutexes; list positions are the host's.
#include "hostfs_private.h"
#include <device/host_job.h>
#include <sched/rcu.h>
#include <task/task.h>

enum : u64 { HOSTFS_MAGIC = 0x686f7374, BLOCK = 4096 };

static const struct node_ops snapshot_ops;

int hostfs_name(const struct pathname *name, char text[HOSTFS_NAME])
{
    if (name->len >= HOSTFS_NAME)
        return -E_NAMETOOLONG;
    memcpy(text, name->str, name->len);
    text[name->len] = 0;
    return 0;
}

bool hostfs_again(i64 r, u32 *tries)
{
    enum { MOST = 3 }; // an overlay's names hold those of its layers
    if (r != -E_NFILE || (*tries)++ == MOST)
        return false;
    dentry_shrink(NULL);
    rcu_barrier(); // nodes go after a grace period
    return true;
}

static void drop_life(struct hostfs_node *n)
{
    if (!refcount_dec_and_test(&n->lives))
        return;
    arch_host_close(n->handle);
    kfree(n);
}

// --- contents ---

i64 hostfs_read(struct hostfs_node *n, u64 pos, void *buf, usize len)
{
    usize done = 0;
    for (i64 r; done < len; done += (usize)r) {
        struct host_job job = {.kind = HOST_JOB_READ,
                               .file = n->handle,
                               .pos = pos + done,
                               .buf = (u8 *)buf + done,
                               .n = len - done};
        r = arch_host_read(job.file, job.pos, job.buf, job.n);
        if (r == -E_AGAIN)
            r = host_job_run(&job);
        if (r <= 0)
            return done ? (i64)done : r;
    }
    return (i64)done;
}

// Shorter than it was: zeroes.
int hostfs_read_page(struct memobj *o, u64 index, struct frame *f)
{
    struct hostfs_node *n = container_of(o, struct hostfs_node, data);
    u32 tries = 0;
    i64 got;
    do
        got = hostfs_read(n, index << PAGE_SHIFT, frame_to_virt(f), PAGE_SIZE);
    while (hostfs_again(got, &tries));
    return got < 0 ? (int)got : 0;
}

void hostfs_data_destroy(struct memobj *o)
{
    struct hostfs_node *n = container_of(o, struct hostfs_node, data);
    superblock_put(n->node.sb);
    drop_life(n);
}

static const struct memobj_ops snapshot_data_ops = {.read_in = hostfs_read_page,
                                                    .destroy = hostfs_data_destroy};

// --- nodes ---

void hostfs_take_attr(struct hostfs_node *n, const struct host_attr *a)
{
    struct node *node = &n->node;
    spin_lock(&node->lock);
    atomic_store_explicit(&node->mode, a->mode, memory_order_relaxed);
    atomic_store_explicit(&node->uid, a->uid, memory_order_relaxed);
    atomic_store_explicit(&node->gid, a->gid, memory_order_relaxed);
    atomic_store_explicit(&node->nlink, a->nlink, memory_order_relaxed);
    atomic_store_explicit(&node->atime, a->atime, memory_order_relaxed);
    atomic_store_explicit(&node->mtime, a->mtime, memory_order_relaxed);
    atomic_store_explicit(&node->ctime, a->ctime, memory_order_relaxed);
    atomic_store_explicit(&node->size, a->size, memory_order_relaxed);
    atomic_store_explicit(&n->blocks, a->blocks, memory_order_relaxed);
    spin_unlock(&node->lock);
}

struct hostfs_node *hostfs_node_alloc(void)
{
    return kzalloc(sizeof(struct hostfs_node), 0);
}

void hostfs_node_start(struct hostfs_node *n, struct superblock *sb, i64 handle,
                       const struct host_attr *a)
{
    const struct hostfs *h = sb->private;
    node_init(&n->node, sb, h->live ? &hostfs_live_ops : &snapshot_ops, a->mode);
    n->node.ino = a->ino;
    n->node.rdev = a->rdev;
    n->handle = handle;
    n->dev = a->dev;
    refcount_set(&n->lives, 1);
    rb_clear_node(&n->by_number);
    list_init(&n->stored_link);
    mutex_init(&n->io, &lock_class_hostfs_io);
    mutex_init(&n->store, &lock_class_hostfs_store);
    hostfs_take_attr(n, a);
    atomic_init(&n->node.btime, a->mtime);
    u32 type = a->mode & MODE_FMT;
    if (h->live) {
        atomic_init(&n->node.flags,
                    NODE_REVALIDATE | (type == MODE_DIR ? (u32)NODE_NO_NEGATIVE : 0));
        n->node.fops = type == MODE_REG   ? &hostfs_live_file_ops
                       : type == MODE_DIR ? &hostfs_live_dir_ops
                                          : NULL;
    }
    if (type == MODE_REG) {
        refcount_inc(&n->lives);
        superblock_get(sb);
        memobj_init(&n->data, h->live ? &hostfs_live_data_ops : &snapshot_data_ops, a->size);
        n->node.data = &n->data;
    }
}

static int snapshot_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    struct host_attr a;
    char text[HOSTFS_NAME];
    int err = hostfs_name(name, text);
    if (err)
        return err;
    u32 tries = 0;
    i64 handle;
    do
        handle = arch_host_lookup(hostfs_node(dir)->handle, text, &a);
    while (hostfs_again(handle, &tries));
    if (handle < 0)
        return (int)handle;
    struct hostfs_node *n = hostfs_node_alloc();
    if (!n) {
        arch_host_close(handle);
        return -E_NOMEM;
    }
    hostfs_node_start(n, dir->sb, handle, &a);
    *out = &n->node;
    return 0;
}

// Host positions are kept as they are but for the two that the caller uses itself.
struct lister {
    struct dir_sink *sink;
    u64 *cookie;
};
enum : u64 { FIRST = 2 };

static bool emit(void *arg, const char *name, u64 ino, u32 type, u64 next)
{
    struct lister *l = arg;
    return l->sink->emit(l->sink, name, strlen(name), ino, type, next + FIRST);
}

int hostfs_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct lister l = {sink, cookie};
    u64 pos = *cookie - FIRST;
    u32 tries = 0;
    int err;
    do
        err = arch_host_list(hostfs_node(dir)->handle, &pos, emit, &l);
    while (hostfs_again(err, &tries));
    *cookie = pos + FIRST;
    return err;
}

i64 hostfs_readlink(struct node *n, char *buf, usize cap)
{
    return arch_host_readlink(hostfs_node(n)->handle, buf, cap);
}

static int snapshot_getattr(struct node *n, struct attr *a)
{
    node_fill_attr(n, a);
    a->blocks = hostfs_node(n)->blocks;
    return 0;
}

void hostfs_destroy(struct node *node)
{
    if (node->data)
        memobj_put(node->data);
}

void hostfs_free(struct node *node)
{
    drop_life(hostfs_node(node));
}

static const struct node_ops snapshot_ops = {.lookup = snapshot_lookup,
                                             .readdir = hostfs_readdir,
                                             .readlink = hostfs_readlink,
                                             .getattr = snapshot_getattr,
                                             .xattr_get = hostfs_xattr_get,
                                             .xattr_list = hostfs_xattr_list,
                                             .destroy = hostfs_destroy,
                                             .free = hostfs_free};

// --- instances ---

static int hostfs_statfs(struct superblock *sb, struct statfs_info *out)
{
    struct host_statfs s;
    int err = (int)arch_host_statfs(hostfs_node(dentry_node(sb->root))->handle, &s);
    if (err)
        return err;
    out->block_size = s.block_size;
    out->blocks = s.blocks;
    out->blocks_free = s.blocks_free;
    out->blocks_avail = s.blocks_avail;
    out->files = s.files;
    out->files_free = s.files_free;
    out->name_max = s.name_max;
    return 0;
}

static void hostfs_sb_destroy(struct superblock *sb)
{
    kfree(sb->private);
}

// What may be written is decided when it is mounted.
static int hostfs_remount(struct superblock *sb, const char *data)
{
    (void)sb;
    return data && *data ? -E_INVAL : 0;
}

static const struct superblock_ops hostfs_superblock_ops = {.destroy = hostfs_sb_destroy,
                                                            .statfs = hostfs_statfs,
                                                            .sync = hostfs_live_sync,
                                                            .remount = hostfs_remount};

static struct superblock *instance(const struct filesystem_type *t, bool live, bool writable)
{
    struct hostfs *h = kzalloc(sizeof(*h), 0);
    struct superblock *sb =
        h ? superblock_create(t, &hostfs_superblock_ops, HOSTFS_MAGIC, h) : NULL;
    if (!sb) {
        kfree(h);
        return NULL;
    }
    h->live = live;
    h->writable = writable;
    spin_init(&h->lock, &lock_class_hostfs);
    hostfs_flush_init(h, sb);
    atomic_store_explicit(&sb->flags, writable ? 0 : SB_RDONLY, memory_order_relaxed);
    sb->block_size = BLOCK;
    return sb;
}

static int hostfs_mount(const struct filesystem_type *t, const struct fs_source *src,
                        struct superblock **out)
{
    struct host_attr a;
    bool live = src->data && !strcmp(src->data, "live");
    if (current_task()) // programs name nothing of the system underneath
        return -E_PERM;
    if (!src->source || (src->data && *src->data && !live))
        return -E_INVAL;
    struct hostfs_node *n = hostfs_node_alloc();
    struct superblock *sb = n ? instance(t, live, live && !(src->flags & MOUNT_RDONLY)) : NULL;
    if (!sb) {
        kfree(n);
        return -E_NOMEM;
    }
    i64 handle = arch_host_root(src->source, &a);
    int err = handle < 0 ? (int)handle : 0;
    if (err) {
        kfree(n);
    } else {
        hostfs_node_start(n, sb, handle, &a);
        err = fs_make_root(sb, &n->node);
    }
    if (err) {
        superblock_shutdown(sb);
        superblock_put(sb);
        return err;
    }
    *out = sb;
    return 0;
}

static const struct filesystem_type hostfs_type = {
    .name = "hostfs", .flags = FS_NODEV, .mount = hostfs_mount};
FILESYSTEM_TYPE(hostfs_type);

int hostfs_instance_live(struct superblock **out)
{
    *out = instance(&hostfs_type, true, true);
    return *out ? 0 : -E_NOMEM;
}
