// What is to stand in an image: items by name, in memory; contents stay where they are (files,
// spans of files) and are read when needed. One thread. Items live as long as the process: a plan
// is made once and never taken apart.
#pragma once
#include "common/strmap.h"
#include <stdint.h>
#include <sys/types.h>

enum content_kind { CONTENT_NONE, CONTENT_FILE, CONTENT_SPAN, CONTENT_TEXT };

// The bytes of a file, or the target of a symbolic link (always CONTENT_TEXT, NUL-ended).
struct content {
    enum content_kind kind;
    uint64_t size;
    const char *path;   // FILE: opened when read. SPAN: for messages
    int fd;             // SPAN
    uint64_t offset;    // FILE, SPAN
    uint64_t file_size; // FILE: how long the whole file was when it was looked at
    const char *bytes;  // TEXT
};

// Reads n bytes at `offset` of the content; the whole range lies within its size. False: failure
// naming the file.
bool content_read(const struct content *c, uint64_t offset, void *to, size_t n);
void content_release(void); // closes the file that content_read keeps open
struct content content_of_text(const char *bytes, size_t n);
// Copies what can be read from fd into the process's spool file: a span of it.
bool content_spool(int fd, const char *what, struct content *out);
int spool_file(void); // the spool itself, unlinked; -1 with a failure
// Reserves the end of the spool; whoever calls has written n bytes at *offset before the next call.
uint64_t spool_end(void);

// Who brought an item: a manifest, a package, an image. For reports.
struct origin {
    const char *name;
    bool package;
    uint64_t files, others, bytes;
};

struct item {
    char *name; // relative, plain; "" is the root
    uint32_t mode, uid, gid, mtime;
    uint32_t rdev_major, rdev_minor;
    struct content data;
    struct item *
        leader; // hard link: the item that has the content (never itself a link); NULL: own content
    const char *abi; // assigned ABI, NULL: by detection
    struct origin *origin;
    const char *file; // manifest or archive that named it, and the line there
    unsigned line;
    bool implied; // a directory nobody named
    // Set by layout.
    uint32_t ino, nlink, crc;
    bool crc_known;
    struct item *last; // of a leader: the name that the data stands with
    uint64_t header_at, data_at;
    uint32_t name_field,
        filler;                   // size of the name field of a directory entry in front, 0: none
    const struct item *filled_by; // the directory whose entry that repeats; NULL: the root's
};

struct abi_rule {
    const char *pattern, *abi, *file;
    unsigned line;
};

struct plan {
    struct item **items;
    size_t count, room;
    struct strmap by_name;
    struct abi_rule *abi_rules;
    size_t abi_count;
    struct origin **origins;
    size_t origin_count;
    const char **inputs; // host files that went in, for dependency files
    size_t input_count;
    uint64_t duplicate_bytes; // found by plan_share
};

// The plain form of a name: no slashes at the ends, none doubled, no "." parts. False: ".." in it,
// or too long for any image.
bool plan_clean_name(const char *given, char **out);
struct item *plan_find(const struct plan *p, const char *clean_name);
// Adds a copy of *what (name already plain and owned by the plan from now on); an item of the same
// name is replaced, directories keep what is below them. Returns the item.
struct item *plan_put(struct plan *p, const struct item *what);
void plan_remove(struct plan *p, struct item *i);
struct origin *plan_origin(struct plan *p, const char *name, bool package);
void plan_input(struct plan *p, const char *path);
// Items whose absolute name fits the pattern (shell pattern; `*` fits slashes too).
bool pattern_fits(const char *pattern, const char *clean_name);

// Makes the plan complete: names lead through links to their real places, missing directories are
// added (mode 0755), ABI rules are applied, everything is sorted parents first. False: a failure
// (something below what is no directory).
bool plan_finish(struct plan *p);
// Makes equal files hard links of each other. only_count: reports, changes nothing.
bool plan_share(struct plan *p, bool only_count);
const struct content *item_content(const struct item *i); // of its leader, if it has one
// Where a name leads inside the plan, links followed: the item, or NULL. The name is absolute or
// relative to the root.
struct item *plan_resolve(const struct plan *p, const char *path);
