// Terminals as ABI handlers see them: typed operations on a terminal object. No user pointers.
// Thread context; those marked "waits" sleep interruptibly and may return -E_RESTART. Functions on
// an object that is no terminal return -E_NOTTY; after a hangup -E_IO. Facts: Linux 6.12
// ioctl_tty(2), termios(3), POSIX XBD 11.
#pragma once
#include <object/object.h>
#include <tty/termios.h>

void tty_init(
    void); // boot: after device_init and ipc; attaches serial ports, takes over the console

bool object_is_tty(const struct object *o);

[[nodiscard]] int tty_get_termios(struct object *o, struct ktermios *out);
enum tty_when { TTY_NOW, TTY_DRAIN /* waits for output */, TTY_FLUSH /* also drops input */ };
// Background callers get EVENT_TTY_OUTPUT first (-E_RESTART), or -E_IO when orphaned. waits
[[nodiscard]] int tty_set_termios(struct object *o, const struct ktermios *t, enum tty_when when);
[[nodiscard]] int tty_get_winsize(struct object *o, struct kwinsize *out);
[[nodiscard]] int
tty_set_winsize(struct object *o,
                const struct kwinsize *w); // EVENT_WINDOW to the foreground group if it changed

// --- job control ---
[[nodiscard]] int tty_get_pgrp(struct object *o,
                               u32 *pgid); // -E_NOTTY: not the caller's controlling terminal
[[nodiscard]] int
tty_set_pgrp(struct object *o,
             u32 pgid); // -E_NOTTY, -E_SRCH, -E_PERM, -E_INVAL (0 or too large), waits
[[nodiscard]] int tty_get_session(struct object *o, u32 *sid); // -E_NOTTY
// Makes it the caller's controlling terminal. steal: take it from another session (needs
// CAP_SYS_ADMIN). -E_PERM.
[[nodiscard]] int tty_set_controlling(struct object *o, bool steal);
[[nodiscard]] int tty_give_up_controlling(struct object *o); // TIOCNOTTY; -E_NOTTY
[[nodiscard]] int
tty_vhangup(void); // hangs the caller's controlling terminal up; -E_PERM without CAP_SYS_TTY_CONFIG
// For /proc/pid/stat: device number of a session's terminal and its foreground group; 0 and -1
// without one. tree_lock not held.
struct task;
void tty_of_task(struct task *t, u32 *major, u32 *minor, i32 *foreground);

// --- line ---
enum tty_flow { TTY_STOP_OUTPUT, TTY_START_OUTPUT, TTY_SEND_STOP, TTY_SEND_START };
[[nodiscard]] int tty_flow(struct object *o, u32 action); // -E_INVAL; waits
enum tty_flush { TTY_FLUSH_IN, TTY_FLUSH_OUT, TTY_FLUSH_BOTH };
[[nodiscard]] int tty_flush(struct object *o, u32 what); // -E_INVAL; waits
[[nodiscard]] int tty_drain(struct object *o);           // TCSBRK with argument: waits for output
[[nodiscard]] int tty_send_break(struct object *o, u32 ms); // waits
[[nodiscard]] i64 tty_input_pending(struct object *o);      // FIONREAD: bytes a read would give
[[nodiscard]] i64 tty_output_pending(struct object *o);     // TIOCOUTQ
[[nodiscard]] int
tty_insert(struct object *o,
           u8 c); // TIOCSTI; -E_PERM: not the controlling terminal and no CAP_SYS_ADMIN
[[nodiscard]] int tty_set_exclusive(struct object *o, bool on);
[[nodiscard]] int tty_get_exclusive(struct object *o); // 0, 1
[[nodiscard]] int tty_get_line(struct object *o);      // TIOCGETD: 0
[[nodiscard]] int tty_device(struct object *o,
                             u64 *rdev); // number of the real device (for /dev/tty too)

// --- pseudo-terminals; on a master unless said otherwise; -E_NOTTY if it is none ---
[[nodiscard]] int pty_number(struct object *o, u32 *n);
[[nodiscard]] int pty_set_lock(struct object *o, bool on);
[[nodiscard]] int pty_get_lock(struct object *o); // 0, 1
[[nodiscard]] int pty_set_packet(struct object *o, bool on);
[[nodiscard]] int pty_get_packet(struct object *o);
// Opens the slave side. access_and_flags: CHARDEV_*. -E_IO.
[[nodiscard]] int pty_open_peer(struct object *o, u32 access_and_flags, u32 status,
                                struct object **out);
// Sends an event to the slave's foreground group (TIOCSIG). kind: enum event_kind.
[[nodiscard]] int pty_signal(struct object *o, u32 event_kind);
// For devpts: calls fn for every pair that exists, in order of numbers; non-zero stops.
struct pty_info {
    u32 number, uid, gid, mode;
    i64 created_ns;
};
int pty_for_each(u32 from, int (*fn)(const struct pty_info *i, void *arg), void *arg);
[[nodiscard]] int pty_info(u32 number, struct pty_info *out); // -E_NOENT
// Owner and permission bits, as devpts shows them. No effect if the pair is gone.
void pty_set_owner(u32 number, u32 uid, u32 gid, u32 mode);
enum {
    TTY_MAJOR_SERIAL = 4,
    TTY_MINOR_SERIAL = 64,
    TTY_MAJOR_AUX = 5,
    TTY_MINOR_CURRENT = 0,
    TTY_MINOR_CONSOLE = 1,
    TTY_MINOR_PTMX = 2,
    PTY_MAJOR = 136
};
