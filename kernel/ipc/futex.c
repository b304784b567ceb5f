// Futexes: hash buckets of waiting threads. A bucket is a tree by key of the first waiter of each
// key; the others of that key stand behind it in a ring, in order of arrival.
//
// Guarded by the bucket's spinlock: its tree and rings, and for each waiter `bucket` (which changes
// when it is moved) and `woken`. Two buckets are taken in order of address. User words are read
// under the lock only when that needs no sleep; else the lock is dropped, the page is brought in,
// and everything starts again, so a change of the word between test and sleep is always seen.
#include <ipc/futex.h>
#include <ipc/init.h>
#include <kerr.h>
#include <lib/rbtree.h>
#include <sched/lock.h>

enum : u32 { BUCKET_BITS = 8, BUCKETS = 1u << BUCKET_BITS };

struct bucket {
    struct spinlock lock; // class futex_bucket
    struct rb_root keys;  // futex_waiter.node
};

struct futex_waiter {
    struct rb_node node; // in bucket->keys, if it is its key's first
    struct list ring;    // the waiters of the key
    struct thread *thread;
    struct futex_key key;
    u32 bits;
    struct bucket *_Atomic bucket;
    _Atomic bool woken; // off the bucket; set last by the waker
};

static struct bucket buckets[BUCKETS];

void futex_init(void)
{
    for (u32 i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, &lock_class_futex_bucket);
        buckets[i].keys = (struct rb_root)RB_ROOT_INIT;
    }
}

static struct bucket *bucket_of(const struct futex_key *k)
{
    u64 h = (k->a ^ (k->b >> 2)) * 0x9e37'79b9'7f4a'7c15ull;
    h ^= (k->b << 7) * 0xbf58'476d'1ce4'e5b9ull;
    return &buckets[h >> (64 - BUCKET_BITS)];
}

static bool same(const struct futex_key *x, const struct futex_key *y)
{
    return x->a == y->a && x->b == y->b;
}

static void lock_pair(struct bucket *x, struct bucket *y)
{
    struct bucket *first = x < y ? x : y, *second = x < y ? y : x;
    spin_lock(&first->lock);
    if (first != second)
        spin_lock_nested(&second->lock);
}

static void unlock_pair(struct bucket *x, struct bucket *y)
{
    if (x != y)
        spin_unlock(&y->lock);
    spin_unlock(&x->lock);
}

// --- bucket's lock held ---

// The first waiter of the key, or NULL with the place where it belongs.
static struct futex_waiter *find(struct bucket *b, const struct futex_key *k,
                                 struct rb_node **parent, struct rb_node ***link)
{
    *parent = NULL;
    *link = &b->keys.node;
    while (**link) {
        struct futex_waiter *w = rb_entry(**link, struct futex_waiter, node);
        if (same(&w->key, k))
            return w;
        *parent = &w->node;
        bool left = k->b != w->key.b ? k->b < w->key.b : k->a < w->key.a;
        *link = left ? &w->node.left : &w->node.right;
    }
    return NULL;
}

static void join(struct bucket *b, struct futex_waiter *w)
{
    struct rb_node *parent, **link;
    struct futex_waiter *first = find(b, &w->key, &parent, &link);
    list_init(&w->ring);
    if (first) {
        rb_clear_node(&w->node);
        list_add_tail(&first->ring, &w->ring);
        return;
    }
    rb_link(&w->node, parent, link);
    rb_insert_color(&b->keys, &w->node);
}

static void take_off(struct bucket *b, struct futex_waiter *w)
{
    if (!rb_empty_node(&w->node)) {
        if (list_empty(&w->ring))
            rb_erase(&b->keys, &w->node);
        else
            rb_replace(&b->keys, &w->node,
                       &list_entry(w->ring.next, struct futex_waiter, ring)->node);
    }
    list_del(&w->ring);
}

// Takes w off its bucket and wakes it. The waiter's frame may be gone as soon as `woken` is set.
static void wake_waiter(struct bucket *b, struct futex_waiter *w)
{
    struct thread *t = w->thread;
    take_off(b, w);
    thread_get(t);
    atomic_store_explicit(&w->woken, true, memory_order_release);
    (void)thread_wake(t);
    thread_put(t);
}

static struct futex_waiter *after(struct futex_waiter *w)
{
    return list_entry(w->ring.next, struct futex_waiter, ring);
}

// The waiters of a key in order of arrival: w, and which one ends the walk. The body may take w off
// and may put it back at the end.
static struct futex_waiter *first_and_last(struct bucket *b, const struct futex_key *key,
                                           struct futex_waiter **last)
{
    struct rb_node *parent, **link;
    struct futex_waiter *w = find(b, key, &parent, &link);
    if (w)
        *last = list_entry(w->ring.prev, struct futex_waiter, ring);
    return w;
}

static u32 wake_matching(struct bucket *b, const struct futex_key *key, u32 n, u32 bits)
{
    u32 done = 0;
    struct futex_waiter *last, *next, *w = first_and_last(b, key, &last);
    for (; w && done < n; w = next) {
        next = w == last ? NULL : after(w);
        if (!(w->bits & bits))
            continue;
        wake_waiter(b, w);
        done++;
    }
    return done;
}

static u32 move_matching(struct bucket *x, const struct futex_key *from, struct bucket *y,
                         const struct futex_key *to, u32 n)
{
    u32 done = 0;
    struct futex_waiter *last, *next, *w = first_and_last(x, from, &last);
    for (; w && done < n; w = next) {
        next = w == last ? NULL : after(w);
        take_off(x, w);
        w->key = *to;
        join(y, w);
        atomic_store_explicit(&w->bucket, y, memory_order_release);
        done++;
    }
    return done;
}

// Reads the word without sleeping while locks are held; -E_AGAIN means: drop them, call fault_in,
// start again.
static int fault_in(uaddr_t a)
{
    u32 ignored;
    return user_load32(a, &ignored, false);
}

// Takes w off whatever bucket it is in, unless it was woken. True if it was still waiting.
static bool leave(struct futex_waiter *w)
{
    while (!atomic_load_explicit(&w->woken, memory_order_acquire)) {
        struct bucket *b = atomic_load_explicit(&w->bucket, memory_order_acquire);
        spin_lock(&b->lock);
        bool here = b == atomic_load_explicit(&w->bucket, memory_order_relaxed) && !w->woken;
        if (here)
            take_off(b, w);
        spin_unlock(&b->lock);
        if (here)
            return true;
    }
    return false;
}

int futex_wait(uaddr_t a, u32 value, u32 bits, bool private, u64 deadline_ns)
{
    if (!bits)
        return -E_INVAL;
    struct futex_waiter w = {.thread = current(), .bits = bits};
    int err;
    for (;;) {
        err = user_futex_key(a, private, &w.key);
        if (err)
            return err;
        struct bucket *b = bucket_of(&w.key);
        spin_lock(&b->lock);
        u32 seen;
        err = user_load32(a, &seen, true);
        if (!err && seen == value) {
            atomic_init(&w.bucket, b);
            join(b, &w);
            spin_unlock(&b->lock);
            break;
        }
        spin_unlock(&b->lock);
        if (!err)
            return -E_AGAIN;
        if (err != -E_AGAIN)
            return err;
        err = fault_in(a);
        if (err)
            return err;
    }
    err = 0;
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        if (atomic_load_explicit(&w.woken, memory_order_acquire) || err)
            break;
        err = wait_sleep(THREAD_SLEEPING, deadline_ns);
    }
    thread_set_state(THREAD_RUNNABLE);
    return leave(&w) ? err : 0;
}

i64 futex_wake(uaddr_t a, u32 n, u32 bits, bool private)
{
    struct futex_key key;
    if (!bits)
        return -E_INVAL;
    int err = user_futex_key(a, private, &key);
    if (err)
        return err;
    struct bucket *b = bucket_of(&key);
    spin_lock(&b->lock);
    u32 done = wake_matching(b, &key, n, bits);
    spin_unlock(&b->lock);
    return done;
}

i64 futex_requeue(uaddr_t a, uaddr_t b, u32 nwake, u32 nmove, bool compare, u32 value, bool private)
{
    for (;;) {
        struct futex_key from, to;
        int err = user_futex_key(a, private, &from);
        if (!err)
            err = user_futex_key(b, private, &to);
        if (err)
            return err;
        struct bucket *x = bucket_of(&from), *y = bucket_of(&to);
        lock_pair(x, y);
        u32 seen = value;
        err = compare ? user_load32(a, &seen, true) : 0;
        if (err || seen != value) {
            unlock_pair(x, y);
            if (!err)
                return -E_AGAIN;
            if (err != -E_AGAIN)
                return err;
            err = fault_in(a);
            if (err)
                return err;
            continue;
        }
        u32 woken = wake_matching(x, &from, nwake, FUTEX_ANY_BITS);
        u32 moved = move_matching(x, &from, y, &to, nmove);
        unlock_pair(x, y);
        return compare ? (i64)woken + moved : woken;
    }
}

static bool change_valid(const struct futex_change *c)
{
    return c->op <= FUTEX_OP_XOR && c->cmp <= FUTEX_CMP_GE;
}

static u32 changed_value(const struct futex_change *c, u32 old)
{
    u32 arg = (u32)c->arg;
    switch (c->op) {
    case FUTEX_OP_SET:
        return arg;
    case FUTEX_OP_ADD:
        return old + arg;
    case FUTEX_OP_OR:
        return old | arg;
    case FUTEX_OP_ANDN:
        return old & ~arg;
    default:
        return old ^ arg;
    }
}

static bool compares(const struct futex_change *c, i32 old)
{
    switch (c->cmp) {
    case FUTEX_CMP_EQ:
        return old == c->cmp_arg;
    case FUTEX_CMP_NE:
        return old != c->cmp_arg;
    case FUTEX_CMP_LT:
        return old < c->cmp_arg;
    case FUTEX_CMP_LE:
        return old <= c->cmp_arg;
    case FUTEX_CMP_GT:
        return old > c->cmp_arg;
    default:
        return old >= c->cmp_arg;
    }
}

// Applies the change to the user's word; *old gets what was there. May sleep.
static int change_word(uaddr_t a, const struct futex_change *c, u32 *old)
{
    int err = user_load32(a, old, false);
    while (!err) {
        u32 seen;
        err = user_cmpxchg32(a, *old, changed_value(c, *old), &seen);
        if (!err)
            return 0;
        if (err != -E_AGAIN)
            break;
        *old = seen;
        err = 0;
    }
    return err;
}

i64 futex_wake_op(uaddr_t a, uaddr_t b, u32 n1, u32 n2, const struct futex_change *c, bool private)
{
    struct futex_key ka, kb;
    if (!change_valid(c))
        return -E_NOSYS;
    int err = user_futex_key(a, private, &ka);
    if (!err)
        err = user_futex_key(b, private, &kb);
    u32 old;
    // The change comes first and by itself: a waiter that reads the new word does not sleep, one
    // that read the old word is on its list by the time the bucket is locked below. That is all the
    // caller can tell from doing both under the locks.
    if (!err)
        err = change_word(b, c, &old);
    if (err)
        return err;
    struct bucket *x = bucket_of(&ka), *y = bucket_of(&kb);
    lock_pair(x, y);
    i64 done = wake_matching(x, &ka, n1, FUTEX_ANY_BITS);
    if (compares(c, (i32)old))
        done += wake_matching(y, &kb, n2, FUTEX_ANY_BITS);
    unlock_pair(x, y);
    return done;
}
