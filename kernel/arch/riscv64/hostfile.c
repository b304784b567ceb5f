// This machine runs on no other system: every call says so.
#include <arch/hostfile.h>
#include <kerr.h>

#define NONE(name, ...)                                                                            \
    i64 name(__VA_ARGS__)                                                                          \
    {                                                                                              \
        return -E_NODEV;                                                                           \
    }

// Arguments are not looked at.
#pragma clang diagnostic ignored "-Wunused-parameter"

NONE(arch_host_root, const char *path, struct host_attr *out)
NONE(arch_host_stream, u32 n, struct host_attr *out)
NONE(arch_host_lookup, i64 dir, const char *name, struct host_attr *out)
NONE(arch_host_attr, i64 handle, struct host_attr *out)
NONE(arch_host_probe, i64 dir, const char *name, struct host_attr *out)
NONE(arch_host_open, i64 file, u32 access)
NONE(arch_host_read, i64 file, u64 pos, void *buf, usize n)
NONE(arch_host_write, i64 file, u64 pos, const void *buf, usize n)
NONE(arch_host_truncate, i64 file, u64 size)
NONE(arch_host_allocate, i64 file, u32 mode, u64 off, u64 len)
NONE(arch_host_lock, i64 file, bool whole, bool writable, const struct host_lock *l)
NONE(arch_host_lock_query, i64 file, bool writable, struct host_lock *l)
NONE(arch_host_readlink, i64 link, char *buf, usize cap)
NONE(arch_host_make, i64 dir, const char *name, u32 mode, const char *link, struct host_attr *out)
NONE(arch_host_link, i64 dir, const char *name, i64 file)
NONE(arch_host_unlink, i64 dir, const char *name, bool directory)
NONE(arch_host_rename, i64 dir, const char *name, i64 to_dir, const char *to_name, u32 flags)
NONE(arch_host_change, i64 handle, const struct host_change *c)
NONE(arch_host_xattr_get, i64 handle, const char *name, void *buf, usize cap)
NONE(arch_host_xattr_set, i64 handle, const char *name, const void *val, usize len, u32 flags)
NONE(arch_host_xattr_list, i64 handle, char *buf, usize cap)
NONE(arch_host_xattr_remove, i64 handle, const char *name)
NONE(arch_host_statfs, i64 handle, struct host_statfs *out)

void arch_host_close(i64 handle) {}

void arch_host_start(struct host_job *job) {}

bool arch_host_done(const struct host_job *job, i64 *result)
{
    *result = -E_NODEV;
    return true;
}

void arch_host_shut(i64 file) {}

int arch_host_list(i64 dir, u64 *cookie,
                   bool (*emit)(void *arg, const char *name, u64 ino, u32 type, u64 next),
                   void *arg)
{
    return -E_NODEV;
}
