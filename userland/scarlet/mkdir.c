// mkdir [-p] [-m mode] names: makes directories; -p those above too, and does not mind one that is
// there.
#include <scarlet/scarlet.h>

static u32 mode = 0777;

static long make_all(char *path)
{
    struct scarlet_metadata m;
    for (char *s = path + 1; *s; s++) {
        if (*s != '/')
            continue;
        *s = 0;
        long r = scarlet_call_create_directory(path, 0777);
        *s = '/';
        if (r < 0 && r != -SCARLET_EXISTS)
            return r;
    }
    long r = scarlet_call_create_directory(path, mode);
    return r == -SCARLET_EXISTS && scarlet_call_metadata_at(HERE, path, 0, &m) == 0 &&
                   m.type == SCARLET_TYPE_DIRECTORY
               ? 0
               : r;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool parents = false;
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "pm:", "[-p] [-m mode] names"))) {
        struct text octal = {0};
        i64 n;
        parents |= c == 'p';
        if (c == 'p')
            continue;
        text_format(&octal, "0%s", o.arg);
        if (!parse_number(octal.s, &n) || n < 0 || n > 07777)
            die("not a mode: %s", o.arg);
        mode = (u32)n;
    }
    if (o.i == argc)
        die("no name");
    for (int i = o.i; i < argc; i++) {
        long r = parents && argv[i][0] ? make_all(argv[i])
                                       : scarlet_call_create_directory(argv[i], mode);
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
