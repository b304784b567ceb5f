// Local sockets: states and connections. The bytes are socket_queue.c's business, sending and
// receiving socket_message.c's, names socket_name.c's.
//
// A socket reads from its own queue `in` and writes to another's. `lock` guards the state; two
// sockets' locks are never held at once: a connection is built aside and put into the listener's
// line.
#include "socket.h"
#include <lib/printf.h>
#include <mem/slab.h>
#include <object/attr.h>

static const struct object_type socket_type;
static const struct carrier_ops socket_carrier_ops;

bool object_is_local_socket(const struct object *o)
{
    return o->type == &socket_type;
}

struct carrier *socket_carrier(struct object *o)
{
    return object_is_local_socket(o) ? &socket_of(o)->carrier : NULL;
}

enum socket_kind local_socket_kind(struct object *o)
{
    return socket_of(o)->kind;
}

struct socket_options *local_socket_options(struct object *o)
{
    return &socket_of(o)->options;
}

bool local_socket_tells_senders(struct object *o)
{
    return socket_of(o)->in->tells_senders;
}

void local_socket_tell_senders(struct object *o, bool yes)
{
    socket_of(o)->in->tells_senders = yes;
}

// --- making ---
int local_socket_create(enum socket_kind kind, u32 status, struct object **out)
{
    struct local_socket *s = kzalloc(sizeof(*s), ALLOC_USER);
    struct socket_queue *in = s ? socket_queue_create() : NULL;
    if (!in) {
        kfree(s);
        return -E_NOMEM;
    }
    object_init(&s->obj, &socket_type, status);
    carrier_init(&s->carrier, &socket_carrier_ops, &s->obj, in);
    s->kind = kind;
    s->id = object_unique_id();
    s->in = in;
    s->options.buffer = SOCKET_BUFFER;
    s->options.low_water = 1;
    s->options.mode = 0777;
    mutex_init(&s->lock, &lock_class_socket);
    list_init(&s->line);
    list_init(&s->link);
    list_init(&s->sending);
    list_init(&s->bound_link);
    *out = &s->obj;
    return 0;
}

struct socket_queue *socket_set_out(struct local_socket *s, struct socket_queue *q)
{
    struct socket_queue *old = s->out;
    if (old) {
        spin_lock(&old->lock);
        list_del(&s->sending);
        spin_unlock(&old->lock);
    }
    list_init(&s->sending);
    s->out = q;
    if (q) {
        spin_lock(&q->lock);
        list_add_tail(&q->senders, &s->sending);
        spin_unlock(&q->lock);
    }
    return old;
}

// Of two sockets that nobody else knows yet, or one of them: `a` writes to `b`.
static void join(struct local_socket *a, struct local_socket *b)
{
    socket_queue_get(b->in);
    (void)!socket_set_out(a, b->in);
    a->peer = b->own;
    a->state = SOCKET_CONNECTED;
    if (a->kind == SOCKET_DATAGRAM)
        a->in->source = b->in;
}

int local_socket_pair(enum socket_kind kind, u32 status, const struct socket_user *u,
                      struct object **a, struct object **b)
{
    int err = local_socket_create(kind, status, a);
    if (err)
        return err;
    err = local_socket_create(kind, status, b);
    if (err) {
        object_put(*a);
        return err;
    }
    socket_of(*a)->own = socket_of(*b)->own = *u;
    join(socket_of(*a), socket_of(*b));
    join(socket_of(*b), socket_of(*a));
    return 0;
}

// --- connections ---
int local_socket_listen(struct object *o, u32 backlog, const struct socket_user *u)
{
    struct local_socket *s = socket_of(o);
    int err = 0;
    if (s->kind == SOCKET_DATAGRAM)
        return -E_OPNOTSUPP;
    mutex_lock(&s->lock);
    if (!s->in->name || s->state == SOCKET_CONNECTED || s->connecting) {
        err = -E_INVAL;
    } else {
        s->state = SOCKET_LISTENING;
        s->in->line_max = MIN(MAX(backlog, 1u), (u32)SOCKET_BACKLOG_MAX);
        s->own = s->peer = *u;
    }
    mutex_unlock(&s->lock);
    socket_queue_wake(s->in);
    return err;
}

// 1 stands in line, 0 it is full, -E_CONNREFUSED.
static int stand_in_line(struct local_socket *listener, struct local_socket *served)
{
    int r = -E_CONNREFUSED;
    mutex_lock(&listener->lock);
    if (listener->state == SOCKET_LISTENING && !(listener->shut & SOCKET_SHUT_READ)) {
        r = listener->in->in_line < listener->in->line_max;
        if (r) {
            struct socket_name *name = listener->in->name;
            refcount_inc(&name->refs);
            served->in->name = name;
            served->own = listener->own;
            served->in->tells_senders = listener->in->tells_senders;
            list_add_tail(&listener->line, &served->link);
            listener->in->in_line++;
        }
    }
    mutex_unlock(&listener->lock);
    return r;
}

// Only the listener's queue is held while it waits: a listener that is closed must go.
static int wait_in_line(const struct socket_address *to, struct local_socket *client,
                        struct local_socket *served)
{
    u64 deadline = socket_deadline(&client->options.send_ns);
    for (;;) {
        struct local_socket *listener = socket_find(to, served->kind);
        if (!listener)
            return -E_CONNREFUSED;
        struct socket_queue *q = listener->in;
        socket_queue_get(q);
        int r = listener->kind == served->kind ? stand_in_line(listener, served) : -E_PROTOTYPE;
        object_put(&listener->obj);
        if (r > 0)
            wake_all(&q->readers, POLL_IN | POLL_RDNORM);
        else if (!r && object_nonblock(&client->obj))
            r = -E_AGAIN;
        else if (!r)
            r = socket_wait_result(wait_event_deadline(&q->writers,
                                                       q->in_line < q->line_max || q->no_reader,
                                                       deadline),
                                   deadline);
        socket_queue_put(q);
        if (r)
            return r > 0 ? 0 : r;
    }
}

// The client's `connecting` is set: its state is this call's alone.
static int connect_to(struct local_socket *client, const struct socket_address *to)
{
    struct object *o;
    int err = local_socket_create(client->kind, 0, &o);
    if (err)
        return err;
    struct local_socket *served = socket_of(o);
    struct socket_queue *out = served->in;
    socket_queue_get(out); // served belongs to who accepts it as soon as it stands in line
    join(served, client);
    served->in->unclaimed = true;
    object_get(o);
    err = wait_in_line(to, client, served);
    if (err) { // nothing has come of it: the client may try again
        socket_queue_put(socket_set_out(served, NULL));
        socket_queue_put(out);
        object_put(o);
    } else {
        mutex_lock(&client->lock);
        (void)!socket_set_out(client, out);
        client->state = SOCKET_CONNECTED;
        client->peer = served->own;
        u32 shut = client->shut;
        mutex_unlock(&client->lock);
        if (shut & SOCKET_SHUT_READ)
            socket_queue_close_read(client->in, false);
        if (shut & SOCKET_SHUT_WRITE)
            socket_queue_close_write(out);
        socket_queue_wake(client->in);
    }
    object_put(o);
    return err;
}

// NULL: it has no peer any more. What came from another one is dropped, which that one is told of.
static void set_datagram_peer(struct local_socket *s, struct socket_queue *out)
{
    mutex_lock(&s->lock);
    struct socket_queue *old = socket_set_out(s, out);
    s->peer = (struct socket_user){0};
    s->state = out ? SOCKET_CONNECTED : SOCKET_FRESH;
    s->in->source = out;
    mutex_unlock(&s->lock);
    if (old && old != out && socket_queue_empty(s->in) && old->source == s->in) {
        old->reset = true;
        socket_queue_wake(old);
    }
    socket_queue_put(old);
    socket_queue_wake(s->in);
}

static int connect_datagrams(struct local_socket *s, const struct socket_address *a)
{
    struct local_socket *to = socket_find(a, s->kind);
    if (!to)
        return -E_CONNREFUSED;
    const struct socket_queue *source = to->in->source;
    int err = to->kind != SOCKET_DATAGRAM         ? -E_PROTOTYPE
              : source != NULL && source != s->in ? -E_PERM
                                                  : 0;
    if (!err) {
        socket_queue_get(to->in);
        set_datagram_peer(s, to->in);
    }
    object_put(&to->obj);
    return err;
}

int local_socket_connect(struct object *o, const struct socket_address *to,
                         const struct socket_user *u)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    int err = s->connecting                  ? -E_ALREADY
              : s->kind == SOCKET_DATAGRAM   ? 0
              : s->state == SOCKET_CONNECTED ? -E_ISCONN
              : s->state == SOCKET_LISTENING ? -E_INVAL
                                             : 0;
    if (!err) {
        s->connecting = true;
        s->own = *u;
    }
    mutex_unlock(&s->lock);
    if (err)
        return err;
    err = s->kind == SOCKET_DATAGRAM ? connect_datagrams(s, to) : connect_to(s, to);
    mutex_lock(&s->lock);
    s->connecting = false;
    mutex_unlock(&s->lock);
    return err;
}

int local_socket_disconnect(struct object *o)
{
    struct local_socket *s = socket_of(o);
    if (s->kind != SOCKET_DATAGRAM)
        return -E_INVAL;
    set_datagram_peer(s, NULL);
    return 0;
}

int local_socket_accept(struct object *o, u32 status, struct object **out)
{
    struct local_socket *s = socket_of(o);
    u64 deadline = socket_deadline(&s->options.receive_ns);
    if (s->kind == SOCKET_DATAGRAM)
        return -E_OPNOTSUPP;
    for (;;) {
        struct local_socket *next = NULL;
        mutex_lock(&s->lock);
        bool listening = s->state == SOCKET_LISTENING;
        if (!list_empty(&s->line)) {
            next = list_entry(s->line.next, struct local_socket, link);
            list_del(&next->link);
            list_init(&next->link);
            s->in->in_line--;
        }
        mutex_unlock(&s->lock);
        if (!listening)
            return -E_INVAL;
        if (next) {
            wake_all(&s->in->writers, 0); // there is room in the line
            next->in->unclaimed = false;
            (void)object_set_status(&next->obj, status, OBJ_NONBLOCK);
            *out = &next->obj;
            return 0;
        }
        if (object_nonblock(o))
            return -E_AGAIN;
        if (s->in->no_reader) // it was shut
            return -E_INVAL;
        int err =
            wait_event_deadline(&s->in->readers, s->in->in_line || s->in->no_reader, deadline);
        if (err)
            return socket_wait_result(err, deadline);
    }
}

// --- ends ---
int local_socket_shutdown(struct object *o, u32 how)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    s->shut |= how;
    struct socket_queue *out = s->state == SOCKET_CONNECTED ? s->out : NULL;
    if (out)
        socket_queue_get(out);
    mutex_unlock(&s->lock);
    if (how & SOCKET_SHUT_READ)
        socket_queue_close_read(s->in, false);
    if (how & SOCKET_SHUT_WRITE && out && s->kind != SOCKET_DATAGRAM)
        socket_queue_close_write(out);
    else if (out)
        socket_queue_wake(out); // who waits to write there from here
    socket_queue_wake(s->in);
    socket_queue_put(out);
    return out ? 0 : -E_NOTCONN;
}

int local_socket_take_error(struct object *o)
{
    return atomic_exchange(&socket_of(o)->in->reset, false) ? E_CONNRESET : 0;
}

static void socket_free(struct object *o)
{
    kfree(o);
}

static void socket_release(struct object *o)
{
    struct local_socket *s = socket_of(o), *waiting, *tmp;
    bool early = s->in->count || s->in->unclaimed;
    bool connected = s->out && s->kind != SOCKET_DATAGRAM;
    socket_unbind(s);
    if (connected && early)
        s->out->reset = true; // before a writer that waits is woken
    socket_queue_close_read(s->in, true);
    if (connected)
        socket_queue_close_write(s->out);
    list_for_each_entry_safe (waiting, tmp, &s->line, link) {
        list_del(&waiting->link);
        list_init(&waiting->link);
        object_put(&waiting->obj);
    }
    if (s->out)
        socket_queue_wake(s->out);
    socket_queue_put(socket_set_out(s, NULL));
    socket_queue_put(s->in);
    object_free(o, socket_free);
}

// --- the object ---
static u32 socket_ready(const struct local_socket *s)
{
    bool listens = s->state == SOCKET_LISTENING;
    bool end = s->in->no_writer || s->in->no_reader;
    bool deaf = s->shut & SOCKET_SHUT_WRITE || (s->out && (s->out->no_reader || s->out->no_writer));
    u32 ready = 0;
    if (end)
        ready |= POLL_RDHUP;
    if (s->in->reset)
        ready |= POLL_ERR;
    if ((listens ? s->in->in_line : s->in->count) || end)
        ready |= POLL_IN | POLL_RDNORM;
    if (!listens && (!s->out || deaf || socket_queue_poll_room(s->out, s->options.buffer)))
        ready |= POLL_OUT | POLL_WRNORM | POLL_WRBAND;
    if ((end && deaf) || (s->state == SOCKET_FRESH && s->kind != SOCKET_DATAGRAM))
        ready |= POLL_HUP;
    return ready;
}

// Both wait queues are its own and live as long. What a peer reads makes room here, and what is
// sent here can be read: an edge of the one is none of the other.
static u32 socket_poll(struct object *o, struct poll_table *pt)
{
    struct local_socket *s = socket_of(o);
    poll_wait(pt, &s->in->readers);
    poll_wait(pt, &s->in->room);
    mutex_lock(&s->lock);
    u32 ready = socket_ready(s);
    mutex_unlock(&s->lock);
    return ready;
}

static bool socket_note(struct carry_walk *w, struct object *o)
{
    struct local_socket *s = socket_of(o), *waiting;
    bool room = true;
    mutex_lock(&s->lock);
    list_for_each_entry (waiting, &s->line, link) {
        room = carry_note(w, &waiting->obj);
        if (!room)
            break;
    }
    mutex_unlock(&s->lock);
    return room && socket_queue_note(s->in, w);
}

static void socket_empty(struct object *o)
{
    (void)socket_queue_empty(socket_of(o)->in);
}

static const struct carrier_ops socket_carrier_ops = {socket_note, socket_empty};

static int socket_getattr(struct object *o, struct attr *a)
{
    const struct socket_options *options = &socket_of(o)->options;
    attr_anon(a, MODE_SOCK | options->mode, socket_of(o)->id, ANON_DEV_SOCKET);
    a->uid = options->user;
    a->gid = options->group;
    return 0;
}

static i64 socket_describe(struct object *o, char *buf, usize cap)
{
    return ksnprintf(buf, cap, "socket:[%lu]", socket_of(o)->id);
}

void local_socket_facts(struct object *o, struct socket_facts *out)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    bool listens = s->state == SOCKET_LISTENING;
    *out = (struct socket_facts){
        .kind = s->kind,
        .state = s->state,
        .peer = s->peer,
        .pending = listens ? s->in->in_line : s->in->bytes,
        .next = socket_is_stream(s) ? s->in->bytes : socket_queue_next(s->in),
        .unread = s->out ? s->out->bytes : 0,
    };
    socket_name_tell(s->in, &out->name);
    socket_name_tell(s->out, &out->peer_name);
    mutex_unlock(&s->lock);
}

static i64 socket_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct socket_receive how = {0};
    (void)pos;
    if (!iobuf_left(buf))
        return 0;
    i64 n = local_socket_receive(o, buf, &how);
    local_socket_drop(how.carried, how.carries);
    return n;
}

static i64 socket_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct local_socket *s = socket_of(o);
    (void)pos;
    mutex_lock(&s->lock);
    struct socket_send how = {.sender = s->own, .says = true};
    mutex_unlock(&s->lock);
    return local_socket_send(o, buf, &how);
}

static const struct object_type socket_type = {
    .name = "socket",
    .kinds = OBJ_KIND_SOCKET,
    .release = socket_release,
    .left = carry_left,
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .getattr = socket_getattr,
    .describe = socket_describe,
};
