// Hash functions, and hash chains that lock-free readers may walk.
#pragma once
#include <lib/types.h>
#include <stdatomic.h>

// Fast mixing for tables whose keys no adversary chooses. All 64 bits of the result are good; take
// the top ones: hash_u64(key) >> (64 - bits).
static inline u64 hash_u64(u64 x)
{
    x ^= x >> 32;
    x *= 0x9e37'79b9'7f4a'7c15ull;
    x ^= x >> 29;
    return x * 0xbf58'476d'1ce4'e5b9ull;
}
static inline u64 hash_pointer(const void *p)
{
    return hash_u64((u64)(uintptr_t)p);
}
static inline u64 hash_pair(u64 a, u64 b)
{
    return hash_u64(hash_u64(a) + b);
}
// n bytes, starting from seed. Word-wise; for path components and other short strings.
[[nodiscard]] u64 hash_bytes(const void *p, usize n, u64 seed);

// SipHash-2-4 (Aumasson and Bernstein): a keyed hash for keys that others choose; also a
// pseudo-random function.
struct siphash_key {
    u64 k[2];
};
[[nodiscard]] u64 siphash(const struct siphash_key *key, const void *p, usize n);

// Chains: buckets are struct hash_head (zero-filled: empty), members embed a struct hash_node.
// Changes need the bucket's lock. hash_for_each also works without it inside an RCU read section,
// if members are freed by RCU.
struct hash_node {
    struct hash_node *_Atomic next;
    struct hash_node *_Atomic *link; // what points here; NULL: in no chain
};
struct hash_head {
    struct hash_node *_Atomic first;
};

static inline void hash_node_init(struct hash_node *n)
{
    atomic_init(&n->next, NULL);
    n->link = NULL;
}
static inline bool hash_linked(const struct hash_node *n)
{
    return n->link;
}
static inline void hash_add(struct hash_head *head, struct hash_node *n)
{
    struct hash_node *first = atomic_load_explicit(&head->first, memory_order_relaxed);

    atomic_store_explicit(&n->next, first, memory_order_relaxed);
    n->link = &head->first;
    if (first)
        first->link = &n->next;
    atomic_store_explicit(&head->first, n, memory_order_release);
}
// n keeps its next pointer, so that readers standing on it go on; link tells that it is out.
static inline void hash_del(struct hash_node *n)
{
    struct hash_node *next = atomic_load_explicit(&n->next, memory_order_relaxed);

    atomic_store_explicit(n->link, next, memory_order_release);
    if (next)
        next->link = n->link;
    n->link = NULL;
}

// var: pointer to the member type.
#define hash_entry_or_null(node, type, member)                                                     \
    ({                                                                                             \
        struct hash_node *node_ = (node);                                                          \
        node_ ? container_of(node_, type, member) : (type *)NULL;                                  \
    })
#define hash_for_each(var, head, member)                                                           \
    for (var = hash_entry_or_null(atomic_load_explicit(&(head)->first, memory_order_acquire),      \
                                  typeof(*(var)), member);                                         \
         var;                                                                                      \
         var = hash_entry_or_null(atomic_load_explicit(&(var)->member.next, memory_order_acquire), \
                                  typeof(*(var)), member))
// The body may take var out and free it. Needs the lock.
#define hash_for_each_safe(var, tmp, head, member)                                                 \
    for (var = hash_entry_or_null((head)->first, typeof(*(var)), member);                          \
         var && ((tmp) = hash_entry_or_null((var)->member.next, typeof(*(var)), member), true);    \
         var = (tmp))
