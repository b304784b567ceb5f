// /proc/kmsg: the kernel log as text, each record handed out once. The place is shared by all
// readers and guarded by place_lock.
#include "procfs.h"
#include <device/kmsg.h>
#include <lib/printf.h>
#include <mem/slab.h>
#include <sync/log.h>

enum : u32 { HEAD = 40, LINE = HEAD + LOG_RECORD_MAX + 1 };

static struct spinlock place_lock = SPINLOCK_INIT(&lock_class_procfs);
static u64 place; // next record

static int kmsg_open(struct file *f)
{
    (void)f;
    return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN) ? 0 : -E_PERM;
}

static bool any(void)
{
    return log_next_seq() > __atomic_load_n(&place, __ATOMIC_RELAXED);
}

// The next record as "<6>[    0.123456] text\n" behind *line; 0: there is none, or it does not fit.
static usize take(char *room, usize cap, char **line)
{
    struct log_record r;
    char head[HEAD];
    spin_lock(&place_lock);
    u64 seq = place;
    usize n = MIN(log_read(&seq, &r, room + HEAD, LOG_RECORD_MAX), (usize)LOG_RECORD_MAX);
    if (r.seq != seq) {
        spin_unlock(&place_lock);
        return 0;
    }
    usize h = kscnprintf(head, sizeof(head), "<%u>[%5llu.%06llu] ", r.level,
                         (unsigned long long)(r.time_ns / NS_PER_SEC),
                         (unsigned long long)(r.time_ns % NS_PER_SEC / 1000));
    usize all = h + n + 1;
    if (all <= cap)
        place = seq + 1;
    spin_unlock(&place_lock);
    if (all > cap)
        return 0;
    memcpy(room + HEAD - h, head, h);
    room[HEAD + n] = '\n';
    *line = room + HEAD - h;
    return all;
}

static i64 kmsg_read(struct file *f, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    if (!any() && object_nonblock(&f->obj))
        return -E_AGAIN;
    int err = wait_event_interruptible(&kmsg_wait, any());
    if (err)
        return err;
    char *room = kmalloc(LINE, 0), *line;
    if (!room)
        return -E_NOMEM;
    i64 done = 0;
    usize n;
    while ((n = take(room, (usize)iobuf_left(buf), &line))) {
        if (iobuf_put(buf, line, n) < n) {
            done = done ? done : -E_FAULT;
            break;
        }
        done += (i64)n;
    }
    kfree(room);
    return done;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
    (void)f;
    poll_wait(pt, &kmsg_wait);
    return any() ? POLL_IN | POLL_RDNORM : 0;
}

const struct file_ops proc_kmsg_fops = {.open = kmsg_open, .read = kmsg_read, .poll = kmsg_poll};
