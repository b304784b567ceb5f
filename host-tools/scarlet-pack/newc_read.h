// Reads images entry by entry: one or more newc archives, plain or compressed, zeroes between them.
// What is wrong is refused with its place.
#pragma once
#include "source.h"

struct entry {
    uint32_t ino, mode, uid, gid, nlink, mtime, size, dev_major, dev_minor, rdev_major, rdev_minor,
        name_size, check;
    bool has_check;      // format 070702
    uint64_t offset;     // of the header
    uint64_t data_at;    // both in the stream
    uint64_t archive_at; // where this archive begins
    unsigned archive;    // number of the archive in the image
    bool compressed;     // offsets are not those of the file
    bool index;          // the archive's index, at its front
    bool padding_dirty;  // bytes that only fill up are not zero
    char name[4097];     // plain: relative, no "." parts; "" is the root
};

struct reader {
    struct source *source;
    struct entry e;
    uint64_t left; // of the entry's data
    uint64_t archive_start;
    unsigned archives; // begun so far
    bool inside;       // an archive
    bool entered;      // compressed data
    bool dirty;
    uint64_t entries;
};

void reader_start(struct reader *r, struct source *s);
// The next entry in r->e: 1, 0 the end of the image, -1 failure. Data not taken are skipped.
int reader_next(struct reader *r);
// Up to n bytes of the entry's data: how many, 0 at their end, -1 failure.
long reader_data(struct reader *r, void *to, size_t n);
