// See fakes.h. Single-threaded.
#include "fakes.h"

#include <device/chardev.h>
#include <device/clock.h>
#include <device/random.h>
#include <ipc/local_socket.h>
#include <ipc/pipe.h>
#include <ipc/pipe_splice.h>
#include <mem/slab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sync/log.h>
#include <task/task.h>
#include <vfs/memfs.h>

static const u64 all = (1ul << (CAP_LAST + 1)) - 1;
struct cred fake_cred = {
    .refs = REFCOUNT_INIT(1), .cap_effective = all, .cap_permitted = all, .cap_bounding = all};
i64 fake_clock = 1'000'000'000'000;

// --- task, clock, chance ---
struct cred *current_cred(void)
{
    return &fake_cred;
}
bool cred_in_group(const struct cred *c, u32 gid)
{
    return c->fsgid == gid;
}
struct cred *cred_copy(const struct cred *c)
{
    struct cred *n = kmalloc(sizeof(*n), 0);
    if (n)
        *n = *c;
    return n;
}
void cred_get(struct cred *c)
{
    (void)c;
}
void cred_put(struct cred *c)
{
    (void)c;
}
void task_set_cred(struct cred *c)
{
    if (c == &fake_cred)
        return;
    fake_cred = *c;
    kfree(c);
}
u64 task_limit_soft(enum task_limit l)
{
    (void)l;
    return UINT64_MAX;
}
bool task_should_die(void)
{
    return false;
}
void task_add_exit_hook(struct task_exit_hook *h)
{
    (void)h;
}
int task_for_each(u32 from, int (*fn)(struct task *t, void *arg), void *arg)
{
    (void)from, (void)fn, (void)arg;
    return 0;
}
int event_post(struct task *t, const struct event *e)
{
    (void)t, (void)e;
    return 0;
}
int event_post_thread(struct task_thread *tt, const struct event *e)
{
    (void)tt, (void)e;
    return 0;
}
i64 clock_realtime_ns(void)
{
    return fake_clock++;
}
u64 random_u64(void)
{
    return 0x1234'5678'9abc'def1ull;
}
int chardev_open(u64 rdev, u32 access, u32 status, struct object **out)
{
    (void)rdev, (void)access, (void)status, (void)out;
    return -E_NXIO;
}
// There are no sockets, and nothing to be had from pipes.
bool object_is_local_socket(const struct object *o)
{
    (void)o;
    return false;
}
enum socket_kind local_socket_kind(struct object *o)
{
    (void)o;
    return SOCKET_STREAM;
}
struct socket_options *local_socket_options(struct object *o)
{
    static struct socket_options none;
    (void)o;
    return &none;
}
i64 local_socket_receive(struct object *o, struct iobuf *buf, struct socket_receive *how)
{
    (void)o, (void)buf, (void)how;
    return -E_OPNOTSUPP;
}
void local_socket_drop(struct carried *c, u32 n)
{
    (void)c, (void)n;
}
i64 pipe_claim(struct object *o, struct pipe_claim *c, u64 n, bool nonblock)
{
    (void)o, (void)c, (void)n, (void)nonblock;
    return -E_OPNOTSUPP;
}
void pipe_claim_end(struct object *o, u64 gone)
{
    (void)o, (void)gone;
}
int pipe_fill_begin(struct object *o, u64 pages, bool nonblock, struct pipe_fill *f)
{
    (void)o, (void)pages, (void)nonblock, (void)f;
    return -E_OPNOTSUPP;
}
struct pipe_page *pipe_fill_page(struct pipe_fill *f)
{
    (void)f;
    return NULL;
}
void pipe_fill_end(struct pipe_fill *f)
{
    (void)f;
}
int local_socket_bind(struct object *o, const struct socket_place *place, const char *name, u32 len)
{
    (void)o, (void)name, (void)len;
    if (place->put)
        place->put(place->holder);
    return -E_OPNOTSUPP;
}
int fifo_open(void **slot, u32 access, u32 status, struct object **out)
{
    (void)slot, (void)access, (void)status, (void)out;
    return -E_NXIO;
}
bool mutex_held(const struct mutex *m)
{
    return m->owner;
}
void *krealloc(void *p, usize old_size, usize new_size, u32 flags)
{
    void *n = kmalloc(new_size, flags);
    if (n && p)
        memcpy(n, p, MIN(old_size, new_size));
    if (n)
        kfree(p);
    return n;
}

// --- frames: only those of the cache below ---
struct page {
    struct frame frame; // first
    struct page *next;
    struct memobj *o;
    u64 index;
    u8 data[4096];
};
static struct page *pages;

void frame_stats(struct frame_stats *out)
{
    *out = (struct frame_stats){.total = 131072, .free = 100000};
}
void frame_add_reclaim(struct reclaim_hook *hook)
{
    (void)hook;
}
void frame_put(struct frame *f)
{
    (void)f;
}
struct frame_range frame_main; // empty: everything goes through frame_locate
paddr_t frame_locate(const struct frame *f)
{
    return (paddr_t)(uintptr_t)((const struct page *)(const void *)f)->data;
}

// --- page cache ---
void memobj_init(struct memobj *o, const struct memobj_ops *ops, u64 size)
{
    memset(o, 0, sizeof(*o));
    o->ops = ops;
    o->size = size;
    refcount_set(&o->refs, 1);
}
static void drop(struct memobj *o, u64 first, u64 last)
{
    for (struct page **p = &pages; *p;) {
        struct page *q = *p;
        if (q->o != o || q->index < first || q->index > last) {
            p = &q->next;
            continue;
        }
        *p = q->next;
        o->cached--;
        if (o->ops && o->ops->account)
            (void)o->ops->account(o, -1);
        kfree(q);
    }
}
void memobj_put(struct memobj *o)
{
    if (!refcount_dec_and_test(&o->refs))
        return;
    drop(o, 0, UINT64_MAX);
    if (o->ops && o->ops->destroy)
        o->ops->destroy(o);
}
int memobj_page(struct memobj *o, u64 index, u32 flags, struct frame **out, paddr_t *direct)
{
    *out = NULL;
    *direct = o->ops && o->ops->direct ? o->ops->direct(o, index) : 0;
    if (*direct)
        return 0;
    for (struct page *p = pages; p; p = p->next)
        if (p->o == o && p->index == index) {
            *out = &p->frame;
            return 0;
        }
    if (!(flags & (MEMOBJ_CREATE | MEMOBJ_WRITE)) && !(o->ops && o->ops->read_in))
        return 0;
    int r = o->ops && o->ops->account ? o->ops->account(o, 1) : 0;
    if (r)
        return r;
    struct page *p = kzalloc(sizeof(*p), 0);
    if (!p) {
        if (o->ops && o->ops->account)
            (void)o->ops->account(o, -1);
        return -E_NOMEM;
    }
    *p = (struct page){.next = pages, .o = o, .index = index};
    pages = p;
    o->cached++;
    if (o->ops && o->ops->read_in)
        (void)o->ops->read_in(o, index, &p->frame);
    *out = &p->frame;
    return 0;
}
static u8 *page_at(struct memobj *o, u64 index, u32 flags, int *err)
{
    struct frame *f;
    paddr_t direct;
    *err = memobj_page(o, index, flags, &f, &direct);
    return *err ? NULL : f ? frame_to_virt(f) : direct ? phys_to_virt(direct) : NULL;
}
i64 memobj_read(struct memobj *o, u64 pos, struct iobuf *buf)
{
    u64 done = 0;
    static const u8 zeros[4096];
    while (iobuf_left(buf) && pos < o->size) {
        int err;
        u64 off = pos % 4096, n = MIN(MIN(4096 - off, o->size - pos), iobuf_left(buf));
        const u8 *p = page_at(o, pos / 4096, 0, &err);
        if (err)
            return done ? (i64)done : err;
        n = iobuf_put(buf, p ? p + off : zeros, n);
        pos += n;
        done += n;
    }
    return (i64)done;
}
i64 memobj_write(struct memobj *o, u64 pos, struct iobuf *buf)
{
    u64 done = 0;
    while (iobuf_left(buf)) {
        int err;
        u64 off = pos % 4096, n = MIN(4096 - off, iobuf_left(buf));
        u8 *p = page_at(o, pos / 4096, MEMOBJ_WRITE, &err);
        if (err)
            return done ? (i64)done : err;
        n = iobuf_take(buf, p + off, n);
        pos += n;
        done += n;
    }
    return (i64)done;
}
void memobj_truncate(struct memobj *o, u64 size)
{
    int err;
    o->size = size;
    drop(o, (size + 4095) / 4096, UINT64_MAX);
    u8 *p = size % 4096 ? page_at(o, size / 4096, 0, &err) : NULL;
    if (p)
        memset(p + size % 4096, 0, 4096 - size % 4096);
}
void memobj_drop(struct memobj *o, u64 first, u64 last)
{
    drop(o, first, last);
}
int memobj_sync(struct memobj *o)
{
    (void)o;
    return 0;
}

// --- the world ---
void fake_vfs_start(void)
{
    struct view *v;
    vfs_init();
    if (vfs_mount_root("rootfs", "rootfs", NULL, &v))
        abort();
}
void fake_vfs_settle(void)
{
    dentry_shrink(NULL);
    fake_rcu();
    dentry_shrink(NULL);
    fake_rcu();
}
static int open_path(const char *path, struct open_request q, struct object **o)
{
    u32 rights;
    const struct path base = BASE_CWD;
    q.mode = 0644;
    return vfs_open(&base, name_of(path), &q, o, &rights);
}
int fake_write(const char *path, const void *data, usize n)
{
    struct object *o;
    struct iobuf b;
    int r = open_path(
        path, (struct open_request){.access = FILE_WRITE, .create = true, .truncate = true}, &o);
    if (r)
        return r;
    iobuf_kernel(&b, (void *)(uintptr_t)data, n);
    i64 w = object_write(o, &b, NULL);
    object_put(o);
    return w == (i64)n ? 0 : w < 0 ? (int)w : -E_IO;
}
i64 fake_read(const char *path, void *buf, usize n)
{
    struct object *o;
    struct iobuf b;
    int r = open_path(path, (struct open_request){.access = FILE_READ}, &o);
    if (r)
        return r;
    iobuf_kernel(&b, buf, n);
    i64 got = object_read(o, &b, NULL);
    object_put(o);
    return got;
}
int fake_mkdir(const char *path)
{
    const struct path base = BASE_CWD;
    return vfs_mkdir(&base, name_of(path), 0755);
}
int fake_symlink(const char *target, const char *path)
{
    const struct path base = BASE_CWD;
    return vfs_symlink(name_of(target), &base, name_of(path));
}
