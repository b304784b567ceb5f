// Local sockets and names: a name is a node of a file system, the socket keeps its place. Owns
// nothing. Rules: unix(7).
#include <ipc/local_socket.h>
#include <mem/slab.h>
#include <vfs/ops.h>

static void put_place(void *holder)
{
    struct path *p = holder;
    path_put(p);
    kfree(p);
}

int vfs_bind_socket(const struct path *base, struct pathname name, u32 mode, struct object *socket,
                    struct pathname label)
{
    struct path *place = kmalloc(sizeof(*place), ALLOC_USER);
    if (!place)
        return -E_NOMEM;
    int err = vfs_mknod_path(base, name, MODE_SOCK | mode, 0, place);
    if (err) {
        kfree(place);
        return err;
    }
    const struct socket_place p = {path_node(place), place, put_place};
    err = local_socket_bind(socket, &p, label.str, (u32)label.len);
    if (err)
        (void)!vfs_unlink(base, name);
    return err;
}

int vfs_find_socket(const struct path *base, struct pathname name, u32 lookup, struct path *out)
{
    int err = path_lookup(base, name, lookup | LOOKUP_FOLLOW, out);
    if (err)
        return err;
    struct node *n = path_node(out);
    err = node_permission(n, WANT_WRITE, current_cred());
    if (!err && (n->mode & MODE_FMT) != MODE_SOCK)
        err = -E_CONNREFUSED;
    if (err)
        path_put(out);
    return err;
}
