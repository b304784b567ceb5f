// Files of the host: interrupts are off while the host works, its errors become the kernel's.
#include <arch/cpu.h>
#include <arch/hostfile.h>
#include <kerr.h>
#include <lib/string.h>
#include <machine/host.h>
#include <machine/hostcall.h>

i64 host_result(i64 r)
{
    static const u8 codes[] = {
        [1] = E_PERM,      [2] = E_NOENT,  [5] = E_IO,      [6] = E_NXIO,   [9] = E_BADF,
        [11] = E_AGAIN,    [12] = E_NOMEM, [13] = E_ACCES,  [16] = E_BUSY,  [17] = E_EXIST,
        [18] = E_XDEV,     [19] = E_NODEV, [20] = E_NOTDIR, [21] = E_ISDIR, [22] = E_INVAL,
        [23] = E_NFILE,    [24] = E_NFILE, [26] = E_TXTBSY, [27] = E_FBIG,  [28] = E_NOSPC,
        [29] = E_SPIPE,    [30] = E_ROFS,  [31] = E_MLINK,  [32] = E_PIPE,  [36] = E_NAMETOOLONG,
        [39] = E_NOTEMPTY, [40] = E_LOOP};
    if (r >= 0)
        return r;
    u64 e = (u64)-r;
    return e < sizeof(codes) && codes[e] ? -(i64)codes[e] : -E_IO;
}

i64 arch_host_root(const char *path, struct host_attr *out)
{
    return HOST(host_file_root(path, out));
}

i64 arch_host_lookup(i64 dir, const char *name, struct host_attr *out)
{
    if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return -E_INVAL;
    return HOST(host_file_lookup(dir, name, out));
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
