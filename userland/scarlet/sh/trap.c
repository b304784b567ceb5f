// trap: actions for events. The handler only notes what came in; the action runs between commands.
// What is to be ignored gets a handler that notes nothing; a program that is started does not
// inherit that.
#include "sh.h"

enum { AT_EXIT = 31, KINDS = 16 }; // bit 31 of masks: the end of the shell
struct action {
    bool set, told; // told: of the shell that this is a copy of; only listed
    char *text;     // "" ignores
};
static struct action actions[AT_EXIT + 1];
static volatile u32 pending; // bit n: kind n came in
static bool running;

static void note(const struct scarlet_task_event *e)
{
    if (e->kind < KINDS && actions[e->kind].set && *actions[e->kind].text)
        (void)__atomic_fetch_or(&pending, 1u << e->kind, __ATOMIC_RELAXED);
}

static void listen(void)
{
    u32 mask = 0;
    for (u32 i = 0; i < KINDS; i++)
        mask |= actions[i].set ? 1u << i : 0;
    (void)on_events(mask, mask ? note : NULL);
}

static int kind_named(const char *name)
{
    if (strcmp(name, "EXIT") == 0 || strcmp(name, "0") == 0)
        return AT_EXIT;
    return event_by_name(name);
}

static void show(struct io *io, u32 i)
{
    struct text t = {0};
    for (const char *c = actions[i].text; *c; c++)
        if (*c == '\'')
            text_put(&t, "'\\''");
        else
            text_char(&t, *c);
    io_print(io, 1, "trap -- '%s' %s\n", t.s ? t.s : "", i == AT_EXIT ? "EXIT" : event_name(i));
    text_free(&t);
}

static void set_action(u32 i, const char *text)
{
    release(actions[i].text);
    actions[i] = (struct action){.set = text != NULL, .text = text ? copy_string(text) : NULL};
}

// trap; trap - NAME...; trap ACTION NAME...; trap NAME resets it too.
int trap_builtin(struct list_of_strings *argv, struct io *io)
{
    usize first = argv->n > 1 && strcmp(argv->v[1], "--") == 0 ? 2 : 1;
    if (argv->n <= first) {
        for (u32 i = 0; i <= AT_EXIT; i++)
            if (actions[i].set || actions[i].told)
                show(io, i);
        return 0;
    }
    const char *text = argv->v[first];
    for (u32 i = 0; i <= AT_EXIT; i++)
        actions[i].told = false;
    bool reset = strcmp(text, "-") == 0 || argv->n == first + 1;
    for (usize i = argv->n == first + 1 ? first : first + 1; i < argv->n; i++) {
        int kind = kind_named(argv->v[i]);
        if (kind < 0 || kind == SCARLET_EVENT_KILL || kind == SCARLET_EVENT_STOP) {
            say("trap: %s: no such event", argv->v[i]);
            return 1;
        }
        set_action((u32)kind, reset ? NULL : text);
    }
    listen();
    return 0;
}

bool traps_waiting(void)
{
    return pending && !running;
}

int traps_status(void)
{
    u32 p = pending;
    return p ? 128 + event_number((u32)__builtin_ctz(p)) : 0;
}

long traps_wait(void)
{
    u32 mask = 1u << SCARLET_EVENT_CHILD;
    struct scarlet_task_event e;
    for (u32 i = 0; i < KINDS; i++)
        mask |= actions[i].set && *actions[i].text ? 1u << i : 0;
    long kind = scarlet_call_event_take(mask, &e, FOREVER);
    if (kind >= 0)
        note(&e);
    return kind;
}

u32 traps_hold(void)
{
    u32 mask = 1u << SCARLET_EVENT_CHILD, old;
    for (u32 i = 0; i < KINDS; i++)
        mask |= actions[i].set && *actions[i].text ? 1u << i : 0;
    old = (u32)scarlet_call_event_block(~0u);
    (void)scarlet_call_event_block(old | mask);
    return old;
}

static void run_action(const char *text)
{
    static struct io io = {{0, 1, 2, -1, -1, -1, -1, -1, -1, -1}};
    int status = last_status;
    char *copy = copy_string(text);
    running = true;
    (void)run_text(copy, &io);
    running = false;
    last_status = status;
}

void traps_run(void)
{
    while (traps_waiting()) {
        u32 i = (u32)__builtin_ctz(pending);
        (void)__atomic_fetch_and(&pending, ~(1u << i), __ATOMIC_RELAXED);
        if (actions[i].set)
            run_action(actions[i].text);
    }
}

void traps_forget(void)
{
    bool any = false;
    for (u32 i = 0; i <= AT_EXIT; i++) {
        any |= actions[i].set;
        if (!actions[i].set || !*actions[i].text) // what is ignored stays so
            continue;
        actions[i].set = false;
        actions[i].told = true;
    }
    if (any)
        listen();
    pending = 0;
    running = false;
}

void shell_exit(int status)
{
    struct action *a = &actions[AT_EXIT];
    traps_run();
    if (a->set) {
        char *text = a->text;
        *a = (struct action){0};
        last_status = status;
        returning = false;
        breaking = continuing = 0;
        if (*text)
            run_action(text);
    }
    jobs_end();
    leave(status);
}
