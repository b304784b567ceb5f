// Files of the system that the machine itself runs on, where there is one: read-only, one name at a
// time. fs/hostfs makes a file system of them. A handle is a number >= 0 that stands for one file,
// whatever happens to its names; names are single components and symbolic links are never followed,
// so nothing outside the tree can be reached. Thread context; errors are negative kerr codes.
#pragma once
#include <lib/types.h>

struct host_attr {
    u64 ino, dev, rdev, size, blocks;
    u32 mode, uid, gid, nlink;
    i64 atime, mtime, ctime; // ns since 1970
};
// The directory `path` of that system. -E_NODEV: this machine runs on none.
[[nodiscard]] i64 arch_host_root(const char *path, struct host_attr *out);
// What `name` in directory dir is: a new handle. -E_INVAL: not a single component.
[[nodiscard]] i64 arch_host_lookup(i64 dir, const char *name, struct host_attr *out);
void arch_host_close(i64 handle);
// Bytes read, 0 at the end.
[[nodiscard]] i64 arch_host_read(i64 file, u64 pos, void *buf, usize n);
// Entries of a directory from position *cookie on (0: the start), "." and ".." left out: emit gets
// each with the position behind it and returns false to stop before it.
[[nodiscard]] int
arch_host_list(i64 dir, u64 *cookie,
               bool (*emit)(void *arg, const char *name, u64 ino, u32 type, u64 next), void *arg);
// Text of a symbolic link, cut at cap.
[[nodiscard]] i64 arch_host_readlink(i64 link, char *buf, usize cap);
