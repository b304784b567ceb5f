// Larger builtins: printf, read, getopts.
#include "sh.h"

// --- printf ---
static const char *next_word(struct list_of_strings *argv, usize *i)
{
    return *i < argv->n ? argv->v[(*i)++] : NULL;
}

// A backslash sequence at s (behind the backslash); returns what is behind it. *stop: \c.
static const char *escape(struct text *t, const char *s, bool octal_with_zero, bool *stop)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    const char *known = *s ? strchr(from, *s) : NULL;
    if (known) {
        text_char(t, to[known - from]);
        return s + 1;
    }
    if (*s == 'c') {
        *stop = true;
        return s + 1;
    }
    if (*s >= '0' && *s <= '7') {
        u32 v = 0;
        if (octal_with_zero && *s == '0')
            s++;
        for (int k = 0; k < 3 && *s >= '0' && *s <= '7'; k++)
            v = v * 8 + (u32)(*s++ - '0');
        text_char(t, (char)v);
        return s;
    }
    text_char(t, '\\');
    return s;
}

static i64 number_of(const char *w, int *status)
{
    i64 n = 0;
    if (!w || !*w)
        return 0;
    if (*w == '\'' || *w == '"')
        return (u8)w[1];
    if (!parse_number(w, &n)) {
        say("printf: not a number: %s", w);
        *status = 1;
    }
    return n;
}

static void pad(struct text *t, const char *s, usize n, int width, bool left, bool zero)
{
    usize w = width < 0 ? (usize)-width : (usize)width, fill = w > n ? w - n : 0;
    left |= width < 0;
    bool sign = zero && !left && n && (*s == '-' || *s == '+');
    if (sign)
        text_char(t, *s++), n--;
    for (usize i = 0; !left && i < fill; i++)
        text_char(t, zero ? '0' : ' ');
    text_add(t, s, n);
    for (usize i = 0; left && i < fill; i++)
        text_char(t, ' ');
}

// One conversion at s (behind the percent sign).
static const char *convert(struct text *t, const char *s, struct list_of_strings *argv, usize *i,
                           int *status, bool *stop)
{
    bool left = false, zero = false, plus = false, alt = false;
    int width = 0, precision = -1;
    for (; *s && strchr("-0+# ", *s); s++) {
        left |= *s == '-';
        zero |= *s == '0';
        plus |= *s == '+';
        alt |= *s == '#';
    }
    for (bool p = false;; p = true) {
        int *n = p ? &precision : &width;
        if (p && *s != '.')
            break;
        if (p) {
            s++;
            precision = 0;
        }
        if (*s == '*') {
            *n = (int)number_of(next_word(argv, i), status);
            s++;
        }
        while (*s >= '0' && *s <= '9')
            *n = *n * 10 + (*s++ - '0');
        if (p)
            break;
    }
    char buf[80];
    usize n = 0;
    const char *w, *p = buf;
    switch (*s) {
    case 's':
    case 'b':
        w = next_word(argv, i);
        struct text plain = {0};
        for (const char *c = w ? w : ""; *c && !*stop;)
            if (*s == 'b' && *c == '\\')
                c = escape(&plain, c + 1, true, stop);
            else
                text_char(&plain, *c++);
        n = plain.len;
        if (precision >= 0 && (usize)precision < n)
            n = (usize)precision;
        pad(t, plain.s ? plain.s : "", n, width, left, false);
        text_free(&plain);
        return s + 1;
    case 'c':
        w = next_word(argv, i);
        pad(t, w ? w : "", w && *w, width, left, false);
        return s + 1;
    case 'd':
    case 'i':
        n = format(buf, sizeof(buf), "%s%ld", "", number_of(next_word(argv, i), status));
        if (plus && buf[0] != '-') {
            memmove(buf + 1, buf, ++n);
            buf[0] = '+';
        }
        break;
    case 'u':
        n = format(buf, sizeof(buf), "%lu", (u64)number_of(next_word(argv, i), status));
        break;
    case 'x':
    case 'X':
    case 'o': {
        u64 v = (u64)number_of(next_word(argv, i), status);
        const char *front = !alt ? "" : *s == 'o' ? "0" : *s == 'x' ? "0x" : "0X";
        n = *s == 'x'   ? format(buf, sizeof(buf), "%s%lx", front, v)
            : *s == 'X' ? format(buf, sizeof(buf), "%s%lX", front, v)
                        : format(buf, sizeof(buf), "%s%lo", front, v);
        break;
    }
    default:
        say("printf: %%%c: no such conversion", *s ? *s : ' ');
        *status = 1;
        *stop = true;
        return *s ? s + 1 : s;
    }
    pad(t, p, n, width, left, zero && precision < 0);
    return s + 1;
}

int printf_builtin(struct list_of_strings *argv, struct io *io)
{
    struct text t = {0};
    int status = 0;
    bool stop = false;
    usize i = 2, before;
    if (argv->n < 2) {
        say("usage: printf format [words]");
        return 2;
    }
    do {
        before = i;
        for (const char *s = argv->v[1]; *s && !stop;) {
            if (*s == '\\') {
                s = escape(&t, s + 1, false, &stop);
            } else if (*s == '%' && s[1] == '%') {
                text_char(&t, '%');
                s += 2;
            } else if (*s == '%') {
                s = convert(&t, s + 1, argv, &i, &status, &stop);
            } else {
                text_char(&t, *s++);
            }
        }
    } while (i < argv->n && i > before && !stop);
    long r = t.len && io->h[1] >= 0 ? write_all(io->h[1], t.s, t.len) : 0;
    text_free(&t);
    return r < 0 ? 1 : status;
}

// --- read ---
static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

// One byte at a time, so that what follows stays for whoever reads next.
static bool read_text(struct text *t, struct text *fixed, int handle, bool raw)
{
    char c;
    while (scarlet_call_read(handle, &c, 1) == 1) {
        bool quoted = c == '\\' && !raw;
        if (quoted && scarlet_call_read(handle, &c, 1) != 1)
            return false;
        if (quoted && c == '\n')
            continue;
        if (!quoted && c == '\n')
            return true;
        text_char(t, c);
        text_char(fixed, quoted ? 1 : 2); // 1: no separator
    }
    return false;
}

int read_builtin(struct list_of_strings *argv, struct io *io)
{
    struct text t = {0}, fixed = {0};
    bool raw = false;
    usize i = 1;
    for (; i < argv->n && argv->v[i][0] == '-' && argv->v[i][1]; i++) {
        if (strcmp(argv->v[i], "-r") == 0) {
            raw = true;
        } else if (strcmp(argv->v[i], "-p") == 0 && i + 1 < argv->n) {
            if (interactive)
                io_print(io, 2, "%s", argv->v[i + 1]);
            i++;
        } else {
            say("read: %s: no such option", argv->v[i]);
            return 2;
        }
    }
    text_add(&t, "", 0);
    text_add(&fixed, "", 0);
    const char *given = var_get("IFS"), *ifs = given ? given : " \t\n";
    bool got = io->h[0] >= 0 && read_text(&t, &fixed, io->h[0], raw);
    usize at = 0;
    for (; i < argv->n; i++) {
        bool last = i + 1 == argv->n;
#define SEPARATES(k) (fixed.s[k] == 2 && in(t.s[k], ifs))
#define BLANK(k) (SEPARATES(k) && in(t.s[k], " \t\n"))
        while (at < t.len && BLANK(at))
            at++;
        usize start = at, end;
        while (at < t.len && (last || !SEPARATES(at)))
            at++;
        end = at;
        while (last && end > start && BLANK(end - 1))
            end--;
        // A last separator that is no blank belongs to the only field before it.
        if (last && end > start && SEPARATES(end - 1)) {
            usize k = start;
            while (k < end - 1 && !SEPARATES(k))
                k++;
            end -= k == end - 1;
        }
        char *value = copy_part(t.s + start, end - start);
        bool ok = var_assign(argv->v[i], value);
        release(value);
        if (!ok)
            return 1;
        while (at < t.len && BLANK(at))
            at++;
        if (at < t.len && SEPARATES(at) && at > start)
            at++;
        else if (at < t.len && at == start && SEPARATES(at))
            at++;
    }
    text_free(&t);
    text_free(&fixed);
    return !got;
}

// --- getopts ---
int getopts_builtin(struct list_of_strings *argv, struct io *io)
{
    static usize inside; // position in a group of letters
    static i64 was = 1;
    char name[2] = "?", number[24];
    i64 at = 1;
    (void)io;
    if (argv->n < 3) {
        say("usage: getopts letters name [words]");
        return 2;
    }
    const char *letters = argv->v[1], *given = var_get("OPTIND");
    bool quiet = *letters == ':';
    if (!given || !parse_number(given, &at) || at < 1)
        at = 1;
    if (at != was)
        inside = 0;
    char **words = argv->n > 3 ? argv->v + 3 : params;
    i64 count = argv->n > 3 ? (i64)argv->n - 3 : nparams;
    const char *w = at <= count ? words[at - 1] : NULL;
    if (!inside && (!w || *w != '-' || !w[1] || strcmp(w, "--") == 0)) {
        at += w && strcmp(w, "--") == 0;
        format(number, sizeof(number), "%ld", at);
        was = at;
        var_set("OPTIND", number);
        var_set(argv->v[2], "?");
        return 1;
    }
    char c = w[inside ? inside : 1];
    inside = (inside ? inside : 1) + 1;
    const char *known = c == ':' ? NULL : strchr(letters + quiet, c), *value = NULL;
    name[0] = known ? c : '?';
    if (known && known[1] == ':') {
        value = w[inside] ? w + inside : at < count ? words[at] : NULL;
        at += !w[inside] && value;
        at++;
        inside = 0;
        if (!value) {
            if (!quiet)
                say("%s: option needs an argument: %c", shell_name, c);
            name[0] = quiet ? ':' : '?';
        }
    } else if (!w[inside]) {
        at++;
        inside = 0;
    }
    if (!known && !quiet)
        say("%s: no such option: %c", shell_name, c);
    char letter[2] = {c, 0};
    var_set("OPTARG", value ? value : quiet && (!known || name[0] == ':') ? letter : NULL);
    format(number, sizeof(number), "%ld", at);
    was = at;
    var_set("OPTIND", number);
    var_set(argv->v[2], name);
    return 0;
}
