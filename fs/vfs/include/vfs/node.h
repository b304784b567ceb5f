// Nodes (inodes): what a name in a file system stands for. A node is referenced by directory
// entries of in-memory file systems, by dentries, and by whoever works on it; its memory outlives
// the last reference by an RCU grace period, so that path walks may read the attribute words of a
// node without taking a reference.
#pragma once
#include <kerr.h>
#include <object/attr.h>
#include <object/dir.h>
#include <sched/lock.h>
#include <sched/rcu.h>
#include <task/cred.h>
#include <vm/memobj.h>
#include <vm/user.h>

struct node;
struct path;
struct file;
struct file_ops;
struct superblock;
struct file_locks; // vfs/lock.h
struct range_lock;
struct object;

// A name as it is passed around: NUL-terminated, len excludes the NUL.
struct pathname {
    const char *str;
    usize len;
};
enum { NAME_MAX_LEN = 255, PATH_MAX_LEN = 4096 /* with NUL */, SYMLINK_MAX_DEPTH = 40 };

enum access_want { WANT_EXEC = 1, WANT_WRITE = 2, WANT_READ = 4 };

// What is to be made by node_ops.create. mode carries the type bits; permission bits are final
// (umask and setgid rules applied).
struct create_args {
    u32 mode, uid, gid;
    u64 rdev;
    const char *link; // symlink target, link_len bytes
    usize link_len;
};

enum rename_flags { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };

enum setattr_valid {
    SET_MODE = 1,
    SET_UID = 2,
    SET_GID = 4,
    SET_SIZE = 8,
    SET_ATIME = 16,
    SET_MTIME = 32,
    SET_CTIME = 64
};
struct setattr {
    u32 valid; // SET_*
    u32 mode, uid, gid;
    u64 size;
    i64 atime, mtime, ctime; // ns since 1970
};

enum fallocate_mode { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2, FALLOC_ZERO_RANGE = 16 };

// Operations; NULL means what stands in parentheses. Thread context, may sleep, unless said
// otherwise. Directory operations run with dir->mutex held; `name` needs not outlive the call.
struct node_ops {
    // Finds a name: counted reference in *out, or -E_NOENT (cached as a negative dentry unless the
    // file system revalidates).
    int (*lookup)(struct node *dir, const struct pathname *name, struct node **out); // (-E_NOTDIR)
    // Makes a file of any type, with entry. Counted reference in *out.
    int (*create)(struct node *dir, const struct pathname *name, const struct create_args *a,
                  struct node **out); // (-E_PERM)
    int (*tmpfile)(struct node *dir, const struct create_args *a,
                   struct node **out); // without entry, nlink 0 (-E_OPNOTSUPP)
    int (*link)(struct node *dir, const struct pathname *name, struct node *n); // (-E_PERM)
    // Removes the entry of child (a directory is known to be one by its mode; emptiness is checked
    // here: -E_NOTEMPTY).
    int (*unlink)(struct node *dir, const struct pathname *name, struct node *child); // (-E_PERM)
    // All four nodes locked as needed; new_child may be NULL. Type rules are checked by the caller,
    // emptiness here.
    int (*rename)(struct node *old_dir, const struct pathname *old_name, struct node *child,
                  struct node *new_dir, const struct pathname *new_name, struct node *new_child,
                  u32 flags); // (-E_PERM)
    // Entries from *cookie on (2 is the first; 0 and 1 are "." and ".." and made by the caller).
    // Advances *cookie; stops when emit refuses.
    int (*readdir)(struct node *dir, u64 *cookie, struct dir_sink *sink); // (-E_NOTDIR)
    // Symlink text into buf; returns its length, cut at cap. Used when node->link is NULL.
    i64 (*readlink)(struct node *n, char *buf, usize cap); // (-E_INVAL)
    // Magic link: the place itself (counted) instead of a text. Has precedence over readlink when
    // walking. -E_NXIO: it leads to an object without a place (a pipe); then `target` gives that.
    int (*follow)(struct node *n, struct path *out);
    int (*target)(struct node *n, struct object **out, u32 *rights); // counted
    int (*getattr)(struct node *n, struct attr *a);                  // (node_fill_attr)
    // Permissions were checked; SET_SIZE never appears together with others. (node_apply_setattr)
    int (*setattr)(struct node *n, const struct setattr *s);
    int (*truncate)(struct node *n,
                    u64 size); // n->mutex held (memobj_truncate on data; -E_INVAL without data)
    int (*fallocate)(struct node *n, u32 mode, u64 off, u64 len); // n->mutex held (-E_OPNOTSUPP)
    int (*permission)(struct node *n, u32 want, const struct cred *c); // (node_permission_generic)
    // Does this name in dir still stand for n? false: it is looked up again. (always)
    bool (*revalidate)(struct node *dir, const struct pathname *name, struct node *n);
    i64 (*xattr_get)(struct node *n, const char *name, void *buf,
                     usize cap); // length; cap 0: only asks (-E_OPNOTSUPP). -E_RANGE
    int (*xattr_set)(struct node *n, const char *name, const void *val, usize len,
                     u32 flags);                             // XATTR_*
    i64 (*xattr_list)(struct node *n, char *buf, usize cap); // names, each with its NUL
    int (*xattr_remove)(struct node *n, const char *name);
    // For files that others than our tasks lock too: what they see of the locks of all of ours
    // together. From now on it is l->kind in l's range; whole: of flock's kind. -E_AGAIN: one of
    // theirs is in the way; then nothing was changed. Giving back cannot fail. Never waits; one
    // call at a time. (nobody else)
    int (*lock)(struct node *n, bool whole, const struct range_lock *l);
    // The first range lock of theirs in the way of *l, as lock_query. With `lock` only.
    int (*lock_query)(struct node *n, struct range_lock *l);
    // Last reference gone: give back what the node owns, except what lock-free readers may look at
    // (the struct itself, link).
    void (*destroy)(struct node *n);
    // After a grace period: free the memory. Must not be NULL.
    void (*free)(struct node *n);
};
enum { XATTR_CREATE = 1, XATTR_REPLACE = 2 };

enum node_flags {
    NODE_REVALIDATE = 1,  // names of this node must be asked through ops->revalidate
    NODE_NO_FASTPERM = 2, // ops->permission decides; never skip it
    NODE_IMMUTABLE = 4,
    NODE_APPEND = 8,
    NODE_DEAD = 16,  // directory was removed: nothing can be made in it
    NODE_MAGIC = 32, // ops->follow
    NODE_ANON = 64,  // has no name in any directory (memfd, tmpfile)
    NODE_NO_NEGATIVE =
        128, // directory whose absent names may appear by themselves: absence is asked for again
    NODE_WATCHED = 256, // somebody watches it (vfs/watch.h)
};

struct node {
    // --- constant after creation ---
    const struct node_ops *ops;
    const struct file_ops *fops; // NULL: data is read, written and mapped through `data`
    struct superblock *sb;       // counted
    u64 ino, rdev;
    struct memobj *data; // contents of a regular file, owned by the file system; NULL: none
    const char
        *link;     // text of an in-memory symlink, freed after a grace period; its length is `size`
    void *private; // the file system's own
    refcount_t refs;
    u32 generation;
    // --- written under `lock`, read freely ---
    _Atomic u32 mode, uid, gid, nlink;
    _Atomic u32 flags;                      // enum node_flags
    _Atomic i64 atime, mtime, ctime, btime; // ns since 1970
    _Atomic u64 size;                       // without `data`
    _Atomic i32 writers;  // open for writing (> 0), or denied to writers (< 0, programs being run)
    struct spinlock lock; // class node
    // --- guarded by lock ---
    struct file_locks *locks; // advisory locks, made when first needed
    void *ipc_slot;           // fifo: for fifo_open; socket: its listener
    // --- sleeping; directories (class node_dir): guards entries; others (node_data): guards size
    // and writes ---
    struct mutex mutex;
    struct rcu_head rcu;
};

// Initialises all but ops' private parts: one reference, counted use of sb, times now, nlink 1, ino
// a fresh number of sb.
void node_init(struct node *n, struct superblock *sb, const struct node_ops *ops, u32 mode);
static inline void node_get(struct node *n)
{
    refcount_inc(&n->refs);
}
void node_put(struct node *n); // NULL allowed; last one runs ops->destroy; may sleep

// Who keeps something about files by their numbers.
struct node_observer {
    // The last name and the last user of a file are gone. Thread context, must not sleep.
    void (*gone)(u64 dev, u64 ino);
    struct node_observer *next; // set by node_observe
    atomic_bool known;
};
// From now on o is told, for good. Again for one who is told already: nothing.
void node_observe(struct node_observer *o);

static inline u32 node_mode(const struct node *n)
{
    return atomic_load_explicit(&n->mode, memory_order_relaxed);
}
static inline u32 node_type(const struct node *n) // MODE_REG, ...
{
    return node_mode(n) & MODE_FMT;
}
static inline bool node_is_dir(const struct node *n)
{
    return node_type(n) == MODE_DIR;
}
static inline bool node_has(const struct node *n, u32 flag)
{
    return atomic_load_explicit(&n->flags, memory_order_relaxed) & flag;
}
static inline u64 node_size(const struct node *n)
{
    return atomic_load_explicit(n->data ? &n->data->size : &n->size, memory_order_relaxed);
}

// May `c` access n so (WANT_* bits)? 0, -E_ACCES. POSIX classes, then capabilities. Any context.
[[nodiscard]] int node_permission_generic(struct node *n, u32 want, const struct cred *c);
// The same through ops->permission, plus immutable files: -E_PERM for writing. Read-only mounts are
// the caller's matter.
[[nodiscard]] int node_permission(struct node *n, u32 want, const struct cred *c);
// Owner of n, or CAP_FOWNER.
bool node_owner_or_capable(const struct node *n, const struct cred *c);

// Fills everything from the node's words. Any context under RCU or with a reference.
void node_fill_attr(struct node *n, struct attr *a);
// ops->getattr or node_fill_attr.
[[nodiscard]] int node_getattr(struct node *n, struct attr *a);
// Stores what s says (not SET_SIZE); for ops->setattr of in-memory file systems. Takes n->lock.
void node_apply_setattr(struct node *n, const struct setattr *s);
// Changes the size of a regular file; n->mutex must not be held. -E_INVAL, -E_FBIG, -E_NOSPC.
// Clears set-id bits, sets mtime and ctime.
[[nodiscard]] int node_truncate(struct node *n, u64 size);

i64 vfs_now(void); // wall clock, ns since 1970 (coarse is enough for file times)
struct timestamp timestamp_from_ns(i64 ns);
i64 timestamp_to_ns(struct timestamp t);    // clamped to what 64-bit nanoseconds hold
void node_touch(struct node *n, u32 which); // SET_ATIME | SET_MTIME | SET_CTIME = now
void node_inc_nlink(struct node *n);
void node_dec_nlink(struct node *n);

// Programs being executed refuse writers and the reverse: 0 or -E_TXTBSY.
[[nodiscard]] int node_deny_writers(struct node *n);
void node_allow_writers(struct node *n);
[[nodiscard]] int node_get_writer(struct node *n);
void node_put_writer(struct node *n);
