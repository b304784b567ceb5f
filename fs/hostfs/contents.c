// Contents of live instances' files. Reads and writes go straight to the host, so that both sides
// see each other's bytes at once. Only files that are mapped have pages here (`mapped`, from the
// first mapping until the last opened file is closed); then reads come from them, writes go to
// both, and pages that are not dirty are dropped when the host's size or times show that somebody
// else wrote. What was stored through shared mappings is written back by msync, fsync, munmap,
// close, the machine's end, and flush.c's timer.
//
// Guarded by: node->mutex serialises writers and changes of size, io what is asked of the host with
// the pages' state. Copies to and from users happen without io.
#include "hostfs_private.h"
#include <device/clock.h>
#include <device/host_job.h>
#include <vm/user.h>

enum : u64 { CHUNK = 65536 };
// The host's clock for file times may stand still for so long: what is younger may change unseen.
enum : i64 { COARSE = 50'000'000 };

// --- what the host's file was like when the pages were right; io held ---

static void remember(struct hostfs_node *n, const struct host_attr *a)
{
    n->seen_mtime = a->mtime;
    n->seen_ctime = a->ctime;
    n->seen_size = a->size;
    n->seen_at = vfs_now();
}

static bool changed(const struct hostfs_node *n, const struct host_attr *a)
{
    return a->mtime != n->seen_mtime || a->ctime != n->seen_ctime || a->size != n->seen_size ||
           n->seen_at - a->mtime < COARSE;
}

static void take_size(struct hostfs_node *n, u64 size)
{
    if (size < atomic_load_explicit(&n->data.size, memory_order_relaxed))
        memobj_truncate(&n->data, size);
    else
        atomic_store_explicit(&n->data.size, size, memory_order_release);
}

// After the host did what we asked for: the pages are right.
static void took_part(struct hostfs_node *n)
{
    struct host_attr a;
    if (arch_host_attr(n->handle, &a))
        return;
    hostfs_take_attr(n, &a);
    take_size(n, a.size);
    remember(n, &a);
}

// contents: old pages are dropped if the host's file was changed, but not those that are on their
// way there.
static int refresh_locked(struct hostfs_node *n, bool contents)
{
    struct host_attr a;
    int err = (int)arch_host_attr(n->handle, &a);
    if (err)
        return err;
    hostfs_take_attr(n, &a);
    if (!n->node.data)
        return 0;
    take_size(n, a.size);
    if (contents && n->mapped && !n->storing && changed(n, &a)) {
        memobj_drop_clean(&n->data);
        remember(n, &a);
    }
    return 0;
}

static int refresh(struct hostfs_node *n, bool contents)
{
    mutex_lock(&n->io);
    int err = refresh_locked(n, contents);
    mutex_unlock(&n->io);
    return err;
}

int hostfs_live_refresh(struct hostfs_node *n)
{
    return refresh(n, false);
}

// --- pages ---

static int write_back(struct memobj *o, u64 index, struct frame *f)
{
    struct hostfs_node *n = container_of(o, struct hostfs_node, data);
    u64 pos = index << PAGE_SHIFT;
    int err = 0;
    struct host_attr a;
    mutex_lock(&n->io);
    bool others = arch_host_attr(n->handle, &a) || changed(n, &a); // found by who looks next
    u64 size = atomic_load_explicit(&o->size, memory_order_relaxed);
    for (u64 end = MIN(size, pos + PAGE_SIZE), at = pos; at < end && !err;) {
        i64 put =
            arch_host_write(n->handle, at, (const u8 *)frame_to_virt(f) + (at - pos), end - at);
        if (put > 0)
            at += (u64)put;
        else
            err = put ? (int)put : -E_IO;
    }
    if (!err && !others)
        took_part(n);
    mutex_unlock(&n->io);
    return err;
}

const struct memobj_ops hostfs_live_data_ops = {
    .read_in = hostfs_read_page, .write_back = write_back, .destroy = hostfs_data_destroy};

// Bytes that the host has go into the pages as well. io held.
static void update_pages(struct hostfs_node *n, u64 pos, const u8 *bytes, u64 len)
{
    for (u64 done = 0; done < len;) {
        u64 off = (pos + done) & PAGE_MASK, part = MIN(len - done, PAGE_SIZE - off);
        struct frame *f;
        paddr_t direct;
        // A page that is just being read in may lack them; one that cannot be had lacks nothing.
        if (!memobj_page(&n->data, (pos + done) >> PAGE_SHIFT, 0, &f, &direct) && f) {
            memcpy((u8 *)frame_to_virt(f) + off, bytes + done, part);
            frame_put(f);
        }
        done += part;
    }
}

// --- opened files ---

static int open_contents(struct hostfs_node *n, u32 access)
{
    u32 tries = 0;
    int err;
    do
        err = (int)arch_host_open(n->handle, access);
    while (hostfs_again(err, &tries));
    return err;
}

static int live_open(struct file *f)
{
    struct hostfs_node *n = hostfs_node(f->node);
    u32 access = (f->access & (FILE_READ | FILE_EXEC) ? HOST_READ : 0u) |
                 (f->access & FILE_WRITE ? HOST_WRITE : 0u);
    if (f->access & FILE_WRITE && !hostfs_of(f->node)->writable)
        return -E_ROFS;
    mutex_lock(&n->io);
    int err = open_contents(n, access);
    if (!err)
        err = refresh_locked(n, true);
    n->opens += !err;
    if (!n->opens)
        arch_host_shut(n->handle);
    mutex_unlock(&n->io);
    return err;
}

// Mappings hold their file open: with the last one closed there are none.
static void live_release(struct file *f)
{
    struct hostfs_node *n = hostfs_node(f->node);
    hostfs_store_or_say(n);
    mutex_lock(&n->io);
    if (!--n->opens) {
        hostfs_stored_del(n);
        if (n->mapped)
            memobj_drop(&n->data, 0, ~0ul);
        n->mapped = false;
        arch_host_shut(n->handle);
    }
    mutex_unlock(&n->io);
}

static i64 live_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct hostfs_node *n = hostfs_node(f->node);
    if (n->mapped) {
        i64 r = refresh(n, true);
        if (!r)
            r = memobj_read(&n->data, *pos, buf);
        *pos += r > 0 ? (u64)r : 0;
        return r;
    }
    usize cap = MIN(iobuf_left(buf), CHUNK);
    u8 *chunk = cap ? kmalloc(cap, ALLOC_USER) : NULL;
    i64 done = 0, r = cap && !chunk ? -E_NOMEM : 0;
    while (chunk && iobuf_left(buf)) {
        usize want = MIN(iobuf_left(buf), cap);
        r = hostfs_read(n, *pos, chunk, want);
        if (r <= 0)
            break;
        usize put = iobuf_put(buf, chunk, (usize)r);
        done += (i64)put;
        *pos += put;
        if (put < (usize)r)
            r = -E_FAULT;
        if (put < want)
            break;
    }
    kfree(chunk);
    return done ?: r;
}

static i64 host_write(struct hostfs_node *n, u64 pos, const u8 *bytes, usize len)
{
    i64 r = arch_host_write(n->handle, pos, bytes, len);
    if (r != -E_AGAIN)
        return r;
    struct host_job job = {.kind = HOST_JOB_WRITE,
                           .file = n->handle,
                           .pos = pos,
                           .buf = (u8 *)(uintptr_t)bytes,
                           .n = len};
    return host_job_run(&job);
}

// One piece. Returns bytes or an error; *pos advances.
static i64 write_piece(struct hostfs_node *n, const u8 *bytes, usize len, u64 *pos, bool append)
{
    mutex_lock(&n->io);
    i64 put = n->mapped ? refresh_locked(n, true) : 0;
    if (!put)
        put = host_write(n, append ? HOST_AT_END : *pos, bytes, len);
    if (put > 0) {
        struct host_attr a;
        if (append && !arch_host_attr(n->handle, &a))
            *pos = a.size - (u64)put;
        *pos += (u64)put;
        if (n->mapped) {
            took_part(n);
            update_pages(n, *pos - (u64)put, bytes, (u64)put);
        }
    }
    mutex_unlock(&n->io);
    return put;
}

static i64 live_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct hostfs_node *n = hostfs_node(f->node);
    bool append = atomic_load_explicit(&f->obj.status, memory_order_relaxed) & OBJ_APPEND;
    if (!hostfs_of(f->node)->writable)
        return -E_ROFS;
    if (!iobuf_left(buf))
        return 0;
    usize cap = MIN(iobuf_left(buf), CHUNK);
    u8 *chunk = kmalloc(cap, ALLOC_USER);
    if (!chunk)
        return -E_NOMEM;
    mutex_lock(&f->node->mutex);
    i64 done = 0, r = append ? refresh(n, false) : 0;
    if (!r) {
        if (append)
            *pos = node_size(f->node);
        r = file_clip_write(*pos, iobuf_left(buf));
    }
    for (u64 left = r > 0 ? (u64)r : 0; left;) {
        usize have = iobuf_take(buf, chunk, MIN(left, cap)), at = 0;
        for (r = have ? 0 : -E_FAULT; at < have; at += (usize)r) {
            r = write_piece(n, chunk + at, have - at, pos, append);
            if (r <= 0)
                break;
        }
        done += (i64)at;
        left -= at;
        if (r <= 0)
            break;
    }
    if (done && atomic_load_explicit(&f->obj.status, memory_order_relaxed) & OBJ_DSYNC) {
        i64 err = hostfs_sync(n, HOST_JOB_SYNC_DATA);
        if (err)
            done = err;
    }
    if (done > 0)
        (void)refresh(n, false);
    mutex_unlock(&f->node->mutex);
    kfree(chunk);
    return done ?: r;
}

static int live_map(struct file *f, struct map_request *r)
{
    struct hostfs_node *n = hostfs_node(f->node);
    int err = file_data_map(f, r);
    if (err)
        return err;
    mutex_lock(&n->io);
    if (!n->mapped) {
        n->mapped = true;
        took_part(n);
    }
    if (r->flags & VMA_SHARED && r->flags & VMA_MAYWRITE)
        hostfs_stored_add(n);
    mutex_unlock(&n->io);
    return 0;
}

// Also when a handle was closed.
static void live_unmapped(struct file *f)
{
    hostfs_store_or_say(hostfs_node(f->node));
}

static int live_sync(struct file *f, bool data_only)
{
    int err = node_is_dir(f->node) ? 0 : hostfs_store(hostfs_node(f->node));
    return err
               ?: (int)hostfs_sync(hostfs_node(f->node),
                                   data_only ? HOST_JOB_SYNC_DATA : HOST_JOB_SYNC);
}

const struct file_ops hostfs_live_file_ops = {.open = live_open,
                                              .release = live_release,
                                              .read = live_read,
                                              .write = live_write,
                                              .map = live_map,
                                              .closed = live_unmapped,
                                              .unmapped = live_unmapped,
                                              .sync = live_sync};

// --- directories: opened for listing ---

int hostfs_live_open(struct hostfs_node *n, u32 access)
{
    mutex_lock(&n->io);
    int err = open_contents(n, access);
    n->opens += !err;
    mutex_unlock(&n->io);
    return err;
}

void hostfs_live_close(struct hostfs_node *n)
{
    mutex_lock(&n->io);
    if (!--n->opens)
        arch_host_shut(n->handle);
    mutex_unlock(&n->io);
}

static int live_dir_open(struct file *f)
{
    return hostfs_live_open(hostfs_node(f->node), HOST_LIST);
}

static void live_dir_release(struct file *f)
{
    hostfs_live_close(hostfs_node(f->node));
}

const struct file_ops hostfs_live_dir_ops = {
    .open = live_dir_open, .release = live_dir_release, .sync = live_sync};

// --- size; n->mutex held ---

int hostfs_live_truncate(struct node *node, u64 size)
{
    struct hostfs_node *n = hostfs_node(node);
    if (!node->data)
        return -E_INVAL;
    if (!hostfs_of(node)->writable)
        return -E_ROFS;
    mutex_lock(&n->io);
    int err = (int)arch_host_truncate(n->handle, size);
    if (!err) {
        take_size(n, size);
        took_part(n);
    }
    if (!n->opens)
        arch_host_shut(n->handle);
    mutex_unlock(&n->io);
    return err;
}

int hostfs_live_fallocate(struct node *node, u32 mode, u64 off, u64 len)
{
    static_assert(FALLOC_KEEP_SIZE == 1 && FALLOC_PUNCH_HOLE == 2 && FALLOC_ZERO_RANGE == 16);
    struct hostfs_node *n = hostfs_node(node);
    int err = hostfs_of(node)->writable ? hostfs_store(n) : -E_ROFS;
    if (err)
        return err;
    mutex_lock(&n->io);
    err = (int)arch_host_allocate(n->handle, mode, off, len);
    if (!err && n->mapped)
        memobj_drop(&n->data, off >> PAGE_SHIFT, (off + len - 1) >> PAGE_SHIFT);
    if (!err)
        took_part(n);
    mutex_unlock(&n->io);
    return err;
}
