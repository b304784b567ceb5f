// sources: kernel/object/*.c kernel/ipc/*.c kernel/lib/printf.c harness/unit/host_obj/f*akes.c
// sources: kernel/lib/hash.c kernel/lib/rbtree.c kernel/lib/string.c
// include: harness/unit/host_obj kernel/ipc
// Bytes between pipes, and between a pipe and elsewhere: whatever happens on the way, faults and
// failing allocations among it, each byte is in one place.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_obj/fakes.h"
#include "pipe_io.h"
#include <ipc/pipe_splice.h>

static struct object *rd, *wr, *rd2, *wr2;

static int open_pipes(void **state)
{
    (void)state;
    fake_sleep = NULL;
    fake_fault_after = UINT64_MAX;
    return pipe_create(&rd, &wr, 0) || pipe_create(&rd2, &wr2, 0);
}
static int close_pipes(void **state)
{
    (void)state;
    struct object **all[] = {&rd, &wr, &rd2, &wr2};
    for (int i = 0; i < 4; i++) {
        if (*all[i])
            object_put(*all[i]);
        *all[i] = NULL;
    }
    assert_int_equal(fake_allocated(), 0);
    return 0;
}

static u8 big[200000], out[200000];

static void make_big(void)
{
    for (usize i = 0; i < sizeof(big); i++)
        big[i] = (u8)(i * 7 + i / 251);
}

static void between(void **state)
{
    (void)state;
    make_big();
    assert_int_equal(put(wr, big, 10000), 10000);
    assert_int_equal(pipe_to_pipe(rd, wr2, 5000, true, false), 5000);
    assert_int_equal(pipe_pending(rd), 10000);
    assert_int_equal(pipe_to_pipe(rd, wr2, 5000, false, false), 5000);
    assert_int_equal(pipe_pending(rd), 5000);
    assert_int_equal(get(rd2, out, 20000), 10000);
    assert_memory_equal(out, big, 5000);
    assert_memory_equal(out + 5000, big, 5000);
    assert_int_equal(pipe_to_pipe(rd, wr2, 99999, false, false), 5000);
    assert_int_equal(get(rd2, out, 20000), 5000);
    assert_memory_equal(out, big + 5000, 5000);
    assert_int_equal(pipe_to_pipe(rd, wr2, 1, false, true), -E_AGAIN);
    assert_int_equal(pipe_to_pipe(rd, wr2, 1, false, false), -E_RESTART);
    object_put(wr);
    wr = NULL;
    assert_int_equal(pipe_to_pipe(rd, wr2, 1, false, false), 0);
    object_put(rd2);
    rd2 = NULL;
    assert_int_equal(pipe_to_pipe(rd, wr2, 1, false, false), -E_PIPE);
}

// What is claimed is nobody else's, and stays if it is not taken.
static void claimed(void **state)
{
    (void)state;
    struct pipe_claim c;
    make_big();
    object_set_status(rd, OBJ_NONBLOCK, OBJ_NONBLOCK);
    assert_int_equal(pipe_claim(rd, &c, 100, true), -E_AGAIN);
    assert_int_equal(put(wr, big, 65536), 65536);
    assert_int_equal(pipe_claim(rd, &c, 5000, false), 5000);
    assert_int_equal(iobuf_left(&c.data), 5000);
    assert_int_equal(get(rd, out, 10), -E_AGAIN);
    assert_false(object_poll(rd, NULL) & POLL_IN);
    assert_int_equal(pipe_to_pipe(rd, wr2, 10, false, true), -E_AGAIN);
    assert_int_equal(pipe_to_pipe(rd, wr2, 10, true, true), -E_AGAIN);
    struct pipe_claim other;
    assert_int_equal(pipe_claim(rd, &other, 1, true), -E_AGAIN);
    object_put(wr); // its end does not come before it is given back
    wr = NULL;
    assert_int_equal(get(rd, out, 10), -E_AGAIN);
    assert_int_equal(c.parts[0].len + c.parts[1].len, 5000);
    memcpy(out, (void *)c.parts[0].base, 4096);
    memcpy(out + 4096, (void *)c.parts[1].base, 404);
    pipe_claim_end(rd, 4500);
    assert_int_equal(get(rd, out + 4500, 100000), 65536 - 4500);
    assert_memory_equal(out, big, 65536);
    assert_int_equal(get(rd, out, 10), 0);
    assert_int_equal(pipe_claim(rd, &c, 5000, true), 0);
}

static void write_meanwhile(struct object *o)
{
    object_set_status(o, OBJ_NONBLOCK, OBJ_NONBLOCK);
    assert_int_equal(put(o, big, 65536), 65536 - 3 * 4096);
    assert_int_equal(put(o, big, 1), -E_AGAIN);
}

// Room that is set aside is there afterwards, and what was not filled is anybody's.
static void filled(void **state)
{
    (void)state;
    struct pipe_fill f;
    make_big();
    assert_int_equal(pipe_fill_begin(wr, 3, false, &f), 0);
    assert_int_equal(f.room, 3);
    write_meanwhile(wr);
    struct pipe_fill more;
    assert_int_equal(pipe_fill_begin(wr, 1, true, &more), -E_AGAIN);
    assert_int_equal(pipe_set_capacity(wr, 8192), -E_BUSY);
    assert_int_equal(pipe_set_capacity(wr, 131072), 131072);
    for (u32 i = 0; i < 3; i++) {
        struct pipe_page *page = pipe_fill_page(&f);
        assert_non_null(page);
        memcpy(page->data, "page", 4);
        page->len = i == 1 ? 0 : 4;
    }
    assert_null(pipe_fill_page(&f));
    pipe_fill_end(&f);
    assert_int_equal(pipe_pending(rd), 65536 - 3 * 4096 + 8);
    assert_int_equal(put(wr, "x", 1), 1); // and not in a page that was filled
    assert_int_equal(get(rd, out, 100000), 65536 - 3 * 4096 + 9);
    assert_memory_equal(out + 65536 - 3 * 4096, "pagepagex", 9);
    object_put(rd);
    rd = NULL;
    assert_int_equal(pipe_fill_begin(wr, 3, true, &f), -E_PIPE);
}

static void memory(void **state)
{
    (void)state;
    struct iobuf b;
    make_big();
    iobuf_kernel(&b, big, 100000);
    i64 n = pipe_from_pages(wr, &b, false);
    assert_true(n > 15 * 4096 && n <= 16 * 4096);
    assert_int_equal(iobuf_left(&b), 100000 - n);
    assert_int_equal(pipe_from_pages(wr, &b, true), -E_AGAIN);
    iobuf_kernel(&b, out, sizeof(out));
    assert_int_equal(pipe_to_pages(rd, &b, false), n);
    assert_memory_equal(out, big, n);
    iobuf_kernel(&b, out, sizeof(out));
    assert_int_equal(pipe_to_pages(rd, &b, true), -E_AGAIN);
    assert_int_equal(put(wr, big, 3000), 3000);
}

// Every allocation on the way may fail: nothing is lost, and all is given back.
static void no_memory(void **state)
{
    (void)state;
    make_big();
    for (u32 n = 1;; n++) {
        assert_int_equal(put(wr, big, 9000), 9000);
        fake_fail_nth(n);
        i64 moved = pipe_to_pipe(rd, wr2, 8500, false, true);
        i64 kept = pipe_to_pipe(rd, wr2, 400, true, true);
        struct pipe_fill f;
        bool begun = !pipe_fill_begin(wr2, 2, true, &f);
        if (begun) {
            struct pipe_page *page = pipe_fill_page(&f);
            if (page)
                page->len = 1;
            pipe_fill_end(&f);
        }
        bool hit = fake_failed();
        fake_fail_nth(0);
        moved = moved < 0 ? 0 : moved;
        kept = kept < 0 ? 0 : kept;
        assert_int_equal(get(rd, out + moved, sizeof(out) - (usize)moved), 9000 - moved);
        i64 have = get(rd2, out, (usize)moved);
        assert_int_equal(moved ? have : 0, moved);
        assert_memory_equal(out, big, 9000);
        object_set_status(rd2, OBJ_NONBLOCK, OBJ_NONBLOCK);
        have = get(rd2, out, sizeof(out));
        assert_true(have == -E_AGAIN || have == kept || have == kept + 1);
        if (!hit)
            break;
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_pipes, close_pipes)
    const struct CMUnitTest tests[] = {CASE(between), CASE(claimed), CASE(filled), CASE(memory),
                                       CASE(no_memory)};
    return cmocka_run_group_tests_name("pipe splice", tests, NULL, NULL);
}
