// What fs/vfs stands on beside harness/unit/host_obj: credentials, a clock, and a page cache that
// is a list of pages.
#pragma once
#include <host_obj/fakes.h>
#include <task/cred.h>
#include <vfs/ops.h>

extern struct cred fake_cred; // of "the current task"; all capabilities at first
extern i64 fake_clock;        // ns since 1970

// A fresh world: caches, a rootfs of type tmpfs and a view of it for everybody. Once per process.
void fake_vfs_start(void);
// Everything that the world can give back at any time (unused dentries, grace periods).
void fake_vfs_settle(void);

static inline struct pathname name_of(const char *s)
{
    return (struct pathname){s, __builtin_strlen(s)};
}
// Operations from the root, as the tests mostly need them. Zero or a negative error.
int fake_write(const char *path, const void *data, usize n);
i64 fake_read(const char *path, void *buf, usize n);
int fake_mkdir(const char *path);
int fake_symlink(const char *target, const char *path);
