// Mounts: where file systems are shown, per namespace; and their propagation.
#pragma once
#include <lib/list.h>
#include <vfs/dentry.h>
#include <vfs/fs.h>

struct mount_ns;

enum mount_flags { // properties of a mount; values of Linux MS_* where they exist
    MOUNT_RDONLY = 1,
    MOUNT_NOSUID = 2,
    MOUNT_NODEV = 4,
    MOUNT_NOEXEC = 8,
    MOUNT_NOSYMFOLLOW = 256,
    MOUNT_NOATIME = 1024,
    MOUNT_NODIRATIME = 2048,
    MOUNT_RELATIME = 1 << 21,
    MOUNT_STRICTATIME = 1 << 24,
    MOUNT_FLAGS_MASK = MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC |
                       MOUNT_NOSYMFOLLOW | MOUNT_NOATIME | MOUNT_NODIRATIME | MOUNT_RELATIME,
};
enum mount_propagation { PROP_PRIVATE, PROP_SHARED, PROP_SLAVE, PROP_UNBINDABLE };

struct mount {
    // --- read by lock-free walks ---
    struct mount *_Atomic hash_next;
    struct mount *_Atomic parent;      // itself for a namespace's root and for detached ones
    struct dentry *_Atomic mountpoint; // counted; in parent
    struct dentry *root;               // counted; constant
    struct superblock *sb;             // counted; constant
    _Atomic u32 flags;                 // MOUNT_*
    _Atomic u32 writers;               // files opened for writing here
    u64 id;
    // --- guarded by the mount mutex, changed with vfs_tree_seq odd ---
    struct mount *_Atomic *hash_prev;
    struct mount_ns *ns; // NULL: detached
    struct list children, child_link;
    struct list ns_link;
    char *source;
    enum mount_propagation propagation;
    u32 peer_group; // shared: number of the group
    // Paths, open files, and one for being attached. Stands among what is seldom used, a cache line
    // away from what walks read, because every open and close on any CPU writes it.
    refcount_t refs;
    struct list peers;    // ring of the group
    struct mount *master; // slave of this peer
    struct list slaves, slave_link;
    struct list umount_link;  // work list of one operation
    struct mount *old_parent; // detached: references to give back
    bool marked;              // scratch of one operation
    struct rcu_head rcu;
};

struct mount_ns {
    refcount_t refs;
    u64 id;
    struct mount *root;  // mount mutex
    struct list mounts;  // all of them, in mount order; mount mutex
    _Atomic u64 changes; // grows with each change; poll of /proc/mounts
    struct waitqueue changed;
};

static inline void mount_get(struct mount *m)
{
    refcount_inc(&m->refs);
}
void mount_put(struct mount *m); // NULL allowed; last: lets go of the file system. May sleep
static inline u32 mount_flags(const struct mount *m)
{
    return atomic_load_explicit(&m->flags, memory_order_relaxed);
}
// What is mounted on (m, d); RCU read side, not counted, NULL if nothing.
struct mount *mount_find_rcu(const struct mount *m, const struct dentry *d);
// A mount outside every namespace (kernel's own use, e.g. memfd); counted.
[[nodiscard]] int mount_kernel(struct superblock *sb, struct mount **out);

// May the caller change things on this mount: 0 or -E_ROFS. (A change under way is not waited for
// when a mount turns read-only; files opened for writing keep it from that.)
[[nodiscard]] static inline int mount_want_write(const struct mount *m)
{
    return (mount_flags(m) & MOUNT_RDONLY) ||
                   (atomic_load_explicit(&m->sb->flags, memory_order_relaxed) & SB_RDONLY)
               ? -E_ROFS
               : 0;
}

// A file is opened for writing on m: 0, or -E_ROFS. Until it is given back, neither m nor its file
// system turns read-only.
[[nodiscard]] int mount_get_writer(struct mount *m);
void mount_put_writer(struct mount *m);

[[nodiscard]] int mount_ns_create(struct superblock *root_fs, u32 flags, const char *source,
                                  struct mount_ns **out);
// Private copy of all mounts; *root and *cwd (counted paths of the old one) are exchanged for the
// same places in the new one.
[[nodiscard]] int mount_ns_copy(struct mount_ns *old, struct path *root, struct path *cwd,
                                struct mount_ns **out);
void mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);
// Calls fn for each mount in order with the mount mutex held; non-zero stops and is returned.
int mount_ns_for_each(struct mount_ns *ns, int (*fn)(struct mount *m, void *arg), void *arg);
void mount_init_table(void);
