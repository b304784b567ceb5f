// rm [-rf] names: removes files; -r trees; -f does not mind what is not there.
#include <scarlet/scarlet.h>

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
        long r = recursive ? remove_tree(argv[i])
                           : scarlet_call_remove_at(HERE, argv[i], SCARLET_REMOVE_FILE);
        if (r < 0 && !(force && r == -SCARLET_NOT_FOUND)) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
