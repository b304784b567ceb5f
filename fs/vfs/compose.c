// Putting views together inside the kernel: binds into namespaces that are not the caller's,
// without asking for privileges.
#include "mount_private.h"
#include <vfs/view.h>

int view_bind(struct view *v, const struct path *from, const struct path *at)
{
    struct mount *tree;
    struct path top = *at;
    if (node_is_dir(path_node(from)) != node_is_dir(path_node(at)))
        return -E_NOTDIR;
    mutex_lock(&mount_mutex);
    int r = at->mount->ns == v->ns ? mount_clone_tree(from->mount, from->dentry, true, true, &tree)
                                   : -E_INVAL;
    if (!r) {
        path_get(&top);
        path_down_mounts(&top);
        vfs_tree_write_begin();
        mount_link(tree, top.mount, top.dentry);
        vfs_tree_write_end();
        mount_ns_changed(v->ns);
        path_put(&top);
    }
    mutex_unlock(&mount_mutex);
    return r;
}

int view_of_superblock(struct superblock *sb, const char *source, struct view **out)
{
    struct mount_ns *ns;
    int r = mount_ns_create(sb, MOUNT_RELATIME, source, &ns);
    if (r)
        return r;
    r = view_create(ns, out);
    mount_ns_put(ns);
    return r;
}
