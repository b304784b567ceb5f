// Intrusive red-black tree. The caller embeds a struct rb_node, brings the order, and guards the
// tree with its own lock. Augmented trees keep a summary of each subtree in its top node (the
// largest gap of an area tree, say): the _augmented forms call `update` so that every summary is
// right again when they return.
#pragma once
#include <lib/types.h>

struct rb_node {
    struct rb_node *left, *right;
    uintptr_t parent_color; // parent | RB_BLACK; the node itself when it is in no tree
};

struct rb_root {
    struct rb_node *node;
};

enum { RB_RED = 0, RB_BLACK = 1 };

#define RB_ROOT_INIT {NULL}
#define rb_entry(ptr, type, member) container_of(ptr, type, member)

static inline struct rb_node *rb_parent(const struct rb_node *n)
{
    return (struct rb_node *)(n->parent_color & ~(uintptr_t)RB_BLACK);
}
static inline bool rb_empty(const struct rb_root *root)
{
    return !root->node;
}
// Marks a node as being in no tree; rb_erase does so too. rb_empty_node asks.
static inline void rb_clear_node(struct rb_node *n)
{
    n->parent_color = (uintptr_t)n;
}
static inline bool rb_empty_node(const struct rb_node *n)
{
    return n->parent_color == (uintptr_t)n;
}

// In-order neighbours; NULL past either end. O(log n), a whole walk is O(n).
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

// Children before parents: for freeing a whole tree without balancing. The next node is found
// before n is freed.
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *n);

// True if a sorts before b. Equal nodes keep the order of their insertion.
typedef bool (*rb_less_fn)(const struct rb_node *a, const struct rb_node *b);
// Computes the summary of n from n itself and from its children's summaries (either child may be
// NULL).
typedef void (*rb_update_fn)(struct rb_node *n);

void rb_insert(struct rb_root *root, struct rb_node *n, rb_less_fn less);
void rb_insert_augmented(struct rb_root *root, struct rb_node *n, rb_less_fn less,
                         rb_update_fn update);

// The same in two steps, for callers that search themselves: *link is the empty child pointer of
// parent (or the root pointer, with parent NULL) where n belongs; then balance.
static inline void rb_link(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
    n->left = n->right = NULL;
    n->parent_color = (uintptr_t)parent | RB_RED;
    *link = n;
}
void rb_insert_color(struct rb_root *root, struct rb_node *n);
void rb_insert_color_augmented(struct rb_root *root, struct rb_node *n, rb_update_fn update);

// Takes n out and clears it. n must be in the tree.
void rb_erase(struct rb_root *root, struct rb_node *n);
void rb_erase_augmented(struct rb_root *root, struct rb_node *n, rb_update_fn update);

// Puts fresh in the place of old, which leaves the tree. Their order must be equal; summaries are
// the caller's.
void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *fresh);

// After the data of n changed (but not its order): recomputes the summaries of n and of all above
// it.
void rb_update_path(struct rb_node *n, rb_update_fn update);

// In order. The body must not erase var.
#define rb_for_each(var, root) for (struct rb_node *var = rb_first(root); var; var = rb_next(var))
#define rb_for_each_entry(var, root, member)                                                       \
    for (struct rb_node *var##_rb = rb_first(root);                                                \
         var##_rb && ((var) = rb_entry(var##_rb, typeof(*(var)), member), true);                   \
         var##_rb = rb_next(var##_rb))
