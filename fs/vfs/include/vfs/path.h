// Places in the tree of names, and walking to them.
#pragma once
#include <vfs/mount.h>

struct path {
    struct mount *mount; // NULL (as a base): the caller's working directory
    struct dentry *dentry;
};
static inline void path_get(const struct path *p)
{
    mount_get(p->mount);
    dentry_get(p->dentry);
}
// Gives the references back; a path without mount holds none.
static inline void path_put(struct path *p)
{
    if (p->mount) {
        dentry_put(p->dentry);
        mount_put(p->mount);
    }
}
static inline struct node *path_node(const struct path *p)
{
    return dentry_node(p->dentry);
}

enum lookup_flags {
    LOOKUP_FOLLOW = 1,         // follow a symlink in the last place
    LOOKUP_DIRECTORY = 2,      // must be a directory: -E_NOTDIR
    LOOKUP_EMPTY = 4,          // "" means the base itself; else -E_NOENT
    LOOKUP_NO_SYMLINKS = 8,    // any symlink: -E_LOOP
    LOOKUP_NO_MAGICLINKS = 16, // -E_LOOP
    LOOKUP_NO_XDEV = 32,       // crossing a mount: -E_XDEV
    LOOKUP_BENEATH = 64,       // leaving the base: -E_XDEV
    LOOKUP_IN_ROOT = 128,      // the base is the root
    LOOKUP_CACHED = 256,       // only what needs no waiting: -E_AGAIN
    LOOKUP_NO_AUTOMOUNT = 512, // accepted, no effect
    LOOKUP_OBJECT = 1024,      // stop at a magic link that leads to an object without a place
};

// Resolves name from base to an existing place; counted in *out. -E_NOENT, -E_NOTDIR, -E_ACCES,
// -E_LOOP, -E_NAMETOOLONG, ...
[[nodiscard]] int path_lookup(const struct path *base, struct pathname name, u32 flags,
                              struct path *out);

// Everything but the last component, for operations that change a directory.
enum last_type { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct parent_lookup {
    struct path parent;   // counted
    struct pathname last; // points into `name` or `text`; not NUL-terminated
    enum last_type type;
    bool trailing_slash;
    char *text; // link text that `last` points into, if any
    u32 links;  // symlinks followed so far
};
[[nodiscard]] int path_lookup_parent(const struct path *base, struct pathname name, u32 flags,
                                     struct parent_lookup *out);
// Goes on from out through the text of the symlink `link` found under its last name (for O_CREAT
// through links).
[[nodiscard]] int path_parent_follow(const struct path *base, struct path *link, u32 flags,
                                     struct parent_lookup *out);
void parent_lookup_done(struct parent_lookup *p);

// The walk without references for attribute reading: calls fn under RCU with the place found; fn
// must not sleep and may run twice. -E_AGAIN: not possible this way, use path_lookup.
[[nodiscard]] int path_peek(const struct path *base, struct pathname name, u32 flags,
                            int (*fn)(struct mount *m, struct dentry *d, struct node *n, void *arg),
                            void *arg);

// Text of a place as seen from root: written at the end of buf, returns its start in *out and the
// length. how adds " (deleted)" behind removed names, "(unreachable)" in front of what root does
// not see. -E_NAMETOOLONG if it does not fit. root NULL: caller's root.
enum { PATH_TEXT_DELETED = 1, PATH_TEXT_UNREACHABLE = 2 };
[[nodiscard]] i64 path_text(const struct path *p, const struct path *root, u32 how, char *buf,
                            usize cap, char **out);
bool path_reachable(const struct path *p, const struct path *root);
// The directory above, crossing mounts, not above root. Exchanges the references in *p.
void path_up(struct path *p, const struct path *root);
// Exchanges *p for what is mounted on top of it, as often as there is something.
void path_down_mounts(struct path *p);
