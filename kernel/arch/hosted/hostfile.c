// Files of the host: interrupts are off while the host works, its errors become the kernel's.
#include <arch/cpu.h>
#include <arch/hostfile.h>
#include <kerr.h>
#include <lib/string.h>
#include <machine/host.h>
#include <machine/hostcall.h>
#include <stdatomic.h>

i64 host_result(i64 r)
{
    static const u8 codes[] = {
        [1] = E_PERM,   [2] = E_NOENT,        [5] = E_IO,        [7] = E_2BIG,   [34] = E_RANGE,
        [6] = E_NXIO,   [9] = E_BADF,         [11] = E_AGAIN,    [12] = E_NOMEM, [13] = E_ACCES,
        [16] = E_BUSY,  [17] = E_EXIST,       [18] = E_XDEV,     [19] = E_NODEV, [20] = E_NOTDIR,
        [21] = E_ISDIR, [22] = E_INVAL,       [23] = E_NFILE,    [24] = E_NFILE, [26] = E_TXTBSY,
        [27] = E_FBIG,  [28] = E_NOSPC,       [29] = E_SPIPE,    [30] = E_ROFS,  [31] = E_MLINK,
        [32] = E_PIPE,  [36] = E_NAMETOOLONG, [39] = E_NOTEMPTY, [40] = E_LOOP};
    if (r >= 0)
        return r;
    u64 e = (u64)-r;
    switch (e) { // those far from the others
    case 37:
        return -E_NOLCK;
    case 61:
        return -E_NODATA;
    case 75:
        return -E_OVERFLOW;
    case 95:
        return -E_OPNOTSUPP;
    case 116:
        return -E_STALE;
    case 122:
        return -E_DQUOT;
    }
    return e < sizeof(codes) && codes[e] ? -(i64)codes[e] : -E_IO;
}

i64 arch_host_root(const char *path, struct host_attr *out)
{
    return HOST(host_file_root(path, out));
}

i64 arch_host_stream(u32 n, struct host_attr *out)
{
    return HOST(host_file_stream(n, out));
}

static bool single(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

i64 arch_host_lookup(i64 dir, const char *name, struct host_attr *out)
{
    return single(name) ? HOST(host_file_lookup(dir, name, out)) : -E_INVAL;
}

i64 arch_host_attr(i64 handle, struct host_attr *out)
{
    return HOST(host_file_attr(handle, out));
}

i64 arch_host_probe(i64 dir, const char *name, struct host_attr *out)
{
    return single(name) ? HOST(host_file_probe(dir, name, out)) : -E_INVAL;
}

i64 arch_host_open(i64 file, u32 access)
{
    return HOST(host_file_open(file, access));
}

void arch_host_shut(i64 file)
{
    irqflags_t f = arch_irq_save();
    host_file_shut(file);
    arch_irq_restore(f);
}

i64 arch_host_write(i64 file, u64 pos, const void *buf, usize n)
{
    return HOST(host_file_write(file, pos, buf, n));
}

i64 arch_host_truncate(i64 file, u64 size)
{
    return HOST(host_file_truncate(file, size));
}

i64 arch_host_allocate(i64 file, u32 mode, u64 off, u64 len)
{
    return HOST(host_file_allocate(file, mode, off, len));
}

void arch_host_start(struct host_job *job)
{
    irqflags_t f = arch_irq_save();
    host_job_start(job);
    arch_irq_restore(f);
}

bool arch_host_done(const struct host_job *job, i64 *result)
{
    bool done = atomic_load_explicit(&job->done, memory_order_acquire);
    if (done)
        *result = host_result(job->result);
    return done;
}

i64 arch_host_lock(i64 file, bool whole, bool writable, const struct host_lock *l)
{
    return HOST(host_file_lock(file, whole, writable, l));
}

i64 arch_host_lock_query(i64 file, bool writable, struct host_lock *l)
{
    return HOST(host_file_lock_query(file, writable, l));
}

i64 arch_host_make(i64 dir, const char *name, u32 mode, const char *link, struct host_attr *out)
{
    return single(name) ? HOST(host_file_make(dir, name, mode, link, out)) : -E_INVAL;
}

i64 arch_host_link(i64 dir, const char *name, i64 file)
{
    return single(name) ? HOST(host_file_link(dir, name, file)) : -E_INVAL;
}

i64 arch_host_unlink(i64 dir, const char *name, bool directory)
{
    return single(name) ? HOST(host_file_unlink(dir, name, directory)) : -E_INVAL;
}

i64 arch_host_rename(i64 dir, const char *name, i64 to_dir, const char *to_name, u32 flags)
{
    return single(name) && single(to_name)
               ? HOST(host_file_rename(dir, name, to_dir, to_name, flags))
               : -E_INVAL;
}

i64 arch_host_change(i64 handle, const struct host_change *c)
{
    return HOST(host_file_change(handle, c));
}

i64 arch_host_xattr_get(i64 handle, const char *name, void *buf, usize cap)
{
    return HOST(host_file_xattr_get(handle, name, buf, cap));
}

i64 arch_host_xattr_set(i64 handle, const char *name, const void *val, usize len, u32 flags)
{
    return HOST(host_file_xattr_set(handle, name, val, len, flags));
}

i64 arch_host_xattr_list(i64 handle, char *buf, usize cap)
{
    return HOST(host_file_xattr_list(handle, buf, cap));
}

i64 arch_host_xattr_remove(i64 handle, const char *name)
{
    return HOST(host_file_xattr_remove(handle, name));
}

i64 arch_host_statfs(i64 handle, struct host_statfs *out)
{
    return HOST(host_file_statfs(handle, out));
}

void arch_host_close(i64 handle)
{
    irqflags_t f = arch_irq_save();
    host_file_close(handle);
    arch_irq_restore(f);
}

i64 arch_host_read(i64 file, u64 pos, void *buf, usize n)
{
    return HOST(host_file_read(file, pos, buf, n));
}

i64 arch_host_readlink(i64 link, char *buf, usize cap)
{
    return HOST(host_file_readlink(link, buf, cap));
}

struct entry { // struct linux_dirent64
    u64 ino;
    i64 next;
    u16 len;
    u8 type;
    char name[];
};

int arch_host_list(i64 dir, u64 *cookie,
                   bool (*emit)(void *arg, const char *name, u64 ino, u32 type, u64 next),
                   void *arg)
{
    alignas(8) u8 buf[2048];
    for (;;) {
        i64 n = HOST(host_file_list(dir, *cookie, buf, sizeof(buf)));
        if (n <= 0)
            return (int)n;
        for (i64 at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(buf + at);
            bool dots = !strcmp(e->name, ".") || !strcmp(e->name, "..");
            if (!dots && !emit(arg, e->name, e->ino, e->type, (u64)e->next))
                return 0;
            *cookie = (u64)e->next;
            at += e->len;
        }
    }
}
