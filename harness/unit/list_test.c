// sources:
// Lists: every operation against an array.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/list.h>

struct item {
    int id;
    struct list link;
};

static void check(const struct list *l, const int *want, size_t n)
{
    const struct list *at = l;

    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(at->next->prev, at);
        at = at->next;
        assert_int_equal(list_entry(at, struct item, link)->id, want[i]);
    }
    assert_ptr_equal(at->next, l);
    assert_ptr_equal(l->prev, at);
    assert_int_equal(list_empty(l), n == 0);
}

static void test_random(void **state)
{
    (void)state;
    struct item items[20];
    struct list l = LIST_INIT(l);
    int want[20];
    size_t n = 0;

    srand(2);
    for (int i = 0; i < 20; i++) {
        items[i].id = i;
        list_init(&items[i].link);
    }
    for (int round = 0; round < 20000; round++) {
        struct item *it = &items[rand() % 20];
        if (list_empty(&it->link)) {
            if (rand() % 2) {
                list_add_head(&l, &it->link);
                memmove(want + 1, want, n++ * sizeof(int));
                want[0] = it->id;
            } else {
                list_add_tail(&l, &it->link);
                want[n++] = it->id;
            }
        } else if (rand() % 3) {
            size_t at = 0;
            while (want[at] != it->id)
                at++;
            list_del(&it->link);
            memmove(want + at, want + at + 1, (--n - at) * sizeof(int));
        } else {
            struct list *first = list_first(&l), *popped = list_pop(&l);
            assert_ptr_equal(first, popped);
            assert_int_equal(list_entry(popped, struct item, link)->id, want[0]);
            memmove(want, want + 1, --n * sizeof(int));
        }
        check(&l, want, n);
    }
}

static void test_splice_and_walk(void **state)
{
    (void)state;
    struct item items[6];
    struct list a = LIST_INIT(a), b = LIST_INIT(b);

    assert_null(list_first(&a));
    assert_null(list_pop(&a));
    list_splice_tail(&a, &b);
    check(&a, NULL, 0);
    for (int i = 0; i < 6; i++) {
        items[i].id = i;
        list_add_tail(i < 2 ? &a : &b, &items[i].link);
    }
    list_splice_tail(&a, &b);
    check(&a, (int[]){0, 1, 2, 3, 4, 5}, 6);
    check(&b, NULL, 0);
    struct item *it, *next;
    int sum = 0;
    list_for_each_entry (it, &a, link)
        sum = sum * 10 + it->id;
    assert_int_equal(sum, 12345);
    list_for_each_entry_safe (it, next, &a, link)
        if (it->id % 2)
            list_del(&it->link);
    check(&a, (int[]){0, 2, 4}, 3);
    list_splice_tail(&b, &a);
    check(&b, (int[]){0, 2, 4}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_splice_and_walk),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
