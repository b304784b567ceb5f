// The line discipline: output processing and echoes.
//
// Guarded by the terminal's lock. The cursor's column is kept here, for tabs and for erasing.
#include "ldisc.h"
#include "ldisc_echo.h"
#include <lib/string.h>

// Turns one byte into at most 8; returns how many. OPOST is set.
static usize output_char(struct ldisc *l, u8 c, u8 out[8])
{
    u32 o = l->t.oflag;
    switch (c) {
    case '\n':
        if (o & KT_ONLRET)
            l->column = l->canon_column = 0;
        if (o & KT_ONLCR) {
            l->column = l->canon_column = 0;
            out[0] = '\r';
            out[1] = '\n';
            return 2;
        }
        break;
    case '\r':
        if (o & KT_ONOCR && l->column == 0)
            return 0;
        if (o & KT_OCRNL) {
            c = '\n';
            if (!(o & KT_ONLRET))
                break;
        }
        l->column = l->canon_column = 0;
        break;
    case '\t': {
        u32 spaces = 8 - l->column % 8;
        l->column += spaces;
        if ((o & KT_TABDLY) == KT_TAB3) {
            memset(out, ' ', spaces);
            return spaces;
        }
        break;
    }
    case '\b':
        if (l->column)
            l->column--;
        break;
    default:
        if (ldisc_is_control(c))
            break;
        if (o & KT_OLCUC && c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (!(l->t.iflag & KT_IUTF8 && (c & 0xc0) == 0x80))
            l->column++;
    }
    out[0] = c;
    return 1;
}

usize ldisc_output(struct ldisc *l, const u8 *in, usize n, u8 *out, usize cap, usize *used)
{
    if (!(l->t.oflag & KT_OPOST)) {
        *used = MIN(n, cap);
        memcpy(out, in, *used);
        return *used;
    }
    usize i = 0, made = 0;
    bool plain_case = !(l->t.oflag & KT_OLCUC), utf8 = l->t.iflag & KT_IUTF8;
    while (i < n && cap - made >= 8) {
        u8 c = in[i];
        // Most of all output is plain text: no call, no cases.
        if (LIKELY(c >= ' ' && c < 0x7f && plain_case)) {
            out[made++] = c;
            l->column++;
        } else if (c >= 0x80 && plain_case) {
            out[made++] = c;
            l->column += !(utf8 && (c & 0xc0) == 0x80);
        } else {
            made += output_char(l, c, out + made);
        }
        i++;
    }
    *used = i;
    return made;
}

// Echoes of one batch of input gather in the discipline.
static void send(struct ldisc *l)
{
    if (l->echo_len)
        l->ops->echo(l, l->echo_buf, l->echo_len);
    l->echo_len = 0;
}

void ldisc_echo_begin(struct ldisc *l)
{
    l->echo_len = 0;
}

void ldisc_echo_end(struct ldisc *l)
{
    send(l);
}

void ldisc_echo_raw(struct ldisc *l, u8 c)
{
    if (sizeof(l->echo_buf) - l->echo_len < 8)
        send(l);
    if (l->t.oflag & KT_OPOST)
        l->echo_len += (u32)output_char(l, c, l->echo_buf + l->echo_len);
    else
        l->echo_buf[l->echo_len++] = c;
}

void ldisc_echo_char(struct ldisc *l, u8 c)
{
    if (l->t.lflag & KT_ECHOCTL && ldisc_is_control(c) && c != '\t') {
        ldisc_echo_raw(l, '^');
        ldisc_echo_raw(l, c ^ 0100);
    } else {
        ldisc_echo_raw(l, c);
    }
}
