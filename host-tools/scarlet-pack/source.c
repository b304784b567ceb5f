// See source.h.
#include "source.h"
#include "common/fail.h"
#include "common/files.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { ROOM = 1 << 17, WINDOW_LOG = 27 };

uint64_t source_limit = 1ull << 40;

struct stream {
    unsigned char *buffer;
    size_t at, fill;
    uint64_t offset; // of buffer[at]
};

struct source {
    int fd;
    const char *name;
    uint64_t size; // of a regular file, else 0
    bool seekable;
    struct stream file, inner;
    enum { PLAIN, GZIP, ZSTD } how;
    uint64_t entered_at;
    bool ended;
    z_stream gz;
    ZSTD_DStream *zstd;
};

struct source *source_open_fd(int fd, const char *name)
{
    struct source *s = need(sizeof(*s));
    struct stat info;
    s->fd = fd;
    s->name = name;
    s->file.buffer = need(ROOM);
    s->inner.buffer = need(ROOM);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        s->size = (uint64_t)info.st_size;
        s->seekable = lseek(fd, 0, SEEK_CUR) == 0;
    }
    return s;
}

struct source *source_open(const char *path)
{
    bool input = strcmp(path, "-") == 0;
    int fd = input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0) {
        failed_errno("%s", path);
        return NULL;
    }
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        failed(EXIT_SYSTEM, "%s: a directory, not an image", path);
        close(fd);
        return NULL;
    }
    return source_open_fd(fd, input ? "standard input" : path);
}

static void end_inner(struct source *s)
{
    if (s->how == GZIP)
        inflateEnd(&s->gz);
    if (s->how == ZSTD)
        ZSTD_freeDStream(s->zstd);
    s->how = PLAIN;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    end_inner(s);
    close(s->fd);
    free(s->file.buffer);
    free(s->inner.buffer);
    free(s);
}

const char *source_name(const struct source *s)
{
    return s->name;
}

int source_fd(const struct source *s)
{
    return s->fd;
}

bool source_plain(const struct source *s)
{
    return s->how == PLAIN && s->seekable;
}

uint64_t source_offset(const struct source *s)
{
    return s->how == PLAIN ? s->file.offset : s->inner.offset;
}

bool source_failed(const struct source *s, uint64_t offset, const char *format, ...)
{
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (s->how == PLAIN)
        return failed(EXIT_INPUT, "%s: offset %llu: %s", s->name, (unsigned long long)offset, text);
    return failed(EXIT_INPUT, "%s: offset %llu of the %s data at offset %llu: %s", s->name,
                  (unsigned long long)offset, s->how == GZIP ? "gzip" : "zstd",
                  (unsigned long long)s->entered_at, text);
}

static int file_more(struct source *s)
{
    if (s->file.at < s->file.fill)
        return 1;
    ssize_t n = read_some(s->fd, s->file.buffer, ROOM);
    if (n < 0)
        return failed_errno("%s", s->name), -1;
    s->file.at = 0;
    s->file.fill = (size_t)n;
    return n > 0;
}

static void advance(struct stream *t, size_t n)
{
    t->at += n;
    t->offset += n;
}

// One step of the library. False: failure.
static bool unpack(struct source *s)
{
    struct stream *f = &s->file;
    size_t give = f->fill - f->at, made;
    if (s->how == GZIP) {
        s->gz.next_in = f->buffer + f->at;
        s->gz.avail_in = (uInt)give;
        s->gz.next_out = s->inner.buffer;
        s->gz.avail_out = ROOM;
        int r = inflate(&s->gz, Z_NO_FLUSH);
        advance(f, give - s->gz.avail_in);
        made = ROOM - s->gz.avail_out;
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return source_failed(s, s->inner.offset, "damaged: %s",
                                 s->gz.msg ? s->gz.msg : "not gzip data");
        s->ended = r == Z_STREAM_END;
    } else {
        ZSTD_inBuffer in = {f->buffer + f->at, give, 0};
        ZSTD_outBuffer out = {s->inner.buffer, ROOM, 0};
        size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
        advance(f, in.pos);
        made = out.pos;
        if (ZSTD_isError(r))
            return source_failed(s, s->inner.offset, "damaged: %s", ZSTD_getErrorName(r));
        s->ended = r == 0;
    }
    s->inner.at = 0;
    s->inner.fill = made;
    return true;
}

static int inner_more(struct source *s)
{
    while (s->inner.at == s->inner.fill) {
        if (s->ended)
            return 0;
        if (s->inner.offset > source_limit)
            return source_failed(s, s->inner.offset, "unpacks to more than %llu bytes",
                                 (unsigned long long)source_limit),
                   -1;
        int r = file_more(s);
        if (r < 0)
            return -1;
        if (r == 0)
            return source_failed(s, s->inner.offset, "the compressed data end in the middle"), -1;
        size_t before = s->file.at;
        if (!unpack(s))
            return -1;
        if (!s->inner.fill && !s->ended && s->file.at == before)
            return source_failed(s, s->inner.offset, "damaged: no progress"), -1;
    }
    return 1;
}

int source_more(struct source *s)
{
    return s->how == PLAIN ? file_more(s) : inner_more(s);
}

unsigned char source_peek(const struct source *s)
{
    return s->how == PLAIN ? s->file.buffer[s->file.at] : s->inner.buffer[s->inner.at];
}

bool source_take(struct source *s, void *to, uint64_t n)
{
    unsigned char *dst = to;
    while (n) {
        struct stream *t = s->how == PLAIN ? &s->file : &s->inner;
        // Long ways over a file are not read.
        if (!dst && s->how == PLAIN && s->seekable && t->at == t->fill && n > ROOM &&
            s->size - t->offset >= n) {
            if (lseek(s->fd, (off_t)(t->offset + n), SEEK_SET) < 0)
                return failed_errno("%s", s->name);
            t->offset += n;
            return true;
        }
        int r = source_more(s);
        if (r < 0)
            return false;
        if (r == 0)
            return source_failed(s, source_offset(s),
                                 "the image ends here, in the middle of an archive");
        size_t part = t->fill - t->at < n ? t->fill - t->at : (size_t)n;
        if (dst) {
            memcpy(dst, t->buffer + t->at, part);
            dst += part;
        }
        advance(t, part);
        n -= part;
    }
    return true;
}

bool source_enter(struct source *s)
{
    unsigned char first = source_peek(s);
    s->entered_at = s->file.offset;
    s->ended = false;
    s->inner = (struct stream){.buffer = s->inner.buffer};
    if (first == 0x1f) {
        s->gz = (z_stream){0};
        if (inflateInit2(&s->gz, 16 + MAX_WBITS) != Z_OK)
            return failed(EXIT_SYSTEM, "the gzip library does not start");
        s->how = GZIP;
        return true;
    }
    if (first == 0x28) {
        s->zstd = ZSTD_createDStream();
        if (!s->zstd ||
            ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG)))
            return failed(EXIT_SYSTEM, "the zstd library does not start");
        s->how = ZSTD;
        return true;
    }
    return source_failed(s, s->file.offset, "neither a cpio archive (newc) nor gzip nor zstd data");
}

bool source_leave(struct source *s)
{
    int r;
    while ((r = source_more(s)) > 0)
        advance(&s->inner, s->inner.fill - s->inner.at);
    end_inner(s);
    return r == 0;
}
