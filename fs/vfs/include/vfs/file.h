// Opened nodes. A struct file is an object; handles to it carry the rights. Opening a device or a
// fifo gives the device's own object instead, which remembers through its origin what place it was
// opened from: object_path works for both.
#pragma once
#include <object/handle.h>
#include <object/object.h>
#include <vfs/path.h>

enum file_access { FILE_READ = 1, FILE_WRITE = 2, FILE_EXEC = 4 /* opened to be run */ };

// Behaviour of nodes without page cache data. NULL: what stands in parentheses.
struct file_ops {
    int (*open)(struct file *f); // (0)
    void (*release)(struct file *f);
    i64 (*read)(struct file *f, struct iobuf *buf,
                u64 *pos); // pos valid, advanced by the callee (-E_INVAL)
    i64 (*write)(struct file *f, struct iobuf *buf, u64 *pos); // (-E_INVAL)
    i64 (*seek)(struct file *f, i64 off, u32 whence,
                u64 *pos); // new position (plain arithmetic over node_size)
    u32 (*poll)(struct file *f, struct poll_table *pt); // (in and out)
    int (*map)(struct file *f, struct map_request *r);  // (-E_NODEV)
    void (*closed)(struct file *f);   // a handle to it was closed; may sleep (nothing)
    void (*unmapped)(struct file *f); // an area that showed it is gone; may sleep (nothing)
    int (*sync)(struct file *f, bool data_only); // directories too (0)
};

struct file {
    struct object obj; // first
    // --- constant ---
    struct path path;  // counted
    struct node *node; // of path
    const struct file_ops *ops;
    u32 access;  // enum file_access as opened
    bool writer; // counted in the writers of node, mount and file system
    bool tmpfile;
    // --- guarded by pos_lock ---
    struct mutex pos_lock; // class file_pos
    u64 pos;
    void *private; // of ops
};
extern const struct object_type file_object_type; // regular files and everything else with data
extern const struct object_type dir_object_type;
extern const struct object_type path_object_type; // opened as a place only (O_PATH)

// The file behind an object, or NULL if it is not a struct file.
static inline struct file *object_file(struct object *o)
{
    return o->type->kinds & OBJ_KIND_VFS ? (struct file *)(void *)o : NULL;
}
// The place an object was opened from: borrowed (lives as long as the object), NULL for objects
// that come from no name.
const struct path *object_path(struct object *o);

struct open_request {
    u32 access; // enum file_access; 0 is allowed (ioctl-only opens)
    bool create, exclusive, truncate, append, directory, path_only, tmpfile, nonblock, nofollow,
        noatime, direct, sync, dsync;
    bool noctty; // a terminal does not become the controlling one
    u32 mode;    // permission bits of a new file, before umask
    u32 lookup;  // LOOKUP_* restrictions
};
// Opens by name. The object carries one reference; *rights is what a handle should get.
[[nodiscard]] int vfs_open(const struct path *base, struct pathname name,
                           const struct open_request *r, struct object **out, u32 *rights);
// Opens a place one has already (exec, kernel). Permission checks only if `check`.
[[nodiscard]] int vfs_open_path(const struct path *p, const struct open_request *r, bool check,
                                struct object **out, u32 *rights);
// A file without name backed by memory (memfd_create). -E_NOMEM.
[[nodiscard]] int vfs_open_memory(const char *name, struct object **out, u32 *rights);

// For file_ops that use the page cache in part: map as files without file_ops do, through
// node->data; how many of `want` bytes the task's limits let it write at pos (at least one byte of
// them, else an error and the task was told).
[[nodiscard]] int file_data_map(struct file *f, struct map_request *r);
[[nodiscard]] i64 file_clip_write(u64 pos, u64 want);

// Whole-file helpers for the kernel (exec): bytes read, short at end of file.
[[nodiscard]] i64 file_read_kernel(struct file *f, u64 pos, void *buf, usize n);
// vma_ops for mappings of files: `file` is a struct file.
extern const struct vma_ops file_vma_ops;

// Reads a part of a regular file into the page cache ahead of its use, as far as there is memory
// for it; stops for events. Nothing to do for other files.
void file_read_ahead(struct file *f, u64 off, u64 len);
[[nodiscard]] int file_truncate(struct file *f, u64 size); // -E_INVAL unless open for writing
[[nodiscard]] int file_fallocate(struct file *f, u32 mode, u64 off, u64 len); // FALLOC_*
// Moves up to n bytes between objects (sendfile, copy_file_range). Positions NULL: the objects'
// own. Bytes moved or an error.
[[nodiscard]] i64 file_splice(struct object *in, u64 *in_pos, struct object *out, u64 *out_pos,
                              u64 n);
[[nodiscard]] i64 file_copy_range(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos,
                                  u64 n); // regular files, rules of copy_file_range
// Moves up to n bytes between a pipe and an object that is none. Positions NULL: the object's own.
// Both wait for the first byte and for room for it, and return how many were moved, or an error
// (ipc/pipe_splice.h, and the object's). nonblock: does not wait for the pipe, nor for a stream of
// a socket. Writing is the caller's: it knows what a write is in its ABI. A source of bytes may be
// waited for with room for one page set aside in the pipe, never a socket.
typedef i64 splice_write(struct object *o, struct iobuf *buf, u64 *pos);
[[nodiscard]] i64 file_splice_from_pipe(struct object *in, struct object *out, u64 *out_pos, u64 n,
                                        bool nonblock, splice_write *write);
[[nodiscard]] i64 file_splice_to_pipe(struct object *in, u64 *in_pos, struct object *out, u64 n,
                                      bool nonblock);
