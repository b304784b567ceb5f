// Credentials. A published struct cred never changes; a task replaces its pointer, readers in other
// tasks hold a reference taken under RCU.
#include <kerr.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sched/rcu.h>
#include <task/task.h>

enum : u64 { ALL_CAPS = (1ul << (CAP_LAST + 1)) - 1 };

struct cred root_cred = {.refs = REFCOUNT_INIT(1),
                         .cap_effective = ALL_CAPS,
                         .cap_permitted = ALL_CAPS,
                         .cap_bounding = ALL_CAPS};

struct cred *cred_copy(const struct cred *c)
{
    struct cred *n = kmalloc(sizeof(*n), 0);
    if (!n)
        return NULL;
    usize shared = offsetof(struct cred, refs) + sizeof(c->refs); // changes under us, and is first
    memcpy((u8 *)n + shared, (const u8 *)c + shared, sizeof(*n) - shared);
    refcount_set(&n->refs, 1);
    n->groups = NULL;
    if (c->ngroups) {
        n->groups = kmalloc_array(c->ngroups, sizeof(u32), 0);
        if (!n->groups) {
            kfree(n);
            return NULL;
        }
        memcpy(n->groups, c->groups, c->ngroups * sizeof(u32));
    }
    return n;
}

static int compare_gid(const void *a, const void *b, void *arg)
{
    (void)arg;
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    return x < y ? -1 : x > y;
}

int cred_set_groups(struct cred *c, const u32 *groups, u32 n)
{
    u32 *copy = NULL;
    if (n) {
        copy = kmalloc_array(n, sizeof(u32), 0);
        if (!copy)
            return -E_NOMEM;
        memcpy(copy, groups, n * sizeof(u32));
        sort(copy, n, sizeof(u32), compare_gid, NULL);
    }
    kfree(c->groups);
    c->groups = copy;
    c->ngroups = n;
    return 0;
}

void cred_get(struct cred *c)
{
    refcount_inc(&c->refs);
}

void cred_put(struct cred *c)
{
    if (!refcount_dec_and_test(&c->refs))
        return;
    kfree(c->groups);
    kfree(c);
}

bool cred_in_group(const struct cred *c, u32 gid)
{
    if (c->fsgid == gid)
        return true;
    u32 lo = 0, hi = c->ngroups;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (c->groups[mid] == gid)
            return true;
        if (c->groups[mid] < gid)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

struct cred *current_cred(void)
{
    struct task *t = current_task();
    return t ? atomic_load_explicit(&t->cred, memory_order_relaxed) : &root_cred;
}

struct cred *task_cred_get(struct task *t)
{
    spin_lock(&t->lock);
    struct cred *c = t->cred;
    cred_get(c);
    spin_unlock(&t->lock);
    return c;
}

bool task_may_signal(struct task *t)
{
    const struct cred *me = current_cred();
    if (t == current_task() || cred_capable(me, CAP_KILL))
        return true;
    struct cred *c = task_cred_get(t);
    bool same =
        me->euid == c->uid || me->euid == c->suid || me->uid == c->uid || me->uid == c->suid;
    cred_put(c);
    return same;
}

bool task_may_inspect(struct task *t, bool by_fsuid)
{
    const struct cred *me = current_cred();
    if (t == current_task() || cred_capable(me, CAP_SYS_PTRACE))
        return true;
    u32 uid = by_fsuid ? me->fsuid : me->uid, gid = by_fsuid ? me->fsgid : me->gid;
    struct cred *c = task_cred_get(t);
    bool same = uid == c->euid && uid == c->suid && uid == c->uid && gid == c->egid &&
                gid == c->sgid && gid == c->gid;
    cred_put(c);
    return same && t->dumpable;
}

// Another thread of the task may be inside a call that uses the old credentials: then they stay
// until the task ends.
void task_set_cred(struct cred *c)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    struct cred *old = t->cred;
    t->cred = c;
    bool alone = t->thread_count == 1;
    if (!alone) {
        old->retired = t->retired_creds;
        t->retired_creds = old;
        old = NULL;
    }
    spin_unlock(&t->lock);
    if (old)
        cred_put(old);
}
