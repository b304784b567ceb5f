// The number space: a radix tree from number to struct pid. pid_lock guards changes; lookups run
// under RCU.
#include "pid.h"
#include <kerr.h>
#include <lib/radix.h>
#include <mem/slab.h>
#include <sched/rcu_radix.h>
#include <sync/lock_order.h>

enum { PID_FIRST_AGAIN = 300, PID_MAX = 4'194'304 };

static struct spinlock pid_lock = SPINLOCK_INIT(&lock_class_pid);
static struct radix pids = {.ops = &rcu_radix_ops};
static u32 last_pid;
DEFINE_SLAB(pid_slab, struct pid);

static u32 next_free(void) // pid_lock held
{
    u32 nr = last_pid;
    for (u32 tries = 0; tries < PID_MAX; tries++) {
        nr = nr + 1 >= PID_MAX ? PID_FIRST_AGAIN : nr + 1;
        if (!radix_lookup(&pids, nr))
            return nr;
    }
    return 0;
}

int pid_alloc(u32 wanted, struct pid **out)
{
    struct pid *p = slab_def_alloc(&pid_slab, 0);
    if (!p)
        return -E_NOMEM;
    *p = (struct pid){.users = 1};
    spin_lock(&pid_lock);
    int err = 0;
    u32 nr = wanted;
    if (!wanted)
        nr = next_free();
    else if (wanted >= PID_MAX)
        err = -E_INVAL;
    else if (radix_lookup(&pids, wanted))
        err = -E_EXIST;
    if (!err && nr == 0)
        err = -E_AGAIN;
    p->nr = nr;
    if (!err)
        err = radix_insert(&pids, nr, p);
    if (!err && !wanted)
        last_pid = nr;
    spin_unlock(&pid_lock);
    if (err)
        slab_def_free(&pid_slab, p);
    else
        *out = p;
    return err;
}

void pid_hold(struct pid *p)
{
    spin_lock(&pid_lock);
    p->users++;
    spin_unlock(&pid_lock);
}

static void free_pid(struct rcu_head *h)
{
    slab_def_free(&pid_slab, container_of(h, struct pid, rcu));
}

void pid_release(struct pid *p)
{
    spin_lock(&pid_lock);
    bool last = --p->users == 0;
    if (last)
        (void)radix_erase(&pids, p->nr);
    spin_unlock(&pid_lock);
    if (last)
        rcu_call(&p->rcu, free_pid);
}

struct pid *pid_lookup(u32 nr)
{
    return radix_lookup(&pids, nr);
}

struct pid *pid_next(u32 nr)
{
    u64 index = nr;
    return radix_next(&pids, &index);
}

u32 task_last_pid(void)
{
    return last_pid;
}
