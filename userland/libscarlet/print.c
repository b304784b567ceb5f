// Formatting and the standard output buffer.
#include "private.h"

struct sink {
    char *buf;
    usize cap, len;
};

static void put(struct sink *s, char c)
{
    if (s->len + 1 < s->cap)
        s->buf[s->len] = c;
    s->len++;
}

static void put_padded(struct sink *s, const char *text, usize n, usize width, bool left, char fill)
{
    usize pad = width > n ? width - n : 0;
    if (!left && fill == '0' && n && *text == '-') { // the sign stands in front of the zeroes
        put(s, *text++);
        n--;
    }
    for (; !left && pad; pad--)
        put(s, fill);
    for (usize i = 0; i < n; i++)
        put(s, text[i]);
    for (; pad; pad--)
        put(s, ' ');
}

static usize digits(char *end, u64 v, u32 base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    usize n = 0;
    do {
        *--end = set[v % base];
        v /= base;
        n++;
    } while (v);
    return n;
}

usize format_args(char *buf, usize cap, const char *fmt, va_list ap)
{
    struct sink s = {buf, cap, 0};
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&s, *fmt);
            continue;
        }
        bool left = false, zero = false, has_precision = false;
        usize width = 0, precision = 0;
        int longs = 0;
        for (fmt++; *fmt == '-' || *fmt == '0'; fmt++)
            *fmt == '-' ? (left = true) : (zero = true);
        if (*fmt == '*') {
            int w = va_arg(ap, int);
            left |= w < 0;
            width = (usize)(w < 0 ? -w : w);
            fmt++;
        }
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (usize)(*fmt - '0');
        if (*fmt == '.') {
            has_precision = true;
            fmt++;
            if (*fmt == '*') {
                int p = va_arg(ap, int);
                precision = p < 0 ? 0 : (usize)p;
                fmt++;
            }
            for (; *fmt >= '0' && *fmt <= '9'; fmt++)
                precision = precision * 10 + (usize)(*fmt - '0');
        }
        for (; *fmt == 'l' || *fmt == 'z'; fmt++)
            longs++;
        char num[72], *end = num + sizeof(num);
        usize n;
        u64 v;
        i64 d;
        switch (*fmt) {
        case 's': {
            const char *t = va_arg(ap, const char *);
            t = t ? t : "(null)";
            for (n = 0; t[n] && (!has_precision || n < precision); n++)
                ;
            put_padded(&s, t, n, width, left, ' ');
            break;
        }
        case 'c': {
            char c = (char)va_arg(ap, int);
            put_padded(&s, &c, 1, width, left, ' ');
            break;
        }
        case 'd':
        case 'i':
            d = longs ? va_arg(ap, i64) : va_arg(ap, int);
            n = digits(end, d < 0 ? -(u64)d : (u64)d, 10, false);
            if (d < 0)
                end[-(isize)++n] = '-';
            put_padded(&s, end - n, n, width, left, zero ? '0' : ' ');
            break;
        case 'u':
        case 'x':
        case 'X':
        case 'o':
        case 'p':
            v = *fmt == 'p' || longs ? va_arg(ap, u64) : va_arg(ap, unsigned);
            n = digits(end, v, *fmt == 'u' ? 10 : *fmt == 'o' ? 8 : 16, *fmt == 'X');
            put_padded(&s, end - n, n, width, left, zero ? '0' : ' ');
            break;
        case 0:
            fmt--;
            break;
        default:
            put(&s, *fmt);
        }
    }
    if (cap)
        buf[s.len < cap ? s.len : cap - 1] = 0;
    return s.len;
}

usize format(char *buf, usize cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    usize n = format_args(buf, cap, fmt, ap);
    va_end(ap);
    return n;
}

// --- output ---
static char pending[8192];
static usize npending;

void flush(void)
{
    usize n = npending;
    npending = 0;
    long r = n ? write_all(1, pending, n) : 0;
    if (r < 0) {
        if (r != -SCARLET_BROKEN_PIPE)
            say("standard output: %s", status_text(r));
        scarlet_call_exit(1);
    }
}

void out_bytes(const void *p, usize n)
{
    if (n > sizeof(pending) - npending)
        flush();
    if (n > sizeof(pending)) {
        if (write_all(1, p, n) < 0)
            scarlet_call_exit(1);
        return;
    }
    memcpy(pending + npending, p, n);
    npending += n;
}

void out(const char *fmt, ...)
{
    struct text t = {0};
    char small[512];
    va_list ap;
    va_start(ap, fmt);
    usize n = format_args(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < sizeof(small)) {
        out_bytes(small, n);
        return;
    }
    t.s = allocate(n + 1);
    va_start(ap, fmt);
    format_args(t.s, n + 1, fmt, ap);
    va_end(ap);
    out_bytes(t.s, n);
    release(t.s);
}

int say_handle = 2;

static void say_args(const char *fmt, va_list ap)
{
    char line[1024];
    usize n = format(line, sizeof(line), "%s: ", program_name);
    n += format_args(line + n, sizeof(line) - n - 1, fmt, ap);
    if (n > sizeof(line) - 2)
        n = sizeof(line) - 2;
    line[n++] = '\n';
    (void)write_all(say_handle, line, n);
}

void say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_args(fmt, ap);
    va_end(ap);
}

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_args(fmt, ap);
    va_end(ap);
    leave(1);
}

void leave(int code)
{
    flush();
    for (;;)
        (void)scarlet_call_exit(code);
}
