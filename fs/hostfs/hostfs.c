// A directory of the system underneath as a read-only file system (arch/hostfile.h): mount -t
// hostfs DIR PLACE.
//
// Owns a handle for each node. Attributes are taken when a name is looked up and contents when they
// are first read; what changes underneath afterwards is seen only where it was not looked at yet.
// Guarded by the nodes' own mutexes; list positions are the host's.
#include <arch/hostfile.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/fs.h>

enum : u64 { HOSTFS_MAGIC = 0x686f7374, BLOCK = 4096 };

struct hostfs_node {
    struct node node; // first
    struct memobj data;
    i64 handle;
    u64 blocks;
    refcount_t lives; // node and data
};
static struct hostfs_node *hostfs_node(struct node *n)
{
    return (struct hostfs_node *)(void *)n;
}

static const struct node_ops hostfs_ops;

static void drop_life(struct hostfs_node *n)
{
    if (!refcount_dec_and_test(&n->lives))
        return;
    arch_host_close(n->handle);
    kfree(n);
}

// --- contents ---

static int data_read_in(struct memobj *o, u64 index, struct frame *f)
{
    struct hostfs_node *n = container_of(o, struct hostfs_node, data);
    for (usize done = 0; done < PAGE_SIZE;) {
        i64 got = arch_host_read(n->handle, (index << PAGE_SHIFT) + done,
                                 (u8 *)frame_to_virt(f) + done, PAGE_SIZE - done);
        if (got < 0)
            return (int)got;
        if (!got)
            break; // shorter than it was: zeroes
        done += (usize)got;
    }
    return 0;
}

static void data_destroy(struct memobj *o)
{
    struct hostfs_node *n = container_of(o, struct hostfs_node, data);
    superblock_put(n->node.sb);
    drop_life(n);
}

static const struct memobj_ops data_ops = {.read_in = data_read_in, .destroy = data_destroy};

// --- nodes ---

// A node for a handle, which it owns. NULL: no memory.
static struct hostfs_node *make_node(struct superblock *sb, i64 handle, const struct host_attr *a)
{
    struct hostfs_node *n = kzalloc(sizeof(*n), 0);
    if (!n)
        return NULL;
    node_init(&n->node, sb, &hostfs_ops, a->mode);
    n->node.ino = a->ino;
    n->node.rdev = a->rdev;
    n->handle = handle;
    n->blocks = a->blocks;
    refcount_set(&n->lives, 1);
    atomic_init(&n->node.uid, a->uid);
    atomic_init(&n->node.gid, a->gid);
    atomic_init(&n->node.nlink, a->nlink);
    atomic_init(&n->node.atime, a->atime);
    atomic_init(&n->node.mtime, a->mtime);
    atomic_init(&n->node.ctime, a->ctime);
    atomic_init(&n->node.btime, a->mtime);
    atomic_init(&n->node.size, a->size);
    if ((a->mode & MODE_FMT) == MODE_REG) {
        refcount_inc(&n->lives);
        superblock_get(sb);
        memobj_init(&n->data, &data_ops, a->size);
        n->node.data = &n->data;
    }
    return n;
}

static int hostfs_lookup(struct node *dir, const struct pathname *name, struct node **out)
{
    struct host_attr a;
    char text[NAME_MAX_LEN + 1];
    if (name->len > NAME_MAX_LEN)
        return -E_NAMETOOLONG;
    memcpy(text, name->str, name->len);
    text[name->len] = 0;
    i64 handle = arch_host_lookup(hostfs_node(dir)->handle, text, &a);
    if (handle < 0)
        return (int)handle;
    struct hostfs_node *n = make_node(dir->sb, handle, &a);
    if (!n) {
        arch_host_close(handle);
        return -E_NOMEM;
    }
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

static int hostfs_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct lister l = {sink, cookie};
    u64 pos = *cookie - FIRST;
    int err = arch_host_list(hostfs_node(dir)->handle, &pos, emit, &l);
    *cookie = pos + FIRST;
    return err;
}

static i64 hostfs_readlink(struct node *n, char *buf, usize cap)
{
    return arch_host_readlink(hostfs_node(n)->handle, buf, cap);
}

static int hostfs_getattr(struct node *n, struct attr *a)
{
    node_fill_attr(n, a);
    a->blocks = hostfs_node(n)->blocks;
    return 0;
}

static void hostfs_destroy(struct node *node)
{
    if (node->data)
        memobj_put(node->data);
}

static void hostfs_free(struct node *node)
{
    drop_life(hostfs_node(node));
}

static const struct node_ops hostfs_ops = {.lookup = hostfs_lookup,
                                           .readdir = hostfs_readdir,
                                           .readlink = hostfs_readlink,
                                           .getattr = hostfs_getattr,
                                           .destroy = hostfs_destroy,
                                           .free = hostfs_free};

// --- instances ---

static const struct superblock_ops hostfs_superblock_ops = {0};

static int hostfs_mount(const struct filesystem_type *t, const struct fs_source *src,
                        struct superblock **out)
{
    struct host_attr a;
    if (!src->source || (src->data && *src->data))
        return -E_INVAL;
    i64 handle = arch_host_root(src->source, &a);
    if (handle < 0)
        return (int)handle;
    struct superblock *sb = superblock_create(t, &hostfs_superblock_ops, HOSTFS_MAGIC, NULL);
    struct hostfs_node *n = sb ? make_node(sb, handle, &a) : NULL;
    if (!n) {
        arch_host_close(handle);
        if (sb)
            superblock_put(sb);
        return -E_NOMEM;
    }
    atomic_store_explicit(&sb->flags, SB_RDONLY, memory_order_relaxed);
    sb->block_size = BLOCK;
    int err = fs_make_root(sb, &n->node);
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
