// Private to the Linux ABI: what the socket calls share.
#pragma once
#include "linux.h"
#include "linux_consts.h"
#include "linux_handlers.h"
#include <ipc/local_socket.h>
#include <kerr.h>
#include <vfs/path.h>

enum : u32 { SOCKADDR_MAX = 128, SOCKADDR_HEAD = 2, SUN_PATH_MAX = 108 };

// The caller, as SO_PEERCRED tells of it, and as a message does.
struct socket_user socket_owner(void);
struct socket_user socket_sender(void);

// --- sockaddr.c ---
// An address as it was given: family and what follows.
struct sockaddr_copy {
    i32 len; // whole
    u16 family;
    char path[SOCKADDR_MAX - SOCKADDR_HEAD + 1]; // and a NUL
};
// -E_INVAL: the length; -E_FAULT.
[[nodiscard]] int sockaddr_get(struct sockaddr_copy *a, uaddr_t addr, i32 len);
// -E_INVAL: not an address of this family.
[[nodiscard]] int sockaddr_check(const struct sockaddr_copy *a);
// Where a checked address leads. -E_CONNREFUSED: a name of something else; -E_NOENT, -E_ACCES...
struct socket_target {
    struct socket_address address;
    struct path place; // counted, if has_place
    bool has_place;
};
[[nodiscard]] int sockaddr_find(const struct sockaddr_copy *a, struct socket_target *out);
void socket_target_put(struct socket_target *t);
// Stores an address at addr and its length at len, which says how much room there is. -E_FAULT,
// -E_INVAL.
[[nodiscard]] int sockaddr_put(const struct socket_label *name, uaddr_t addr, uaddr_t len);
// The same of a message's sender: nothing, not even a family, of one without a name.
[[nodiscard]] int sockaddr_put_sender(const struct socket_source *from, uaddr_t addr, uaddr_t len);
// The bytes of an address, family included; their number.
u32 sockaddr_bytes(const struct socket_label *name, char *out);
[[nodiscard]] int socket_bind_address(struct object *o, const struct sockaddr_copy *a);
// A name made up for a socket that has none. -E_NOSPC: all taken; -E_NOMEM.
[[nodiscard]] int socket_autobind(struct object *o);

// --- sockmsg.c ---
// The part of sendmsg and recvmsg that deals with control data.
// What a message's control data ask for: handles and sender in how. -E_INVAL, -E_FAULT, -E_BADF,
// -E_ACCES, -E_PERM, -E_SRCH, -E_NOBUFS, -E_NOMEM; how->carried is the caller's in any case.
[[nodiscard]] int control_take(uaddr_t control, u64 len, struct socket_send *how);
// Stores what came; *len: room, then what was used. MSG_CTRUNC, if it was not all. -E_FAULT.
[[nodiscard]] i64 control_put(uaddr_t control, u64 *len, struct socket_receive *got,
                              bool credentials, bool cloexec);

// --- socket.c ---
// Is it a socket, with these rights? -E_NOTSOCK; -E_BADF: not to read or write, or only a place;
// -E_ACCES.
[[nodiscard]] int socket_needs(const struct href *fd, u32 rights);
// fchmod and fchown of one. -E_PERM.
[[nodiscard]] int socket_chmod(struct object *o, u32 mode);
[[nodiscard]] int socket_chown(struct object *o, u32 user, u32 group);
// Errors of sending turned into signals.
i64 socket_sent(struct object *o, i64 r, u32 flags);
[[nodiscard]] i64 socket_send_message(struct object *o, struct iobuf *buf, u32 flags,
                                      const struct sockaddr_copy *to, struct socket_send *how);
[[nodiscard]] i64 socket_receive_message(struct object *o, struct iobuf *buf, u32 flags,
                                         struct socket_receive *how);
