// The index at the front of an archive: where every name's data lies, found with one hash.
// scarlet-pack.5 describes the bytes. Numbers are little-endian; offsets count from the start of
// the archive that the index belongs to.
#pragma once
#include "plan.h"

#define INDEX_NAME ".scarlet-index"
#define INDEX_MAGIC "SCPKIDX1"
enum { INDEX_HEADER = 64, INDEX_ENTRY = 48 };

struct index_header {
    uint32_t crc, entries, buckets, align;
    uint64_t archive_size, strings_at, size;
};
struct index_entry {
    uint64_t header_at, data_at;
    uint32_t size, crc, name_at, name_length, abi_at, mode, uid, gid;
};

// Size of the index for the plan's items.
uint64_t index_size(const struct plan *p);
// Makes its bytes; layout and sums of the items are known. Freed by the caller.
unsigned char *index_make(const struct plan *p, uint64_t archive_size, uint32_t align);

// Checks the header of an index of n bytes, sizes against each other included. False: failure
// without a file name.
bool index_read_header(const unsigned char *bytes, uint64_t n, struct index_header *out);
void index_read_entry(const unsigned char *bytes, struct index_entry *out);
// Whole index in memory: checksum, every entry's names inside it, every name found by its hash.
// False: failure.
bool index_check(const unsigned char *bytes, uint64_t n, struct index_header *out);

// Finds one name in an image file by its indexes, the last archive first, without reading anything
// else: 1 found (entry's offsets from the start of the file), 0 not there, -1 failure. *usable
// false: some archive has no index, so the answer means nothing.
int index_find(int fd, uint64_t file_size, const char *clean_name, struct index_entry *out,
               bool *usable);
