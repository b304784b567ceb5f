// Sending and receiving over local sockets. No state of its own.
#include "socket.h"
#include <lib/string.h>

// Where it goes: counted.
static int destination(struct local_socket *s, const struct socket_address *to,
                       struct socket_queue **out)
{
    *out = NULL;
    if (s->kind != SOCKET_DATAGRAM || !to) {
        mutex_lock(&s->lock);
        if (s->state == SOCKET_CONNECTED && s->out) {
            *out = s->out;
            socket_queue_get(s->out);
        }
        bool shut = s->shut & SOCKET_SHUT_WRITE;
        mutex_unlock(&s->lock);
        if (to && socket_is_stream(s)) {
            socket_queue_put(*out);
            return *out ? -E_ISCONN : -E_OPNOTSUPP;
        }
        if (*out && shut) {
            socket_queue_put(*out);
            return -E_PIPE;
        }
        return *out ? 0 : -E_NOTCONN;
    }
    struct local_socket *peer = socket_find(to, s->kind);
    if (!peer)
        return -E_CONNREFUSED;
    int err = peer->kind == s->kind ? 0 : -E_PROTOTYPE;
    if (!err) {
        socket_queue_get(peer->in); // not the socket: it must go when it is closed
        *out = peer->in;
    }
    object_put(&peer->obj);
    return err;
}

// The receiver of datagrams is gone: nothing more goes there.
static void forget_peer(struct local_socket *s, struct socket_queue *gone)
{
    mutex_lock(&s->lock);
    bool was = s->out == gone;
    if (was) {
        (void)!socket_set_out(s, NULL);
        s->in->source = NULL;
        s->state = SOCKET_FRESH;
    }
    mutex_unlock(&s->lock);
    if (was) {
        socket_queue_put(gone);
        socket_queue_wake(s->in);
    }
}

i64 local_socket_send(struct object *o, struct iobuf *buf, struct socket_send *send)
{
    struct local_socket *s = socket_of(o);
    struct socket_queue *q;
    int err = destination(s, send->to, &q);
    if (err)
        return err;
    const struct socket_queue *source = q->source;
    i64 n = -E_PERM;
    if (!socket_is_stream(s) && atomic_exchange(&s->in->reset, false)) {
        n = -E_CONNRESET;
    } else if (!source || source == s->in) {
        struct packet_how how = {
            .send = send,
            .from = s->in,
            .shut = &s->shut,
            .asked = s->in->tells_senders || q->tells_senders || q->unclaimed,
            .stream = socket_is_stream(s),
            .datagrams = s->kind == SOCKET_DATAGRAM,
            .nonblock = send->nonblock || object_nonblock(o),
            .limit = s->options.buffer,
            .deadline = socket_deadline(&s->options.send_ns),
        };
        n = socket_queue_write(q, buf, &how);
    }
    if (n == -E_PIPE && s->kind == SOCKET_DATAGRAM && q->gone) {
        n = -E_CONNREFUSED;
        forget_peer(s, q);
    }
    socket_queue_put(q);
    return n;
}

i64 local_socket_receive(struct object *o, struct iobuf *buf, struct socket_receive *how)
{
    struct local_socket *s = socket_of(o);
    how->source.size = 0;
    mutex_lock(&s->lock);
    bool ready = s->kind == SOCKET_DATAGRAM || s->state == SOCKET_CONNECTED;
    mutex_unlock(&s->lock);
    if (!ready)
        return socket_is_stream(s) ? -E_INVAL : -E_NOTCONN;
    struct packet_reading r = {
        .receive = how,
        .stream = socket_is_stream(s),
        .datagrams = s->kind == SOCKET_DATAGRAM,
        .nonblock = how->nonblock || object_nonblock(o),
        .by_sender = s->in->tells_senders,
        .target =
            how->all ? iobuf_left(buf) : MIN(iobuf_left(buf), (u64)MAX(s->options.low_water, 1u)),
        .deadline = socket_deadline(&s->options.receive_ns),
    };
    i64 n = socket_queue_read(s->in, buf, &r);
    if (r.stream && n >= 0)
        how->source.size = (u64)n;
    return n;
}
