// Writes a finished plan as a newc archive: places first, bytes then.
#pragma once
#include "plan.h"

enum { NEWC_HEADER = 110, NEWC_NAME_MAX = 4096 };
enum compression { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD };

struct write_options {
    uint32_t align; // of file data: a power of two from 4 to 4096
    bool index;
    uint32_t time; // of the index's entry and of fillers that have no directory of their own
    enum compression compression;
    int level;
    bool quiet;
};
struct layout {
    uint64_t size, data, headers,
        padding; // of the archive; of file contents; of headers and names; what alignment cost
    uint64_t index_at, index_size;
    uint64_t unaligned; // files whose data could not be aligned
};

// Gives every item its place. False: a file too large for the format.
bool layout_plan(struct plan *p, const struct write_options *o, struct layout *out);
// Writes the archive to fd. Seekable plain output gets its sums filled in behind; else files are
// read twice if there is an index.
bool archive_write(struct plan *p, const struct write_options *o, const struct layout *l, int fd,
                   uint64_t *written);
