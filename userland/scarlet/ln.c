// ln [-sf] target name: another name for a file; -s a symbolic link; -f replaces what is there.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool symbolic = false, force = false;
    int c;
    while ((c = next_option(&o, argc, argv, "sf", "[-sf] target name"))) {
        symbolic |= c == 's';
        force |= c == 'f';
    }
    if (argc - o.i != 2)
        die("needs a target and a name");
    struct scarlet_metadata m;
    const char *target = argv[o.i], *name = argv[o.i + 1];
    char *full =
        scarlet_call_metadata_at(HERE, name, 0, &m) == 0 && m.type == SCARLET_TYPE_DIRECTORY
            ? join_path(name, base_name(target))
            : copy_string(name);
    if (force)
        (void)scarlet_call_remove_at(HERE, full, SCARLET_REMOVE_FILE);
    long r = symbolic ? scarlet_call_create_symlink(target, full)
                      : scarlet_call_link(HERE, target, HERE, full, SCARLET_NO_FOLLOW);
    if (r < 0)
        die("%s: %s", full, status_text(r));
    return 0;
}
