// sendmsg and recvmsg: messages in pieces, with control data. Rules: cmsg(3), unix(7), Linux 6.12
// net/socket.c and net/core/scm.c.
#include "fd.h"
#include "linux_types.h"
#include "socket.h"
#include <lib/string.h>
#include <mem/slab.h>

enum : u64 {
    VECTORS_MAX = 1024,
    CONTROL_MAX = 131072,
    HEAD = sizeof(struct linux_cmsghdr),
    BYTES_MAX = 0x7ffff000
};

static u64 space(u64 len)
{
    return HEAD + ALIGN_UP(len, (u64)8);
}

// --- control data of what is sent ---
static int take_handles(uaddr_t at, u64 bytes, struct socket_send *how)
{
    u32 n = (u32)MIN(bytes / sizeof(i32), (u64)LINUX_SCM_MAX_FD + 1);
    if (!n)
        return 0;
    if (n + how->carries > LINUX_SCM_MAX_FD)
        return -E_INVAL;
    how->payer = current_cred()->uid;
    how->carry_limit = capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN)
                           ? UINT64_MAX
                           : task_limit_soft(LIMIT_NOFILE);
    struct carried *all = kmalloc_array(how->carries + n, sizeof(*all), ALLOC_USER);
    if (!all)
        return -E_NOMEM;
    for (u32 i = 0; i < how->carries; i++)
        all[i] = how->carried[i];
    kfree(how->carried);
    how->carried = all;
    for (u32 i = 0; i < n; i++) {
        struct href h;
        i32 fd;
        if (user_copy_in(&fd, uaddr_add(at, i * sizeof(fd)), sizeof(fd)))
            return -E_FAULT;
        int err = href_get(&h, fd, RIGHT_TRANSFER);
        if (err)
            return err;
        href_keep(&h);
        all[how->carries++] = (struct carried){h.object, h.rights};
    }
    return 0;
}

static bool one_of(u32 id, u32 a, u32 b, u32 c)
{
    return id == a || id == b || id == c;
}

// Who may say so is a matter of capabilities(7).
static int take_credentials(uaddr_t at, u64 bytes, struct socket_send *how)
{
    struct linux_ucred u;
    const struct cred *c = current_cred();
    if (bytes != sizeof(u))
        return -E_INVAL;
    if (user_copy_in(&u, at, sizeof(u)))
        return -E_FAULT;
    if (u.uid == ~0u || u.gid == ~0u)
        return -E_INVAL;
    if ((u32)u.pid != current_task()->pid) {
        if (!capable(CAP_SYS_ADMIN))
            return -E_PERM;
        struct task *t = u.pid > 0 ? task_find((u32)u.pid) : NULL;
        if (!t)
            return -E_SRCH;
        task_put(t);
    }
    if ((!one_of(u.uid, c->uid, c->euid, c->suid) && !capable(CAP_SETUID)) ||
        (!one_of(u.gid, c->gid, c->egid, c->sgid) && !capable(CAP_SETGID)))
        return -E_PERM;
    how->sender = (struct socket_user){(u32)u.pid, u.uid, u.gid};
    how->says = true;
    return 0;
}

int control_take(uaddr_t control, u64 len, struct socket_send *how)
{
    if (len > CONTROL_MAX)
        return -E_NOBUFS;
    for (u64 at = 0; len - at >= HEAD;) {
        struct linux_cmsghdr h;
        if (user_copy_in(&h, uaddr_add(control, at), sizeof(h)))
            return -E_FAULT;
        if (h.cmsg_len < HEAD || h.cmsg_len > len - at)
            return -E_INVAL;
        if (h.cmsg_level == LINUX_SOL_SOCKET) {
            uaddr_t data = uaddr_add(control, at + HEAD);
            u64 bytes = h.cmsg_len - HEAD;
            int err = h.cmsg_type == LINUX_SCM_RIGHTS        ? take_handles(data, bytes, how)
                      : h.cmsg_type == LINUX_SCM_CREDENTIALS ? take_credentials(data, bytes, how)
                                                             : -E_INVAL;
            if (err)
                return err;
        }
        u64 step = ALIGN_UP(h.cmsg_len, (u64)8);
        if (step > len - at)
            break;
        at += step;
    }
    return 0;
}

// --- control data of what is received ---
struct room {
    uaddr_t at;
    u64 left;
    u32 flags;
};

static void advance(struct room *r, u64 bytes)
{
    bytes = MIN(bytes, r->left);
    r->at = uaddr_add(r->at, bytes);
    r->left -= bytes;
}

static int put_head(struct room *r, u64 len, i32 type)
{
    const struct linux_cmsghdr h = {
        .cmsg_len = len, .cmsg_level = LINUX_SOL_SOCKET, .cmsg_type = type};
    return user_copy_out(r->at, &h, sizeof(h));
}

static int put_credentials(struct room *r, const struct socket_source *from)
{
    enum : u32 { NOBODY = 65534 };
    struct linux_ucred c = {.pid = 0, .uid = NOBODY, .gid = NOBODY};
    if (from->asked)
        c = (struct linux_ucred){(i32)from->sender.task, from->sender.user, from->sender.group};
    if (r->left < HEAD) {
        r->flags |= LINUX_MSG_CTRUNC;
        return 0;
    }
    u64 len = MIN(HEAD + sizeof(c), r->left);
    if (len < HEAD + sizeof(c))
        r->flags |= LINUX_MSG_CTRUNC;
    int err = put_head(r, len, LINUX_SCM_CREDENTIALS);
    if (!err)
        err = user_copy_out(uaddr_add(r->at, HEAD), &c, len - HEAD);
    if (!err)
        advance(r, space(sizeof(c)));
    return err;
}

// As many as there is room for get numbers; the others are closed with the message.
static void put_handles(struct room *r, struct socket_receive *got, bool cloexec)
{
    u64 most = r->left > HEAD ? (r->left - HEAD) / sizeof(i32) : 0;
    u32 i = 0;
    for (; i < got->carries && i < most; i++) {
        struct carried *c = &got->carried[i];
        i32 fd = handle_reserve(current_handles(), 0, handle_limit());
        if (fd < 0)
            break;
        if (user_copy_out(uaddr_add(r->at, HEAD + i * sizeof(fd)), &fd, sizeof(fd))) {
            handle_unreserve(current_handles(), fd);
            break;
        }
        handle_publish(current_handles(), fd, c->object, c->rights, cloexec ? HANDLE_CLOEXEC : 0);
        c->object = NULL;
    }
    if (i < got->carries)
        r->flags |= LINUX_MSG_CTRUNC;
    if (i && !put_head(r, HEAD + i * sizeof(i32), LINUX_SCM_RIGHTS))
        advance(r, space(i * sizeof(i32)));
}

i64 control_put(uaddr_t control, u64 *len, struct socket_receive *got, bool credentials,
                bool cloexec)
{
    struct room r = {control, *len, 0};
    int err = 0;
    if (!control.v) {
        r.left = *len;
        r.flags = credentials || got->carried ? LINUX_MSG_CTRUNC : 0;
    } else {
        if (credentials)
            err = put_credentials(&r, &got->source);
        if (!err && got->carried)
            put_handles(&r, got, cloexec);
    }
    *len = r.at.v - control.v;
    return err ? err : (i64)r.flags;
}

// --- messages ---
static int vectors(struct iobuf *buf, const struct linux_msghdr *m, enum iobuf_dir dir)
{
    if (m->msg_iovlen > VECTORS_MAX)
        return -E_MSGSIZE;
    int err = iobuf_user_vec(buf, m->msg_iov, m->msg_iovlen, dir);
    if (!err)
        iobuf_truncate(buf, BYTES_MAX);
    return err;
}

static i64 send_one(struct object *o, const struct linux_msghdr *m, u32 flags)
{
    struct sockaddr_copy to;
    struct iobuf buf;
    struct socket_send how = {.sender = socket_sender()};
    bool named = m->msg_name.v && m->msg_namelen;
    if (m->msg_name.v && m->msg_namelen < 0)
        return -E_INVAL;
    if (named) {
        int err = sockaddr_get(&to, m->msg_name, MIN(m->msg_namelen, (i32)SOCKADDR_MAX));
        if (err)
            return err;
    }
    i64 r = vectors(&buf, m, IOBUF_FROM_USER);
    if (r)
        return r;
    if (m->msg_controllen)
        r = control_take(m->msg_control, m->msg_controllen, &how);
    if (!r)
        r = socket_send_message(o, &buf, flags, named ? &to : NULL, &how);
    local_socket_drop(how.carried, how.carries);
    iobuf_done(&buf);
    return r;
}

i64 linux_sendmsg(struct href *fd, uaddr_t msg, u32 flags)
{
    struct linux_msghdr m;
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_WRITE);
    if (!err && user_copy_in(&m, msg, sizeof(m)))
        err = -E_FAULT;
    return err ? err : send_one(fd->object, &m, flags);
}

// What a receiver is told besides the bytes.
static int tell(uaddr_t at, const struct linux_msghdr *m, struct socket_receive *got,
                struct object *o, u32 flags, u32 said)
{
    u64 len = m->msg_controllen;
    bool credentials = local_socket_tells_senders(o);
    i64 more = control_put(m->msg_control, &len, got, credentials, flags & LINUX_MSG_CMSG_CLOEXEC);
    if (more < 0)
        return (int)more;
    said |= (u32)more | (flags & LINUX_MSG_CMSG_CLOEXEC);
    if (m->msg_name.v) {
        int err = sockaddr_put_sender(&got->source, m->msg_name,
                                      uaddr_add(at, offsetof(struct linux_msghdr, msg_namelen)));
        if (err)
            return err;
    }
    if (user_copy_out(uaddr_add(at, offsetof(struct linux_msghdr, msg_flags)), &said,
                      sizeof(said)) ||
        user_copy_out(uaddr_add(at, offsetof(struct linux_msghdr, msg_controllen)), &len,
                      sizeof(len)))
        return -E_FAULT;
    return 0;
}

static i64 receive_one(struct object *o, uaddr_t at, u32 flags)
{
    struct linux_msghdr m;
    struct iobuf buf;
    struct socket_receive got = {0};
    if (user_copy_in(&m, at, sizeof(m)))
        return -E_FAULT;
    if (m.msg_name.v && m.msg_namelen < 0)
        return -E_INVAL;
    i64 n = vectors(&buf, &m, IOBUF_TO_USER);
    if (n)
        return n;
    u64 room = iobuf_left(&buf);
    n = socket_receive_message(o, &buf, flags, &got);
    if (n >= 0) {
        bool cut = local_socket_kind(o) != SOCKET_STREAM && got.source.size > room;
        int err = tell(at, &m, &got, o, flags, cut ? LINUX_MSG_TRUNC : 0);
        if (err)
            n = err;
    }
    local_socket_drop(got.carried, got.carries);
    iobuf_done(&buf);
    return n;
}

i64 linux_recvmsg(struct href *fd, uaddr_t msg, u32 flags)
{
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_READ);
    return err ? err : receive_one(fd->object, msg, flags);
}

// --- several ---
static i64 counted(u32 done, i64 err)
{
    return done ? (i64)done : err;
}

i64 linux_sendmmsg(struct href *fd, uaddr_t msgs, u32 count, u32 flags)
{
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_WRITE);
    if (err)
        return err;
    count = MIN(count, (u32)VECTORS_MAX);
    for (u32 i = 0; i < count; i++) {
        struct linux_mmsghdr m;
        uaddr_t at = uaddr_add(msgs, i * sizeof(m));
        if (user_copy_in(&m, at, sizeof(m)))
            return counted(i, -E_FAULT);
        i64 n = send_one(fd->object, &m.msg_hdr, flags);
        u32 len = (u32)n;
        if (n >= 0 && user_copy_out(uaddr_add(at, offsetof(struct linux_mmsghdr, msg_len)), &len,
                                    sizeof(len)))
            n = -E_FAULT;
        if (n < 0)
            return counted(i, n);
    }
    return count;
}

i64 linux_recvmmsg(struct href *fd, uaddr_t msgs, u32 count, u32 flags,
                   struct linux_timespec *timeout)
{
    u64 now = arch_time_ns(), until = UINT64_MAX;
    u32 i = 0;
    href_keep(fd);
    int err = socket_needs(fd, RIGHT_READ);
    if (err)
        return err;
    if (timeout && (u64)timeout->tv_sec < (UINT64_MAX - now) / NS_PER_SEC - 1)
        until = now + (u64)timeout->tv_sec * NS_PER_SEC + (u64)timeout->tv_nsec;
    i64 n = 0;
    while (i < count) {
        uaddr_t at = uaddr_add(msgs, i * sizeof(struct linux_mmsghdr));
        n = receive_one(fd->object, at, flags & ~(u32)LINUX_MSG_WAITFORONE);
        u32 len = (u32)n;
        if (n >= 0 && user_copy_out(uaddr_add(at, offsetof(struct linux_mmsghdr, msg_len)), &len,
                                    sizeof(len)))
            n = -E_FAULT;
        if (n < 0)
            break;
        i++;
        if (flags & LINUX_MSG_WAITFORONE)
            flags |= LINUX_MSG_DONTWAIT;
        now = arch_time_ns();
        if (now >= until)
            break;
    }
    if (timeout) {
        now = arch_time_ns();
        u64 left = now < until ? until - now : 0;
        *timeout = (struct linux_timespec){(i64)(left / NS_PER_SEC), (i64)(left % NS_PER_SEC)};
    }
    return counted(i, MIN(n, 0));
}
