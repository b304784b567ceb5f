// Many of everything, from several threads and tasks at once: meant for several harts.
#include "check.h"

enum { HANDLES = 200, TASKS = 4, ROUNDS = 2000 };

// --- one wait for many handles ---
static int counters[HANDLES];
static void count_up(void *arg)
{
    (void)arg;
    u64 one = 1;
    for (int i = 0; i < HANDLES; i++)
        CHECK(scarlet_call_write(counters[i], &one, 8) == 8);
}

static void wait_for_many(void)
{
    struct scarlet_wait_item *w = allocate(HANDLES * sizeof(*w));
    struct thread t;
    int seen = 0;
    for (int i = 0; i < HANDLES; i++) {
        counters[i] = (int)scarlet_call_counter_create(0, 0);
        w[i] = (struct scarlet_wait_item){.handle = counters[i], .wanted = SCARLET_READY_READ};
    }
    CHECK(scarlet_call_wait(w, HANDLES, 0) == 0);
    CHECK(thread_start(&t, count_up, NULL) > 0);
    while (seen < HANDLES) {
        CHECK(scarlet_call_wait(w, HANDLES, FOREVER) > 0);
        for (int i = 0; i < HANDLES; i++)
            if (w[i].got & SCARLET_READY_READ) {
                u64 n;
                CHECK(scarlet_call_read(counters[i], &n, 8) == 8 && n == 1);
                w[i].handle = SCARLET_NO_HANDLE; // waits for nothing
                seen++;
            }
    }
    CHECK(thread_wait(&t) == 0);
    for (int i = 0; i < HANDLES; i++)
        scarlet_call_close(counters[i]);
    release(w);
}

// --- memory shared between tasks: a count under a lock that lies in it ---
struct shared {
    u32 lock; // 0 free, 1 taken
    u32 count;
    u32 ready;
};

int count_in_shared_memory(void) // as a child: handle 3 is the memory
{
    long at = scarlet_call_map(3, NULL, 4096, SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE,
                               SCARLET_MAP_SHARED, 0);
    struct shared *s = (struct shared *)at;
    if (at <= 0)
        return 1;
    (void)__atomic_fetch_add(&s->ready, 1, __ATOMIC_RELEASE);
    (void)scarlet_call_futex_wake(&s->ready, TASKS, SCARLET_FUTEX_SHARED);
    for (u32 r; (r = __atomic_load_n(&s->ready, __ATOMIC_ACQUIRE)) < TASKS;)
        (void)scarlet_call_futex_wait(&s->ready, r, FOREVER, SCARLET_FUTEX_SHARED);
    for (int i = 0; i < ROUNDS; i++) {
        while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE))
            (void)scarlet_call_futex_wait(&s->lock, 1, FOREVER, SCARLET_FUTEX_SHARED);
        s->count++;
        __atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
        (void)scarlet_call_futex_wake(&s->lock, 1, SCARLET_FUTEX_SHARED);
    }
    return 0;
}

static void shared_memory(void)
{
    char *argv[] = {"native-test", "count", NULL};
    int m = (int)scarlet_call_memory_create("shared count", 4096);
    long at = scarlet_call_map(m, NULL, 4096, SCARLET_PROTECT_READ, SCARLET_MAP_SHARED, 0),
         t[TASKS];
    const struct scarlet_spawn_handle h = {
        m, 3, SCARLET_RIGHT_READ | SCARLET_RIGHT_WRITE | SCARLET_RIGHT_MAP, 0};
    CHECK(m >= 0 && at > 0);
    for (int i = 0; i < TASKS; i++)
        CHECK((t[i] = child(argv, &h, 1, true)) >= 0);
    for (int i = 0; i < TASKS; i++)
        CHECK(wait_for((int)t[i], NULL) == 0);
    CHECK(((const struct shared *)at)->count == TASKS * ROUNDS);
    CHECK(scarlet_call_unmap((void *)at, 4096) == 0);
    scarlet_call_close(m);
}

// --- timers, events and threads at once ---
static volatile u32 events_seen;
static void note_event(const struct scarlet_task_event *e)
{
    (void)e;
    events_seen++;
}

static void send_events(void *arg)
{
    u32 mine = *(u32 *)arg;
    for (int i = 0; i < 100; i++)
        CHECK(scarlet_call_kill((int)scarlet_call_getpid(), SCARLET_EVENT_CUSTOM + mine) == 0);
}

static void timers_and_events(void)
{
    struct thread t[4];
    u32 kinds[4];
    u64 fired, total = 0, now = (u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC);
    int timer = (int)scarlet_call_timer_create(0);
    CHECK(scarlet_call_timer_set(timer, now + 1000000, 1000000) == 0);
    CHECK(on_events(0xfu << 16, note_event) == 0);
    for (u32 i = 0; i < 4; i++) {
        kinds[i] = i;
        CHECK(thread_start(&t[i], send_events, &kinds[i]) > 0);
    }
    while (total < 20) {
        long n = scarlet_call_read(timer, &fired, 8); // events may interrupt it
        CHECK(n == 8 || n == -SCARLET_INTERRUPTED);
        total += n == 8 ? fired : 0;
    }
    for (int i = 0; i < 4; i++)
        CHECK(thread_wait(&t[i]) == 0);
    CHECK(events_seen >= 4); // one of a kind is kept while it waits
    CHECK(on_events(0, NULL) == 0);
    CHECK((u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC) >= now + 20000000);
    scarlet_call_close(timer);
}

// --- threads that come and go, each with handles of its own ---
static void churn(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        int p[2], c[2], got = -1;
        char b;
        struct scarlet_channel_result r;
        CHECK(scarlet_call_pipe(p, 0) == 0 && scarlet_call_channel_create(c, 0) == 0);
        CHECK(scarlet_call_channel_send(c[0], "p", 1, &p[0], 1) == 0 &&
              scarlet_call_channel_receive(c[1], &b, 1, &got, 1, &r) == 0);
        CHECK(scarlet_call_write(p[1], "q", 1) == 1 && scarlet_call_read(got, &b, 1) == 1 &&
              b == 'q');
        scarlet_call_close(got);
        scarlet_call_close(p[1]);
        scarlet_call_close(c[0]);
        scarlet_call_close(c[1]);
    }
}

static void many_threads(void)
{
    struct thread t[8];
    for (int round = 0; round < 4; round++) {
        for (usize i = 0; i < ARRAY_LEN(t); i++)
            CHECK(thread_start(&t[i], churn, NULL) > 0);
        for (usize i = 0; i < ARRAY_LEN(t); i++)
            CHECK(thread_wait(&t[i]) == 0);
    }
}

void many_parts(void)
{
    wait_for_many();
    shared_memory();
    timers_and_events();
    many_threads();
}
