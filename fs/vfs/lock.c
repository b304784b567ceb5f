// Advisory locks. All lists of the system are guarded by one spinlock: locks are rare, and finding
// deadlocks needs to see them all. POSIX locks belong to a handle table, open-file locks and flock
// to a struct file. Records are allocated before the lock is taken.
//
// Where others lock a node's file too (node_ops.lock), a second lock keeps what they see and the
// list in step. Who waits for them asks again and again.
#include <arch/time.h>
#include <mem/slab.h>
#include <sched/lock.h>
#include <task/task.h>
#include <vfs/fs.h>
#include <vfs/lock.h>

enum style { STYLE_POSIX, STYLE_OFD, STYLE_FLOCK };

struct held {
    struct list link;  // file_locks.held, by owner and start
    struct list all;   // every lock, for /proc/locks
    struct node *node; // not counted: goes before the node
    void *owner;
    enum style style;
    enum lock_kind kind;
    u32 pid;
    u64 start, end;
};

struct blocked { // a thread that waits, on its stack
    struct list link;
    void *owner, *on; // waits for a lock of `on`
    enum style style;
};

struct file_locks {
    struct list held;
    struct waitqueue changed;
    struct mutex outside; // where node_ops.lock is: held over a change of `held` and its telling
};
enum : u64 { PAUSE_FIRST = NS_PER_MS, PAUSE_MOST = 50 * NS_PER_MS }; // of who waits for others

static struct spinlock lock = SPINLOCK_INIT(&lock_class_node);
static struct list all_locks = LIST_INIT(all_locks);
static struct list all_blocked = LIST_INIT(all_blocked);

static struct file_locks *locks_of(struct node *n)
{
    struct file_locks *l = __atomic_load_n(&n->locks, __ATOMIC_ACQUIRE), *fresh;
    if (l)
        return l;
    fresh = kzalloc(sizeof(*fresh), 0);
    if (!fresh)
        return NULL;
    list_init(&fresh->held);
    waitqueue_init(&fresh->changed);
    mutex_init(&fresh->outside, &lock_class_file_locks);
    if (__atomic_compare_exchange_n(&n->locks, &l, fresh, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return fresh;
    kfree(fresh);
    return l;
}

void lock_free_node(struct node *n)
{
    kfree(n->locks);
    n->locks = NULL;
}

static bool same_space(enum style a, enum style b)
{
    return (a == STYLE_FLOCK) == (b == STYLE_FLOCK);
}

static struct held *conflict(struct file_locks *l, const struct held *want)
{
    struct held *h;
    list_for_each_entry (h, &l->held, link) {
        if (!same_space(h->style, want->style) ||
            (h->owner == want->owner && h->style == want->style))
            continue;
        if (h->end < want->start || h->start > want->end)
            continue;
        if (h->kind == LOCK_KIND_WRITE || want->kind == LOCK_KIND_WRITE)
            return h;
    }
    return NULL;
}

// Would waiting for `on` close a circle back to `owner`? Only POSIX locks take part.
static bool would_deadlock(void *owner, void *on)
{
    for (u32 steps = 0; steps < 64; steps++) {
        if (on == owner)
            return true;
        struct blocked *b;
        void *next = NULL;
        list_for_each_entry (b, &all_blocked, link)
            if (b->owner == on && b->style == STYLE_POSIX)
                next = b->on;
        if (!next)
            return false;
        on = next;
    }
    return true; // too deep to follow: refuse rather than hang
}

static void put_in(struct file_locks *l, struct held *h)
{
    list_add_tail(&l->held, &h->link);
    list_add_tail(&all_locks, &h->all);
}

static void take_out(struct held *h, struct list *freed)
{
    list_del(&h->link);
    list_del(&h->all);
    list_add_tail(freed, &h->link);
}

// Makes [new->start, new->end] of its owner be new->kind. spare: three fresh records; those used
// are taken out of it.
static void apply_lock(struct file_locks *l, const struct held *want, struct list *spare,
                       struct list *freed)
{
    struct held *h, *next;
    u64 start = want->start, end = want->end;
    list_for_each_entry_safe (h, next, &l->held, link) {
        if (h->owner != want->owner || h->style != want->style)
            continue;
        bool touches = h->kind == want->kind &&
                       (h->end + 1 == start || (end != UINT64_MAX && end + 1 == h->start));
        if ((h->end < start || h->start > end) && !touches)
            continue;
        if (h->kind == want->kind) { // grow together
            start = MIN(start, h->start);
            end = MAX(end, h->end);
            take_out(h, freed);
            continue;
        }
        if (h->start < start && h->end > end) { // cut in two
            struct held *tail = list_entry(list_pop(spare), struct held, link);
            *tail = *h;
            list_init(&tail->link);
            list_init(&tail->all);
            tail->start = end + 1;
            h->end = start - 1;
            put_in(l, tail);
        } else if (h->start < start) {
            h->end = start - 1;
        } else if (h->end > end) {
            h->start = end + 1;
        } else {
            take_out(h, freed);
        }
    }
    if (want->kind != LOCK_KIND_NONE) {
        struct held *fresh = list_entry(list_pop(spare), struct held, link);
        *fresh = *want;
        fresh->start = start;
        fresh->end = end;
        list_init(&fresh->link);
        list_init(&fresh->all);
        put_in(l, fresh);
    }
}

static void free_list(struct list *l)
{
    struct list *i;
    while ((i = list_pop(l)))
        kfree(list_entry(i, struct held, link));
}

// --- others who lock the same file; l->outside held ---

static void enter(struct node *n, struct file_locks *l)
{
    if (n->ops->lock)
        mutex_lock(&l->outside);
}

static void leave(struct node *n, struct file_locks *l)
{
    if (n->ops->lock)
        mutex_unlock(&l->outside);
}

// For ours to become what want says.
static int take_outside(const struct held *want)
{
    const struct range_lock r = {.kind = want->kind, .start = want->start, .end = want->end};
    return want->node->ops->lock(want->node, want->style == STYLE_FLOCK, &r);
}

// What is left of [start, end] with nobody of ours on it is given back.
static void give_outside(struct node *n, struct file_locks *l, enum style style, u64 start, u64 end)
{
    for (u64 at = start;; at++) {
        u64 stop = end;
        bool kept = false;
        struct held *h;
        spin_lock(&lock);
        list_for_each_entry (h, &l->held, link) {
            if (!same_space(h->style, style) || h->end < at || h->start > stop)
                continue;
            kept = h->start <= at;
            stop = kept ? h->end : h->start - 1;
            if (kept)
                break;
        }
        spin_unlock(&lock);
        const struct range_lock r = {.kind = LOCK_KIND_NONE, .start = at, .end = stop};
        if (!kept)
            (void)!n->ops->lock(n, style == STYLE_FLOCK, &r);
        if (stop >= end)
            return;
        at = stop;
    }
}

// --- taking ---

// A thread on its way to a lock.
struct request {
    struct held want;
    bool wait;
    struct list spare, freed; // records
    struct blocked b;
    struct waiter w;
};

// Tries once. -E_AGAIN: *outside says whether somebody of ours is in the way or another; who is to
// wait is among the waiters then, before the lock is dropped, so that no release slips by.
static int try_lock(struct file_locks *l, struct request *r, bool *outside)
{
    const struct held *want = &r->want;
    struct node *n = want->node;
    int err = 0;
    enter(n, l);
    spin_lock(&lock);
    struct held *c = want->kind == LOCK_KIND_NONE ? NULL : conflict(l, want);
    *outside = !c && n->ops->lock && want->kind != LOCK_KIND_NONE;
    if (c) {
        r->b.on = c->owner;
        err = r->wait && want->style == STYLE_POSIX && would_deadlock(r->b.owner, r->b.on)
                  ? -E_DEADLK
                  : -E_AGAIN;
        if (r->wait && err == -E_AGAIN)
            list_add_tail(&all_blocked, &r->b.link);
    } else if (*outside) {
        spin_unlock(&lock);
        err = take_outside(want);
        spin_lock(&lock);
    }
    if (!err)
        apply_lock(l, want, &r->spare, &r->freed);
    else if (r->wait && err == -E_AGAIN)
        wait_add(&l->changed, &r->w);
    spin_unlock(&lock);
    if (n->ops->lock && want->kind == LOCK_KIND_NONE)
        give_outside(n, l, want->style, want->start, want->end);
    leave(n, l);
    return err;
}

// After try_lock said -E_AGAIN: until it is worth trying again. 0, -E_RESTART.
static int wait_turn(struct file_locks *l, struct request *r, bool outside, u64 pause)
{
    thread_set_state(THREAD_SLEEPING);
    spin_lock(&lock);
    bool still = outside || conflict(l, &r->want) != NULL;
    spin_unlock(&lock);
    u64 until = outside ? arch_time_ns() + pause : WAIT_FOREVER;
    int slept = still ? wait_sleep(THREAD_SLEEPING, until) : 0;
    thread_set_state(THREAD_RUNNABLE);
    wait_remove(&l->changed, &r->w);
    spin_lock(&lock);
    list_del(&r->b.link);
    spin_unlock(&lock);
    return slept == -E_TIMEDOUT ? 0 : slept;
}

static int set_lock(struct node *n, const struct held *want, bool wait)
{
    struct file_locks *l = locks_of(n);
    struct request r = {.want = *want,
                        .wait = wait,
                        .spare = LIST_INIT(r.spare),
                        .freed = LIST_INIT(r.freed),
                        .b = {.owner = want->owner, .style = want->style},
                        .w = {.thread = current()}};
    for (u32 i = 0; l && i < 2; i++) {
        struct held *h = kzalloc(sizeof(*h), 0);
        if (!h) {
            l = NULL;
            break;
        }
        list_add_tail(&r.spare, &h->link);
    }
    if (!l) {
        free_list(&r.spare);
        return -E_NOLCK;
    }
    list_init(&r.b.link);
    list_init(&r.w.link);
    int err;
    bool outside;
    u64 pause = PAUSE_FIRST;
    while ((err = try_lock(l, &r, &outside)) == -E_AGAIN && wait) {
        err = wait_turn(l, &r, outside, pause) ? -E_RESTART : 0;
        if (err)
            break;
        pause = outside ? MIN(pause * 2, PAUSE_MOST) : PAUSE_FIRST;
    }
    free_list(&r.spare);
    free_list(&r.freed);
    if (!err)
        wake_all(&l->changed, 0);
    return err;
}

static void fill_owner(struct held *h, struct file *f, enum style style)
{
    h->node = f->node;
    h->style = style;
    h->owner = style == STYLE_POSIX ? (void *)current_handles() : (void *)f;
    h->pid = style == STYLE_OFD ? UINT32_MAX : current_task() ? current_task()->pid : 0;
}

int lock_range(struct file *f, const struct range_lock *rl, bool owner_is_file, bool wait)
{
    if ((rl->kind == LOCK_KIND_READ && !(f->access & FILE_READ)) ||
        (rl->kind == LOCK_KIND_WRITE && !(f->access & FILE_WRITE)))
        return -E_BADF;
    struct held want = {.kind = rl->kind, .start = rl->start, .end = rl->end};
    fill_owner(&want, f, owner_is_file ? STYLE_OFD : STYLE_POSIX);
    return set_lock(f->node, &want, wait);
}

int lock_query(struct file *f, struct range_lock *rl, bool owner_is_file)
{
    struct held want = {.kind = rl->kind, .start = rl->start, .end = rl->end};
    fill_owner(&want, f, owner_is_file ? STYLE_OFD : STYLE_POSIX);
    struct held *c = NULL;
    if (f->node->locks) {
        spin_lock(&lock);
        c = conflict(f->node->locks, &want);
        if (c)
            *rl = (struct range_lock){
                .kind = c->kind, .start = c->start, .end = c->end, .pid = c->pid};
        spin_unlock(&lock);
    }
    if (!c && f->node->ops->lock_query)
        return f->node->ops->lock_query(f->node, rl);
    if (!c)
        rl->kind = LOCK_KIND_NONE;
    return 0;
}

int lock_flock(struct file *f, enum lock_kind kind, bool wait)
{
    struct held want = {.kind = kind, .start = 0, .end = UINT64_MAX};
    fill_owner(&want, f, STYLE_FLOCK);
    // A change of kind gives the old lock up first, as flock(2) says.
    if (kind != LOCK_KIND_NONE && f->node->locks) {
        struct held none = want, *h;
        bool other = false;
        spin_lock(&lock);
        list_for_each_entry (h, &f->node->locks->held, link)
            other |= h->owner == f && h->style == STYLE_FLOCK && h->kind != kind;
        spin_unlock(&lock);
        none.kind = LOCK_KIND_NONE;
        int r = other ? set_lock(f->node, &none, false) : 0;
        if (r)
            return r;
    }
    return set_lock(f->node, &want, wait);
}

static void release_matching(struct node *n, void *owner, bool posix)
{
    struct list freed = LIST_INIT(freed);
    struct held *h, *next;
    struct file_locks *l = n->locks;
    enter(n, l);
    spin_lock(&lock);
    list_for_each_entry_safe (h, next, &l->held, link)
        if (h->owner == owner && (h->style == STYLE_POSIX) == posix)
            take_out(h, &freed);
    spin_unlock(&lock);
    bool any = !list_empty(&freed);
    if (n->ops->lock)
        list_for_each_entry (h, &freed, link)
            give_outside(n, l, h->style, h->start, h->end);
    leave(n, l);
    free_list(&freed);
    if (any)
        wake_all(&l->changed, 0);
}

void lock_release_owner(struct file *f, void *owner)
{
    if (f->node->locks)
        release_matching(f->node, owner, true);
}

void lock_release_file(struct file *f)
{
    if (f->node->locks)
        release_matching(f->node, f, false);
}

int lock_for_each(int (*fn)(const struct lock_info *i, void *arg), void *arg)
{
    static const char *const names[] = {"POSIX", "OFDLCK", "FLOCK"};
    for (u64 index = 0;; index++) { // one at a time: fn may sleep
        struct lock_info i = {0};
        struct held *h;
        u64 at = 0;
        bool found = false;
        spin_lock(&lock);
        list_for_each_entry (h, &all_locks, all) {
            if (at++ != index)
                continue;
            i = (struct lock_info){names[h->style],
                                   h->kind == LOCK_KIND_WRITE,
                                   false,
                                   h->pid,
                                   h->node->sb->dev,
                                   h->node->ino,
                                   h->start,
                                   h->end};
            found = true;
            break;
        }
        spin_unlock(&lock);
        if (!found)
            return 0;
        int r = fn(&i, arg);
        if (r)
            return r;
    }
}
