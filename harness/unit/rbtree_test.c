// sources: kernel/lib/rbtree.c
// Red-black trees: random changes, with the colour rules and every summary checked after each one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/rbtree.h>

struct item {
    struct rb_node node;
    int key, serial;
    int max_serial; // of the subtree
};

enum { ITEMS = 200 };

static struct item items[ITEMS];
static int serials;

static bool less(const struct rb_node *a, const struct rb_node *b)
{
    return rb_entry(a, struct item, node)->key < rb_entry(b, struct item, node)->key;
}

static int max_of(const struct rb_node *n)
{
    return n ? rb_entry(n, struct item, node)->max_serial : 0;
}

static void update(struct rb_node *n)
{
    struct item *it = rb_entry(n, struct item, node);

    it->max_serial = MAX(it->serial, MAX(max_of(n->left), max_of(n->right)));
}

// Black height of the subtree; checks everything on the way.
static int check_node(const struct rb_node *n, const struct rb_node *parent, bool augmented,
                      size_t *count)
{
    if (!n)
        return 0;
    assert_ptr_equal(rb_parent(n), parent);
    bool black = n->parent_color & RB_BLACK;
    if (!black)
        assert_true(parent && parent->parent_color & RB_BLACK);
    int left = check_node(n->left, n, augmented, count),
        right = check_node(n->right, n, augmented, count);
    assert_int_equal(left, right);
    ++*count;
    if (augmented) {
        const struct item *it = rb_entry(n, struct item, node);
        assert_int_equal(it->max_serial, MAX(it->serial, MAX(max_of(n->left), max_of(n->right))));
    }
    return left + black;
}

static void check(const struct rb_root *root, size_t want, bool augmented)
{
    size_t count = 0, walked = 0;

    check_node(root->node, NULL, augmented, &count);
    assert_int_equal(count, want);
    const struct item *before = NULL;
    const struct rb_node *last = NULL;
    rb_for_each (n, root) {
        const struct item *it = rb_entry(n, struct item, node);
        if (before)
            assert_true(before->key < it->key ||
                        (before->key == it->key && before->serial < it->serial));
        assert_ptr_equal(rb_prev(n), last);
        before = it;
        last = n;
        walked++;
    }
    assert_int_equal(walked, want);
    assert_ptr_equal(rb_last(root), last);
}

static void churn(bool augmented, int keys)
{
    struct rb_root root = RB_ROOT_INIT;
    size_t count = 0;

    srand(3 + keys);
    for (int i = 0; i < ITEMS; i++)
        rb_clear_node(&items[i].node);
    for (int round = 0; round < 6000; round++) {
        // Phases of growing and of shrinking.
        struct item *it = &items[rand() % ITEMS];
        bool grow = round / 1000 % 2 == 0;
        if (rb_empty_node(&it->node) && (grow || rand() % 4 == 0)) {
            it->key = rand() % keys;
            it->serial = ++serials;
            if (augmented)
                rb_insert_augmented(&root, &it->node, less, update);
            else
                rb_insert(&root, &it->node, less);
            count++;
        } else if (!rb_empty_node(&it->node) && (!grow || rand() % 4 == 0)) {
            if (augmented)
                rb_erase_augmented(&root, &it->node, update);
            else
                rb_erase(&root, &it->node);
            assert_true(rb_empty_node(&it->node));
            count--;
        }
        check(&root, count, augmented);
    }
    for (struct rb_node *n; (n = rb_first(&root));) {
        if (augmented)
            rb_erase_augmented(&root, n, update);
        else
            rb_erase(&root, n);
        check(&root, --count, augmented);
    }
    assert_true(rb_empty(&root));
}

static void test_churn(void **state)
{
    (void)state;
    churn(false, 1000);
    churn(false, 5); // many equal keys
}

static void test_churn_augmented(void **state)
{
    (void)state;
    churn(true, 1000);
    churn(true, 5);
}

static void test_orders(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct rb_root root = RB_ROOT_INIT;
        for (int i = 0; i < ITEMS; i++) {
            items[i].key = order ? ITEMS - i : i;
            items[i].serial = ++serials;
            rb_insert(&root, &items[i].node, less);
            check(&root, (size_t)i + 1, false);
        }
        for (int i = 0; i < ITEMS; i++) {
            rb_erase(&root, &items[i * 7 % ITEMS].node);
            check(&root, (size_t)(ITEMS - 1 - i), false);
        }
    }
}

static void test_update_path_and_replace(void **state)
{
    (void)state;
    struct rb_root root = RB_ROOT_INIT;
    for (int i = 0; i < 50; i++) {
        items[i] = (struct item){.key = i, .serial = i + 1};
        rb_insert_augmented(&root, &items[i].node, less, update);
    }
    items[20].serial = 1000;
    rb_update_path(&items[20].node, update);
    assert_int_equal(max_of(root.node), 1000);
    for (int i = 0; i < 50; i++) {
        struct item *fresh = &items[100 + i];
        *fresh = items[i];
        rb_replace(&root, &items[i].node, &fresh->node);
        assert_true(rb_empty_node(&items[i].node));
        check(&root, 50, true);
    }
    items[120].serial = 7;
    rb_update_path(&items[120].node, update);
    check(&root, 50, true);
}

static void test_postorder(void **state)
{
    (void)state;
    assert_null(rb_first(&(struct rb_root)RB_ROOT_INIT));
    assert_null(rb_first_postorder(&(struct rb_root)RB_ROOT_INIT));
    for (int total = 1; total < 40; total++) {
        struct rb_root root = RB_ROOT_INIT;
        for (int i = 0; i < total; i++) {
            items[i] = (struct item){.key = i * 37 % 41, .serial = ++serials};
            rb_insert(&root, &items[i].node, less);
        }
        int seen = 0;
        for (struct rb_node *n = rb_first_postorder(&root), *next; n; n = next, seen++) {
            next = rb_next_postorder(n);
            assert_true(!n->left && !n->right); // children went before and were cut off
            struct rb_node *parent = rb_parent(n);
            if (parent)
                *(parent->left == n ? &parent->left : &parent->right) = NULL;
        }
        assert_int_equal(seen, total);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_churn),     cmocka_unit_test(test_churn_augmented),
        cmocka_unit_test(test_orders),    cmocka_unit_test(test_update_path_and_replace),
        cmocka_unit_test(test_postorder),
    };
    return cmocka_run_group_tests_name("rbtree", tests, NULL, NULL);
}
