// sources: kernel/object/*.c harness/unit/host_obj/fakes.c
// include: harness/unit/host_obj
// Handle tables against a plain model, lookups with and without counting, and what happens to
// memory that others may still look at.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_obj/fakes.h"
#include <mem/slab.h>
#include <object/handle.h>

struct thing {
    struct object obj;
    u32 closes;
};
static u32 released, freed;

static void thing_free(struct object *o)
{
    freed++;
    kfree(o);
}
static void thing_release(struct object *o)
{
    released++;
    object_free(o, thing_free);
}
static int thing_closed(struct object *o, void *owner)
{
    assert_non_null(owner);
    ((struct thing *)o)->closes++;
    return -E_IO;
}
static const struct object_type thing_type = {
    .name = "thing", .kinds = OBJ_KIND_EVENT, .release = thing_release, .closed = thing_closed};

static struct object *new_thing(void)
{
    struct thing *t = kzalloc(sizeof(*t), 0);
    assert_non_null(t);
    object_init(&t->obj, &thing_type, 0);
    return &t->obj;
}

static struct handle_table *table;
static int setup(void **state)
{
    (void)state;
    released = freed = 0;
    table = handle_table_create();
    current()->handles = table;
    return table ? 0 : -1;
}
static int teardown(void **state)
{
    (void)state;
    if (table)
        handle_table_put(table);
    table = NULL;
    fake_rcu();
    assert_int_equal(released, freed);
    assert_int_equal(fake_allocated(), 0);
    return 0;
}

static void basics(void **state)
{
    (void)state;
    struct object *o = new_thing();
    struct href h;
    assert_int_equal(href_get(&h, 0, 0), -E_BADF);
    assert_int_equal(handle_install(table, o, RIGHT_READ | RIGHT_SEEK,
                                    HANDLE_CLOEXEC | 3 << HANDLE_ROLE_SHIFT, 0, 10),
                     0);
    assert_int_equal(href_get(&h, 0, RIGHT_READ), 0);
    assert_ptr_equal(h.object, o);
    assert_int_equal(h.rights, RIGHT_READ | RIGHT_SEEK);
    assert_int_equal(h.flags, HANDLE_CLOEXEC | 3 << HANDLE_ROLE_SHIFT);
    assert_false(h.counted);
    href_put(&h);
    assert_int_equal(href_get(&h, 0, RIGHT_WRITE), -E_BADF);
    assert_int_equal(href_get(&h, 0, RIGHT_ADMIN), -E_ACCES);
    assert_int_equal(href_get(&h, -1, 0), -E_BADF);
    assert_int_equal(href_get(&h, INT32_MAX, 0), -E_BADF);
    assert_int_equal(href_get_kind(&h, 0, 0, OBJ_KIND_TTY, E_NOTTY), -E_NOTTY);
    assert_int_equal(href_get_kind(&h, 0, 0, OBJ_KIND_TTY | OBJ_KIND_EVENT, E_NOTTY), 0);
    assert_int_equal(handle_set_flags(table, 0, 0, HANDLE_CLOEXEC), 0);
    assert_int_equal(handle_get_flags(table, 0), 3 << HANDLE_ROLE_SHIFT);
    assert_int_equal(handle_close(table, 0), -E_IO); // what the object said
    assert_int_equal(handle_close(table, 0), -E_BADF);
    assert_int_equal(released, 1);
    assert_int_equal(freed, 1);
    assert_int_equal(fake_rcu_pending(), 0);
}

static void reserving(void **state)
{
    (void)state;
    struct object *o = new_thing();
    struct href h;
    assert_int_equal(handle_reserve(table, 0, 3), 0);
    assert_int_equal(handle_reserve(table, 0, 3), 1);
    assert_int_equal(handle_reserve(table, 2, 3), 2);
    assert_int_equal(handle_reserve(table, 0, 3), -E_MFILE);
    assert_int_equal(href_get(&h, 1, 0), -E_BADF);
    assert_int_equal(handle_close(table, 1), -E_BADF);
    assert_int_equal(handle_replace(table, 1, o, 0, 0, 3), -E_BUSY);
    assert_int_equal(handle_replace(table, 3, o, 0, 0, 3), -E_BADF);
    handle_publish(table, 1, o, RIGHTS_ALL, 0);
    assert_int_equal(handle_count(table), 1);
    handle_unreserve(table, 0);
    handle_unreserve(table, 2);
    assert_int_equal(handle_reserve(table, 0, 3), 0);
    handle_unreserve(table, 0);
}

static void shared_tables(void **state)
{
    (void)state;
    struct object *o = new_thing(), *p = new_thing();
    struct href h, k;
    assert_int_equal(handle_install(table, o, RIGHTS_ALL, 0, 0, 10), 0);
    handle_table_get(table);
    assert_int_equal(handle_install(table, p, RIGHTS_ALL, 0, 0, 10), 1);
    assert_int_equal(href_get(&h, 0, RIGHT_READ), 0);
    assert_true(h.counted);
    (void)handle_close(table, 0);
    assert_int_equal(released, 0);
    href_put(&h);
    assert_int_equal(released, 1);
    assert_int_equal(freed, 0); // somebody could still be looking
    fake_rcu();
    assert_int_equal(freed, 1);
    (void)handle_close(table, 1);
    assert_int_equal(freed, 1);
    fake_rcu();
    assert_int_equal(freed, 2);
    handle_table_put(table);
    o = new_thing();
    assert_int_equal(handle_install(table, o, RIGHTS_ALL, 0, 0, 10), 0);
    assert_int_equal(href_get(&h, 0, 0), 0);
    assert_false(h.counted);
    href_keep(&h);
    (void)handle_close(table, 0);
    assert_int_equal(freed, 2);
    href_put(&h);
    assert_int_equal(freed, 3);
    assert_int_equal(handle_lookup(table, 0, &k), -E_BADF);
}

static void forking(void **state)
{
    (void)state;
    struct object *o = new_thing();
    struct href h;
    assert_int_equal(handle_install(table, o, RIGHT_READ, HANDLE_CLOEXEC, 0, 1000), 0);
    object_get(o);
    assert_int_equal(handle_install(table, o, RIGHT_WRITE, 0, 700, 1000), 700);
    assert_int_equal(handle_reserve(table, 5, 1000), 5);
    struct handle_table *copy = handle_table_fork(table);
    assert_non_null(copy);
    assert_int_equal(handle_count(copy), 2);
    assert_int_equal(handle_lookup(copy, 700, &h), 0);
    assert_int_equal(h.rights, RIGHT_WRITE);
    href_put(&h);
    assert_int_equal(handle_reserve(copy, 5, 1000), 5); // the reservation stayed behind
    handle_unreserve(copy, 5);
    handle_close_on_exec(copy);
    assert_int_equal(handle_count(copy), 1);
    handle_table_put(copy);
    assert_int_equal(released, 0);
    handle_unreserve(table, 5);
}

static int collect(i32 fd, const struct href *h, void *arg)
{
    assert_non_null(h->object);
    char *s = arg;
    sprintf(s + strlen(s), "%d ", fd);
    return fd == 130;
}
static void ranges(void **state)
{
    (void)state;
    static const i32 fds[] = {0, 3, 63, 64, 65, 130, 200};
    for (usize i = 0; i < ARRAY_LEN(fds); i++)
        assert_int_equal(handle_install(table, new_thing(), RIGHTS_ALL, 0, fds[i], 1000), fds[i]);
    char text[128] = "";
    assert_int_equal(handle_for_each(table, 1, collect, text), 1);
    assert_string_equal(text, "3 63 64 65 130 ");
    handle_close_range(table, 64, 130, false);
    assert_int_equal(handle_count(table), 4);
    handle_close_range(table, 3, UINT32_MAX, true);
    handle_close_on_exec(table);
    assert_int_equal(handle_count(table), 1);
    assert_int_equal(released, 6);
}

enum { FDS = 300 };
static void model(void **state)
{
    (void)state;
    static struct object *want[FDS];
    memset(want, 0, sizeof(want));
    srand(3);
    for (int i = 0; i < 30000; i++) {
        u32 fd = (u32)rand() % FDS;
        struct href h;
        switch (rand() % 5) {
        case 0: {
            u32 min = fd;
            while (min < FDS && want[min])
                min++;
            struct object *o = new_thing();
            i32 got = handle_install(table, o, RIGHTS_ALL, 0, (i32)fd, FDS);
            assert_int_equal(got, min < FDS ? (i32)min : -E_MFILE);
            if (got >= 0)
                want[got] = o;
            else
                object_put(o);
            break;
        }
        case 1:
            assert_int_equal(handle_close(table, (i32)fd), want[fd] ? -E_IO : -E_BADF);
            want[fd] = NULL;
            break;
        case 2: {
            struct object *o = new_thing();
            assert_int_equal(handle_replace(table, (i32)fd, o, RIGHTS_ALL, 0, FDS), 0);
            want[fd] = o;
            break;
        }
        default:
            assert_int_equal(href_get(&h, (i32)fd, RIGHT_READ), want[fd] ? 0 : -E_BADF);
            if (want[fd])
                assert_ptr_equal(h.object, want[fd]);
        }
    }
    u32 n = 0;
    for (u32 i = 0; i < FDS; i++)
        n += want[i] != NULL;
    assert_int_equal(handle_count(table), n);
}

static void no_memory(void **state)
{
    (void)state;
    struct object *o = new_thing();
    fake_fail_nth(1);
    assert_int_equal(handle_install(table, o, 0, 0, 500, 1000), -E_NOMEM);
    assert_int_equal(handle_install(table, o, RIGHTS_ALL, 0, 500, 1000), 500);
    for (u32 n = 1; n <= 3; n++) {
        fake_fail_nth(n);
        assert_null(handle_table_fork(table));
        assert_true(fake_failed());
    }
    fake_fail_nth(1);
    assert_null(handle_table_create());
    fake_fail_nth(0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(basics), CASE(reserving), CASE(shared_tables), CASE(forking),
        CASE(ranges), CASE(model),     CASE(no_memory),
    };
    return cmocka_run_group_tests_name("handle", tests, NULL, NULL);
}
