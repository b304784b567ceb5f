// Strings and numbers.
#include "private.h"

void *memcpy(void *restrict d, const void *restrict s, usize n)
{
    char *p = d;
    const char *q = s;
    if ((((usize)p | (usize)q) & 7) == 0)
        for (; n >= 8; n -= 8, p += 8, q += 8)
            *(u64 *)(void *)p = *(const u64 *)(const void *)q;
    while (n--)
        *p++ = *q++;
    return d;
}

void *memmove(void *d, const void *s, usize n)
{
    char *p = d;
    const char *q = s;
    if (p <= q || p >= q + n)
        return memcpy(d, s, n);
    while (n--)
        p[n] = q[n];
    return d;
}

void *memset(void *d, int c, usize n)
{
    char *p = d;
    while (n--)
        *p++ = (char)c;
    return d;
}

int memcmp(const void *a, const void *b, usize n)
{
    const u8 *p = a, *q = b;
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

usize strlen(const char *s)
{
    usize n = 0;
    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, usize n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(usize)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    char *found = NULL;
    for (;; s++) {
        if (*s == (char)c)
            found = (char *)(usize)s;
        if (!*s)
            return found;
    }
}

char *strstr(const char *s, const char *what)
{
    usize n = strlen(what);
    for (; *s || !n; s++) {
        if (strncmp(s, what, n) == 0)
            return (char *)(usize)s;
        if (!*s)
            break;
    }
    return NULL;
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

bool parse_number(const char *s, i64 *out)
{
    bool negative = *s == '-';
    u64 v = 0, base = 10;
    if (*s == '-' || *s == '+')
        s++;
    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    } else if (s[0] == '0' && s[1]) {
        base = 8;
        s++;
    }
    if (!*s)
        return false;
    for (; *s; s++) {
        u64 d = *s >= '0' && *s <= '9'   ? (u64)(*s - '0')
                : *s >= 'a' && *s <= 'f' ? (u64)(*s - 'a' + 10)
                : *s >= 'A' && *s <= 'F' ? (u64)(*s - 'A' + 10)
                                         : 99;
        if (d >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v) ||
            v > (u64)INT64_MAX)
            return false;
    }
    *out = negative ? -(i64)v : (i64)v;
    return true;
}

// Behind the closing bracket, or NULL if there is none.
static const char *match_set(const char *p, char c, bool *in)
{
    bool negated = *p == '!' || *p == '^', first = true;
    if (negated)
        p++;
    *in = false;
    for (; *p && (*p != ']' || first); p++, first = false) {
        if (p[1] == '-' && p[2] && p[2] != ']') {
            *in |= (u8)c >= (u8)p[0] && (u8)c <= (u8)p[2];
            p += 2;
        } else {
            *in |= *p == c;
        }
    }
    *in ^= negated;
    return *p ? p + 1 : NULL;
}

bool match_pattern(const char *p, const char *s)
{
    for (; *p; p++, s++) {
        if (*p == '*') {
            while (*p == '*')
                p++;
            for (;; s++) {
                if (match_pattern(p, s))
                    return true;
                if (!*s)
                    return false;
            }
        }
        if (!*s)
            return false;
        if (*p == '[') {
            bool in;
            const char *next = match_set(p + 1, *s, &in);
            if (next) {
                if (!in)
                    return false;
                p = next - 1;
                continue;
            }
        } else if (*p == '?') {
            continue;
        } else if (*p == '\\' && p[1]) {
            p++;
        }
        if (*p != *s)
            return false;
    }
    return !*s;
}
