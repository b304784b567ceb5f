// See newc_read.h. Every number is checked before it is used.
#include "newc_read.h"
#include "common/fail.h"
#include "index.h"
#include "newc_write.h"
#include <string.h>
#include <sys/stat.h>

void reader_start(struct reader *r, struct source *s)
{
    *r = (struct reader){.source = s};
}

static bool hex(const char *p, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 8; i++) {
        int c = p[i], d = c >= '0' && c <= '9'                 ? c - '0'
                          : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                               : -1;
        if (d < 0)
            return false;
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return true;
}

static bool wrong(const struct reader *r, const char *what)
{
    return source_failed(r->source, r->e.offset, "%s", what);
}

// Skips to a multiple of four from the archive's start, seeing whether the bytes are zero.
static bool pad(struct reader *r)
{
    char bytes[4] = {0};
    uint64_t n = (r->archive_start - source_offset(r->source)) & 3;
    if (n && !source_take(r->source, bytes, n))
        return false;
    r->dirty |= bytes[0] || bytes[1] || bytes[2];
    return true;
}

// The name as it stands in the header, made plain in place.
static bool clean(struct reader *r)
{
    struct entry *e = &r->e;
    size_t length = strlen(e->name);
    for (size_t i = length; i < e->name_size; i++)
        if (e->name[i])
            return wrong(r, "the name contains a NUL");
    if (!length)
        return wrong(r, "the name is empty");
    char *to = e->name;
    for (const char *p = e->name; *p;) {
        while (*p == '/')
            p++;
        size_t n = strcspn(p, "/");
        if (n > 255)
            return wrong(r, "a part of the name is longer than 255 bytes");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return wrong(r, "the name leads upward (..)");
        if (n && !(n == 1 && *p == '.')) {
            if (to != e->name)
                *to++ = '/';
            memmove(to, p, n);
            to += n;
        }
        p += n;
    }
    *to = 0;
    return true;
}

// 1 an entry, 0 the trailer, -1 failure.
static int header(struct reader *r)
{
    struct entry *e = &r->e;
    char h[NEWC_HEADER];
    *e = (struct entry){.offset = source_offset(r->source),
                        .archive = r->archives - 1,
                        .archive_at = r->archive_start,
                        .compressed = !source_plain(r->source)};
    if (!source_take(r->source, h, sizeof(h)))
        return -1;
    if (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0) {
        if (memcmp(h, "070707", 6) == 0)
            return wrong(r, "an archive of the old kind (odc); only newc is known"), -1;
        return wrong(r, "no cpio header (newc) where one should be"), -1;
    }
    e->has_check = h[5] == '2';
    uint32_t *const fields[] = {&e->ino,       &e->mode,       &e->uid,        &e->gid,
                                &e->nlink,     &e->mtime,      &e->size,       &e->dev_major,
                                &e->dev_minor, &e->rdev_major, &e->rdev_minor, &e->name_size,
                                &e->check};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!hex(h + 6 + 8 * i, fields[i]))
            return wrong(r, "a field of the header is not a hexadecimal number"), -1;
    if (!e->name_size || e->name_size > NEWC_NAME_MAX)
        return wrong(r, "the length of the name is 0 or above 4096"), -1;
    if (!source_take(r->source, e->name, e->name_size))
        return -1;
    if (e->name[e->name_size - 1])
        return wrong(r, "the name has no end"), -1;
    bool trailer = strcmp(e->name, "TRAILER!!!") == 0;
    if (!pad(r))
        return -1;
    e->data_at = source_offset(r->source);
    r->left = e->size;
    if (trailer)
        return 0;
    if (!clean(r))
        return -1;
    uint32_t type = e->mode & S_IFMT;
    if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK && type != S_IFCHR &&
        type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
        return wrong(r, "the mode has no known type of file"), -1;
    if (!*e->name && type != S_IFDIR)
        return wrong(r, "the root is not a directory"), -1;
    if (type == S_IFLNK && (!e->size || e->size > 4095))
        return wrong(r, "the target of a symbolic link has 0 or more than 4095 bytes"), -1;
    if (type != S_IFLNK && type != S_IFREG && e->size)
        return wrong(r, "something that is no file has content"), -1;
    e->index = e->offset == r->archive_start && strcmp(e->name, INDEX_NAME) == 0 && type == S_IFREG;
    return 1;
}

// Over zeroes to the start of the next archive, into and out of compressed data: 1 there is one, 0
// the end, -1 failure.
static int next_archive(struct reader *r)
{
    for (;;) {
        int more = source_more(r->source);
        if (more < 0)
            return -1;
        if (more == 0 && r->entered) {
            r->entered = false;
            if (!source_leave(r->source))
                return -1;
            continue;
        }
        if (more == 0)
            return r->archives ? 0
                               : source_failed(r->source, 0, "there is no archive in this file"),
                   r->archives ? 0 : -1;
        unsigned char c = source_peek(r->source);
        if (c == 0) {
            if (!source_take(r->source, NULL, 1))
                return -1;
        } else if (c == '0') {
            r->archive_start = source_offset(r->source);
            r->archives++;
            return 1;
        } else if (r->entered) {
            return source_failed(r->source, source_offset(r->source),
                                 "neither zeroes nor another archive behind the archive"),
                   -1;
        } else {
            if (!source_enter(r->source))
                return -1;
            r->entered = true;
        }
    }
}

int reader_next(struct reader *r)
{
    r->dirty = false;
    if (r->inside && (!source_take(r->source, NULL, r->left) || !pad(r)))
        return -1;
    r->left = 0;
    for (;;) {
        if (!r->inside) {
            int n = next_archive(r);
            if (n <= 0)
                return n;
            r->inside = true;
        }
        int n = header(r);
        if (n < 0)
            return -1;
        if (n > 0) {
            r->e.padding_dirty = r->dirty;
            r->entries++;
            return 1;
        }
        // Other readers pass over what a trailer claims to contain.
        if (!source_take(r->source, NULL, r->left))
            return -1;
        r->left = 0;
        r->inside = false;
    }
}

long reader_data(struct reader *r, void *to, size_t n)
{
    if (n > r->left)
        n = (size_t)r->left;
    if (!source_take(r->source, to, n))
        return -1;
    r->left -= n;
    return (long)n;
}
