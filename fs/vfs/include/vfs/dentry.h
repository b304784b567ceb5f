// The path cache: (parent, name) -> node, also for names known to be absent. Lookups take no lock
// and no reference (RCU). A dentry's node is NULL (negative) or set once and for all; its parent
// and name change only in a rename, under vfs_tree_seq.
#pragma once
#include <lib/list.h>
#include <vfs/node.h>

enum dentry_flags {
    DENTRY_MOUNTED = 1,    // something is mounted here (in some namespace): ask the mount table
    DENTRY_UNHASHED = 2,   // removed, or never entered: not found any more
    DENTRY_REVALIDATE = 4, // node says names must be confirmed; without node: absence must be
    DENTRY_ON_LRU = 8,
    DENTRY_REFERENCED = 16,    // used since the reclaimer last looked
    DENTRY_ROOT = 32,          // of a file system
    DENTRY_ANON = 64,          // no parent (memfd and the like)
    DENTRY_NAME_OUTSIDE = 128, // name does not fit inline
};
enum { DENTRY_INLINE_NAME = 40 };

struct dentry {
    // --- read by lock-free walks ---
    struct dentry *_Atomic hash_next; // guarded by the bucket's lock for writers
    struct dentry *_Atomic parent;    // counted; itself for roots
    _Atomic u64 hash_len;             // hash << 8 | length
    const char
        *_Atomic name; // inline_name or a block of its own; NUL-terminated, zeroes to the next word
    struct node *_Atomic node;
    _Atomic u32 flags;
    _Atomic i32 refs;                                // < 0: dying, can not be referenced any more
    alignas(8) char inline_name[DENTRY_INLINE_NAME]; // unused bytes are zero
    struct superblock *sb;
    struct dentry *_Atomic *hash_prev; // bucket lock
    // --- guarded by `lock` (class dentry) ---
    struct spinlock lock;
    struct list children;
    struct list sibling; // parent's lock
    // --- guarded by the LRU lock ---
    struct list lru;
    struct rcu_head rcu;
};

// The sequence of the tree of names: odd while a rename or a change of mounts is going on. Walks
// without references are valid only if it did not change meanwhile.
extern _Atomic u32 vfs_tree_seq;
void vfs_tree_write_begin(void); // takes a spinlock (class mount)
void vfs_tree_write_end(void);

static inline struct node *dentry_node(const struct dentry *d)
{
    return rcu_load(((struct dentry *)(uintptr_t)d)->node);
}
static inline bool dentry_negative(const struct dentry *d)
{
    return dentry_node(d) == NULL;
}
static inline bool dentry_unhashed(const struct dentry *d)
{
    return atomic_load_explicit(&d->flags, memory_order_relaxed) & DENTRY_UNHASHED;
}
static inline void
dentry_get(struct dentry *d) // caller owns a reference, or a lock that keeps it alive
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
}
// Under RCU: false when it is dying.
[[nodiscard]] static inline bool dentry_tryget(struct dentry *d)
{
    i32 v = atomic_load_explicit(&d->refs, memory_order_relaxed);
    while (v >= 0)
        if (atomic_compare_exchange_weak_explicit(&d->refs, &v, v + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}
void dentry_put(
    struct dentry *d); // NULL allowed; may sleep when the last reference of a removed name goes

// Names are hashed and compared eight bytes at a time: a name as words, first byte lowest, the last
// word filled up with zeroes, is how cached names lie in memory. Hashing starts from a random word
// per boot.
enum { NAME_WORDS = (NAME_MAX_LEN + 8) / 8 };
extern u64 dentry_hash_seed;
static inline u64 dentry_hash_word(u64 h, u64 w)
{
    h = (h ^ w) * 0x9e37'79b9'7f4a'7c15ull;
    return h ^ h >> 29;
}
static inline u64 dentry_hash_done(u64 h, usize len) // hash_len as in the struct
{
    return (h * 0xbf58'476d'1ce4'e5b9ull) >> 8 << 8 | len;
}
// Packs a name of at most NAME_MAX_LEN bytes; returns its hash_len.
u64 dentry_pack_name(const char *s, usize len, u64 words[NAME_WORDS]);
u64 dentry_hash_name(const char *s, usize len);

extern struct dentry *_Atomic *dentry_buckets;
extern u32 dentry_bucket_shift; // 64 - log2(number of buckets)
static inline u64 dentry_bucket(const struct dentry *parent, u64 hash_len)
{
    return ((hash_len >> 8) + ((uintptr_t)parent >> 6)) * 0x9e37'79b9'7f4a'7c15ull >>
           dentry_bucket_shift;
}

// Finds without locks; RCU read side. Not counted. NULL: not cached. The result may be negative or
// just dying. Comparing stops at the first difference: cached names end with NUL inside what is
// theirs and components hold none, so that nothing else is read even while a rename exchanges name
// and length.
static inline struct dentry *dentry_find_rcu(const struct dentry *parent, const u64 *words,
                                             u64 hash_len)
{
    struct dentry *d = rcu_load(dentry_buckets[dentry_bucket(parent, hash_len)]);
    for (; d; d = rcu_load(d->hash_next)) {
        if (atomic_load_explicit(&d->hash_len, memory_order_acquire) != hash_len ||
            atomic_load_explicit(&d->parent, memory_order_relaxed) != parent)
            continue;
        const u64 *cached =
            (const u64 *)(const void *)atomic_load_explicit(&d->name, memory_order_acquire);
        usize i = 0, n = ((hash_len & 0xff) + 7) / 8;
        while (__atomic_load_n(&cached[i], __ATOMIC_RELAXED) == words[i])
            if (++i == n)
                return d;
    }
    return NULL;
}
// The same, counted.
struct dentry *dentry_find(struct dentry *parent, const struct pathname *name);
// Cached or looked up in the file system: counted dentry, maybe negative. parent's node mutex held
// (lookup_locked) or not.
[[nodiscard]] int dentry_lookup_locked(struct dentry *parent, const struct pathname *name,
                                       struct dentry **out);
[[nodiscard]] int dentry_lookup(struct dentry *parent, const struct pathname *name,
                                struct dentry **out);
// A dentry of a file system's root or of something without a name. Consumes the node reference in
// any case. NULL: no memory.
[[nodiscard]] struct dentry *dentry_create_root(struct superblock *sb, struct node *n);
[[nodiscard]] struct dentry *dentry_create_anon(struct superblock *sb, struct node *n,
                                                const char *name);
// Negative becomes positive (consumes the reference).
void dentry_instantiate(struct dentry *d, struct node *n);
// Takes the name out of the cache; with children that nobody uses.
void dentry_unhash(struct dentry *d);
void dentry_prune_children(struct dentry *d);
// d gets the place and name of target (which leaves the cache); with exchange they swap. Both
// parents locked. Cannot fail.
void dentry_move(struct dentry *d, struct dentry *target, bool exchange);
[[nodiscard]] bool
dentry_is_below(struct dentry *d,
                struct dentry *top); // d == top or under it; call under vfs_tree lock or RCU + seq
// Drops unused dentries of one file system (unmount) or, with NULL, of all (drop_caches).
void dentry_shrink(struct superblock *sb);
void dentry_init_cache(void);
struct dentry_stats {
    u64 total, unused, negative;
};
void dentry_stats(struct dentry_stats *out);
