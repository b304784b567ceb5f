// Shared by the operations that change directories. Private to fs/vfs.
#pragma once
#include <vfs/ops.h>

// May the caller make an entry in dir / remove child from it (sticky directories, immutable and
// append-only files)?
[[nodiscard]] int may_create(struct node *dir);
[[nodiscard]] int may_delete(struct node *dir, struct node *child, bool as_dir);

// Prepares making a name: parent found and its directory locked, the name absent. On success *d is
// the negative dentry (counted) and create_end must follow. as_dir: a trailing slash is fine.
struct create_place {
    struct parent_lookup pl;
    struct dentry *d;
};
[[nodiscard]] int create_begin(const struct path *base, struct pathname name, bool as_dir,
                               struct create_place *p);
void create_end(struct create_place *p);
// Owner, group and final mode of something new in dir (setgid directories pass their group on).
void create_owner(struct node *dir, struct create_args *a);
// Makes a node under a locked, negative dentry.
[[nodiscard]] int create_node(struct dentry *parent, struct dentry *d, struct create_args *a);
u32 current_umask(void);

// Drops set-id bits as a write or a change of owner by someone without CAP_FSETID has to. n->mutex
// or nothing held.
void node_drop_setid(struct node *n);
