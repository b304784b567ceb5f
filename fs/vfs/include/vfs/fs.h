// File system types and their instances (superblocks).
#pragma once
#include <lib/list.h>
#include <vfs/node.h>

struct dentry;
struct filesystem_type;

struct statfs_info { // as statfs(2) counts: blocks of block_size
    u64 magic, block_size, blocks, blocks_free, blocks_avail, files, files_free, fsid;
    u32 name_max, flags; // MOUNT_* of the mount are added by the caller
};

enum superblock_flags {
    SB_RDONLY = 1,
    SB_NOEXEC = 2,
    SB_NODEV = 4,
    SB_KERNEL = 8 /* never mounted by users */,
    SB_KEEP = 16 /* lives on without mounts */,
    SB_ACROSS = 32 /* looks names up in other file systems, with its directories locked */
};

struct superblock_ops {
    // The last mount is gone: nobody but the path cache looks at it any more. Lets go of the tree
    // of nodes. May be NULL.
    void (*kill)(struct superblock *sb);
    void (*destroy)(struct superblock *sb); // last reference gone: free private
    int (*statfs)(struct superblock *sb, struct statfs_info *out); // (zeroes with the magic number)
    // What is only in memory goes to where others see it; disk: and to where it lasts. (0)
    int (*sync)(struct superblock *sb, bool disk);
    int (*remount)(struct superblock *sb,
                   const char *data); // new options (0 if there are none, else -E_INVAL)
    // Options for /proc/mounts, each with a leading comma. Returns the length, cut at cap.
    usize (*show_options)(struct superblock *sb, char *buf, usize cap);
};

struct superblock {
    // --- constant ---
    const struct filesystem_type *type;
    const struct superblock_ops *ops;
    u64 dev; // anonymous device number
    u64 magic;
    u32 block_size;
    struct dentry *root; // counted
    void *private;
    refcount_t refs; // mounts and nodes
    // --- atomic ---
    _Atomic u32 flags; // SB_*
    _Atomic u64 next_ino;
    _Atomic u32 mounts;  // how many mounts show it
    _Atomic u32 writers; // files opened for writing on all of them
    // --- sleeping ---
    struct mutex rename_mutex; // class rename: directories of this instance move one at a time
};

struct fs_source {      // arguments of mount(2), strings valid during the call
    const char *source; // may be NULL
    const char *data;   // options text; may be NULL
    u32 flags;          // MOUNT_* (vfs/mount.h)
};

enum fs_type_flags {
    FS_NODEV = 1,
    FS_KERNEL_ONLY = 2,
    FS_ALIAS = 4 /* not listed in /proc/filesystems */
};
struct filesystem_type {
    const char *name;
    u32 flags;
    // Makes or finds an instance; one counted reference. Its root dentry must be set
    // (fs_make_root).
    int (*mount)(const struct filesystem_type *t, const struct fs_source *src,
                 struct superblock **out);
};
SET_DECLARE(filesystems, const struct filesystem_type);
#define FILESYSTEM_TYPE(record) SET_ENTRY(filesystems, record)

const struct filesystem_type *fs_type_find(const char *name, usize len); // NULL: unknown

// A superblock with a fresh anonymous device number and one reference. NULL: no memory.
[[nodiscard]] struct superblock *superblock_create(const struct filesystem_type *t,
                                                   const struct superblock_ops *ops, u64 magic,
                                                   void *private);
void superblock_get(struct superblock *sb);
void superblock_put(struct superblock *sb); // may sleep
// Makes the root dentry for `root` (its reference is consumed in any case). -E_NOMEM.
[[nodiscard]] int fs_make_root(struct superblock *sb, struct node *root);
// Drops the root dentry and every unused dentry; for failed mounts and the last unmount.
void superblock_shutdown(struct superblock *sb);
u64 fs_anon_dev(void); // a fresh anonymous device number (major 0)

// Options: iterates "key[=value],..." texts. Returns false at the end. *val NULL if there is no
// '='; *cursor starts as the text.
struct fs_option {
    char key[32];
    char val[224];
    bool has_val, bad; // bad: too long for this struct
};
bool fs_next_option(const char **cursor, struct fs_option *out);
// "1234", "64k", "10%" (of RAM when percent_of is not 0). false: malformed or too large.
bool fs_parse_size(const char *s, u64 percent_of, u64 *out);
