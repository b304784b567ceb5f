// Being told: watches on directories and files, events with priorities, clocks that are set, flags
// and advice of handles.
#include "check.h"

enum { RW = SCARLET_OPEN_READ | SCARLET_OPEN_WRITE };
static struct scarlet_watch_record got[64];

static long told(long watch)
{
    struct scarlet_wait_item w = {.handle = (i32)watch, .wanted = SCARLET_READY_READ};
    if (scarlet_call_wait(&w, 1, 0) != 1)
        return 0;
    return scarlet_call_read((int)watch, got, sizeof(got)) / (long)sizeof(got[0]);
}

static bool is(long i, u32 what, const char *name)
{
    return got[i].what == what && got[i].length == strlen(name) && strcmp(got[i].name, name) == 0;
}

static void touch(const char *path)
{
    long f = scarlet_call_open(path, RW | SCARLET_OPEN_CREATE, 0644);
    CHECK(f >= 0 && scarlet_call_write((int)f, "x", 1) == 1);
    scarlet_call_close((int)f);
}

static void names(long w)
{
    touch("a"); // made, then written
    CHECK(told(w) == 2 && is(0, SCARLET_WATCH_CREATED, "a") && is(1, SCARLET_WATCH_CONTENTS, "a") &&
          got[0].type == SCARLET_TYPE_REGULAR && got[0].inode == got[1].inode);
    touch("a");
    touch("a"); // the same again
    CHECK(told(w) == 1 && is(0, SCARLET_WATCH_CONTENTS, "a") && told(w) == 0);
    CHECK(scarlet_call_create_directory("d", 0755) == 0);
    touch("d/inner"); // not a name of this directory
    CHECK(told(w) == 1 && is(0, SCARLET_WATCH_CREATED, "d") &&
          got[0].type == SCARLET_TYPE_DIRECTORY);
    CHECK(scarlet_call_rename(HERE, "a", HERE, "b", 0) == 0);
    CHECK(told(w) == 2 && is(0, SCARLET_WATCH_MOVED_FROM, "a") &&
          is(1, SCARLET_WATCH_MOVED_TO, "b") && got[0].pair == got[1].pair && got[0].pair);
    CHECK(scarlet_call_rename(HERE, "b", HERE, "d/b", 0) == 0);
    CHECK(told(w) == 1 && is(0, SCARLET_WATCH_MOVED_FROM, "b"));
    CHECK(scarlet_call_link(HERE, "d/b", HERE, "c", 0) == 0);
    CHECK(told(w) == 1 && is(0, SCARLET_WATCH_CREATED, "c"));
    CHECK(scarlet_call_truncate_path("c", 0) == 0);
    struct scarlet_metadata_change m = {.which = SCARLET_SET_MODE, .mode = 0600};
    CHECK(scarlet_call_metadata_set_at(HERE, "c", 0, &m) == 0);
    CHECK(told(w) == 2 && is(0, SCARLET_WATCH_CONTENTS, "c") &&
          is(1, SCARLET_WATCH_ATTRIBUTES, "c"));
    CHECK(scarlet_call_create_symlink("c", "s") == 0 && scarlet_call_remove("s") == 0 &&
          scarlet_call_remove("c") == 0);
    CHECK(told(w) == 3 && is(0, SCARLET_WATCH_CREATED, "s") && is(1, SCARLET_WATCH_REMOVED, "s") &&
          is(2, SCARLET_WATCH_REMOVED, "c"));
}

// What is watched is a file with one name left, d/b; then the directory itself.
static void things(long w)
{
    long f = scarlet_call_watch(HERE, "d/b", 0);
    CHECK(f >= 0 && told(f) == 0);
    touch("d/b");
    CHECK(scarlet_call_rename(HERE, "d/b", HERE, "d/e", 0) == 0);
    CHECK(scarlet_call_link(HERE, "d/e", HERE, "d/f", 0) == 0 && scarlet_call_remove("d/e") == 0 &&
          scarlet_call_remove("d/f") == 0);
    CHECK(told(f) == 4 && is(0, SCARLET_WATCH_CONTENTS, "") && is(1, SCARLET_WATCH_MOVED, "") &&
          is(2, SCARLET_WATCH_ATTRIBUTES, "") && is(3, SCARLET_WATCH_GONE, ""));
    scarlet_call_close((int)f);
    CHECK(scarlet_call_remove("d/inner") == 0 && scarlet_call_remove("d") == 0);
    CHECK(told(w) == 1 && is(0, SCARLET_WATCH_REMOVED, "d"));
    for (int i = 0; i < 300; i++) { // more than are kept: the oldest go, and how many is told
        char name[8];
        format(name, sizeof(name), "n%d", i);
        CHECK(scarlet_call_create_file(name, 0600) == 0);
    }
    long n = told(w);
    CHECK(n == 64 && got[0].lost == 44 && is(0, SCARLET_WATCH_CREATED, "n44") && got[1].lost == 0);
    while (told(w) > 0)
        ;
}

static void make_later(void *arg)
{
    (void)arg;
    (void)scarlet_call_sleep(20000000);
    touch("later");
}

static void watches(const char *dir)
{
    struct scarlet_handle_info info;
    struct thread t;
    (void)remove_tree(dir);
    CHECK(scarlet_call_create_directory(dir, 0755) == 0 && scarlet_call_change_directory(dir) == 0);
    CHECK(scarlet_call_watch(HERE, "none", 0) == -SCARLET_NOT_FOUND);
    long w = scarlet_call_watch(HERE, ".", 0);
    CHECK(w >= 0 && scarlet_call_query((int)w, &info) == 0 && info.type == SCARLET_OBJECT_WATCH &&
          info.capabilities & SCARLET_CAN_EVENT);
    names(w);
    things(w);
    CHECK(thread_start(&t, make_later, NULL) > 0); // reading waits
    CHECK(scarlet_call_read((int)w, got, sizeof(got[0])) == sizeof(got[0]) &&
          is(0, SCARLET_WATCH_CREATED, "later"));
    CHECK(thread_wait(&t) == 0);
    CHECK(scarlet_call_read((int)w, got, sizeof(got[0]) - 1) == -SCARLET_BAD_ARGUMENT);
    // A name in a directory without RIGHT_ENUMERATE cannot be watched.
    long d = scarlet_call_open(".", SCARLET_OPEN_DIRECTORY, 0);
    CHECK(scarlet_call_handle_restrict((int)d, SCARLET_RIGHT_METADATA) == 0 &&
          scarlet_call_watch((int)d, "later", 0) == -SCARLET_RIGHTS);
    scarlet_call_close((int)d);
    CHECK(scarlet_call_change_directory("/") == 0 && remove_tree(dir) == 0);
    long n, last = -1;
    while ((n = told(w)) > 0)
        last = n - 1;
    CHECK(last >= 0 && is(last, SCARLET_WATCH_GONE, ""));
    scarlet_call_close((int)w);
}

static void on_an_overlay(void)
{
    static const char *const dirs[] = {"/tmp/ov", "/tmp/ov/l", "/tmp/ov/u", "/tmp/ov/w",
                                       "/tmp/ov/m"};
    for (usize i = 0; i < ARRAY_LEN(dirs); i++)
        CHECK(scarlet_call_create_directory(dirs[i], 0755) == 0);
    long m = scarlet_call_mount("x", "/tmp/ov/m", "overlay", 0,
                                "lowerdir=/tmp/ov/l,upperdir=/tmp/ov/u,workdir=/tmp/ov/w");
    if (m == -SCARLET_NO_DEVICE)
        return; // a kernel without it
    CHECK(m == 0);
    touch("/tmp/ov/l/below");
    long w = scarlet_call_watch(HERE, "/tmp/ov/m", 0);
    touch("/tmp/ov/m/below"); // copied up, then written
    CHECK(told(w) == 1 && is(0, SCARLET_WATCH_CONTENTS, "below"));
    CHECK(scarlet_call_umount("/tmp/ov/m", 0) == -SCARLET_BUSY);
    scarlet_call_close((int)w);
    watches("/tmp/ov/m/watched");
    CHECK(scarlet_call_umount("/tmp/ov/m", 0) == 0);
    (void)remove_tree("/tmp/ov");
}

// --- events ---
static u32 next_event(u32 mask)
{
    struct scarlet_task_event e;
    long kind = scarlet_call_event_take(mask, &e, 0);
    return kind < 0 ? 0xffffffff : (u32)kind;
}

static void urgency(void)
{
    const u32 mask = 0xff0000; // custom kinds 0..7
    int me = (int)scarlet_call_getpid();
    u32 old = (u32)scarlet_call_event_block(mask);
    for (u32 i = 0; i < 4; i++)
        CHECK(scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM + i, 0, SCARLET_PRIORITY_LOW + i) ==
              0);
    CHECK(scarlet_call_kill(me, SCARLET_EVENT_CUSTOM + 4) == 0); // normal, behind its equal
    static const u32 order[] = {3, 2, 1, 4, 0};
    for (u32 i = 0; i < ARRAY_LEN(order); i++)
        CHECK(next_event(mask) == SCARLET_EVENT_CUSTOM + order[i]);
    CHECK(next_event(mask) == 0xffffffff);
    // Of a kind, the reliable ones stay apart; the others become one with what waits.
    for (u32 i = 0; i < 3; i++)
        CHECK(scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM, 1, SCARLET_PRIORITY_LOW) == 0 &&
              scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM, 0, SCARLET_PRIORITY_LOW) == 0);
    CHECK(scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM, 0, SCARLET_PRIORITY_CRITICAL) == 0);
    CHECK(scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM + 1, 1, SCARLET_PRIORITY_HIGH) == 0);
    static const u32 kept[] = {0, 1, 0, 0}; // the first became critical
    for (u32 i = 0; i < ARRAY_LEN(kept); i++)
        CHECK(next_event(mask) == SCARLET_EVENT_CUSTOM + kept[i]);
    CHECK(next_event(mask) == 0xffffffff);
    long r, sent = 0; // there is an end to it
    while ((r = scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM, 1, SCARLET_PRIORITY_LOW)) == 0)
        sent++;
    CHECK(r == -SCARLET_WOULD_BLOCK && sent > 16);
    while (next_event(mask) != 0xffffffff)
        sent--;
    CHECK(sent == 0);
    CHECK(scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM, 2, SCARLET_PRIORITY_LOW) ==
              -SCARLET_BAD_ARGUMENT &&
          scarlet_call_send_direct(me, SCARLET_EVENT_CUSTOM, 1, 5) == -SCARLET_BAD_ARGUMENT &&
          scarlet_call_send_direct(-1, SCARLET_EVENT_CUSTOM, 1, 1) == -SCARLET_NO_TASK);
    (void)scarlet_call_event_block(old);
}

// --- clocks ---
static volatile bool stop_working;
static void work(void *arg)
{
    (void)arg;
    while (!stop_working)
        ;
}
static void set_clock(void *arg)
{
    (void)scarlet_call_sleep(20000000);
    (void)scarlet_call_clock_set(*(i64 *)arg);
}

// What a program reads by itself lies between two answers of the kernel, also after the wall clock
// was set.
static void clocks_without_calls(void)
{
    for (u32 c = SCARLET_CLOCK_MONOTONIC; c <= SCARLET_CLOCK_THREAD; c++)
        for (int i = 0; i < 50; i++) {
            i64 a = scarlet_call_clock_get(c), b = clock_now(c), d = scarlet_call_clock_get(c);
            CHECK(a <= b && b <= d);
        }
    const struct scarlet_clock_page *page = (const void *)auxv_get(0x5301);
    CHECK(page && !(page->seq & 1));
    i64 hour = (i64)3600 * 1000000000, w = scarlet_call_clock_get(SCARLET_CLOCK_WALL);
    u32 seq = page->seq;
    CHECK(scarlet_call_clock_set(w + hour) == 0 && clock_now(SCARLET_CLOCK_WALL) >= w + hour &&
          page->seq != seq);
    CHECK(scarlet_call_clock_set(clock_now(SCARLET_CLOCK_WALL) - hour) == 0 &&
          clock_now(SCARLET_CLOCK_WALL) < w + hour);
}

static void clocks(void)
{
    struct thread t;
    i64 task = scarlet_call_clock_get(SCARLET_CLOCK_TASK), goal = task + 20000000;
    CHECK(thread_start(&t, work, NULL) > 0);
    CHECK(scarlet_call_sleep_until(SCARLET_CLOCK_TASK, goal) == 0 &&
          scarlet_call_clock_get(SCARLET_CLOCK_TASK) >= goal);
    stop_working = true;
    CHECK(thread_wait(&t) == 0);
    CHECK(scarlet_call_sleep_until(SCARLET_CLOCK_THREAD, (i64)1 << 60) == -SCARLET_DEADLOCK &&
          scarlet_call_sleep_until(SCARLET_CLOCK_THREAD, 0) == 0 &&
          scarlet_call_sleep_until(SCARLET_CLOCK_WALL, -1) == -SCARLET_BAD_ARGUMENT);
    // Sleeping for a day ends when somebody sets the clock to tomorrow.
    i64 before = scarlet_call_clock_get(SCARLET_CLOCK_WALL), day = (i64)24 * 3600 * 1000000000,
        tomorrow = before + day;
    u64 start = (u64)scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC);
    CHECK(thread_start(&t, set_clock, &tomorrow) > 0);
    CHECK(scarlet_call_sleep_until(SCARLET_CLOCK_WALL, tomorrow) == 0);
    CHECK(thread_wait(&t) == 0);
    CHECK(scarlet_call_clock_set(before + scarlet_call_clock_get(SCARLET_CLOCK_MONOTONIC) -
                                 (i64)start) == 0);
}

// --- handles ---
static void flags_and_advice(void)
{
    struct scarlet_handle_info info;
    int p[2];
    char c;
    CHECK(scarlet_call_pipe(p, 0) == 0);
    long d = scarlet_call_duplicate_to(p[0], SCARLET_SAME_RIGHTS, HERE,
                                       SCARLET_HANDLE_NONBLOCK | SCARLET_HANDLE_CLOSE_ON_EXEC);
    CHECK(d >= 0 && scarlet_call_query((int)d, &info) == 0 &&
          info.flags == (SCARLET_HANDLE_NONBLOCK | SCARLET_HANDLE_CLOSE_ON_EXEC));
    CHECK(scarlet_call_read((int)d, &c, 1) == -SCARLET_WOULD_BLOCK);
    CHECK(scarlet_call_query(p[0], &info) == 0 && info.flags == SCARLET_HANDLE_NONBLOCK);
    CHECK(scarlet_call_handle_restrict(p[0], SCARLET_RIGHT_READ | SCARLET_RIGHT_DUPLICATE) == 0 &&
          scarlet_call_duplicate_to(p[0], SCARLET_SAME_RIGHTS, HERE, SCARLET_HANDLE_NONBLOCK) ==
              -SCARLET_RIGHTS);
    CHECK(scarlet_call_advise(p[1], 0, 0, SCARLET_ADVICE_SOON) == -SCARLET_NOT_SEEKABLE);
    scarlet_call_close((int)d);
    scarlet_call_close(p[0]);
    scarlet_call_close(p[1]);
    long f = scarlet_call_open(self, SCARLET_OPEN_READ, 0);
    for (u32 a = SCARLET_ADVICE_NORMAL; a <= SCARLET_ADVICE_DONE; a++)
        CHECK(scarlet_call_advise((int)f, 4096, a % 2 ? 0 : ~0ul, a) == 0);
    CHECK(scarlet_call_advise((int)f, 0, 0, 5) == -SCARLET_BAD_ARGUMENT);
    scarlet_call_close((int)f);
}

void watch_parts(void)
{
    watches("/tmp/watched");
    on_an_overlay();
    urgency();
    clocks();
    clocks_without_calls();
    flags_and_advice();
}
