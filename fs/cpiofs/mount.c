// mount -t cpio FILE DIR: an archive as a read-only file system. Contents are read from the file
// when mounting.
#include "stream.h"
#include <mem/slab.h>
#include <vfs/memfs.h>
#include <vfs/ops.h>

enum { CHUNK = 64 * 1024 };

struct file_source {
    struct source s; // first
    struct file *file;
    u64 pos;
    u8 *buf;
};

static int file_fill(struct source *s)
{
    struct file_source *f = (struct file_source *)(void *)s;
    i64 n = file_read_kernel(f->file, f->pos, f->buf, CHUNK);
    if (n <= 0)
        return (int)n;
    f->pos += (u64)n;
    s->at = f->buf;
    s->left = (usize)n;
    return 1;
}

static int unpack_file(struct superblock *sb, const char *path)
{
    struct path base = BASE_CWD;
    struct object *o;
    u32 rights;
    const struct open_request q = {.access = FILE_READ};
    int r = vfs_open(&base, (struct pathname){path, strlen(path)}, &q, &o, &rights);
    if (r)
        return r;
    struct file_source f = {.s.fill = file_fill, .file = object_file(o), .buf = kmalloc(CHUNK, 0)};
    struct cpiofs_result res;
    if (!f.file)
        r = -E_INVAL;
    else if (!f.buf)
        r = -E_NOMEM;
    else
        r = cpio_unpack_source(sb, &f.s, &res);
    kfree(f.buf);
    object_put(o);
    return r;
}

static int cpio_mount(const struct filesystem_type *t, const struct fs_source *src,
                      struct superblock **out)
{
    if (!src->source || (src->data && *src->data))
        return -E_INVAL;
    struct memfs *fs = kzalloc(sizeof(*fs), 0);
    if (!fs)
        return -E_NOMEM;
    fs->root_mode = 0755;
    int r = memfs_mount(t, fs, 0x0707'01, NULL, out);
    if (r)
        return r;
    r = unpack_file(*out, src->source);
    if (r) {
        superblock_shutdown(*out);
        superblock_put(*out);
        return r;
    }
    atomic_fetch_or_explicit(&(*out)->flags, SB_RDONLY, memory_order_relaxed);
    return 0;
}

static const struct filesystem_type cpio_type = {.name = "cpio", .mount = cpio_mount};
FILESYSTEM_TYPE(cpio_type);
