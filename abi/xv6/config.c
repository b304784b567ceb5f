// A view's own word on its xv6 machine: /etc/xv6, lines of NAME NUMBER (with K or M), '#' comments.
// Read once when the machine is made.
#include "xv6.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>

enum { MAX_FILE = 4096 };

static const struct setting {
    const char *name;
    usize offset;
    u64 least, most, unit;
} settings[] = {
    {"handles", offsetof(struct xv6_limits, handles), 3, 1024, 1},
    {"processes", offsetof(struct xv6_limits, processes), 1, 1u << 20, 1},
    {"files", offsetof(struct xv6_limits, files), 1, 1u << 20, 1},
    {"memory", offsetof(struct xv6_limits, memory), 64 * 1024, XV6_TOP, XV6_PAGE},
    {"file_size", offsetof(struct xv6_limits, file_size), 0, 1ul << 40, 1},
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static usize word_end(const char *s)
{
    usize n = 0;
    while (s[n] && !blank(s[n]))
        n++;
    return n;
}

static bool parse_size(const char *s, usize len, u64 *out)
{
    return fs_parse_size(s, 0, out) && len;
}

// One line, without its newline. False: not understood.
static bool apply(char *line, struct xv6_limits *l)
{
    char *hash = strchr(line, '#');
    if (hash)
        *hash = 0;
    while (blank(*line))
        line++;
    usize n = word_end(line);
    if (!n)
        return true;
    char *value = line + n;
    while (blank(*value))
        *value++ = 0;
    usize len = word_end(value);
    for (char *rest = value + len; *rest; rest++)
        if (!blank(*rest))
            return false;
    value[len] = 0;
    u64 v;
    for (usize i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *s = &settings[i];
        if (strcmp(line, s->name) == 0) {
            if (!parse_size(value, len, &v) || v < s->least || v > s->most)
                return false;
            *(u64 *)((char *)l + s->offset) = v / s->unit;
            return true;
        }
    }
    return false;
}

void xv6_configure(const struct path *root, struct xv6_limits *l)
{
    struct open_request r = {.access = FILE_READ};
    struct object *o;
    u32 rights;
    if (vfs_open(root, (struct pathname){"etc/xv6", 7}, &r, &o, &rights))
        return;
    struct file *f = object_file(o);
    char *text = f && o->type->kinds & OBJ_KIND_FILE ? kmalloc(MAX_FILE + 1, 0) : NULL;
    i64 got = text ? file_read_kernel(f, 0, text, MAX_FILE) : 0;
    if (got > 0) {
        text[got] = 0;
        u32 number = 1;
        for (char *line = text, *end; line; line = end, number++) {
            end = strchr(line, '\n');
            if (end)
                *end++ = 0;
            if (!apply(line, l))
                klog(LOG_WARN,
                     "xv6: /etc/xv6, line %u: not understood (handles, processes, files, memory, "
                     "file_size and a number within bounds)",
                     number);
        }
    }
    kfree(text);
    object_put(o);
}
