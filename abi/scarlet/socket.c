// Native calls on local sockets: names are nodes of file systems, the rest is the kernel's
// (ipc/local_socket.h). No state.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <ipc/local_socket.h>
#include <lib/string.h>

static_assert(SCARLET_SOCKET_STREAM == (int)SOCKET_STREAM &&
              SCARLET_SOCKET_DATAGRAM == (int)SOCKET_DATAGRAM &&
              SCARLET_SOCKET_PACKETS == (int)SOCKET_PACKETS &&
              SCARLET_SOCKET_SHUT_READ == (int)SOCKET_SHUT_READ &&
              SCARLET_SOCKET_SHUT_WRITE == (int)SOCKET_SHUT_WRITE &&
              SCARLET_SOCKET_LISTENING == (int)SOCKET_LISTENING);

static struct socket_user me(void)
{
    return (struct socket_user){current_task()->pid, current_cred()->euid, current_cred()->egid};
}

static u32 status_of(u32 flags)
{
    return flags & SCARLET_SOCKET_NONBLOCK ? OBJ_NONBLOCK : 0;
}

static u32 socket_rights(void)
{
    return anonymous_rights(RIGHT_READ | RIGHT_WRITE) & ~(u32)RIGHT_MAP;
}

static int check_socket(struct href *h)
{
    if (!object_is_local_socket(h->object))
        return -E_NOTTY;
    href_keep(h);
    return 0;
}

i64 scarlet_socket_create(u32 kind, u32 flags)
{
    struct object *o;
    int err = local_socket_create((enum socket_kind)kind, status_of(flags), &o);
    return err ? err : install(o, socket_rights(), flags & SCARLET_SOCKET_CLOSE_ON_EXEC);
}

i64 scarlet_socket_pair(i32 *ends, u32 kind, u32 flags)
{
    struct object *a, *b;
    struct socket_user u = me();
    int err = local_socket_pair((enum socket_kind)kind, status_of(flags), &u, &a, &b);
    return err ? err
               : install_pair(a, socket_rights(), b, socket_rights(),
                              flags & SCARLET_SOCKET_CLOSE_ON_EXEC, ends);
}

void scarlet_socket_pair_undo(i32 *ends, u32 kind, u32 flags)
{
    (void)kind;
    (void)flags;
    handle_close_pair(current_handles(), ends);
}

// --- names ---
i64 scarlet_socket_bind(struct href *socket, i32 directory, const struct sys_name *path, u32 mode)
{
    struct path base;
    struct pathname name;
    struct parent_lookup pl;
    int err = check_socket(socket);
    if (!err && local_socket_has_name(socket->object))
        err = -E_INVAL;
    if (err)
        return err;
    err = parent_of(directory, path, RIGHT_CREATE, &base, &name, &pl);
    if (err)
        return err;
    err = vfs_bind_socket(&base, name, mode & 07777, socket->object, pathname_of(path));
    parent_done(&base, &pl);
    return err;
}

// The place of a socket that may be written to: counted in *out.
static int find_place(i32 directory, const struct sys_name *path, struct path *out)
{
    struct path base;
    u32 lookup;
    int err = base_of(directory, path, RIGHT_ENUMERATE, &base, &lookup, NULL);
    if (err)
        return err;
    err = vfs_find_socket(&base, pathname_of(path), lookup, out);
    path_put(&base);
    return err;
}

i64 scarlet_socket_connect(struct href *socket, i32 directory, const struct sys_name *path)
{
    struct path p;
    struct socket_user u = me();
    int err = check_socket(socket);
    if (!err)
        err = find_place(directory, path, &p);
    if (err)
        return err;
    const struct socket_address to = {.key = path_node(&p)};
    err = local_socket_connect(socket->object, &to, &u);
    path_put(&p);
    return err;
}

i64 scarlet_socket_send_to(struct href *socket, struct iobuf *data, usize size, i32 directory,
                           const struct sys_name *path)
{
    struct path p;
    (void)size;
    int err = check_socket(socket);
    if (!err)
        err = find_place(directory, path, &p);
    if (err)
        return err;
    const struct socket_address to = {.key = path_node(&p)};
    struct socket_send how = {.to = &to, .sender = me(), .says = true};
    i64 n = local_socket_send(socket->object, data, &how);
    path_put(&p);
    return n;
}

// --- connections and bytes ---
i64 scarlet_socket_listen(struct href *socket, u32 backlog)
{
    struct socket_user u = me();
    int err = check_socket(socket);
    return err ? err : local_socket_listen(socket->object, backlog, &u);
}

i64 scarlet_socket_accept(struct href *socket, u32 flags)
{
    struct object *o;
    int err = check_socket(socket);
    if (!err)
        err = local_socket_accept(socket->object, status_of(flags), &o);
    return err ? err : install(o, socket_rights(), flags & SCARLET_SOCKET_CLOSE_ON_EXEC);
}

i64 scarlet_socket_receive_from(struct href *socket, struct iobuf *data, usize size,
                                struct scarlet_socket_source *source)
{
    struct socket_receive how = {0};
    (void)size;
    int err = check_socket(socket);
    if (err)
        return err;
    i64 n = local_socket_receive(socket->object, data, &how);
    local_socket_drop(how.carried, how.carries); // native handles travel over channels
    if (n < 0)
        return n;
    source->size = how.source.size;
    source->task = (i32)how.source.sender.task;
    source->user = how.source.sender.user;
    strlcpy(source->name, how.source.name.text, sizeof(source->name));
    return n;
}

i64 scarlet_socket_shutdown(struct href *socket, u32 how)
{
    int err = check_socket(socket);
    return err ? err : how ? local_socket_shutdown(socket->object, how) : -E_INVAL;
}

i64 scarlet_socket_info(struct href *socket, struct scarlet_socket_info *info)
{
    struct socket_facts f;
    int err = check_socket(socket);
    if (err)
        return err;
    local_socket_facts(socket->object, &f);
    info->kind = f.kind;
    info->state = f.state;
    info->pending = f.pending;
    info->peer = (i32)f.peer.task;
    info->peer_user = f.peer.user;
    strlcpy(info->name, f.name.text, sizeof(info->name));
    strlcpy(info->peer_name, f.peer_name.text, sizeof(info->peer_name));
    return 0;
}
