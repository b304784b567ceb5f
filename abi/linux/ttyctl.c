// Terminal ioctls: Linux' structures on the kernel's terminals. No state. Facts: ioctl_tty(2),
// Linux 6.12 drivers/tty/tty_io.c, tty_ioctl.c.
#include "fd.h"
#include "linux.h"
#include "path.h"
#include <device/chardev.h>
#include <ipc/local_socket.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <tty/tty.h>

// --- settings ---
i64 linux_ioctl_TCGETS2(struct href *fd, struct linux_termios2 *arg)
{
    struct ktermios k;
    static_assert(sizeof(arg->c_cc) == sizeof(k.cc));
    int err = tty_get_termios(fd->object, &k);
    if (err)
        return err;
    *arg = (struct linux_termios2){.c_iflag = k.iflag,
                                   .c_oflag = k.oflag,
                                   .c_cflag = k.cflag,
                                   .c_lflag = k.lflag,
                                   .c_line = k.line,
                                   .c_ispeed = k.ispeed,
                                   .c_ospeed = k.ospeed};
    memcpy(arg->c_cc, k.cc, sizeof(k.cc));
    return 0;
}

// The older structure is the head of the newer one.
i64 linux_ioctl_TCGETS(struct href *fd, struct linux_termios *arg)
{
    struct linux_termios2 t;
    static_assert(offsetof(struct linux_termios2, c_ispeed) == sizeof(*arg));
    i64 err = linux_ioctl_TCGETS2(fd, &t);
    if (!err)
        memcpy(arg, &t, sizeof(*arg));
    return err;
}

static i64 set_termios2(struct href *fd, const struct linux_termios2 *t, enum tty_when when)
{
    struct ktermios k = {.iflag = t->c_iflag,
                         .oflag = t->c_oflag,
                         .cflag = t->c_cflag,
                         .lflag = t->c_lflag,
                         .line = t->c_line,
                         .ispeed = t->c_ispeed,
                         .ospeed = t->c_ospeed};
    memcpy(k.cc, t->c_cc, sizeof(k.cc));
    return tty_set_termios(fd->object, &k, when);
}

// Speeds that have no code stay as they are.
static i64 set_termios(struct href *fd, const struct linux_termios *t, enum tty_when when)
{
    struct linux_termios2 now;
    i64 err = linux_ioctl_TCGETS2(fd, &now);
    if (err)
        return err;
    memcpy(&now, t, sizeof(*t));
    return set_termios2(fd, &now, when);
}

i64 linux_ioctl_TCSETS(struct href *fd, const struct linux_termios *arg)
{
    return set_termios(fd, arg, TTY_NOW);
}
i64 linux_ioctl_TCSETSW(struct href *fd, const struct linux_termios *arg)
{
    return set_termios(fd, arg, TTY_DRAIN);
}
i64 linux_ioctl_TCSETSF(struct href *fd, const struct linux_termios *arg)
{
    return set_termios(fd, arg, TTY_FLUSH);
}
i64 linux_ioctl_TCSETS2(struct href *fd, const struct linux_termios2 *arg)
{
    return set_termios2(fd, arg, TTY_NOW);
}
i64 linux_ioctl_TCSETSW2(struct href *fd, const struct linux_termios2 *arg)
{
    return set_termios2(fd, arg, TTY_DRAIN);
}
i64 linux_ioctl_TCSETSF2(struct href *fd, const struct linux_termios2 *arg)
{
    return set_termios2(fd, arg, TTY_FLUSH);
}

i64 linux_ioctl_TIOCGWINSZ(struct href *fd, struct linux_winsize *arg)
{
    struct kwinsize w;
    int err = tty_get_winsize(fd->object, &w);
    if (!err)
        *arg = (struct linux_winsize){
            .ws_row = w.rows, .ws_col = w.cols, .ws_xpixel = w.xpixel, .ws_ypixel = w.ypixel};
    return err;
}
i64 linux_ioctl_TIOCSWINSZ(struct href *fd, const struct linux_winsize *arg)
{
    const struct kwinsize w = {.rows = arg->ws_row,
                               .cols = arg->ws_col,
                               .xpixel = arg->ws_xpixel,
                               .ypixel = arg->ws_ypixel};
    return tty_set_winsize(fd->object, &w);
}

// --- job control ---
i64 linux_ioctl_TIOCGPGRP(struct href *fd, i32 *arg)
{
    u32 id;
    int err = tty_get_pgrp(fd->object, &id);
    if (!err)
        *arg = (i32)id;
    return err;
}
i64 linux_ioctl_TIOCSPGRP(struct href *fd, const i32 *arg)
{
    return tty_set_pgrp(fd->object, (u32)*arg);
}
i64 linux_ioctl_TIOCGSID(struct href *fd, i32 *arg)
{
    u32 id;
    int err = tty_get_session(fd->object, &id);
    if (!err)
        *arg = (i32)id;
    return err;
}
i64 linux_ioctl_TIOCSCTTY(struct href *fd, i32 arg)
{
    return tty_set_controlling(fd->object, arg == 1);
}
i64 linux_ioctl_TIOCNOTTY(struct href *fd)
{
    return tty_give_up_controlling(fd->object);
}

// Only a terminal that is the caller's own: others are hung up through their masters.
i64 linux_ioctl_TIOCVHANGUP(struct href *fd)
{
    u32 sid;
    if (!capable(CAP_SYS_ADMIN))
        return -E_PERM;
    int err = tty_get_session(fd->object, &sid);
    if (err && err != -E_NOTTY)
        return err;
    return err || linux_getsid(0) != (i64)sid ? -E_PERM : tty_vhangup();
}

// --- the line ---
enum { BREAK_MS = 250 };

i64 linux_ioctl_TCSBRK(struct href *fd, i32 arg)
{
    return arg ? tty_drain(fd->object) : tty_send_break(fd->object, BREAK_MS);
}
i64 linux_ioctl_TCSBRKP(struct href *fd, i32 arg)
{
    return tty_send_break(fd->object, arg > 0 ? (u32)arg * 100u : BREAK_MS);
}
i64 linux_ioctl_TIOCSBRK(struct href *fd)
{
    return tty_drain(fd->object);
}
i64 linux_ioctl_TIOCCBRK(struct href *fd)
{
    return tty_get_line(fd->object);
}
i64 linux_ioctl_TCXONC(struct href *fd, i32 arg)
{
    static_assert(LINUX_TCOOFF == (int)TTY_STOP_OUTPUT && LINUX_TCOON == (int)TTY_START_OUTPUT &&
                  LINUX_TCIOFF == (int)TTY_SEND_STOP && LINUX_TCION == (int)TTY_SEND_START);
    return tty_flow(fd->object, (u32)arg);
}
i64 linux_ioctl_TCFLSH(struct href *fd, i32 arg)
{
    static_assert(LINUX_TCIFLUSH == (int)TTY_FLUSH_IN && LINUX_TCOFLUSH == (int)TTY_FLUSH_OUT &&
                  LINUX_TCIOFLUSH == (int)TTY_FLUSH_BOTH);
    return tty_flush(fd->object, (u32)arg);
}
i64 linux_ioctl_TIOCOUTQ(struct href *fd, i32 *arg)
{
    i64 n = -E_NOTTY;
    if (object_is_local_socket(fd->object)) {
        struct socket_facts facts;
        local_socket_facts(fd->object, &facts);
        n = (i64)facts.unread;
    } else if (fd->object->type->kinds & OBJ_KIND_TTY) {
        n = tty_output_pending(fd->object);
    }
    if (n < 0)
        return n;
    *arg = (i32)n;
    return 0;
}
i64 linux_ioctl_TIOCSTI(struct href *fd, const u8 *arg)
{
    return tty_insert(fd->object, *arg);
}
i64 linux_ioctl_TIOCEXCL(struct href *fd)
{
    return tty_set_exclusive(fd->object, true);
}
i64 linux_ioctl_TIOCNXCL(struct href *fd)
{
    return tty_set_exclusive(fd->object, false);
}

// Stores a small answer that is an error when negative.
static i64 answer(int r, i32 *arg)
{
    if (r < 0)
        return r;
    *arg = r;
    return 0;
}
i64 linux_ioctl_TIOCGEXCL(struct href *fd, i32 *arg)
{
    return answer(tty_get_exclusive(fd->object), arg);
}
i64 linux_ioctl_TIOCGETD(struct href *fd, i32 *arg)
{
    return answer(tty_get_line(fd->object), arg);
}
i64 linux_ioctl_TIOCSETD(struct href *fd, const i32 *arg)
{
    return *arg ? -E_INVAL : tty_drain(fd->object);
}
i64 linux_ioctl_TIOCGDEV(struct href *fd, u32 *arg)
{
    u64 dev;
    int err = tty_device(fd->object, &dev);
    if (err)
        return err;
    u32 major = (u32)(dev >> 32), minor = (u32)dev;
    *arg = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
    return 0;
}

enum {
    LINE_DTR = 2,
    LINE_RTS = 4,
    LINE_CTS = 0x20,
    LINE_CAR = 0x40,
    LINE_DSR = 0x100,
    LINE_OUT2 = 0x4000
};

i64 linux_ioctl_TIOCMGET(struct href *fd, u32 *arg)
{
    u64 dev;
    int err = tty_device(fd->object, &dev);
    if (err)
        return err;
    if (dev >> 32 != TTY_MAJOR_SERIAL)
        return -E_NOTTY;
    *arg = LINE_DTR | LINE_RTS | LINE_CTS | LINE_CAR | LINE_DSR | LINE_OUT2;
    return 0;
}

// --- pseudo-terminals ---
i64 linux_ioctl_TIOCGPTN(struct href *fd, u32 *arg)
{
    return pty_number(fd->object, arg);
}
i64 linux_ioctl_TIOCSPTLCK(struct href *fd, const i32 *arg)
{
    return pty_set_lock(fd->object, *arg);
}
i64 linux_ioctl_TIOCGPTLCK(struct href *fd, i32 *arg)
{
    return answer(pty_get_lock(fd->object), arg);
}
i64 linux_ioctl_TIOCPKT(struct href *fd, const i32 *arg)
{
    return pty_set_packet(fd->object, *arg);
}
i64 linux_ioctl_TIOCGPKT(struct href *fd, i32 *arg)
{
    return answer(pty_get_packet(fd->object), arg);
}

// The slave's name beside the master's, where a devpts is mounted there: DIR/pts/N for DIR/ptmx, or
// DIR/N within it. -E_NOENT: there is none.
static int peer_place(struct object *master, u32 number, struct path *out)
{
    enum : usize { CAP = LINUX_PATH_MAX };
    static const char *const forms[] = {"pts/%u", "%u"};
    const struct path base = {0};
    char *name = kmalloc(CAP, 0);
    i64 n = name ? object_describe(master, name, CAP) : -E_NOMEM;
    int err = n < 0 ? (int)n : -E_NOENT;
    while (n > 0 && name[n - 1] != '/')
        n--;
    for (usize i = 0; i < ARRAY_LEN(forms) && err == -E_NOENT && n > 0; i++) {
        usize len = (usize)n + kscnprintf(name + n, CAP - (usize)n, forms[i], number);
        err = path_lookup(&base, (struct pathname){name, len}, 0, out);
        if (err)
            continue;
        const struct node *at = path_node(out);
        if ((at->mode & MODE_FMT) != MODE_CHR || at->rdev != dev_make(PTY_MAJOR, number)) {
            path_put(out);
            err = -E_NOENT;
        }
    }
    kfree(name);
    return err;
}

i64 linux_ioctl_TIOCGPTPEER(struct href *fd, u32 flags)
{
    struct object *o;
    struct path place;
    u32 number, acc = flags & LINUX_O_ACCMODE;
    u32 rights = (acc == LINUX_O_RDONLY || acc == LINUX_O_RDWR ? RIGHT_READ : 0u) |
                 (acc == LINUX_O_WRONLY || acc == LINUX_O_RDWR ? RIGHT_WRITE : 0u);
    u32 access = (rights & RIGHT_READ ? CHARDEV_READ : 0u) |
                 (rights & RIGHT_WRITE ? CHARDEV_WRITE : 0u) |
                 (flags & LINUX_O_NOCTTY ? CHARDEV_NOCTTY : 0u);
    int err = pty_number(fd->object, &number);
    if (err)
        return err;
    if (peer_place(fd->object, number, &place)) { // nobody mounted one: it has no name
        err = pty_open_peer(fd->object, access, flags & LINUX_O_NONBLOCK ? OBJ_NONBLOCK : 0, &o);
        return err ? err : fd_install(o, rights, flags & LINUX_O_CLOEXEC);
    }
    const struct open_request q = {.access = (rights & RIGHT_READ ? FILE_READ : 0u) |
                                             (rights & RIGHT_WRITE ? FILE_WRITE : 0u),
                                   .nonblock = flags & LINUX_O_NONBLOCK,
                                   .noctty = flags & LINUX_O_NOCTTY};
    err = vfs_open_path(&place, &q, false, &o, &rights);
    path_put(&place);
    return err ? err : fd_install_rights(o, rights, flags & LINUX_O_CLOEXEC);
}

i64 linux_ioctl_TIOCSIG(struct href *fd, i32 sig)
{
    // What cannot be sent becomes event 0, which the terminal refuses once it is known to be a
    // master.
    u32 kind = sig == SIG_INT    ? EVENT_INTERRUPT
               : sig == SIG_QUIT ? EVENT_QUIT
               : sig == SIG_TSTP ? EVENT_TTY_STOP
                                 : 0u;
    return pty_signal(fd->object, kind);
}
