// cp [-rap] source... target: copies files, with -r trees; -p keeps times and modes, -a is both.
// Symbolic links inside a tree stay links.
#include <scarlet/scarlet.h>

static bool recursive, keeping;
static u64 target_inode, target_device; // of the directory that a tree goes to
static int failed;

static void fail(const char *name, long r)
{
    say("%s: %s", name, status_text(r));
    failed = 1;
}

static void copy(const char *from, const char *to, bool top);

static void keep_facts(const char *to, const struct scarlet_metadata *m, u32 which)
{
    const struct scarlet_metadata_change c = {
        .which = which, .mode = m->mode, .accessed = m->accessed, .modified = m->modified};
    if (which)
        (void)scarlet_call_metadata_set_at(HERE, to, 0, &c);
}

static void copy_tree(const char *from, const char *to, const struct scarlet_metadata *m, bool top)
{
    struct scarlet_metadata made;
    long r = scarlet_call_create_directory(to, m->mode | 0700);
    bool fresh = r == 0;
    if (r == 0 || r == -SCARLET_EXISTS)
        r = scarlet_call_metadata_at(HERE, to, 0, &made);
    if (r == 0 && made.type != SCARLET_TYPE_DIRECTORY)
        r = -SCARLET_NOT_DIRECTORY;
    if (r < 0) {
        fail(to, r);
        return;
    }
    if (top) {
        target_inode = made.inode;
        target_device = made.device;
    } else if (m->inode == target_inode && m->device == target_device) {
        say("%s is where the tree goes to: left out", from);
        failed = 1;
        (void)scarlet_call_remove_at(HERE, to, SCARLET_REMOVE_DIRECTORY);
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
    // The permissions last: they may forbid what was done here.
    keep_facts(to, m,
               (keeping ? SCARLET_SET_ACCESSED | SCARLET_SET_MODIFIED : 0u) |
                   (keeping || (fresh && !(m->mode & 0200)) ? (u32)SCARLET_SET_MODE : 0u));
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
            copy_tree(from, to, &m, top);
            return;
        }
        r = -SCARLET_IS_DIRECTORY;
    } else if (r == 0 && m.type == SCARLET_TYPE_SYMLINK) {
        char target[4096];
        long n = scarlet_call_readlink(from, target, sizeof(target) - 1);
        if (n >= 0)
            target[n] = 0;
        r = n < 0 ? n : scarlet_call_create_symlink(target, to);
    } else if (r == 0 && !top && m.type == SCARLET_TYPE_FIFO) {
        r = scarlet_call_create_fifo(HERE, to, m.mode);
    } else if (r == 0 && !top && m.type != SCARLET_TYPE_REGULAR) {
        r = -SCARLET_NOT_SUPPORTED; // devices and sockets stay where they are
    } else if (r == 0) {
        r = copy_file(from, to, m.mode);
        if (r == 0 && keeping)
            keep_facts(to, &m, SCARLET_SET_MODE | SCARLET_SET_ACCESSED | SCARLET_SET_MODIFIED);
        if (r < 0 && scarlet_call_access_at(HERE, from, SCARLET_ACCESS_READ) == 0)
            from = to; // that one is to blame
    }
    if (r < 0)
        fail(from, r);
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    int c;
    while ((c = next_option(&o, argc, argv, "rRapf", "[-rap] source... target"))) {
        recursive |= c == 'r' || c == 'R' || c == 'a';
        keeping |= c == 'p' || c == 'a';
    }
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
