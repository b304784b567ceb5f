// The path cache: hash table, life time of dentries, reclaim.
// Chains are changed under striped bucket locks and read under RCU. refs: free to take while >= 0;
// a dentry with none stays cached on the LRU until it is wanted again, unhashed or reclaimed. Order
// of locks: bucket, dentry; the LRU lock has the dentry's class and is never held together with
// one.
#include <device/random.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <vfs/dentry.h>
#include <vfs/fs.h>

enum { DENTRY_DYING = -0x40000000, BUCKET_LOCKS = 256, SHRINK_BATCH = 64 };

struct dentry *_Atomic *dentry_buckets;
u32 dentry_bucket_shift;
static struct spinlock bucket_locks[BUCKET_LOCKS];
static struct spinlock lru_lock;
static struct list lru = LIST_INIT(lru);
static _Atomic u64 lru_count; // lru_lock for writers
static u64 lru_limit;
static _Atomic u64 total_count;
u64 dentry_hash_seed = 0x5bd1'e995'7b93'1c4full;
_Atomic u32 vfs_tree_seq;
static struct spinlock tree_seq_lock;

DEFINE_SLAB(dentry_cache, struct dentry);

static u64 lru_length(void)
{
    return atomic_load_explicit(&lru_count, memory_order_relaxed);
}

static void lru_counted(i64 n)
{
    atomic_store_explicit(&lru_count, lru_length() + (u64)n, memory_order_relaxed);
}

void vfs_tree_write_begin(void)
{
    spin_lock(&tree_seq_lock);
    atomic_fetch_add_explicit(&vfs_tree_seq, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}

void vfs_tree_write_end(void)
{
    atomic_fetch_add_explicit(&vfs_tree_seq, 1, memory_order_release);
    spin_unlock(&tree_seq_lock);
}

u64 dentry_pack_name(const char *s, usize len, u64 words[NAME_WORDS])
{
    u64 h = dentry_hash_seed;
    for (usize i = 0; i * 8 < len; i++) {
        u64 w = 0;
        for (usize k = 0; k < 8 && i * 8 + k < len; k++)
            w |= (u64)(u8)s[i * 8 + k] << (8 * k);
        words[i] = w;
        h = dentry_hash_word(h, w);
    }
    return dentry_hash_done(h, len);
}

u64 dentry_hash_name(const char *s, usize len)
{
    u64 words[NAME_WORDS];
    return dentry_pack_name(s, len, words);
}

static inline struct spinlock *bucket_lock(u64 index)
{
    return &bucket_locks[index % BUCKET_LOCKS];
}

struct dentry *dentry_find(struct dentry *parent, const struct pathname *name)
{
    u64 words[NAME_WORDS], hash_len = dentry_pack_name(name->str, name->len, words);
    for (;;) {
        u32 seq = atomic_load_explicit(&vfs_tree_seq, memory_order_acquire);
        rcu_read_lock();
        struct dentry *d = dentry_find_rcu(parent, words, hash_len);
        bool got = d && dentry_tryget(d);
        rcu_read_unlock();
        atomic_thread_fence(memory_order_acquire);
        bool steady =
            !(seq & 1) && atomic_load_explicit(&vfs_tree_seq, memory_order_relaxed) == seq;
        if (got && steady && !dentry_unhashed(d))
            return d;
        if (got)
            dentry_put(d);
        else if (steady) // absent, or just dying: a new one may stand beside it
            return NULL;
        arch_relax();
    }
}

// --- hash chains -----------------------------------------------------------------------------

static void hash_insert(struct dentry *d)
{
    u64 index = dentry_bucket(d->parent, d->hash_len);
    spin_lock(bucket_lock(index));
    struct dentry *head = atomic_load_explicit(&dentry_buckets[index], memory_order_relaxed);
    atomic_store_explicit(&d->hash_next, head, memory_order_relaxed);
    d->hash_prev = &dentry_buckets[index];
    if (head)
        head->hash_prev = &d->hash_next;
    atomic_fetch_and_explicit(&d->flags, ~(u32)DENTRY_UNHASHED, memory_order_relaxed);
    rcu_store(dentry_buckets[index], d);
    spin_unlock(bucket_lock(index));
}

static void hash_remove(struct dentry *d)
{
    u64 index = dentry_bucket(d->parent, d->hash_len);
    spin_lock(bucket_lock(index));
    if (d->hash_prev) {
        struct dentry *next = atomic_load_explicit(&d->hash_next, memory_order_relaxed);
        rcu_store(*d->hash_prev, next);
        if (next)
            next->hash_prev = d->hash_prev;
        d->hash_prev = NULL;
    }
    atomic_fetch_or_explicit(&d->flags, DENTRY_UNHASHED, memory_order_seq_cst);
    spin_unlock(bucket_lock(index));
}

// --- life time -------------------------------------------------------------------------------

static void dentry_free_rcu(struct rcu_head *head)
{
    struct dentry *d = container_of(head, struct dentry, rcu);
    if (atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_NAME_OUTSIDE)
        kfree((void *)(uintptr_t)d->name); // names move between dentries, each has one
    slab_def_free(&dentry_cache, d);
}

// Frees a dentry whose refs were just made DENTRY_DYING by us. Returns the parent, whose reference
// passes to the caller, or NULL.
static struct dentry *dentry_kill(struct dentry *d)
{
    struct dentry *parent = d->parent;
    if (!dentry_unhashed(d))
        hash_remove(d);
    if (parent != d) {
        spin_lock(&parent->lock);
        list_del(&d->sibling);
        spin_unlock(&parent->lock);
    } else {
        parent = NULL;
    }
    if (atomic_load_explicit(&d->flags, memory_order_seq_cst) & DENTRY_ON_LRU) {
        spin_lock(&lru_lock);
        if (!list_empty(&d->lru)) {
            list_del(&d->lru);
            lru_counted(-1);
        }
        spin_unlock(&lru_lock);
    }
    node_put(d->node);
    atomic_fetch_sub_explicit(&total_count, 1, memory_order_relaxed);
    rcu_call(&d->rcu, dentry_free_rcu);
    return parent;
}

// Claims a dentry nobody references. Then it must be killed.
static bool dentry_claim(struct dentry *d)
{
    i32 zero = 0;
    return atomic_compare_exchange_strong_explicit(&d->refs, &zero, DENTRY_DYING,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

static void lru_add(struct dentry *d)
{
    u32 flags = atomic_load_explicit(&d->flags, memory_order_seq_cst);
    if (flags & DENTRY_ON_LRU) {
        if (!(flags & DENTRY_REFERENCED))
            atomic_fetch_or_explicit(&d->flags, DENTRY_REFERENCED, memory_order_relaxed);
        return;
    }
    spin_lock(&lru_lock);
    if (list_empty(&d->lru) && atomic_load_explicit(&d->refs, memory_order_relaxed) >= 0) {
        atomic_fetch_or_explicit(&d->flags, DENTRY_ON_LRU, memory_order_seq_cst);
        list_add_tail(&lru, &d->lru);
        lru_counted(1);
    }
    spin_unlock(&lru_lock);
}

void dentry_put(struct dentry *d)
{
    while (d) {
        rcu_read_lock(); // d may be reclaimed as soon as its count is zero
        if (atomic_fetch_sub_explicit(&d->refs, 1, memory_order_seq_cst) != 1) {
            rcu_read_unlock();
            return;
        }
        bool mine = false;
        u32 flags = atomic_load_explicit(&d->flags, memory_order_relaxed);
        // What an ended task's directory in /proc has: nobody will ask for it again.
        bool lost = (flags & DENTRY_REVALIDATE) && dentry_unhashed(rcu_load(d->parent));
        if ((flags & DENTRY_UNHASHED) || lost)
            mine = dentry_claim(d);
        else
            lru_add(d);
        rcu_read_unlock();
        if (!mine)
            return;
        d = dentry_kill(d);
    }
}

// Takes up to `scan` dentries from the cold end; kills those unused of sb (NULL: any). Returns how
// many.
static u64 lru_shrink(u64 scan, struct superblock *sb, bool even_referenced)
{
    u64 killed = 0;
    while (scan--) {
        spin_lock(&lru_lock);
        struct list *l = list_pop(&lru);
        if (!l) {
            spin_unlock(&lru_lock);
            break;
        }
        struct dentry *d = list_entry(l, struct dentry, lru);
        u32 flags = atomic_load_explicit(&d->flags, memory_order_relaxed);
        bool skip = sb && d->sb != sb;
        if (skip || (!even_referenced && (flags & DENTRY_REFERENCED))) {
            if (!skip)
                atomic_fetch_and_explicit(&d->flags, ~(u32)DENTRY_REFERENCED, memory_order_relaxed);
            list_add_tail(&lru, &d->lru);
            spin_unlock(&lru_lock);
            continue;
        }
        lru_counted(-1);
        // Off the list first, then look at the count: a put that comes between sees the flag gone
        // and adds it again.
        atomic_fetch_and_explicit(&d->flags, ~(u32)(DENTRY_ON_LRU | DENTRY_REFERENCED),
                                  memory_order_seq_cst);
        bool mine = dentry_claim(d);
        spin_unlock(&lru_lock);
        if (mine) {
            killed++;
            dentry_put(dentry_kill(d));
        }
    }
    return killed;
}

void dentry_shrink(struct superblock *sb)
{
    while (lru_shrink(lru_length(), sb, true))
        ;
}

static u64 reclaim_dentries(u64 want)
{
    // About twenty dentries to a page, and twice as much for the nodes they hold.
    return lru_shrink(want * 20 + SHRINK_BATCH, NULL, false) / 10;
}

static struct reclaim_hook reclaim_hook = {.fn = reclaim_dentries};

static void set_name(struct dentry *d, const char *text, u64 hash_len)
{
    atomic_store_explicit(&d->name, text, memory_order_release);
    atomic_store_explicit(&d->hash_len, hash_len, memory_order_release);
}

// A dentry with one reference, unhashed, without node; holds a reference on parent (NULL: it is its
// own).
static struct dentry *dentry_alloc(struct superblock *sb, struct dentry *parent, const char *name,
                                   usize len)
{
    if (UNLIKELY(lru_length() > lru_limit))
        (void)lru_shrink(SHRINK_BATCH, NULL, false);
    struct dentry *d = slab_def_alloc(&dentry_cache, 0);
    if (!d)
        return NULL;
    memset(d, 0, sizeof(*d));
    char *text = d->inline_name;
    u32 flags = DENTRY_UNHASHED;
    if (len >= DENTRY_INLINE_NAME) {
        text = kzalloc(ALIGN_UP(len + 1, 8), 0);
        if (!text) {
            slab_def_free(&dentry_cache, d);
            return NULL;
        }
        flags |= DENTRY_NAME_OUTSIDE;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    set_name(d, text, dentry_hash_name(name, len));
    atomic_init(&d->flags, flags);
    atomic_init(&d->refs, 1);
    d->sb = sb;
    spin_init(&d->lock, &lock_class_dentry);
    list_init(&d->children);
    list_init(&d->sibling);
    list_init(&d->lru);
    atomic_init(&d->parent, parent ? parent : d);
    if (parent) {
        dentry_get(parent);
        spin_lock(&parent->lock);
        list_add_tail(&parent->children, &d->sibling);
        spin_unlock(&parent->lock);
    }
    atomic_fetch_add_explicit(&total_count, 1, memory_order_relaxed);
    return d;
}

void dentry_instantiate(struct dentry *d, struct node *n)
{
    if (node_has(n, NODE_REVALIDATE))
        atomic_fetch_or_explicit(&d->flags, DENTRY_REVALIDATE, memory_order_relaxed);
    else if (atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_REVALIDATE)
        atomic_fetch_and_explicit(&d->flags, ~(u32)DENTRY_REVALIDATE, memory_order_relaxed);
    rcu_store(d->node, n);
}

struct dentry *dentry_create_root(struct superblock *sb, struct node *n)
{
    struct dentry *d = dentry_alloc(sb, NULL, "/", 1);
    if (!d) {
        node_put(n);
        return NULL;
    }
    atomic_fetch_or_explicit(&d->flags, DENTRY_ROOT, memory_order_relaxed);
    atomic_fetch_and_explicit(&d->flags, ~(u32)DENTRY_UNHASHED, memory_order_relaxed);
    dentry_instantiate(d, n);
    return d;
}

struct dentry *dentry_create_anon(struct superblock *sb, struct node *n, const char *name)
{
    struct dentry *d = dentry_alloc(sb, NULL, name, strnlen(name, NAME_MAX_LEN));
    if (!d) {
        node_put(n);
        return NULL;
    }
    atomic_fetch_or_explicit(&d->flags, DENTRY_ANON, memory_order_relaxed);
    dentry_instantiate(d, n);
    return d;
}

// --- lookup with the file system's help ------------------------------------------------------

int dentry_lookup_locked(struct dentry *parent, const struct pathname *name, struct dentry **out)
{
    struct node *dir = dentry_node(parent);
    struct dentry *d = dentry_find(parent, name);
    if (d) {
        struct node *n = dentry_node(d);
        u32 flags = atomic_load_explicit(&d->flags, memory_order_relaxed);
        // What something is mounted on stays, so that the mount does.
        if (!(flags & DENTRY_REVALIDATE) || (flags & DENTRY_MOUNTED) ||
            (n && n->ops->revalidate(dir, name, n))) {
            *out = d;
            return 0;
        }
        dentry_unhash(d);
        dentry_put(d);
    }
    if (node_has(dir, NODE_DEAD))
        return -E_NOENT;
    if (!dir->ops->lookup)
        return -E_NOTDIR;
    d = dentry_alloc(parent->sb, parent, name->str, name->len);
    if (!d)
        return -E_NOMEM;
    struct node *n = NULL;
    const struct pathname text = {d->name, name->len};
    int r = dir->ops->lookup(dir, &text, &n);
    bool unsure = node_has(dir, NODE_NO_NEGATIVE);
    if (r == -E_NOENT && (!unsure || dir->ops->create))
        r = 0;
    if (r) {
        dentry_put(d);
        return r;
    }
    if (n)
        dentry_instantiate(d, n);
    else if (unsure) // absent for this time only
        atomic_fetch_or_explicit(&d->flags, DENTRY_REVALIDATE, memory_order_relaxed);
    hash_insert(d);
    *out = d;
    return 0;
}

int dentry_lookup(struct dentry *parent, const struct pathname *name, struct dentry **out)
{
    struct dentry *d = dentry_find(parent, name);
    if (d && !(atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_REVALIDATE)) {
        *out = d;
        return 0;
    }
    dentry_put(d);
    struct node *dir = dentry_node(parent);
    if (mutex_held(&dir->mutex)) // a file system (SB_ACROSS) has come back to where it was asked
        return -E_LOOP;
    mutex_lock(&dir->mutex);
    int r = dentry_lookup_locked(parent, name, out);
    mutex_unlock(&dir->mutex);
    return r;
}

// --- removal and renaming --------------------------------------------------------------------

void dentry_prune_children(struct dentry *d)
{
    for (;;) {
        struct dentry *victim = NULL;
        spin_lock(&d->lock);
        struct dentry *c;
        list_for_each_entry (c, &d->children, sibling) {
            if (dentry_claim(c)) {
                victim = c;
                break;
            }
        }
        spin_unlock(&d->lock);
        if (!victim)
            return;
        dentry_put(dentry_kill(victim));
    }
}

void dentry_unhash(struct dentry *d)
{
    if (!dentry_unhashed(d))
        hash_remove(d);
    dentry_prune_children(d);
}

// Names are read without locks, in words: dentry_find_rcu.
static void store_name(struct dentry *d, const u64 *words)
{
    u64 *to = (u64 *)(void *)d->inline_name;
    for (usize i = 0; i < DENTRY_INLINE_NAME / 8; i++)
        __atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
}

// Exchanges or moves the name text of two dentries. Inside the tree sequence; both unhashed.
static void swap_names(struct dentry *a, struct dentry *b)
{
    u64 a_hash = a->hash_len, b_hash = b->hash_len;
    u32 a_out = a->flags & DENTRY_NAME_OUTSIDE, b_out = b->flags & DENTRY_NAME_OUTSIDE;
    const char *a_name = a->name, *b_name = b->name;
    u64 a_text[DENTRY_INLINE_NAME / 8], b_text[DENTRY_INLINE_NAME / 8];
    atomic_store_explicit(&a->hash_len, 0, memory_order_release);
    atomic_store_explicit(&b->hash_len, 0, memory_order_release);
    memcpy(a_text, a->inline_name, sizeof(a_text));
    memcpy(b_text, b->inline_name, sizeof(b_text));
    store_name(a, b_text);
    store_name(b, a_text);
    set_name(a, b_out ? b_name : a->inline_name, b_hash);
    set_name(b, a_out ? a_name : b->inline_name, a_hash);
    if (a_out != b_out) {
        atomic_fetch_xor_explicit(&a->flags, DENTRY_NAME_OUTSIDE, memory_order_relaxed);
        atomic_fetch_xor_explicit(&b->flags, DENTRY_NAME_OUTSIDE, memory_order_relaxed);
    }
}

static void swap_parents(struct dentry *a, struct dentry *b)
{
    struct dentry *pa = a->parent, *pb = b->parent;
    if (pa == pb)
        return;
    spin_lock(&pa->lock);
    list_del(&a->sibling);
    spin_unlock(&pa->lock);
    spin_lock(&pb->lock);
    list_del(&b->sibling);
    list_add_tail(&pb->children, &a->sibling);
    spin_unlock(&pb->lock);
    spin_lock(&pa->lock);
    list_add_tail(&pa->children, &b->sibling);
    spin_unlock(&pa->lock);
    rcu_store(a->parent, pb);
    rcu_store(b->parent, pa);
}

void dentry_move(struct dentry *d, struct dentry *target, bool exchange)
{
    vfs_tree_write_begin();
    hash_remove(d);
    if (!dentry_unhashed(target) || exchange)
        hash_remove(target);
    swap_names(d, target);
    swap_parents(d, target);
    hash_insert(d);
    if (exchange)
        hash_insert(target);
    vfs_tree_write_end();
}

bool dentry_is_below(struct dentry *d, struct dentry *top)
{
    for (;;) {
        if (d == top)
            return true;
        struct dentry *up = rcu_load(d->parent);
        if (up == d)
            return false;
        d = up;
    }
}

void dentry_stats(struct dentry_stats *out)
{
    *out = (struct dentry_stats){.total = atomic_load_explicit(&total_count, memory_order_relaxed),
                                 .unused = lru_length()};
}

void dentry_init_cache(void)
{
    struct frame_stats fs;
    frame_stats(&fs);
    u64 n = 1024;
    dentry_bucket_shift = 54;
    while (n < fs.total / 16 && n < 1u << 18) {
        n *= 2;
        dentry_bucket_shift--;
    }
    lru_limit = MAX(fs.total / 4, 4096ul);
    dentry_buckets = kzalloc(n * sizeof(*dentry_buckets), 0);
    if (!dentry_buckets)
        panic("vfs: no memory for the path cache (%lu buckets)", (unsigned long)n);
    for (u32 i = 0; i < BUCKET_LOCKS; i++)
        spin_init(&bucket_locks[i], &lock_class_dcache_bucket);
    spin_init(&lru_lock, &lock_class_dentry);
    spin_init(&tree_seq_lock, &lock_class_mount);
    dentry_hash_seed = random_u64();
    frame_add_reclaim(&reclaim_hook);
}
