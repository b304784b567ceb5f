// Trees of files from cpio archives (newc), plain or compressed with gzip or zstd, several behind
// each other.
#pragma once
#include <lib/types.h>

struct superblock;

struct cpiofs_result {
    u64 entries;     // files, directories, ... made
    u64 in_place;    // bytes of file contents that stay where they lie; 0: the image may be freed
    u64 copied;      // bytes that were copied
    u64 errors;      // problems, each with a line in the kernel log
    u64 first_error; // offset of the first one
};
// Fills the in-memory file system sb from an image in direct-mapped memory that stays there for
// good: contents of files that start on a page are used in place. Later entries replace earlier
// ones. What is valid is kept: 0 even with errors; -E_INVAL if sb is not of memory kind or nothing
// at all could be used, -E_NOMEM. Thread context.
[[nodiscard]] int cpiofs_unpack(struct superblock *sb, const void *image, usize len,
                                struct cpiofs_result *out);
