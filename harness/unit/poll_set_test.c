// sources: kernel/object/*.c kernel/ipc/*.c kernel/lib/printf.c harness/unit/host_obj/f*akes.c
// sources: kernel/lib/hash.c kernel/lib/rbtree.c kernel/lib/string.c
// include: harness/unit/host_obj kernel/ipc
// Polling and sets of waits: level, edge, once; nesting; targets that go away.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host_obj/fakes.h"
#include <ipc/counter.h>
#include <ipc/init.h>
#include <ipc/pipe.h>
#include <ipc/poll_set.h>

static struct object *set, *rd, *wr;

static int setup(void **state)
{
    (void)state;
    ipc_init();
    fake_sleep = NULL;
    return poll_set_create(0, &set) || pipe_create(&rd, &wr, OBJ_NONBLOCK);
}
static int teardown(void **state)
{
    (void)state;
    struct object **all[] = {&set, &rd, &wr};
    for (usize i = 0; i < ARRAY_LEN(all); i++) {
        if (*all[i])
            object_put(*all[i]);
        *all[i] = NULL;
    }
    fake_work();
    assert_int_equal(fake_allocated(), 0);
    return 0;
}

static void put_byte(void)
{
    struct iobuf b;
    char c = 'x';
    iobuf_kernel(&b, &c, 1);
    assert_int_equal(object_write(wr, &b, NULL), 1);
}
static void get_bytes(void)
{
    struct iobuf b;
    char c[64];
    iobuf_kernel(&b, c, sizeof(c));
    (void)object_read(rd, &b, NULL);
}

static void expect(i64 n, u32 events, u64 data)
{
    struct poll_item got[4];
    assert_int_equal(poll_set_wait(set, got, 4, 1), n);
    if (n == 1) {
        assert_int_equal(got[0].events, events);
        assert_int_equal(got[0].data, data);
    }
}

static void level(void **state)
{
    (void)state;
    assert_int_equal(poll_set_add(set, 5, rd, &(struct poll_item){POLL_IN, 77}), 0);
    assert_int_equal(poll_set_add(set, 5, rd, &(struct poll_item){POLL_IN, 77}), -E_EXIST);
    expect(0, 0, 0);
    put_byte();
    expect(1, POLL_IN, 77);
    expect(1, POLL_IN, 77);
    get_bytes();
    expect(0, 0, 0);
    assert_int_equal(poll_set_modify(set, 5, rd, &(struct poll_item){POLL_IN, 78}), 0);
    put_byte();
    expect(1, POLL_IN, 78);
    assert_int_equal(poll_set_remove(set, 5, rd), 0);
    assert_int_equal(poll_set_remove(set, 5, rd), -E_NOENT);
    expect(0, 0, 0);
}

static void edge_and_once(void **state)
{
    (void)state;
    put_byte();
    assert_int_equal(poll_set_add(set, 1, rd, &(struct poll_item){POLL_IN | POLL_SET_EDGE, 1}), 0);
    expect(1, POLL_IN, 1);
    expect(0, 0, 0);
    put_byte(); // something new, though it was readable all the time
    expect(1, POLL_IN, 1);
    expect(0, 0, 0);
    assert_int_equal(
        poll_set_modify(set, 1, rd, &(struct poll_item){POLL_IN | POLL_SET_ONESHOT, 2}), 0);
    expect(1, POLL_IN, 2);
    put_byte();
    expect(0, 0, 0);
    assert_int_equal(
        poll_set_modify(set, 1, rd, &(struct poll_item){POLL_IN | POLL_SET_ONESHOT, 3}), 0);
    expect(1, POLL_IN, 3);
}

static void waiting(void **state)
{
    (void)state;
    struct poll_item got[4];
    assert_int_equal(poll_set_add(set, 1, rd, &(struct poll_item){POLL_IN, 1}), 0);
    assert_int_equal(poll_set_wait(set, got, 4, 0), -E_RESTART);
    assert_int_equal(poll_set_wait(set, got, 4, fake_now + 5), 0);
    fake_sleep = put_byte;
    assert_int_equal(poll_set_wait(set, got, 4, 0), 1);
    assert_int_equal(poll_set_wait(set, got, 0, 0), -E_INVAL);
}

static void many_in_turn(void **state)
{
    (void)state;
    struct object *c[40];
    struct poll_item got[8];
    u32 seen[40] = {0};
    for (u32 i = 0; i < 40; i++) {
        assert_int_equal(counter_create(1, false, 0, &c[i]), 0);
        assert_int_equal(poll_set_add(set, (i32)i, c[i], &(struct poll_item){POLL_IN, i}), 0);
    }
    for (u32 round = 0; round < 5; round++) {
        assert_int_equal(poll_set_wait(set, got, 8, 1), 8);
        for (u32 k = 0; k < 8; k++)
            seen[got[k].data]++;
    }
    for (u32 i = 0; i < 40; i++) {
        assert_int_equal(seen[i], 1); // nobody starves
        object_put(c[i]);             // leaves the set by itself
    }
    expect(0, 0, 0);
}

static void target_goes(void **state)
{
    (void)state;
    assert_int_equal(poll_set_add(set, 1, rd, &(struct poll_item){POLL_IN, 1}), 0);
    assert_int_equal(poll_set_add(set, 2, rd, &(struct poll_item){POLL_IN, 2}), 0);
    object_put(wr);
    wr = NULL;
    expect(2, 0, 0); // hang-up is always told
    object_put(rd);
    rd = NULL;
    expect(0, 0, 0);
}

static void nesting(void **state)
{
    (void)state;
    struct object *s[7];
    struct poll_item in = {POLL_IN, 9};
    assert_int_equal(poll_set_add(set, 0, set, &in), -E_INVAL);
    for (u32 i = 0; i < 7; i++)
        assert_int_equal(poll_set_create(0, &s[i]), 0);
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(poll_set_add(s[i], 0, s[i + 1], &in), 0);
    assert_int_equal(poll_set_add(s[4], 0, s[5], &in), -E_LOOP); // six deep
    assert_int_equal(poll_set_add(s[4], 0, s[0], &in), -E_LOOP); // a circle
    assert_int_equal(poll_set_add(s[6], 0, s[0], &in), -E_LOOP);
    assert_int_equal(poll_set_add(s[4], 0, rd, &in), 0);
    assert_int_equal(object_poll(s[0], NULL), 0);
    put_byte();
    fake_work();
    struct poll_item got;
    assert_int_equal(poll_set_wait(s[4], &got, 1, 1), 1);
    for (u32 i = 0; i < 7; i++)
        object_put(s[i]);
    fake_work();
}

static void nested_ready(void **state)
{
    (void)state;
    struct object *outer;
    struct poll_item in = {POLL_IN, 9}, got;
    assert_int_equal(poll_set_create(0, &outer), 0);
    assert_int_equal(poll_set_add(outer, 0, set, &in), 0);
    assert_int_equal(poll_set_add(set, 0, rd, &in), 0);
    assert_int_equal(poll_set_wait(outer, &got, 1, 1), 0);
    put_byte();
    fake_work();
    assert_int_equal(poll_set_wait(outer, &got, 1, 1), 1);
    get_bytes();
    assert_int_equal(poll_set_wait(outer, &got, 1, 1), 0);
    object_put(outer);
    fake_work();
}

static void exclusive_rules(void **state)
{
    (void)state;
    struct poll_item x = {POLL_IN | POLL_SET_EXCLUSIVE, 1},
                     bad = {POLL_PRI | POLL_SET_EXCLUSIVE, 1};
    struct object *other;
    assert_int_equal(poll_set_create(0, &other), 0);
    assert_int_equal(poll_set_add(set, 1, other, &x), -E_INVAL);
    assert_int_equal(poll_set_add(set, 1, rd, &bad), -E_INVAL);
    assert_int_equal(poll_set_add(set, 1, rd, &x), 0);
    assert_int_equal(poll_set_modify(set, 1, rd, &(struct poll_item){POLL_IN, 1}), -E_INVAL);
    object_put(other);
}

static void polling(void **state)
{
    (void)state;
    enum { N = 80 };
    struct object *r[N], *w[N];
    struct poll_entry e[N + 1] = {0};
    for (u32 i = 0; i < N; i++) {
        assert_int_equal(pipe_create(&r[i], &w[i], OBJ_NONBLOCK), 0);
        e[i] = (struct poll_entry){r[i], POLL_IN, 0};
    }
    assert_int_equal(poll_objects(e, N + 1, 1), 0);
    assert_int_equal(poll_objects(e, N + 1, 0), -E_RESTART);
    assert_int_equal(poll_objects(e, N + 1, fake_now + 100), 0);
    e[3] = (struct poll_entry){rd, POLL_IN, 0};
    fake_sleep = put_byte;
    assert_int_equal(poll_objects(e, N + 1, 0), 1);
    assert_int_equal(e[3].revents, POLL_IN);
    assert_int_equal(e[4].revents, 0);
    object_put(w[7]);
    assert_int_equal(poll_objects(e, N + 1, 0), 2);
    assert_int_equal(e[7].revents, POLL_HUP);
    get_bytes();
    object_put(r[7]);
    e[7].object = NULL;
    for (u32 n = 1; n < 3; n++) { // a chunk of links that cannot be had
        fake_fail_nth(n);
        i64 got = poll_objects(e, N + 1, fake_now + 10);
        assert_true(got == 0 || got == -E_NOMEM);
        fake_fail_nth(0);
    }
    for (u32 i = 0; i < N; i++)
        if (i != 7) {
            object_put(r[i]);
            object_put(w[i]);
        }
}

static void counters(void **state)
{
    (void)state;
    struct object *c;
    u64 v = 5;
    struct iobuf b;
    assert_int_equal(counter_create(2, true, OBJ_NONBLOCK, &c), 0);
    iobuf_kernel(&b, &v, 8);
    assert_int_equal(object_read(c, &b, NULL), 8);
    assert_int_equal(v, 1);
    v = UINT64_MAX;
    iobuf_kernel(&b, &v, 8);
    assert_int_equal(object_write(c, &b, NULL), -E_INVAL);
    v = UINT64_MAX - 2;
    iobuf_kernel(&b, &v, 8);
    assert_int_equal(object_write(c, &b, NULL), 8);
    iobuf_kernel(&b, &v, 8);
    assert_int_equal(object_write(c, &b, NULL), -E_AGAIN);
    assert_int_equal(object_poll(c, NULL), POLL_IN | POLL_RDNORM);
    iobuf_kernel(&b, &v, 4);
    assert_int_equal(object_read(c, &b, NULL), -E_INVAL);
    object_put(c);
}

static void no_memory(void **state)
{
    (void)state;
    struct poll_item in = {POLL_IN, 9};
    for (u32 n = 1;; n++) {
        u64 before = fake_allocated();
        fake_fail_nth(n);
        int err = poll_set_add(set, 1, rd, &in);
        bool hit = fake_failed();
        fake_fail_nth(0);
        assert_int_equal(err, hit ? -E_NOMEM : 0);
        if (!hit)
            break;
        assert_int_equal(fake_allocated(), before);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(level),       CASE(edge_and_once), CASE(waiting),      CASE(many_in_turn),
        CASE(target_goes), CASE(nesting),       CASE(nested_ready), CASE(exclusive_rules),
        CASE(polling),     CASE(counters),      CASE(no_memory),
    };
    return cmocka_run_group_tests_name("poll_set", tests, NULL, NULL);
}
