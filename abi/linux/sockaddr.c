// Addresses of local sockets: names in file systems, abstract ones, made-up ones. Rules: unix(7),
// Linux 6.12 net/unix/af_unix.c.
#include "path.h"
#include "socket.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vfs/node.h>

int sockaddr_get(struct sockaddr_copy *a, uaddr_t addr, i32 len)
{
    u8 bytes[SOCKADDR_MAX];
    *a = (struct sockaddr_copy){.len = len};
    if (len < 0 || len > (i32)SOCKADDR_MAX)
        return -E_INVAL;
    if (len && user_copy_in(bytes, addr, (usize)len))
        return -E_FAULT;
    if (len >= (i32)SOCKADDR_HEAD) {
        memcpy(&a->family, bytes, SOCKADDR_HEAD);
        memcpy(a->path, bytes + SOCKADDR_HEAD, (usize)len - SOCKADDR_HEAD);
    }
    return 0;
}

int sockaddr_check(const struct sockaddr_copy *a)
{
    return a->len <= (i32)SOCKADDR_HEAD || a->len > (i32)(SOCKADDR_HEAD + SUN_PATH_MAX) ||
                   a->family != LINUX_AF_UNIX
               ? -E_INVAL
               : 0;
}

static bool is_abstract(const struct sockaddr_copy *a)
{
    return !a->path[0];
}

// The name's bytes: of a path up to its NUL, of an abstract name all behind the first one.
static struct pathname name_of(const struct sockaddr_copy *a)
{
    usize room = (usize)a->len - SOCKADDR_HEAD;
    return is_abstract(a) ? (struct pathname){a->path + 1, room - 1}
                          : (struct pathname){a->path, strnlen(a->path, room)};
}

int sockaddr_find(const struct sockaddr_copy *a, struct socket_target *out)
{
    struct pathname name = name_of(a);
    struct path base;
    *out = (struct socket_target){.address = {NULL, name.str, (u32)name.len}};
    if (is_abstract(a))
        return 0;
    int err = base_from_fd(LINUX_AT_FDCWD, name, &base);
    if (err)
        return err;
    err = vfs_find_socket(&base, name, 0, &out->place);
    path_put(&base);
    if (err)
        return err;
    out->has_place = true;
    out->address.key = path_node(&out->place);
    return 0;
}

void socket_target_put(struct socket_target *t)
{
    if (t->has_place)
        path_put(&t->place);
}

// --- telling ---
u32 sockaddr_bytes(const struct socket_label *name, char *out)
{
    static const u16 family = LINUX_AF_UNIX;
    memcpy(out, &family, SOCKADDR_HEAD);
    if (name->abstract) {
        out[SOCKADDR_HEAD] = 0;
        memcpy(out + SOCKADDR_HEAD + 1, name->text, name->len);
        return SOCKADDR_HEAD + 1 + name->len;
    }
    memcpy(out + SOCKADDR_HEAD, name->text, name->len + 1);
    return SOCKADDR_HEAD + (name->len ? name->len + 1 : 0);
}

static int put_bytes(const char *bytes, i32 n, uaddr_t addr, uaddr_t len)
{
    i32 room;
    if (user_copy_in(&room, len, sizeof(room)))
        return -E_FAULT;
    if (room < 0)
        return -E_INVAL;
    if (user_copy_out(addr, bytes, (usize)MIN(room, n)) || user_copy_out(len, &n, sizeof(n)))
        return -E_FAULT;
    return 0;
}

int sockaddr_put(const struct socket_label *name, uaddr_t addr, uaddr_t len)
{
    char bytes[SOCKADDR_HEAD + 1 + SOCKET_NAME_MAX + 1];
    i32 n = (i32)sockaddr_bytes(name, bytes);
    return put_bytes(bytes, n, addr, len);
}

int sockaddr_put_sender(const struct socket_source *from, uaddr_t addr, uaddr_t len)
{
    return from->name.len || from->name.abstract ? sockaddr_put(&from->name, addr, len)
                                                 : put_bytes(NULL, 0, addr, len);
}

// --- binding ---
// Of a socket that has a name already, the new one is made and taken away again, as there.
static int bind_path(struct object *o, struct pathname name)
{
    struct path base;
    int err = base_from_fd(LINUX_AT_FDCWD, name, &base);
    if (err)
        return err;
    err = vfs_bind_socket(&base, name, local_socket_options(o)->mode, o, name);
    path_put(&base);
    return err == -E_EXIST ? -E_ADDRINUSE : err;
}

int socket_bind_address(struct object *o, const struct sockaddr_copy *a)
{
    if (a->len == (i32)SOCKADDR_HEAD && a->family == LINUX_AF_UNIX)
        return socket_autobind(o);
    int err = sockaddr_check(a);
    if (err)
        return err;
    struct pathname name = name_of(a);
    if (!is_abstract(a))
        return bind_path(o, name);
    return local_socket_bind(o, &(struct socket_place){0}, name.str, (u32)name.len);
}

int socket_autobind(struct object *o)
{
    enum : u32 { NAMES = 1 << 20 };
    static _Atomic u32 last;
    for (u32 tries = 0; tries < NAMES; tries++) {
        char name[6];
        if (local_socket_has_name(o))
            return 0;
        (void)!ksnprintf(name, sizeof(name), "%05x", atomic_fetch_add(&last, 1) % NAMES);
        int err = local_socket_bind(o, &(struct socket_place){0}, name, 5);
        if (err != -E_ADDRINUSE)
            return err == -E_INVAL ? 0 : err; // somebody else named it meanwhile
    }
    return -E_NOSPC;
}
