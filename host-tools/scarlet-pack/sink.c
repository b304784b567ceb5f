// See sink.h.
#include "sink.h"
#include "common/fail.h"
#include "common/files.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { ROOM = 1 << 18 };

struct sink {
    int fd;
    enum compression how;
    uint64_t offset, written;
    unsigned char *buffer; // plain: what waits; else: what the library made
    size_t fill;
    z_stream gz;
    ZSTD_CCtx *zstd;
};

struct sink *sink_open(int fd, enum compression c, int level)
{
    struct sink *s = need(sizeof(*s));
    s->fd = fd;
    s->how = c;
    s->buffer = need(ROOM);
    bool ok = true;
    if (c == COMPRESS_GZIP)
        ok = deflateInit2(&s->gz, level, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK;
    if (c == COMPRESS_ZSTD) {
        s->zstd = ZSTD_createCCtx();
        ok = s->zstd &&
             !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, level)) &&
             !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 1));
    }
    if (ok)
        return s;
    failed(EXIT_SYSTEM, "the compression library does not start");
    if (c == COMPRESS_GZIP)
        s->how = COMPRESS_NONE;
    sink_abandon(s);
    return NULL;
}

static bool out(struct sink *s, const void *data, size_t n)
{
    s->written += n;
    return write_all(s->fd, data, n);
}

static bool flush(struct sink *s)
{
    size_t n = s->fill;
    s->fill = 0;
    return out(s, s->buffer, n);
}

static bool gz_put(struct sink *s, const void *data, size_t n, int mode)
{
    s->gz.next_in = (z_const Bytef *)(uintptr_t)data;
    s->gz.avail_in = (uInt)n;
    int r;
    do {
        s->gz.next_out = s->buffer;
        s->gz.avail_out = ROOM;
        r = deflate(&s->gz, mode);
        if (r == Z_STREAM_ERROR)
            return failed(EXIT_SYSTEM, "gzip: %s", s->gz.msg ? s->gz.msg : "failed");
        if (!out(s, s->buffer, ROOM - s->gz.avail_out))
            return false;
    } while (mode == Z_FINISH ? r != Z_STREAM_END : s->gz.avail_in || !s->gz.avail_out);
    return true;
}

static bool zstd_put(struct sink *s, const void *data, size_t n, ZSTD_EndDirective mode)
{
    ZSTD_inBuffer in = {data, n, 0};
    size_t left;
    do {
        ZSTD_outBuffer o = {s->buffer, ROOM, 0};
        left = ZSTD_compressStream2(s->zstd, &o, &in, mode);
        if (ZSTD_isError(left))
            return failed(EXIT_SYSTEM, "zstd: %s", ZSTD_getErrorName(left));
        if (!out(s, s->buffer, o.pos))
            return false;
    } while (mode == ZSTD_e_end ? left : in.pos < in.size);
    return true;
}

bool sink_put(struct sink *s, const void *data, size_t n)
{
    s->offset += n;
    if (s->how == COMPRESS_GZIP)
        return gz_put(s, data, n, Z_NO_FLUSH);
    if (s->how == COMPRESS_ZSTD)
        return zstd_put(s, data, n, ZSTD_e_continue);
    if (n > ROOM - s->fill && !flush(s))
        return false;
    if (n >= ROOM)
        return out(s, data, n);
    memcpy(s->buffer + s->fill, data, n);
    s->fill += n;
    return true;
}

bool sink_zeroes(struct sink *s, uint64_t n)
{
    static const char zeroes[4096];
    while (n) {
        size_t part = n < sizeof(zeroes) ? (size_t)n : sizeof(zeroes);
        if (!sink_put(s, zeroes, part))
            return false;
        n -= part;
    }
    return true;
}

uint64_t sink_offset(const struct sink *s)
{
    return s->offset;
}

bool sink_close(struct sink *s, uint64_t *written)
{
    bool ok = s->how == COMPRESS_GZIP   ? gz_put(s, NULL, 0, Z_FINISH)
              : s->how == COMPRESS_ZSTD ? zstd_put(s, NULL, 0, ZSTD_e_end)
                                        : flush(s);
    *written = s->written;
    sink_abandon(s);
    return ok;
}

void sink_abandon(struct sink *s)
{
    if (s->how == COMPRESS_GZIP)
        deflateEnd(&s->gz);
    ZSTD_freeCCtx(s->zstd);
    free(s->buffer);
    free(s);
}
