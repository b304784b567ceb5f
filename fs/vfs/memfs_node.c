// Nodes of in-memory file systems and their data. A node's memory goes when both the node (after
// its grace period) and its memory object are done; `lives` counts the two.
#include "memfs_private.h"
#include <arch/page.h>
#include <lib/string.h>
#include <mem/slab.h>

DEFINE_SLAB(memfs_nodes, struct memfs_node);

static void drop_life(struct memfs_node *n)
{
    if (refcount_dec_and_test(&n->lives))
        slab_def_free(&memfs_nodes, n);
}

static _Atomic i64 all_pages;

u64 memfs_pages(void)
{
    i64 n = atomic_load_explicit(&all_pages, memory_order_relaxed);
    return n > 0 ? (u64)n : 0;
}

static int data_account(struct memobj *o, i64 pages)
{
    struct memfs *fs = memfs_of(container_of(o, struct memfs_node, data)->node.sb);
    i64 now = atomic_fetch_add_explicit(&fs->pages, pages, memory_order_relaxed) + pages;
    if (pages > 0 && fs->max_pages && now > (i64)fs->max_pages) {
        atomic_fetch_sub_explicit(&fs->pages, pages, memory_order_relaxed);
        return -E_NOSPC;
    }
    atomic_fetch_add_explicit(&all_pages, pages, memory_order_relaxed);
    return 0;
}

static void data_destroy(struct memobj *o)
{
    struct memfs_node *n = container_of(o, struct memfs_node, data);
    superblock_put(n->node.sb);
    drop_life(n);
}

static const struct memobj_ops data_ops = {.account = data_account, .destroy = data_destroy};

// --- contents in a boot image ----------------------------------------------------------------

static int image_read_in(struct memobj *o, u64 index, struct frame *f)
{
    struct memfs_node *n = container_of(o, struct memfs_node, data);
    u64 len = atomic_load_explicit(&n->image_len, memory_order_relaxed), off = index << PAGE_SHIFT;
    if (off < len)
        memcpy(frame_to_virt(f), n->image + off, MIN(len - off, PAGE_SIZE));
    return 0;
}

static paddr_t image_direct(struct memobj *o, u64 index)
{
    struct memfs_node *n = container_of(o, struct memfs_node, data);
    if (index >= atomic_load_explicit(&n->image_len, memory_order_relaxed) >> PAGE_SHIFT ||
        !IS_ALIGNED((uintptr_t)n->image, PAGE_SIZE))
        return 0;
    return virt_to_phys(n->image) + (index << PAGE_SHIFT);
}

static const struct memobj_ops image_ops = {.read_in = image_read_in,
                                            .direct = image_direct,
                                            .account = data_account,
                                            .destroy = data_destroy};

void memfs_set_image(struct node *node, const void *image, u64 len)
{
    struct memfs_node *n = memfs_node(node);
    n->image = image;
    atomic_store_explicit(&n->image_len, len, memory_order_relaxed);
    n->data.ops = &image_ops;
    atomic_store_explicit(&n->data.size, len, memory_order_relaxed);
}

static int memfs_truncate(struct node *node, u64 size)
{
    struct memfs_node *n = memfs_node(node);
    if (!node->data)
        return -E_INVAL;
    u64 had = atomic_load_explicit(&n->image_len, memory_order_relaxed);
    if (size < had) {
        // The page cut in two was shown in place; from now on it is a copy. Mappings of it have to
        // go.
        bool was_direct = (size & PAGE_MASK) && image_direct(&n->data, size >> PAGE_SHIFT);
        atomic_store_explicit(&n->image_len, size, memory_order_relaxed);
        if (was_direct)
            memobj_drop(&n->data, size >> PAGE_SHIFT, size >> PAGE_SHIFT);
    }
    memobj_truncate(&n->data, size);
    return 0;
}

// --- life time -------------------------------------------------------------------------------

int memfs_node_create(struct superblock *sb, const struct create_args *a, struct node **out)
{
    struct memfs *fs = memfs_of(sb);
    u32 type = a->mode & MODE_FMT;
    char *text = NULL;
    if (atomic_fetch_add_explicit(&fs->nodes, 1, memory_order_relaxed) >= (i64)fs->max_nodes &&
        fs->max_nodes) {
        atomic_fetch_sub_explicit(&fs->nodes, 1, memory_order_relaxed);
        return -E_NOSPC;
    }
    struct memfs_node *n = slab_def_alloc(&memfs_nodes, 0);
    if (n && type == MODE_LNK) {
        text = kmalloc(a->link_len + 1, 0);
        if (!text) {
            slab_def_free(&memfs_nodes, n);
            n = NULL;
        }
    }
    if (!n) {
        atomic_fetch_sub_explicit(&fs->nodes, 1, memory_order_relaxed);
        return -E_NOMEM;
    }
    memset(n, 0, sizeof(*n));
    node_init(&n->node, sb, &memfs_node_ops, a->mode);
    atomic_init(&n->node.uid, a->uid);
    atomic_init(&n->node.gid, a->gid);
    atomic_init(&n->node.nlink, 0);
    n->node.rdev = a->rdev;
    refcount_set(&n->lives, 1);
    list_init(&n->xattrs);
    n->next_cookie = 2;
    if (type == MODE_REG) {
        refcount_inc(&n->lives);
        superblock_get(sb);
        memobj_init(&n->data, &data_ops, 0);
        n->node.data = &n->data;
    } else if (type == MODE_LNK) {
        memcpy(text, a->link, a->link_len);
        text[a->link_len] = '\0';
        n->node.link = text;
        atomic_init(&n->node.size, a->link_len);
    } else if (type == MODE_DIR) {
        atomic_init(&n->node.size, 2 * MEMFS_ENTRY_SIZE);
        atomic_init(&n->node.nlink, 1); // "."
    }
    *out = &n->node;
    return 0;
}

static void memfs_node_destroy(struct node *node)
{
    struct memfs_node *n = memfs_node(node);
    atomic_fetch_sub_explicit(&memfs_of(node->sb)->nodes, 1, memory_order_relaxed);
    memfs_xattr_free(n);
    if (node->data)
        memobj_put(&n->data);
}

static void memfs_node_free(struct node *node)
{
    kfree((void *)(uintptr_t)node->link);
    drop_life(memfs_node(node));
}

static int memfs_tmpfile(struct node *dir, const struct create_args *a, struct node **out)
{
    return memfs_node_create(dir->sb, a, out);
}

const struct node_ops memfs_node_ops = {
    .lookup = memfs_lookup,
    .create = memfs_create,
    .tmpfile = memfs_tmpfile,
    .link = memfs_link,
    .unlink = memfs_unlink,
    .rename = memfs_rename,
    .readdir = memfs_readdir,
    .truncate = memfs_truncate,
    .xattr_get = memfs_xattr_get,
    .xattr_set = memfs_xattr_set,
    .xattr_list = memfs_xattr_list,
    .xattr_remove = memfs_xattr_remove,
    .destroy = memfs_node_destroy,
    .free = memfs_node_free,
};
