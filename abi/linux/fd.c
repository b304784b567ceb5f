// Handles and the status of open files: dup, fcntl, close, what every file answers to ioctl, and
// objects that come from no name. Owns nothing; the handle table guards itself, status bits are
// atomic. Facts: fcntl(2), dup(2), ioctl(2), Linux 6.12 fs/fcntl.c.
#include "fd.h"
#include "linux.h"
#include "path.h"
#include <ipc/counter.h>
#include <ipc/local_socket.h>
#include <ipc/pipe.h>
#include <tty/tty.h>

i64 fd_install_rights(struct object *o, u32 rights, bool cloexec)
{
    i32 fd = handle_install(current_handles(), o, rights, cloexec ? HANDLE_CLOEXEC : 0, 0,
                            handle_limit());
    if (fd < 0)
        object_put(o);
    return fd;
}

i64 fd_install(struct object *o, u32 access, bool cloexec)
{
    return fd_install_rights(o, anonymous_rights(access), cloexec);
}

i64 fd_install_pair(struct object *a, u32 rights_a, struct object *b, u32 rights_b, bool cloexec,
                    i32 *fds)
{
    return handle_install_pair(current_handles(), a, rights_a, b, rights_b,
                               cloexec ? HANDLE_CLOEXEC : 0, handle_limit(), fds);
}

// --- copies of handles ---
static i64 duplicate(i32 fd, i32 from, bool cloexec)
{
    struct href h;
    int err = href_get(&h, fd, RIGHT_DUPLICATE);
    if (err)
        return err;
    if (from < 0 || (from > 0 && (u32)from >= handle_limit())) {
        href_put(&h);
        return -E_INVAL;
    }
    href_keep(&h);
    i32 r = handle_install(current_handles(), h.object, h.rights, cloexec ? HANDLE_CLOEXEC : 0,
                           from, handle_limit());
    if (r < 0)
        href_put(&h);
    return r;
}

i64 linux_dup(i32 fd)
{
    return duplicate(fd, 0, false);
}
i64 linux_fcntl_F_DUPFD(i32 fd, i32 from)
{
    return duplicate(fd, from, false);
}
i64 linux_fcntl_F_DUPFD_CLOEXEC(i32 fd, i32 from)
{
    return duplicate(fd, from, true);
}

i64 linux_dup3(i32 old, i32 new, u32 flags)
{
    struct href h;
    int err = href_get(&h, old, RIGHT_DUPLICATE);
    if (err)
        return err;
    href_keep(&h);
    err = handle_replace(current_handles(), new, h.object, h.rights,
                         flags & LINUX_O_CLOEXEC ? HANDLE_CLOEXEC : 0, handle_limit());
    if (err) {
        href_put(&h);
        return err;
    }
    return new;
}

i64 linux_fcntl_F_DUPFD_QUERY(i32 fd, i32 other)
{
    struct href a, b;
    int err = href_get(&a, fd, 0);
    if (err)
        return err;
    err = href_get(&b, other, 0);
    if (!err) {
        err = a.object == b.object;
        href_put(&b);
    }
    href_put(&a);
    return err;
}

i64 linux_fcntl_F_GETFD(i32 fd)
{
    int f = handle_get_flags(current_handles(), fd);
    return f < 0 ? f : f & HANDLE_CLOEXEC ? LINUX_FD_CLOEXEC : 0;
}
i64 linux_fcntl_F_SETFD(i32 fd, u32 flags)
{
    return handle_set_flags(current_handles(), fd, flags & LINUX_FD_CLOEXEC ? HANDLE_CLOEXEC : 0,
                            HANDLE_CLOEXEC);
}

// --- closing ---
i64 linux_close(i32 fd)
{
    int err = handle_close(current_handles(), fd);
    return err == -E_RESTART ? -E_INTR
                             : err; // it is closed all the same, so it must not be tried again
}

int fd_unshare(void)
{
    struct task *t = current_task();
    if (!task_is_single(t))
        return -E_OPNOTSUPP;
    struct handle_table *old = t->handles, *own = handle_table_fork(old);
    if (!own)
        return -E_NOMEM;
    spin_lock(&t->lock);
    t->handles = own;
    spin_unlock(&t->lock);
    current()->handles = own;
    handle_table_put(old);
    return 0;
}

i64 linux_close_range(u32 first, u32 last, u32 flags)
{
    if (flags & LINUX_CLOSE_RANGE_UNSHARE) {
        int err = fd_unshare();
        if (err)
            return err;
    }
    handle_close_range(current_handles(), first, last, flags & LINUX_CLOSE_RANGE_CLOEXEC);
    return 0;
}

// --- status of the open file ---
static const struct {
    u32 object, linux;
} status_bits[] = {
    {OBJ_NONBLOCK, LINUX_O_NONBLOCK},
    {OBJ_APPEND, LINUX_O_APPEND},
    {OBJ_ASYNC, LINUX_FASYNC},
    {OBJ_DSYNC, LINUX_O_DSYNC},
    {OBJ_SYNC, LINUX_O_SYNC},
    {OBJ_DIRECT, LINUX_O_DIRECT},
    {OBJ_NOATIME, LINUX_O_NOATIME},
    {OBJ_PATH_ONLY, LINUX_O_PATH},
    {OBJ_AS_DIRECTORY, LINUX_O_DIRECTORY},
    {OBJ_AS_NOFOLLOW, LINUX_O_NOFOLLOW},
};

static u32 status_word_of(u32 status)
{
    u32 f = 0;
    for (usize i = 0; i < ARRAY_LEN(status_bits); i++)
        if (status & status_bits[i].object)
            f |= status_bits[i].linux;
    return f;
}

// Everything opened by name on a 64-bit machine counts as opened for large files; so do memory
// files, but not places.
i64 linux_fcntl_F_GETFL(i32 fd)
{
    struct href h;
    int err = href_get(&h, fd, 0);
    if (err)
        return err;
    u32 f = status_word_of(atomic_load_explicit(&h.object->status, memory_order_relaxed));
    if (!path_only(&h)) {
        u32 rw = h.rights & (RIGHT_READ | RIGHT_WRITE);
        f |= rw == RIGHT_READ    ? LINUX_O_RDONLY
             : rw == RIGHT_WRITE ? LINUX_O_WRONLY
             : rw                ? LINUX_O_RDWR
                                 : LINUX_O_ACCMODE;
        if (object_path(h.object))
            f |= LINUX_O_LARGEFILE;
    }
    href_put(&h);
    return f;
}

i64 linux_fcntl_F_SETFL(struct href *fd, u32 flags)
{
    int err = fd_needs(fd, RIGHT_CONTROL);
    if (err)
        return err;
    u32 old = atomic_load_explicit(&fd->object->status, memory_order_relaxed);
    u32 now = (flags & LINUX_O_APPEND ? OBJ_APPEND : 0) |
              (flags & LINUX_O_NONBLOCK ? OBJ_NONBLOCK : 0) |
              (flags & LINUX_O_NOATIME ? OBJ_NOATIME : 0);
    struct file *f = object_file(fd->object);
    if (f && (now ^ old) & OBJ_APPEND && node_has(f->node, NODE_APPEND))
        return -E_PERM;
    if (f && now & ~old & OBJ_NOATIME && !node_owner_or_capable(f->node, current_cred()))
        return -E_PERM;
    (void)object_set_status(fd->object, now, OBJ_APPEND | OBJ_NONBLOCK | OBJ_NOATIME | OBJ_DIRECT);
    return 0;
}

// Files send no signals here: nobody owns them, and the signal is the default one.
i64 linux_fcntl_F_GETOWN(struct href *fd)
{
    return path_only(fd) ? -E_BADF : 0;
}
i64 linux_fcntl_F_GETOWN_EX(struct href *fd, struct linux_f_owner_ex *owner)
{
    owner->type = LINUX_F_OWNER_TID;
    return path_only(fd) ? -E_BADF : 0;
}
i64 linux_fcntl_F_GETSIG(struct href *fd)
{
    return path_only(fd) ? -E_BADF : 0;
}

// --- pipes ---
i64 linux_pipe2(i32 *fds, u32 flags)
{
    struct object *r, *w;
    u32 status =
        (flags & LINUX_O_NONBLOCK ? OBJ_NONBLOCK : 0u) | (flags & LINUX_O_DIRECT ? OBJ_DIRECT : 0u);
    int err = pipe_create(&r, &w, status);
    if (err)
        return err;
    (void)object_set_status(r, 0, OBJ_DIRECT); // packets are made by the writer
    return fd_install_pair(r, anonymous_rights(RIGHT_READ), w, anonymous_rights(RIGHT_WRITE),
                           flags & LINUX_O_CLOEXEC, fds);
}

void linux_pipe2_undo(i32 *fds, u32 flags)
{
    (void)flags;
    handle_close_pair(current_handles(), fds);
}

enum : u64 { PIPE_MAX_UNPRIVILEGED = 1 << 20 };

i64 linux_fcntl_F_GETPIPE_SZ(struct href *fd)
{
    return (i64)pipe_capacity(fd->object);
}

i64 linux_fcntl_F_SETPIPE_SZ(struct href *fd, u32 size)
{
    if (size > 1u << 31)
        return -E_INVAL;
    if (size > pipe_capacity(fd->object) && size > PIPE_MAX_UNPRIVILEGED &&
        !capable(CAP_SYS_RESOURCE))
        return -E_PERM;
    return pipe_set_capacity(fd->object, MAX(size, 1u));
}

// --- objects without a name ---
i64 linux_eventfd2(u32 count, u32 flags)
{
    struct object *o;
    int err = counter_create(count, flags & LINUX_EFD_SEMAPHORE,
                             flags & LINUX_EFD_NONBLOCK ? OBJ_NONBLOCK : 0, &o);
    return err ? err : fd_install(o, RIGHT_READ | RIGHT_WRITE, flags & LINUX_EFD_CLOEXEC);
}

enum { MEMFD_NAME_MAX = 249 };

i64 linux_memfd_create(const struct sys_name *name, u32 flags)
{
    struct object *o;
    u32 rights;
    if (flags & LINUX_MFD_EXEC && flags & LINUX_MFD_NOEXEC_SEAL)
        return -E_INVAL;
    if (name->len > MEMFD_NAME_MAX)
        return -E_INVAL;
    int err = vfs_open_memory(name->str, &o, &rights);
    return err ? err : fd_install_rights(o, rights, flags & LINUX_MFD_CLOEXEC);
}

// Files in memory that nobody asked to make sealable carry the seal against sealing from the start;
// others know no seals.
static bool in_memory(const struct href *h)
{
    const struct file *f = object_file(h->object);
    return f && node_type(f->node) == MODE_REG && f->node->sb->magic == LINUX_TMPFS_MAGIC;
}
i64 linux_fcntl_F_GET_SEALS(struct href *fd)
{
    return path_only(fd) ? -E_BADF : in_memory(fd) ? LINUX_F_SEAL_SEAL : -E_INVAL;
}
i64 linux_fcntl_F_ADD_SEALS(struct href *fd, u32 seals)
{
    (void)seals;
    if (path_only(fd))
        return -E_BADF;
    if (!in_memory(fd))
        return -E_INVAL;
    return -E_PERM; // not open for writing, or sealed against it: the same answer
}

// --- ioctl on any file ---
static i64 set_cloexec(i32 fd, bool on)
{
    struct href h;
    int err = href_get(&h, fd, 0);
    if (err)
        return err;
    err = path_only(&h) ? -E_BADF : 0;
    href_put(&h);
    return err ? err
               : handle_set_flags(current_handles(), fd, on ? HANDLE_CLOEXEC : 0, HANDLE_CLOEXEC);
}
i64 linux_ioctl_FIOCLEX(i32 fd)
{
    return set_cloexec(fd, true);
}
i64 linux_ioctl_FIONCLEX(i32 fd)
{
    return set_cloexec(fd, false);
}

i64 linux_ioctl_FIONBIO(struct href *fd, const i32 *on)
{
    if (path_only(fd))
        return -E_BADF;
    (void)object_set_status(fd->object, *on ? OBJ_NONBLOCK : 0, OBJ_NONBLOCK);
    return 0;
}
i64 linux_ioctl_FIOASYNC(struct href *fd, const i32 *on)
{
    if (path_only(fd))
        return -E_BADF;
    return *on ? -E_NOTTY : 0;
}

i64 linux_ioctl_FIOQSIZE(struct href *fd, i64 *size)
{
    struct attr a;
    if (path_only(fd))
        return -E_BADF;
    int err = object_getattr(fd->object, &a);
    if (err)
        return err;
    u32 type = a.mode & MODE_FMT;
    if (type != MODE_REG && type != MODE_DIR && type != MODE_LNK)
        return -E_NOTTY;
    *size = (i64)(a.blocks * 512); // what it takes up, not how long it is
    return 0;
}

i64 linux_ioctl_FIGETBSZ(struct href *fd, i32 *size)
{
    struct attr a;
    if (path_only(fd))
        return -E_BADF;
    int err = object_getattr(fd->object, &a);
    if (err)
        return err;
    if (!a.blksize)
        return -E_INVAL;
    *size = (i32)a.blksize;
    return 0;
}

i64 linux_ioctl_FIONREAD(struct href *fd, i32 *count)
{
    struct object *o = fd->object;
    if (path_only(fd))
        return -E_BADF;
    i64 n = -E_NOTTY;
    if (o->type->kinds & OBJ_KIND_TTY) {
        n = tty_input_pending(o);
    } else if (object_is_pipe(o)) {
        n = (i64)pipe_pending(o);
    } else if (object_is_local_socket(o)) {
        struct socket_facts facts;
        local_socket_facts(o, &facts);
        n = facts.state == SOCKET_LISTENING
                ? -E_INVAL
                : (i64)(facts.kind == SOCKET_DATAGRAM ? facts.next : facts.pending);
    } else if (o->type->kinds & OBJ_KIND_FILE && object_file(o)) {
        i64 at = object_seek(o, 0, OBJ_SEEK_CUR);
        if (at < 0)
            return at;
        *count = (i32)(u32)(node_size(object_file(o)->node) - (u64)at); // negative behind the end
        return 0;
    }
    if (n < 0)
        return n;
    *count = (i32)n;
    return 0;
}
