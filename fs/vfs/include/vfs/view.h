// What a task sees of the world: root, working directory, mount namespace. Shared (CLONE_FS) or
// copied at fork.
#pragma once
#include <vfs/path.h>

struct view {
    refcount_t refs;
    struct spinlock lock; // class view; writers of the fields below
    _Atomic u32 seq;      // odd while root or cwd change
    // --- guarded by lock; read under RCU and seq ---
    struct path root, cwd; // counted
    struct mount_ns *ns;   // counted
};
// Root and cwd at the namespace's root. -E_NOMEM.
[[nodiscard]] int view_create(struct mount_ns *ns, struct view **out);
[[nodiscard]] int view_fork(struct view *v, struct view **out); // private copy
void view_get(struct view *v);
void view_put(struct view *v); // NULL allowed; may sleep
// Of the current task, or the one its thread looks through; of kernel threads: the first one made
// (set by vfs_set_kernel_view).
struct view *current_view(void);
// The current thread (of a task) resolves names and mounts in v from now on, other threads of the
// task do not; NULL: in the task's view again. v is borrowed. Not across a return to user mode.
void view_look_through(struct view *v);
void vfs_set_kernel_view(struct view *v);
struct view *vfs_kernel_view(void); // borrowed; NULL before there is a root
// --- for the kernel's own composing of views (fs/vfs/compose.c); no privileges are asked for ---
// A fresh namespace whose root is sb, and a view at its root. -E_NOMEM.
[[nodiscard]] int view_of_superblock(struct superblock *sb, const char *source, struct view **out);
// Shows the tree of mounts below `from` at the place `at` of v's namespace. -E_NOTDIR, -E_INVAL,
// -E_NOMEM.
[[nodiscard]] int view_bind(struct view *v, const struct path *from, const struct path *at);
// Makes v (reference consumed) the current task's view.
void view_replace_current(struct view *v);
// Gives current a copy of its view with a copy of the mount namespace. -E_PERM, -E_NOMEM.
[[nodiscard]] int view_unshare_mounts(void);
// Gives current a private view (unshare(CLONE_FS)).
[[nodiscard]] int view_unshare(void);

// Counted copies.
void view_root(struct view *v, struct path *out);
void view_cwd(struct view *v, struct path *out);
// Unlocked read for walks, RCU read side; not counted. false: being changed, try again or take the
// counted form.
static inline bool view_peek(struct view *v, struct path *root, struct path *cwd)
{
    u32 s = atomic_load_explicit(&v->seq, memory_order_acquire);
    *root = v->root;
    *cwd = v->cwd;
    atomic_thread_fence(memory_order_acquire);
    return !(s & 1) && atomic_load_explicit(&v->seq, memory_order_relaxed) == s;
}
void view_set_root(struct view *v, const struct path *p); // takes its own references
void view_set_cwd(struct view *v, const struct path *p);
