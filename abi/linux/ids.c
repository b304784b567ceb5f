// User and group ids, capabilities, process groups and sessions. Rules: credentials(7),
// capabilities(7), Linux 6.12 kernel/sys.c.
#include "linux.h"
#include "linux_handlers.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <syscall/dispatch.h>

enum : u32 { KEEP = 0xffffffff };

i64 linux_getuid(void)
{
    return current_cred()->uid;
}
i64 linux_geteuid(void)
{
    return current_cred()->euid;
}
i64 linux_getgid(void)
{
    return current_cred()->gid;
}
i64 linux_getegid(void)
{
    return current_cred()->egid;
}

// What a change of user ids does to capabilities.
static void fix_caps(const struct cred *old, struct cred *c)
{
    if (c->securebits & SECURE_NO_SETUID_FIXUP)
        return;
    bool had_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool has_root = c->uid == 0 || c->euid == 0 || c->suid == 0;
    if (had_root && !has_root) {
        if (!(c->securebits & SECURE_KEEP_CAPS))
            c->cap_permitted = c->cap_effective = 0;
        c->cap_ambient = 0;
    }
    if (old->euid == 0 && c->euid != 0)
        c->cap_effective = 0;
    if (old->euid != 0 && c->euid == 0)
        c->cap_effective = c->cap_permitted;
}

static i64 install(struct cred *c)
{
    fix_caps(current_cred(), c);
    task_set_cred(c);
    return 0;
}

i64 linux_setresuid(u32 ruid, u32 euid, u32 suid)
{
    const struct cred *o = current_cred();
    bool free = capable(CAP_SETUID);
    u32 wanted[3] = {ruid, euid, suid};
    for (int i = 0; i < 3; i++)
        if (!free && wanted[i] != KEEP && wanted[i] != o->uid && wanted[i] != o->euid &&
            wanted[i] != o->suid)
            return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (ruid != KEEP)
        c->uid = ruid;
    if (euid != KEEP)
        c->euid = euid;
    if (suid != KEEP)
        c->suid = suid;
    c->fsuid = c->euid;
    return install(c);
}

i64 linux_setresgid(u32 rgid, u32 egid, u32 sgid)
{
    const struct cred *o = current_cred();
    bool free = capable(CAP_SETGID);
    u32 wanted[3] = {rgid, egid, sgid};
    for (int i = 0; i < 3; i++)
        if (!free && wanted[i] != KEEP && wanted[i] != o->gid && wanted[i] != o->egid &&
            wanted[i] != o->sgid)
            return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (rgid != KEEP)
        c->gid = rgid;
    if (egid != KEEP)
        c->egid = egid;
    if (sgid != KEEP)
        c->sgid = sgid;
    c->fsgid = c->egid;
    return install(c);
}

i64 linux_setuid(u32 uid)
{
    const struct cred *o = current_cred();
    if (uid == KEEP)
        return -E_INVAL;
    bool free = capable(CAP_SETUID);
    if (!free && uid != o->uid && uid != o->suid)
        return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (free)
        c->uid = c->suid = uid;
    c->euid = c->fsuid = uid;
    return install(c);
}

i64 linux_setgid(u32 gid)
{
    const struct cred *o = current_cred();
    if (gid == KEEP)
        return -E_INVAL;
    bool free = capable(CAP_SETGID);
    if (!free && gid != o->gid && gid != o->sgid)
        return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (free)
        c->gid = c->sgid = gid;
    c->egid = c->fsgid = gid;
    return install(c);
}

i64 linux_setreuid(u32 ruid, u32 euid)
{
    const struct cred *o = current_cred();
    bool free = capable(CAP_SETUID);
    if (!free && ((ruid != KEEP && ruid != o->uid && ruid != o->euid) ||
                  (euid != KEEP && euid != o->uid && euid != o->euid && euid != o->suid)))
        return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (ruid != KEEP)
        c->uid = ruid;
    if (euid != KEEP)
        c->euid = euid;
    if (ruid != KEEP || (euid != KEEP && euid != o->uid))
        c->suid = c->euid;
    c->fsuid = c->euid;
    return install(c);
}

i64 linux_setregid(u32 rgid, u32 egid)
{
    const struct cred *o = current_cred();
    bool free = capable(CAP_SETGID);
    if (!free && ((rgid != KEEP && rgid != o->gid && rgid != o->egid) ||
                  (egid != KEEP && egid != o->gid && egid != o->egid && egid != o->sgid)))
        return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    if (rgid != KEEP)
        c->gid = rgid;
    if (egid != KEEP)
        c->egid = egid;
    if (rgid != KEEP || (egid != KEEP && egid != o->gid))
        c->sgid = c->egid;
    c->fsgid = c->egid;
    return install(c);
}

i64 linux_getresuid(u32 *ruid, u32 *euid, u32 *suid)
{
    const struct cred *c = current_cred();
    *ruid = c->uid;
    *euid = c->euid;
    *suid = c->suid;
    return 0;
}

i64 linux_getresgid(u32 *rgid, u32 *egid, u32 *sgid)
{
    const struct cred *c = current_cred();
    *rgid = c->gid;
    *egid = c->egid;
    *sgid = c->sgid;
    return 0;
}

// Both answer the old id whether or not they change it.
i64 linux_setfsuid(u32 uid)
{
    const struct cred *o = current_cred();
    u32 old = o->fsuid;
    if (uid == KEEP ||
        (!capable(CAP_SETUID) && uid != o->uid && uid != o->euid && uid != o->suid && uid != old))
        return old;
    struct cred *c = cred_copy(o);
    if (c) {
        c->fsuid = uid;
        task_set_cred(c);
    }
    return old;
}

i64 linux_setfsgid(u32 gid)
{
    const struct cred *o = current_cred();
    u32 old = o->fsgid;
    if (gid == KEEP ||
        (!capable(CAP_SETGID) && gid != o->gid && gid != o->egid && gid != o->sgid && gid != old))
        return old;
    struct cred *c = cred_copy(o);
    if (c) {
        c->fsgid = gid;
        task_set_cred(c);
    }
    return old;
}

i64 linux_getgroups(i32 size, struct iobuf *list)
{
    const struct cred *c = current_cred();
    if (size == 0)
        return c->ngroups;
    if ((u32)size < c->ngroups)
        return -E_INVAL;
    usize bytes = c->ngroups * sizeof(u32);
    if (bytes && (!list || iobuf_put(list, c->groups, bytes) != bytes))
        return -E_FAULT;
    return c->ngroups;
}

i64 linux_setgroups(i32 n, const u32 *list)
{
    if (!capable(CAP_SETGID))
        return -E_PERM;
    if (n < 0 || n > 65536)
        return -E_INVAL;
    struct cred *c = cred_copy(current_cred());
    int err = c ? cred_set_groups(c, list, (u32)n) : -E_NOMEM;
    if (err) {
        if (c)
            cred_put(c);
        return err;
    }
    task_set_cred(c);
    return 0;
}

// --- capabilities ---
enum : u32 { CAP_V1 = 0x19980330, CAP_V2 = 0x20071026, CAP_V3 = 0x20080522 };

static u32 version_words(u32 version)
{
    return version == CAP_V1 ? 1 : version == CAP_V2 || version == CAP_V3 ? 2 : 0;
}

i64 linux_capget(struct linux_cap_header *h, struct linux_cap_data *data)
{
    u32 words = version_words(h->version);
    if (!words) {
        h->version = CAP_V3;
        return data ? -E_INVAL : 0;
    }
    if (h->pid < 0)
        return -E_INVAL;
    struct task *t = h->pid == 0 ? current_task() : task_find((u32)h->pid);
    if (!t)
        return -E_SRCH;
    struct cred *c = task_cred_get(t);
    for (u32 i = 0; data && i < words; i++)
        data[i] = (struct linux_cap_data){.effective = (u32)(c->cap_effective >> (32 * i)),
                                          .permitted = (u32)(c->cap_permitted >> (32 * i)),
                                          .inheritable = (u32)(c->cap_inheritable >> (32 * i))};
    cred_put(c);
    if (t != current_task())
        task_put(t);
    return 0;
}

i64 linux_capset(struct linux_cap_header *h, const struct linux_cap_data *in)
{
    u32 words = version_words(h->version);
    if (!words) {
        h->version = CAP_V3;
        return -E_INVAL;
    }
    if (h->pid != 0 && (u32)h->pid != current_task_thread()->tid)
        return -E_PERM;
    u64 all = (2ul << CAP_LAST) - 1, eff = 0, perm = 0, inh = 0;
    for (u32 i = 0; i < words; i++) {
        eff |= (u64)in[i].effective << (32 * i);
        perm |= (u64)in[i].permitted << (32 * i);
        inh |= (u64)in[i].inheritable << (32 * i);
    }
    eff &= all;
    perm &= all;
    inh &= all;
    const struct cred *o = current_cred();
    if (perm & ~o->cap_permitted || eff & ~perm)
        return -E_PERM;
    if (inh & ~(o->cap_inheritable | o->cap_permitted) && !capable(CAP_SETPCAP))
        return -E_PERM;
    if (inh & ~(o->cap_inheritable | o->cap_bounding))
        return -E_PERM;
    struct cred *c = cred_copy(o);
    if (!c)
        return -E_NOMEM;
    c->cap_effective = eff;
    c->cap_permitted = perm;
    c->cap_inheritable = inh;
    c->cap_ambient &= perm & inh;
    task_set_cred(c);
    return 0;
}

// --- groups and sessions ---
i64 linux_setpgid(i32 pid, i32 pgid)
{
    if (pid < 0)
        return -E_SRCH;
    return pgid < 0 ? -E_INVAL : task_setpgid((u32)pid, (u32)pgid);
}

static i64 group_fact(i32 pid, bool session)
{
    struct task *t = pid == 0 ? current_task() : pid > 0 ? task_find((u32)pid) : NULL;
    if (!t)
        return -E_SRCH;
    spin_lock(&tree_lock);
    i64 id = !t->pgrp ? -E_SRCH : session ? t->pgrp->session->id : t->pgrp->id;
    spin_unlock(&tree_lock);
    if (t != current_task())
        task_put(t);
    return id;
}

i64 linux_getpgid(i32 pid)
{
    return group_fact(pid, false);
}

i64 linux_getsid(i32 pid)
{
    return group_fact(pid, true);
}

i64 linux_setsid(void)
{
    return task_setsid();
}
