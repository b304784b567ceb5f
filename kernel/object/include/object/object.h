// Kernel objects: reference-counted things with a type record. What a handle points at.
#pragma once
#include <kerr.h>
#include <object/poll.h>
#include <sched/rcu.h>
#include <sync/atomic.h>
#include <vm/aspace.h>
#include <vm/user.h>

struct object;
struct attr;     // object/attr.h
struct dir_sink; // object/dir.h

// Kinds: what a typed call may ask for (table clause `kind`). A type may have several.
enum object_kind {
    OBJ_KIND_FILE = 1, // regular file: seek, truncate, map
    OBJ_KIND_DIR = 2,
    OBJ_KIND_PIPE = 4,
    OBJ_KIND_TTY = 8,
    OBJ_KIND_SOCKET = 16,
    OBJ_KIND_EVENT = 32, // event counters, timers, signal queues
    OBJ_KIND_POLL = 64,  // sets of waits (epoll)
    OBJ_KIND_DEVICE = 128,
    OBJ_KIND_VFS = 256, // an opened vfs node (struct file)
    OBJ_KIND_TASK = 512,
    OBJ_KIND_MEMORY = 1024,
    OBJ_KIND_STREAM = 2048, // a channel of whoever started the machine
};

// Shared by all handles to the object (what Linux calls file status flags).
enum object_status {
    OBJ_NONBLOCK = 1,
    OBJ_APPEND = 2,
    OBJ_ASYNC = 4,
    OBJ_SYNC = 8,
    OBJ_DSYNC = 16,
    OBJ_DIRECT = 32,
    OBJ_PATH_ONLY = 64,
    OBJ_NOATIME = 128,
    OBJ_AS_DIRECTORY = 256, // how it was opened, only told: a directory was demanded,
    OBJ_AS_NOFOLLOW = 512   // a link at the end was not followed
};

// Operations; NULL = the object does not offer it (the helper returns the error in parentheses).
// All in thread context, may sleep.
struct object_type {
    const char *name;
    u32 kinds;
    bool seekable;             // read/write at positions; else pos must be NULL (-E_SPIPE)
    bool no_source, no_target; // read or write is there, but not for splicing from or to a pipe
    // Last reference gone. Ends with object_free.
    void (*release)(struct object *o);
    // One handle to it was closed (any error is reported by close); owner: the handle table. May be
    // NULL.
    int (*closed)(struct object *o, void *owner);
    // A handle to some object of this type went, and with it perhaps the object. May be NULL.
    void (*left)(void);
    // Bytes moved, 0 at end, or an error. pos NULL: use and advance the object's own position.
    // (-E_INVAL)
    i64 (*read)(struct object *o, struct iobuf *buf, u64 *pos);
    i64 (*write)(struct object *o, struct iobuf *buf, u64 *pos);
    i64 (*seek)(struct object *o, i64 off, u32 whence);      // SEEK_* below (-E_SPIPE)
    int (*truncate)(struct object *o, u64 size);             // (-E_INVAL)
    int (*sync)(struct object *o, bool data_only);           // (-E_INVAL)
    int (*readdir)(struct object *o, struct dir_sink *sink); // (-E_NOTDIR)
    u32 (*poll)(struct object *o,
                struct poll_table *pt); // ready mask (always ready for in and out)
    int (*map)(
        struct object *o,
        struct map_request *r); // fills object, offset, file, ops; may lower VMA_MAY* (-E_NODEV)
    int (*getattr)(struct object *o, struct attr *a); // (-E_BADF)
    // Text like "pipe:[12]" for /proc/pid/fd; NULL: "anon_inode:[name]". Returns length, or an
    // error.
    i64 (*describe)(struct object *o, char *buf, usize cap);
    void (*status_changed)(struct object *o, u32 old, u32 new); // NONBLOCK etc. was set
};
enum { OBJ_SEEK_SET, OBJ_SEEK_CUR, OBJ_SEEK_END, OBJ_SEEK_DATA, OBJ_SEEK_HOLE };

// Where an object was opened from, when that was a name in a file system (devices, FIFOs,
// terminals): getattr and describe then speak of the node, not of the thing behind it. Made by the
// vfs, which embeds it; one per object, set before the object is published.
struct object_origin {
    const struct object_origin_ops *ops;
};
struct object_origin_ops {
    void (*put)(struct object_origin *g); // the object is gone
    int (*getattr)(struct object_origin *g, struct attr *a);
    i64 (*describe)(struct object_origin *g, char *buf, usize cap);
};

struct object {
    const struct object_type *type;
    refcount_t refs;
    _Atomic u32 status;           // enum object_status, and OBJ_LOOKED_UP
    struct object_origin *origin; // constant once published; NULL: none
    void *_Atomic watchers; // sets of waits that look at it (ipc/poll_set.h); they leave when it
                            // goes
    struct rcu_head rcu;    // object_free
};
// Kernel-internal status bit: some table with several users holds or held it, so that a lookup
// without lock may still be looking.
enum { OBJ_LOOKED_UP = 1u << 31 };

void object_init(struct object *o, const struct object_type *type, u32 status);
// The last act of `release`: frees the memory with fn, at once or, where another thread may still
// be looking at the counter, after a grace period. o must not be touched afterwards. fn runs in
// thread context and must not sleep.
void object_free(struct object *o, void (*fn)(struct object *o));
// Set once at boot by the room that owns watchers: called when an object that has some reaches zero
// references.
void object_set_watch_hook(void (*gone)(struct object *o));
static inline void object_get(struct object *o)
{
    refcount_inc(&o->refs);
}
void object_put(struct object *o); // may sleep (release)
static inline bool object_nonblock(const struct object *o)
{
    return atomic_load_explicit(&o->status, memory_order_relaxed) & OBJ_NONBLOCK;
}
// Unique, never reused numbers for anonymous inodes and the like.
u64 object_unique_id(void);

// The operations with their defaults: what callers use. Rights were checked at lookup. Thread
// context, may sleep.
[[nodiscard]] static inline i64 object_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    if (UNLIKELY(!o->type->read))
        return o->type->readdir ? -E_ISDIR : -E_INVAL;
    if (UNLIKELY(pos && !o->type->seekable))
        return -E_SPIPE;
    return o->type->read(o, buf, pos);
}
[[nodiscard]] static inline i64 object_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    if (UNLIKELY(!o->type->write))
        return -E_INVAL;
    if (UNLIKELY(pos && !o->type->seekable))
        return -E_SPIPE;
    return o->type->write(o, buf, pos);
}
[[nodiscard]] static inline i64 object_seek(struct object *o, i64 off, u32 whence)
{
    return o->type->seek ? o->type->seek(o, off, whence) : -E_SPIPE;
}
[[nodiscard]] static inline int object_truncate(struct object *o, u64 size)
{
    return o->type->truncate ? o->type->truncate(o, size) : -E_INVAL;
}
[[nodiscard]] static inline int object_sync(struct object *o, bool data_only)
{
    return o->type->sync ? o->type->sync(o, data_only) : -E_INVAL;
}
[[nodiscard]] static inline int object_readdir(struct object *o, struct dir_sink *sink)
{
    return o->type->readdir ? o->type->readdir(o, sink) : -E_NOTDIR;
}
[[nodiscard]] static inline int object_map(struct object *o, struct map_request *r)
{
    return o->type->map ? o->type->map(o, r) : -E_NODEV;
}
[[nodiscard]] int object_getattr(struct object *o, struct attr *a);
// Text for /proc/pid/fd; not NUL-terminated. Returns its length (at most cap) or an error.
[[nodiscard]] i64 object_describe(struct object *o, char *buf, usize cap);
// Replaces the status bits in mask; tells the object. Returns the old bits.
u32 object_set_status(struct object *o, u32 bits, u32 mask);
