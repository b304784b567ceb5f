// ls [-aAldi1RtSrFh] [names]: what is in directories, in columns on a terminal. -l with type, mode,
// links, owner, size (-h: in larger units), time; -i inode numbers; -d directories themselves; -R
// with those below; -t newest, -S largest first, -r the other way round; -F marks kinds.
#include <scarlet/scarlet.h>

struct entry {
    char *name;
    struct scarlet_metadata m;
};
static bool all, nearly_all, details, itself, inodes, below, by_time, by_size, backwards, marks,
    units, one_column;
static int failed;
static usize width; // of the terminal, 0: none

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

static void show_size(const struct scarlet_metadata *m)
{
    static const char unit[] = "BKMGTPE";
    u64 n = m->size, rest = 0;
    usize u = 0;
    for (; units && n >= 1024; n /= 1024, u++)
        rest = n % 1024;
    if (m->type == SCARLET_TYPE_CHARACTER || m->type == SCARLET_TYPE_BLOCK)
        out("%4lu,%5lu", m->special >> 32, m->special & 0xffffffff);
    else if (u && n < 10)
        out("%7lu.%lu%c", n, rest * 10 / 1024, unit[u]);
    else if (units)
        out("%9lu%c", n, unit[u]);
    else
        out("%10lu", n);
}

static const char *mark_of(const struct scarlet_metadata *m)
{
    switch (marks ? m->type : SCARLET_TYPE_UNKNOWN) {
    case SCARLET_TYPE_DIRECTORY:
        return "/";
    case SCARLET_TYPE_SYMLINK:
        return details ? "" : "@";
    case SCARLET_TYPE_FIFO:
        return "|";
    case SCARLET_TYPE_SOCKET:
        return "=";
    case SCARLET_TYPE_REGULAR:
        return m->mode & 0111 ? "*" : "";
    default:
        return "";
    }
}

static void show(const char *path, const struct entry *e)
{
    const struct scarlet_metadata *m = &e->m;
    if (inodes)
        out("%7lu ", m->inode);
    if (details) {
        char mode[12];
        struct date d = date_of(m->modified / 1000000000);
        mode_text(m, mode);
        out("%s %3u %5u %5u ", mode, m->links, m->owner, m->group);
        show_size(m);
        out(" %04ld-%02u-%02u %02u:%02u ", d.year, d.month, d.day, d.hour, d.minute);
    }
    out("%s%s", e->name, mark_of(m));
    if (details && m->type == SCARLET_TYPE_SYMLINK) {
        static char target[4096];
        long n = scarlet_call_readlink(path, target, sizeof(target) - 1);
        if (n >= 0) {
            target[n] = 0;
            out(" -> %s", target);
        }
    }
    out("\n");
}

static bool look(const char *path, u32 flags, struct scarlet_metadata *m)
{
    long r = scarlet_call_metadata_at(HERE, path, flags, m);
    if (r == -SCARLET_NOT_FOUND) // a link that leads nowhere is shown itself
        r = scarlet_call_metadata_at(HERE, path, SCARLET_NO_FOLLOW, m);
    if (r == 0)
        return true;
    say("%s: %s", path, status_text(r));
    failed = 1;
    return false;
}

static int compare(const struct entry *a, const struct entry *b)
{
    int c = 0;
    if (by_time && a->m.modified != b->m.modified)
        c = a->m.modified > b->m.modified ? -1 : 1;
    else if (by_size && a->m.size != b->m.size)
        c = a->m.size > b->m.size ? -1 : 1;
    else
        c = strcmp(a->name, b->name);
    return backwards ? -c : c;
}

static void sort(struct entry *v, struct entry *tmp, usize n)
{
    if (n < 2)
        return;
    usize half = n / 2, i = 0, j = half, k = 0;
    sort(v, tmp, half);
    sort(v + half, tmp, n - half);
    while (i < half && j < n)
        tmp[k++] = compare(&v[i], &v[j]) <= 0 ? v[i++] : v[j++];
    while (i < half)
        tmp[k++] = v[i++];
    while (j < n)
        tmp[k++] = v[j++];
    memcpy(v, tmp, n * sizeof(*v));
}

// Characters, for names in UTF-8.
static usize places(const char *s)
{
    usize n = 0;
    for (; *s; s++)
        n += ((u8)*s & 0xc0) != 0x80;
    return n;
}

static void in_columns(struct entry *v, usize n)
{
    usize widest = 0;
    for (usize i = 0; i < n; i++) {
        usize w = places(v[i].name) + strlen(mark_of(&v[i].m));
        widest = w > widest ? w : widest;
    }
    usize columns = width / (widest + 2);
    columns = columns ? columns : 1;
    usize rows = (n + columns - 1) / columns;
    for (usize r = 0; r < rows; r++) {
        for (usize i = r; i < n; i += rows) {
            const char *mark = mark_of(&v[i].m);
            usize w = places(v[i].name) + strlen(mark);
            out("%s%s%*s", v[i].name, mark, i + rows < n ? (int)(widest + 2 - w) : 0, "");
        }
        out("\n");
    }
}

static void show_all(const char *dir, struct entry *v, usize n)
{
    struct entry *tmp = allocate((n + 1) * sizeof(*tmp));
    sort(v, tmp, n);
    release(tmp);
    if (width && !details && !inodes && !one_column) {
        in_columns(v, n);
        return;
    }
    for (usize i = 0; i < n; i++) {
        char *full = dir ? join_path(dir, v[i].name) : copy_string(v[i].name);
        show(full, &v[i]);
        release(full);
    }
}

static void list(const char *path, bool heading);

static void list_below(const char *path, const struct entry *v, usize n)
{
    for (usize i = 0; i < n; i++) {
        if (v[i].m.type != SCARLET_TYPE_DIRECTORY || strcmp(v[i].name, ".") == 0 ||
            strcmp(v[i].name, "..") == 0)
            continue;
        char *full = join_path(path, v[i].name);
        out("\n");
        list(full, true);
        release(full);
    }
}

static void list(const char *path, bool heading)
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
    if (all) {
        strings_add(&names, copy_string("."));
        strings_add(&names, copy_string(".."));
    }
    while ((r = directory_next(d)) > 0)
        if (all || nearly_all || d->name[0] != '.')
            strings_add(&names, copy_string(d->name));
    scarlet_call_close((int)h);
    release(d);
    if (r < 0) {
        say("%s: %s", path, status_text(r));
        failed = 1;
    }
    bool facts = details || inodes || below || by_time || by_size || marks;
    struct entry *v = allocate((names.n + 1) * sizeof(*v));
    usize n = 0;
    for (usize i = 0; i < names.n; i++) {
        char *full = join_path(path, names.v[i]);
        v[n].name = names.v[i];
        n += !facts || look(full, SCARLET_NO_FOLLOW, &v[n].m);
        release(full);
    }
    if (heading)
        out("%s:\n", path);
    show_all(path, v, n);
    if (below)
        list_below(path, v, n);
    release(v);
    strings_free(&names);
}

static void options(struct options *o, int argc, char **argv)
{
    int c;
    while ((c = next_option(o, argc, argv, "aAldi1RtSrFh", "[-aAldi1RtSrFh] [names]"))) {
        all |= c == 'a';
        nearly_all |= c == 'A';
        details |= c == 'l';
        itself |= c == 'd';
        inodes |= c == 'i';
        one_column |= c == '1';
        below |= c == 'R';
        by_time |= c == 't';
        by_size |= c == 'S';
        backwards |= c == 'r';
        marks |= c == 'F';
        units |= c == 'h';
    }
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    static char *here[] = {".", NULL};
    struct scarlet_terminal_size size;
    options(&o, argc, argv);
    if (scarlet_call_control(1, SCARLET_CONTROL_TERMINAL_SIZE, (u64)&size) == 0)
        width = size.columns ? size.columns : 80;
    char **names = o.i < argc ? argv + o.i : here;
    usize count = o.i < argc ? (usize)(argc - o.i) : 1, files = 0, dirs = 0;
    struct entry *f = allocate((count + 1) * sizeof(*f)), *d = allocate((count + 1) * sizeof(*d)),
                 e;
    for (usize i = 0; i < count; i++) {
        if (!look(names[i], details || marks ? SCARLET_NO_FOLLOW : 0, &e.m))
            continue;
        e.name = names[i];
        if (e.m.type == SCARLET_TYPE_DIRECTORY && !itself)
            d[dirs++] = e;
        else
            f[files++] = e;
    }
    if (files)
        show_all(NULL, f, files);
    for (usize i = 0; i < dirs; i++) {
        if (files || i)
            out("\n");
        list(d[i].name, count > 1 || below);
    }
    return failed;
}
