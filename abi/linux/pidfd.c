// Handles to processes. Owns nothing: they are the kernel's task objects. Rules: pidfd_open(2),
// pidfd_getfd(2), Linux 6.12 kernel/pid.c.
#include "pidfd.h"
#include "fd.h"
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <task/task_object.h>

// Others may make more of a handle than this ABI does, so it is no more than its maker could do.
u32 pidfd_rights(struct task *t)
{
    return anonymous_rights(RIGHT_READ | RIGHT_WRITE) & ~(u32)RIGHT_MAP &
           ~(task_may_signal(t) ? 0u : (u32)RIGHT_SIGNAL);
}

i64 linux_pidfd_open(i32 pid, u32 flags)
{
    struct object *o;
    if (pid <= 0)
        return -E_INVAL;
    struct task *t = task_find((u32)pid);
    if (!t) {
        struct task_thread *tt = task_find_thread((u32)pid);
        if (!tt)
            return -E_SRCH;
        task_thread_put(tt);
        return -E_INVAL; // a thread, but not its process's first
    }
    i64 r = task_object_create(t, &o);
    if (!r) {
        if (flags & LINUX_PIDFD_NONBLOCK)
            (void)object_set_status(o, OBJ_NONBLOCK, OBJ_NONBLOCK);
        r = fd_install_rights(o, pidfd_rights(t), true);
    }
    task_put(t);
    return r;
}

i64 linux_pidfd_getfd(struct href *pidfd, i32 fd, u32 flags)
{
    struct href h;
    (void)flags;
    if (!object_is_task(pidfd->object))
        return -E_BADF;
    struct task *t = task_of_object(pidfd->object);
    if (t->reaped)
        return -E_SRCH;
    if (!task_may_inspect(t, false))
        return -E_PERM;
    struct handle_table *theirs = task_handles_get(t);
    if (!theirs)
        return -E_SRCH;
    href_keep(pidfd); // putting the other table may sleep
    int err = handle_lookup(theirs, fd, &h);
    handle_table_put(theirs);
    if (err)
        return err;
    if (!(h.rights & RIGHT_TRANSFER)) {
        href_put(&h);
        return -E_PERM;
    }
    object_get(h.object);
    i64 r = fd_install_rights(h.object, h.rights, true);
    href_put(&h);
    return r;
}
