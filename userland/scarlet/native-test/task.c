// Tasks: spawn with explicit handles, waiting, events and handlers, views, zones, other programs.
#include "check.h"

const char *self;

long child(char *const *argv, const struct scarlet_spawn_handle *h, u32 n, bool standard)
{
    struct scarlet_spawn_request q = {.path.p = self,
                                      .argv.p = argv,
                                      .envp.p = env,
                                      .handles.p = h,
                                      .count = n,
                                      .view = SCARLET_NO_HANDLE,
                                      .environment = SCARLET_NO_HANDLE,
                                      .flags = standard ? SCARLET_SPAWN_STANDARD : 0};
    return scarlet_call_spawn(&q);
}

static void explicit_handles(void)
{
    int p[2];
    char buf[32];
    char *slots[] = {"native-test", "slots", NULL};
    CHECK(scarlet_call_pipe(p, 0) == 0);
    struct scarlet_spawn_handle h[] = {{p[1], 1, SCARLET_SAME_RIGHTS, 0},
                                       {p[0], 5, SCARLET_RIGHT_READ, 0}};
    long t = child(slots, h, 2, false);
    CHECK(t >= 0);
    scarlet_call_close(p[1]);
    CHECK(wait_for((int)t, NULL) == 0);
    long n = scarlet_call_read(p[0], buf, sizeof(buf));
    CHECK(n == 13 && memcmp(buf, "-w---r------\n", 13) == 0);
    struct scarlet_spawn_handle more = {p[0], 0, SCARLET_RIGHT_READ | SCARLET_RIGHT_WRITE, 0};
    CHECK(child(slots, &more, 1, false) == -SCARLET_RIGHTS);
    scarlet_call_close(p[0]);
    struct scarlet_spawn_request bad = {
        .path.p = "/no/such", .view = SCARLET_NO_HANDLE, .environment = SCARLET_NO_HANDLE};
    CHECK(scarlet_call_spawn(&bad) == -SCARLET_NOT_FOUND);
    CHECK(scarlet_call_waitpid(-1, NULL, SCARLET_WAIT_NOHANG) == -SCARLET_NO_CHILD);
}

static void ends(void)
{
    char *code[] = {"native-test", "exit", "42", NULL}, *rest[] = {"native-test", "sleep", NULL};
    struct scarlet_task_end e;
    long t = child(code, NULL, 0, true);
    CHECK(t >= 0 && wait_for((int)t, &e) == 42 && e.kind == SCARLET_END_EXIT && e.code == 42);
    t = child(rest, NULL, 0, true);
    struct scarlet_task_info i;
    CHECK(scarlet_call_task_info((int)t, &i) == 0 && strcmp(i.abi, "scarlet") == 0);
    CHECK(scarlet_call_task_wait((int)t, &e, 0) == -SCARLET_TIMED_OUT);
    long look = scarlet_call_duplicate_to((int)t, SCARLET_RIGHT_WAIT, HERE, 0);
    CHECK(scarlet_call_task_kill((int)look, SCARLET_EVENT_KILL) == -SCARLET_RIGHTS);
    scarlet_call_close((int)look);
    CHECK(scarlet_call_task_kill((int)t, SCARLET_EVENT_TERMINATE) == 0);
    CHECK(wait_for((int)t, &e) == 143 && e.kind == SCARLET_END_EVENT &&
          e.code == SCARLET_EVENT_TERMINATE);
    long c = scarlet_call_clone(0);
    if (c == 0)
        (void)scarlet_call_exit(9);
    CHECK(scarlet_call_waitpid((int)c, &e, 0) == c && e.code == 9);
    CHECK(scarlet_call_kill(999999, SCARLET_EVENT_TERMINATE) == -SCARLET_NO_TASK);
    CHECK(scarlet_call_kill(-2147483647 - 1, SCARLET_EVENT_TERMINATE) == -SCARLET_NO_TASK);
}

// --- events ---
static volatile u32 seen, seen_kind;
static volatile u64 seen_sender;
static void handler(const struct scarlet_task_event *e)
{
    seen++;
    seen_kind = e->kind;
    seen_sender = (u64)e->sender;
}

static void events(void)
{
    int me = (int)scarlet_call_getpid();
    CHECK(on_events(1u << SCARLET_EVENT_INTERRUPT | 1u << 16, handler) == 0);
    CHECK(scarlet_call_kill(me, SCARLET_EVENT_INTERRUPT) == 0);
    CHECK(seen == 1 && seen_kind == SCARLET_EVENT_INTERRUPT && seen_sender == (u64)me);
    CHECK(scarlet_call_kill(me, SCARLET_EVENT_CUSTOM) == 0);
    CHECK(seen == 2 && seen_kind == SCARLET_EVENT_CUSTOM);
    (void)scarlet_call_event_block(1u << SCARLET_EVENT_INTERRUPT);
    CHECK(scarlet_call_kill(me, SCARLET_EVENT_INTERRUPT) == 0 && seen == 2);
    struct scarlet_task_event e;
    CHECK(scarlet_call_event_take(1u << SCARLET_EVENT_INTERRUPT, &e, 0) ==
              SCARLET_EVENT_INTERRUPT &&
          e.sender == me);
    CHECK(scarlet_call_event_take(1u << SCARLET_EVENT_INTERRUPT, &e, 0) == -SCARLET_WOULD_BLOCK);
    CHECK(scarlet_call_kill(me, SCARLET_EVENT_INTERRUPT) == 0 && seen == 2);
    CHECK(scarlet_call_event_block(0) == 1u << SCARLET_EVENT_INTERRUPT && seen == 3);
    CHECK(on_events(0, NULL) == 0);
    CHECK(scarlet_call_event_handler((void *)handler, NULL, 1u << SCARLET_EVENT_KILL) ==
          -SCARLET_BAD_ARGUMENT);
    CHECK(scarlet_call_kill(me, SCARLET_EVENT_CHILD) == 0); // dropped
}

// Events in the middle of a computation leave its registers and its stack as they are, whatever
// handlers compute.
static volatile double noise = 1;
static void compute(const struct scarlet_task_event *e)
{
    noise = noise / 3 + (double)e->kind;
    seen++;
}
[[gnu::noinline]] static double sum_of_fractions(void)
{
    volatile int terms = 0; // in memory, for a function that calls none below the stack pointer
    double sum = 0;
    for (int i = 1; i < 20000; i++) {
        sum += 1.0 / i;
        terms = terms + 1;
    }
    return terms == 19999 ? sum : 0;
}

static void events_while_computing(void)
{
    int me = (int)scarlet_call_getpid();
    double right = sum_of_fractions();
    bool wrong = false;
    seen = 0;
    CHECK(on_events(1u << 16, compute) == 0);
    long sender = scarlet_call_clone(0);
    if (sender == 0)
        while (scarlet_call_kill(me, SCARLET_EVENT_CUSTOM) == 0)
            (void)scarlet_call_sleep(100'000);
    while (seen < 30 && !wrong)
        wrong = sum_of_fractions() != right;
    CHECK(!wrong);
    CHECK(scarlet_call_kill((int)sender, SCARLET_EVENT_KILL) == 0 &&
          scarlet_call_waitpid((int)sender, NULL, 0) == sender);
    CHECK(on_events(0, NULL) == 0);
}

static void variables(void)
{
    char *ask[] = {"native-test", "env", NULL};
    env_set("MARK", "yes");
    long t = child(ask, NULL, 0, true);
    CHECK(t >= 0 && wait_for((int)t, NULL) == 0);
    env_set("MARK", NULL);
    CHECK(auxv_get(6) == 4096 && auxv_get(25) != 0);
}

void task_parts(void)
{
    explicit_handles();
    ends();
    events();
    events_while_computing();
    variables();
}
