// Where archive bytes go: a file, as they are or through gzip or zstd. Bytes of equal input are
// equal: no names, no times, one thread.
#pragma once
#include "newc_write.h"

struct sink;
struct sink *sink_open(int fd, enum compression c, int level); // NULL: failure
bool sink_put(struct sink *s, const void *data, size_t n);
bool sink_zeroes(struct sink *s, uint64_t n);
uint64_t sink_offset(const struct sink *s); // bytes put so far
// Ends the stream and frees the sink; *written gets how many bytes went to the file.
bool sink_close(struct sink *s, uint64_t *written);
void sink_abandon(struct sink *s);
