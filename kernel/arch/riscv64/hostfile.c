// This machine runs on no other system.
#include <arch/hostfile.h>
#include <kerr.h>

i64 arch_host_root(const char *path, struct host_attr *out)
{
    (void)path, (void)out;
    return -E_NODEV;
}

i64 arch_host_lookup(i64 dir, const char *name, struct host_attr *out)
{
    (void)dir, (void)name, (void)out;
    return -E_NODEV;
}

void arch_host_close(i64 handle)
{
    (void)handle;
}

i64 arch_host_read(i64 file, u64 pos, void *buf, usize n)
{
    (void)file, (void)pos, (void)buf, (void)n;
    return -E_NODEV;
}

int arch_host_list(i64 dir, u64 *cookie,
                   bool (*emit)(void *arg, const char *name, u64 ino, u32 type, u64 next),
                   void *arg)
{
    (void)dir, (void)cookie, (void)emit, (void)arg;
    return -E_NODEV;
}

i64 arch_host_readlink(i64 link, char *buf, usize cap)
{
    (void)link, (void)buf, (void)cap;
    return -E_NODEV;
}
