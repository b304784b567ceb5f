// Bytes of an image as they come: from a file or pipe, and through gzip or zstd where the image is
// compressed. Keeps count of offsets for messages. One thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct source;

struct source *source_open(const char *path);            // "-": standard input. NULL: failure
struct source *source_open_fd(int fd, const char *name); // fd is the source's from now on
void source_close(struct source *s);
const char *source_name(const struct source *s);
int source_fd(const struct source *s); // of the file itself
// 1 at least one byte is there, 0 the end, -1 failure.
int source_more(struct source *s);
unsigned char source_peek(const struct source *s); // after source_more said 1
// Takes n bytes (to NULL: skips them). False: failure; the end of the stream inside is one, at the
// place where it ends.
bool source_take(struct source *s, void *to, uint64_t n);
uint64_t source_offset(const struct source *s); // in this stream
// Whether what is taken now lies in the file as it is, so that its offset in the stream is that in
// the file.
bool source_plain(const struct source *s);
// Begins decompression of what stands here (gzip or zstd by its first bytes); reads go through it
// until source_leave.
bool source_enter(struct source *s);
// Reads the compressed data to their end and goes back to the file behind them.
bool source_leave(struct source *s);
// Records a failure at `offset` of the stream: "NAME: offset N[ of the gzip data at offset M]:
// text".
bool source_failed(const struct source *s, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

extern uint64_t source_limit; // how much one compressed stream may unpack to
