// The handles of a task: fd/ leads to what they are open on, fdinfo/ says more about them.
//
// Names are found and listed under the directory's mutex, where no last reference may be dropped;
// so there only slots are looked at, under task->lock. References are taken where nothing is held.
#include "procfs.h"
#include <lib/printf.h>
#include <mem/slab.h>
#include <task/task_object.h>

enum : u32 { FDS_AT_ONCE = 64, FD_END = 1u << 30 };

bool proc_fd_exists(const struct proc_who *w, i32 fd)
{
    spin_lock(&w->task->lock);
    bool there = w->task->handles && handle_get_flags(w->task->handles, fd) >= 0;
    spin_unlock(&w->task->lock);
    return there;
}

u32 proc_fd_count(const struct proc_who *w)
{
    spin_lock(&w->task->lock);
    u32 n = w->task->handles ? handle_count(w->task->handles) : 0;
    spin_unlock(&w->task->lock);
    return n;
}

static bool about(const struct proc_node *dir) // is this fdinfo?
{
    return !strcmp(dir->entry->name, "fdinfo");
}

// What a node of ours is made like: not the node in it, which others use meanwhile.
static struct proc_node same_task(const struct proc_node *dir)
{
    return (struct proc_node){.entry = dir->entry,
                              .pid = dir->pid,
                              .tid = dir->tid,
                              .task_start = dir->task_start,
                              .thread_start = dir->thread_start,
                              .fd = dir->fd};
}

int proc_fd_lookup(struct proc_node *dir, const struct pathname *name, struct node **out)
{
    struct proc_who w;
    struct proc_node ids = same_task(dir);
    u32 fd;
    if (!proc_number(name, &fd) || who_get(dir, &w))
        return -E_NOENT;
    ids.fd = (i32)fd;
    const struct proc_entry *e = about(dir) ? &proc_fdinfo_file : &proc_fd_link;
    int r = proc_fd_exists(&w, ids.fd) ? proc_make(dir->node.sb, e, &ids, proc_ino(&ids, e), out)
                                       : -E_NOENT;
    who_put(&w);
    return r;
}

// Which of the slots from `from` on are in use, as bits; *below: how many before them, *total: of
// all.
static u64 used_slots(const struct proc_who *w, u32 from, u32 *total)
{
    u64 used = 0;
    *total = 0;
    spin_lock(&w->task->lock);
    struct handle_table *h = w->task->handles;
    if (h) {
        *total = handle_count(h);
        for (u32 i = 0; i < FDS_AT_ONCE; i++)
            used |= (u64)(handle_get_flags(h, (i32)(from + i)) >= 0) << i;
    }
    spin_unlock(&w->task->lock);
    return used;
}

int proc_fd_readdir(struct proc_node *dir, u64 *cookie, struct dir_sink *sink)
{
    struct proc_who w;
    if (who_get(dir, &w))
        return -E_NOENT;
    const struct proc_entry *e = about(dir) ? &proc_fdinfo_file : &proc_fd_link;
    struct proc_node ids = same_task(dir);
    u32 first = (u32)(*cookie - PROC_DYNAMIC), seen = 0, total = 1;
    bool room = true;
    for (u32 base = 0; room && seen < total && base < FD_END; base += FDS_AT_ONCE) {
        u64 used = used_slots(&w, base, &total);
        seen += (u32)__builtin_popcountll(used);
        for (; used && room; used &= used - 1) {
            u32 fd = base + (u32)__builtin_ctzll(used);
            if (fd < first)
                continue;
            char name[12];
            usize len = kscnprintf(name, sizeof(name), "%u", fd);
            ids.fd = (i32)fd;
            room = sink->emit(sink, name, len, proc_ino(&ids, e), e->mode >> 12,
                              PROC_DYNAMIC + fd + 1);
            if (room)
                *cookie = PROC_DYNAMIC + fd + 1;
        }
    }
    who_put(&w);
    return 0;
}

// The object behind a handle, counted.
static int object_of(const struct proc_who *w, struct href *h)
{
    struct handle_table *handles = task_handles_get(w->task);
    if (!handles)
        return -E_NOENT;
    int r = handle_lookup(handles, w->fd, h);
    handle_table_put(handles);
    return r ? -E_NOENT : 0;
}

static i64 fd_readlink(const struct proc_who *w, char *buf, usize cap)
{
    struct href h;
    int r = object_of(w, &h);
    if (r)
        return r;
    i64 n;
    // A path's text is built from its end, so it needs room for all of it.
    char *whole = cap < PATH_MAX_LEN ? kmalloc(PATH_MAX_LEN, 0) : buf;
    if (!whole) {
        href_put(&h);
        return -E_NOMEM;
    }
    n = object_describe(h.object, whole, PATH_MAX_LEN);
    if (whole != buf) {
        if (n > 0) {
            n = MIN(n, (i64)cap);
            memcpy(buf, whole, (usize)n);
        }
        kfree(whole);
    }
    href_put(&h);
    return n;
}

static int fd_follow(const struct proc_who *w, struct path *out)
{
    struct href h;
    int r = object_of(w, &h);
    if (r)
        return r;
    const struct path *p = h.rights & RIGHT_REOPEN ? object_path(h.object) : NULL;
    if (p) {
        *out = *p;
        path_get(out);
    } else { // no place, or rights were taken away that opening the place would give back
        r = proc_object_path(&h, out);
    }
    href_put(&h);
    return r;
}

const struct proc_entry proc_fd_link = {
    .name = "", .mode = MODE_LNK | 0700, .readlink = fd_readlink, .follow = fd_follow};

// --- fdinfo ----------------------------------------------------------------------------------

enum : u32 {
    OPEN_WRONLY = 01,
    OPEN_RDWR = 02,
    OPEN_APPEND = 02000,
    OPEN_NONBLOCK = 04000,
    OPEN_LARGEFILE = 0100000,
    OPEN_DIRECTORY = 0200000,
    OPEN_NOFOLLOW = 0400000,
    OPEN_CLOEXEC = 02000000,
    OPEN_PATH = 010000000,
};

static u32 open_flags(const struct href *h)
{
    u32 status = atomic_load_explicit(&h->object->status, memory_order_relaxed), f = 0;
    if (status & OBJ_PATH_ONLY)
        f = OPEN_PATH;
    else if (h->rights & RIGHT_WRITE)
        f = h->rights & RIGHT_READ ? OPEN_RDWR : OPEN_WRONLY;
    if (status & OBJ_AS_DIRECTORY)
        f |= OPEN_DIRECTORY;
    if (status & OBJ_AS_NOFOLLOW)
        f |= OPEN_NOFOLLOW;
    if (status & OBJ_APPEND)
        f |= OPEN_APPEND;
    if (status & OBJ_NONBLOCK)
        f |= OPEN_NONBLOCK;
    if (object_path(h->object) && !(status & OBJ_PATH_ONLY))
        f |= OPEN_LARGEFILE;
    if (h->flags & HANDLE_CLOEXEC)
        f |= OPEN_CLOEXEC;
    return f;
}

static int show_fdinfo(struct text *t, const struct proc_who *w)
{
    struct href h;
    struct attr a = {0};
    int r = object_of(w, &h);
    if (r)
        return r;
    struct file *f = object_file(h.object);
    const struct path *p = object_path(h.object);
    (void)!object_getattr(h.object, &a);
    text_printf(t, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%llu\nino:\t%llu\n",
                (unsigned long long)(f ? __atomic_load_n(&f->pos, __ATOMIC_RELAXED) : 0),
                open_flags(&h), (unsigned long long)(p ? p->mount->id : 0),
                (unsigned long long)a.ino);
    if (object_is_task(h.object)) {
        const struct task *of = task_of_object(h.object);
        i32 pid = of->reaped ? -1 : (i32)of->pid;
        text_printf(t, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
    }
    href_put(&h);
    return 0;
}

const struct proc_entry proc_fdinfo_file = {
    .name = "", .mode = MODE_REG | 0444, .flags = PROC_WORKER, .show = show_fdinfo};
