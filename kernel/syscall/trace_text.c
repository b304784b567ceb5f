// Text output of the tracer. Pure functions of their arguments; no locks, no allocation.
#include "trace_text.h"

void text_char(struct trace_text *t, char c)
{
    if (t->len + 1 < t->cap)
        t->buf[t->len] = c;
    t->len++;
}

void text_str(struct trace_text *t, const char *s)
{
    while (*s != '\0')
        text_char(t, *s++);
}

void text_dec(struct trace_text *t, u64 value, bool negative)
{
    char digits[20];
    usize n = 0;
    if (negative) {
        text_char(t, '-');
        value = -value;
    }
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n != 0)
        text_char(t, digits[--n]);
}

static void in_base(struct trace_text *t, u64 value, u32 shift, u32 least)
{
    u32 digits = 1;
    while (digits * shift < 64 && value >> (digits * shift) != 0)
        digits++;
    digits = MAX(digits, least);
    while (digits-- != 0) {
        const u64 at = (u64)digits * shift;
        text_char(t, "0123456789abcdef"[at < 64 ? (value >> at) & ((1u << shift) - 1) : 0]);
    }
}

void text_hex(struct trace_text *t, u64 value)
{
    if (value != 0)
        text_str(t, "0x");
    in_base(t, value, 4, 1);
}

void text_oct(struct trace_text *t, u64 value, u32 digits)
{
    if (value != 0)
        text_char(t, '0');
    in_base(t, value, 3, value != 0 ? digits - 1 : digits);
}

static void quoted_byte(struct trace_text *t, u8 c, bool digit_follows)
{
    static const char letters[] = "\"\"\\\\\ff\nn\rr\tt\vv";
    for (usize i = 0; letters[i] != '\0'; i += 2) {
        if ((u8)letters[i] == c) {
            text_char(t, '\\');
            text_char(t, letters[i + 1]);
            return;
        }
    }
    if (c >= ' ' && c <= '~') {
        text_char(t, (char)c);
        return;
    }
    text_char(t, '\\');
    in_base(t, c, 3, digit_follows ? 3 : 1);
}

void text_quoted(struct trace_text *t, const u8 *bytes, usize n, bool all_hex)
{
    text_char(t, '"');
    for (usize i = 0; i < n; i++) {
        if (all_hex) {
            text_str(t, "\\x");
            in_base(t, bytes[i], 4, 2);
        } else {
            quoted_byte(t, bytes[i], i + 1 < n && bytes[i + 1] >= '0' && bytes[i + 1] <= '7');
        }
    }
    text_char(t, '"');
}
