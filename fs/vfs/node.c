// Nodes: life time, permissions, attributes and times.
// Attribute words are written under node->lock and read without it; the struct outlives its last
// reference by a grace period.
#include <arch/page.h>
#include <device/clock.h>
#include <lib/string.h>
#include <sync/log.h>
#include <vfs/fs.h>
#include <vfs/lock.h>
#include <vfs/node.h>

i64 vfs_now(void)
{
    return clock_realtime_ns();
}

struct timestamp timestamp_from_ns(i64 ns)
{
    i64 sec = ns / (i64)NS_PER_SEC;
    i64 rest = ns % (i64)NS_PER_SEC;
    if (rest < 0) {
        rest += (i64)NS_PER_SEC;
        sec--;
    }
    return (struct timestamp){.sec = sec, .nsec = (u32)rest};
}

i64 timestamp_to_ns(struct timestamp t)
{
    i64 ns;
    if (__builtin_mul_overflow(t.sec, (i64)NS_PER_SEC, &ns) ||
        __builtin_add_overflow(ns, (i64)t.nsec, &ns))
        return t.sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

void node_init(struct node *n, struct superblock *sb, const struct node_ops *ops, u32 mode)
{
    i64 now = vfs_now();
    memset(n, 0, sizeof(*n));
    n->ops = ops;
    n->sb = sb;
    superblock_get(sb);
    n->ino = atomic_fetch_add_explicit(&sb->next_ino, 1, memory_order_relaxed);
    refcount_set(&n->refs, 1);
    atomic_init(&n->mode, mode);
    atomic_init(&n->nlink, 1);
    atomic_init(&n->atime, now);
    atomic_init(&n->mtime, now);
    atomic_init(&n->ctime, now);
    atomic_init(&n->btime, now);
    spin_init(&n->lock, &lock_class_node);
    mutex_init(&n->mutex,
               (mode & MODE_FMT) == MODE_DIR ? &lock_class_node_dir : &lock_class_node_data);
}

static void node_free_rcu(struct rcu_head *head)
{
    struct node *n = container_of(head, struct node, rcu);
    n->ops->free(n);
}

static struct node_observer *_Atomic observers; // grows only

void node_observe(struct node_observer *o)
{
    if (atomic_load_explicit(&o->known, memory_order_relaxed) || atomic_exchange(&o->known, true))
        return;
    o->next = atomic_load(&observers);
    while (!atomic_compare_exchange_weak(&observers, &o->next, o))
        ;
}

void node_put(struct node *n)
{
    if (!n || !refcount_dec_and_test(&n->refs))
        return;
    struct superblock *sb = n->sb;
    if (!atomic_load_explicit(&n->nlink, memory_order_relaxed)) {
        struct node_observer *o = atomic_load_explicit(&observers, memory_order_acquire);
        for (; o; o = o->next)
            o->gone(sb->dev, n->ino);
    }
    if (n->locks)
        lock_free_node(n);
    if (n->ops->destroy)
        n->ops->destroy(n);
    rcu_call(&n->rcu, node_free_rcu);
    superblock_put(sb);
}

// The class that applies, as three bits.
static u32 mode_bits_for(struct node *n, u32 mode, const struct cred *c)
{
    if (atomic_load_explicit(&n->uid, memory_order_relaxed) == c->fsuid)
        return mode >> 6 & 7;
    u32 group = mode >> 3 & 7;
    if (group != (mode & 7) &&
        cred_in_group(c, atomic_load_explicit(&n->gid, memory_order_relaxed)))
        return group;
    return mode & 7;
}

int node_permission_generic(struct node *n, u32 want, const struct cred *c)
{
    u32 mode = node_mode(n);
    if (!(want & ~mode_bits_for(n, mode, c)))
        return 0;
    if ((mode & MODE_FMT) == MODE_DIR) {
        if (!(want & WANT_WRITE) && cred_capable(c, CAP_DAC_READ_SEARCH))
            return 0;
        return cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -E_ACCES;
    }
    if (want == WANT_READ && cred_capable(c, CAP_DAC_READ_SEARCH))
        return 0;
    // Nobody runs what nobody may run.
    if ((!(want & WANT_EXEC) || (mode & 0111)) && cred_capable(c, CAP_DAC_OVERRIDE))
        return 0;
    return -E_ACCES;
}

int node_permission(struct node *n, u32 want, const struct cred *c)
{
    if ((want & WANT_WRITE) && node_has(n, NODE_IMMUTABLE))
        return -E_PERM;
    return n->ops->permission ? n->ops->permission(n, want, c)
                              : node_permission_generic(n, want, c);
}

bool node_owner_or_capable(const struct node *n, const struct cred *c)
{
    return atomic_load_explicit(&n->uid, memory_order_relaxed) == c->fsuid ||
           cred_capable(c, CAP_FOWNER);
}

void node_fill_attr(struct node *n, struct attr *a)
{
    a->mode = node_mode(n);
    a->nlink = atomic_load_explicit(&n->nlink, memory_order_relaxed);
    a->uid = atomic_load_explicit(&n->uid, memory_order_relaxed);
    a->gid = atomic_load_explicit(&n->gid, memory_order_relaxed);
    a->dev = n->sb->dev;
    a->rdev = n->rdev;
    a->ino = n->ino;
    a->size = node_size(n);
    a->blocks =
        n->data ? atomic_load_explicit(&n->data->cached, memory_order_relaxed) * (PAGE_SIZE / 512)
                : 0;
    a->blksize = n->sb->block_size;
    a->flags =
        atomic_load_explicit(&n->flags, memory_order_relaxed) & (NODE_IMMUTABLE | NODE_APPEND);
    a->atime = timestamp_from_ns(atomic_load_explicit(&n->atime, memory_order_relaxed));
    a->mtime = timestamp_from_ns(atomic_load_explicit(&n->mtime, memory_order_relaxed));
    a->ctime = timestamp_from_ns(atomic_load_explicit(&n->ctime, memory_order_relaxed));
    a->btime = timestamp_from_ns(atomic_load_explicit(&n->btime, memory_order_relaxed));
}

int node_getattr(struct node *n, struct attr *a)
{
    if (n->ops->getattr)
        return n->ops->getattr(n, a);
    node_fill_attr(n, a);
    return 0;
}

void node_apply_setattr(struct node *n, const struct setattr *s)
{
    spin_lock(&n->lock);
    if (s->valid & SET_MODE)
        atomic_store_explicit(&n->mode, (node_mode(n) & MODE_FMT) | (s->mode & 07777),
                              memory_order_relaxed);
    if (s->valid & SET_UID)
        atomic_store_explicit(&n->uid, s->uid, memory_order_relaxed);
    if (s->valid & SET_GID)
        atomic_store_explicit(&n->gid, s->gid, memory_order_relaxed);
    if (s->valid & SET_ATIME)
        atomic_store_explicit(&n->atime, s->atime, memory_order_relaxed);
    if (s->valid & SET_MTIME)
        atomic_store_explicit(&n->mtime, s->mtime, memory_order_relaxed);
    if (s->valid & SET_CTIME)
        atomic_store_explicit(&n->ctime, s->ctime, memory_order_relaxed);
    spin_unlock(&n->lock);
}

void node_touch(struct node *n, u32 which)
{
    i64 now = vfs_now();
    if (which & SET_ATIME)
        atomic_store_explicit(&n->atime, now, memory_order_relaxed);
    if (which & SET_MTIME)
        atomic_store_explicit(&n->mtime, now, memory_order_relaxed);
    if (which & SET_CTIME)
        atomic_store_explicit(&n->ctime, now, memory_order_relaxed);
}

int node_truncate(struct node *n, u64 size)
{
    if (size > INT64_MAX)
        return -E_FBIG;
    mutex_lock(&n->mutex);
    int r = 0;
    if (n->ops->truncate)
        r = n->ops->truncate(n, size);
    else if (n->data)
        memobj_truncate(n->data, size);
    else
        r = -E_INVAL;
    if (!r)
        node_touch(n, SET_MTIME | SET_CTIME);
    mutex_unlock(&n->mutex);
    return r;
}

void node_inc_nlink(struct node *n)
{
    atomic_fetch_add_explicit(&n->nlink, 1, memory_order_relaxed);
}

void node_dec_nlink(struct node *n)
{
    atomic_fetch_sub_explicit(&n->nlink, 1, memory_order_relaxed);
}

// writers counts up for each open for writing and down for each program being run from it; it never
// crosses zero.
static int writers_step(struct node *n, i32 step)
{
    i32 v = atomic_load_explicit(&n->writers, memory_order_relaxed);
    do {
        if (step > 0 ? v < 0 : v > 0)
            return -E_TXTBSY;
    } while (!atomic_compare_exchange_weak_explicit(&n->writers, &v, v + step, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return 0;
}

int node_deny_writers(struct node *n)
{
    return writers_step(n, -1);
}

void node_allow_writers(struct node *n)
{
    atomic_fetch_add_explicit(&n->writers, 1, memory_order_release);
}

int node_get_writer(struct node *n)
{
    return writers_step(n, 1);
}

void node_put_writer(struct node *n)
{
    atomic_fetch_sub_explicit(&n->writers, 1, memory_order_release);
}
