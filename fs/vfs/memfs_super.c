// Instances of in-memory file systems: limits, options, statfs.
#include "memfs_private.h"
#include <arch/page.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/dentry.h>

struct node *memfs_root(struct superblock *sb)
{
    return dentry_node(sb->root);
}

static void memfs_kill(struct superblock *sb)
{
    memfs_empty_tree(memfs_root(sb));
}

void memfs_destroy(struct superblock *sb)
{
    kfree(sb->private);
}

int memfs_statfs(struct superblock *sb, struct statfs_info *out)
{
    struct memfs *fs = memfs_of(sb);
    u64 pages = (u64)MAX(atomic_load_explicit(&fs->pages, memory_order_relaxed), 0l);
    u64 nodes = (u64)MAX(atomic_load_explicit(&fs->nodes, memory_order_relaxed), 0l);
    if (fs->max_pages) {
        out->blocks = fs->max_pages;
        out->blocks_free = out->blocks_avail = fs->max_pages > pages ? fs->max_pages - pages : 0;
    }
    if (fs->max_nodes) {
        out->files = fs->max_nodes;
        out->files_free = fs->max_nodes > nodes ? fs->max_nodes - nodes : 0;
    }
    return 0;
}

int memfs_parse_options(struct memfs *fs, const char *data, bool remount)
{
    struct memfs want = {.max_pages = fs->max_pages,
                         .max_nodes = fs->max_nodes,
                         .root_mode = fs->root_mode,
                         .root_uid = fs->root_uid,
                         .root_gid = fs->root_gid};
    struct fs_option o;
    struct frame_stats ram;
    frame_stats(&ram);
    while (fs_next_option(&data, &o)) {
        u64 v;
        if (o.bad || !o.has_val) {
            if (!o.bad && (!strcmp(o.key, "inode64") || !strcmp(o.key, "inode32") ||
                           !strcmp(o.key, "noswap")))
                continue;
            return -E_INVAL;
        }
        if (!strcmp(o.key, "size") && fs_parse_size(o.val, ram.total * PAGE_SIZE, &v)) {
            want.max_pages = (v + PAGE_MASK) / PAGE_SIZE;
        } else if (!strcmp(o.key, "nr_blocks") && fs_parse_size(o.val, 0, &v)) {
            want.max_pages = v;
        } else if (!strcmp(o.key, "nr_inodes") && fs_parse_size(o.val, 0, &v)) {
            want.max_nodes = v;
        } else if (!strcmp(o.key, "mode") && !parse_u64(o.val, strlen(o.val), 8, &v)) {
            want.root_mode = (u32)v & 07777;
        } else if (!strcmp(o.key, "uid") && !parse_u64(o.val, strlen(o.val), 10, &v) &&
                   v < UINT32_MAX) {
            want.root_uid = (u32)v;
        } else if (!strcmp(o.key, "gid") && !parse_u64(o.val, strlen(o.val), 10, &v) &&
                   v < UINT32_MAX) {
            want.root_gid = (u32)v;
        } else if (strcmp(o.key, "mpol") && strcmp(o.key, "huge")) {
            return -E_INVAL;
        }
    }
    if (remount) {
        i64 pages = atomic_load_explicit(&fs->pages, memory_order_relaxed),
            nodes = atomic_load_explicit(&fs->nodes, memory_order_relaxed);
        if ((want.max_pages && (i64)want.max_pages < pages) ||
            (want.max_nodes && (i64)want.max_nodes < nodes))
            return -E_INVAL;
    } else {
        fs->root_mode = want.root_mode;
        fs->root_uid = want.root_uid;
        fs->root_gid = want.root_gid;
    }
    fs->max_pages = want.max_pages;
    fs->max_nodes = want.max_nodes;
    return 0;
}

int memfs_remount(struct superblock *sb, const char *data)
{
    return memfs_parse_options(memfs_of(sb), data, true);
}

usize memfs_show_options(struct superblock *sb, char *buf, usize cap)
{
    struct memfs *fs = memfs_of(sb);
    usize n = 0;
    if (!fs->show_limits)
        return 0;
    if (fs->max_pages)
        n += kscnprintf(buf + n, cap - n, ",size=%luk",
                        (unsigned long)(fs->max_pages << (PAGE_SHIFT - 10)));
    if (fs->max_nodes)
        n += kscnprintf(buf + n, cap - n, ",nr_inodes=%lu", (unsigned long)fs->max_nodes);
    if (fs->root_mode != (0777 | MODE_STICKY))
        n += kscnprintf(buf + n, cap - n, ",mode=%03o", fs->root_mode);
    if (fs->root_uid)
        n += kscnprintf(buf + n, cap - n, ",uid=%u", fs->root_uid);
    if (fs->root_gid)
        n += kscnprintf(buf + n, cap - n, ",gid=%u", fs->root_gid);
    return n + kscnprintf(buf + n, cap - n, ",inode64");
}

const struct superblock_ops memfs_superblock_ops = {
    .kill = memfs_kill,
    .destroy = memfs_destroy,
    .statfs = memfs_statfs,
    .remount = memfs_remount,
    .show_options = memfs_show_options,
};

int memfs_mount(const struct filesystem_type *t, struct memfs *fs, u64 magic,
                const struct superblock_ops *ops, struct superblock **out)
{
    struct superblock *sb = superblock_create(t, ops ? ops : &memfs_superblock_ops, magic, fs);
    if (!sb) {
        kfree(fs);
        return -E_NOMEM;
    }
    const struct create_args a = {
        .mode = MODE_DIR | fs->root_mode, .uid = fs->root_uid, .gid = fs->root_gid};
    struct node *root;
    int r = memfs_node_create(sb, &a, &root);
    if (!r) {
        node_inc_nlink(root);
        r = fs_make_root(sb, root);
    }
    if (r) {
        superblock_put(sb);
        return r;
    }
    *out = sb;
    return 0;
}
