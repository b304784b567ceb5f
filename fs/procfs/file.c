// Reading texts and writing values.
//
// A text is made when the file is read at its beginning and stays for the reads that follow, so
// that offsets keep their meaning; the next read at the beginning makes a fresh one. Texts are
// counted and immutable: `lock` guards only which one an open file has.
#include "procfs.h"
#include <arch/page.h>
#include <mem/slab.h>

struct kept_text {
    refcount_t refs;
    struct text text;
};
struct opened_text {      // file->private
    struct spinlock lock; // class procfs
    struct kept_text *kept;
    struct mount_ns *watched; // counted; files about mounts: what poll looks at
    _Atomic u64 seen;         // its changes when the text was made
};

static void kept_put(struct kept_text *k)
{
    if (!k || !refcount_dec_and_test(&k->refs))
        return;
    text_free(&k->text);
    kfree(k);
}

static bool about_mounts(const struct proc_entry *e)
{
    return e->show == show_mounts || e->show == show_mountinfo || e->show == show_mountstats;
}

static int text_open(struct file *f)
{
    struct proc_node *n = proc_node(f->node);
    struct proc_who w;
    int r = who_get(n, &w);
    if (r)
        return r;
    if (n->entry->flags & PROC_LOOK)
        r = who_may_look(&w);
    if (n->entry->flags & PROC_ADMIN && !capable(CAP_SYS_ADMIN))
        r = -E_PERM;
    struct opened_text *o = r ? NULL : kzalloc(sizeof(*o), 0);
    if (!r && !o)
        r = -E_NOMEM;
    if (!r) {
        spin_init(&o->lock, &lock_class_procfs);
        if (about_mounts(n->entry)) {
            spin_lock(&w.task->lock);
            if (w.task->view) {
                o->watched = w.task->view->ns;
                mount_ns_get(o->watched);
            }
            spin_unlock(&w.task->lock);
            if (o->watched)
                atomic_init(&o->seen, atomic_load(&o->watched->changes));
            else
                r = -E_INVAL;
        }
        if (r)
            kfree(o);
        else
            f->private = o;
    }
    who_put(&w);
    return r;
}

static void text_release(struct file *f)
{
    struct opened_text *o = f->private;
    kept_put(o->kept);
    mount_ns_put(o->watched);
    kfree(o);
}

// --- making ----------------------------------------------------------------------------------

static int make_text(struct proc_node *n, struct text *t)
{
    struct proc_who w;
    int r = who_get(n, &w);
    if (r)
        return r;
    r = n->entry->show(t, &w);
    if (!r && t->failed)
        r = -E_NOMEM;
    who_put(&w);
    return r;
}

struct made_elsewhere {
    struct work work;
    struct waitqueue done_wait;
    _Atomic bool done;
    struct proc_node *node;
    struct text *text;
    int result;
};

static void make_in_worker(struct work *work)
{
    struct made_elsewhere *m = container_of(work, struct made_elsewhere, work);
    m->result = make_text(m->node, m->text);
    irqflags_t f = spin_lock_irqsave(&m->done_wait.lock);
    atomic_store(&m->done, true);
    wake_all_locked(&m->done_wait, 0);
    spin_unlock_irqrestore(&m->done_wait.lock, f);
}

// The reader holds its file's position, which some locks must not be taken under; a worker holds
// nothing. No text ever waits for a file's position, so waiting for it cannot end in a circle.
static int make_elsewhere(struct proc_node *n, struct text *t)
{
    struct made_elsewhere m = {.node = n, .text = t};
    waitqueue_init(&m.done_wait);
    work_init(&m.work, make_in_worker);
    work_queue(&m.work);
    wait_event(&m.done_wait, atomic_load(&m.done));
    // The worker may still be inside the queue's lock.
    irqflags_t f = spin_lock_irqsave(&m.done_wait.lock);
    spin_unlock_irqrestore(&m.done_wait.lock, f);
    return m.result;
}

static int make_kept(struct file *f, struct kept_text **out)
{
    struct proc_node *n = proc_node(f->node);
    struct opened_text *o = f->private;
    struct kept_text *k = kzalloc(sizeof(*k), 0);
    if (!k)
        return -E_NOMEM;
    refcount_set(&k->refs, 2); // the file's and the caller's
    if (o->watched)
        atomic_store(&o->seen, atomic_load(&o->watched->changes));
    int r = n->entry->flags & PROC_WORKER ? make_elsewhere(n, &k->text) : make_text(n, &k->text);
    if (r) {
        text_free(&k->text);
        kfree(k);
        return r;
    }
    spin_lock(&o->lock);
    struct kept_text *old = o->kept;
    o->kept = k;
    spin_unlock(&o->lock);
    kept_put(old);
    *out = k;
    return 0;
}

static i64 text_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct opened_text *o = f->private;
    struct kept_text *k = NULL;
    if (!proc_node(f->node)->entry->show)
        return -E_INVAL;
    if (*pos) {
        spin_lock(&o->lock);
        k = o->kept;
        if (k)
            refcount_inc(&k->refs);
        spin_unlock(&o->lock);
    }
    int r = k ? 0 : make_kept(f, &k);
    if (r)
        return r;
    i64 n = 0;
    usize left = *pos < k->text.len ? k->text.len - (usize)*pos : 0;
    usize want = MIN(left, (usize)iobuf_left(buf));
    if (want) {
        n = (i64)iobuf_put(buf, k->text.buf + *pos, want);
        *pos += (u64)n;
        if (!n)
            n = -E_FAULT;
    }
    kept_put(k);
    return n;
}

static i64 text_write(struct file *f, struct iobuf *buf, u64 *pos)
{
    struct proc_node *n = proc_node(f->node);
    struct proc_who w;
    u64 len = iobuf_left(buf);
    if (!n->entry->write)
        return n->pid ? -E_INVAL : -E_IO;
    if (len >= PAGE_SIZE)
        return -E_INVAL;
    char *s = kmalloc(len + 1, 0);
    if (!s)
        return -E_NOMEM;
    i64 r = iobuf_take(buf, s, len) == len ? who_get(n, &w) : -E_FAULT;
    if (!r) {
        s[len] = '\0';
        r = n->entry->write(&w, s, len);
        who_put(&w);
    }
    kfree(s);
    if (r < 0)
        return r;
    *pos += len;
    return (i64)len;
}

static i64 text_seek(struct file *f, i64 off, u32 whence, u64 *pos)
{
    (void)f;
    i64 to = off;
    if (whence == OBJ_SEEK_CUR && __builtin_add_overflow((i64)*pos, off, &to))
        return -E_OVERFLOW;
    if ((whence != OBJ_SEEK_SET && whence != OBJ_SEEK_CUR) || to < 0)
        return -E_INVAL;
    *pos = (u64)to;
    return to;
}

// Files about mounts say when the mounts changed (proc_pid_mounts(5)).
static u32 text_poll(struct file *f, struct poll_table *pt)
{
    struct opened_text *o = f->private;
    u32 ready = POLL_IN | POLL_RDNORM;
    if (o->watched) {
        poll_wait(pt, &o->watched->changed);
        u64 now = atomic_load(&o->watched->changes);
        if (atomic_exchange(&o->seen, now) != now)
            ready |= POLL_ERR | POLL_PRI;
        return ready;
    }
    return ready | POLL_OUT | POLL_WRNORM;
}

const struct file_ops proc_text_fops = {.open = text_open,
                                        .release = text_release,
                                        .read = text_read,
                                        .write = text_write,
                                        .seek = text_seek,
                                        .poll = text_poll};
