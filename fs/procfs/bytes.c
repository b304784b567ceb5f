// Files that show a task's memory at their own positions: mem, environ and cmdline. The address
// space is found when the file is opened and stays (as a record; its memory may go), as on Linux.
#include "procfs.h"
#include <arch/page.h>
#include <mem/slab.h>

enum : usize { CHUNK = PAGE_SIZE };

static int bytes_open(struct file *f)
{
    struct proc_who w;
    int r = who_get(proc_node(f->node), &w);
    if (r)
        return r;
    if (proc_node(f->node)->entry->flags & PROC_LOOK)
        r = who_may_look(&w);
    if (!r)
        f->private = who_space(&w);
    who_put(&w);
    return r;
}

static void bytes_release(struct file *f)
{
    if (f->private)
        aspace_put(f->private);
}

// Copies [addr, end) of the space from the front, as far as it goes.
static i64 copy_out(struct aspace *as, u64 addr, u64 end, struct iobuf *buf)
{
    i64 done = 0;
    void *page = kmalloc(CHUNK, 0);
    if (!page)
        return -E_NOMEM;
    while (addr < end && iobuf_left(buf)) {
        usize want = MIN(MIN(end - addr, (u64)CHUNK), iobuf_left(buf));
        i64 n = aspace_read(as, addr, page, want);
        if (n <= 0) {
            done = done ? done : n;
            break;
        }
        usize put = iobuf_put(buf, page, (usize)n);
        done += (i64)put;
        addr += put;
        if (put < (usize)n) {
            done = done ? done : -E_FAULT;
            break;
        }
    }
    kfree(page);
    return done;
}

static i64 mem_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct aspace *as = f->private;
    if (!as || !iobuf_left(buf))
        return 0;
    i64 n = copy_out(as, *pos, arch_user_top(), buf);
    if (n > 0)
        *pos += (u64)n;
    return n == -E_FAULT || (!n && *pos >= arch_user_top()) ? -E_IO : n;
}

static i64 mem_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct aspace *as = f->private;
    i64 done = 0;
    if (!as || !iobuf_left(buf))
        return 0;
    void *page = kmalloc(CHUNK, 0);
    if (!page)
        return -E_NOMEM;
    while (iobuf_left(buf)) {
        usize n = iobuf_take(buf, page, MIN((u64)CHUNK, iobuf_left(buf)));
        i64 put = n ? aspace_write(as, *pos, page, n) : -E_FAULT;
        if (put <= 0) {
            done = done ? done : n ? -E_IO : -E_FAULT;
            break;
        }
        *pos += (u64)put;
        done += put;
        if ((usize)put < n)
            break;
    }
    kfree(page);
    return done;
}

static i64 mem_seek(struct file *f, i64 off, u32 whence, u64 *pos)
{
    (void)f;
    if (whence != OBJ_SEEK_SET && whence != OBJ_SEEK_CUR)
        return -E_INVAL;
    *pos = (whence == OBJ_SEEK_CUR ? *pos : 0) + (u64)off;
    return (i64)*pos;
}

const struct file_ops proc_mem_fops = {.open = bytes_open,
                                       .release = bytes_release,
                                       .read = mem_read,
                                       .write = mem_write,
                                       .seek = mem_seek};

static i64 read_range(struct aspace *as, u64 start, u64 end, struct iobuf *buf, u64 *pos)
{
    if (end <= start || *pos >= end - start)
        return 0;
    i64 n = copy_out(as, start + *pos, end, buf);
    if (n > 0)
        *pos += (u64)n;
    return n == -E_FAULT ? 0 : n;
}

static i64 environ_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct aspace *as = f->private;
    if (!as)
        return 0;
    read_lock(&as->lock);
    u64 start = as->env_start, end = as->env_end;
    read_unlock(&as->lock);
    return read_range(as, start, end, buf, pos);
}

// A program that wrote a title over its arguments leaves no NUL at their end: then the text goes on
// to the first NUL, into the environment if that follows (at most a page).
static u64 title_end(struct aspace *as, u64 start, u64 arg_end, u64 env_start, u64 env_end)
{
    char last;
    if (aspace_read(as, arg_end - 1, &last, 1) != 1 || !last)
        return arg_end;
    u64 end = env_start == arg_end && env_end >= env_start ? env_end : arg_end;
    u64 limit = MIN(end, start + PAGE_SIZE);
    char part[64];
    for (u64 at = start; at < limit; at += sizeof(part)) {
        i64 n = aspace_read(as, at, part, MIN(limit - at, sizeof(part)));
        char *nul = n > 0 ? memchr(part, 0, (usize)n) : NULL;
        if (nul)
            return at + (u64)(nul - part) + 1;
        if (n <= 0)
            return at;
    }
    return limit;
}

static i64 cmdline_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct proc_who w;
    int r = who_get(proc_node(f->node), &w);
    if (r)
        return r;
    struct aspace *as = who_space(&w);
    who_put(&w);
    if (!as)
        return 0;
    read_lock(&as->lock);
    u64 start = as->arg_start, end = as->arg_end, env = as->env_start, env_end = as->env_end;
    read_unlock(&as->lock);
    i64 n = 0;
    if (end > start)
        n = read_range(as, start, title_end(as, start, end, env, env_end), buf, pos);
    aspace_put(as);
    return n;
}

const struct file_ops proc_environ_fops = {
    .open = bytes_open, .release = bytes_release, .read = environ_read};
const struct file_ops proc_cmdline_fops = {.read = cmdline_read};
