// mkdir [-p] names: makes directories; -p those above too, and does not mind one that is there.
#include <scarlet/scarlet.h>

static long make_all(char *path)
{
    for (char *s = path + 1; *s; s++) {
        if (*s != '/')
            continue;
        *s = 0;
        long r = scarlet_call_create_directory(path, 0777);
        *s = '/';
        if (r < 0 && r != -SCARLET_EXISTS)
            return r;
    }
    long r = scarlet_call_create_directory(path, 0777);
    return r == -SCARLET_EXISTS ? 0 : r;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool parents = false;
    int failed = 0;
    while (next_option(&o, argc, argv, "p", "[-p] names"))
        parents = true;
    if (o.i == argc)
        die("no name");
    for (int i = o.i; i < argc; i++) {
        long r = parents && argv[i][0] ? make_all(argv[i])
                                       : scarlet_call_create_directory(argv[i], 0777);
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
