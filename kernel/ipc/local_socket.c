// Local sockets: states, names, connections. The bytes are socket_queue.c's business.
//
// A socket reads from its own queue `in` and writes to another's. `lock` guards the state; two
// sockets' locks are never held at once: a connection is built aside and put into the listener's
// line. Bound sockets are found by their place in `bound`, guarded by bound_mutex.
#include "socket.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/attr.h>

enum { BUCKETS = 64 };

struct local_socket {
    struct object obj;       // first
    enum socket_kind kind;   // constant
    u64 id;                  // constant
    struct socket_queue *in; // counted; constant
    struct mutex lock;       // class socket
    // --- guarded by lock ---
    enum socket_state state;
    struct socket_queue *out; // counted; where write goes, NULL: nowhere yet
    struct socket_user own, peer;
    struct socket_name *name, *peer_name; // counted, NULL: none
    struct list line; // listening: connections that wait (link), in->in_line of them
    bool connecting;  // a connect is on its way; nobody else changes the state
    // --- guarded by bound_mutex ---
    struct socket_place place; // key NULL: not bound
    struct list bound_link;
    // --- while it waits to be accepted: the listener's lock ---
    struct list link;
};

static struct mutex bound_mutex = MUTEX_INIT(bound_mutex, &lock_class_sleep_other);
static struct list bound[BUCKETS]; // guarded by bound_mutex; a zeroed head is an empty one
static const struct object_type socket_type;

bool object_is_local_socket(const struct object *o)
{
    return o->type == &socket_type;
}

static struct local_socket *socket_of(struct object *o)
{
    return (struct local_socket *)(void *)o;
}

static bool is_stream(const struct local_socket *s)
{
    return s->kind == SOCKET_STREAM;
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
    s->kind = kind;
    s->id = object_unique_id();
    s->in = in;
    mutex_init(&s->lock, &lock_class_socket);
    list_init(&s->line);
    list_init(&s->link);
    list_init(&s->bound_link);
    *out = &s->obj;
    return 0;
}

// Of two sockets that nobody else knows yet, or one of them: `a` writes to `b`.
static void join(struct local_socket *a, struct local_socket *b)
{
    socket_queue_get(b->in);
    a->out = b->in;
    a->peer = b->own;
    a->state = SOCKET_CONNECTED;
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

// --- names ---
static struct list *bucket_of(const void *key)
{
    struct list *l = &bound[((uintptr_t)key >> 6) % BUCKETS];
    if (!l->next)
        list_init(l);
    return l;
}

static struct local_socket *find_locked(const void *key, bool living)
{
    struct list *bucket = bucket_of(key);
    struct local_socket *s;
    list_for_each_entry (s, bucket, bound_link)
        if (s->place.key == key && (!living || refcount_inc_not_zero(&s->obj.refs)))
            return s;
    return NULL;
}

// The socket that a place belongs to: counted, or NULL.
static struct local_socket *find(const void *key)
{
    mutex_lock(&bound_mutex);
    struct local_socket *s = find_locked(key, true);
    mutex_unlock(&bound_mutex);
    return s;
}

bool local_socket_has_name(struct object *o)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    bool has = s->name;
    mutex_unlock(&s->lock);
    return has;
}

static int bind_locked(struct local_socket *s, const struct socket_place *place, const char *name)
{
    if (s->name)
        return -E_INVAL;
    if (strlen(name) > SOCKET_NAME_MAX)
        return -E_NAMETOOLONG;
    struct socket_name *n = kzalloc(sizeof(*n), ALLOC_USER);
    if (!n)
        return -E_NOMEM;
    refcount_set(&n->refs, 1);
    strlcpy(n->text, name, sizeof(n->text));
    mutex_lock(&bound_mutex);
    int err = find_locked(place->key, false) ? -E_ADDRINUSE : 0;
    if (!err) {
        s->place = *place;
        list_add_tail(bucket_of(place->key), &s->bound_link);
    }
    mutex_unlock(&bound_mutex);
    if (err)
        socket_name_put(n);
    else
        s->name = n;
    return err;
}

int local_socket_bind(struct object *o, const struct socket_place *place, const char *name)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    int err = bind_locked(s, place, name);
    mutex_unlock(&s->lock);
    if (err)
        place->put(place->holder);
    return err;
}

static void unbind(struct local_socket *s)
{
    mutex_lock(&bound_mutex);
    struct socket_place place = s->place;
    s->place.key = NULL;
    list_del(&s->bound_link);
    list_init(&s->bound_link);
    mutex_unlock(&bound_mutex);
    if (place.key)
        place.put(place.holder);
}

// --- connections ---
int local_socket_listen(struct object *o, u32 backlog, const struct socket_user *u)
{
    struct local_socket *s = socket_of(o);
    int err = 0;
    mutex_lock(&s->lock);
    if (s->kind == SOCKET_DATAGRAM || !s->name || s->state == SOCKET_CONNECTED || s->connecting) {
        err = -E_INVAL;
    } else {
        s->state = SOCKET_LISTENING;
        s->in->line_max = MIN(MAX(backlog, 1u), (u32)SOCKET_BACKLOG_MAX);
        s->own = *u;
    }
    mutex_unlock(&s->lock);
    wake_all(&s->in->wait, POLL_OUT);
    return err;
}

// 1 stands in line, 0 it is full, -E_CONNREFUSED.
static int stand_in_line(struct local_socket *listener, struct local_socket *served)
{
    int r = -E_CONNREFUSED;
    mutex_lock(&listener->lock);
    if (listener->state == SOCKET_LISTENING) {
        r = listener->in->in_line < listener->in->line_max;
        if (r) {
            served->own = listener->own;
            served->name = listener->name;
            refcount_inc(&served->name->refs);
            list_add_tail(&listener->line, &served->link);
            listener->in->in_line++;
        }
    }
    mutex_unlock(&listener->lock);
    return r;
}

// Only the listener's queue is held while it waits: a listener that is closed must go.
static int wait_in_line(const void *key, bool nonblock, struct local_socket *served)
{
    for (;;) {
        struct local_socket *listener = find(key);
        if (!listener)
            return -E_CONNREFUSED;
        struct socket_queue *q = listener->in;
        socket_queue_get(q);
        int r = listener->kind == served->kind ? stand_in_line(listener, served) : -E_PROTOTYPE;
        object_put(&listener->obj);
        if (r > 0)
            wake_all(&q->wait, POLL_IN | POLL_RDNORM);
        else if (!r && nonblock)
            r = -E_AGAIN;
        else if (!r)
            r = wait_event_interruptible(&q->wait, q->in_line < q->line_max || q->no_reader);
        socket_queue_put(q);
        if (r)
            return r > 0 ? 0 : r;
    }
}

// The client's `connecting` is set: its state is this call's alone.
static int connect_to(struct local_socket *client, const void *key)
{
    struct object *o;
    int err = local_socket_create(client->kind, 0, &o);
    if (err)
        return err;
    struct local_socket *served = socket_of(o);
    struct socket_queue *out = served->in;
    socket_queue_get(out); // served belongs to who accepts it as soon as it stands in line
    join(served, client);
    served->peer_name = client->name;
    if (client->name)
        refcount_inc(&client->name->refs);
    object_get(o);
    err = wait_in_line(key, object_nonblock(&client->obj), served);
    if (err) { // nothing has come of it: the client may try again
        socket_queue_put(served->out);
        served->out = NULL;
        socket_queue_put(out);
        object_put(o);
    } else {
        mutex_lock(&client->lock);
        client->out = out;
        client->state = SOCKET_CONNECTED;
        client->peer = served->own;
        client->peer_name = served->name;
        refcount_inc(&client->peer_name->refs);
        mutex_unlock(&client->lock);
        wake_all(&client->in->wait, POLL_OUT);
    }
    object_put(o);
    return err;
}

static int connect_datagrams(struct local_socket *s, const void *key)
{
    struct local_socket *to = find(key);
    if (!to)
        return -E_CONNREFUSED;
    int err = to->kind == SOCKET_DATAGRAM ? 0 : -E_PROTOTYPE;
    struct socket_queue *old = NULL;
    if (!err) {
        socket_queue_get(to->in);
        mutex_lock(&s->lock);
        old = s->out;
        s->out = to->in;
        s->state = SOCKET_CONNECTED;
        mutex_unlock(&s->lock);
    }
    object_put(&to->obj);
    socket_queue_put(old);
    return err;
}

int local_socket_connect(struct object *o, const void *key, const struct socket_user *u)
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
    err = s->kind == SOCKET_DATAGRAM ? connect_datagrams(s, key) : connect_to(s, key);
    mutex_lock(&s->lock);
    s->connecting = false;
    mutex_unlock(&s->lock);
    return err;
}

int local_socket_accept(struct object *o, u32 status, struct object **out)
{
    struct local_socket *s = socket_of(o);
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
            wake_all(&s->in->wait, 0); // there is room in the line
            (void)object_set_status(&next->obj, status, OBJ_NONBLOCK);
            *out = &next->obj;
            return 0;
        }
        if (object_nonblock(o))
            return -E_AGAIN;
        int err = wait_event_interruptible(&s->in->wait, s->in->in_line || s->in->no_reader);
        if (err)
            return err;
        if (s->in->no_reader)
            return -E_INVAL;
    }
}

// --- bytes ---
// Where write goes: counted. -E_NOTCONN, -E_DESTADDRREQ.
static int destination(struct local_socket *s, struct socket_queue **out, struct packet_how *how)
{
    mutex_lock(&s->lock);
    *out = s->out;
    if (s->out)
        socket_queue_get(s->out);
    *how = (struct packet_how){.sender = s->own,
                               .from = s->name, // lives as long as the socket
                               .stream = is_stream(s),
                               .nonblock = object_nonblock(&s->obj)};
    mutex_unlock(&s->lock);
    return *out ? 0 : s->kind == SOCKET_DATAGRAM ? -E_DESTADDRREQ : -E_NOTCONN;
}

static i64 write_to(struct local_socket *s, struct socket_queue *q, struct iobuf *buf,
                    const struct packet_how *how)
{
    i64 n = socket_queue_write(q, buf, how);
    return n == -E_PIPE && s->kind == SOCKET_DATAGRAM ? -E_CONNREFUSED : n;
}

static i64 socket_write(struct object *o, struct iobuf *buf, u64 *pos)
{
    struct local_socket *s = socket_of(o);
    struct socket_queue *q;
    struct packet_how how;
    (void)pos;
    int err = destination(s, &q, &how);
    if (err)
        return err;
    i64 n = write_to(s, q, buf, &how);
    socket_queue_put(q);
    return n;
}

i64 local_socket_send_to(struct object *o, struct iobuf *buf, const void *key,
                         const struct socket_user *u)
{
    struct local_socket *s = socket_of(o);
    struct socket_queue *q;
    struct packet_how how;
    if (s->kind != SOCKET_DATAGRAM)
        return -E_ISCONN;
    struct local_socket *to = find(key);
    if (!to)
        return -E_CONNREFUSED;
    struct socket_queue *in = to->in;
    bool fits = to->kind == SOCKET_DATAGRAM;
    socket_queue_get(in); // not the socket: it must go when it is closed
    object_put(&to->obj);
    if (!destination(s, &q, &how))
        socket_queue_put(q);
    how.sender = *u;
    i64 n = fits ? write_to(s, in, buf, &how) : -E_PROTOTYPE;
    socket_queue_put(in);
    return n;
}

i64 local_socket_receive(struct object *o, struct iobuf *buf, struct socket_source *from)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    bool ready = s->kind == SOCKET_DATAGRAM || s->state == SOCKET_CONNECTED;
    struct socket_user peer = s->peer;
    mutex_unlock(&s->lock);
    if (!ready)
        return -E_NOTCONN;
    i64 n = socket_queue_read(s->in, buf, is_stream(s), object_nonblock(o), from);
    if (is_stream(s) && from && n >= 0) {
        from->size = (u64)n;
        from->sender = peer;
    }
    return n;
}

static i64 socket_read(struct object *o, struct iobuf *buf, u64 *pos)
{
    (void)pos;
    return local_socket_receive(o, buf, NULL);
}

int local_socket_shutdown(struct object *o, u32 how)
{
    struct local_socket *s = socket_of(o);
    mutex_lock(&s->lock);
    struct socket_queue *out = s->state == SOCKET_CONNECTED ? s->out : NULL;
    if (out)
        socket_queue_get(out);
    mutex_unlock(&s->lock);
    if (!out)
        return -E_NOTCONN;
    if (how & SOCKET_SHUT_READ)
        socket_queue_close_read(s->in);
    if (how & SOCKET_SHUT_WRITE && s->kind != SOCKET_DATAGRAM)
        socket_queue_close_write(out);
    socket_queue_put(out);
    return 0;
}

// --- the object ---
static u32 socket_poll(struct object *o, struct poll_table *pt)
{
    struct local_socket *s = socket_of(o);
    u32 ready = 0;
    poll_wait(pt, &s->in->wait);
    mutex_lock(&s->lock);
    if (s->state == SOCKET_LISTENING) {
        ready = s->in->in_line ? POLL_IN | POLL_RDNORM : 0;
    } else {
        bool end = s->in->no_writer || s->in->no_reader;
        if (s->in->count || end)
            ready |= POLL_IN | POLL_RDNORM;
        if (s->out)
            poll_wait(pt, &s->out->wait);
        bool deaf = s->out && (s->out->no_reader || s->out->no_writer);
        if (s->kind == SOCKET_DATAGRAM ? !s->out || socket_queue_has_room(s->out, 1)
                                       : s->out && (deaf || socket_queue_has_room(s->out, 1)))
            ready |= POLL_OUT | POLL_WRNORM;
        if (s->kind != SOCKET_DATAGRAM && (!s->out || (end && deaf)))
            ready |= POLL_HUP;
    }
    mutex_unlock(&s->lock);
    return ready;
}

static void socket_free(struct object *o)
{
    kfree(o);
}

static void socket_release(struct object *o)
{
    struct local_socket *s = socket_of(o), *waiting, *tmp;
    struct list line = LIST_INIT(line);
    unbind(s);
    socket_queue_close_read(s->in);
    if (s->out && s->kind != SOCKET_DATAGRAM)
        socket_queue_close_write(s->out);
    list_for_each_entry_safe (waiting, tmp, &s->line, link) {
        list_del(&waiting->link);
        object_put(&waiting->obj);
    }
    if (s->out)
        wake_all(&s->out->wait, 0);
    socket_queue_put(s->out);
    socket_queue_put(s->in);
    socket_name_put(s->name);
    socket_name_put(s->peer_name);
    object_free(o, socket_free);
}

static int socket_getattr(struct object *o, struct attr *a)
{
    attr_anon(a, MODE_SOCK | 0777, socket_of(o)->id, ANON_DEV_SOCKET);
    return 0;
}

static i64 socket_describe(struct object *o, char *buf, usize cap)
{
    return ksnprintf(buf, cap, "socket:[%lu]", socket_of(o)->id);
}

void local_socket_facts(struct object *o, struct socket_facts *out)
{
    struct local_socket *s = socket_of(o);
    *out = (struct socket_facts){.kind = s->kind};
    mutex_lock(&s->lock);
    out->state = s->state;
    out->peer = s->peer;
    out->pending = s->state == SOCKET_LISTENING ? s->in->in_line : s->in->bytes;
    strlcpy(out->name, s->name ? s->name->text : "", sizeof(out->name));
    strlcpy(out->peer_name, s->peer_name ? s->peer_name->text : "", sizeof(out->peer_name));
    mutex_unlock(&s->lock);
}

static const struct object_type socket_type = {
    .name = "socket",
    .kinds = OBJ_KIND_SOCKET,
    .release = socket_release,
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .getattr = socket_getattr,
    .describe = socket_describe,
};
