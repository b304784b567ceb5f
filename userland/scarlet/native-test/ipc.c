// Pipes, channels, event channels, futexes, sets of waits, timers, counters.
#include "check.h"

static void pipes(void)
{
    int p[2];
    char buf[8];
    CHECK(scarlet_call_pipe(p, SCARLET_PIPE_NONBLOCK) == 0);
    CHECK(scarlet_call_read(p[0], buf, 8) == -SCARLET_WOULD_BLOCK);
    CHECK(scarlet_call_write(p[1], "abc", 3) == 3);
    struct scarlet_handle_info h;
    CHECK(scarlet_call_query(p[0], &h) == 0 && h.type == SCARLET_OBJECT_PIPE && h.pending == 3);
    CHECK(scarlet_call_read(p[0], buf, 8) == 3);
    CHECK(scarlet_call_write(p[0], "x", 1) == -SCARLET_RIGHTS);
    CHECK(scarlet_call_read(p[1], buf, 1) == -SCARLET_RIGHTS);
    scarlet_call_close(p[0]);
    CHECK(scarlet_call_write(p[1], "x", 1) == -SCARLET_BROKEN_PIPE);
    scarlet_call_close(p[1]);
}

static void channels(void)
{
    int c[2], p[2], got[2] = {-1, -1};
    char buf[16];
    struct scarlet_channel_result r;
    CHECK(scarlet_call_channel_create(c, SCARLET_CHANNEL_NONBLOCK) == 0 &&
          scarlet_call_pipe(p, 0) == 0);
    CHECK(scarlet_call_channel_receive(c[0], buf, 16, got, 2, &r) == -SCARLET_WOULD_BLOCK);
    CHECK(scarlet_call_channel_send(c[0], "hello", 5, p, 2) == 0);
    CHECK(scarlet_call_write(p[1], "x", 1) == -SCARLET_BAD_HANDLE); // it has moved
    CHECK(scarlet_call_channel_receive(c[1], buf, 2, got, 2, &r) == -SCARLET_TOO_BIG &&
          r.bytes == 5 && r.handles == 2);
    CHECK(scarlet_call_channel_receive(c[1], buf, 16, got, 2, &r) == 0 && r.bytes == 5 &&
          r.handles == 2);
    CHECK(memcmp(buf, "hello", 5) == 0 && scarlet_call_write(got[1], "y", 1) == 1 &&
          scarlet_call_read(got[0], buf, 1) == 1 && buf[0] == 'y');
    long narrow = scarlet_call_duplicate_to(got[0], SCARLET_RIGHT_READ, HERE, 0);
    int cannot = (int)narrow;
    CHECK(scarlet_call_channel_send(c[0], NULL, 0, &cannot, 1) == -SCARLET_RIGHTS);
    scarlet_call_close(c[0]);
    CHECK(scarlet_call_channel_receive(c[1], buf, 16, got, 2, &r) == -SCARLET_BROKEN_PIPE);
    scarlet_call_close(c[1]);
    scarlet_call_close(got[0]);
    scarlet_call_close(got[1]);
    scarlet_call_close(cannot);
}

// Ends inside of messages: chains of any depth go away with their last handle, circles are refused.
static void nested_channels(void)
{
    enum { DEEP = 3000 };
    int a[2], b[2], c[2], carried = -1;
    for (int i = 0; i < DEEP; i++) {
        CHECK(scarlet_call_channel_create(c, SCARLET_CHANNEL_NONBLOCK) == 0);
        CHECK(carried < 0 || scarlet_call_channel_send(c[0], "n", 1, &carried, 1) == 0);
        scarlet_call_close(c[0]);
        carried = c[1];
    }
    CHECK(scarlet_call_close(carried) == 0);
    CHECK(scarlet_call_channel_create(a, 0) == 0 && scarlet_call_channel_create(b, 0) == 0 &&
          scarlet_call_channel_create(c, 0) == 0);
    CHECK(scarlet_call_channel_send(a[0], NULL, 0, &a[1], 1) == -SCARLET_DEADLOCK);
    CHECK(scarlet_call_channel_send(b[0], NULL, 0, &a[1], 1) == 0); // b1 holds a1
    CHECK(scarlet_call_channel_send(c[0], NULL, 0, &b[1], 1) == 0); // c1 holds b1
    CHECK(scarlet_call_channel_send(a[0], NULL, 0, &c[1], 1) == -SCARLET_DEADLOCK);
    struct scarlet_channel_result r;
    int got = -1;
    CHECK(scarlet_call_channel_receive(c[1], NULL, 0, &got, 1, &r) == 0 && r.handles == 1);
    b[1] = got;
    CHECK(scarlet_call_channel_send(a[0], NULL, 0, &c[1], 1) == 0); // the circle is open again
    CHECK(scarlet_call_channel_send(c[0], NULL, 0, &b[1], 1) == -SCARLET_DEADLOCK);
    int left[] = {a[0], b[0], b[1], c[0]};
    for (usize i = 0; i < ARRAY_LEN(left); i++)
        scarlet_call_close(left[i]);
}

static void event_channels(void)
{
    static struct scarlet_event_record e;
    CHECK(scarlet_call_subscribe("test.none") == -SCARLET_NOT_FOUND);
    long c = scarlet_call_event_channel_create("test.native"),
         s = scarlet_call_subscribe("test.native"), t = scarlet_call_subscribe("test.native");
    CHECK(c >= 0 && s >= 0 && t >= 0);
    CHECK(scarlet_call_handler_register((int)t, 9, SCARLET_FILTER_ID, 2) == 0);
    CHECK(scarlet_call_publish((int)c, 1, "one", 3, 11, 5) == 1);
    CHECK(scarlet_call_publish((int)c, 2, NULL, 0, 22, 5) == 2);
    CHECK(scarlet_call_read((int)s, &e, sizeof(e)) == sizeof(e) && e.id == 1 && e.value == 11 &&
          e.length == 3 && memcmp(e.data, "one", 3) == 0);
    CHECK(scarlet_call_read((int)t, &e, sizeof(e)) == sizeof(e) && e.id == 2 && e.handler == 9 &&
          e.sender == scarlet_call_getpid());
    for (int i = 0; i < 300; i++)
        CHECK(scarlet_call_publish((int)c, 3, NULL, 0, (u64)i, 0) == 1);
    CHECK(scarlet_call_read((int)s, &e, sizeof(e)) == sizeof(e) && e.lost > 0);
    CHECK(scarlet_call_unsubscribe((int)c) == -SCARLET_WRONG_KIND);
    CHECK(scarlet_call_unsubscribe((int)s) == 0 && scarlet_call_unsubscribe((int)t) == 0);
    scarlet_call_close((int)c);
}

// --- threads, futexes ---
static struct lock lock;
static u64 counted;
static u32 turn;

static void count(void *arg)
{
    (void)arg;
    for (int i = 0; i < 5000; i++) {
        lock_take(&lock);
        counted++;
        lock_give(&lock);
    }
}

static void sleeper(void *arg)
{
    (void)arg;
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == 0)
        (void)scarlet_call_futex_wait(&turn, 0, FOREVER, 0);
    turn = 2;
}

static void threads(void)
{
    struct thread t[4], s;
    for (int i = 0; i < 4; i++)
        CHECK(thread_start(&t[i], count, NULL) > 0);
    for (int i = 0; i < 4; i++)
        CHECK(thread_wait(&t[i]) == 0);
    CHECK(counted == 20000);
    CHECK(thread_start(&s, sleeper, NULL) > 0);
    CHECK(scarlet_call_futex_wait(&turn, 1, 1, 0) == -SCARLET_WOULD_BLOCK);
    __atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
    (void)scarlet_call_futex_wake(&turn, 1, 0);
    CHECK(thread_wait(&s) == 0 && turn == 2);
    u64 soon = (u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC) + 1000000;
    CHECK(scarlet_call_futex_wait(&turn, 2, soon, 0) == -SCARLET_TIMED_OUT);
}

static void waiting(void)
{
    u64 n, start = (u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC);
    long t = scarlet_call_timer_create(0),
         c = scarlet_call_counter_create(0, SCARLET_COUNTER_NONBLOCK),
         s = scarlet_call_set_create();
    struct scarlet_set_item item = {.events = SCARLET_SET_READ, .data = 77}, got[4];
    CHECK(t >= 0 && c >= 0 && s >= 0);
    CHECK(scarlet_call_timer_set((int)t, start + 20000000, 0) == 0);
    CHECK(scarlet_call_set_add((int)s, (int)t, &item) == 0 &&
          scarlet_call_set_add((int)s, (int)t, &item) == -SCARLET_EXISTS);
    item.data = 78;
    CHECK(scarlet_call_set_add((int)s, (int)c, &item) == 0);
    CHECK(scarlet_call_set_wait((int)s, got, 4, 0) == 0);
    CHECK(scarlet_call_set_wait((int)s, got, 4, FOREVER) == 1 && got[0].data == 77);
    CHECK((u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC) >= start + 20000000);
    CHECK(scarlet_call_read((int)t, &n, 8) == 8 && n == 1);
    CHECK(scarlet_call_read((int)c, &n, 8) == -SCARLET_WOULD_BLOCK);
    n = 5;
    CHECK(scarlet_call_write((int)c, &n, 8) == 8);
    struct scarlet_wait_item w[2] = {{.handle = (i32)t, .wanted = SCARLET_READY_READ},
                                     {.handle = (i32)c, .wanted = SCARLET_READY_READ}};
    CHECK(scarlet_call_wait(w, 2, FOREVER) == 1 && w[0].got == 0 && w[1].got == SCARLET_READY_READ);
    CHECK(scarlet_call_set_remove((int)s, (int)t) == 0 &&
          scarlet_call_set_remove((int)s, (int)t) == -SCARLET_NOT_FOUND);
    w[0].handle = 99;
    CHECK(scarlet_call_wait(w, 1, 0) == 1 && w[0].got == SCARLET_READY_BAD);
    scarlet_call_close((int)t);
    scarlet_call_close((int)c);
    scarlet_call_close((int)s);
}

void ipc_parts(void)
{
    pipes();
    channels();
    nested_channels();
    event_channels();
    threads();
    waiting();
}
