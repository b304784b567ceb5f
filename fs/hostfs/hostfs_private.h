// Between the files of hostfs.
#pragma once
#include <arch/hostfile.h>
#include <kerr.h>
#include <lib/rbtree.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sched/timer.h>
#include <vfs/fs.h>
#include <vfs/ops.h>

struct hostfs {
    // --- constant ---
    bool live;     // names, attributes and contents are asked for each time
    bool writable; // only if live
    struct superblock *sb;
    // --- guarded by lock (class hostfs) ---
    struct spinlock lock;
    struct rb_root files; // regular files of a live instance, by device and number
    struct list stored;   // those that were mapped shared for writing
    u64 stored_count;
    bool flushing; // flush_timer or flush_work is to come
    // --- their own ---
    struct timer flush_timer;
    struct work flush_work;
};

struct hostfs_node {
    struct node node; // first
    struct memobj data;
    i64 handle; // of the host's; constant
    u64 dev;    // with node.ino: which file of the host's; constant
    _Atomic u64 blocks;
    refcount_t lives; // node and data
    // --- guarded by the instance's lock ---
    struct rb_node by_number;
    struct list stored_link;
    // --- guarded by io (class hostfs_io): what the host is asked to do with contents, and the size
    // of `data` ---
    struct mutex io;
    u32 opens;
    i64 seen_mtime, seen_ctime, seen_at; // of the host's file when `data` was last right
    u64 seen_size;
    _Atomic bool mapped; // `data` may have pages: written under io
    bool storing;        // pages that are dirty no more may not be the host's yet
    struct mutex store;  // class hostfs_store: held while pages are written back
};

static inline struct hostfs_node *hostfs_node(struct node *n)
{
    return (struct hostfs_node *)(void *)n;
}
static inline struct hostfs *hostfs_of(const struct node *n)
{
    return n->sb->private;
}

enum { HOSTFS_NAME = NAME_MAX_LEN + 1 };
// The name with its NUL. -E_NAMETOOLONG.
[[nodiscard]] int hostfs_name(const struct pathname *name, char text[HOSTFS_NAME]);

// Is a host call to be tried again that said r? After -E_NFILE: the path cache has given back the
// handles that nobody uses. *tries starts at 0. May sleep.
[[nodiscard]] bool hostfs_again(i64 r, u32 *tries);

// Memory for a node; hostfs_node_start makes it one, whose reference is the caller's, and which
// owns the handle. Without that: kfree.
[[nodiscard]] struct hostfs_node *hostfs_node_alloc(void);
void hostfs_node_start(struct hostfs_node *n, struct superblock *sb, i64 handle,
                       const struct host_attr *a);
// Takes over what the host says, but for the size of contents.
void hostfs_take_attr(struct hostfs_node *n, const struct host_attr *a);
int hostfs_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink);
i64 hostfs_readlink(struct node *n, char *buf, usize cap);
struct range_lock;
int hostfs_live_lock(struct node *n, bool whole, const struct range_lock *l);
int hostfs_live_lock_query(struct node *n, struct range_lock *l);
i64 hostfs_xattr_get(struct node *n, const char *name, void *buf, usize cap);
i64 hostfs_xattr_list(struct node *n, char *buf, usize cap);
int hostfs_live_xattr_set(struct node *n, const char *name, const void *val, usize len, u32 flags);
int hostfs_live_xattr_remove(struct node *n, const char *name);
void hostfs_destroy(struct node *node);
void hostfs_free(struct node *node);
int hostfs_read_page(struct memobj *o, u64 index, struct frame *f);
void hostfs_data_destroy(struct memobj *o);

extern const struct node_ops hostfs_live_ops;
extern const struct file_ops hostfs_live_file_ops, hostfs_live_dir_ops;
extern const struct memobj_ops hostfs_live_data_ops;
// n (used up) becomes the node of a handle, or its file has one.
struct node *hostfs_live_start(struct superblock *sb, struct hostfs_node *n, i64 handle,
                               const struct host_attr *a);
// A live instance that may be written, without a root.
[[nodiscard]] int hostfs_instance_live(struct superblock **out);
// Attributes with those of the contents.
[[nodiscard]] int hostfs_live_refresh(struct hostfs_node *n);
int hostfs_live_truncate(struct node *n, u64 size);
int hostfs_live_fallocate(struct node *n, u32 mode, u64 off, u64 len);
// Opens what is behind a node for oneself, without a file.
[[nodiscard]] int hostfs_live_open(struct hostfs_node *n, u32 access);
void hostfs_live_close(struct hostfs_node *n);
// Reads as much as there is. May sleep for long.
[[nodiscard]] i64 hostfs_read(struct hostfs_node *n, u64 pos, void *buf, usize len);
// HOST_JOB_SYNC...; it must be open.
[[nodiscard]] i64 hostfs_sync(struct hostfs_node *n, enum host_job_kind kind);

// --- flush.c: stores through mappings ---
void hostfs_flush_init(struct hostfs *h, struct superblock *sb);
// n is, or is no more, mapped shared for writing.
void hostfs_stored_add(struct hostfs_node *n);
void hostfs_stored_del(struct hostfs_node *n);
// Writes back what was stored, if anything may have been.
[[nodiscard]] int hostfs_store(struct hostfs_node *n);
void hostfs_store_or_say(struct hostfs_node *n); // errors to the log
// All of an instance; disk: and the host's file system to its disk.
[[nodiscard]] int hostfs_live_sync(struct superblock *sb, bool disk);
