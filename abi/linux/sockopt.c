// Options of sockets. Those that the sockets know are kept there (struct socket_options); the rest
// is only kept to be told: bits of noted[0] by number, values in noted[1..]. Rules: socket(7),
// unix(7), Linux 6.12 net/core/sock.c.
#include "fd.h"
#include "linux_errno.h"
#include "linux_types.h"
#include "socket.h"
#include <lib/string.h>

enum { NOTED_BITS, NOTED_PRIORITY_MARK, NOTED_LINGER, NOTED_RECEIVE_BUFFER };
enum : u32 {
    BUFFER_MAX = SOCKET_BUFFER, // of what a user may ask for; it is doubled
    SEND_MIN = 4608,
    RECEIVE_MIN = 2304,
};

static bool noted_only(i32 name)
{
    switch (name) {
    case LINUX_SO_DEBUG:
    case LINUX_SO_REUSEADDR:
    case LINUX_SO_DONTROUTE:
    case LINUX_SO_BROADCAST:
    case LINUX_SO_KEEPALIVE:
    case LINUX_SO_OOBINLINE:
    case LINUX_SO_NO_CHECK:
    case LINUX_SO_TIMESTAMP:
    case LINUX_SO_TIMESTAMPNS:
    case LINUX_SO_PASSSEC:
        return true;
    default:
        return false;
    }
}

static u64 noted(struct object *o, u32 which)
{
    return atomic_load_explicit(&local_socket_options(o)->noted[which], memory_order_relaxed);
}

// Half of a noted value: shift 0 or 32.
static void note_half(struct object *o, u32 which, u32 shift, u32 value)
{
    _Atomic u64 *at = &local_socket_options(o)->noted[which];
    u64 was = atomic_load(at);
    while (!atomic_compare_exchange_weak(at, &was,
                                         (was & ~(0xffffffffull << shift)) | (u64)value << shift))
        ;
}
static i32 half(struct object *o, u32 which, u32 shift)
{
    return (i32)(u32)(noted(o, which) >> shift);
}

static void note_bit(struct object *o, i32 name, bool on)
{
    _Atomic u64 *bits = &local_socket_options(o)->noted[NOTED_BITS];
    if (on)
        (void)atomic_fetch_or(bits, 1ull << name);
    else
        (void)atomic_fetch_and(bits, ~(1ull << name));
}

// --- setting ---
[[nodiscard]] static int fetch(void *to, usize size, uaddr_t value, i32 len)
{
    return len < (i32)size ? -E_INVAL : user_copy_in(to, value, size) ? -E_FAULT : 0;
}

static i64 set_time(_Atomic u64 *ns, uaddr_t value, i32 len)
{
    struct linux_sock_timeval t;
    int err = fetch(&t, sizeof(t), value, len);
    if (err)
        return err;
    if (t.tv_usec < 0 || t.tv_usec >= 1000000)
        return -E_DOM;
    u64 total = t.tv_sec < 0 ? 1 // already over
                : (u64)t.tv_sec > UINT64_MAX / NS_PER_SEC - 1
                    ? 0
                    : (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_usec * 1000;
    atomic_store_explicit(ns, total, memory_order_relaxed);
    return 0;
}

static i64 set_linger(struct object *o, uaddr_t value, i32 len)
{
    struct linux_linger l;
    int err = fetch(&l, sizeof(l), value, len);
    if (err)
        return err;
    note_bit(o, LINUX_SO_LINGER, l.l_onoff);
    if (l.l_onoff)
        note_half(o, NOTED_LINGER, 0, (u32)l.l_linger);
    return 0;
}

static u32 doubled(i32 value, bool force, u32 least)
{
    u32 v = (u32)value;
    if (!force)
        v = MIN(v, (u32)BUFFER_MAX);
    v = MIN(v, (u32)INT32_MAX / 2);
    return MAX(2 * v, least);
}

static i64 set_number(struct object *o, i32 name, i32 v)
{
    struct socket_options *options = local_socket_options(o);
    if (name == LINUX_SO_DEBUG && v && !capable(CAP_NET_ADMIN))
        return -E_ACCES;
    if (noted_only(name)) {
        note_bit(o, name, v);
        return 0;
    }
    switch (name) {
    case LINUX_SO_SNDBUFFORCE:
    case LINUX_SO_RCVBUFFORCE:
        if (!capable(CAP_NET_ADMIN))
            return -E_PERM;
        [[fallthrough]];
    case LINUX_SO_SNDBUF:
    case LINUX_SO_RCVBUF:
        if (name == LINUX_SO_SNDBUF || name == LINUX_SO_SNDBUFFORCE)
            options->buffer = doubled(v, name == LINUX_SO_SNDBUFFORCE, SEND_MIN);
        else
            note_half(o, NOTED_RECEIVE_BUFFER, 0,
                      doubled(v, name == LINUX_SO_RCVBUFFORCE, RECEIVE_MIN));
        return 0;
    case LINUX_SO_PASSCRED:
        local_socket_tell_senders(o, v);
        return 0;
    case LINUX_SO_RCVLOWAT:
        options->low_water = (u32)(v < 0 ? INT32_MAX : MAX(v, 1));
        return 0;
    case LINUX_SO_PRIORITY:
        if ((v < 0 || v > 6) && !capable(CAP_NET_ADMIN))
            return -E_PERM;
        note_half(o, NOTED_PRIORITY_MARK, 0, (u32)v);
        return 0;
    case LINUX_SO_MARK:
        if (!capable(CAP_NET_ADMIN))
            return -E_PERM;
        note_half(o, NOTED_PRIORITY_MARK, 32, (u32)v);
        return 0;
    default:
        return -E_NOPROTOOPT; // told only, or unknown
    }
}

i64 linux_setsockopt(struct href *fd, i32 level, i32 name, uaddr_t value, i32 len)
{
    struct object *o = fd->object;
    i32 v;
    int err = socket_needs(fd, RIGHT_CONTROL);
    if (err)
        return err;
    if (len < 0)
        return -E_INVAL;
    if (level != LINUX_SOL_SOCKET)
        return -E_OPNOTSUPP;
    err = fetch(&v, sizeof(v), value, len);
    if (err)
        return err;
    switch (name) {
    case LINUX_SO_RCVTIMEO:
    case LINUX_SO_RCVTIMEO_NEW:
        return set_time(&local_socket_options(o)->receive_ns, value, len);
    case LINUX_SO_SNDTIMEO:
    case LINUX_SO_SNDTIMEO_NEW:
        return set_time(&local_socket_options(o)->send_ns, value, len);
    case LINUX_SO_LINGER:
        return set_linger(o, value, len);
    default:
        return set_number(o, name, v);
    }
}

// --- telling ---
union told {
    i32 number;
    struct linux_linger linger;
    struct linux_sock_timeval time;
    struct linux_ucred cred;
    char address[2 + 1 + SOCKET_NAME_MAX + 1];
};

static u32 tell_time(union told *t, const _Atomic u64 *ns)
{
    u64 v = atomic_load_explicit(ns, memory_order_relaxed);
    t->time = (struct linux_sock_timeval){(i64)(v / NS_PER_SEC), (i64)(v % NS_PER_SEC / 1000)};
    return sizeof(t->time);
}

static u32 tell_peer(union told *t, const struct socket_user *u)
{
    t->cred = (struct linux_ucred){(i32)u->task, u->task ? u->user : ~0u, u->task ? u->group : ~0u};
    return sizeof(t->cred);
}

static i64 tell_number(struct object *o, i32 name, const struct socket_facts *f)
{
    struct socket_options *options = local_socket_options(o);
    static const i32 types[] = {[SOCKET_STREAM] = LINUX_SOCK_STREAM,
                                [SOCKET_DATAGRAM] = LINUX_SOCK_DGRAM,
                                [SOCKET_PACKETS] = LINUX_SOCK_SEQPACKET};
    if (noted_only(name))
        return noted(o, NOTED_BITS) >> name & 1;
    switch (name) {
    case LINUX_SO_TYPE:
        return types[f->kind];
    case LINUX_SO_DOMAIN:
        return LINUX_AF_UNIX;
    case LINUX_SO_PROTOCOL:
        return 0;
    case LINUX_SO_PASSCRED:
        return local_socket_tells_senders(o);
    case LINUX_SO_ACCEPTCONN:
        return f->state == SOCKET_LISTENING;
    case LINUX_SO_SNDBUF:
        return options->buffer;
    case LINUX_SO_RCVBUF: {
        i32 set = half(o, NOTED_RECEIVE_BUFFER, 0);
        return set ? set : SOCKET_BUFFER;
    }
    case LINUX_SO_RCVLOWAT:
        return (i32)options->low_water;
    case LINUX_SO_SNDLOWAT:
        return 1;
    case LINUX_SO_PRIORITY:
        return half(o, NOTED_PRIORITY_MARK, 0);
    case LINUX_SO_MARK:
        return half(o, NOTED_PRIORITY_MARK, 32);
    default:
        return -E_NOPROTOOPT;
    }
}

// The answer's size in *size.
static i64 tell(struct object *o, i32 name, union told *t, u32 *size)
{
    struct socket_facts f;
    local_socket_facts(o, &f);
    *size = sizeof(t->number);
    switch (name) {
    case LINUX_SO_ERROR: {
        int code = local_socket_take_error(o);
        t->number = code ? linux_errno[code] : 0;
        return 0;
    }
    case LINUX_SO_RCVTIMEO:
    case LINUX_SO_RCVTIMEO_NEW:
        *size = tell_time(t, &local_socket_options(o)->receive_ns);
        return 0;
    case LINUX_SO_SNDTIMEO:
    case LINUX_SO_SNDTIMEO_NEW:
        *size = tell_time(t, &local_socket_options(o)->send_ns);
        return 0;
    case LINUX_SO_LINGER:
        t->linger = (struct linux_linger){noted(o, NOTED_BITS) >> LINUX_SO_LINGER & 1,
                                          half(o, NOTED_LINGER, 0)};
        *size = sizeof(t->linger);
        return 0;
    case LINUX_SO_PEERCRED:
        *size = tell_peer(t, &f.peer);
        return 0;
    case LINUX_SO_PEERNAME:
        if (f.state != SOCKET_CONNECTED)
            return -E_NOTCONN;
        *size = sockaddr_bytes(&f.peer_name, t->address);
        return 0;
    default: {
        i64 v = tell_number(o, name, &f);
        t->number = (i32)v;
        return MIN(v, 0);
    }
    }
}

i64 linux_getsockopt(struct href *fd, i32 level, i32 name, uaddr_t value, uaddr_t len)
{
    union told t = {0};
    u32 size;
    i32 room;
    i64 err = socket_needs(fd, 0);
    if (err)
        return err;
    if (user_copy_in(&room, len, sizeof(room)))
        return -E_FAULT;
    if (room < 0)
        return -E_INVAL;
    if (level != LINUX_SOL_SOCKET)
        return -E_OPNOTSUPP;
    err = tell(fd->object, name, &t, &size);
    if (err)
        return err;
    if (name == LINUX_SO_PEERNAME && (u32)room < size)
        return -E_INVAL;
    room = MIN(room, (i32)size);
    if (user_copy_out(value, &t, (usize)room) || user_copy_out(len, &room, sizeof(room)))
        return -E_FAULT;
    return 0;
}
