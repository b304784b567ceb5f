// Inside of the terminal layer.
#pragma once
#include "ldisc.h"
#include <sched/lock.h>
#include <sched/timer.h>
#include <task/task.h>
#include <tty/tty.h>

// What a line (serial port, pseudo-terminal) does for its terminal. With tty->lock held unless said
// otherwise.
struct tty_ops {
    usize (*room)(struct tty *t);                          // bytes that write takes for sure
    void (*write)(struct tty *t, const u8 *data, usize n); // what does not fit is lost
    usize (*pending)(struct tty *t);                       // not sent yet; NULL: nothing ever waits
    void (*discard)(struct tty *t);
    void (*configure)(struct tty *t);          // t->ld.t changed; may be NULL
    void (*set_break)(struct tty *t, bool on); // may be NULL
    void (*stopped)(struct tty *t,
                    bool stopped);  // output was stopped or started (packet mode); may be NULL
    void (*drained)(struct tty *t); // a reader made room for input; lock NOT held; may be NULL
    void (*opened)(struct tty *t);  // an object more, one less; lock NOT held; may be NULL
    void (*closed)(struct tty *t);
    void (*free)(struct tty *t); // last reference; NULL: static
};

enum tty_note : u32 { // what a batch of input asked for; done after the lock is let go
    NOTE_READABLE = 1,
    NOTE_STARTED = 2,
    NOTE_FLUSHED = 4,
    NOTE_SIGNAL = 8, // << enum ldisc_signal
};

struct tty {
    // --- constant ---
    const struct tty_ops *ops;
    refcount_t refs;
    u32 major, minor;
    char name[16]; // "ttyS0", "pts/0"
    bool is_pty;
    // --- sleeping locks: one reader, one writer at a time (class tty_sleep) ---
    struct mutex read_lock, write_lock;
    // --- guarded by lock (class tty, interrupts off) ---
    struct spinlock lock;
    struct ldisc ld;
    u32 notes;
    struct kwinsize winsize;
    bool flow_stopped; // by TCXONC
    bool exclusive;
    u32 opens;           // objects
    _Atomic u32 hangups; // objects opened before the last one are dead
    // --- guarded by tree_lock ---
    struct session *session;         // whose controlling terminal it is; counted
    struct pgrp *_Atomic foreground; // counted; compared without lock
    // --- own locks ---
    struct waitqueue read_wait, write_wait; // pollers wait on both
    _Atomic u32 signals;                    // NOTE_SIGNAL bits on their way
    _Atomic bool signals_queued;            // signal_work is on its way and holds a reference
    struct work signal_work;                // posts them when the input came in an interrupt
};

struct tty_object {
    struct object obj; // first
    struct tty *tty;   // counted
    u32 born;          // tty->hangups at opening
    bool is_console;   // opened as /dev/console: survives hangups
};

void tty_setup(struct tty *t, const struct tty_ops *ops, const struct ktermios *termios, u32 major,
               u32 minor);
void tty_get(struct tty *t);
void tty_put(struct tty *t);
// The terminal behind an object: NULL if it is none. For a master: its slave (*master set).
struct tty *tty_of(const struct object *o, bool *master);
// The same as a terminal proper (masters give -E_NOTTY unless allow_master) that is not hung up.
[[nodiscard]] int tty_live(struct object *o, bool allow_master, struct tty **out);
bool tty_object_hung_up(const struct tty_object *o);
[[nodiscard]] int tty_open(struct tty *t, u32 access_and_flags, u32 status, bool console,
                           struct object **out);
// A batch of input. Any context, lock not held.
void tty_receive(struct tty *t, const u8 *data, usize n, u32 trouble);
// Does what notes ask for. Lock not held.
void tty_after(struct tty *t, u32 notes);
void tty_wake_writers(struct tty *t);
bool tty_stopped(const struct tty *t);
extern const struct object_type tty_type;
u32 tty_speed(u32 cbaud); // bits per second of a CBAUD value; 0: B0 or BOTHER

// Another window: EVENT_WINDOW to the foreground group if it changed. Thread context.
void tty_resize(struct tty *t, const struct kwinsize *w);

// job.c
// May current use the terminal for this? 0, -E_RESTART (it was told), -E_IO.
[[nodiscard]] int tty_job_check(struct tty *t, enum event_kind kind);
void tty_adopt(struct tty *t); // at open: becomes the controlling terminal if current lacks one
void tty_signal_foreground(struct tty *t, enum event_kind kind);
void tty_hangup(struct tty *t);
bool tty_is_controlling(struct tty *t); // of current
struct tty *tty_current(void);          // counted, or NULL
void job_init(void);
// pty.c
struct tty *pty_slave_of(const struct object *o); // NULL: o is no master
void pty_init(void);
// console.c
struct tty *console_tty(void); // NULL: there is none
void console_init(void);
