// Regular files whose contents are in the page cache: read, write, map, seek over holes,
// preallocation. node->mutex serialises writers and changes of size; readers take no lock.
#include "file_private.h"
#include "names.h"
#include "walk.h"
#include "watch_tell.h"
#include <lib/string.h>
#include <task/task.h>

i64 file_data_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct node *n = f->node;
    if (UNLIKELY(!n->data))
        return node_is_dir(n) ? -E_ISDIR : -E_INVAL;
    i64 r = memobj_read(n->data, *pos, buf);
    if (r > 0) {
        *pos += (u64)r;
        if (!(atomic_load_explicit(&f->obj.status, memory_order_relaxed) & OBJ_NOATIME))
            path_touch_atime(f->path.mount, n);
    }
    return r;
}

static i64 over_limit(void)
{
    if (current_task())
        (void)event_post_thread(current_task_thread(), &(struct event){.kind = EVENT_FILE_LIMIT});
    return -E_FBIG;
}

int file_may_grow(struct node *n, u64 size)
{
    return size > node_size(n) && size > task_limit_soft(LIMIT_FSIZE) ? (int)over_limit() : 0;
}

i64 file_clip_write(u64 pos, u64 want)
{
    u64 limit = task_limit_soft(LIMIT_FSIZE);
    if (UNLIKELY(pos >= limit))
        return over_limit();
    if (UNLIKELY(pos >= INT64_MAX))
        return -E_FBIG;
    return (i64)MIN(MIN(want, limit - pos), INT64_MAX - pos);
}

i64 file_data_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct node *n = f->node;
    if (UNLIKELY(!n->data))
        return -E_INVAL;
    if (!iobuf_left(buf))
        return 0;
    mutex_lock(&n->mutex);
    u64 size = node_size(n);
    if (atomic_load_explicit(&f->obj.status, memory_order_relaxed) & OBJ_APPEND)
        *pos = size;
    i64 r = file_clip_write(*pos, iobuf_left(buf));
    if (r > 0) {
        u64 left = iobuf_left(buf) - (u64)r;
        iobuf_truncate(buf, (u64)r);
        node_drop_setid(n);
        r = memobj_write(n->data, *pos, buf);
        buf->left += left;
        if (r > 0) {
            *pos += (u64)r;
            if (*pos > size)
                atomic_store_explicit(&n->data->size, *pos, memory_order_release);
            node_touch(n, SET_MTIME | SET_CTIME);
        }
    }
    mutex_unlock(&n->mutex);
    return r;
}

static void map_get(void *file)
{
    object_get(&((struct file *)file)->obj);
}

static void map_put(void *file)
{
    object_put(&((struct file *)file)->obj);
}

static void map_gone(void *file)
{
    struct file *f = file;
    if (f->ops && f->ops->unmapped)
        f->ops->unmapped(f);
}

static usize map_describe(void *file, char *buf, usize cap, u64 *dev, u64 *ino)
{
    struct file *f = file;
    char *at;
    *dev = f->node->sb->dev;
    *ino = f->node->ino;
    i64 n = path_text(&f->path, NULL, PATH_TEXT_DELETED, buf, cap, &at);
    if (n < 0)
        return 0;
    memmove(buf, at, (usize)n);
    return (usize)n;
}

static int map_sync(void *file)
{
    return object_sync(&((struct file *)file)->obj, true);
}

const struct vma_ops file_vma_ops = {
    .get = map_get, .put = map_put, .gone = map_gone, .describe = map_describe, .sync = map_sync};

int file_data_map(struct file *f, struct map_request *r)
{
    if (!(f->access & FILE_READ))
        return -E_ACCES;
    if ((r->flags & VMA_SHARED) && !(f->access & FILE_WRITE)) {
        if (r->flags & VMA_WRITE)
            return -E_ACCES;
        r->flags &= ~(u32)VMA_MAYWRITE;
    }
    if (mount_flags(f->path.mount) & MOUNT_NOEXEC) {
        if (r->flags & VMA_EXEC)
            return -E_PERM;
        r->flags &= ~(u32)VMA_MAYEXEC;
    }
    if ((r->flags & VMA_SHARED) && (r->flags & VMA_WRITE))
        node_touch(f->node, SET_MTIME | SET_CTIME);
    r->object = f->node->data;
    r->file = f;
    r->ops = &file_vma_ops;
    path_touch_atime(f->path.mount, f->node);
    return 0;
}

i64 file_data_seek(struct file *f, i64 off, u32 whence, u64 pos)
{
    struct memobj *o = f->node->data;
    u64 size = node_size(f->node);
    (void)pos;
    if (off < 0 || (u64)off >= size)
        return -E_NXIO;
    u64 index = (u64)off >> PAGE_SHIFT;
    if (o->ops && (o->ops->direct || o->ops->read_in)) // backed throughout
        return whence == OBJ_SEEK_DATA ? off : (i64)size;
    rcu_read_lock();
    if (whence == OBJ_SEEK_DATA) {
        bool any = radix_next(&o->pages, &index) != NULL;
        rcu_read_unlock();
        u64 at = MAX(index << PAGE_SHIFT, (u64)off);
        return any && at < size ? (i64)at : -E_NXIO;
    }
    u64 from = index;
    while (radix_lookup(&o->pages, index))
        if ((++index & 1023) == 0) { // let others run on long files
            rcu_read_unlock();
            rcu_read_lock();
        }
    rcu_read_unlock();
    return (i64)MIN(index == from ? (u64)off : index << PAGE_SHIFT, size);
}

static int zero_part(struct memobj *o, u64 pos, u64 len)
{
    static const u8 zeros[512];
    while (len) {
        u64 n = MIN(len, (u64)sizeof(zeros));
        struct iobuf b;
        iobuf_kernel(&b, (void *)(uintptr_t)zeros, n);
        i64 r = memobj_write(o, pos, &b);
        if (r <= 0)
            return r ? (int)r : -E_NOMEM;
        pos += (u64)r;
        len -= (u64)r;
    }
    return 0;
}

// Makes [off, off+len) read as zeroes without changing the size.
static int punch(struct memobj *o, u64 off, u64 len)
{
    u64 size = atomic_load_explicit(&o->size, memory_order_relaxed);
    u64 end = MIN(off + len, ALIGN_UP(size, PAGE_SIZE));
    if (off >= end)
        return 0;
    u64 first = ALIGN_UP(off, PAGE_SIZE), last = ALIGN_DOWN(end, PAGE_SIZE);
    if (first > last)
        return zero_part(o, off, end - off);
    int r = off < first ? zero_part(o, off, first - off) : 0;
    if (!r && last < end)
        r = zero_part(o, last, end - last);
    if (!r && first < last)
        memobj_drop(o, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
    return r;
}

static int populate(struct memobj *o, u64 off, u64 end)
{
    for (u64 i = off >> PAGE_SHIFT; i < (end + PAGE_MASK) >> PAGE_SHIFT; i++) {
        struct frame *f;
        paddr_t direct;
        int r = memobj_page(o, i, MEMOBJ_CREATE | MEMOBJ_WRITE, &f, &direct);
        if (r)
            return r;
        if (f)
            frame_put(f);
        if (current_task() && task_should_die())
            return -E_INTR;
    }
    return 0;
}

// n->mutex held; arguments were checked.
static int allocate(struct node *n, u32 mode, u64 off, u64 len)
{
    if (n->ops->fallocate)
        return n->ops->fallocate(n, mode, off, len);
    int r = mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE) ? punch(n->data, off, len) : 0;
    return r || (mode & FALLOC_PUNCH_HOLE) ? r : populate(n->data, off, off + len);
}

int file_fallocate(struct file *f, u32 mode, u64 off, u64 len)
{
    struct node *n = f->node;
    u64 end;
    if (!len || (i64)off < 0 || (i64)len < 0)
        return -E_INVAL;
    if ((mode & ~(u32)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) ||
        (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) == (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE))
        return -E_OPNOTSUPP;
    if ((mode & FALLOC_PUNCH_HOLE) && !(mode & FALLOC_KEEP_SIZE))
        return -E_OPNOTSUPP;
    if (!(f->access & FILE_WRITE))
        return -E_BADF;
    if (node_is_dir(n))
        return -E_ISDIR;
    if (node_type(n) != MODE_REG)
        return -E_NODEV;
    if (__builtin_add_overflow(off, len, &end) || end > INT64_MAX)
        return -E_FBIG;
    if (!n->data && !n->ops->fallocate)
        return -E_OPNOTSUPP;
    mutex_lock(&n->mutex);
    int r = 0;
    bool grow = !(mode & FALLOC_KEEP_SIZE) && end > node_size(n);
    if (grow)
        r = file_may_grow(n, end);
    if (!r)
        r = allocate(n, mode, off, len);
    if (!r) {
        if (grow && n->data)
            atomic_store_explicit(&n->data->size, end, memory_order_release);
        node_touch(n, SET_MTIME | SET_CTIME);
    }
    mutex_unlock(&n->mutex);
    if (watched() && !r)
        watch_tell_change(f->path.dentry, n, WATCH_CONTENTS);
    return r;
}

void file_read_ahead(struct file *f, u64 off, u64 len)
{
    struct memobj *o = f->node->data;
    if (!o || !o->ops || !o->ops->read_in)
        return; // nothing, or all there already
    u64 size = node_size(f->node), end;
    if (__builtin_add_overflow(off, len, &end) || end > size)
        end = size;
    for (u64 i = off >> PAGE_SHIFT; i << PAGE_SHIFT < end && !thread_has_event(current()); i++) {
        struct frame *page;
        paddr_t direct;
        if (memobj_page(o, i, 0, &page, &direct))
            return;
        if (page)
            frame_put(page);
    }
}

i64 file_read_kernel(struct file *f, u64 pos, void *buf, usize n)
{
    usize done = 0;
    while (done < n) {
        struct iobuf b;
        iobuf_kernel(&b, (char *)buf + done, n - done);
        i64 r = object_read(&f->obj, &b, &pos);
        if (r <= 0)
            return r && !done ? r : (i64)done;
        done += (usize)r;
    }
    return (i64)done;
}
