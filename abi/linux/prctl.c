// prctl(2): what a process or thread says about itself.
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <kerr.h>
#include <lib/string.h>
#include <syscall/dispatch.h>

enum { SECBITS_ALL = 0xff, SECBITS_LOCKS = 0xaa };

i64 linux_prctl_PR_SET_PDEATHSIG(i32 sig)
{
    if (sig < 0 || sig > SIG_MAX)
        return -E_INVAL;
    current_task()->death_event = sig ? EVENT_ABI + (u32)sig : 0;
    return 0;
}
i64 linux_prctl_PR_GET_PDEATHSIG(i32 *sig)
{
    u32 e = current_task()->death_event;
    *sig = e ? (i32)(e - EVENT_ABI) : 0;
    return 0;
}
i64 linux_prctl_PR_GET_DUMPABLE(void)
{
    return current_task()->dumpable;
}
i64 linux_prctl_PR_SET_DUMPABLE(u64 value)
{
    if (value > 1)
        return -E_INVAL;
    current_task()->dumpable = value;
    return 0;
}

static i64 change_securebits(u32 set, u32 clear)
{
    struct cred *c = cred_copy(current_cred());
    if (!c)
        return -E_NOMEM;
    c->securebits = (c->securebits & ~clear) | set;
    task_set_cred(c);
    return 0;
}

i64 linux_prctl_PR_GET_KEEPCAPS(void)
{
    return !!(current_cred()->securebits & SECURE_KEEP_CAPS);
}
i64 linux_prctl_PR_SET_KEEPCAPS(u64 value)
{
    if (value > 1)
        return -E_INVAL;
    return change_securebits(value ? SECURE_KEEP_CAPS : 0, SECURE_KEEP_CAPS);
}
i64 linux_prctl_PR_SET_NAME(const struct sys_name *name)
{
    struct task_thread *tt = current_task_thread();
    thread_set_name(tt->thread, name->str);
    if (tt->tid == tt->task->pid) {
        spin_lock(&tt->task->lock);
        strlcpy(tt->task->name, name->str, sizeof(tt->task->name));
        spin_unlock(&tt->task->lock);
    }
    return 0;
}
i64 linux_prctl_PR_GET_NAME(char *name)
{
    strlcpy(name, current()->name, 16);
    return 0;
}
i64 linux_prctl_PR_GET_SECCOMP(void)
{
    return 0;
}
i64 linux_prctl_PR_CAPBSET_READ(i32 cap)
{
    if (cap < 0 || cap > CAP_LAST)
        return -E_INVAL;
    return current_cred()->cap_bounding >> cap & 1;
}
i64 linux_prctl_PR_CAPBSET_DROP(i32 cap)
{
    if (!capable(CAP_SETPCAP))
        return -E_PERM;
    if (cap < 0 || cap > CAP_LAST)
        return -E_INVAL;
    struct cred *c = cred_copy(current_cred());
    if (!c)
        return -E_NOMEM;
    c->cap_bounding &= ~(1ul << cap);
    task_set_cred(c);
    return 0;
}
i64 linux_prctl_PR_GET_SECUREBITS(void)
{
    return current_cred()->securebits;
}
i64 linux_prctl_PR_SET_SECUREBITS(u64 bits)
{
    u32 now = current_cred()->securebits;
    u32 locked = (now & SECBITS_LOCKS) >> 1;
    if (bits & ~(u64)SECBITS_ALL || (now ^ (u32)bits) & locked ||
        now & SECBITS_LOCKS & ~(u32)bits || !capable(CAP_SETPCAP))
        return -E_PERM;
    return change_securebits((u32)bits, SECBITS_ALL);
}
i64 linux_prctl_PR_SET_TIMERSLACK(i64 ns)
{
    current_linux()->timer_slack =
        ns > 0 ? (u64)ns : 50'000; // timers are exact, so this is only remembered
    return 0;
}
i64 linux_prctl_PR_GET_TIMERSLACK(void)
{
    u64 s = current_linux()->timer_slack;
    return s ? (i64)s : 50'000;
}
i64 linux_prctl_PR_SET_CHILD_SUBREAPER(u64 value)
{
    current_task()->subreaper = value;
    return 0;
}
i64 linux_prctl_PR_GET_CHILD_SUBREAPER(i32 *value)
{
    *value = current_task()->subreaper;
    return 0;
}
i64 linux_prctl_PR_SET_NO_NEW_PRIVS(void)
{
    struct cred *c = cred_copy(current_cred());
    if (!c)
        return -E_NOMEM;
    c->no_new_privs = true;
    task_set_cred(c);
    return 0;
}
i64 linux_prctl_PR_GET_NO_NEW_PRIVS(void)
{
    return current_cred()->no_new_privs;
}
i64 linux_prctl_PR_GET_TID_ADDRESS(u64 *addr)
{
    *addr = current_linux()->clear_child_tid;
    return 0;
}
i64 linux_prctl_PR_SET_THP_DISABLE(u64 value)
{
    current_linux()->thp_disabled = value; // there are no huge pages to keep away
    return 0;
}
i64 linux_prctl_PR_GET_THP_DISABLE(void)
{
    return current_linux()->thp_disabled;
}
i64 linux_prctl_PR_CAP_AMBIENT(u64 op, u64 cap)
{
    const struct cred *o = current_cred();
    if (op == LINUX_PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : cap > CAP_LAST)
        return -E_INVAL;
    u64 bit = 1ul << cap;
    if (op == LINUX_PR_CAP_AMBIENT_IS_SET)
        return !!(o->cap_ambient & bit);
    if (op == LINUX_PR_CAP_AMBIENT_RAISE && !(o->cap_permitted & o->cap_inheritable & bit))
        return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (op == LINUX_PR_CAP_AMBIENT_RAISE)
        c->cap_ambient |= bit;
    else if (op == LINUX_PR_CAP_AMBIENT_LOWER)
        c->cap_ambient &= ~bit;
    else
        c->cap_ambient = 0;
    task_set_cred(c);
    return 0;
}
