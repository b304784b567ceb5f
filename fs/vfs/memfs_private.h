// Between the files of the in-memory file system library. Private to fs/vfs.
#pragma once
#include <vfs/memfs.h>

struct memfs_entry {
    struct rb_node by_name, by_cookie;
    u64 hash, cookie;
    struct node *node; // counted
    u32 len;
    char name[];
};
enum {
    MEMFS_ENTRY_SIZE = 20
}; // what an entry adds to a directory's size, as tmpfs of Linux counts

static inline struct memfs *memfs_of(struct superblock *sb)
{
    return sb->private;
}
struct memfs_entry *memfs_entry_find(struct memfs_node *dir, const char *name, usize len);
void memfs_entry_remove(struct memfs_node *dir, struct memfs_entry *e); // without putting the node
void memfs_empty_tree(struct node *root);                               // all entries below root go

i64 memfs_xattr_get(struct node *n, const char *name, void *buf, usize cap);
int memfs_xattr_set(struct node *n, const char *name, const void *val, usize len, u32 flags);
i64 memfs_xattr_list(struct node *n, char *buf, usize cap);
int memfs_xattr_remove(struct node *n, const char *name);
void memfs_xattr_free(struct memfs_node *n);

// Directory operations of memfs_node_ops.
int memfs_lookup(struct node *dir, const struct pathname *name, struct node **out);
int memfs_create(struct node *dir, const struct pathname *name, const struct create_args *a,
                 struct node **out);
int memfs_link(struct node *dir, const struct pathname *name, struct node *n);
int memfs_unlink(struct node *dir, const struct pathname *name, struct node *child);
int memfs_rename(struct node *old_dir, const struct pathname *old_name, struct node *child,
                 struct node *new_dir, const struct pathname *new_name, struct node *new_child,
                 u32 flags);
int memfs_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink);
