// Local sockets: two-way streams, streams of packets, and datagrams between tasks of this machine,
// by pair or by name. A name is a node of a file system, known here only by an address, or a text
// of its own (abstract).
//
// read and write of the object work as of any stream; what follows is beyond them. All calls:
// thread context, may sleep.
#pragma once
#include <ipc/carried.h>

enum socket_kind : u32 { SOCKET_STREAM = 1, SOCKET_DATAGRAM = 2, SOCKET_PACKETS = 3 };
enum {
    SOCKET_PACKET_MAX = 65536,
    SOCKET_NAME_MAX = 255,
    SOCKET_BACKLOG_MAX = 4096,
    SOCKET_BUFFER = 212992 // bytes that may wait for a reader, until somebody says otherwise
};
enum socket_state : u32 { SOCKET_FRESH, SOCKET_CONNECTED, SOCKET_LISTENING };
enum { SOCKET_SHUT_READ = 1, SOCKET_SHUT_WRITE = 2 };

struct socket_user { // whom a socket belongs to, or who sent a packet. task 0: nobody
    u32 task, user, group;
};
struct socket_label { // a name as others are told it
    u32 len;
    bool abstract;
    char text[SOCKET_NAME_MAX + 1]; // and a NUL
};
// Where a name leads.
struct socket_address {
    const void *key;  // of a node: the same for everybody who finds it. NULL: abstract
    const char *name; // of an abstract one: len bytes, any values
    u32 len;
};
// What a name is bound to; `put` (NULL: none) is called once it is not any more, also if bind
// fails.
struct socket_place {
    const void *key; // as above
    void *holder;
    void (*put)(void *holder);
};
struct socket_facts {
    enum socket_kind kind;
    enum socket_state state;
    struct socket_user peer; // of a listener: itself
    u64 pending;             // bytes to read; of a listener: connections that wait
    u64 next;                // bytes of the next packet; of a stream: pending
    u64 unread;              // bytes the peer has not read
    struct socket_label name, peer_name;
};
struct socket_source { // of what was received
    u64 size;          // all of the packet, also what the buffer had no room for
    struct socket_user sender;
    bool asked; // it said who it is, or somebody wanted to know when it sent
    struct socket_label name;
};

// What may be set at any time, and is looked at by whoever comes next.
struct socket_options {
    _Atomic u64 receive_ns, send_ns; // how long to wait at most (accept, connect too); 0: for ever
    _Atomic u32 buffer;              // bytes of its own that may wait for the peer
    _Atomic u32 low_water;           // bytes a receiver of a stream waits for, if it asks for more
    _Atomic u32 mode, user, group;   // as told of it; mode: permission bits, those of its name
    _Atomic u64 noted[4];            // the ABIs' own; nothing here looks at them
};

bool object_is_local_socket(const struct object *o);
enum socket_kind local_socket_kind(struct object *o);
// status: OBJ_NONBLOCK. -E_NOMEM.
[[nodiscard]] int local_socket_create(enum socket_kind kind, u32 status, struct object **out);
[[nodiscard]] int local_socket_pair(enum socket_kind kind, u32 status, const struct socket_user *u,
                                    struct object **a, struct object **b);
struct socket_options *local_socket_options(struct object *o); // lives as long as the socket
// Is it told whom packets are from? A stream's bytes of two senders are not received as one then.
bool local_socket_tells_senders(struct object *o);
void local_socket_tell_senders(struct object *o, bool yes);
bool local_socket_has_name(struct object *o);
// name: its text as others are told it; of an abstract one the name itself. -E_INVAL: it has one;
// -E_ADDRINUSE; -E_NAMETOOLONG, -E_NOMEM.
[[nodiscard]] int local_socket_bind(struct object *o, const struct socket_place *place,
                                    const char *name, u32 len);
// backlog: connections that may wait, at least one. -E_INVAL: no name, or connected; -E_OPNOTSUPP:
// a datagram socket.
[[nodiscard]] int local_socket_listen(struct object *o, u32 backlog, const struct socket_user *u);
// Waits while the listener's line is full (-E_AGAIN with OBJ_NONBLOCK). A datagram socket only
// notes where write goes, and receives from nobody else. -E_CONNREFUSED: nobody is there;
// -E_PROTOTYPE: another kind; -E_PERM: it receives from somebody else; -E_ISCONN, -E_INVAL,
// -E_ALREADY, -E_NOMEM, -E_RESTART; -E_INTR instead where a time was set.
[[nodiscard]] int local_socket_connect(struct object *o, const struct socket_address *to,
                                       const struct socket_user *u);
// Undoes connect of a datagram socket. -E_INVAL: not one.
[[nodiscard]] int local_socket_disconnect(struct object *o);
// The next connection (-E_AGAIN with OBJ_NONBLOCK). -E_INVAL: not listening; -E_OPNOTSUPP: a
// datagram socket. -E_RESTART, -E_INTR.
[[nodiscard]] int local_socket_accept(struct object *o, u32 status, struct object **out);

struct socket_send {
    const struct socket_address *to; // datagrams: NULL: the peer
    struct socket_user sender;
    bool says;     // the sender says who it is, whether asked or not
    bool nonblock; // as if the object were
    // Array from kmalloc; taken over once it is queued, and NULL afterwards.
    struct carried *carried;
    u32 carries;
    u32 payer;       // the user whose they are
    u64 carry_limit; // how many of that user's may lie in queues before
};
// As write, with handles that go with its first byte, or its packet. -E_NOTCONN; -E_CONNREFUSED:
// the receiver of datagrams is gone; -E_PERM: it receives from somebody else; -E_ISCONN,
// -E_OPNOTSUPP: a stream needs no address; -E_TOOMANYREFS: carry_limit; -E_PROTOTYPE, -E_MSGSIZE,
// -E_PIPE, -E_AGAIN, -E_FAULT, -E_NOMEM, -E_RESTART, -E_INTR.
[[nodiscard]] i64 local_socket_send(struct object *o, struct iobuf *buf, struct socket_send *how);

struct socket_receive {
    bool nonblock; // as if the object were
    bool peek;     // leaves it there
    bool all;      // a stream waits until the buffer is full
    // --- what came ---
    struct socket_source source;
    struct carried *carried; // array from kmalloc, the caller's (local_socket_drop); NULL: none
    u32 carries;
};
// As read, and what else there is. -E_INVAL: a stream that is not connected; -E_NOTCONN: likewise
// packets; -E_CONNRESET, once: the peer went before it had read all, or accepted; -E_AGAIN,
// -E_FAULT, -E_NOMEM, -E_RESTART, -E_INTR.
[[nodiscard]] i64 local_socket_receive(struct object *o, struct iobuf *buf,
                                       struct socket_receive *how);
void local_socket_drop(struct carried *c, u32 n); // handles and array; NULL allowed

// -E_NOTCONN: it holds nevertheless, for whatever comes.
[[nodiscard]] int local_socket_shutdown(struct object *o, u32 how);
// What would be reported next, as a positive code, or 0; it is forgotten then.
int local_socket_take_error(struct object *o);
void local_socket_facts(struct object *o, struct socket_facts *out);
