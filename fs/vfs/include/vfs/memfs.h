// In-memory file systems: the common machinery of tmpfs, devfs and of trees built from boot images.
// Nodes live in memory, directory entries in two trees (by name; by cookie, for readdir that is
// stable under change), data in memory objects.
#pragma once
#include <lib/rbtree.h>
#include <vfs/fs.h>

struct memfs { // superblock->private; embed it first in what a file system keeps per instance
    u64 max_pages, max_nodes; // 0: no limit; changed by remount
    _Atomic i64 pages, nodes; // in use
    u32 root_mode, root_uid, root_gid;
    bool show_limits;
};

struct memfs_entry;
struct memfs_xattr;
struct memfs_node {
    struct node node;   // first
    struct memobj data; // regular files
    refcount_t lives;   // the node and its memory object
    // --- directories: guarded by node.mutex ---
    struct rb_root by_name, by_cookie;
    u64 next_cookie;
    u32 entries;
    struct node *parent; // for ".." of nobody but checks; not counted
    // --- guarded by node.lock ---
    struct list xattrs;
    u32 xattr_bytes;
    // --- file data that lie in a boot image ---
    const u8 *image;       // contents in place; NULL: none
    _Atomic u64 image_len; // bytes of it still valid (a truncation lowers it)
};

// A superblock with root directory. fs (usually embedded in a larger struct) becomes sb->private
// and is freed with kfree by memfs. Consumes fs in any case. extra: operations to use instead of
// the memfs ones (NULL: those).
[[nodiscard]] int memfs_mount(const struct filesystem_type *t, struct memfs *fs, u64 magic,
                              const struct superblock_ops *ops, struct superblock **out);
extern const struct superblock_ops memfs_superblock_ops;
void memfs_destroy(struct superblock *sb); // for own superblock_ops
int memfs_statfs(struct superblock *sb, struct statfs_info *out);
// Applies size=, nr_blocks=, nr_inodes=, mode=, uid=, gid= from a mount option text to fs.
// -E_INVAL. remount: mode, uid, gid only checked.
[[nodiscard]] int memfs_parse_options(struct memfs *fs, const char *data, bool remount);
usize memfs_show_options(struct superblock *sb, char *buf, usize cap);
int memfs_remount(struct superblock *sb, const char *data);

extern const struct node_ops memfs_node_ops;
static inline struct memfs_node *memfs_node(struct node *n)
{
    return (struct memfs_node *)(void *)n;
}
// A node with no entry yet (nlink as for its type when it gets one). -E_NOSPC, -E_NOMEM.
[[nodiscard]] int memfs_node_create(struct superblock *sb, const struct create_args *a,
                                    struct node **out);
// Enters n (own reference) under name; also links "..". dir->mutex held, or the tree not yet
// visible. -E_EXIST, -E_NOMEM, -E_NOSPC.
[[nodiscard]] int memfs_add(struct node *dir, const struct pathname *name, struct node *n);
// Finds an entry; not counted. NULL: absent. dir->mutex held.
struct node *memfs_find(struct node *dir, const struct pathname *name);
// Removes an entry whatever it is; a directory with all below it. dir->mutex held.
void memfs_remove(struct node *dir, const struct pathname *name);
// Makes and enters in one step (devfs, archives); *out counted, may be NULL. dir->mutex is taken.
[[nodiscard]] int memfs_make(struct node *dir, const char *name, const struct create_args *a,
                             struct node **out);
// Gives a fresh regular file contents that lie in kernel memory for good. Whole pages are used in
// place when image is page aligned; writing changes them there.
void memfs_set_image(struct node *n, const void *image, u64 len);
// Pages of RAM that contents of all in-memory files occupy (without those in place), for
// /proc/meminfo.
u64 memfs_pages(void);
// Root directory of an instance.
struct node *memfs_root(struct superblock *sb);
