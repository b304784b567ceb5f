// init: the first task. Mounts what is missing, reads /etc/init.conf, starts and restarts what
// stands there, reaps, and takes the system down in order when `shutdown` asks for it on the event
// channel system.shutdown.
#include <scarlet/scarlet.h>

enum action { ONCE, START, KEEP, CONSOLE, END };
struct service {
    struct service *next;
    enum action action;
    char *command;
    int task;    // number, 0: not running
    u64 started; // when, to slow down what ends at once
    u64 again;   // earliest time of the next start
};
static struct service *services;
static const char *const words[] = {"once", "start", "keep", "console", "end"};
static const u64 SECOND = 1000000000;

static const char *prefix =
    ""; // where native programs lie: the first task may see the base tree instead of its own root

static char *under_prefix(const char *name)
{
    struct text t = {0};
    text_format(&t, "%s%s", prefix, name);
    return t.s;
}

static u64 now(void)
{
    return (u64)clock_now(SCARLET_CLOCK_MONOTONIC);
}

// --- waiting ---
// The ends of children come as events, let in only while nothing else goes on; the handler makes of
// them something that can be waited for together with other things.
static int child_ends;
static long wishes; // subscription to system.shutdown

static void child_ended(const struct scarlet_task_event *e)
{
    const u64 one = 1;
    (void)e;
    (void)scarlet_call_write(child_ends, &one, sizeof(one));
}

static void prepare_waiting(void)
{
    (void)scarlet_call_event_block(1u << SCARLET_EVENT_CHILD);
    long c = scarlet_call_counter_create(0, SCARLET_COUNTER_NONBLOCK);
    long r = c < 0 ? c : on_events(1u << SCARLET_EVENT_CHILD, child_ended);
    child_ends = (int)c;
    if (r >= 0)
        r = scarlet_call_set_flags(child_ends, SCARLET_HANDLE_CLOSE_ON_EXEC,
                                   SCARLET_HANDLE_CLOSE_ON_EXEC);
    if (r < 0)
        die("ends of children: %s", status_text(r));
    long channel = scarlet_call_event_channel_create("system.shutdown");
    wishes = channel < 0 ? channel : scarlet_call_subscribe("system.shutdown");
    if (wishes < 0)
        say("system.shutdown: %s", status_text(wishes));
}

// Until a child has ended, which it may have before, or at most until `deadline`. True: with
// `look`, because somebody has a wish.
static bool wait_for_news(u64 deadline, bool look)
{
    u64 ends;
    struct scarlet_wait_item items[] = {
        {.handle = child_ends, .wanted = SCARLET_READY_READ},
        {.handle = (i32)(look && wishes >= 0 ? wishes : SCARLET_NO_HANDLE),
         .wanted = SCARLET_READY_READ}};
    (void)scarlet_call_event_block(0);
    long r = scarlet_call_wait(items, ARRAY_LEN(items), deadline);
    (void)scarlet_call_event_block(1u << SCARLET_EVENT_CHILD);
    (void)scarlet_call_read(child_ends, &ends, sizeof(ends));
    return r > 0 && items[1].got;
}

// --- set-up ---
static void mount_if_missing(const char *type, const char *target, const char *data)
{
    struct scarlet_fs_info f;
    (void)scarlet_call_create_directory(target, 0755);
    if (scarlet_call_fs_info(HERE, target, &f) == 0 && strcmp(f.type, type) == 0)
        return;
    long r = scarlet_call_mount(type, target, type, 0, data);
    if (r < 0 && r != -SCARLET_NO_DEVICE && r != -SCARLET_BUSY)
        say("mount %s: %s", target, status_text(r));
}

static void read_config(const char *path)
{
    long h = scarlet_call_open(path, SCARLET_OPEN_READ | SCARLET_OPEN_CLOSE_ON_EXEC, 0);
    struct reader r = {.handle = (int)h};
    struct service **tail = &services;
    char *line;
    usize len, number = 0;
    if (h < 0) {
        say("%s: %s", path, status_text(h));
        return;
    }
    while (read_line(&r, &line, &len)) {
        number++;
        while (*line == ' ' || *line == '\t')
            line++;
        if (!*line || *line == '#')
            continue;
        usize a = 0;
        for (; a < ARRAY_LEN(words); a++) {
            usize n = strlen(words[a]);
            if (strncmp(line, words[a], n) == 0 && (line[n] == ' ' || line[n] == '\t')) {
                line += n;
                break;
            }
        }
        if (a == ARRAY_LEN(words)) {
            say("%s:%lu: no such word", path, number);
            continue;
        }
        while (*line == ' ' || *line == '\t')
            line++;
        struct service *s = allocate(sizeof(*s));
        s->action = (enum action)a;
        s->command = copy_string(line);
        *tail = s;
        tail = &s->next;
    }
    reader_free(&r);
    scarlet_call_close((int)h);
}

// --- starting ---
static int start(struct service *s)
{
    struct text command = {0};
    text_format(&command, "%s%s", s->action == CONSOLE ? "exec " : "",
                s->command); // it leads the session itself
    char *argv[] = {"sh", "-c", command.s, NULL};
    struct run r = {.path = under_prefix("/bin/sh"), .argv = argv};
    long terminal = -1;
    if (s->action == CONSOLE) {
        r.flags = SCARLET_SPAWN_NEW_SESSION;
        terminal = scarlet_call_open(
            "/dev/console", SCARLET_OPEN_READ | SCARLET_OPEN_WRITE | SCARLET_OPEN_CLOSE_ON_EXEC, 0);
        if (terminal >= 0) {
            r.set_standard = true;
            r.standard[0] = r.standard[1] = r.standard[2] = (int)terminal;
        }
    } else {
        r.flags = SCARLET_SPAWN_NEW_GROUP;
    }
    long h = run_program(&r);
    release((void *)(usize)r.path);
    text_free(&command);
    if (terminal >= 0)
        scarlet_call_close((int)terminal);
    struct scarlet_task_info info = {0};
    if (h < 0) {
        say("%s: %s", s->command, status_text(h));
    } else {
        (void)scarlet_call_task_info((int)h, &info);
        scarlet_call_close((int)h);
    }
    s->task = info.task;
    s->started = now();
    s->again = s->started + (h < 0 ? 10 * SECOND : 0);
    return info.task;
}

static void wait_until_gone(int task)
{
    struct scarlet_task_end e;
    long r;
    while (task && (r = scarlet_call_waitpid(task, &e, 0)) != task)
        if (r != -SCARLET_INTERRUPTED)
            return;
}

static void run_all(enum action a)
{
    for (struct service *s = services; s; s = s->next)
        if (s->action == a)
            wait_until_gone(start(s));
}

static void ended(int task)
{
    for (struct service *s = services; s; s = s->next)
        if (s->task == task) {
            s->task = 0;
            // What ends within two seconds is not started again at once.
            s->again = now() < s->started + 2 * SECOND ? now() + 5 * SECOND : now();
        }
}

// --- the end ---
static int others_left(void)
{
    struct scarlet_task_info t;
    int n = 0;
    for (i32 from = 2; (from = (i32)scarlet_call_task_list(from, &t)) > 0; from++)
        n += t.resident != 0 && t.state[0] != 'Z';
    return n;
}

static void tell_all(u32 kind)
{
    struct scarlet_task_info t;
    for (i32 from = 2; (from = (i32)scarlet_call_task_list(from, &t)) > 0; from++)
        if (t.resident)
            (void)scarlet_call_kill(from, kind);
}

static void go_down(u32 kind)
{
    struct scarlet_task_end e;
    run_all(END);
    tell_all(SCARLET_EVENT_TERMINATE);
    tell_all(SCARLET_EVENT_HANGUP);
    for (u64 until = now() + 3 * SECOND; others_left() && now() < until;) {
        (void)wait_for_news(until, false);
        while (scarlet_call_waitpid(-1, &e, SCARLET_WAIT_NOHANG) > 0)
            ;
    }
    tell_all(SCARLET_EVENT_KILL);
    (void)scarlet_call_sleep(SECOND / 20);
    (void)scarlet_call_shutdown(kind);
}

int main(int argc, char **argv)
{
    program_name = "init";
    help_asked(argc, argv, "(the first task; its configuration is /etc/init.conf)");
    if (scarlet_call_getpid() != 1)
        die("only the first task can be init");
    if (scarlet_call_access_at(HERE, "/system/scarlet/bin/init", SCARLET_ACCESS_EXECUTE) == 0)
        prefix = "/system/scarlet";
    struct text path = {0};
    text_format(&path, "%s/bin:/names%s", prefix, *prefix ? ":/usr/sbin:/usr/bin" : "");
    env_set("PATH", path.s);
    env_set("HOME", "/root");
    mount_if_missing("devtmpfs", "/dev", NULL);
    mount_if_missing("proc", "/proc", NULL);
    mount_if_missing("tmpfs", "/tmp", "mode=1777");
    prepare_waiting();
    read_config(under_prefix("/etc/init.conf"));
    run_all(ONCE);
    for (;;) {
        struct scarlet_task_end e;
        u64 next = FOREVER;
        long task;
        while ((task = scarlet_call_waitpid(-1, &e, SCARLET_WAIT_NOHANG)) > 0)
            ended((int)task);
        for (struct service *s = services; s; s = s->next) {
            bool wanted =
                s->action == KEEP || s->action == CONSOLE || (s->action == START && !s->started);
            if (!wanted || s->task)
                continue;
            if (s->again <= now())
                (void)start(s);
            else if (s->again < next)
                next = s->again;
        }
        if (wait_for_news(next, true)) {
            static struct scarlet_event_record rec;
            if (scarlet_call_read((int)wishes, &rec, sizeof(rec)) == sizeof(rec))
                go_down(rec.id);
        }
    }
}
