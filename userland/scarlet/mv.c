// mv [-n] source... target: other names for files; across file systems they are copied.
#include <scarlet/scarlet.h>

static long move(const char *from, const char *to, u32 flags)
{
    long r = scarlet_call_rename(HERE, from, HERE, to, flags);
    if (r != -SCARLET_OTHER_FILESYSTEM)
        return r;
    struct scarlet_metadata m;
    r = scarlet_call_metadata_at(HERE, from, SCARLET_NO_FOLLOW, &m);
    if (r < 0)
        return r;
    if (m.type != SCARLET_TYPE_REGULAR) {
        char *copy[] = {"cp", "-a", (char *)(usize)from, (char *)(usize)to, NULL};
        long t = run_program(&(struct run){.argv = copy});
        if (t < 0)
            return t;
        if (wait_for((int)t, NULL))
            return -SCARLET_IO;
        return remove_tree(from);
    }
    r = copy_file(from, to, m.mode);
    if (r < 0)
        return r;
    struct scarlet_metadata_change c = {.which = SCARLET_SET_ACCESSED | SCARLET_SET_MODIFIED,
                                        .accessed = m.accessed,
                                        .modified = m.modified};
    (void)scarlet_call_metadata_set_at(HERE, to, 0, &c);
    return scarlet_call_remove(from);
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    u32 flags = 0;
    int failed = 0;
    while (next_option(&o, argc, argv, "nf", "[-n] source... target") == 'n')
        flags = SCARLET_RENAME_NO_REPLACE;
    if (argc - o.i < 2)
        die("needs a source and a target");
    struct scarlet_metadata m;
    const char *target = argv[argc - 1];
    bool into =
        scarlet_call_metadata_at(HERE, target, 0, &m) == 0 && m.type == SCARLET_TYPE_DIRECTORY;
    if (!into && argc - o.i > 2)
        die("%s: %s", target, status_text(-SCARLET_NOT_DIRECTORY));
    for (int i = o.i; i < argc - 1; i++) {
        char *to = into ? join_path(target, base_name(argv[i])) : copy_string(target);
        long r = move(argv[i], to, flags);
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
        release(to);
    }
    return failed;
}
