// Reading newc archives: headers and names checked, no knowledge of file systems. Private to
// fs/cpiofs.
#pragma once
#include "source.h"

enum { CPIO_HEADER = 110, CPIO_NAME_MAX = 4096 };

struct cpio_entry {
    u32 ino, mode, uid, gid, nlink, mtime, file_size, dev_major, dev_minor, rdev_major, rdev_minor,
        name_size, check;
    bool has_check; // format 070702: check is the sum of the content's bytes
    u64 offset;     // of the header
    usize name_len;
    char name[CPIO_NAME_MAX]; // cleaned: relative, no "." parts, no double slashes; "" is the root
};

// Reads the header and name at s; the content follows. 0; 1 at the archive's trailer; -E_INVAL with
// *why for anything malformed after which the place of the next header is unknown; -E_BADMSG with
// *why for an entry to be skipped (its content too); -E_IO: the stream ends, or its error.
[[nodiscard]] int cpio_read_header(struct source *s, struct cpio_entry *e, const char **why);
// Skips to the next multiple of four from the start of the archive.
[[nodiscard]] int cpio_align(struct source *s, u64 archive_start);
