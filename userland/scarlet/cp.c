// cp [-r] source... target: copies files, with -r trees. Symbolic links inside a tree stay links.
#include <scarlet/scarlet.h>

static bool recursive;
static int failed;

static void fail(const char *name, long r)
{
    say("%s: %s", name, status_text(r));
    failed = 1;
}

static void copy(const char *from, const char *to, bool top);

static void copy_tree(const char *from, const char *to, u32 mode)
{
    long r = scarlet_call_create_directory(to, mode | 0700);
    if (r < 0 && r != -SCARLET_EXISTS) {
        fail(to, r);
        return;
    }
    long h = scarlet_call_open(from, SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY, 0);
    if (h < 0) {
        fail(from, h);
        return;
    }
    struct directory *d = allocate(sizeof(*d));
    d->handle = (int)h;
    while (directory_next(d) > 0) {
        char *a = join_path(from, d->name), *b = join_path(to, d->name);
        copy(a, b, false);
        release(a);
        release(b);
    }
    scarlet_call_close((int)h);
    release(d);
}

static void copy(const char *from, const char *to, bool top)
{
    struct scarlet_metadata m, t;
    long r = scarlet_call_metadata_at(HERE, from, top ? 0 : SCARLET_NO_FOLLOW, &m);
    if (r == 0 && m.type != SCARLET_TYPE_DIRECTORY &&
        scarlet_call_metadata_at(HERE, to, 0, &t) == 0 && t.inode == m.inode &&
        t.device == m.device) {
        say("%s and %s are the same file", from, to);
        failed = 1;
        return;
    }
    if (r == 0 && m.type == SCARLET_TYPE_DIRECTORY) {
        if (recursive) {
            copy_tree(from, to, m.mode);
            return;
        }
        r = -SCARLET_IS_DIRECTORY;
    } else if (r == 0 && m.type == SCARLET_TYPE_SYMLINK) {
        char target[4096];
        long n = scarlet_call_readlink(from, target, sizeof(target) - 1);
        if (n >= 0)
            target[n] = 0;
        r = n < 0 ? n : scarlet_call_create_symlink(target, to);
    } else if (r == 0) {
        r = copy_file(from, to, m.mode);
    }
    if (r < 0)
        fail(from, r);
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    while (next_option(&o, argc, argv, "ra", "[-r] source... target"))
        recursive = true;
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
        copy(argv[i], to, true);
        release(to);
    }
    return failed;
}
