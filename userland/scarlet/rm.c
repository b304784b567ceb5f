// rm [-rf] names: removes files; -r trees; -f does not mind what is not there.
#include <scarlet/scarlet.h>

// The root, and directories by their dots.
static bool never_removed(const char *path)
{
    usize n = strlen(path);
    bool slashes = n && path[n - 1] == '/';
    while (n && path[n - 1] == '/')
        n--;
    if (!n)
        return slashes;
    char *name = copy_part(path, n);
    const char *last = base_name(name);
    bool dots = strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
    release(name);
    return dots;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool recursive = false, force = false;
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "rf", "[-rf] names"))) {
        recursive |= c == 'r';
        force |= c == 'f';
    }
    if (o.i == argc && !force)
        die("nothing to remove");
    for (int i = o.i; i < argc; i++) {
        long r = !recursive ? scarlet_call_remove_at(HERE, argv[i], SCARLET_REMOVE_FILE)
                 : never_removed(argv[i]) ? -SCARLET_BAD_ARGUMENT
                                          : remove_tree(argv[i]);
        if (r < 0 && !(force && r == -SCARLET_NOT_FOUND)) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
