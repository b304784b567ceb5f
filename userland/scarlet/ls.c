// ls [-aldi1] [names]: what is in directories; -l with type, mode, links, owner, size, time; -i
// inode numbers; -d directories themselves.
#include <scarlet/scarlet.h>

static bool all, details, itself, inodes;
static int failed;

static char type_letter(u32 type)
{
    static const char letters[] = "?pc?d?b?-?l?s";
    return type < sizeof(letters) - 1 ? letters[type] : '?';
}

static void mode_text(const struct scarlet_metadata *m, char *s)
{
    static const char bits[] = "rwxrwxrwx";
    s[0] = type_letter(m->type);
    for (int i = 0; i < 9; i++)
        s[i + 1] = m->mode >> (8 - i) & 1 ? bits[i] : '-';
    if (m->mode & 04000)
        s[3] = s[3] == 'x' ? 's' : 'S';
    if (m->mode & 02000)
        s[6] = s[6] == 'x' ? 's' : 'S';
    if (m->mode & 01000)
        s[9] = s[9] == 'x' ? 't' : 'T';
    s[10] = 0;
}

static void show(const char *path, const char *name)
{
    struct scarlet_metadata m = {0};
    if (details || inodes) {
        long r = scarlet_call_metadata_at(HERE, path, SCARLET_NO_FOLLOW, &m);
        if (r < 0) {
            say("%s: %s", path, status_text(r));
            failed = 1;
            return;
        }
    }
    if (inodes)
        out("%7lu ", m.inode);
    if (details) {
        char mode[12];
        struct date d = date_of(m.modified / 1000000000);
        mode_text(&m, mode);
        out("%s %3u %5u %5u ", mode, m.links, m.owner, m.group);
        if (m.type == SCARLET_TYPE_CHARACTER || m.type == SCARLET_TYPE_BLOCK)
            out("%4lu,%5lu", m.special >> 32, m.special & 0xffffffff);
        else
            out("%10lu", m.size);
        out(" %04ld-%02u-%02u %02u:%02u ", d.year, d.month, d.day, d.hour, d.minute);
    }
    out("%s", name);
    if (details && m.type == SCARLET_TYPE_SYMLINK) {
        static char target[4096];
        long n = scarlet_call_readlink(path, target, sizeof(target) - 1);
        if (n >= 0) {
            target[n] = 0;
            out(" -> %s", target);
        }
    }
    out("\n");
}

static void list(const char *path)
{
    long h = scarlet_call_open(path, SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY, 0);
    if (h < 0) {
        say("%s: %s", path, status_text(h));
        failed = 1;
        return;
    }
    struct directory *d = allocate(sizeof(*d));
    struct list_of_strings names = {0};
    int r;
    d->handle = (int)h;
    while ((r = directory_next(d)) > 0)
        if (all || d->name[0] != '.')
            strings_add(&names, copy_string(d->name));
    scarlet_call_close((int)h);
    release(d);
    if (r < 0) {
        say("%s: %s", path, status_text(r));
        failed = 1;
    }
    strings_sort(names.v, names.n);
    for (usize i = 0; i < names.n; i++) {
        char *full = join_path(path, names.v[i]);
        show(full, names.v[i]);
        release(full);
    }
    strings_free(&names);
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    int c;
    while ((c = next_option(&o, argc, argv, "aldi1", "[-aldi1] [names]"))) {
        all |= c == 'a';
        details |= c == 'l';
        itself |= c == 'd';
        inodes |= c == 'i';
    }
    int n = argc - o.i;
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : ".";
        struct scarlet_metadata m;
        long r = scarlet_call_metadata_at(HERE, name, details ? SCARLET_NO_FOLLOW : 0, &m);
        if (r == -SCARLET_NOT_FOUND) // a link that leads nowhere is shown itself
            r = scarlet_call_metadata_at(HERE, name, SCARLET_NO_FOLLOW, &m);
        if (r < 0) {
            say("%s: %s", name, status_text(r));
            failed = 1;
        } else if (m.type == SCARLET_TYPE_DIRECTORY && !itself) {
            if (n > 1)
                out("%s%s:\n", i > o.i ? "\n" : "", name);
            list(name);
        } else {
            show(name, name);
        }
    }
    return failed;
}
