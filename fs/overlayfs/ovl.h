// Private to the overlay file system: one tree made of several directories ("layers"). The upper
// layer takes all changes, the lower ones are only read. What is laid out on the upper layer
// (whiteouts, opaque marks, origins) is the format that Linux documents, so that layers can be
// carried between the two.
//
// Locks, outermost first: overlay directory mutexes (held by the vfs), entry copy mutexes (child
// before parent), then whatever the layers' file systems take. Layers are never modified but
// through layer.c.
#pragma once
#include <lib/rbtree.h>
#include <vfs/dentry.h>
#include <vfs/ops.h>

enum { OVL_MAGIC = 0x794c7630, OVL_MAX_LOWER = 500, OVL_MAX_DEPTH = 2, OVL_TABLE = 256 };
enum {
    OVL_UPPER = 0
}; // index of the upper layer in ovl.layers; the lower ones follow, topmost first

struct ovl_layer {
    struct mount *mount; // private mount of the layer's file system; NULL: no upper layer
    struct dentry *root; // counted
    u32 fs;              // number of the file system among those of the layers
};

struct ovl {
    // --- constant after mounting ---
    u32 nlayers; // with the place of the upper one
    struct ovl_layer *layers;
    struct dentry *work; // where things are prepared; NULL: read only
    bool one_fs;         // all layers on one file system: its inode numbers serve
    bool live;           // names of lower layers are confirmed at every walk
    bool user_xattr;     // marks are user.overlay.* instead of trusted.overlay.*
    u32 depth;           // 1, or 2 above another overlay
    bool across;         // a layer looks into other file systems
    u32 level;           // of its locks, 1 to 3: one more than its layers' highest
    char *options;       // for /proc/mounts
    _Atomic u64 temp_number;
    // --- guarded by table_lock: nodes of non-directories by the node that holds them in a layer
    // ---
    struct spinlock table_lock; // class node
    struct list by_upper[OVL_TABLE], by_lower[OVL_TABLE];
    struct list pinned; // nodes whose other names cannot find them in the layers
};

struct ovl_real {
    struct dentry *dentry; // counted
    u32 layer;
};

// What a name stands for in the layers. Shared by the node and the entries below it.
struct ovl_entry {
    // --- constant ---
    refcount_t refs;
    u32 nlower;
    // --- written once, under copy_mutex, from NULL ---
    struct dentry *_Atomic upper; // counted
    struct mutex copy_mutex;      // class as of the instance's directories
    // --- guarded by copy_mutex; of directories constant ---
    struct ovl_entry *up; // counted; NULL for the root
    char *name;           // where a copy goes: in `up`; for a file with several names one of them
    bool gone;            // that name was removed
    struct ovl_real lower[]; // a directory's lower layers, or the one lower file; constant
};

struct ovl_name { // an entry of a merged directory
    struct rb_node by_name, by_cookie;
    u64 cookie, ino;
    u8 type;
    bool whiteout, opaque, from_upper; // while the list is being made
    u16 len;
    char name[];
};

struct ovl_node {
    struct node node; // first
    struct ovl_entry *entry;
    // --- guarded by table_lock ---
    struct list upper_link, lower_link, pin_link;
    // --- guarded by node.mutex: the merged listing, made when first read ---
    bool listed;
    struct rb_root by_name, by_cookie;
    u64 next_cookie, names;
};

static inline struct ovl *ovl_of(const struct node *n)
{
    return n->sb->private;
}
static inline struct ovl_node *ovl_node(struct node *n)
{
    return (struct ovl_node *)(void *)n;
}
static inline struct ovl_entry *ovl_entry(struct node *n)
{
    return ovl_node(n)->entry;
}
static inline struct dentry *ovl_upper(struct ovl_entry *e)
{
    return atomic_load_explicit(&e->upper, memory_order_acquire);
}
// The uppermost place that holds e: borrowed from e. *layer may be NULL.
static inline struct dentry *ovl_top(struct ovl_entry *e, u32 *layer)
{
    struct dentry *u = ovl_upper(e);
    if (layer)
        *layer = u ? (u32)OVL_UPPER : e->lower[0].layer;
    return u ? u : e->lower[0].dentry;
}
static inline struct node *ovl_real_node(struct node *n)
{
    return dentry_node(ovl_top(ovl_entry(n), NULL));
}
const struct lock_class *ovl_dir_class(const struct ovl *o);
const struct lock_class *ovl_rename_class(const struct ovl *o);

// --- layer.c: what is done to layers; no permission checks, they were made on the overlay's node
// --- Counted dentry or NULL (absent) in *out.
[[nodiscard]] int layer_lookup(struct dentry *dir, const struct pathname *name,
                               struct dentry **out);
// A new file under a name that is absent (-E_EXIST); counted in *out.
[[nodiscard]] int layer_create(struct dentry *dir, const struct pathname *name,
                               const struct create_args *a, struct dentry **out);
[[nodiscard]] int layer_link(struct dentry *dir, const struct pathname *name, struct node *n,
                             struct dentry **out);
[[nodiscard]] int
layer_remove(struct dentry *d); // file or empty directory; d stays counted by the caller
// Removes a directory that may hold files (whiteouts), but no directories that hold anything.
void layer_remove_tree(struct dentry *d);
// Moves d to (dir, name); what is there is replaced, or exchanged. Directories may take the place
// of anything when flags has RENAME_EXCHANGE.
[[nodiscard]] int layer_rename(struct dentry *d, struct dentry *dir, const struct pathname *name,
                               u32 flags);
[[nodiscard]] int layer_setattr(struct node *n, struct setattr *s);
[[nodiscard]] int layer_truncate(struct node *n, u64 size);
bool layer_is_whiteout(const struct node *n);
[[nodiscard]] int layer_set_times(struct node *n, i64 atime, i64 mtime);
// A fresh name for the work directory.
void layer_temp_name(struct ovl *o, char text[32], struct pathname *name);

// --- mark.c: extended attributes that are the overlay's own, and those of the user ---
bool ovl_is_opaque(struct ovl *o, struct node *real);
[[nodiscard]] int ovl_set_opaque(struct ovl *o, struct node *real);
// Where a copied file came from: its number; 0: not copied or not known.
u64 ovl_get_origin(struct ovl *o, struct node *real);
void ovl_set_origin(struct ovl *o, struct node *real, u64 ino);
bool ovl_is_impure(struct ovl *o,
                   struct node *real); // a directory of the upper layer with copied things in it
void ovl_set_impure(struct ovl *o, struct node *real);
[[nodiscard]] int ovl_copy_xattrs(struct ovl *o, struct node *from, struct node *to);
i64 ovl_xattr_get(struct node *n, const char *name, void *buf, usize cap);
int ovl_xattr_set(struct node *n, const char *name, const void *val, usize len, u32 flags);
i64 ovl_xattr_list(struct node *n, char *buf, usize cap);
int ovl_xattr_remove(struct node *n, const char *name);

// --- node.c ---
// The overlay's number for file `ino` of a layer.
u64 ovl_ino(const struct ovl *o, u32 layer, u64 ino);
bool ovl_is_dynamic(const struct ovl *o, const struct ovl_entry *e);
// An entry without lowers filled in; takes a reference to up. NULL: no memory.
[[nodiscard]] struct ovl_entry *ovl_entry_new(struct ovl *o, struct ovl_entry *up,
                                              const struct pathname *name, u32 nlower);
void ovl_entry_put(struct ovl_entry *e); // NULL allowed; may sleep
// The node for an entry (consumed in any case); an existing one where another name of the same file
// made it.
[[nodiscard]] int ovl_node_get(struct superblock *sb, struct ovl_entry *e, struct node **out);
// The upper copy of n's entry exists now: other names find it.
void ovl_node_has_upper(struct ovl_node *n);
void ovl_node_pin(struct ovl_node *n);
void ovl_node_unpin(struct ovl_node *n);
// Copies what the vfs reads without asking (mode, owner, size) from the layer.
void ovl_mirror(struct node *n);
extern const struct node_ops ovl_node_ops;
extern const struct file_ops ovl_file_ops;

// --- lookup.c ---
int ovl_lookup(struct node *dir, const struct pathname *name, struct node **out);
// Do the layers still show n under this name, made of the same parts? If so its attributes are read
// anew.
bool ovl_revalidate(struct node *dir, const struct pathname *name, struct node *n);
// Would the lower layers of dir show the name if the upper one had nothing there? 1, 0 or an error.
[[nodiscard]] int ovl_lower_has(struct ovl_entry *dir, const struct pathname *name);

// --- copy_up.c ---
enum : u64 { OVL_COPY_ALL = UINT64_MAX };
// Makes sure that n (a file: its first `size` bytes) is on the upper layer. -E_ROFS, -E_NOSPC, ...
[[nodiscard]] int ovl_copy_up_size(struct node *n, u64 size);
[[nodiscard]] static inline int ovl_copy_up(struct node *n)
{
    return ovl_upper(ovl_entry(n)) ? 0 : ovl_copy_up_size(n, OVL_COPY_ALL);
}

// The same, and the upper layer has it under this very name: for what is reached by name.
// dir->mutex held.
[[nodiscard]] int ovl_bring_up(struct node *dir, const struct pathname *name, struct node *n);
// The same for a file being opened at a place; no mutex held.
[[nodiscard]] int ovl_copy_up_as(struct dentry *at, struct node *n);

// --- change.c, rename.c ---
int ovl_create(struct node *dir, const struct pathname *name, const struct create_args *a,
               struct node **out);
int ovl_tmpfile(struct node *dir, const struct create_args *a, struct node **out);
int ovl_link(struct node *dir, const struct pathname *name, struct node *n);
int ovl_unlink(struct node *dir, const struct pathname *name, struct node *child);
int ovl_rename(struct node *old_dir, const struct pathname *old_name, struct node *child,
               struct node *new_dir, const struct pathname *new_name, struct node *new_child,
               u32 flags);

// --- list.c ---
int ovl_readdir(struct node *dir, u64 *cookie, struct dir_sink *sink);
[[nodiscard]] int ovl_is_empty(struct node *dir); // 0 or -E_NOTEMPTY, other errors; dir->mutex held
// Keep a listing that was made true. dir->mutex held. Adding cannot fail: without memory the
// listing is dropped and made anew.
void ovl_list_add(struct node *dir, const struct pathname *name, u64 ino, u32 type);
void ovl_list_remove(struct node *dir, const struct pathname *name);
void ovl_list_free(struct ovl_node *n);
