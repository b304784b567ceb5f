// Radix tree. Guarded by the caller's lock for changes; readers are lock-free (see the header).
//
// A node becomes visible by one release store, after its contents; it is handed to ops->free after
// the last pointer to it is gone and keeps its contents, so a reader inside it goes on undisturbed.
// The tree is as high as its highest index needs; an item at index 0 alone needs no node at all.
#include <kerr.h>
#include <lib/radix.h>
#include <lib/string.h>

static inline bool is_node(const void *entry)
{
    return (uintptr_t)entry & RADIX_NODE;
}

static inline struct radix_node *to_node(void *entry)
{
    return (struct radix_node *)((uintptr_t)entry & ~RADIX_NODE);
}

static inline void *from_node(struct radix_node *node)
{
    return (void *)((uintptr_t)node | RADIX_NODE);
}

static inline void *load(void *_Atomic *slot)
{
    return atomic_load_explicit(slot, memory_order_acquire);
}

static inline void publish(void *_Atomic *slot, void *entry)
{
    atomic_store_explicit(slot, entry, memory_order_release);
}

// Largest index below a node.
static inline u64 node_max(const struct radix_node *node)
{
    return node->shift + RADIX_BITS >= 64 ? UINT64_MAX : (1ull << (node->shift + RADIX_BITS)) - 1;
}

static inline u32 slot_of(const struct radix_node *node, u64 index)
{
    return index >> node->shift & (RADIX_SLOTS - 1);
}

// Slots of inner nodes hold nodes without a mark: the level tells. Only the root is marked.
void *radix_lookup(struct radix *r, u64 index)
{
    void *entry = load(&r->root);

    if (!is_node(entry))
        return index ? NULL : entry;
    struct radix_node *node = to_node(entry);
    if (index > node_max(node))
        return NULL;
    for (;;) {
        entry = load(&node->slots[slot_of(node, index)]);
        if (!entry || !node->shift)
            return entry;
        node = entry;
    }
}

u32 radix_lookup_run(struct radix *r, u64 index, u32 n, void **items)
{
    void *entry = load(&r->root);

    if (!is_node(entry)) {
        items[0] = entry;
        return n && entry && !index;
    }
    struct radix_node *node = to_node(entry);
    if (index > node_max(node))
        return 0;
    while (node->shift) {
        node = load(&node->slots[slot_of(node, index)]);
        if (!node)
            return 0;
    }
    u32 slot = slot_of(node, index), found = 0;
    n = MIN(n, RADIX_SLOTS - slot);
    while (found < n && (items[found] = load(&node->slots[slot + found])))
        found++;
    return found;
}

void *radix_next(struct radix *r, u64 *index)
{
    u64 at = *index;
    void *entry = load(&r->root);

    if (!is_node(entry)) {
        if (at)
            return NULL;
        return entry;
    }
    struct radix_node *root = to_node(entry);
    while (at <= node_max(root)) {
        struct radix_node *node = root;
        for (;;) {
            u32 first = slot_of(node, at), slot = first;

            while (slot < RADIX_SLOTS && !(entry = load(&node->slots[slot])))
                slot++;
            if (slot == RADIX_SLOTS) {
                // Nothing more in here: go on behind this node, from the top.
                at = at | node_max(node);
                break;
            }
            if (slot != first) {
                u64 below =
                    ((u64)RADIX_SLOTS << node->shift) - 1; // wraps to all ones at the top level
                if (node->shift + RADIX_BITS >= 64)
                    below = UINT64_MAX;
                at = (at & ~below) | (u64)slot << node->shift;
            }
            if (!node->shift) {
                *index = at;
                return entry;
            }
            node = entry;
        }
        if (at == UINT64_MAX)
            return NULL;
        at++;
    }
    return NULL;
}

// The leaf node that holds index's slot, or NULL. Writers.
static struct radix_node *find_leaf(struct radix *r, u64 index)
{
    void *entry = load(&r->root);

    if (!is_node(entry))
        return NULL;
    struct radix_node *node = to_node(entry);
    if (index > node_max(node))
        return NULL;
    while (node && node->shift)
        node = load(&node->slots[slot_of(node, index)]);
    return node;
}

// Nodes that an insertion at index lacks.
static u32 nodes_missing(struct radix *r, u64 index)
{
    void *entry = load(&r->root);
    u32 missing = 0, shift = 0;
    struct radix_node *node = NULL;

    if (is_node(entry)) {
        node = to_node(entry);
        shift = node->shift + RADIX_BITS; // height that exists
    }
    while (shift < 64 && index >> shift) {
        shift += RADIX_BITS;
        missing++;
    }
    if (!entry) // a chain to the one leaf
        return missing;
    if (!node) // levels above the item of index 0, then down beside it
        return missing + (missing ? missing - 1 : 0);
    if (index > node_max(node)) // levels above, then a chain down; the topmost new one is shared
        return missing + (shift - RADIX_BITS) / RADIX_BITS;
    while (node->shift) {
        struct radix_node *next = load(&node->slots[slot_of(node, index)]);
        if (!next)
            return node->shift / RADIX_BITS;
        node = next;
    }
    return 0;
}

// A stock of blank nodes, linked through parent.
static struct radix_node *take(struct radix_node **stock, u32 shift)
{
    struct radix_node *node = *stock;

    *stock = node->parent;
    node->parent = NULL;
    node->shift = (u8)shift;
    return node;
}

static bool stock_up(struct radix *r, struct radix_node **stock, u32 n)
{
    *stock = NULL;
    while (n--) {
        struct radix_node *node = r->ops->alloc();
        if (!node) {
            while ((node = *stock)) {
                *stock = node->parent;
                r->ops->free(node);
            }
            return false;
        }
        memset(node, 0, sizeof(*node));
        node->parent = *stock;
        *stock = node;
    }
    return true;
}

static void attach(struct radix_node *parent, u32 slot, struct radix_node *child)
{
    child->parent = parent;
    child->offset = (u8)slot;
    parent->used++;
    publish(&parent->slots[slot], child);
}

int radix_insert(struct radix *r, u64 index, void *item)
{
    if (radix_lookup(r, index))
        return -E_EXIST;

    struct radix_node *stock;
    if (!stock_up(r, &stock, nodes_missing(r, index)))
        return -E_NOMEM;

    void *entry = load(&r->root);
    if (!entry) {
        if (!index) {
            publish(&r->root, item);
            return 0;
        }
        u32 shift = 0;
        while (shift + RADIX_BITS < 64 && index >> (shift + RADIX_BITS))
            shift += RADIX_BITS;
        entry = from_node(take(&stock, shift));
        publish(&r->root, entry);
    } else if (!is_node(entry)) {
        struct radix_node *leaf = take(&stock, 0);
        leaf->used = 1;
        publish(&leaf->slots[0], entry);
        entry = from_node(leaf);
        publish(&r->root, entry);
    }
    struct radix_node *node = to_node(entry);
    while (index > node_max(node)) {
        struct radix_node *top = take(&stock, node->shift + RADIX_BITS);
        attach(top, 0, node);
        publish(&r->root, from_node(top));
        node = top;
    }
    while (node->shift) {
        u32 slot = slot_of(node, index);
        struct radix_node *next = load(&node->slots[slot]);
        if (!next) {
            next = take(&stock, node->shift - RADIX_BITS);
            attach(node, slot, next);
        }
        node = next;
    }
    node->used++;
    publish(&node->slots[slot_of(node, index)], item);
    return 0;
}

void *radix_replace(struct radix *r, u64 index, void *item)
{
    void *_Atomic *slot = &r->root;

    if (is_node(load(slot))) {
        struct radix_node *leaf = find_leaf(r, index);
        if (!leaf)
            return NULL;
        slot = &leaf->slots[slot_of(leaf, index)];
    } else if (index) {
        return NULL;
    }
    void *old = load(slot);
    if (old)
        publish(slot, item);
    return old;
}

// Lowers the root while its only entry is slot 0.
static void shrink(struct radix *r)
{
    struct radix_node *node;

    while (is_node(load(&r->root)) && (node = to_node(load(&r->root)))->used == 1) {
        void *entry = load(&node->slots[0]);
        if (!entry)
            return;
        if (node->shift) {
            ((struct radix_node *)entry)->parent = NULL;
            entry = from_node(entry);
        }
        publish(&r->root, entry);
        r->ops->free(node);
    }
}

void *radix_erase(struct radix *r, u64 index)
{
    if (!is_node(load(&r->root))) {
        void *item = index ? NULL : load(&r->root);
        if (item)
            publish(&r->root, NULL);
        return item;
    }
    struct radix_node *node = find_leaf(r, index);
    void *item = node ? load(&node->slots[slot_of(node, index)]) : NULL;
    if (!item)
        return NULL;
    publish(&node->slots[slot_of(node, index)], NULL);
    while (!--node->used) {
        struct radix_node *parent = node->parent;
        if (parent)
            publish(&parent->slots[node->offset], NULL);
        else
            publish(&r->root, NULL);
        r->ops->free(node);
        if (!parent)
            return item;
        node = parent;
    }
    shrink(r);
    return item;
}

void radix_clear(struct radix *r, void (*drop)(u64 index, void *item, void *arg), void *arg)
{
    void *entry = load(&r->root);

    publish(&r->root, NULL);
    if (!is_node(entry)) {
        if (entry && drop)
            drop(0, entry, arg);
        return;
    }
    struct radix_node *node = to_node(entry);
    u64 base = 0; // index of the node's first slot
    u32 slot = 0;
    while (node) {
        if (slot == RADIX_SLOTS) {
            struct radix_node *parent = node->parent;
            slot = node->offset + 1u;
            r->ops->free(node);
            node = parent;
            if (node)
                base &= ~node_max(node);
            continue;
        }
        entry = load(&node->slots[slot]);
        if (entry && node->shift) {
            base |= (u64)slot << node->shift;
            node = entry;
            slot = 0;
            continue;
        }
        if (entry && drop)
            drop(base | slot, entry, arg);
        slot++;
    }
}
