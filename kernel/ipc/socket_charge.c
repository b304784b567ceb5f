// How many handles of each user lie in queues of local sockets. They keep open what has no number
// in any task's table, so a user may have only as many there as a task may have numbers.
//
// Owns a record for each user who has some; payers_lock guards them.
#include "socket.h"
#include <lib/hash.h>
#include <mem/slab.h>

enum { BUCKETS = 32 };
struct payer {
    struct list link;
    u32 user;
    u64 count;
};
static struct spinlock payers_lock = SPINLOCK_INIT(&lock_class_object);
static struct list payers[BUCKETS]; // a zeroed head is an empty one

// Locked.
static struct list *bucket_of(u32 user)
{
    struct list *l = &payers[hash_u64(user) >> 59];
    if (!l->next)
        list_init(l);
    return l;
}

static struct payer *find(u32 user)
{
    struct payer *p;
    struct list *bucket = bucket_of(user);
    list_for_each_entry (p, bucket, link)
        if (p->user == user)
            return p;
    return NULL;
}

int socket_charge(u32 user, u32 n, u64 limit)
{
    struct payer *fresh = kmalloc(sizeof(*fresh), ALLOC_USER);
    if (!fresh)
        return -E_NOMEM;
    *fresh = (struct payer){.user = user};
    int err = 0;
    spin_lock(&payers_lock);
    struct payer *p = find(user);
    if (p && p->count > limit) {
        err = -E_TOOMANYREFS;
    } else {
        if (!p) {
            p = fresh;
            fresh = NULL;
            list_add_tail(bucket_of(user), &p->link);
        }
        p->count += n;
    }
    spin_unlock(&payers_lock);
    kfree(fresh);
    return err;
}

void socket_uncharge(u32 user, u32 n)
{
    struct payer *done = NULL;
    spin_lock(&payers_lock);
    struct payer *p = find(user);
    p->count -= n;
    if (!p->count) {
        list_del(&p->link);
        done = p;
    }
    spin_unlock(&payers_lock);
    kfree(done);
}
