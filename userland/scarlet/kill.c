// kill [-l | [-EVENT | -s EVENT] tasks]: sends an event, by its name here or by a signal's name or
// number; default TERMINATE. A negative number is a group; 0 as an event only asks whether the task
// is there.
#include <scarlet/scarlet.h>

static const char usage[] = "usage: kill [-l | [-EVENT | -s EVENT] tasks]";

static void list(void)
{
    const char *name;
    for (u32 k = 0; (name = event_name(k)) != NULL; k++)
        out("%2d %s\n", event_number(k), name);
}

static long send(i64 task, int kind)
{
    if (kind >= 0)
        return scarlet_call_kill((int)task, (u32)kind);
    long h = scarlet_call_task_open((int)task);
    if (h >= 0)
        scarlet_call_close((int)h);
    return h < 0 ? h : 0;
}

int main(int argc, char **argv)
{
    int kind = SCARLET_EVENT_TERMINATE, i = 1, failed = 0;
    if (i < argc && strcmp(argv[i], "-l") == 0) {
        list();
        return 0;
    }
    if (i < argc && strcmp(argv[i], "--help") == 0) {
        out("%s\n", usage);
        return 0;
    }
    if (i < argc && strcmp(argv[i], "--") != 0 && argv[i][0] == '-' && argv[i][1]) {
        const char *name = argv[i++] + 1;
        if (strcmp(name, "s") == 0 && i < argc)
            name = argv[i++];
        kind = strcmp(name, "0") == 0 ? -1 : event_by_name(name);
        if (kind < 0 && strcmp(name, "0") != 0)
            die("no such event: %s", name);
    }
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i == argc) {
        say("%s", usage);
        return 2;
    }
    for (; i < argc; i++) {
        i64 task;
        long r = parse_number(argv[i], &task) ? send(task, kind) : -SCARLET_BAD_ARGUMENT;
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
