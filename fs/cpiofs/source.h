// A stream of bytes to be unpacked: memory, a file, or a decompressor on top of another stream.
// Private to fs/cpiofs.
#pragma once
#include <cpiofs/unpack.h>
#include <lib/string.h>

struct source {
    const u8 *at;  // next byte
    usize left;    // bytes at `at`
    u64 offset;    // of `at` in the stream
    bool in_place; // the bytes stay where they are for good
    // Gets more when left is 0: 1 there is some, 0 the end, or an error. NULL: all is there.
    int (*fill)(struct source *s);
};

static inline int source_more(struct source *s) // 1 if at least one byte is there
{
    return s->left ? 1 : s->fill ? s->fill(s) : 0;
}
static inline void source_advance(struct source *s, usize n) // n <= left
{
    s->at += n;
    s->left -= n;
    s->offset += n;
}
// Copies (dst NULL: skips) n bytes. 0, -E_IO if the stream ends before, or its error.
[[nodiscard]] int source_take(struct source *s, void *dst, u64 n);

// A decompressor for what stands at in->at (in must have a byte there), or NULL with *err: -E_INVAL
// no known format, -E_NOMEM. Its end leaves `in` behind the compressed data.
struct source *decompress_open(struct source *in, int *err);
void decompress_close(struct source *s);
const char *decompress_name(const struct source *s);
