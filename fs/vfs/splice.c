// Moving bytes between objects inside the kernel: sendfile and copy_file_range, and splice between
// a pipe and anything else.
//
// Owns nothing, and holds no lock while it waits: what lies in a pipe is claimed, room in one
// reserved (ipc/pipe_splice.h).
#include "file_private.h"
#include <ipc/local_socket.h>
#include <ipc/pipe_splice.h>
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

// --- between a pipe and something else ---

// Bytes that nothing else belongs to.
static bool takes_part(const struct object *o)
{
    return o->type->kinds &
           (OBJ_KIND_FILE | OBJ_KIND_TTY | OBJ_KIND_SOCKET | OBJ_KIND_DEVICE | OBJ_KIND_STREAM);
}

i64 file_splice_from_pipe(struct object *in, struct object *out, u64 *out_pos, u64 n, bool nonblock,
                          splice_write *write)
{
    struct pipe_claim c;
    u64 done = 0;
    i64 r = 0;
    n = MIN(n, MOST);
    if (!takes_part(out) || out->type->no_target)
        return -E_INVAL;
    while (done < n) {
        // A target that always takes all must not keep a program alive.
        r = thread_has_event(current()) ? -E_RESTART
                                        : pipe_claim(in, &c, n - done, nonblock || done);
        if (r <= 0)
            break;
        r = write(out, &c.data, out_pos);
        pipe_claim_end(in, r > 0 ? (u64)r : 0);
        if (r <= 0)
            break;
        done += (u64)r;
    }
    return done ? (i64)done : r;
}

// Page by page, each into a page of the pipe as it lies in the file.
static i64 fill_from_pages(struct object *in, u64 *pos, u64 n, struct pipe_fill *f, u64 lead)
{
    u64 done = 0;
    i64 r = 0;
    while (done < n && f->count < f->room && !must_end()) {
        struct pipe_page *page = pipe_fill_page(f);
        if (!page) {
            r = -E_NOMEM;
            break;
        }
        struct iobuf b;
        u64 part = MIN(PAGE_SIZE - lead, n - done);
        iobuf_kernel(&b, page->data, part);
        r = object_read(in, &b, pos);
        if (r <= 0)
            break;
        page->len = (u32)r;
        done += (u64)r;
        lead = 0;
        if ((u64)r < part)
            break;
    }
    return done ? (i64)done : r;
}

// One read for all pages. A socket's never waits.
static i64 fill_at_once(struct object *in, u64 *pos, u64 n, struct pipe_fill *f)
{
    if (!takes_part(in) || in->type->no_source)
        return -E_INVAL;
    struct iobuf_seg *segs = kmalloc_array(f->room, sizeof(*segs), ALLOC_USER);
    u32 k = 0;
    i64 r;
    if (!segs)
        return -E_NOMEM;
    n = MIN(n, (u64)f->room * PAGE_SIZE);
    for (struct pipe_page *page; k * PAGE_SIZE < n && (page = pipe_fill_page(f)); k++)
        segs[k] = (struct iobuf_seg){(u64)(uintptr_t)page->data, PAGE_SIZE};
    n = MIN(n, k * PAGE_SIZE);
    struct iobuf b = {.segs = segs, .nsegs = k, .left = n, .kernel = true};
    if (!n) {
        r = -E_NOMEM;
    } else if (object_is_local_socket(in)) {
        struct socket_receive how = {.nonblock = true};
        r = local_socket_receive(in, &b, &how);
        local_socket_drop(how.carried, how.carries);
    } else {
        r = object_read(in, &b, pos);
    }
    for (u32 i = 0; r > 0 && i * PAGE_SIZE < (u64)r; i++)
        f->pages[i].len = (u32)MIN(PAGE_SIZE, (u64)r - i * PAGE_SIZE);
    kfree(segs);
    return r;
}

// Until a socket has something to read, as long as its receivers wait.
static int wait_socket(struct object *in)
{
    u64 ns = atomic_load_explicit(&local_socket_options(in)->receive_ns, memory_order_relaxed);
    struct poll_entry e = {.object = in, .events = POLL_IN | POLL_RDHUP};
    i64 r = poll_objects(&e, 1, ns ? arch_time_ns() + ns : 0);
    return r > 0 ? 0 : !r ? -E_AGAIN : r == -E_RESTART && ns ? -E_INTR : (int)r;
}

i64 file_splice_to_pipe(struct object *in, u64 *in_pos, struct object *out, u64 n, bool nonblock)
{
    struct file *file = object_file(in);
    bool pages = file && node_type(file->node) == MODE_REG;
    bool socket = object_is_local_socket(in);
    u64 lead = 0;
    n = MIN(n, MOST);
    if (pages) {
        i64 at = in_pos ? (i64)*in_pos : object_seek(in, 0, OBJ_SEEK_CUR);
        lead = at > 0 ? (u64)at & PAGE_MASK : 0;
    } else if (!in->type->seekable && !socket) {
        n = MIN(n, PAGE_SIZE); // it may wait for ever: not with all of the room
    }
    bool once =
        object_nonblock(in) || (nonblock && socket && local_socket_kind(in) == SOCKET_STREAM);
    for (;;) {
        struct pipe_fill f;
        int err = pipe_fill_begin(out, (lead + n + PAGE_SIZE - 1) / PAGE_SIZE, nonblock, &f);
        if (err)
            return err;
        i64 r = pages ? fill_from_pages(in, in_pos, n, &f, lead) : fill_at_once(in, in_pos, n, &f);
        pipe_fill_end(&f);
        if (r != -E_AGAIN || !socket || once)
            return r;
        err = wait_socket(in);
        if (err)
            return err;
    }
}
