// See image.h.
#include "image.h"
#include "common/fail.h"
#include "common/files.h"
#include "newc_read.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct load {
    struct plan *plan;
    struct reader *r;
    const char *path;
    bool contents;
    struct strmap linked; // "archive:major:minor:inode:type" -> item
    struct origin *origin;
};

static bool text(struct load *l, struct content *out)
{
    char *target = need(l->r->e.size + 1ul);
    if (reader_data(l->r, target, l->r->e.size) < 0) {
        free(target);
        return false;
    }
    if (strlen(target) != l->r->e.size) {
        free(target);
        return source_failed(l->r->source, l->r->e.offset,
                             "the target of a symbolic link contains a NUL");
    }
    *out = (struct content){.kind = CONTENT_TEXT, .size = l->r->e.size, .bytes = target};
    return true;
}

static bool spool_data(struct load *l, struct content *out)
{
    enum { STEP = 1 << 16 };
    int fd = spool_file();
    if (fd < 0)
        return false;
    uint64_t start = spool_end();
    char *buffer = need(STEP);
    long n = 0;
    bool ok = lseek(fd, (off_t)start, SEEK_SET) >= 0 || failed_errno("temporary file");
    while (ok && (n = reader_data(l->r, buffer, STEP)) > 0)
        ok = write_all(fd, buffer, (size_t)n) || failed_in("temporary file");
    free(buffer);
    *out = (struct content){
        .kind = CONTENT_SPAN, .size = l->r->e.size, .path = l->path, .fd = fd, .offset = start};
    return ok && n == 0;
}

static bool data(struct load *l, struct content *out)
{
    const struct entry *e = &l->r->e;
    *out = (struct content){.kind = CONTENT_NONE, .size = e->size};
    if (S_ISLNK(e->mode))
        return text(l, out);
    if (!e->size || !l->contents)
        return true;
    if (e->compressed)
        return spool_data(l, out);
    *out = (struct content){.kind = CONTENT_SPAN,
                            .size = e->size,
                            .path = l->path,
                            .fd = source_fd(l->r->source),
                            .offset = e->data_at};
    return true;
}

static bool put(struct load *l)
{
    const struct entry *e = &l->r->e;
    struct item i = {.mode = e->mode,
                     .uid = e->uid,
                     .gid = e->gid,
                     .mtime = e->mtime,
                     .rdev_major = e->rdev_major,
                     .rdev_minor = e->rdev_minor,
                     .origin = l->origin,
                     .file = l->path,
                     .header_at = e->offset,
                     .data_at = e->data_at};
    if (e->index)
        return true;
    if (!data(l, &i.data))
        return false;
    struct item *old = plan_find(l->plan, e->name);
    if (old && S_ISDIR(e->mode) && S_ISDIR(old->mode)) { // said again
        old->mode = e->mode;
        old->uid = e->uid;
        old->gid = e->gid;
        old->mtime = e->mtime;
        return true;
    }
    char *key = NULL;
    if (!S_ISDIR(e->mode) && !S_ISLNK(e->mode) && e->nlink > 1) {
        key = need_text("%u:%x:%x:%x:%x", e->archive, e->dev_major, e->dev_minor, e->ino,
                        e->mode & S_IFMT);
        struct item *leader = strmap_get(&l->linked, key);
        if (leader && i.data.size && !leader->data.size)
            leader->data = i.data;
        if (leader && leader != old) {
            i.leader = leader;
            i.data = (struct content){0};
        }
    }
    i.name = need_copy(e->name);
    struct item *made = plan_put(l->plan, &i);
    if (key && !made->leader)
        strmap_put(&l->linked, key, made);
    return true;
}

bool image_load(struct plan *p, const char *path, bool contents)
{
    struct source *s = source_open(path);
    if (!s)
        return false;
    struct reader r;
    reader_start(&r, s);
    struct load l = {.plan = p,
                     .r = &r,
                     .path = path,
                     .contents = contents,
                     .origin = plan_origin(p, path, false)};
    int n;
    bool ok = true;
    while (ok && (n = reader_next(&r)) != 0)
        ok = n > 0 && put(&l);
    if (!ok || !contents)
        source_close(s); // otherwise items read from it
    strmap_free(&l.linked);
    return ok;
}

bool image_looks_like(const char *path)
{
    unsigned char first[6] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read_some(fd, first, sizeof(first));
    close(fd);
    return n >= 4 &&
           (memcmp(first, "07070", 5) == 0 || (first[0] == 0x1f && first[1] == 0x8b) ||
            (first[0] == 0x28 && first[1] == 0xb5 && first[2] == 0x2f && first[3] == 0xfd));
}
