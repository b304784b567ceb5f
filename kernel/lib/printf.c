// Formatted text. Owns nothing; takes no lock and no memory but about 100 bytes of stack.
#include <lib/printf.h>
#include <lib/string.h>

struct sink {
    printf_put_fn put;
    void *arg;
    usize total;
};

struct spec { // one conversion
    bool left, plus, space, alt, zero;
    int width, precision; // precision -1: none given
    u8 size;              // bytes of an integer argument
    char conv;
};

static void emit(struct sink *s, const char *text, usize n)
{
    if (n) {
        s->put(s->arg, text, n);
        s->total += n;
    }
}

static void emit_fill(struct sink *s, char c, isize n)
{
    static const char spaces[17] = "                ", zeroes[17] = "0000000000000000";

    for (; n > 0; n -= 16)
        emit(s, c == '0' ? zeroes : spaces, (usize)MIN(n, 16));
}

// prefix, zeroes up to the precision, digits; padded to the width.
static void emit_number(struct sink *s, const struct spec *f, const char *prefix, usize prefix_len,
                        const char *digits, usize n)
{
    isize zeroes = (isize)f->precision - (isize)n;
    if (zeroes < 0)
        zeroes = 0;
    isize pad = (isize)f->width - (isize)prefix_len - (isize)n - zeroes;
    if (f->zero && !f->left && f->precision < 0 && pad > 0) {
        zeroes = pad;
        pad = 0;
    }
    if (!f->left)
        emit_fill(s, ' ', pad);
    emit(s, prefix, prefix_len);
    emit_fill(s, '0', zeroes);
    emit(s, digits, n);
    if (f->left)
        emit_fill(s, ' ', pad);
}

static void emit_text(struct sink *s, const struct spec *f, const char *text, usize n)
{
    isize pad = (isize)f->width - (isize)n;

    if (!f->left)
        emit_fill(s, ' ', pad);
    emit(s, text, n);
    if (f->left)
        emit_fill(s, ' ', pad);
}

// Digits of v, ending before end; returns the first.
static char *put_decimal(char *end, u64 v)
{
    do {
        *--end = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return end;
}

usize format_u64(char *out, u64 v)
{
    char buf[20];
    const char *first = put_decimal(buf + sizeof(buf), v);
    usize n = (usize)(buf + sizeof(buf) - first);

    memcpy(out, first, n);
    return n;
}

static void format_integer(struct sink *s, const struct spec *f, u64 v)
{
    char buf[64], prefix[2];
    char *end = buf + sizeof(buf), *first = end;
    usize prefix_len = 0;
    bool is_signed = f->conv == 'd' || f->conv == 'i';

    if (f->size < 8)
        v &= (1ull << (8 * f->size)) - 1;
    if (is_signed) {
        bool negative = v >> (8 * f->size - 1) & 1;
        if (negative) {
            v = -v;
            if (f->size < 8)
                v &= (1ull << (8 * f->size)) - 1;
            prefix[prefix_len++] = '-';
        } else if (f->plus || f->space) {
            prefix[prefix_len++] = f->plus ? '+' : ' ';
        }
    }
    if (v || f->precision != 0) {
        u32 shift = 0;
        const char *digits = "0123456789abcdef";

        switch (f->conv) {
        case 'X':
            digits = "0123456789ABCDEF";
            [[fallthrough]];
        case 'x':
        case 'p':
            shift = 4;
            break;
        case 'o':
            shift = 3;
            break;
        case 'b':
        case 'B':
            shift = 1;
            break;
        }
        u64 rest = v;
        if (!shift) {
            first = put_decimal(end, v);
        } else {
            do
                *--first = digits[rest & ((1u << shift) - 1)];
            while (rest >>= shift);
        }
    }
    struct spec adjusted = *f;
    if (f->alt) {
        if (f->conv == 'o') {
            if (first == end || *first != '0')
                adjusted.precision = MAX(f->precision, (int)(end - first) + 1);
        } else if (v && !is_signed && f->conv != 'u') {
            prefix[prefix_len++] = '0';
            prefix[prefix_len++] = f->conv == 'p' ? 'x' : f->conv;
        }
    }
    // "%#05o" pads with zeroes to the width although the prefix made a precision.
    if (f->precision < 0 && adjusted.precision >= 0 && f->zero && !f->left)
        adjusted.precision = MAX(adjusted.precision, f->width);
    emit_number(s, &adjusted, prefix, prefix_len, first, (usize)(end - first));
}

static u64 fetch_integer(const struct spec *f, va_list *args)
{
    return f->size == 8 ? va_arg(*args, u64) : va_arg(*args, u32);
}

// A decimal number in the format itself; huge ones stop growing.
static int parse_count(const char **p)
{
    int n = 0;

    for (; **p >= '0' && **p <= '9'; ++*p)
        n = n < 100'000'000 ? n * 10 + (**p - '0') : n;
    return n;
}

// Reads flags, width, precision, length and the conversion letter behind a '%'.
static const char *parse_spec(const char *p, struct spec *f, va_list *args)
{
    *f = (struct spec){.precision = -1, .size = sizeof(int)};
    for (;; p++) {
        if (*p == '-')
            f->left = true;
        else if (*p == '+')
            f->plus = true;
        else if (*p == ' ')
            f->space = true;
        else if (*p == '#')
            f->alt = true;
        else if (*p == '0')
            f->zero = true;
        else
            break;
    }
    if (*p == '*') {
        p++;
        f->width = va_arg(*args, int);
        if (f->width < 0) {
            f->left = true;
            f->width = f->width == INT32_MIN ? INT32_MAX : -f->width;
        }
    } else {
        f->width = parse_count(&p);
    }
    if (*p == '.') {
        p++;
        if (*p == '*') {
            p++;
            f->precision = va_arg(*args, int);
            if (f->precision < 0)
                f->precision = -1;
        } else {
            f->precision = parse_count(&p);
        }
    }
    switch (*p) {
    case 'h':
        f->size = sizeof(short);
        if (*++p == 'h') {
            f->size = sizeof(char);
            p++;
        }
        break;
    case 'l':
        if (*++p == 'l')
            p++;
        f->size = sizeof(long);
        break;
    case 'j':
    case 'z':
    case 't':
        f->size = sizeof(u64);
        p++;
        break;
    }
    f->conv = *p;
    return p;
}

static_assert(sizeof(long) == 8 && sizeof(usize) == 8);

usize kvformat(printf_put_fn put, void *arg, const char *fmt, va_list args)
{
    struct sink s = {.put = put, .arg = arg};
    va_list ap;

    va_copy(ap, args);
    for (const char *p = fmt;; p++) {
        const char *text = p;
        while (*p && *p != '%')
            p++;
        emit(&s, text, (usize)(p - text));
        if (!*p)
            break;
        struct spec f;
        text = p;
        p = parse_spec(p + 1, &f, &ap);
        switch (f.conv) {
        case 'd':
        case 'i':
        case 'u':
        case 'o':
        case 'x':
        case 'X':
        case 'b':
        case 'B':
            format_integer(&s, &f, fetch_integer(&f, &ap));
            break;
        case 'p':
            f.size = 8;
            f.alt = true;
            format_integer(&s, &f, (u64)(uintptr_t)va_arg(ap, void *));
            break;
        case 'c': {
            char c = (char)va_arg(ap, int);
            emit_text(&s, &f, &c, 1);
            break;
        }
        case 's': {
            const char *str = va_arg(ap, const char *);
            if (!str)
                str = "(null)";
            emit_text(&s, &f, str,
                      f.precision >= 0 ? strnlen(str, (usize)f.precision) : strlen(str));
            break;
        }
        case '%':
            emit(&s, "%", 1);
            break;
        default:
            emit(&s, text, strlen(text));
            va_end(ap);
            return s.total;
        }
    }
    va_end(ap);
    return s.total;
}

usize kformat(printf_put_fn put, void *arg, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    usize n = kvformat(put, arg, fmt, args);
    va_end(args);
    return n;
}

struct buffer {
    char *at;
    usize left; // without the NUL
};

static void put_buffer(void *arg, const char *text, usize n)
{
    struct buffer *b = arg;

    n = MIN(n, b->left);
    if (!n)
        return;
    memcpy(b->at, text, n);
    b->at += n;
    b->left -= n;
}

int kvsnprintf(char *buf, usize cap, const char *fmt, va_list args)
{
    struct buffer b = {.at = buf, .left = cap ? cap - 1 : 0};
    usize n = kvformat(put_buffer, &b, fmt, args);

    if (cap)
        *b.at = 0;
    return n > INT32_MAX ? INT32_MAX : (int)n;
}

int ksnprintf(char *buf, usize cap, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = kvsnprintf(buf, cap, fmt, args);
    va_end(args);
    return n;
}

usize kscnprintf(char *buf, usize cap, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = kvsnprintf(buf, cap, fmt, args);
    va_end(args);
    return !cap ? 0 : MIN((usize)n, cap - 1);
}
