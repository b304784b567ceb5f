// Members of tar archives (ustar, GNU long names, pax): what dpkg-deb gives. The archive stays a
// file; contents are spans of it.
#include "common/fail.h"
#include "common/files.h"
#include "manifest.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tar {
    int fd;
    const char *path;
    uint64_t at, size;
    char *long_name, *long_link;
    uint64_t pax_size;
    bool pax_size_given;
};

struct member {
    char type;
    char *name, *link;
    uint32_t mode, uid, gid, major, minor;
    int64_t mtime;
    uint64_t size, data_at;
};

static bool damaged(const struct tar *t, const char *what)
{
    return failed(EXIT_INPUT, "%s: offset %llu: %s", t->path, (unsigned long long)t->at, what);
}

static bool number(const struct tar *t, const unsigned char *field, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if (field[0] & 0x80) { // binary, most significant byte first
        for (size_t i = 0; i < n; i++) {
            if (v >> 55)
                return damaged(t, "a number in the header is too large");
            v = v << 8 | (i ? field[i] : field[i] & 0x7f);
        }
        *out = v;
        return true;
    }
    size_t i = 0;
    while (i < n && field[i] == ' ')
        i++;
    for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(field[i] - '0');
    if (i < n && field[i] != ' ' && field[i] != 0)
        return damaged(t, "a number in the header is not octal");
    *out = v;
    return true;
}

static bool checksum(const struct tar *t, const unsigned char *h)
{
    uint64_t given, sum = 0;
    if (!number(t, h + 148, 8, &given))
        return false;
    for (int i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : h[i];
    return sum == given || damaged(t, "the checksum of this header is wrong");
}

static bool load_text(struct tar *t, uint64_t at, uint64_t n, char **out)
{
    if (n > 1 << 20)
        return damaged(t, "a name record larger than 1 MiB");
    *out = need(n + 1);
    if (read_exactly(t->fd, *out, n, at))
        return true;
    free(*out);
    *out = NULL;
    return failed_in("%s", t->path);
}

// Records "LENGTH KEY=VALUE\n".
static bool pax(struct tar *t, uint64_t at, uint64_t n)
{
    char *text;
    if (!load_text(t, at, n, &text))
        return false;
    bool ok = true;
    for (char *p = text; ok && p < text + n;) {
        char *end;
        unsigned long len = strtoul(p, &end, 10);
        char *equals =
            end < text + n && *end == ' ' ? memchr(end, '=', (size_t)(text + n - end)) : NULL;
        if (!len || len > (unsigned long)(text + n - p) || !equals || equals >= p + len ||
            p[len - 1] != '\n') {
            ok = damaged(t, "a pax record is damaged");
            break;
        }
        p[len - 1] = 0;
        *equals = 0;
        if (strcmp(end + 1, "path") == 0) {
            free(t->long_name);
            t->long_name = need_copy(equals + 1);
        } else if (strcmp(end + 1, "linkpath") == 0) {
            free(t->long_link);
            t->long_link = need_copy(equals + 1);
        } else if (strcmp(end + 1, "size") == 0) {
            t->pax_size = strtoull(equals + 1, NULL, 10);
            t->pax_size_given = true;
        }
        p += len;
    }
    free(text);
    return ok;
}

// 1 a member, 0 the end, -1 failure. name and link are the caller's to free.
static int next(struct tar *t, struct member *m)
{
    for (;;) {
        unsigned char h[512];
        if (t->at + 512 > t->size || (t->size - t->at) < 512)
            return t->at == t->size ? 0 : (damaged(t, "the archive ends inside a header"), -1);
        if (!read_exactly(t->fd, h, 512, t->at))
            return failed_in("%s", t->path), -1;
        if (!h[0] && !memcmp(h, h + 1, 511))
            return 0;
        uint64_t mode, uid, gid, size, mtime, major, minor;
        if (!checksum(t, h) || !number(t, h + 100, 8, &mode) || !number(t, h + 108, 8, &uid) ||
            !number(t, h + 116, 8, &gid) || !number(t, h + 124, 12, &size) ||
            !number(t, h + 136, 12, &mtime) || !number(t, h + 329, 8, &major) ||
            !number(t, h + 337, 8, &minor))
            return -1;
        char type = (char)h[156];
        if (t->pax_size_given && type != 'x' && type != 'g' && type != 'L' && type != 'K')
            size = t->pax_size;
        t->pax_size_given = false;
        uint64_t data_at = t->at + 512;
        if (size > t->size - data_at)
            return damaged(t, "a member is longer than the archive"), -1;
        bool has_data =
            type != '1' && type != '2' && type != '3' && type != '4' && type != '5' && type != '6';
        if (type == 'L' || type == 'K') {
            char **to = type == 'L' ? &t->long_name : &t->long_link;
            free(*to);
            *to = NULL;
            if (!load_text(t, data_at, size, to))
                return -1;
        } else if (type == 'x' && !pax(t, data_at, size)) {
            return -1;
        }
        t->at = data_at + (has_data ? (size + 511) / 512 * 512 : 0);
        if (type == 'L' || type == 'K' || type == 'x' || type == 'g')
            continue;
        char name[101], link[101], prefix[156];
        memcpy(name, h, 100);
        memcpy(link, h + 157, 100);
        memcpy(prefix, h + 345, 155);
        name[100] = link[100] = prefix[155] = 0;
        bool posix = memcmp(h + 257, "ustar\0", 6) == 0;
        *m = (struct member){.type = type ? type : '0',
                             .mode = (uint32_t)mode & 07777,
                             .uid = (uint32_t)uid,
                             .gid = (uint32_t)gid,
                             .major = (uint32_t)major,
                             .minor = (uint32_t)minor,
                             .mtime = (int64_t)mtime,
                             .size = has_data ? size : 0,
                             .data_at = data_at};
        m->name = t->long_name         ? t->long_name
                  : posix && prefix[0] ? need_text("%s/%s", prefix, name)
                                       : need_copy(name);
        m->link = t->long_link ? t->long_link : need_copy(link);
        t->long_name = t->long_link = NULL;
        return 1;
    }
}

static bool to_item(struct build *b, const struct tar *t, const struct member *m, struct item *i)
{
    i->mtime = build_time(b, m->mtime);
    i->uid = m->uid;
    i->gid = m->gid;
    switch (m->type) {
    case '0':
    case '7':
        i->mode = S_IFREG | m->mode;
        i->data = (struct content){.kind = CONTENT_FILE,
                                   .size = m->size,
                                   .path = t->path,
                                   .offset = m->data_at,
                                   .file_size = t->size};
        return true;
    case '1': {
        char *to;
        if (!plan_clean_name(m->link, &to))
            return false;
        struct item *first = plan_find(b->plan, to);
        free(to);
        if (!first || S_ISDIR(first->mode))
            return failed(EXIT_INPUT,
                          "%s: %s is a link to %s, which does not stand before it or was left out",
                          t->path, m->name, m->link);
        i->leader = first->leader ? first->leader : first;
        i->mode = first->mode;
        return true;
    }
    case '2':
        i->mode = S_IFLNK | 0777;
        i->data = content_of_text(m->link, strlen(m->link));
        return *m->link && strlen(m->link) < 4096
                   ? true
                   : failed(EXIT_INPUT, "%s: %s: link target of absurd length", t->path, m->name);
    case '3':
    case '4':
        i->mode = (m->type == '3' ? S_IFCHR : S_IFBLK) | m->mode;
        i->rdev_major = m->major;
        i->rdev_minor = m->minor;
        return true;
    case '5':
        i->mode = S_IFDIR | m->mode;
        return true;
    case '6':
        i->mode = S_IFIFO | m->mode;
        return true;
    default:
        return failed(EXIT_INPUT, "%s: %s: unknown type of member '%c'", t->path, m->name, m->type);
    }
}

// Packages meet: directories are shared, a link in a directory's place stays, two files of one name
// are a conflict.
static void put(struct build *b, struct item *i)
{
    const struct item *old = plan_find(b->plan, i->name);
    if (old && S_ISDIR(i->mode) && (S_ISLNK(old->mode) || (S_ISDIR(old->mode) && !old->implied)))
        return;
    if (old && !S_ISDIR(old->mode) && !S_ISDIR(i->mode) && old->origin != i->origin &&
        old->origin->package)
        check_found(b->checks, CHECK_CONFLICT, "%s:%u: /%s is in package %s and in package %s",
                    i->file, i->line, i->name, old->origin->name, i->origin->name);
    plan_put(b->plan, i);
}

static bool same_name(const char *a, const char *member)
{
    while (*member == '/')
        member++;
    return strcmp(a, member) == 0;
}

// One member for the plan: as the archive has it, or as the manifest wants it (name `to`).
static bool place(struct build *b, const struct tar *t, const struct member *m, struct item *i,
                  const struct attributes *a, const char *to, uint32_t mode)
{
    if (!to_item(b, t, m, i) || (to && !plan_clean_name(to, &i->name)))
        return false;
    if (to || a->owner_given) {
        i->uid = a->uid;
        i->gid = a->gid;
    }
    if (to) {
        i->mode = S_IFREG | mode;
        plan_put(b->plan, i);
    } else if (*i->name) { // the root's attributes are the manifest's
        put(b, i);
    }
    return true;
}

static int load(struct build *b, struct tar *t, const struct item *model,
                const struct attributes *a, const char *member, const char *to, uint32_t mode)
{
    char *wanted = member ? need_copy(member) : NULL;
    struct member m;
    int r, found = 0, links = 0;
    bool ok = true;
    while (ok && (!wanted || !found) && (r = next(t, &m)) > 0) {
        struct item i = *model;
        ok = plan_clean_name(m.name, &i.name) || failed_in("%s", t->path);
        bool take = ok && (wanted ? same_name(i.name, wanted) : attributes_let(a, i.name));
        if (take && wanted && m.type == '1' && links++ < 8) {
            // Another name of a file: its content stands with the first one.
            free(wanted);
            wanted = need_copy(m.link + (strncmp(m.link, "./", 2) == 0 ? 2 : 0));
            t->at = 0;
        } else if (take && wanted && m.type != '0') {
            ok = failed(EXIT_INPUT, "%s: %s is not a regular file", t->path, member);
        } else if (take) {
            ok = place(b, t, &m, &i, a, to, mode);
            found++;
        }
        free(m.name);
        free(m.link);
    }
    free(wanted);
    return !ok || (!(member && found) && r < 0) ? -1 : found;
}

bool tar_load(struct build *b, const char *path, struct origin *origin, const struct attributes *a,
              const char *member, const char *to, uint32_t mode, const char *file, unsigned line)
{
    struct tar t = {.path = need_copy(path), .fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct stat info;
    if (t.fd < 0 || fstat(t.fd, &info) != 0)
        return failed_errno("%s", path);
    t.size = (uint64_t)info.st_size;
    const struct item model = {.origin = origin, .file = file, .line = line, .abi = a->abi};
    int found = load(b, &t, &model, a, member, to, mode);
    free(t.long_name);
    free(t.long_link);
    close(t.fd);
    if (found == 0 && member)
        return failed(EXIT_INPUT, "package %s has no file %s", origin->name, member);
    return found >= 0;
}
