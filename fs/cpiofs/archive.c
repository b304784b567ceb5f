// newc headers: fixed width hexadecimal text. Every number is checked before it is used.
#include "archive.h"
#include <kerr.h>

int source_take(struct source *s, void *dst, u64 n)
{
    u8 *to = dst;
    while (n) {
        int more = source_more(s);
        if (more <= 0)
            return more ? more : -E_IO;
        usize part = (usize)MIN((u64)s->left, n);
        if (to) {
            memcpy(to, s->at, part);
            to += part;
        }
        source_advance(s, part);
        n -= part;
    }
    return 0;
}

int cpio_align(struct source *s, u64 archive_start)
{
    u64 off = (s->offset - archive_start) & 3;
    return off ? source_take(s, NULL, 4 - off) : 0;
}

static bool hex8(const u8 *p, u32 *out)
{
    u32 v = 0;
    for (u32 i = 0; i < 8; i++) {
        u32 c = p[i], digit = c - '0';
        if (digit > 9) {
            digit = (c | 0x20) - 'a' + 10;
            if (digit < 10 || digit > 15)
                return false;
        }
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

// Makes the name relative and plain in place. NULL, or what is wrong with it.
static const char *clean_name(struct cpio_entry *e)
{
    char *to = e->name;
    const char *from = e->name;
    while (*from) {
        while (*from == '/')
            from++;
        const char *end = from;
        while (*end && *end != '/')
            end++;
        usize len = (usize)(end - from);
        if (len > 255)
            return "a name component is longer than 255 bytes";
        if (len == 2 && from[0] == '.' && from[1] == '.')
            return "the name leads upward (..)";
        if (len && !(len == 1 && *from == '.')) {
            if (to != e->name)
                *to++ = '/';
            memmove(to, from, len);
            to += len;
        }
        from = end;
    }
    *to = '\0';
    e->name_len = (usize)(to - e->name);
    return NULL;
}

int cpio_read_header(struct source *s, struct cpio_entry *e, const char **why)
{
    u8 h[CPIO_HEADER];
    e->offset = s->offset;
    int r = source_take(s, h, sizeof(h));
    if (r)
        return r;
    *why = "not a cpio header (newc)";
    if (memcmp(h, "07070", 5) || (h[5] != '1' && h[5] != '2'))
        return -E_INVAL;
    e->has_check = h[5] == '2';
    u32 *const fields[] = {&e->ino,       &e->mode,       &e->uid,        &e->gid,
                           &e->nlink,     &e->mtime,      &e->file_size,  &e->dev_major,
                           &e->dev_minor, &e->rdev_major, &e->rdev_minor, &e->name_size,
                           &e->check};
    *why = "a header field is not a hexadecimal number";
    for (u32 i = 0; i < ARRAY_LEN(fields); i++)
        if (!hex8(h + 6 + 8 * i, fields[i]))
            return -E_INVAL;
    *why = "the length of the name is 0 or above 4096";
    if (!e->name_size || e->name_size > CPIO_NAME_MAX)
        return -E_INVAL;
    r = source_take(s, e->name, e->name_size);
    if (r)
        return r;
    *why = "the name has no end";
    if (e->name[e->name_size - 1])
        return -E_INVAL;
    usize len = strnlen(e->name, e->name_size);
    if (!strcmp(e->name, "TRAILER!!!"))
        return 1;
    // What follows the content can be found from here on, so anything else costs this entry only.
    if (!len) {
        *why = "the name is empty";
        return -E_BADMSG;
    }
    for (usize i = len; i < e->name_size; i++)
        if (e->name[i]) {
            *why = "the name contains a NUL";
            return -E_BADMSG;
        }
    *why = clean_name(e);
    return *why ? -E_BADMSG : 0;
}
