// Private to local sockets: queues of packets, and the socket itself.
#pragma once
#include <ipc/local_socket.h>
#include <lib/list.h>
#include <sched/lock.h>

struct socket_name {
    refcount_t refs;
    char text[SOCKET_NAME_MAX + 1]; // constant
};

struct packet {
    struct list link;
    u32 len, at; // at: what was read of it
    struct socket_user sender;
    struct socket_name *from; // counted; NULL: has no name
    u8 data[];
};

// What one socket reads; others write to it. Lives as long as anybody refers to it.
struct socket_queue {
    refcount_t refs;
    struct mutex reading;  // class pipe_sleep: one reader at a time takes packets apart
    struct spinlock lock;  // class object
    struct waitqueue wait; // readers, writers, and those who accept or connect
    // --- guarded by lock; read without it for hints ---
    struct list packets;
    _Atomic u32 count, bytes;
    _Atomic bool no_reader, no_writer;
    // --- guarded by the lock of the socket that listens with it; read without it for hints ---
    _Atomic u32 in_line, line_max; // connections that wait to be accepted
};

// --- socket_queue.c ---
struct socket_queue *socket_queue_create(void); // NULL: no memory
void socket_queue_get(struct socket_queue *q);
void socket_queue_put(struct socket_queue *q); // NULL allowed
// Nobody will read: what is there is dropped. Nobody will write: readers see the end.
void socket_queue_close_read(struct socket_queue *q);
void socket_queue_close_write(struct socket_queue *q);
bool socket_queue_has_room(const struct socket_queue *q, u32 n);
void socket_name_put(struct socket_name *n); // NULL allowed
struct packet_how {
    struct socket_user sender;
    struct socket_name *from; // borrowed
    bool stream, nonblock;
};
// Bytes of buf as one packet, or of a stream as many as it takes. -E_PIPE, -E_MSGSIZE, -E_AGAIN,
// -E_FAULT, -E_NOMEM, -E_RESTART.
[[nodiscard]] i64 socket_queue_write(struct socket_queue *q, struct iobuf *buf,
                                     const struct packet_how *how);
// *from may be NULL. 0 at the end of a stream. -E_AGAIN, -E_FAULT, -E_RESTART.
[[nodiscard]] i64 socket_queue_read(struct socket_queue *q, struct iobuf *buf, bool stream,
                                    bool nonblock, struct socket_source *from);
