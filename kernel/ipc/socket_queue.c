// Queues of local sockets: packets in order, waiting for room and for something to read.
//
// Packets are made and copied outside the spinlock; the first one may be half read, which only the
// holder of `reading` looks at.
#include "socket.h"
#include <lib/string.h>
#include <mem/slab.h>

enum : u32 {
    QUEUE_BYTES = 212992,
    QUEUE_PACKETS = 1024,
    STREAM_PIECE = 4096 - sizeof(struct packet)
};

struct socket_queue *socket_queue_create(void)
{
    struct socket_queue *q = kzalloc(sizeof(*q), ALLOC_USER);
    if (!q)
        return NULL;
    refcount_set(&q->refs, 1);
    mutex_init(&q->reading, &lock_class_pipe_sleep);
    spin_init(&q->lock, &lock_class_object);
    waitqueue_init(&q->wait);
    list_init(&q->packets);
    return q;
}

void socket_queue_get(struct socket_queue *q)
{
    refcount_inc(&q->refs);
}

void socket_name_put(struct socket_name *n)
{
    if (n && refcount_dec_and_test(&n->refs))
        kfree(n);
}

static void packet_free(struct packet *p)
{
    socket_name_put(p->from);
    kfree(p);
}

static void drop_packets(struct list *packets)
{
    struct packet *p, *tmp;
    list_for_each_entry_safe (p, tmp, packets, link)
        packet_free(p);
}

void socket_queue_put(struct socket_queue *q)
{
    if (!q || !refcount_dec_and_test(&q->refs))
        return;
    drop_packets(&q->packets);
    kfree(q);
}

void socket_queue_close_read(struct socket_queue *q)
{
    struct list gone = LIST_INIT(gone);
    mutex_lock(&q->reading);
    spin_lock(&q->lock);
    q->no_reader = true;
    while (!list_empty(&q->packets)) {
        struct list *first = q->packets.next;
        list_del(first);
        list_add_tail(&gone, first);
    }
    q->count = q->bytes = 0;
    spin_unlock(&q->lock);
    mutex_unlock(&q->reading);
    drop_packets(&gone);
    wake_all(&q->wait, 0);
}

void socket_queue_close_write(struct socket_queue *q)
{
    spin_lock(&q->lock);
    q->no_writer = true;
    spin_unlock(&q->lock);
    wake_all(&q->wait, 0);
}

bool socket_queue_has_room(const struct socket_queue *q, u32 n)
{
    return q->count == 0 || (q->count < QUEUE_PACKETS && q->bytes + n <= QUEUE_BYTES);
}

// --- writing ---
// 1 queued, 0 no room, -E_PIPE.
static int try_put(struct socket_queue *q, struct packet *p)
{
    int r = 0;
    spin_lock(&q->lock);
    if (q->no_reader || q->no_writer) {
        r = -E_PIPE;
    } else if (socket_queue_has_room(q, p->len)) {
        list_add_tail(&q->packets, &p->link);
        q->count++;
        q->bytes += p->len;
        r = 1;
    }
    spin_unlock(&q->lock);
    return r;
}

static int put(struct socket_queue *q, struct packet *p, bool nonblock)
{
    for (;;) {
        int r = try_put(q, p);
        if (r > 0) {
            wake_all(&q->wait, POLL_IN | POLL_RDNORM);
            return 0;
        }
        if (r < 0)
            return r;
        if (nonblock)
            return -E_AGAIN;
        int err = wait_event_interruptible(&q->wait, q->no_reader || q->no_writer ||
                                                         socket_queue_has_room(q, p->len));
        if (err)
            return err;
    }
}

static int packet_make(struct iobuf *buf, u32 n, const struct packet_how *how, struct packet **out)
{
    struct packet *p = kmalloc(sizeof(*p) + n, ALLOC_USER);
    if (!p)
        return -E_NOMEM;
    list_init(&p->link);
    p->len = n;
    p->at = 0;
    p->sender = how->sender;
    p->from = NULL;
    if (iobuf_take(buf, p->data, n) != n) {
        kfree(p);
        return -E_FAULT;
    }
    if (how->from)
        refcount_inc(&how->from->refs);
    p->from = how->from;
    *out = p;
    return 0;
}

i64 socket_queue_write(struct socket_queue *q, struct iobuf *buf, const struct packet_how *how)
{
    i64 done = 0;
    if (!how->stream && iobuf_left(buf) > SOCKET_PACKET_MAX)
        return -E_MSGSIZE;
    if (how->stream && !iobuf_left(buf))
        return q->no_reader || q->no_writer ? -E_PIPE : 0;
    do {
        struct packet *p;
        u32 n = (u32)(how->stream ? MIN(iobuf_left(buf), (u64)STREAM_PIECE) : iobuf_left(buf));
        int err = packet_make(buf, n, how, &p);
        if (!err) {
            err = put(q, p, how->nonblock);
            if (err)
                packet_free(p);
        }
        if (err)
            return done ? done : err;
        done += n;
    } while (iobuf_left(buf));
    return done;
}

// --- reading ---
// The first packet, or NULL; `reading` held.
static struct packet *first_packet(struct socket_queue *q)
{
    spin_lock(&q->lock);
    struct packet *p =
        list_empty(&q->packets) ? NULL : list_entry(q->packets.next, struct packet, link);
    spin_unlock(&q->lock);
    return p;
}

static void took(struct socket_queue *q, struct packet *p, u32 n)
{
    spin_lock(&q->lock);
    q->bytes -= n;
    if (p->at == p->len) {
        list_del(&p->link);
        q->count--;
    }
    spin_unlock(&q->lock);
    if (p->at == p->len)
        packet_free(p);
}

static i64 read_stream(struct socket_queue *q, struct iobuf *buf)
{
    i64 done = 0;
    struct packet *p;
    while (iobuf_left(buf) && (p = first_packet(q))) {
        u32 n = (u32)MIN((u64)(p->len - p->at), iobuf_left(buf));
        u32 got = (u32)iobuf_put(buf, p->data + p->at, n);
        p->at += got;
        done += got;
        took(q, p, got);
        if (got != n)
            return done ? done : -E_FAULT;
    }
    return done;
}

static void describe_source(const struct packet *p, struct socket_source *from)
{
    from->size = p->len;
    from->sender = p->sender;
    strlcpy(from->name, p->from ? p->from->text : "", sizeof(from->name));
}

static i64 read_packet(struct socket_queue *q, struct iobuf *buf, struct socket_source *from,
                       bool *none)
{
    struct packet *p = first_packet(q);
    *none = !p;
    if (!p)
        return 0;
    u32 n = (u32)MIN((u64)p->len, iobuf_left(buf));
    if (iobuf_put(buf, p->data, n) != n)
        return -E_FAULT; // it stays
    if (from)
        describe_source(p, from);
    p->at = p->len;
    took(q, p, p->len);
    return n;
}

i64 socket_queue_read(struct socket_queue *q, struct iobuf *buf, bool stream, bool nonblock,
                      struct socket_source *from)
{
    if (stream && !iobuf_left(buf))
        return 0;
    for (;;) {
        bool none;
        mutex_lock(&q->reading);
        i64 n = stream ? read_stream(q, buf) : read_packet(q, buf, from, &none);
        if (stream)
            none = n == 0;
        mutex_unlock(&q->reading);
        if (n > 0 || !none) {
            wake_all(&q->wait, POLL_OUT | POLL_WRNORM);
            return n;
        }
        if (n < 0)
            return n;
        if (q->no_writer || q->no_reader) {
            if (q->count) // came in just before the end
                continue;
            return 0;
        }
        if (nonblock)
            return -E_AGAIN;
        int err = wait_event_interruptible(&q->wait, q->count || q->no_writer || q->no_reader);
        if (err)
            return err;
    }
}
