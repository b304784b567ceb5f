// How many tasks each real user has, for the process limit. A list under a spinlock: users are few.
#include "private.h"
#include <mem/slab.h>
#include <sync/lock_order.h>

struct user_count {
    struct list link; // users_lock
    u32 uid, refs;    // users_lock
    _Atomic u64 tasks;
};
static struct list users = LIST_INIT(users);
static struct spinlock users_lock = SPINLOCK_INIT(&lock_class_pid);

struct user_count *user_count_get(u32 uid)
{
    struct user_count *fresh = kzalloc(sizeof(*fresh), 0), *found = NULL, *u;
    if (!fresh)
        return NULL;
    spin_lock(&users_lock);
    list_for_each_entry (u, &users, link)
        if (u->uid == uid)
            found = u;
    if (!found) {
        found = fresh;
        fresh = NULL;
        found->uid = uid;
        list_add_head(&users, &found->link);
    }
    found->refs++;
    spin_unlock(&users_lock);
    kfree(fresh);
    return found;
}

void user_count_put(struct user_count *u)
{
    spin_lock(&users_lock);
    bool last = --u->refs == 0;
    if (last)
        list_del(&u->link);
    spin_unlock(&users_lock);
    if (last)
        kfree(u);
}

bool user_count_charge(struct user_count *u, u64 limit, bool force)
{
    if (atomic_fetch_add(&u->tasks, 1) < limit || force)
        return true;
    atomic_fetch_sub(&u->tasks, 1);
    return false;
}

void user_count_uncharge(struct user_count *u)
{
    atomic_fetch_sub(&u->tasks, 1);
}
