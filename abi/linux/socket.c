// Calls on sockets: making, connecting, plain messages. The sockets are the kernel's
// (ipc/local_socket.h); addresses are sockaddr.c's, control data sockmsg.c's, options sockopt.c's.
// Rules: socket(2) and the pages around it, unix(7), Linux 6.12 net/socket.c and
// net/unix/af_unix.c.
#include "socket.h"
#include "fd.h"
#include <lib/string.h>

enum : i32 { FAMILIES = 46, TYPES = 11 }; // that Linux 6.12 has numbers for

struct socket_user socket_owner(void)
{
    const struct cred *c = current_cred();
    return (struct socket_user){current_task()->pid, c->euid, c->egid};
}

struct socket_user socket_sender(void)
{
    const struct cred *c = current_cred();
    return (struct socket_user){current_task()->pid, c->uid, c->gid};
}

int socket_needs(const struct href *fd, u32 rights)
{
    if (path_only(fd))
        return -E_BADF;
    if (!object_is_local_socket(fd->object))
        return -E_NOTSOCK;
    return !(rights & ~fd->rights) ? 0 : rights & (RIGHT_READ | RIGHT_WRITE) ? -E_BADF : -E_ACCES;
}

static u32 status_of(u32 flags)
{
    return flags & LINUX_SOCK_NONBLOCK ? OBJ_NONBLOCK : 0;
}

static u32 socket_rights(void)
{
    return anonymous_rights(RIGHT_READ | RIGHT_WRITE) & ~(u32)RIGHT_MAP;
}

static int kind_of(i32 family, u32 type, i32 protocol, enum socket_kind *kind)
{
    u32 wanted = type & LINUX_SOCK_TYPE_MASK;
    if (type & ~(u32)(LINUX_SOCK_TYPE_MASK | LINUX_SOCK_CLOEXEC | LINUX_SOCK_NONBLOCK))
        return -E_INVAL;
    if (family < 0 || family >= FAMILIES)
        return -E_AFNOSUPPORT;
    if (wanted >= TYPES)
        return -E_INVAL;
    if (family != LINUX_AF_UNIX)
        return -E_AFNOSUPPORT;
    if (protocol && protocol != LINUX_AF_UNIX)
        return -E_PROTONOSUPPORT;
    switch (wanted) {
    case LINUX_SOCK_STREAM:
        *kind = SOCKET_STREAM;
        return 0;
    case LINUX_SOCK_DGRAM:
    case LINUX_SOCK_RAW:
        *kind = SOCKET_DATAGRAM;
        return 0;
    case LINUX_SOCK_SEQPACKET:
        *kind = SOCKET_PACKETS;
        return 0;
    default:
        return -E_SOCKTNOSUPPORT;
    }
}

// Who made it owns it.
static void own(struct object *o)
{
    struct socket_options *options = local_socket_options(o);
    options->user = current_cred()->fsuid;
    options->group = current_cred()->fsgid;
}

int socket_chmod(struct object *o, u32 mode)
{
    struct socket_options *options = local_socket_options(o);
    if (options->user != current_cred()->fsuid && !capable(CAP_FOWNER))
        return -E_PERM;
    if (!cred_in_group(current_cred(), options->group) && !capable(CAP_FSETID))
        mode &= ~(u32)MODE_SGID;
    options->mode = mode & 07777;
    return 0;
}

int socket_chown(struct object *o, u32 user, u32 group)
{
    struct socket_options *options = local_socket_options(o);
    const struct cred *c = current_cred();
    bool mine = options->user == c->fsuid, all = capable(CAP_CHOWN);
    if (user != ~0u && !all && (!mine || user != options->user))
        return -E_PERM;
    if (group != ~0u && !all && (!mine || (group != options->group && !cred_in_group(c, group))))
        return -E_PERM;
    if (user != ~0u)
        options->user = user;
    if (group != ~0u)
        options->group = group;
    return 0;
}

i64 linux_socket(i32 family, u32 type, i32 protocol)
{
    enum socket_kind kind;
    struct object *o;
    int err = kind_of(family, type, protocol, &kind);
    if (!err)
        err = local_socket_create(kind, status_of(type), &o);
    if (err)
        return err;
    own(o);
    return fd_install_rights(o, socket_rights(), type & LINUX_SOCK_CLOEXEC);
}

i64 linux_socketpair(i32 family, u32 type, i32 protocol, i32 *fds)
{
    enum socket_kind kind;
    struct object *a, *b;
    struct socket_user u = socket_owner();
    int err = kind_of(family, type, protocol, &kind);
    if (!err)
        err = local_socket_pair(kind, status_of(type), &u, &a, &b);
    if (err)
        return err;
    own(a);
    own(b);
    return fd_install_pair(a, socket_rights(), b, socket_rights(), type & LINUX_SOCK_CLOEXEC, fds);
}

void linux_socketpair_undo(i32 family, u32 type, i32 protocol, i32 *fds)
{
    (void)family, (void)type, (void)protocol;
    handle_close_pair(current_handles(), fds);
}

// --- names and connections ---
i64 linux_bind(struct href *fd, uaddr_t addr, i32 len)
{
    struct sockaddr_copy a;
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_CONTROL);
    if (!err)
        err = sockaddr_get(&a, addr, len);
    return err ? err : socket_bind_address(fd->object, &a);
}

i64 linux_listen(struct href *fd, i32 backlog)
{
    struct socket_user u = socket_owner();
    u32 waiting = backlog < 0 || backlog >= (i32)SOCKET_BACKLOG_MAX ? (u32)SOCKET_BACKLOG_MAX
                                                                    : (u32)backlog + 1;
    int err = socket_needs(fd, RIGHT_CONTROL);
    return err ? err : local_socket_listen(fd->object, waiting, &u);
}

// Who is told of its senders is told their names, too, if need be made up.
static int name_if_told(struct object *o)
{
    return local_socket_tells_senders(o) ? socket_autobind(o) : 0;
}

i64 linux_connect(struct href *fd, uaddr_t addr, i32 len)
{
    struct sockaddr_copy a;
    struct socket_target to;
    struct socket_user u = socket_owner();
    struct object *o = fd->object;
    href_keep(fd);
    int err = path_only(fd) ? -E_BADF : sockaddr_get(&a, addr, len); // before it must be a socket
    if (!err)
        err = socket_needs(fd, RIGHT_CONTROL);
    if (err)
        return err;
    if (local_socket_kind(o) == SOCKET_DATAGRAM && len >= (i32)SOCKADDR_HEAD &&
        a.family == LINUX_AF_UNSPEC)
        return local_socket_disconnect(o);
    err = sockaddr_check(&a);
    if (!err)
        err = name_if_told(o);
    if (!err)
        err = sockaddr_find(&a, &to);
    if (err)
        return err;
    err = local_socket_connect(o, &to.address, &u);
    socket_target_put(&to);
    return err;
}

// The number is taken before anybody is let in.
i64 linux_accept4(struct href *fd, uaddr_t addr, uaddr_t len, u32 flags)
{
    struct object *o;
    struct socket_facts facts;
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_READ);
    if (err)
        return err;
    i32 slot = handle_reserve(current_handles(), 0, handle_limit());
    if (slot < 0)
        return slot;
    err = local_socket_accept(fd->object, status_of(flags), &o);
    if (!err && addr.v) {
        local_socket_facts(o, &facts);
        err = sockaddr_put(&facts.peer_name, addr, len);
        if (err)
            object_put(o);
    }
    if (err) {
        handle_unreserve(current_handles(), slot);
        return err;
    }
    own(o);
    handle_publish(current_handles(), slot, o, socket_rights(),
                   flags & LINUX_SOCK_CLOEXEC ? HANDLE_CLOEXEC : 0);
    return slot;
}

i64 linux_accept(struct href *fd, uaddr_t addr, uaddr_t len)
{
    return linux_accept4(fd, addr, len, 0);
}

i64 linux_getsockname(struct href *fd, uaddr_t addr, uaddr_t len)
{
    struct socket_facts facts;
    int err = socket_needs(fd, 0);
    if (err)
        return err;
    local_socket_facts(fd->object, &facts);
    return sockaddr_put(&facts.name, addr, len);
}

i64 linux_getpeername(struct href *fd, uaddr_t addr, uaddr_t len)
{
    struct socket_facts facts;
    int err = socket_needs(fd, 0);
    if (err)
        return err;
    local_socket_facts(fd->object, &facts);
    return facts.state == SOCKET_CONNECTED ? sockaddr_put(&facts.peer_name, addr, len) : -E_NOTCONN;
}

i64 linux_shutdown(struct href *fd, i32 how)
{
    static const u32 ways[] = {[LINUX_SHUT_RD] = SOCKET_SHUT_READ,
                               [LINUX_SHUT_WR] = SOCKET_SHUT_WRITE,
                               [LINUX_SHUT_RDWR] = SOCKET_SHUT_READ | SOCKET_SHUT_WRITE};
    int err = socket_needs(fd, RIGHT_CONTROL);
    if (err)
        return err;
    if (how < LINUX_SHUT_RD || how > LINUX_SHUT_RDWR)
        return -E_INVAL;
    err = local_socket_shutdown(fd->object, ways[how]);
    return err == -E_NOTCONN ? 0 : err; // it is remembered
}

// --- messages ---
i64 socket_sent(struct object *o, i64 r, u32 flags)
{
    return r == -E_PIPE && local_socket_kind(o) == SOCKET_STREAM && !(flags & LINUX_MSG_NOSIGNAL)
               ? linux_broken_pipe()
               : r;
}

i64 socket_send_message(struct object *o, struct iobuf *buf, u32 flags,
                        const struct sockaddr_copy *to, struct socket_send *how)
{
    struct socket_target target = {0};
    enum socket_kind kind = local_socket_kind(o);
    int err = 0;
    if (flags & LINUX_MSG_OOB)
        return -E_OPNOTSUPP;
    if (kind == SOCKET_DATAGRAM) {
        err = name_if_told(o);
        if (!err && to) {
            err = sockaddr_check(to);
            if (!err)
                err = sockaddr_find(to, &target);
        }
        if (err)
            return err;
    }
    how->to = to && kind != SOCKET_PACKETS ? &target.address : NULL;
    how->nonblock = flags & LINUX_MSG_DONTWAIT;
    i64 n = local_socket_send(o, buf, how);
    socket_target_put(&target);
    return socket_sent(o, n, flags);
}

i64 socket_receive_message(struct object *o, struct iobuf *buf, u32 flags,
                           struct socket_receive *how)
{
    bool stream = local_socket_kind(o) == SOCKET_STREAM;
    if (flags & LINUX_MSG_OOB)
        return stream ? -E_INVAL : -E_OPNOTSUPP; // there is none
    how->nonblock = flags & LINUX_MSG_DONTWAIT;
    how->peek = flags & LINUX_MSG_PEEK;
    how->all = flags & LINUX_MSG_WAITALL;
    i64 n = local_socket_receive(o, buf, how);
    return n >= 0 && !stream && flags & LINUX_MSG_TRUNC ? (i64)how->source.size : n;
}

i64 linux_sendto(struct href *fd, struct iobuf *buf, usize len, u32 flags, uaddr_t addr,
                 i32 addrlen)
{
    struct sockaddr_copy a;
    struct socket_send how = {.sender = socket_sender()};
    (void)len;
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_WRITE);
    if (!err && addr.v)
        err = sockaddr_get(&a, addr, addrlen);
    if (err)
        return err;
    return socket_send_message(fd->object, buf, flags, addr.v && addrlen ? &a : NULL, &how);
}

i64 linux_recvfrom(struct href *fd, struct iobuf *buf, usize len, u32 flags, uaddr_t addr,
                   uaddr_t addrlen)
{
    struct socket_receive how = {0};
    (void)len;
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_READ);
    if (err)
        return err;
    i64 n = socket_receive_message(fd->object, buf, flags, &how);
    local_socket_drop(how.carried, how.carries);
    if (n < 0 || !addr.v)
        return n;
    err = sockaddr_put_sender(&how.source, addr, addrlen);
    return err ? err : n;
}
