// The line discipline: what happens to bytes between a line and the programs. Portable: no locks,
// no memory of the kernel, no sleeping; the terminal that embeds it holds its own spinlock around
// every call. Facts: POSIX XBD 11, termios(3), observed behaviour of Linux's N_TTY.
#pragma once
#include <lib/types.h>
#include <tty/termios.h>

enum : u32 {
    LDISC_BUF = 4096,
    LDISC_TROUBLE_BREAK = 1,
    LDISC_TROUBLE_PARITY = 2,
    LDISC_TROUBLE_FRAMING = 4,
    LDISC_TROUBLE_OVERRUN = 8
};
enum ldisc_signal { LDISC_INTR, LDISC_QUIT, LDISC_SUSP };

struct ldisc;
struct ldisc_ops { // what it asks of its terminal, during a call
    void (*echo)(struct ldisc *l, const u8 *data,
                 usize n); // to the line, as it is; what does not fit is lost
    void (*signal)(struct ldisc *l, enum ldisc_signal s); // to the foreground group
    void (*flushed)(struct ldisc *l); // a signal character: output that waits is to be dropped
    void (*stopped)(struct ldisc *l, bool stopped); // output was stopped or started by a character
    void (*readable)(struct ldisc *l);              // a reader may go on
};

struct ldisc {
    const struct ldisc_ops *ops;
    struct ktermios t;
    // Input. Counters run freely; the byte of counter n is at n % LDISC_BUF. tail..canon_head is
    // complete lines, canon_head..head the line being edited; without ICANON all of tail..head may
    // be read.
    u32 head, canon_head, tail;
    u8 buf[LDISC_BUF];
    u64 delim[LDISC_BUF / 64]; // this byte ends a line (an end-of-file character: and is not given
                               // to the reader)
    u64 eof[LDISC_BUF / 64];
    u32 column, canon_column; // of the cursor; where the edited line began
    bool lnext;               // the next byte is literal
    bool erasing;             // inside \.../ of ECHOPRT
    bool output_stopped;      // by the STOP character
    bool sent_stop;           // IXOFF: we asked the other side to stop
    u32 echo_len;             // echoes of the batch under way
    u8 echo_buf[128];
};

void ldisc_init(struct ldisc *l, const struct ldisc_ops *ops, const struct ktermios *t);
// New settings; lines and columns carry over as POSIX allows.
void ldisc_set_termios(struct ldisc *l, const struct ktermios *t);
// Bytes came from the line. trouble: LDISC_TROUBLE_* of the last one.
void ldisc_receive(struct ldisc *l, const u8 *data, usize n, u32 trouble);
// How many bytes receive can take now without losing any (pseudo-terminals wait for this).
usize ldisc_room(const struct ldisc *l);
// Would a reader get something (for poll)? And how many bytes (FIONREAD)?
bool ldisc_readable(const struct ldisc *l);
usize ldisc_pending(const struct ldisc *l);
// Moves up to n bytes to dst. With ICANON at most the rest of one line; *ended tells that the line
// (or an end-of-file) is through, so that the read is over even if 0 came.
usize ldisc_read(struct ldisc *l, u8 *dst, usize n, bool *ended);
void ldisc_flush_input(struct ldisc *l);
// Output processing: turns in[0..n) into out[0..cap); *used is how much of it was taken. cap >= 8.
// Returns bytes made.
usize ldisc_output(struct ldisc *l, const u8 *in, usize n, u8 *out, usize cap, usize *used);
static inline bool ldisc_canonical(const struct ldisc *l)
{
    return l->t.lflag & KT_ICANON;
}
extern const struct ktermios ldisc_default_termios; // what a fresh terminal has
