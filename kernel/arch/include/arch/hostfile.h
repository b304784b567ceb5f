// Files of the system that the machine itself runs on, where there is one, one name at a time.
// fs/hostfs makes file systems of them. A handle is a number >= 0 that stands for one file,
// whatever happens to its names; names are single components and symbolic links are never followed,
// so nothing outside the tree can be reached. What that system allows is decided by it, for the
// user that this machine runs as. Thread context; errors are negative kerr codes.
#pragma once
#include <lib/types.h>

struct host_attr {
    u64 ino, dev, rdev, size, blocks;
    u32 mode, uid, gid, nlink;
    i64 atime, mtime, ctime; // ns since 1970
};
// The file `path` of that system. -E_NODEV: this machine runs on none.
[[nodiscard]] i64 arch_host_root(const char *path, struct host_attr *out);
// The file of stream n (arch/stream.h), with what the stream may do opened already.
[[nodiscard]] i64 arch_host_stream(u32 n, struct host_attr *out);
// What `name` in directory dir is: a new handle. -E_INVAL: not a single component. -E_NFILE: there
// are too many.
[[nodiscard]] i64 arch_host_lookup(i64 dir, const char *name, struct host_attr *out);
void arch_host_close(i64 handle);
[[nodiscard]] i64 arch_host_attr(i64 handle, struct host_attr *out);
// The same by name, without a handle.
[[nodiscard]] i64 arch_host_probe(i64 dir, const char *name, struct host_attr *out);

// --- contents: opened when first needed (the caller serialises that), until arch_host_shut ---
enum host_access { HOST_READ = 1, HOST_WRITE = 2, HOST_LIST = 4 /* a directory */ };
[[nodiscard]] i64 arch_host_open(i64 file, u32 access);
void arch_host_shut(i64 file);
// Bytes moved, perhaps fewer; reading 0: at the end. -E_AGAIN: it may take long, make a job of it.
[[nodiscard]] i64 arch_host_read(i64 file, u64 pos, void *buf, usize n);
enum : u64 { HOST_AT_END = ~0ull }; // as a position: behind what is there, in one step
[[nodiscard]] i64 arch_host_write(i64 file, u64 pos, const void *buf, usize n);
[[nodiscard]] i64 arch_host_truncate(i64 file, u64 size);
[[nodiscard]] i64 arch_host_allocate(i64 file, u32 mode, u64 off, u64 len); // FALLOC_* (vfs)
// What may take long is a job, done while its thread sleeps (device/host_job.h). Job, buffer and
// opened file stay as they are until it is done; an external interrupt comes then.
enum host_job_kind {
    HOST_JOB_READ, // as arch_host_read and _write
    HOST_JOB_WRITE,
    HOST_JOB_SYNC, // to that system's disk: a file, its contents only, its whole file system
    HOST_JOB_SYNC_DATA,
    HOST_JOB_SYNC_ALL
};
struct host_job {
    enum host_job_kind kind;
    i64 file;
    u64 pos;
    void *buf;
    usize n;
    // --- the machine's ---
    struct host_job *next;
    i64 result;
    i32 fd;
    _Atomic bool done;
};
void arch_host_start(struct host_job *job);
// Is it done? Then what came of it goes to *result. Any context.
[[nodiscard]] bool arch_host_done(const struct host_job *job, i64 *result);

// Advisory locks of that system: what all of this machine's hold together on an open file. kind as
// fcntl's l_type; `end` is included, INT64_MAX: to the end of the file; whole: flock's, without a
// range. pid: 0, 0xffffffff: not a process's. Nothing waits: -E_AGAIN. writable: the file may be
// opened for writing. The caller serialises these with opening.
struct host_lock {
    u32 kind, pid;
    u64 start, end;
};
[[nodiscard]] i64 arch_host_lock(i64 file, bool whole, bool writable, const struct host_lock *l);
// The first range lock in the way of *l goes there, or kind 2.
[[nodiscard]] i64 arch_host_lock_query(i64 file, bool writable, struct host_lock *l);
// Entries of a directory from position *cookie on (0: the start), "." and ".." left out: emit gets
// each with the position behind it and returns false to stop before it.
[[nodiscard]] int
arch_host_list(i64 dir, u64 *cookie,
               bool (*emit)(void *arg, const char *name, u64 ino, u32 type, u64 next), void *arg);
// Text of a symbolic link, cut at cap.
[[nodiscard]] i64 arch_host_readlink(i64 link, char *buf, usize cap);

// --- changes of names and attributes ---
// Makes a file of any type but devices (-E_PERM); a new handle. link: target of a symbolic link.
[[nodiscard]] i64 arch_host_make(i64 dir, const char *name, u32 mode, const char *link,
                                 struct host_attr *out);
[[nodiscard]] i64 arch_host_link(i64 dir, const char *name, i64 file);
[[nodiscard]] i64 arch_host_unlink(i64 dir, const char *name, bool directory);
[[nodiscard]] i64 arch_host_rename(i64 dir, const char *name, i64 to_dir, const char *to_name,
                                   u32 flags); // RENAME_* (vfs)
enum host_set {
    HOST_SET_MODE = 1,
    HOST_SET_UID = 2,
    HOST_SET_GID = 4,
    HOST_SET_ATIME = 8,
    HOST_SET_MTIME = 16
};
struct host_change {
    u32 valid; // HOST_SET_*
    u32 mode, uid, gid;
    i64 atime, mtime;
};
[[nodiscard]] i64 arch_host_change(i64 handle, const struct host_change *c);

// --- extended attributes: names in full ("user.x"), whose rules are that system's. cap 0: only the
// length; -E_RANGE: longer than cap. flags: XATTR_* (vfs) ---
[[nodiscard]] i64 arch_host_xattr_get(i64 handle, const char *name, void *buf, usize cap);
[[nodiscard]] i64 arch_host_xattr_set(i64 handle, const char *name, const void *val, usize len,
                                      u32 flags);
[[nodiscard]] i64 arch_host_xattr_list(i64 handle, char *buf, usize cap); // each with its NUL
[[nodiscard]] i64 arch_host_xattr_remove(i64 handle, const char *name);

struct host_statfs {
    u64 block_size, blocks, blocks_free, blocks_avail, files, files_free;
    u32 name_max;
};
[[nodiscard]] i64 arch_host_statfs(i64 handle, struct host_statfs *out);
