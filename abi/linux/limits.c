// Resource limits.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <kerr.h>

static const u8 limit_of[] = {
    [LINUX_RLIMIT_CPU] = LIMIT_CPU,           [LINUX_RLIMIT_FSIZE] = LIMIT_FSIZE,
    [LINUX_RLIMIT_DATA] = LIMIT_DATA,         [LINUX_RLIMIT_STACK] = LIMIT_STACK,
    [LINUX_RLIMIT_CORE] = LIMIT_CORE,         [LINUX_RLIMIT_RSS] = LIMIT_RSS,
    [LINUX_RLIMIT_NPROC] = LIMIT_NPROC,       [LINUX_RLIMIT_NOFILE] = LIMIT_NOFILE,
    [LINUX_RLIMIT_MEMLOCK] = LIMIT_MEMLOCK,   [LINUX_RLIMIT_AS] = LIMIT_AS,
    [LINUX_RLIMIT_LOCKS] = LIMIT_LOCKS,       [LINUX_RLIMIT_SIGPENDING] = LIMIT_SIGPENDING,
    [LINUX_RLIMIT_MSGQUEUE] = LIMIT_MSGQUEUE, [LINUX_RLIMIT_NICE] = LIMIT_NICE,
    [LINUX_RLIMIT_RTPRIO] = LIMIT_RTPRIO,     [LINUX_RLIMIT_RTTIME] = LIMIT_RTTIME,
};
enum : u64 { NR_OPEN = 1ul << 20 }; // fs.nr_open: no table may be larger

// The address space keeps copies of the limits it checks.
static void tell_space(struct task *t)
{
    struct aspace *as = t->aspace;
    if (!as)
        return;
    as->stack_limit = t->limits[LIMIT_STACK].soft;
    as->as_limit = t->limits[LIMIT_AS].soft;
    as->data_limit = t->limits[LIMIT_DATA].soft;
}

static i64 change(struct task *t, u32 resource, const struct linux_rlimit64 *new,
                  struct linux_rlimit64 *old)
{
    if (resource >= ARRAY_LEN(limit_of))
        return -E_INVAL;
    if (new && new->rlim_cur > new->rlim_max)
        return -E_INVAL;
    if (new && resource == LINUX_RLIMIT_NOFILE &&new->rlim_max > NR_OPEN)
        return -E_PERM;
    bool privileged = capable(CAP_SYS_RESOURCE);
    int err = 0;
    spin_lock(&t->lock);
    struct limit *l = &t->limits[limit_of[resource]];
    struct limit before = *l;
    if (new && new->rlim_max > l->hard && !privileged)
        err = -E_PERM;
    if (new && !err) {
        *l = (struct limit){new->rlim_cur, new->rlim_max};
        tell_space(t);
        task_apply_cpu_limit(t);
    }
    spin_unlock(&t->lock);
    if (old && !err)
        *old = (struct linux_rlimit64){before.soft, before.hard};
    return err;
}

static bool may_change(struct task *t)
{
    const struct cred *me = current_cred();
    struct cred *o = task_cred_get(t);
    bool ok = (me->uid == o->euid && me->uid == o->suid && me->uid == o->uid &&
               me->gid == o->egid && me->gid == o->sgid && me->gid == o->gid) ||
              capable(CAP_SYS_RESOURCE);
    cred_put(o);
    return ok;
}

i64 linux_prlimit64(i32 pid, u32 resource, const struct linux_rlimit64 *new,
                    struct linux_rlimit64 *old)
{
    if (pid == 0 || (u32)pid == current_task()->pid)
        return change(current_task(), resource, new, old);
    struct task *t = pid > 0 ? task_find((u32)pid) : NULL;
    if (!t)
        return -E_SRCH;
    i64 r = may_change(t) ? change(t, resource, new, old) : -E_PERM;
    task_put(t);
    return r;
}

i64 linux_getrlimit(u32 resource, struct linux_rlimit64 *limit)
{
    return change(current_task(), resource, NULL, limit);
}

i64 linux_setrlimit(u32 resource, const struct linux_rlimit64 *limit)
{
    return change(current_task(), resource, limit, NULL);
}
