// Contents: files of the host, spans of archives and of the spool. One file is kept open between
// reads.
#include "common/fail.h"
#include "common/files.h"
#include "plan.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int spool = -1;
static uint64_t spool_size;
static int kept = -1;
static const char *kept_path;

void content_release(void)
{
    if (kept >= 0)
        close(kept);
    kept = -1;
    kept_path = NULL;
}

bool content_read(const struct content *c, uint64_t offset, void *to, size_t n)
{
    switch (c->kind) {
    case CONTENT_NONE:
        return n == 0 || failed(EXIT_INPUT, "nothing to read");
    case CONTENT_TEXT:
        memcpy(to, c->bytes + offset, n);
        return true;
    case CONTENT_SPAN:
        return read_exactly(c->fd, to, n, c->offset + offset) || failed_in("%s", c->path);
    case CONTENT_FILE:
        break;
    }
    if (kept_path != c->path) {
        content_release();
        kept = open(c->path, O_RDONLY | O_CLOEXEC);
        if (kept < 0)
            return failed_errno("%s", c->path);
        struct stat info;
        if (fstat(kept, &info) == 0 && (uint64_t)info.st_size != c->file_size) {
            close(kept);
            kept = -1;
            return failed(
                EXIT_INPUT, "%s: changed its size while it was packed (%llu, now %llu bytes)",
                c->path, (unsigned long long)c->file_size, (unsigned long long)info.st_size);
        }
        kept_path = c->path;
    }
    return read_exactly(kept, to, n, c->offset + offset) || failed_in("%s", c->path);
}

struct content content_of_text(const char *bytes, size_t n)
{
    char *copy = need(n + 1);
    memcpy(copy, bytes, n);
    return (struct content){.kind = CONTENT_TEXT, .size = n, .bytes = copy};
}

int spool_file(void)
{
    if (spool < 0)
        spool = temporary_file();
    return spool;
}

uint64_t spool_end(void)
{
    struct stat info;
    if (spool >= 0 && fstat(spool, &info) == 0)
        spool_size = (uint64_t)info.st_size;
    return spool_size;
}

bool content_spool(int fd, const char *what, struct content *out)
{
    if (spool_file() < 0)
        return false;
    uint64_t start = spool_end();
    char *buffer = need(1 << 16);
    bool ok = lseek(spool, (off_t)start, SEEK_SET) >= 0;
    uint64_t size = 0;
    while (ok) {
        ssize_t n = read_some(fd, buffer, 1 << 16);
        if (n < 0)
            ok = failed_errno("%s", what);
        if (n <= 0)
            break;
        ok = write_all(spool, buffer, (size_t)n) || failed_in("temporary file");
        size += (uint64_t)n;
    }
    free(buffer);
    *out = (struct content){
        .kind = CONTENT_SPAN, .size = size, .path = what, .fd = spool, .offset = start};
    return ok;
}
