// Queues of local sockets: packets in order, waiting for room and for something to read.
//
// Packets are made and copied outside the spinlock; the first ones may be half read, which only the
// holder of `reading` looks at. Only it takes packets out.
#include "socket.h"
#include <lib/string.h>
#include <mem/slab.h>

enum : u32 { QUEUE_PACKETS = 1024, STREAM_PIECE = 4096 - sizeof(struct packet) };

struct socket_queue *socket_queue_create(void)
{
    struct socket_queue *q = kzalloc(sizeof(*q), ALLOC_USER);
    if (!q)
        return NULL;
    refcount_set(&q->refs, 1);
    mutex_init(&q->reading, &lock_class_pipe_sleep);
    spin_init(&q->lock, &lock_class_object);
    waitqueue_init(&q->readers);
    waitqueue_init(&q->writers);
    waitqueue_init(&q->room);
    list_init(&q->packets);
    list_init(&q->senders);
    return q;
}

void socket_queue_get(struct socket_queue *q)
{
    refcount_inc(&q->refs);
}

void local_socket_drop(struct carried *c, u32 n)
{
    if (c)
        carried_put(c, n);
    kfree(c);
}

static void packet_free(struct packet *p)
{
    if (p->carried) {
        carried_land(p->carried, p->carries);
        socket_uncharge(p->payer, p->carries);
    }
    local_socket_drop(p->carried, p->carries);
    socket_queue_put(p->from);
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
    socket_name_put(q->name);
    kfree(q);
}

static void wake_senders(struct socket_queue *q, u64 key)
{
    struct local_socket *s;
    spin_lock(&q->lock);
    list_for_each_entry (s, &q->senders, sending)
        wake_all(&s->in->room, key);
    spin_unlock(&q->lock);
}

void socket_queue_wake(struct socket_queue *q)
{
    wake_all(&q->readers, 0);
    wake_all(&q->writers, 0);
    wake_all(&q->room, 0);
    wake_senders(q, 0);
}

// Something was taken out. Whoever notes that room is wanted looks once more behind that.
static void made_room(struct socket_queue *q)
{
    wake_all(&q->writers, POLL_OUT | POLL_WRNORM);
    if (q->room_wanted && atomic_exchange(&q->room_wanted, false))
        wake_senders(q, POLL_OUT | POLL_WRNORM);
}

bool socket_queue_poll_room(struct socket_queue *q, u32 limit)
{
    if (socket_queue_has_room(q, limit))
        return true;
    q->room_wanted = true;
    return socket_queue_has_room(q, limit);
}

static void take_packets(struct socket_queue *q, struct list *to)
{
    while (!list_empty(&q->packets)) {
        struct list *first = q->packets.next;
        list_del(first);
        list_add_tail(to, first);
    }
    q->count = q->bytes = 0;
}

void socket_queue_close_read(struct socket_queue *q, bool gone)
{
    struct list dropped = LIST_INIT(dropped);
    mutex_lock(&q->reading);
    spin_lock(&q->lock);
    q->no_reader = true;
    if (gone) {
        q->gone = true;
        take_packets(q, &dropped);
    }
    spin_unlock(&q->lock);
    mutex_unlock(&q->reading);
    drop_packets(&dropped);
    socket_queue_wake(q);
}

bool socket_queue_empty(struct socket_queue *q)
{
    struct list dropped = LIST_INIT(dropped);
    mutex_lock(&q->reading);
    spin_lock(&q->lock);
    take_packets(q, &dropped);
    spin_unlock(&q->lock);
    mutex_unlock(&q->reading);
    bool some = !list_empty(&dropped);
    drop_packets(&dropped);
    made_room(q);
    return some;
}

void socket_queue_close_write(struct socket_queue *q)
{
    spin_lock(&q->lock);
    q->no_writer = true;
    spin_unlock(&q->lock);
    socket_queue_wake(q);
}

// How much is to come does not matter: otherwise a small packet overtakes a large one that waits.
bool socket_queue_has_room(const struct socket_queue *q, u32 limit)
{
    return q->count == 0 || (q->count < QUEUE_PACKETS && q->bytes < limit);
}

bool socket_queue_note(struct socket_queue *q, struct carry_walk *w)
{
    struct packet *p;
    bool room = true;
    spin_lock(&q->lock);
    list_for_each_entry (p, &q->packets, link) {
        room = carry_note_all(w, p->carried, p->carries);
        if (!room)
            break;
    }
    spin_unlock(&q->lock);
    return room;
}

u32 socket_queue_next(struct socket_queue *q)
{
    spin_lock(&q->lock);
    u32 n = list_empty(&q->packets) ? 0 : list_entry(q->packets.next, struct packet, link)->len;
    spin_unlock(&q->lock);
    return n;
}

u64 socket_deadline(const _Atomic u64 *ns)
{
    u64 wait = atomic_load_explicit(ns, memory_order_relaxed), now = arch_time_ns();
    return !wait ? WAIT_FOREVER : wait > UINT64_MAX - now ? UINT64_MAX : now + wait;
}

int socket_wait_result(int err, u64 deadline)
{
    return err == -E_TIMEDOUT ? -E_AGAIN : err == -E_RESTART && deadline ? -E_INTR : err;
}

// --- writing ---
// 1 queued, 0 no room, -E_PIPE.
static int try_put(struct socket_queue *q, struct packet *p, u32 limit)
{
    int r = 0;
    spin_lock(&q->lock);
    if (q->no_reader || q->no_writer) {
        r = -E_PIPE;
    } else if (socket_queue_has_room(q, limit)) {
        list_add_tail(&q->packets, &p->link);
        q->count++;
        q->bytes += p->len;
        r = 1;
    } else {
        q->room_wanted = true; // who found none may wait for an edge
    }
    spin_unlock(&q->lock);
    return r;
}

// The same, of handles whose objects hold handles in queues, too.
static int try_put_carriers(struct socket_queue *q, struct packet *p, u32 limit)
{
    struct carried *c = p->carried; // p belongs to the reader once it is queued
    u32 n = p->carries;
    carry_lock();
    carried_launch(c, n);
    int r = try_put(q, p, limit);
    if (r <= 0)
        carried_land(c, n);
    carry_unlock();
    return r;
}

static int put(struct socket_queue *q, struct packet *p, const struct packet_how *how)
{
    bool carriers = carried_has_carriers(p->carried, p->carries);
    for (;;) {
        if (*how->shut & SOCKET_SHUT_WRITE)
            return -E_PIPE;
        int r = carriers ? try_put_carriers(q, p, how->limit) : try_put(q, p, how->limit);
        if (r > 0) {
            wake_all(&q->readers, POLL_IN | POLL_RDNORM);
            return 0;
        }
        if (r < 0)
            return r;
        if (how->nonblock)
            return -E_AGAIN;
        int err =
            wait_event_deadline(&q->writers,
                                q->no_reader || q->no_writer || *how->shut & SOCKET_SHUT_WRITE ||
                                    socket_queue_has_room(q, how->limit),
                                how->deadline);
        if (err)
            return socket_wait_result(err, how->deadline);
        if (!how->datagrams && atomic_exchange(&how->from->reset, false))
            return -E_CONNRESET; // the peer went while its queue was full: it had not read all
    }
}

static int packet_make(struct iobuf *buf, u32 n, const struct packet_how *how, struct packet **out)
{
    struct packet *p = kmalloc(sizeof(*p) + n, ALLOC_USER);
    if (!p)
        return -E_NOMEM;
    list_init(&p->link);
    p->len = n;
    p->at = p->carries = 0;
    p->carried = NULL;
    p->sender = how->send->sender;
    p->asked = how->asked || how->send->says;
    if (iobuf_take(buf, p->data, n) != n) {
        kfree(p);
        return -E_FAULT;
    }
    socket_queue_get(how->from);
    p->from = how->from;
    *out = p;
    return 0;
}

static int write_packet(struct socket_queue *q, struct iobuf *buf, u32 n,
                        const struct packet_how *how)
{
    struct packet *p;
    struct socket_send *send = how->send;
    int err = packet_make(buf, n, how, &p);
    if (err)
        return err;
    struct carried *carried = send->carried;
    if (carried)
        err = socket_charge(send->payer, send->carries, send->carry_limit);
    if (!err && carried) {
        p->carried = carried;
        p->carries = send->carries;
        p->payer = send->payer;
    }
    if (!err)
        err = put(q, p, how);
    if (!err) {
        send->carried = NULL;
        return 0;
    }
    if (p->carried) {
        socket_uncharge(p->payer, p->carries);
        p->carried = NULL;
    }
    packet_free(p);
    return err;
}

i64 socket_queue_write(struct socket_queue *q, struct iobuf *buf, const struct packet_how *how)
{
    i64 done = 0;
    if (!how->stream && iobuf_left(buf) > SOCKET_PACKET_MAX)
        return -E_MSGSIZE;
    if (how->stream && !iobuf_left(buf))
        return q->no_reader || q->no_writer ? -E_PIPE : 0;
    do {
        u32 n = (u32)(how->stream ? MIN(iobuf_left(buf), (u64)STREAM_PIECE) : iobuf_left(buf));
        int err = write_packet(q, buf, n, how);
        if (err)
            return done ? done : err;
        done += n;
    } while (iobuf_left(buf));
    return done;
}

// --- reading; `reading` is held ---
// The one behind p (NULL: the first), or NULL.
static struct packet *next_packet(struct socket_queue *q, const struct packet *p)
{
    spin_lock(&q->lock);
    struct list *l = p ? p->link.next : q->packets.next;
    struct packet *next = l == &q->packets ? NULL : list_entry(l, struct packet, link);
    spin_unlock(&q->lock);
    return next;
}

static void took(struct socket_queue *q, struct packet *p, u32 n)
{
    bool whole = p->at == p->len;
    spin_lock(&q->lock);
    q->bytes -= n;
    if (whole) {
        list_del(&p->link);
        q->count--;
    }
    spin_unlock(&q->lock);
    if (whole)
        packet_free(p);
}

// Of a packet that something is taken from: where it is from.
static void tell_source(const struct packet *p, struct packet_reading *r)
{
    if (r->any)
        return;
    r->any = true;
    r->receive->source.size = p->len;
    r->receive->source.sender = p->sender;
    r->receive->source.asked = p->asked;
    socket_name_tell(p->from, &r->receive->source.name);
}

// Its handles become the receiver's; copies of them if it only looks.
static int take_carried(struct socket_queue *q, struct packet *p, struct packet_reading *r)
{
    struct socket_receive *to = r->receive;
    if (!p->carried || to->carried)
        return 0;
    if (to->peek) {
        to->carried = kmalloc_array(p->carries, sizeof(struct carried), ALLOC_USER);
        if (!to->carried)
            return -E_NOMEM;
        for (u32 i = 0; i < p->carries; i++) {
            to->carried[i] = p->carried[i];
            object_get(to->carried[i].object);
        }
        to->carries = p->carries;
        return 0;
    }
    to->carries = p->carries;
    spin_lock(&q->lock);
    to->carried = p->carried;
    p->carried = NULL;
    p->carries = 0;
    spin_unlock(&q->lock);
    carried_land(to->carried, to->carries);
    socket_uncharge(p->payer, to->carries);
    return 0;
}

static bool same_sender(const struct packet *p, const struct socket_source *s)
{
    return p->asked == s->asked && p->sender.task == s->sender.task &&
           p->sender.user == s->sender.user && p->sender.group == s->sender.group;
}

static i64 read_stream(struct socket_queue *q, struct iobuf *buf, struct packet_reading *r)
{
    i64 done = 0;
    bool peek = r->receive->peek;
    struct packet *p = NULL;
    if (!iobuf_left(buf) && next_packet(q, NULL)) // asked for nothing, and there is something
        r->any = r->stop = true;
    while (iobuf_left(buf) && !r->stop && (p = next_packet(q, peek ? p : NULL))) {
        if (r->by_sender && r->any && !same_sender(p, &r->receive->source)) {
            r->stop = true;
            break;
        }
        bool carries = p->carried;
        if (carries && r->receive->carried) { // of another packet
            r->stop = true;
            break;
        }
        u32 n = (u32)MIN((u64)(p->len - p->at), iobuf_left(buf));
        if (iobuf_put(buf, p->data + p->at, n) != n)
            return done ? done : -E_FAULT; // it stays
        int err = take_carried(q, p, r);
        if (err)
            return done ? done : err;
        tell_source(p, r);
        done += n;
        r->stop |= r->receive->carried && (peek ? carries : p->at + n == p->len);
        if (!peek) {
            p->at += n;
            took(q, p, n);
        }
    }
    return done;
}

static i64 read_packet(struct socket_queue *q, struct iobuf *buf, struct packet_reading *r)
{
    struct packet *p = next_packet(q, NULL);
    if (!p)
        return 0;
    u32 n = (u32)MIN((u64)p->len, iobuf_left(buf));
    int err = iobuf_put(buf, p->data, n) == n ? take_carried(q, p, r) : -E_FAULT;
    if (!err)
        tell_source(p, r);
    r->stop = true;
    if (!r->receive->peek && (!err || err == -E_FAULT)) { // as there: what cannot be stored is lost
        p->at = p->len;
        took(q, p, p->len);
    }
    return err ? (i64)err : (i64)n;
}

i64 socket_queue_read(struct socket_queue *q, struct iobuf *buf, struct packet_reading *r)
{
    i64 done = 0;
    for (;;) {
        if (!r->stream && atomic_exchange(&q->reset, false))
            return -E_CONNRESET;
        mutex_lock(&q->reading);
        i64 n = r->stream ? read_stream(q, buf, r) : read_packet(q, buf, r);
        mutex_unlock(&q->reading);
        if (n < 0)
            return done ? done : n;
        done += n;
        if (r->any && !r->receive->peek)
            made_room(q);
        if (r->stop || (r->any && (r->receive->peek || (u64)done >= r->target)))
            return done;
        if (q->count) // came just now
            continue;
        if (!done && atomic_exchange(&q->reset, false))
            return -E_CONNRESET;
        bool end = q->no_writer || q->no_reader;
        if (end && q->count)
            continue;
        if (end && !(r->datagrams && r->nonblock))
            return done;
        if (r->nonblock)
            return done ? done : -E_AGAIN;
        int err = wait_event_deadline(
            &q->readers, q->count || q->no_writer || q->no_reader || q->reset, r->deadline);
        if (err)
            return done ? done : socket_wait_result(err, r->deadline);
    }
}
