// Private to local sockets: queues of packets, names, and the socket itself.
#pragma once
#include "carry.h"
#include <ipc/local_socket.h>
#include <sched/lock.h>

struct socket_name {
    refcount_t refs;
    // --- constant ---
    u32 len;
    bool abstract;
    char text[]; // and a NUL
};

struct packet {
    struct list link;
    u32 len, at; // at: what was read of it
    u32 carries, payer;
    struct carried *carried; // own array, NULL: none; changed with queue.lock held
    struct socket_user sender;
    bool asked; // the sender is told of: it said who it is, or somebody wanted to know
    struct socket_queue *from; // counted: the sender's own, for its name
    u8 data[];
};

// What one socket reads; others write to it. Lives as long as anybody refers to it.
struct socket_queue {
    refcount_t refs;
    struct mutex reading;              // class pipe_sleep: one reader at a time takes packets apart
    struct spinlock lock;              // class object
    struct waitqueue readers, writers; // and those who accept, and those who connect
    // Who polls the socket that reads from it for room where it writes, or for another peer. Its
    // own, as a poller needs: what it writes to may be exchanged.
    struct waitqueue room;
    struct socket_name *_Atomic name; // of the socket that reads; counted, set once
    _Atomic bool tells_senders;       // it is told whom packets are from
    _Atomic bool unclaimed;           // it was not accepted yet, so nobody can say
    // --- guarded by lock; read without it for hints ---
    struct list packets;
    struct list senders; // sockets that write to it (local_socket.sending)
    _Atomic u32 count, bytes;
    _Atomic bool room_wanted; // one of them found none, writing or polled
    _Atomic bool no_reader, no_writer;
    _Atomic bool gone;  // the socket that would read is closed
    _Atomic bool reset; // to be told once: the other side went too early
    // --- guarded by the lock of the socket that reads from it; read without it for hints ---
    _Atomic u32 in_line, line_max; // connections that wait to be accepted
    const struct socket_queue
        *_Atomic source; // datagrams: that of whom it receives from, NULL: all
};

struct local_socket {
    struct object obj;       // first
    enum socket_kind kind;   // constant
    u64 id;                  // constant
    struct socket_queue *in; // counted; constant
    struct carrier carrier;
    struct socket_options options;
    struct mutex lock; // class socket
    // --- guarded by lock ---
    enum socket_state state;
    struct socket_queue *out; // counted; where write goes, NULL: nowhere yet (socket_set_out)
    struct list sending;      // in out->senders; out->lock
    struct socket_user own, peer;
    struct list line; // listening: connections that wait (link), in->in_line of them
    bool connecting;  // a connect is on its way; nobody else changes the state
    _Atomic u32 shut; // SOCKET_SHUT_*; read without it by who waits to write
    // --- guarded by the names' lock (socket_name.c) ---
    bool bound;
    struct socket_place place;
    struct list bound_link;
    // --- while it waits to be accepted: the listener's lock ---
    struct list link;
};
static inline struct local_socket *socket_of(struct object *o)
{
    return (struct local_socket *)(void *)o;
}
static inline bool socket_is_stream(const struct local_socket *s)
{
    return s->kind == SOCKET_STREAM;
}

// --- socket_name.c ---
void socket_name_put(struct socket_name *n); // NULL allowed
// The name of the socket that reads from q; empty if it has none, or q is NULL.
void socket_name_tell(const struct socket_queue *q, struct socket_label *to);
// The socket that an address belongs to: counted, or NULL. Abstract names of two kinds are two.
struct local_socket *socket_find(const struct socket_address *a, enum socket_kind kind);
void socket_unbind(struct local_socket *s);

// --- local_socket.c ---
// Changes where a socket writes; takes over the reference to q, and gives back the old one. s->lock
// held, or nobody else knows s.
[[nodiscard]] struct socket_queue *socket_set_out(struct local_socket *s, struct socket_queue *q);

// --- socket_charge.c ---
// n more handles of a user lie in queues. -E_TOOMANYREFS: more than `limit` do already; -E_NOMEM.
[[nodiscard]] int socket_charge(u32 user, u32 n, u64 limit);
void socket_uncharge(u32 user, u32 n);

// --- socket_queue.c ---
struct socket_queue *socket_queue_create(void); // NULL: no memory
void socket_queue_get(struct socket_queue *q);
void socket_queue_put(struct socket_queue *q); // NULL allowed
// Nobody will write any more, or wants to: readers see the end behind what is there.
void socket_queue_close_write(struct socket_queue *q);
// Drops what is there: was there something?
bool socket_queue_empty(struct socket_queue *q);
// Writers see the end. gone: and what is there is dropped.
void socket_queue_close_read(struct socket_queue *q, bool gone);
bool socket_queue_has_room(const struct socket_queue *q, u32 limit);
void socket_queue_wake(struct socket_queue *q); // all who wait: something else changed
// Is there room, for who polls? If not, it will be told.
bool socket_queue_poll_room(struct socket_queue *q, u32 limit);
// Waits as the wait macros do, in the terms of sockets: -E_AGAIN past the deadline, -E_INTR instead
// of -E_RESTART where there is one.
int socket_wait_result(int err, u64 deadline);
u64 socket_deadline(const _Atomic u64 *ns);
struct packet_how {
    struct socket_send *send;  // sender, handles
    struct socket_queue *from; // the sender's own
    const _Atomic u32 *shut;   // the sender's
    bool stream, datagrams, nonblock;
    bool asked; // somebody wants to know who sends
    u32 limit;  // bytes that may wait
    u64 deadline;
};
// Bytes of buf as one packet, or of a stream as many as it takes. -E_PIPE, -E_CONNRESET (while it
// waited), -E_MSGSIZE, -E_AGAIN, -E_FAULT, -E_NOMEM, -E_TOOMANYREFS, -E_RESTART, -E_INTR.
[[nodiscard]] i64 socket_queue_write(struct socket_queue *q, struct iobuf *buf,
                                     const struct packet_how *how);
struct packet_reading {
    struct socket_receive *receive;
    bool stream, datagrams, nonblock;
    bool by_sender; // a stream stops where the sender changes
    u64 target;     // bytes a stream waits for
    u64 deadline;
    // --- its own ---
    bool any, stop; // something was taken; no more may be
};
// 0 at the end. -E_CONNRESET, -E_AGAIN, -E_FAULT, -E_NOMEM, -E_RESTART, -E_INTR.
[[nodiscard]] i64 socket_queue_read(struct socket_queue *q, struct iobuf *buf,
                                    struct packet_reading *r);
bool socket_queue_note(struct socket_queue *q, struct carry_walk *w);
u32 socket_queue_next(struct socket_queue *q); // bytes of the first packet
