// view [words] -- program args: runs a program in a view of its own. Words, done in order:
//   bind FROM TO    a part of the tree at TO        robind FROM TO   the same, read-only
//   mount TYPE TO   a fresh file system             overlay UPPER LOWER TO   LOWER at TO, changes
//   go to UPPER (with UPPER.work) umount TO       take a mount away               root DIR make DIR
//   the root
#include <scarlet/scarlet.h>

static void check(long r, const char *what)
{
    if (r < 0)
        die("%s: %s", what, status_text(r));
}

static long overlay(int view, const char *upper, const char *lower, const char *to)
{
    struct text data = {0}, work = {0};
    text_format(&work, "%s.work", upper);
    (void)scarlet_call_create_directory(work.s, 0700);
    text_format(&data, "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work.s);
    long r = scarlet_call_view_mount(view, "overlay", to, "overlay", 0, data.s);
    text_free(&data);
    text_free(&work);
    return r;
}

int main(int argc, char **argv)
{
    help_asked(
        argc, argv,
        "[bind FROM TO | robind FROM TO | mount TYPE TO | overlay UPPER LOWER TO | umount TO | "
        "root DIR]... -- program args");
    long view = scarlet_call_view_create(0);
    check(view, "view");
    int v = (int)view, i = 1;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        const char *w = argv[i], *a = i + 1 < argc ? argv[i + 1] : NULL,
                   *b = i + 2 < argc ? argv[i + 2] : NULL, *c = i + 3 < argc ? argv[i + 3] : NULL;
        if (strcmp(w, "bind") == 0 && b) {
            check(scarlet_call_view_mount(v, a, b, NULL, SCARLET_MOUNT_BIND, NULL), b);
            i += 3;
        } else if (strcmp(w, "robind") == 0 && b) {
            check(scarlet_call_view_mount(v, a, b, NULL,
                                          SCARLET_MOUNT_BIND | SCARLET_MOUNT_READ_ONLY, NULL),
                  b);
            i += 3;
        } else if (strcmp(w, "mount") == 0 && b) {
            check(scarlet_call_view_mount(v, a, b, a, 0, NULL), b);
            i += 3;
        } else if (strcmp(w, "overlay") == 0 && c) {
            check(overlay(v, a, b, c), c);
            i += 4;
        } else if (strcmp(w, "umount") == 0 && a) {
            check(scarlet_call_view_umount(v, a, 0), a);
            i += 2;
        } else if (strcmp(w, "root") == 0 && a) {
            check(scarlet_call_view_set_root(v, a), a);
            i += 2;
        } else {
            die("not a word of mine, or not all of its arguments: %s", w);
        }
    }
    if (i >= argc - 1)
        die("what shall run? (-- program args)");
    check(scarlet_call_view_enter(v), "view");
    (void)scarlet_call_close(v);
    char *path = find_program(argv[i + 1]);
    long r = path ? scarlet_call_execve(path, argv + i + 1, env, 0) : -SCARLET_NOT_FOUND;
    say("%s: %s", argv[i + 1], status_text(r));
    return 127;
}
