// 64-way radix tree from a 64-bit index to a pointer: the page cache, process numbers and the like.
//
// Changes are serialised by the caller's lock. radix_lookup and radix_next may run at the same time
// without it, inside a read-side section of whatever delays ops->free (RCU): they see each slot as
// it was before or after a change. A reader may thus return an item that has just been erased; the
// owner of the items has to cope, as always with RCU.
#pragma once
#include <lib/types.h>
#include <stdatomic.h>

enum { RADIX_BITS = 6, RADIX_SLOTS = 1 << RADIX_BITS };

struct radix_node {
    void
        *free_link[2]; // for ops->free alone: room for a list link and a function (struct rcu_head)
    struct radix_node *parent;
    u8 shift;  // index bits below this node's slots
    u8 offset; // slot in the parent
    u8 used;   // slots that are not NULL
    void *_Atomic slots[RADIX_SLOTS];
};

// Where nodes come from: this room knows no allocator.
struct radix_ops {
    struct radix_node *(*alloc)(
        void); // uninitialised memory; NULL: none. Called under the caller's lock
    void (*free)(struct radix_node *node); // once no reader can hold it
};

struct radix {
    const struct radix_ops *ops;
    void *_Atomic root; // NULL, the item of index 0 alone, or a node with RADIX_NODE set in the
                        // address
};

// Items are any non-NULL pointers with this bit clear; bit 0 is the caller's.
#define RADIX_NODE ((uintptr_t)2)

static inline void radix_init(struct radix *r, const struct radix_ops *ops)
{
    r->ops = ops;
    atomic_init(&r->root, NULL);
}
static inline bool radix_empty(struct radix *r)
{
    return !atomic_load_explicit(&r->root, memory_order_relaxed);
}

// The item at index, or NULL. Readers and writers.
void *radix_lookup(struct radix *r, u64 index);
// The items of up to n (> 0) indices from `index` on, as far as they lie one behind the other and
// in one node. Returns how many. Readers and writers.
u32 radix_lookup_run(struct radix *r, u64 index, u32 n, void **items);
// The first item at or after *index, which is set to its index; NULL (and *index unchanged) if
// there is none.
void *radix_next(struct radix *r, u64 *index);

// Writers only. On any error nothing has changed.
[[nodiscard]] int radix_insert(struct radix *r, u64 index, void *item); // -E_EXIST, -E_NOMEM
// Exchanges the item at an index that holds one; returns the old item, or NULL (nothing stored) if
// there was none.
void *radix_replace(struct radix *r, u64 index, void *item);
void *radix_erase(struct radix *r, u64 index); // returns the item, NULL if there was none
// Empties the tree, calling drop (may be NULL) for each item in order.
void radix_clear(struct radix *r, void (*drop)(u64 index, void *item, void *arg), void *arg);
