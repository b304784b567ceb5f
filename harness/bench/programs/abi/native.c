// kbench's counterpart of the native kind. What it times itself it prints, in nanoseconds:
//   native call N | stat N PATH | view N | spawn N PROGRAM ARGUMENT
// and what kbench times: native echo (bytes from handle 0 to handle 1, one by one), native true.
#include <scarlet/scarlet.h>

static u64 now(void)
{
    u64 t;
    __asm__ volatile("rdtime %0" : "=r"(t)::"memory");
    return t * 100;
}

static void check(long r, const char *what)
{
    if (r < 0)
        die("%s: %s", what, status_text(r));
}

static int echo(void)
{
    char c;
    while (scarlet_call_read(0, &c, 1) == 1 && scarlet_call_write(1, &c, 1) == 1)
        ;
    return 0;
}

static void one_stat(const char *path)
{
    struct scarlet_metadata m;
    check(scarlet_call_metadata_at(HERE, path, 0, &m), path);
}

// A view like the caller's, with one more mount.
static void one_view(void)
{
    long view = scarlet_call_view_create(0);
    check(view, "view");
    check(scarlet_call_view_mount((int)view, "/tmp", "/home", NULL, SCARLET_MOUNT_BIND, NULL),
          "mount");
    check(scarlet_call_close((int)view), "close");
}

static void one_spawn(char *const *argv)
{
    struct run r = {.path = argv[0], .argv = argv};
    long task = run_program(&r);
    check(task, argv[0]);
    struct scarlet_task_end end;
    if (wait_for((int)task, &end) != 0)
        die("%s: did not end well", argv[0]);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "true") == 0)
        return 0;
    if (strcmp(what, "echo") == 0)
        return echo();
    i64 n = argc > 2 ? number_argument(argv[2]) : 0;
    u64 start = now();
    if (strcmp(what, "call") == 0)
        for (i64 i = 0; i < n; i++)
            (void)scarlet_call_getpid();
    else if (strcmp(what, "stat") == 0 && argc > 3)
        for (i64 i = 0; i < n; i++)
            one_stat(argv[3]);
    else if (strcmp(what, "view") == 0)
        for (i64 i = 0; i < n; i++)
            one_view();
    else if (strcmp(what, "spawn") == 0 && argc > 3)
        for (i64 i = 0; i < n; i++)
            one_spawn(argv + 3);
    else
        die("not a word of mine: %s", what);
    out("%lu\n", now() - start);
    return 0;
}
