// /dev/kmsg: the kernel log record by record, and a way to write to it.
//
// Guarded by the object's spinlock: its place in the log. The log has its own lock. Format: Linux's
// Documentation/ABI/testing/dev-kmsg.
#include <device/chardev.h>
#include <device/kmsg.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/lock_order.h>
#include <sync/log.h>

struct waitqueue kmsg_wait = WAITQUEUE_INIT(kmsg_wait);

struct kmsg {
    struct object obj;    // first
    struct spinlock lock; // class object
    u64 seq;              // next record to read
};

enum : u32 { LINE_MAX = LOG_RECORD_MAX * 4 + 64 }; // every byte may be escaped

static void wake_readers(void)
{
    if (waitqueue_active(&kmsg_wait))
        wake_all(&kmsg_wait, POLL_IN | POLL_RDNORM);
}

void kmsg_init(void)
{
    log_set_wake(wake_readers);
}

// "level,seq,microseconds,-;text\n", bytes that are not printable as \xNN.
static usize format_record(char *out, usize cap, const struct log_record *r, const char *text,
                           usize len)
{
    usize n = kscnprintf(out, cap, "%u,%llu,%llu,-;", r->level, (unsigned long long)r->seq,
                         (unsigned long long)(r->time_ns / 1000));
    for (usize i = 0; i < len; i++) {
        u8 c = (u8)text[i];
        if (c < ' ' || c >= 0x7f || c == '\\')
            n += kscnprintf(out + n, cap - n, "\\x%02x", c);
        else if (n + 1 < cap)
            out[n++] = (char)c;
    }
    if (n < cap)
        out[n++] = '\n';
    return n;
}

static u64 place(struct kmsg *k)
{
    spin_lock(&k->lock);
    u64 seq = k->seq;
    spin_unlock(&k->lock);
    return seq;
}

static void set_place(struct kmsg *k, u64 seq)
{
    spin_lock(&k->lock);
    k->seq = seq;
    spin_unlock(&k->lock);
}

struct kmsg_buffers {
    char text[LOG_RECORD_MAX];
    char line[LINE_MAX];
};

static i64 read_one(struct kmsg *k, struct iobuf *buf, struct kmsg_buffers *b)
{
    u64 want = place(k), seq = want;
    struct log_record rec;
    usize len = log_read(&seq, &rec, b->text, sizeof(b->text));
    if (seq != want) { // overwritten meanwhile: said once, then reading goes on with the oldest
        set_place(k, seq);
        return -E_PIPE;
    }
    if (rec.seq != seq)
        return -E_AGAIN;
    usize n = format_record(b->line, sizeof(b->line), &rec, b->text, len);
    if (n > iobuf_left(buf))
        return -E_INVAL;
    if (iobuf_put(buf, b->line, n) < n)
        return -E_FAULT;
    set_place(k, seq + 1);
    return (i64)n;
}

static i64 kmsg_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    struct kmsg *k = (struct kmsg *)o;
    struct kmsg_buffers *b = kmalloc(sizeof(*b), ALLOC_USER);
    if (!b)
        return -E_NOMEM;
    i64 n;
    while ((n = read_one(k, buf, b)) == -E_AGAIN && !object_nonblock(o)) {
        int err = wait_event_interruptible(&kmsg_wait, log_next_seq() > place(k));
        if (err) {
            n = err;
            break;
        }
    }
    kfree(b);
    return n;
}

// "<priority>text": the lowest three bits are the level; the rest names a facility.
static i64 kmsg_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)o, (void)pos;
    u64 len = iobuf_left(buf);
    if (len > LOG_RECORD_MAX)
        return -E_INVAL;
    char *text = kmalloc(len + 1, ALLOC_USER);
    if (!text)
        return -E_NOMEM;
    if (iobuf_take(buf, text, len) < len) {
        kfree(text);
        return -E_FAULT;
    }
    text[len] = '\0';
    const char *s = text;
    u32 level = LOG_WARN | LOG_FACILITY_USER;
    if (text[0] == '<') {
        u32 v = 0;
        const char *p = text + 1;
        while (*p >= '0' && *p <= '9' && v < 1'000'000)
            v = v * 10 + (u32)(*p++ - '0');
        if (*p == '>' && p > text + 1) {
            level = v & 0xff;
            if (level <= LOG_DEBUG)
                level |= LOG_FACILITY_USER; // programs do not speak for the kernel
            s = p + 1;
        }
    }
    usize n = strlen(s);
    while (n && s[n - 1] == '\n')
        n--;
    klog((enum log_level)level, "%.*s", (int)n, s);
    kfree(text);
    return (i64)len;
}

static u32 kmsg_poll(struct object *o, struct poll_table *pt)
{
    struct kmsg *k = (struct kmsg *)o;
    poll_wait(pt, &kmsg_wait);
    u64 seq = place(k);
    u32 mask = log_next_seq() > seq ? POLL_IN | POLL_RDNORM : 0;
    return mask && log_first_seq() > seq ? mask | POLL_ERR | POLL_PRI : mask;
}

static i64 kmsg_seek(struct object *o, i64 off, u32 whence)
{
    struct kmsg *k = (struct kmsg *)o;
    if (off)
        return -E_SPIPE;
    switch (whence) {
    case OBJ_SEEK_SET:
    case OBJ_SEEK_DATA: // the last clearing is the syslog call's; nothing is cleared here
        set_place(k, log_first_seq());
        return 0;
    case OBJ_SEEK_END:
        set_place(k, log_next_seq());
        return 0;
    default:
        return -E_INVAL;
    }
}

static void kmsg_free(struct object *o)
{
    kfree(o);
}
static void kmsg_release(struct object *o)
{
    object_free(o, kmsg_free);
}

static const struct object_type kmsg_type = {
    .name = "kmsg",
    .kinds = OBJ_KIND_DEVICE,
    .no_source = true,
    .no_target = true,
    .release = kmsg_release,
    .read = kmsg_read,
    .write = kmsg_write,
    .seek = kmsg_seek,
    .poll = kmsg_poll,
};

static int kmsg_open(const struct chardev *d, u32 minor, u32 access, u32 flags, u32 status,
                     struct object **out)
{
    (void)d, (void)minor, (void)access, (void)flags;
    struct kmsg *k = kmalloc(sizeof(*k), ALLOC_USER);
    if (!k)
        return -E_NOMEM;
    object_init(&k->obj, &kmsg_type, status);
    spin_init(&k->lock, &lock_class_object);
    k->seq = log_first_seq();
    *out = &k->obj;
    return 0;
}

static const struct chardev kmsg_dev = {"kmsg", 1, 11, 1, kmsg_open};
CHARDEV(kmsg_dev);
