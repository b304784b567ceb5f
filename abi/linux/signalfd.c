// Signals that are read: signalfd. Owns the queues on which readers and pollers sleep, shared by
// tasks through a hash; signal.c calls signalfd_wake whenever a signal becomes pending. The signals
// themselves lie in the queues of signal.c, under task->lock. Facts: signalfd(2), Linux 6.12
// fs/signalfd.c.
#include "signalfd.h"
#include "fd.h"
#include "linux.h"
#include "path.h"
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>

struct signal_queue {
    struct object obj; // first
    _Atomic u64 mask;  // which signals are read
};

enum { QUEUES = 64 };
static struct waitqueue queues[QUEUES];
static _Atomic bool used; // no signal looks at the queues before there is a reader

static struct waitqueue *queue_of(const struct task *t)
{
    return &queues[t->pid % QUEUES];
}

void signalfd_wake(struct task *t)
{
    if (LIKELY(!atomic_load_explicit(&used, memory_order_acquire)))
        return;
    struct waitqueue *q = queue_of(t);
    if (waitqueue_active(q))
        wake_all(q, POLL_IN | POLL_RDNORM);
}

// Before the first queue exists; racing callers wait for whoever is first.
static void make_ready(void)
{
    static _Atomic bool begun;
    if (atomic_load_explicit(&used, memory_order_acquire))
        return;
    if (!atomic_exchange(&begun, true)) {
        for (usize i = 0; i < QUEUES; i++)
            waitqueue_init(&queues[i]);
        atomic_store_explicit(&used, true, memory_order_release);
        return;
    }
    while (!atomic_load_explicit(&used, memory_order_acquire))
        thread_yield();
}

static u64 mask_of(const struct signal_queue *s)
{
    return atomic_load_explicit(&s->mask, memory_order_relaxed);
}

static u64 pending(const struct signal_queue *s)
{
    struct task_thread *tt = current_task_thread();
    if (!tt || tt->task->abi != &linux_abi)
        return 0;
    spin_lock(&tt->task->lock);
    u64 set = sig_pending_set(tt->task, tt) & mask_of(s);
    spin_unlock(&tt->task->lock);
    return set;
}

static i32 take(const struct signal_queue *s, struct sig_info *out)
{
    struct task_thread *tt = current_task_thread();
    if (!tt || tt->task->abi != &linux_abi)
        return 0;
    spin_lock(&tt->task->lock);
    i32 sig = sig_take(tt->task, tt, mask_of(s), out);
    spin_unlock(&tt->task->lock);
    return sig;
}

static void encode(const struct sig_info *i, struct linux_signalfd_siginfo *o)
{
    memset(o, 0, sizeof(*o));
    o->ssi_signo = (u32)i->signo;
    o->ssi_errno = i->errnum;
    o->ssi_code = i->code;
    bool from_kernel = i->code > SI_USER && i->code != SI_KERNEL;
    if (i->code == SI_TIMER) {
        o->ssi_tid = i->timer_id;
        o->ssi_overrun = i->overrun;
        o->ssi_ptr = i->value;
        o->ssi_int = (i32)i->value;
    } else if (i->code == SI_SIGIO || (from_kernel && i->signo == SIG_IO)) {
        o->ssi_band = (u32)i->band;
        o->ssi_fd = i->fd;
    } else if (from_kernel && SIG_SYNCHRONOUS & sig_bit(i->signo)) {
        o->ssi_addr = i->addr;
    } else if (from_kernel && i->signo == SIG_CHLD) {
        o->ssi_pid = i->pid;
        o->ssi_uid = i->uid;
        o->ssi_status = i->status;
        o->ssi_utime = i->utime;
        o->ssi_stime = i->stime;
    } else {
        o->ssi_pid = i->pid;
        o->ssi_uid = i->uid;
        if (i->code < SI_USER && i->code != SI_TKILL) { // sent with a value
            o->ssi_ptr = i->value;
            o->ssi_int = (i32)i->value;
        }
    }
}

// As many records as fit and are there; waits only for the first.
static i64 signal_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct signal_queue *s = (struct signal_queue *)o;
    i64 total = 0;
    if (iobuf_left(buf) < sizeof(struct linux_signalfd_siginfo))
        return -E_INVAL;
    while (iobuf_left(buf) >= sizeof(struct linux_signalfd_siginfo)) {
        struct sig_info info;
        struct linux_signalfd_siginfo rec;
        if (!take(s, &info)) {
            if (total)
                break;
            if (object_nonblock(o))
                return -E_AGAIN;
            int err = wait_event_interruptible(queue_of(current_task()), pending(s));
            if (err)
                return err;
            continue;
        }
        encode(&info, &rec);
        if (iobuf_put(buf, &rec, sizeof(rec)) != sizeof(rec))
            return total ? total : -E_FAULT;
        total += (i64)sizeof(rec);
    }
    return total;
}

// There is no position, but asking for it is no error.
static i64 signal_seek(struct object *o, i64 off, u32 whence)
{
    (void)o;
    (void)off;
    (void)whence;
    return 0;
}

static u32 signal_poll(struct object *o, struct poll_table *pt)
{
    if (!current_task())
        return 0;
    poll_wait(pt, queue_of(current_task()));
    return pending((struct signal_queue *)o) ? POLL_IN | POLL_RDNORM : 0;
}

static int signal_getattr(struct object *o, struct attr *a)
{
    (void)o;
    attr_anon(a, 0600, 1, ANON_DEV_INODE);
    return 0;
}

static void signal_free(struct object *o)
{
    kfree(o);
}
static void signal_release(struct object *o)
{
    object_free(o, signal_free);
}

static const struct object_type signal_queue_type = {
    .name = "signalfd",
    .kinds = OBJ_KIND_EVENT,
    .release = signal_release,
    .read = signal_read,
    .seek = signal_seek,
    .poll = signal_poll,
    .getattr = signal_getattr,
};

static i64 change_mask(i32 fd, u64 mask)
{
    struct href h;
    int err = href_get(&h, fd, 0);
    if (err)
        return err;
    err = path_only(&h) ? -E_BADF : h.object->type != &signal_queue_type ? -E_INVAL : 0;
    if (!err) {
        atomic_store_explicit(&((struct signal_queue *)h.object)->mask, mask, memory_order_relaxed);
        signalfd_wake(current_task());
    }
    href_put(&h);
    return err ? err : fd;
}

i64 linux_signalfd4(i32 fd, const u64 *mask, usize size, u32 flags)
{
    (void)size;
    u64 wanted = *mask & ~SIG_UNBLOCKABLE;
    if (fd != -1)
        return change_mask(fd, wanted);
    make_ready();
    struct signal_queue *s = kzalloc(sizeof(*s), ALLOC_USER);
    if (!s)
        return -E_NOMEM;
    object_init(&s->obj, &signal_queue_type, flags & LINUX_SFD_NONBLOCK ? OBJ_NONBLOCK : 0);
    atomic_init(&s->mask, wanted);
    return fd_install(&s->obj, RIGHT_READ | RIGHT_WRITE, flags & LINUX_SFD_CLOEXEC);
}
