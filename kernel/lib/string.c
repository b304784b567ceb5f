// String functions. Owns nothing. Scans for a byte go a word at a time: they read aligned words
// whole, which may lie partly before or behind the string but never in another page.
#include <lib/string.h>

#undef strlen

typedef u64 __attribute__((may_alias)) word;

#define WHOLE_WORDS __attribute__((no_sanitize("address")))
#define ONES 0x0101'0101'0101'0101ull

enum { WORD = sizeof(word) };

// Non-zero if a byte of v is zero; the lowest set bit then lies in the first such byte
// (little-endian).
static inline word zero_bytes(word v)
{
    return (v - ONES) & ~v & ONES << 7;
}

static inline usize first_byte(word mark)
{
    return (usize)__builtin_ctzll(mark) / 8;
}

// The word that holds *s, with the bytes before s made unlike zero.
WHOLE_WORDS static inline word word_from(const char *s, const word **at)
{
    u32 skip = (u32)((uintptr_t)s % WORD) * 8;

    *at = (const word *)(s - (uintptr_t)s % WORD);
    return **at | (((word)1 << skip) - 1);
}

WHOLE_WORDS size_t strlen(const char *s)
{
    const word *at;
    word mark = zero_bytes(word_from(s, &at));

    while (!mark)
        mark = zero_bytes(*++at);
    return (usize)((const char *)at - s) + first_byte(mark);
}

size_t strnlen(const char *s, size_t max)
{
    const char *end = memchr(s, 0, max);

    return end ? (usize)(end - s) : max;
}

WHOLE_WORDS void *memchr(const void *s, int c, size_t n)
{
    const char *start = s;
    const word *at;
    word pattern = (u8)c * ONES;
    u32 skip = (u32)((uintptr_t)s % WORD) * 8;

    if (!n)
        return NULL;
    at = (const word *)(start - (uintptr_t)s % WORD);
    word mark = zero_bytes((*at ^ pattern) | (((word)1 << skip) - 1));
    for (;;) {
        const char *hit = (const char *)at;
        if (mark) {
            hit += first_byte(mark);
            return (usize)(hit - start) < n ? (void *)hit : NULL;
        }
        at++;
        if ((usize)((const char *)at - start) >= n)
            return NULL;
        mark = zero_bytes(*at ^ pattern);
    }
}

WHOLE_WORDS int strcmp(const char *a, const char *b)
{
    if (((uintptr_t)a ^ (uintptr_t)b) % WORD == 0) {
        for (; (uintptr_t)a % WORD; a++, b++)
            if (*a != *b || !*a)
                return (u8)*a - (u8)*b;
        const word *p = (const word *)a, *q = (const word *)b;
        while (*p == *q && !zero_bytes(*p)) {
            p++;
            q++;
        }
        a = (const char *)p;
        b = (const char *)q;
    }
    while (*a == *b && *a) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; a++, b++, n--)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)s;
}

char *strrchr(const char *s, int c)
{
    for (const char *p = s + strlen(s);; p--) {
        if (*p == (char)c)
            return (char *)p;
        if (p == s)
            return NULL;
    }
}

char *strstr(const char *s, const char *what)
{
    usize n = strlen(what);

    for (; *s || !n; s++)
        if (strncmp(s, what, n) == 0)
            return (char *)s;
    return NULL;
}

size_t strlcpy(char *restrict dst, const char *restrict src, size_t cap)
{
    usize n = strlen(src);

    if (cap) {
        usize kept = MIN(n, cap - 1);
        memcpy(dst, src, kept);
        dst[kept] = 0;
    }
    return n;
}

size_t strlcat(char *restrict dst, const char *restrict src, size_t cap)
{
    usize have = strnlen(dst, cap);

    return have + strlcpy(dst + have, src, cap - have);
}

static u32 digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (u32)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? (u32)(c - 'a') + 10 : 99;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
    const char *p = s, *last = s; // last: behind the last character that belongs to the number
    bool negative = false, over = false;
    unsigned long value = 0;

    while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        p++;
    if (*p == '+' || *p == '-')
        negative = *p++ == '-';
    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x' &&
        digit_value(p[2]) < 16) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    if (base < 2 || base > 36)
        base = 1; // no digit is smaller than 1 but 0, and that is no number either
    for (u32 d; base > 1 && (d = digit_value(*p)) < (u32)base; last = ++p)
        over |= __builtin_mul_overflow(value, (unsigned long)base, &value) ||
                __builtin_add_overflow(value, d, &value);
    if (end)
        *end = (char *)last;
    if (over)
        return -1ul;
    return negative ? -value : value;
}
