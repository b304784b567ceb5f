// See newc_write.h.
#include "newc_write.h"
#include "common/fail.h"
#include "common/files.h"
#include "common/progress.h"
#include "index.h"
#include "sink.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { STEP = 1 << 18 };

struct head {
    uint32_t ino, mode, uid, gid, nlink, mtime, size, major, minor, name_field;
    const char *name;
};

static bool put_head(struct sink *s, const struct head *h)
{
    char text[NEWC_HEADER + 1];
    size_t length = strlen(h->name);
    snprintf(text, sizeof(text), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             h->ino, h->mode, h->uid, h->gid, h->nlink, h->mtime, h->size, 0u, 0u, h->major,
             h->minor, h->name_field, 0u);
    return sink_put(s, text, NEWC_HEADER) && sink_put(s, h->name, length) &&
           sink_zeroes(s, h->name_field - length) && sink_zeroes(s, -sink_offset(s) & 3);
}

static bool put_filler(struct sink *s, const struct item *before, uint32_t time)
{
    const struct item *dir = before->filled_by;
    struct head h = {.mode = S_IFDIR | 0755,
                     .nlink = 2,
                     .mtime = time,
                     .name_field = before->filler,
                     .name = "."};
    if (dir) {
        h.ino = dir->ino;
        h.mode = dir->mode;
        h.uid = dir->uid;
        h.gid = dir->gid;
        h.mtime = dir->mtime;
        if (*dir->name)
            h.name = dir->name;
    }
    return put_head(s, &h);
}

static bool put_data(struct sink *s, struct item *leader, unsigned char *buffer)
{
    uLong crc = crc32(0, NULL, 0);
    for (uint64_t at = 0; at < leader->data.size;) {
        size_t n = leader->data.size - at < STEP ? (size_t)(leader->data.size - at) : STEP;
        if (!content_read(&leader->data, at, buffer, n))
            return false;
        if (!leader->crc_known)
            crc = crc32(crc, buffer, (uInt)n);
        if (!sink_put(s, buffer, n))
            return false;
        at += n;
        progress_add(n);
    }
    if (!leader->crc_known)
        leader->crc = (uint32_t)crc;
    leader->crc_known = true;
    return sink_zeroes(s, -sink_offset(s) & 3);
}

static bool put_item(struct sink *s, struct item *i, const struct write_options *o,
                     unsigned char *buffer)
{
    struct item *leader = i->leader ? i->leader : i;
    if (i->filler && !put_filler(s, i, o->time))
        return false;
    if (sink_offset(s) != i->header_at)
        return failed(EXIT_SYSTEM, "internal: /%s lands at %llu, not at %llu", i->name,
                      (unsigned long long)sink_offset(s), (unsigned long long)i->header_at);
    bool here = leader->last == i;
    const struct head h = {.ino = leader->ino,
                           .mode = i->mode,
                           .uid = i->uid,
                           .gid = i->gid,
                           .nlink = S_ISDIR(i->mode) ? 2 : leader->nlink,
                           .mtime = i->mtime,
                           .size = here ? (uint32_t)leader->data.size : 0,
                           .major = i->rdev_major,
                           .minor = i->rdev_minor,
                           .name_field = i->name_field,
                           .name = *i->name ? i->name : "."};
    return put_head(s, &h) && (!here || put_data(s, leader, buffer));
}

// Sums of all contents, for outputs that cannot be mended afterwards.
static bool sum_all(struct plan *p, unsigned char *buffer)
{
    for (size_t i = 0; i < p->count; i++) {
        struct item *leader = p->items[i]->leader ? p->items[i]->leader : p->items[i];
        if (leader->crc_known)
            continue;
        uLong crc = crc32(0, NULL, 0);
        for (uint64_t at = 0; at < leader->data.size;) {
            size_t n = leader->data.size - at < STEP ? (size_t)(leader->data.size - at) : STEP;
            if (!content_read(&leader->data, at, buffer, n))
                return false;
            crc = crc32(crc, buffer, (uInt)n);
            at += n;
        }
        leader->crc = (uint32_t)crc;
        leader->crc_known = true;
    }
    return true;
}

static bool put_index(struct sink *s, const struct plan *p, const struct write_options *o,
                      const struct layout *l)
{
    const struct head h = {.ino = 1,
                           .mode = S_IFREG | 0444,
                           .nlink = 1,
                           .mtime = o->time,
                           .size = (uint32_t)l->index_size,
                           .name_field = (uint32_t)(l->index_at - NEWC_HEADER),
                           .name = INDEX_NAME};
    unsigned char *bytes = index_make(p, l->size, o->align);
    bool ok =
        put_head(s, &h) && sink_put(s, bytes, l->index_size) && sink_zeroes(s, -sink_offset(s) & 3);
    free(bytes);
    return ok;
}

static bool mend_index(const struct plan *p, const struct write_options *o, const struct layout *l,
                       int fd, off_t start)
{
    unsigned char *bytes = index_make(p, l->size, o->align), *at = bytes;
    bool ok = true;
    off_t to = start + (off_t)l->index_at;
    for (uint64_t left = l->index_size; ok && left;) {
        ssize_t n = pwrite(fd, at, left, to);
        if (n < 0 && errno == EINTR)
            continue;
        ok = n >= 0 || failed_errno("write");
        if (ok) {
            at += n;
            to += n;
            left -= (uint64_t)n;
        }
    }
    free(bytes);
    return ok;
}

bool archive_write(struct plan *p, const struct write_options *o, const struct layout *l, int fd,
                   uint64_t *written)
{
    unsigned char *buffer = need(STEP);
    off_t start = lseek(fd, 0, SEEK_CUR);
    struct stat info;
    bool mend = o->index && o->compression == COMPRESS_NONE && start >= 0 &&
                fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && !(fcntl(fd, F_GETFL) & O_APPEND);
    bool ok = !o->index || mend || sum_all(p, buffer);
    struct sink *s = ok ? sink_open(fd, o->compression, o->level) : NULL;
    if (!s) {
        free(buffer);
        return false;
    }
    progress_begin("packing", l->data, PROGRESS_BYTES, o->quiet);
    ok = !o->index || put_index(s, p, o, l);
    for (size_t i = 0; ok && i < p->count; i++)
        ok = put_item(s, p->items[i], o, buffer);
    const struct head trailer = {
        .nlink = 1, .name_field = sizeof("TRAILER!!!"), .name = "TRAILER!!!"};
    ok = ok && put_head(s, &trailer) && sink_zeroes(s, l->size - sink_offset(s));
    if (ok)
        ok = sink_close(s, written);
    else
        sink_abandon(s);
    if (ok && mend)
        ok = mend_index(p, o, l, fd, start);
    progress_end();
    content_release();
    free(buffer);
    return ok;
}
