// The line discipline: input.
//
// Owns the input ring and the editing of lines. Guarded by the terminal's lock, held by every
// caller. Output processing, which echoes use too, is in ldisc_output.c.
#include "ldisc.h"
#include "ldisc_echo.h"
#include <lib/string.h>

enum : u32 { MASK = LDISC_BUF - 1, LINE_LIMIT = LDISC_BUF - 1, LOW_WATER = 128 };

const struct ktermios ldisc_default_termios = {
    .iflag = KT_ICRNL | KT_IXON,
    .oflag = KT_OPOST | KT_ONLCR,
    .cflag = KT_B38400 | KT_CS8 | KT_CREAD | KT_HUPCL,
    .lflag =
        KT_ISIG | KT_ICANON | KT_ECHO | KT_ECHOE | KT_ECHOK | KT_ECHOCTL | KT_ECHOKE | KT_IEXTEN,
    .cc = {[KT_VINTR] = 3,
           [KT_VQUIT] = 28,
           [KT_VERASE] = 127,
           [KT_VKILL] = 21,
           [KT_VEOF] = 4,
           [KT_VTIME] = 0,
           [KT_VMIN] = 1,
           [KT_VSTART] = 17,
           [KT_VSTOP] = 19,
           [KT_VSUSP] = 26,
           [KT_VREPRINT] = 18,
           [KT_VDISCARD] = 15,
           [KT_VWERASE] = 23,
           [KT_VLNEXT] = 22},
    .ispeed = 38400,
    .ospeed = 38400,
};

static bool bit_test(const u64 *map, u32 n)
{
    return map[(n & MASK) / 64] >> (n % 64) & 1;
}
static void bit_set(u64 *map, u32 n)
{
    map[(n & MASK) / 64] |= 1ull << (n % 64);
}
static void bit_clear(u64 *map, u32 n)
{
    map[(n & MASK) / 64] &= ~(1ull << (n % 64));
}

static bool has(const struct ldisc *l, u32 lflag)
{
    return l->t.lflag & lflag;
}
static bool is_cc(const struct ldisc *l, u32 index, u8 c)
{
    return c && l->t.cc[index] == c; // 0 disables
}
static bool is_cc_ext(const struct ldisc *l, u32 index, u8 c)
{
    return has(l, KT_IEXTEN) && is_cc(l, index, c);
}

void ldisc_init(struct ldisc *l, const struct ldisc_ops *ops, const struct ktermios *t)
{
    memset(l, 0, sizeof(*l));
    l->ops = ops;
    l->t = *t;
}

void ldisc_set_termios(struct ldisc *l, const struct ktermios *t)
{
    u32 changed = l->t.lflag ^ t->lflag;
    bool was_xon = l->t.iflag & KT_IXON;
    l->t = *t;
    if (changed & KT_ICANON) {
        memset(l->delim, 0, sizeof(l->delim));
        memset(l->eof, 0, sizeof(l->eof));
        if (l->head != l->tail) // what was typed so far can be read at once, as a line
            bit_set(l->delim, l->head - 1);
        l->canon_head = l->head;
        l->erasing = l->lnext = false;
    }
    if (was_xon && !(t->iflag & KT_IXON) && l->output_stopped) {
        l->output_stopped = false;
        l->ops->stopped(l, false);
    }
    l->ops->readable(l);
}

void ldisc_flush_input(struct ldisc *l)
{
    memset(l->delim, 0, sizeof(l->delim));
    memset(l->eof, 0, sizeof(l->eof));
    l->tail = l->canon_head = l->head;
    l->lnext = l->erasing = false;
}

usize ldisc_room(const struct ldisc *l)
{
    // A line that is too long loses its end rather than blocking the one character that would
    // finish it.
    if (ldisc_canonical(l) && l->canon_head == l->tail)
        return LDISC_BUF;
    u32 used = l->head - l->tail;
    return used < LINE_LIMIT ? LINE_LIMIT - used : 0;
}

bool ldisc_readable(const struct ldisc *l)
{
    if (ldisc_canonical(l))
        return l->canon_head != l->tail;
    u32 least = l->t.cc[KT_VTIME] || !l->t.cc[KT_VMIN] ? 1 : l->t.cc[KT_VMIN];
    return l->head - l->tail >= least;
}

usize ldisc_pending(const struct ldisc *l)
{
    if (!ldisc_canonical(l))
        return l->head - l->tail;
    usize n = 0;
    for (u32 i = l->tail; i != l->canon_head; i++)
        n += !bit_test(l->eof, i);
    return n;
}

// --- storing ---

// False: no room, the byte is lost.
static bool put(struct ldisc *l, u8 c)
{
    if (l->head - l->tail >= LINE_LIMIT) {
        if (l->t.iflag & KT_IMAXBEL)
            ldisc_echo_raw(l, '\a');
        return false;
    }
    bit_clear(l->delim, l->head);
    bit_clear(l->eof, l->head);
    l->buf[l->head & MASK] = c;
    l->head++;
    return true;
}

// Ends the line with c. There is always room for it: put leaves one place free.
static void put_delimiter(struct ldisc *l, u8 c, bool eof)
{
    if (l->head - l->tail >= LDISC_BUF)
        return; // a complete line is still unread and this one had no room at all
    l->buf[l->head & MASK] = c;
    bit_set(l->delim, l->head);
    if (eof)
        bit_set(l->eof, l->head);
    else
        bit_clear(l->eof, l->head);
    l->head++;
    l->canon_head = l->head;
    l->ops->readable(l);
}

static void put_input(struct ldisc *l, u8 c)
{
    if (c == 0xff && l->t.iflag & KT_PARMRK)
        (void)put(l, c); // doubled, so that marks can be told from data
    (void)put(l, c);
    if (!ldisc_canonical(l)) // a reader may wait for less than MIN
        l->ops->readable(l);
}

// --- flow control ---

static void set_stopped(struct ldisc *l, bool stopped)
{
    if (l->output_stopped == stopped)
        return;
    l->output_stopped = stopped;
    l->ops->stopped(l, stopped);
}

static void throttle(struct ldisc *l)
{
    if (l->t.iflag & KT_IXOFF && !l->sent_stop && ldisc_room(l) < LOW_WATER) {
        l->sent_stop = true;
        l->ops->echo(l, &l->t.cc[KT_VSTOP], 1);
    }
}

static void unthrottle(struct ldisc *l)
{
    if (l->sent_stop && (!(l->t.iflag & KT_IXOFF) || l->head - l->tail <= LOW_WATER)) {
        l->sent_stop = false;
        l->ops->echo(l, &l->t.cc[KT_VSTART], 1);
    }
}

// --- editing ---

static bool is_continuation(const struct ldisc *l, u8 c)
{
    return l->t.iflag & KT_IUTF8 && (c & 0xc0) == 0x80;
}

static bool is_word_char(u8 c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c >= 0x80;
}

// Columns that the line takes up to (not including) counter `end`, from the last tab or the line's
// start; *tab: it was a tab.
static u32 columns_before(const struct ldisc *l, u32 end, bool *tab)
{
    u32 n = 0;
    for (u32 i = end; i != l->canon_head; i--) {
        u8 c = l->buf[(i - 1) & MASK];
        if (c == '\t') {
            *tab = true;
            return n;
        }
        if (ldisc_is_control(c))
            n += has(l, KT_ECHOCTL) ? 2 : 0;
        else if (!is_continuation(l, c))
            n++;
    }
    *tab = false;
    return n;
}

// Takes the picture of an erased character off the screen; it was at counter l->head (already taken
// out).
static void echo_erased(struct ldisc *l, u8 c)
{
    if (c == '\t') {
        bool tab;
        u32 n = columns_before(l, l->head, &tab);
        if (!tab)
            n += l->canon_column;
        for (u32 back = 8 - n % 8; back; back--)
            ldisc_echo_raw(l, '\b');
        return;
    }
    u32 width = !ldisc_is_control(c) ? 1 : has(l, KT_ECHOCTL) ? 2 : 0;
    while (width--) {
        ldisc_echo_raw(l, '\b');
        ldisc_echo_raw(l, ' ');
        ldisc_echo_raw(l, '\b');
    }
}

static void finish_erasing(struct ldisc *l)
{
    if (l->erasing) {
        l->erasing = false;
        ldisc_echo_raw(l, '/');
    }
}

// Takes the last character (all its bytes) out of the line and shows that. False: the line is
// empty.
static bool erase_char(struct ldisc *l)
{
    u32 at = l->head;
    if (at == l->canon_head)
        return false;
    do
        at--;
    while (is_continuation(l, l->buf[at & MASK]) && at != l->canon_head);
    if (is_continuation(l, l->buf[at & MASK])) // only a part of a character: not ours to cut
        return false;
    u8 c = l->buf[at & MASK];
    u32 count = l->head - at;
    l->head = at;
    if (!has(l, KT_ECHO))
        return true;
    if (has(l, KT_ECHOPRT)) {
        if (!l->erasing) {
            ldisc_echo_raw(l, '\\');
            l->erasing = true;
        }
        ldisc_echo_char(l, c);
        for (u32 i = 1; i < count; i++)
            ldisc_echo_raw(l, l->buf[(at + i) & MASK]);
    } else if (has(l, KT_ECHOE)) {
        echo_erased(l, c);
    }
    return true;
}

static void do_erase(struct ldisc *l)
{
    if (l->head == l->canon_head)
        return;
    (void)erase_char(l);
    if (has(l, KT_ECHO) && !has(l, KT_ECHOPRT) && !has(l, KT_ECHOE))
        ldisc_echo_char(l, l->t.cc[KT_VERASE]);
    if (l->head == l->canon_head && has(l, KT_ECHO))
        finish_erasing(l);
}

static void do_word_erase(struct ldisc *l)
{
    bool seen = false;
    while (l->head != l->canon_head) {
        u8 c = l->buf[(l->head - 1) & MASK];
        if (is_word_char(c))
            seen = true;
        else if (seen)
            break;
        if (!erase_char(l))
            break;
    }
    if (l->head == l->canon_head && has(l, KT_ECHO))
        finish_erasing(l);
}

static void do_kill(struct ldisc *l)
{
    if (l->head == l->canon_head)
        return;
    if (!has(l, KT_ECHO)) {
        l->head = l->canon_head;
        return;
    }
    if (has(l, KT_ECHOK) && has(l, KT_ECHOKE) && has(l, KT_ECHOE)) {
        while (erase_char(l))
            ;
        if (l->head == l->canon_head)
            finish_erasing(l);
        l->head = l->canon_head;
        return;
    }
    l->head = l->canon_head;
    finish_erasing(l);
    ldisc_echo_char(l, l->t.cc[KT_VKILL]);
    if (has(l, KT_ECHOK))
        ldisc_echo_raw(l, '\n');
}

static void do_reprint(struct ldisc *l, u8 c)
{
    finish_erasing(l);
    ldisc_echo_char(l, c);
    ldisc_echo_raw(l, '\n');
    for (u32 i = l->canon_head; i != l->head; i++)
        ldisc_echo_char(l, l->buf[i & MASK]);
}

static void echo_input(struct ldisc *l, u8 c)
{
    if (!has(l, KT_ECHO))
        return;
    finish_erasing(l);
    if (l->canon_head == l->head)
        l->canon_column = l->column;
    if (c == '\n')
        ldisc_echo_raw(l, c);
    else
        ldisc_echo_char(l, c);
}

// A character that is special only while lines are edited. True: done with it.
static bool edit(struct ldisc *l, u8 c)
{
    if (is_cc(l, KT_VERASE, c)) {
        do_erase(l);
        return true;
    }
    if (is_cc_ext(l, KT_VWERASE, c)) {
        do_word_erase(l);
        return true;
    }
    if (is_cc(l, KT_VKILL, c)) {
        do_kill(l);
        return true;
    }
    if (is_cc_ext(l, KT_VLNEXT, c)) {
        l->lnext = true;
        if (has(l, KT_ECHO)) {
            finish_erasing(l);
            if (has(l, KT_ECHOCTL)) {
                ldisc_echo_raw(l, '^');
                ldisc_echo_raw(l, '\b');
            }
        }
        return true;
    }
    if (has(l, KT_ECHO) && is_cc_ext(l, KT_VREPRINT, c)) {
        do_reprint(l, c);
        return true;
    }
    if (c == '\n') {
        if (has(l, KT_ECHO) || has(l, KT_ECHONL)) {
            finish_erasing(l);
            ldisc_echo_raw(l, '\n');
        }
        put_delimiter(l, '\n', false);
        return true;
    }
    if (is_cc(l, KT_VEOF, c)) {
        put_delimiter(l, 0, true);
        return true;
    }
    if (is_cc(l, KT_VEOL, c) || is_cc_ext(l, KT_VEOL2, c)) {
        echo_input(l, c);
        if (c == 0xff && l->t.iflag & KT_PARMRK)
            (void)put(l, c);
        put_delimiter(l, c, false);
        return true;
    }
    return false;
}

// --- signals ---

static void do_signal(struct ldisc *l, enum ldisc_signal s, u8 c, bool echo)
{
    if (!has(l, KT_NOFLSH)) {
        ldisc_flush_input(l);
        l->ops->flushed(l);
    }
    l->ops->signal(l, s);
    if (l->t.iflag & KT_IXON)
        set_stopped(l, false);
    if (echo && has(l, KT_ECHO)) {
        finish_erasing(l);
        ldisc_echo_char(l, c);
    }
}

static bool signal_char(struct ldisc *l, u8 c)
{
    if (!has(l, KT_ISIG))
        return false;
    if (is_cc(l, KT_VINTR, c))
        do_signal(l, LDISC_INTR, c, true);
    else if (is_cc(l, KT_VQUIT, c))
        do_signal(l, LDISC_QUIT, c, true);
    else if (is_cc(l, KT_VSUSP, c))
        do_signal(l, LDISC_SUSP, c, true);
    else
        return false;
    return true;
}

static bool flow_char(struct ldisc *l, u8 c)
{
    if (!(l->t.iflag & KT_IXON))
        return false;
    if (is_cc(l, KT_VSTART, c)) // where both are the same character, it toggles
        set_stopped(l, l->t.cc[KT_VSTOP] == c && !l->output_stopped);
    else if (is_cc(l, KT_VSTOP, c))
        set_stopped(l, true);
    else
        return false;
    return true;
}

// --- one byte from the line ---

static void receive_literal(struct ldisc *l, u8 c)
{
    l->lnext = false;
    echo_input(l, c);
    put_input(l, c);
}

static void receive_byte(struct ldisc *l, u8 c)
{
    if (l->t.iflag & KT_ISTRIP)
        c &= 0x7f;
    if (l->t.iflag & KT_IUCLC && has(l, KT_IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (has(l, KT_EXTPROC)) {
        put_input(l, c);
        return;
    }
    if (l->lnext) {
        receive_literal(l, c);
        return;
    }
    if (flow_char(l, c) || signal_char(l, c))
        return;
    if (l->output_stopped && l->t.iflag & KT_IXON && l->t.iflag & KT_IXANY)
        set_stopped(l, false);
    if (c == '\r') {
        if (l->t.iflag & KT_IGNCR)
            return;
        if (l->t.iflag & KT_ICRNL)
            c = '\n';
    } else if (c == '\n' && l->t.iflag & KT_INLCR) {
        c = '\r';
    }
    if (ldisc_canonical(l) && edit(l, c))
        return;
    echo_input(l, c);
    put_input(l, c);
}

static void receive_trouble(struct ldisc *l, u8 c, u32 trouble)
{
    u32 i = l->t.iflag;
    bool broke = trouble & LDISC_TROUBLE_BREAK;
    if (broke) {
        if (i & KT_IGNBRK)
            return;
        if (i & KT_BRKINT) {
            do_signal(l, LDISC_INTR, 0, false);
            return;
        }
    } else {
        if (i & KT_IGNPAR)
            return;
        if (!(i & KT_INPCK)) {
            receive_byte(l, c);
            return;
        }
    }
    if (i & KT_PARMRK) {
        (void)put(l, 0xff);
        (void)put(l, 0);
    }
    (void)put(l, broke || !(i & KT_PARMRK) ? 0 : c);
    if (!ldisc_canonical(l))
        l->ops->readable(l);
}

void ldisc_receive(struct ldisc *l, const u8 *data, usize n, u32 trouble)
{
    ldisc_echo_begin(l);
    for (usize i = 0; i < n; i++) {
        if (UNLIKELY(trouble & ~LDISC_TROUBLE_OVERRUN) && i == n - 1)
            receive_trouble(l, data[i], trouble);
        else
            receive_byte(l, data[i]);
    }
    ldisc_echo_end(l);
    throttle(l);
}

// --- reading ---

static usize read_line(struct ldisc *l, u8 *dst, usize n, bool *ended)
{
    usize done = 0;
    while (l->tail != l->canon_head) {
        bool eof = bit_test(l->eof, l->tail);
        if (done == n && !eof)
            break;
        bool last = bit_test(l->delim, l->tail);
        if (done == n && eof && n) {
            // The line is full and only its end-of-file mark is left: it goes with it, so that the
            // next read does not see an end.
            l->tail++;
            *ended = true;
            break;
        }
        if (!eof)
            dst[done++] = l->buf[l->tail & MASK];
        l->tail++;
        if (last) {
            *ended = true;
            break;
        }
    }
    return done;
}

usize ldisc_read(struct ldisc *l, u8 *dst, usize n, bool *ended)
{
    usize done;
    *ended = false;
    if (ldisc_canonical(l)) {
        done = read_line(l, dst, n, ended);
    } else {
        u32 at = l->tail & MASK;
        done = MIN(n, (usize)(l->head - l->tail));
        usize first = MIN(done, (usize)(LDISC_BUF - at));
        memcpy(dst, l->buf + at, first);
        memcpy(dst + first, l->buf, done - first);
        l->tail += (u32)done;
        l->canon_head = l->head; // what follows after a change to ICANON starts a line
    }
    unthrottle(l);
    return done;
}
