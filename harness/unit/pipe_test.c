// sources: kernel/object/*.c kernel/ipc/*.c kernel/lib/printf.c harness/unit/host_obj/f*akes.c
// sources: kernel/lib/hash.c kernel/lib/rbtree.c kernel/lib/string.c
// include: harness/unit/host_obj kernel/ipc
// Pipes against a plain model: what is written comes out, whole where it must, and every end of a
// pipe's life gives its memory back.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_obj/fakes.h"
#include "pipe_io.h"
#include <ipc/pipe.h>
#include <object/attr.h>

static struct object *rd, *wr;

static int open_pair(void **state)
{
    (void)state;
    fake_sleep = NULL;
    fake_fault_after = UINT64_MAX;
    return pipe_create(&rd, &wr, 0);
}
static int close_pair(void **state)
{
    (void)state;
    if (rd)
        object_put(rd);
    if (wr)
        object_put(wr);
    rd = wr = NULL;
    assert_int_equal(fake_allocated(), 0);
    return 0;
}

static void basics(void **state)
{
    (void)state;
    char buf[64] = {0};
    assert_int_equal(put(wr, "hello", 5), 5);
    assert_int_equal(put(wr, " you", 4), 4);
    assert_int_equal(pipe_pending(rd), 9);
    assert_int_equal(get(rd, buf, 3), 3);
    assert_int_equal(get(rd, buf + 3, 60), 6);
    assert_string_equal(buf, "hello you");
    assert_int_equal(get(rd, buf, 0), 0);
    assert_int_equal(get(rd, buf, 8), -E_RESTART);
    assert_int_equal(get(wr, buf, 8), -E_INVAL);
    u64 pos = 0;
    struct iobuf b;
    iobuf_kernel(&b, buf, 1);
    assert_int_equal(object_read(rd, &b, &pos), -E_SPIPE);
    struct attr a;
    assert_int_equal(object_getattr(rd, &a), 0);
    assert_int_equal(a.mode & MODE_FMT, MODE_FIFO);
    char name[32] = {0}, want[64];
    assert_true(object_describe(rd, name, sizeof(name)) > 0);
    snprintf(want, sizeof(want), "pipe:[%llu]", (unsigned long long)a.ino);
    assert_string_equal(name, want);
}

static void ends(void **state)
{
    (void)state;
    char buf[8];
    assert_int_equal(put(wr, "x", 1), 1);
    object_put(wr);
    wr = NULL;
    assert_int_equal(object_poll(rd, NULL) & (POLL_IN | POLL_HUP), POLL_IN | POLL_HUP);
    assert_int_equal(get(rd, buf, 8), 1);
    assert_int_equal(get(rd, buf, 8), 0);
    object_put(rd);
    rd = NULL;
    assert_int_equal(fake_allocated(), 0);
    assert_int_equal(pipe_create(&rd, &wr, 0), 0);
    object_put(rd);
    rd = NULL;
    assert_int_equal(put(wr, "x", 1), -E_PIPE);
    assert_int_equal(put(wr, "x", 0), 0);
    assert_true(object_poll(wr, NULL) & POLL_ERR);
}

static u8 big[200000], out[200000];

static void full(void **state)
{
    (void)state;
    object_set_status(wr, OBJ_NONBLOCK, OBJ_NONBLOCK);
    assert_int_equal(put(wr, big, sizeof(big)), 65536);
    assert_int_equal(put(wr, big, 1), -E_AGAIN);
    assert_false(object_poll(wr, NULL) & POLL_OUT);
    assert_int_equal(get(rd, out, 4095), 4095);
    assert_int_equal(put(wr, big, 1), -E_AGAIN); // no slot free yet
    assert_int_equal(get(rd, out, 1), 1);
    assert_true(object_poll(wr, NULL) & POLL_OUT);
    assert_int_equal(put(wr, big, PIPE_ATOMIC), PIPE_ATOMIC);
    assert_int_equal(put(wr, big, 1), -E_AGAIN);
}

static void drain_some(void)
{
    assert_int_equal(get(rd, out, 100000), 65536);
    fake_sleep = NULL;
}
static void blocking_writer(void **state)
{
    (void)state;
    fake_sleep = drain_some;
    assert_int_equal(put(wr, big, 65536 + 100), 65536 + 100);
    assert_int_equal(pipe_pending(rd), 100);
    assert_int_equal(
        put(wr, big, sizeof(big)),
        64832); // nobody reads: interrupted after what fitted, its odd part in the last page
}

static void write_later(void)
{
    assert_int_equal(put(wr, "late", 4), 4);
}
static void blocking_reader(void **state)
{
    (void)state;
    char buf[8] = {0};
    fake_sleep = write_later;
    assert_int_equal(get(rd, buf, 8), 4);
    assert_string_equal(buf, "late");
}

static void capacity(void **state)
{
    (void)state;
    assert_int_equal(pipe_capacity(rd), 65536);
    assert_int_equal(pipe_set_capacity(wr, 5000), 8192);
    object_set_status(wr, OBJ_NONBLOCK, OBJ_NONBLOCK);
    assert_int_equal(put(wr, big, 20000), 8192);
    assert_int_equal(pipe_set_capacity(wr, 4096), -E_BUSY);
    assert_int_equal(pipe_set_capacity(rd, 1 << 20), 1 << 20);
    assert_int_equal(pipe_set_capacity(rd, (1 << 20) + 1), -E_PERM);
    assert_int_equal(get(rd, out, 20000), 8192);
    assert_int_equal(pipe_set_capacity(rd, 0), 4096);
}

static void packets(void **state)
{
    (void)state;
    char buf[8] = {0};
    object_set_status(wr, OBJ_DIRECT, OBJ_DIRECT);
    assert_int_equal(put(wr, "abcdef", 6), 6);
    assert_int_equal(put(wr, "gh", 2), 2);
    assert_int_equal(get(rd, buf, 3), 3); // the rest of a packet is lost
    assert_int_equal(get(rd, buf, 8), 2);
    assert_memory_equal(buf, "gh", 2);
}

static void faults(void **state)
{
    (void)state;
    fake_fault_after = 3;
    assert_int_equal(put(wr, "abcdef", 6), 3);
    fake_fault_after = 0;
    assert_int_equal(put(wr, "abcdef", 6), -E_FAULT);
    assert_int_equal(get(rd, out, 6), -E_FAULT);
    fake_fault_after = UINT64_MAX;
    assert_int_equal(get(rd, out, 6), 3);
}

// Random traffic against a byte queue.
static void model(void **state)
{
    (void)state;
    static u8 queue[70000];
    usize len = 0;
    u32 next = 0;
    srand(7);
    object_set_status(rd, OBJ_NONBLOCK, OBJ_NONBLOCK);
    object_set_status(wr, OBJ_NONBLOCK, OBJ_NONBLOCK);
    for (int i = 0; i < 20000; i++) {
        usize n = (usize)rand() % (i % 7 ? 300 : 9000) + 1;
        if (rand() % 2) {
            for (usize k = 0; k < n; k++)
                big[k] = (u8)(next + k);
            i64 done = put(wr, big, n);
            if (n <= PIPE_ATOMIC)
                assert_true(done == (i64)n || done == -E_AGAIN);
            if (done > 0) {
                memcpy(queue + len, big, (usize)done);
                len += (usize)done;
                next += (u32)done;
            }
        } else {
            i64 done = get(rd, out, n);
            assert_int_equal(done, len ? (i64)MIN(n, len) : -E_AGAIN);
            if (done > 0) {
                assert_memory_equal(out, queue, (usize)done);
                memmove(queue, queue + done, len - (usize)done);
                len -= (usize)done;
            }
        }
        assert_int_equal(pipe_pending(rd), len);
    }
}

static void *slot;
static struct object *other;
static void open_reader(void)
{
    assert_int_equal(fifo_open(&slot, PIPE_READ, OBJ_NONBLOCK, &other), 0);
}
static void named(void **state)
{
    (void)state;
    struct object *w, *both;
    char buf[8];
    assert_int_equal(fifo_open(&slot, PIPE_WRITE, OBJ_NONBLOCK, &w), -E_NXIO);
    assert_null(slot);
    assert_int_equal(fifo_open(&slot, PIPE_WRITE, 0, &w), -E_RESTART);
    assert_null(slot);
    fake_sleep = open_reader;
    assert_int_equal(fifo_open(&slot, PIPE_WRITE, 0, &w), 0);
    assert_int_equal(put(w, "ab", 2), 2);
    assert_int_equal(put(other, "ab", 2), -E_BADF);
    object_put(w);
    assert_int_equal(get(other, buf, 8), 2);
    assert_int_equal(get(other, buf, 8), 0);
    assert_true(object_poll(other, NULL) & POLL_HUP);
    object_put(other);
    assert_null(slot);
    open_reader();
    assert_false(object_poll(other, NULL) & POLL_HUP); // no writer came yet
    assert_int_equal(get(other, buf, 8), 0);
    object_put(other);
    assert_int_equal(fifo_open(&slot, PIPE_READ | PIPE_WRITE, 0, &both), 0);
    assert_int_equal(put(both, "cd", 2), 2);
    assert_int_equal(get(both, buf, 8), 2);
    object_put(both);
    assert_null(slot);
}

static void no_memory(void **state)
{
    (void)state;
    struct object *r, *w;
    for (u32 n = 1;; n++) {
        u64 before = fake_allocated();
        fake_fail_nth(n);
        int err = pipe_create(&r, &w, 0);
        if (!err) {
            i64 done = put(w, big, 10000);
            assert_true(done == 10000 || done == -E_NOMEM || done == 4096 || done == 8192);
            object_put(r);
            object_put(w);
        } else {
            assert_int_equal(err, -E_NOMEM);
        }
        assert_int_equal(fake_allocated(), before);
        bool hit = fake_failed();
        fake_fail_nth(0);
        if (!hit)
            break;
    }
    for (u32 n = 1; n <= 2; n++) {
        fake_fail_nth(n);
        assert_int_equal(fifo_open(&slot, PIPE_READ, OBJ_NONBLOCK, &r), -E_NOMEM);
        assert_null(slot);
    }
    fake_fail_nth(0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        CASE(basics),          CASE(ends),     CASE(full),      CASE(blocking_writer),
        CASE(blocking_reader), CASE(capacity), CASE(packets),   CASE(faults),
        CASE(model),           CASE(named),    CASE(no_memory),
    };
    return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
