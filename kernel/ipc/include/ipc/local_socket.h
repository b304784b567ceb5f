// Local sockets: two-way streams, streams of packets, and datagrams between tasks of this machine,
// by pair or by name. A name is a node of a file system; this room knows it only by an address.
//
// read and write of the object work as of any stream; what follows is beyond them.
#pragma once
#include <object/object.h>

enum socket_kind : u32 { SOCKET_STREAM = 1, SOCKET_DATAGRAM = 2, SOCKET_PACKETS = 3 };
enum { SOCKET_PACKET_MAX = 65536, SOCKET_NAME_MAX = 255, SOCKET_BACKLOG_MAX = 4096 };
enum socket_state : u32 { SOCKET_FRESH, SOCKET_CONNECTED, SOCKET_LISTENING };
enum { SOCKET_SHUT_READ = 1, SOCKET_SHUT_WRITE = 2 };

struct socket_user { // whom a socket belongs to: as told at pair, listen or connect
    u32 task, user;
};
// What a name is bound to; `put` is called once it is not any more, also if bind fails.
struct socket_place {
    const void *key; // the same for everybody who finds the name
    void *holder;
    void (*put)(void *holder);
};
struct socket_facts {
    enum socket_kind kind;
    enum socket_state state;
    struct socket_user peer;
    u64 pending; // bytes to read; of a listener: connections that wait
    char name[SOCKET_NAME_MAX + 1], peer_name[SOCKET_NAME_MAX + 1];
};
struct socket_source { // of a datagram or packet
    u64 size;          // all of it, also what the buffer had no room for
    struct socket_user sender;
    char name[SOCKET_NAME_MAX + 1];
};

bool object_is_local_socket(const struct object *o);
// status: OBJ_NONBLOCK. -E_NOMEM.
[[nodiscard]] int local_socket_create(enum socket_kind kind, u32 status, struct object **out);
[[nodiscard]] int local_socket_pair(enum socket_kind kind, u32 status, const struct socket_user *u,
                                    struct object **a, struct object **b);
bool local_socket_has_name(struct object *o);
// name: its text as others are told it. -E_INVAL: it has one; -E_ADDRINUSE; -E_NAMETOOLONG,
// -E_NOMEM.
[[nodiscard]] int local_socket_bind(struct object *o, const struct socket_place *place,
                                    const char *name);
// -E_INVAL: no name, connected, or a datagram socket.
[[nodiscard]] int local_socket_listen(struct object *o, u32 backlog, const struct socket_user *u);
// Waits while the listener's line is full (-E_AGAIN with OBJ_NONBLOCK). A datagram socket only
// notes where write goes. -E_CONNREFUSED: nobody is there; -E_PROTOTYPE: another kind; -E_ISCONN,
// -E_INVAL, -E_NOMEM, -E_RESTART.
[[nodiscard]] int local_socket_connect(struct object *o, const void *key,
                                       const struct socket_user *u);
// The next connection (-E_AGAIN with OBJ_NONBLOCK). -E_INVAL: not listening. -E_RESTART.
[[nodiscard]] int local_socket_accept(struct object *o, u32 status, struct object **out);
// A datagram to a name. As write; -E_CONNREFUSED, -E_PROTOTYPE, -E_MSGSIZE.
[[nodiscard]] i64 local_socket_send_to(struct object *o, struct iobuf *buf, const void *key,
                                       const struct socket_user *u);
// As read, and who it is from.
[[nodiscard]] i64 local_socket_receive(struct object *o, struct iobuf *buf,
                                       struct socket_source *from);
// -E_NOTCONN.
[[nodiscard]] int local_socket_shutdown(struct object *o, u32 how);
void local_socket_facts(struct object *o, struct socket_facts *out);
