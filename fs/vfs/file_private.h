// Between the files about opened nodes. Private to fs/vfs.
#pragma once
#include <vfs/ops.h>

// What remembers the place that a device or fifo object was opened from.
struct opened {
    struct object_origin origin;
    struct path path; // counted
};
extern const struct object_origin_ops opened_origin_ops;

[[nodiscard]] struct file *file_alloc(const struct path *p, const struct object_type *type,
                                      u32 access, u32 status);
// "#number", for files without a name.
const char *vfs_number_name(char text[24], u64 ino);
// The object behind the magic link that name ends in; counted. -E_NXIO: none.
[[nodiscard]] int path_magic_target(const struct path *base, struct pathname name, u32 lookup,
                                    struct object **out, u32 *rights);
// Ends a file that was never published.
void file_discard(struct file *f);
// Reads and writes through the page cache; *pos advances.
i64 file_data_read(struct file *f, struct iobuf *buf, u64 *pos);
i64 file_data_write(struct file *f, struct iobuf *buf, u64 *pos);
// May the file become so large? -E_FBIG when the task's limit is below, and the task is told
// (EVENT_FILE_LIMIT); not for sizes it has already.
[[nodiscard]] int file_may_grow(struct node *n, u64 size);
i64 file_data_seek(struct file *f, i64 off, u32 whence, u64 pos); // DATA and HOLE
