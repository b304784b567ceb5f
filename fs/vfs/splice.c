// Moving bytes between objects inside the kernel: sendfile and copy_file_range.
#include "file_private.h"
#include <mem/slab.h>
#include <task/task.h>

enum : u64 { MOST = 0x7ffff000 }; // what one call moves, as Linux (MAX_RW_COUNT)

// Sources without an end and targets that take little must not keep a killed program alive.
static bool must_end(void)
{
    return current_task() && task_should_die();
}

// From the page cache straight to the target, page by page.
static i64 splice_pages(struct file *in, u64 *pos, struct object *out, u64 *out_pos, u64 n)
{
    struct memobj *o = in->node->data;
    u64 done = 0;
    while (done < n) {
        u64 size = node_size(in->node);
        if (*pos >= size)
            break;
        u64 off = *pos & PAGE_MASK, part = MIN(MIN(PAGE_SIZE - off, size - *pos), n - done);
        struct frame *f;
        paddr_t direct;
        static const u8 zero_page[PAGE_SIZE];
        int err = memobj_page(o, *pos >> PAGE_SHIFT, 0, &f, &direct);
        if (err)
            return done ? (i64)done : err;
        const u8 *data = f ? frame_to_virt(f) : direct ? phys_to_virt(direct) : zero_page;
        struct iobuf b;
        iobuf_kernel(&b, (void *)(uintptr_t)(data + off), part);
        i64 w = object_write(out, &b, out_pos);
        if (f)
            frame_put(f);
        if (w <= 0)
            return done ? (i64)done : w;
        *pos += (u64)w;
        done += (u64)w;
        if ((u64)w < part || must_end())
            break;
    }
    return (i64)done;
}

// Through a buffer, for sources without pages. What was read and could not be written is given back
// by position where there is one.
static i64 splice_buffer(struct object *in, u64 *in_pos, struct object *out, u64 *out_pos, u64 n)
{
    enum { CHUNK = 16384 };
    char *buf = kmalloc(CHUNK, 0);
    u64 done = 0;
    i64 err = 0;
    if (!buf)
        return -E_NOMEM;
    while (done < n && !err && !must_end()) {
        struct iobuf b;
        u64 asked = MIN(n - done, (u64)CHUNK);
        iobuf_kernel(&b, buf, asked);
        i64 r = object_read(in, &b, in_pos);
        if (r <= 0) {
            err = r;
            break;
        }
        // What a terminal or a pipe has now: the next read might wait, or take the end of input
        // that the caller must see.
        bool all = (u64)r < asked && !in->type->seekable;
        i64 put = 0;
        while (put < r) {
            iobuf_kernel(&b, buf + put, (usize)(r - put));
            i64 w = object_write(out, &b, out_pos);
            if (w <= 0) {
                err = w ? w : -E_IO;
                break;
            }
            put += w;
            if (must_end())
                break;
        }
        done += (u64)put;
        if (put < r) {
            if (in_pos)
                *in_pos -= (u64)(r - put);
            else
                (void)object_seek(in, put - r, OBJ_SEEK_CUR);
        }
        if (all)
            break;
    }
    kfree(buf);
    return done ? (i64)done : err;
}

i64 file_splice(struct object *in, u64 *in_pos, struct object *out, u64 *out_pos, u64 n)
{
    struct file *f = object_file(in);
    n = MIN(n, MOST);
    if (!f || f->ops || !f->node->data)
        return splice_buffer(in, in_pos, out, out_pos, n);
    if (in_pos)
        return splice_pages(f, in_pos, out, out_pos, n);
    mutex_lock(&f->pos_lock);
    u64 pos = f->pos;
    mutex_unlock(&f->pos_lock);
    // Not held while writing: the target may be the same file. Two calls at once move the same
    // bytes, as they may on Linux.
    i64 r = splice_pages(f, &pos, out, out_pos, n);
    mutex_lock(&f->pos_lock);
    f->pos = pos;
    mutex_unlock(&f->pos_lock);
    return r;
}

i64 file_copy_range(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, u64 n)
{
    if (node_is_dir(in->node) || node_is_dir(out->node))
        return -E_ISDIR;
    if (node_type(in->node) != MODE_REG || node_type(out->node) != MODE_REG)
        return -E_INVAL;
    if (!(in->access & FILE_READ) || !(out->access & FILE_WRITE) ||
        (atomic_load_explicit(&out->obj.status, memory_order_relaxed) & OBJ_APPEND))
        return -E_BADF;
    u64 from = in_pos ? *in_pos : in->pos, to = out_pos ? *out_pos : out->pos, end;
    if (__builtin_add_overflow(from, n, &end) || __builtin_add_overflow(to, n, &end) ||
        end > INT64_MAX)
        return -E_OVERFLOW;
    if (in->node->sb != out->node->sb && (in->ops || out->ops))
        return -E_XDEV;
    n = MIN(n, MOST);
    u64 size = node_size(in->node);
    n = from >= size ? 0 : MIN(n, size - from);
    if (in->node == out->node && to + n > from && to < from + n)
        return -E_INVAL;
    if (!n)
        return 0;
    return file_splice(&in->obj, in_pos, &out->obj, out_pos, n);
}
