// Red-black tree: balancing and walking. Owns nothing; the caller's lock guards each tree.
//
// Rules kept: the root is black; a red node has black children; every path from a node down to an
// empty child pointer passes the same number of black nodes. A plain tree is an augmented one whose
// update is a constant NULL, which the compiler folds away.
#include <lib/rbtree.h>

static inline bool is_black(const struct rb_node *n)
{
    return !n || (n->parent_color & RB_BLACK);
}

static inline void set_parent(struct rb_node *n, struct rb_node *parent)
{
    n->parent_color = (uintptr_t)parent | (n->parent_color & RB_BLACK);
}

static inline void set_black(struct rb_node *n)
{
    n->parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *n)
{
    n->parent_color &= ~(uintptr_t)RB_BLACK;
}

// The pointer that leads to n, whose parent is given.
static inline struct rb_node **link_of(struct rb_root *root, struct rb_node *parent,
                                       const struct rb_node *n)
{
    if (!parent)
        return &root->node;
    return parent->left == n ? &parent->left : &parent->right;
}

// n's right child rises into its place and n becomes the left child of that; and the mirror image.
[[gnu::always_inline]] static inline void rotate(struct rb_root *root, struct rb_node *n, bool left,
                                                 rb_update_fn update)
{
    struct rb_node *parent = rb_parent(n);
    struct rb_node *riser = left ? n->right : n->left;
    struct rb_node *moved = left ? riser->left : riser->right;

    *link_of(root, parent, n) = riser;
    set_parent(riser, parent);
    if (left) {
        riser->left = n;
        n->right = moved;
    } else {
        riser->right = n;
        n->left = moved;
    }
    set_parent(n, riser);
    if (moved)
        set_parent(moved, n);
    if (update) {
        update(n);
        update(riser);
    }
}

[[gnu::always_inline]] static inline void insert_color(struct rb_root *root, struct rb_node *n,
                                                       rb_update_fn update)
{
    struct rb_node *parent;

    if (update)
        rb_update_path(n, update);
    while ((parent = rb_parent(n)) && !is_black(parent)) {
        struct rb_node *grand = rb_parent(parent); // exists: a red node is not the root
        bool left = grand->left == parent;
        struct rb_node *uncle = left ? grand->right : grand->left;

        if (!is_black(uncle)) {
            set_black(uncle);
            set_black(parent);
            set_red(grand);
            n = grand;
            continue;
        }
        if (n == (left ? parent->right : parent->left)) {
            rotate(root, parent, left, update);
            parent = n;
        }
        set_black(parent);
        set_red(grand);
        rotate(root, grand, !left, update);
        break;
    }
    set_black(root->node);
}

// n (maybe NULL), a child of parent, heads a subtree that is one black node short.
[[gnu::always_inline]] static inline void erase_color(struct rb_root *root, struct rb_node *n,
                                                      struct rb_node *parent, rb_update_fn update)
{
    while (parent && is_black(n)) {
        bool left = parent->left == n;
        struct rb_node *sibling = left ? parent->right : parent->left;

        if (!is_black(sibling)) {
            set_black(sibling);
            set_red(parent);
            rotate(root, parent, left, update);
            sibling = left ? parent->right : parent->left;
        }
        struct rb_node *near = left ? sibling->left : sibling->right;
        struct rb_node *far = left ? sibling->right : sibling->left;

        if (is_black(near) && is_black(far)) {
            set_red(sibling);
            n = parent;
            parent = rb_parent(n);
            continue;
        }
        if (is_black(far)) {
            set_black(near);
            set_red(sibling);
            rotate(root, sibling, !left, update);
            far = sibling;
            sibling = near;
        }
        if (is_black(parent))
            set_black(sibling);
        else
            set_red(sibling);
        set_black(parent);
        set_black(far);
        rotate(root, parent, left, update);
        return;
    }
    if (n)
        set_black(n);
}

[[gnu::always_inline]] static inline void erase(struct rb_root *root, struct rb_node *n,
                                                rb_update_fn update)
{
    struct rb_node *child, *parent; // what moves up, and below whom
    bool black;                     // colour that left the path

    if (n->left && n->right) {
        // The successor, which has no left child, takes n's place and colour.
        struct rb_node *next = n->right;

        while (next->left)
            next = next->left;
        child = next->right;
        black = is_black(next);
        parent = rb_parent(next);
        if (parent == n) {
            parent = next;
        } else {
            parent->left = child;
            if (child)
                set_parent(child, parent);
            next->right = n->right;
            set_parent(next->right, next);
        }
        next->left = n->left;
        set_parent(next->left, next);
        *link_of(root, rb_parent(n), n) = next;
        next->parent_color = n->parent_color;
    } else {
        child = n->left ? n->left : n->right;
        parent = rb_parent(n);
        black = is_black(n);
        *link_of(root, parent, n) = child;
        if (child)
            set_parent(child, parent);
    }
    rb_clear_node(n);
    if (update && parent)
        rb_update_path(parent, update);
    if (black)
        erase_color(root, child, parent, update);
}

void rb_update_path(struct rb_node *n, rb_update_fn update)
{
    for (; n; n = rb_parent(n))
        update(n);
}

void rb_insert_color(struct rb_root *root, struct rb_node *n)
{
    insert_color(root, n, NULL);
}

void rb_insert_color_augmented(struct rb_root *root, struct rb_node *n, rb_update_fn update)
{
    insert_color(root, n, update);
}

// Links n as a leaf, behind all nodes that it is not less than.
static void link_sorted(struct rb_root *root, struct rb_node *n, rb_less_fn less)
{
    struct rb_node *parent = NULL, **link = &root->node;

    while (*link) {
        parent = *link;
        link = less(n, parent) ? &parent->left : &parent->right;
    }
    rb_link(n, parent, link);
}

void rb_insert(struct rb_root *root, struct rb_node *n, rb_less_fn less)
{
    link_sorted(root, n, less);
    insert_color(root, n, NULL);
}

void rb_insert_augmented(struct rb_root *root, struct rb_node *n, rb_less_fn less,
                         rb_update_fn update)
{
    link_sorted(root, n, less);
    insert_color(root, n, update);
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
    erase(root, n, NULL);
}

void rb_erase_augmented(struct rb_root *root, struct rb_node *n, rb_update_fn update)
{
    erase(root, n, update);
}

void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *fresh)
{
    *fresh = *old;
    *link_of(root, rb_parent(old), old) = fresh;
    if (fresh->left)
        set_parent(fresh->left, fresh);
    if (fresh->right)
        set_parent(fresh->right, fresh);
    rb_clear_node(old);
}

struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *n = root->node;

    while (n && n->left)
        n = n->left;
    return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
    struct rb_node *n = root->node;

    while (n && n->right)
        n = n->right;
    return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
    struct rb_node *parent;

    if (n->right) {
        n = n->right;
        while (n->left)
            n = n->left;
        return (struct rb_node *)n;
    }
    while ((parent = rb_parent(n)) && n == parent->right)
        n = parent;
    return parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
    struct rb_node *parent;

    if (n->left) {
        n = n->left;
        while (n->right)
            n = n->right;
        return (struct rb_node *)n;
    }
    while ((parent = rb_parent(n)) && n == parent->left)
        n = parent;
    return parent;
}

// The first node in postorder of the subtree at n.
static struct rb_node *deepest(struct rb_node *n)
{
    while (n->left || n->right)
        n = n->left ? n->left : n->right;
    return n;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
    return root->node ? deepest(root->node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *n)
{
    struct rb_node *parent = rb_parent(n);

    if (parent && n == parent->left && parent->right)
        return deepest(parent->right);
    return parent;
}
