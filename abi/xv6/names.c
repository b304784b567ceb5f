// Paths as xv6 reads them.
//
// xv6 looks at the first 14 characters of a name. Its own names are never longer, so cutting is all
// it takes; but other systems share the file systems, and a name of theirs shows up cut in a
// directory's records. So a name of 14 characters or more means, in this order: the 14 characters;
// the name as it was written; the first name in the directory that begins with the 14. A new file
// gets the 14.
#include "xv6.h"
#include <lib/string.h>
#include <mem/slab.h>

// The next component at *s: its start, with *len; NULL at the end. *s moves behind it.
static const char *component(const char **s, usize *len)
{
    const char *p = *s;
    while (*p == '/')
        p++;
    const char *start = p;
    while (*p && *p != '/')
        p++;
    *s = p;
    *len = (usize)(p - start);
    return *len ? start : NULL;
}

struct begin_search {
    struct dir_sink sink;
    const char *name;
    char found[NAME_MAX_LEN + 1];
};

static bool begins(struct dir_sink *sink, const char *name, usize len, u64 ino, u32 type,
                   u64 cookie)
{
    struct begin_search *b = container_of(sink, struct begin_search, sink);
    (void)ino;
    (void)type;
    (void)cookie;
    if (len <= XV6_NAME || memcmp(name, b->name, XV6_NAME) != 0)
        return true;
    memcpy(b->found, name, len);
    b->found[len] = 0;
    return false;
}

static bool exists(const struct path *dir, const char *name, usize len)
{
    char copy[NAME_MAX_LEN + 1];
    struct attr a;
    if (len > NAME_MAX_LEN)
        return false;
    memcpy(copy, name, len);
    copy[len] = 0;
    return vfs_stat(dir, (struct pathname){copy, len}, 0, &a) == 0;
}

// Writes what a long name means under dir to out (room for NAME_MAX_LEN); returns its length.
static i64 resolve(const struct path *dir, const char *name, usize len, char *out)
{
    struct begin_search *b;
    struct node *n = path_node(dir);
    usize keep = XV6_NAME;
    memcpy(out, name, XV6_NAME);
    if (exists(dir, name, XV6_NAME))
        return XV6_NAME;
    if (len > XV6_NAME && exists(dir, name, len)) {
        memcpy(out, name, len);
        return (i64)len;
    }
    if (!n->ops->readdir || node_permission(n, WANT_READ, current_cred()))
        return XV6_NAME;
    b = kzalloc(sizeof(*b), 0);
    if (!b)
        return -E_NOMEM;
    b->sink.emit = begins;
    b->name = name;
    u64 cookie = 2;
    mutex_lock(&n->mutex);
    if (!node_has(n, NODE_DEAD))
        (void)!n->ops->readdir(n, &cookie, &b->sink);
    mutex_unlock(&n->mutex);
    if (b->found[0]) {
        keep = strlen(b->found);
        memcpy(out, b->found, keep);
    }
    kfree(b);
    return (i64)keep;
}

// The path with every long name replaced. text has room for it.
static int expand(const char *given, char *text, usize *total)
{
    const char *s = given, *name;
    usize at = 0, len;
    if (*s == '/')
        text[at++] = '/';
    while ((name = component(&s, &len))) {
        if (at && text[at - 1] != '/')
            text[at++] = '/';
        text[at] = 0;
        if (len < XV6_NAME) {
            memcpy(text + at, name, len);
            at += len;
            continue;
        }
        struct path base = BASE_CWD, dir;
        struct pathname so_far = at ? (struct pathname){text, at} : (struct pathname){".", 1};
        int err = path_lookup(&base, so_far, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
        if (err)
            return err;
        i64 n = resolve(&dir, name, len, text + at);
        path_put(&dir);
        if (n < 0)
            return (int)n;
        at += (usize)n;
    }
    text[at] = 0;
    *total = at;
    return 0;
}

static bool removed(const char *name, usize len)
{
    struct path cwd = BASE_CWD, dir;
    if (path_lookup(&cwd, (struct pathname){name, len}, LOOKUP_DIRECTORY, &dir))
        return false;
    bool dead = node_has(path_node(&dir), NODE_DEAD);
    path_put(&dir);
    return dead;
}

int xv6_path_get(struct xv6_path *p, const struct sys_name *given)
{
    const char *s = given->str, *name;
    usize len, names = 0, longest = 0;
    bool up = false;
    while ((name = component(&s, &len))) {
        names++;
        longest = MAX(longest, len);
        up |= len == 2 && name[0] == '.' && name[1] == '.';
    }
    p->text = NULL;
    // From a removed directory no way leads up to another removed one.
    if (up && given->str[0] != '/' && removed(".", 1) && removed("..", 2))
        return -E_NOENT;
    if (!given->len) {
        p->name = (struct pathname){".", 1};
        return 0;
    }
    if (!names) {
        p->name = (struct pathname){"/", 1};
        return 0;
    }
    if (longest < XV6_NAME && given->str[given->len - 1] != '/') {
        p->name = (struct pathname){given->str, given->len};
        return 0;
    }
    p->text = kmalloc((names + 1) * (NAME_MAX_LEN + 1ul) + 2, 0);
    if (!p->text)
        return -E_NOMEM;
    usize total;
    int err = expand(given->str, p->text, &total);
    if (err)
        kfree(p->text);
    else
        p->name = (struct pathname){p->text, total};
    return err;
}

void xv6_path_done(struct xv6_path *p)
{
    kfree(p->text);
}
