// gzip and zstd streams as sources. The libraries are the distribution's; they get their memory
// here and run in thread context.
#include "source.h"
#include <arch/page.h>
#include <kerr.h>
#include <mem/slab.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW = 128 * 1024 };

struct decompressor {
    struct source out; // first
    struct source *in;
    u8 *window;
    bool ended;
    bool is_zstd;
    z_stream gz;
    ZSTD_DStream *zstd;
};

// Blocks beyond what kmalloc has come from the frame allocator; the head tells how to free them.
struct block_head {
    u64 order; // UINT64_MAX: kmalloc
    u64 pad;
};
enum { KMALLOC_MAX = 4 << 20 };

static void *block_alloc(usize size)
{
    struct block_head *h;
    if (size > (usize)1 << 32)
        return NULL;
    size += sizeof(*h);
    u32 order = 0;
    if (size <= KMALLOC_MAX) {
        h = kmalloc(size, 0);
        if (h)
            h->order = UINT64_MAX;
    } else {
        while (PAGE_SIZE << order < size)
            order++;
        struct frame *f = frame_alloc(order, 0);
        h = f ? frame_to_virt(f) : NULL;
        if (h)
            h->order = order;
    }
    return h ? h + 1 : NULL;
}

static void block_free(void *p)
{
    if (!p)
        return;
    struct block_head *h = (struct block_head *)p - 1;
    if (h->order == UINT64_MAX)
        kfree(h);
    else
        frame_put(phys_to_frame(virt_to_phys(h)));
}

static void *gz_alloc(void *opaque, unsigned n, unsigned size)
{
    (void)opaque;
    usize bytes;
    return __builtin_mul_overflow((usize)n, (usize)size, &bytes) ? NULL : block_alloc(bytes);
}

static void gz_free(void *opaque, void *p)
{
    (void)opaque;
    block_free(p);
}

static void *zstd_alloc(void *opaque, size_t size)
{
    (void)opaque;
    return block_alloc(size);
}

static void zstd_free(void *opaque, void *p)
{
    (void)opaque;
    block_free(p);
}

// Both steps: consume from d->in, fill the window; *made is how much. Sets ended at the end of the
// stream.
static int gz_step(struct decompressor *d, usize *made)
{
    unsigned give = (unsigned)MIN(d->in->left, (usize)1 << 30);
    d->gz.next_in = (z_const Bytef *)(uintptr_t)d->in->at;
    d->gz.avail_in = give;
    d->gz.next_out = d->window;
    d->gz.avail_out = WINDOW;
    int r = inflate(&d->gz, Z_NO_FLUSH);
    source_advance(d->in, give - d->gz.avail_in);
    *made = WINDOW - d->gz.avail_out;
    if (r == Z_STREAM_END)
        d->ended = true;
    else if (r != Z_OK && r != Z_BUF_ERROR)
        return r == Z_MEM_ERROR ? -E_NOMEM : -E_IO;
    return 0;
}

static int zstd_step(struct decompressor *d, usize *made)
{
    ZSTD_inBuffer in = {d->in->at, d->in->left, 0};
    ZSTD_outBuffer out = {d->window, WINDOW, 0};
    size_t r = ZSTD_decompressStream(d->zstd, &out, &in);
    source_advance(d->in, in.pos);
    *made = out.pos;
    if (ZSTD_isError(r)) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(r);
        bool memory = code == ZSTD_error_memory_allocation ||
                      code == ZSTD_error_frameParameter_windowTooLarge;
        return memory ? -E_NOMEM : -E_IO;
    }
    if (r == 0)
        d->ended = true;
    return 0;
}

static int decompress_fill(struct source *s)
{
    struct decompressor *d = (struct decompressor *)(void *)s;
    usize made = 0;
    while (!made && !d->ended) {
        int more = source_more(d->in);
        if (more < 0)
            return more;
        usize before = d->in->left;
        int r = d->is_zstd ? zstd_step(d, &made) : gz_step(d, &made);
        if (r)
            return r;
        if (!made && !d->ended && before == d->in->left)
            return -E_IO; // the stream stops in the middle
    }
    s->at = d->window;
    s->left = made;
    return made != 0;
}

struct source *decompress_open(struct source *in, int *err)
{
    // First bytes of the magic numbers; the libraries check the rest.
    bool gzip = in->at[0] == 0x1f, zstd = in->at[0] == 0x28;
    *err = -E_INVAL;
    if (!gzip && !zstd)
        return NULL;
    *err = -E_NOMEM;
    struct decompressor *d = kzalloc(sizeof(*d), 0);
    if (!d)
        return NULL;
    d->in = in;
    d->is_zstd = zstd;
    d->out.fill = decompress_fill;
    d->window = block_alloc(WINDOW);
    bool ready = false;
    if (d->window && zstd) {
        const ZSTD_customMem mem = {zstd_alloc, zstd_free, NULL};
        d->zstd = ZSTD_createDStream_advanced(mem);
        ready = d->zstd && !ZSTD_isError(ZSTD_initDStream(d->zstd));
    } else if (d->window) {
        d->gz.zalloc = gz_alloc;
        d->gz.zfree = gz_free;
        ready = inflateInit2(&d->gz, 16 + MAX_WBITS) == Z_OK;
        d->out.in_place = false;
        if (!ready)
            d->gz.state = NULL;
    }
    if (!ready) {
        decompress_close(&d->out);
        return NULL;
    }
    return &d->out;
}

void decompress_close(struct source *s)
{
    struct decompressor *d = (struct decompressor *)(void *)s;
    if (d->is_zstd && d->zstd)
        (void)ZSTD_freeDStream(d->zstd);
    else if (!d->is_zstd && d->gz.state)
        (void)inflateEnd(&d->gz);
    block_free(d->window);
    kfree(d);
}

const char *decompress_name(const struct source *s)
{
    return ((const struct decompressor *)(const void *)s)->is_zstd ? "zstd" : "gzip";
}
