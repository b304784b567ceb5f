// Between the files about mounts. All of it is guarded by the mount mutex; what lock-free walks see
// changes inside the tree sequence.
#pragma once
#include <vfs/path.h>

extern struct mutex mount_mutex; // class mount_sleep

[[nodiscard]] struct mount *mount_alloc(struct superblock *sb, struct dentry *root, u32 flags,
                                        const char *source); // NULL: no memory
// A copy of one mount, showing `root`; detached. keep_peer: stays in the peer group / slave of the
// same master. NULL: no memory.
[[nodiscard]] struct mount *mount_clone(struct mount *m, struct dentry *root, bool keep_peer);
// A copy of the tree at m as far as it lies under root. skip_unbindable as bind mounts have it.
// Detached, linked by parent and children.
[[nodiscard]] int mount_clone_tree(struct mount *m, struct dentry *root, bool skip_unbindable,
                                   bool keep_peer, struct mount **out);
void mount_free_tree(struct mount *tree); // a detached tree that was never seen

// Next mount of the tree in depth-first order, NULL at the end.
struct mount *mount_next(struct mount *m, struct mount *top);
// Links a detached tree (reference consumed) at (parent, mountpoint) and enters all of it into
// parent's namespace. Inside vfs_tree_write.
void mount_link(struct mount *tree, struct mount *parent, struct dentry *mountpoint);
// Enters one linked mount in the table. Inside vfs_tree_write.
void mount_hash_enter(struct mount *m);
// Takes a tree out of its place, still whole and in its namespace; what it held there passes to
// *old (unchanged if it hung nowhere). Inside vfs_tree_write; the caller links it elsewhere in the
// same section.
void mount_lift(struct mount *m, struct path *old);
// Takes the mounts on list `gone` (by umount_link) out of their places, namespaces and peer groups.
// Makes its own vfs_tree_write. mount_release gives their references back, without the mutex.
void mount_detach_list(struct list *gone);
void mount_detach_tree(struct mount *top, struct list *gone); // the whole tree at top
void mount_release(struct list *gone);
struct mount *mount_find(const struct mount *m,
                         const struct dentry *d); // mount mutex held, not counted
void mount_ns_changed(struct mount_ns *ns);

// --- propagation ---
// Copies for all places that receive what is mounted on (at, d); *list collects (tree, parent)
// pairs.
struct propagated {
    struct propagated *next;
    struct mount *tree, *parent;
};
[[nodiscard]] int propagate_mount(struct mount *at, struct dentry *d, struct mount *tree,
                                  struct propagated **list);
void propagate_drop(struct propagated *list); // error path
[[nodiscard]] int
propagate_make_shared(struct mount *tree); // a tree mounted on a shared one becomes shared
// Calls fn for each other mount that receives events of m.
void propagate_each(struct mount *m, void (*fn)(struct mount *q, void *arg), void *arg);
void propagate_leave(
    struct mount *m); // m leaves its peer group and master (its slaves go to a peer or the master)
void propagate_set(struct mount *m, enum mount_propagation p);
