// Strings, output, memory, lines.
#include "ulib.h"

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

char *strcpy(char *dst, const char *src)
{
    memcpy(dst, src, strlen(src) + 1);
    return dst;
}

char *strchr(const char *s, int c)
{
    for (; *s; s++)
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
    return NULL;
}

void *memset(void *p, int c, size_t n)
{
    for (char *d = p; n; n--)
        *d++ = (char)c;
    return p;
}

void *memcpy(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;
    for (; n; n--)
        *d++ = *s++;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;
    if (d <= s)
        return memcpy(dst, src, n);
    while (n--)
        d[n] = s[n];
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

int atoi(const char *s)
{
    int n = 0;
    while (*s >= '0' && *s <= '9')
        n = n * 10 + (*s++ - '0');
    return n;
}

int stat(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    int r = fstat(fd, st);
    close(fd);
    return r;
}

// --- output ---
struct out {
    int fd;
    int n;
    char buf[256];
};

static void flush(struct out *o)
{
    if (o->n)
        write(o->fd, o->buf, o->n);
    o->n = 0;
}

static void put(struct out *o, char c)
{
    if (o->n == (int)sizeof(o->buf))
        flush(o);
    o->buf[o->n++] = c;
}

static void put_number(struct out *o, unsigned long v, unsigned base, bool negative)
{
    char digits[24];
    int n = 0;
    do
        digits[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    if (negative)
        put(o, '-');
    while (n)
        put(o, digits[--n]);
}

static void format(struct out *o, const char *fmt, va_list ap)
{
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(o, *fmt);
            continue;
        }
        bool wide = *++fmt == 'l';
        fmt += wide;
        long v;
        switch (*fmt) {
        case 'd':
            v = wide ? va_arg(ap, long) : va_arg(ap, int);
            put_number(o, v < 0 ? 0ul - (unsigned long)v : (unsigned long)v, 10, v < 0);
            break;
        case 'u':
        case 'x':
            put_number(o, wide ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
                       *fmt == 'u' ? 10 : 16, false);
            break;
        case 'p':
            put(o, '0');
            put(o, 'x');
            put_number(o, (unsigned long)(uintptr_t)va_arg(ap, void *), 16, false);
            break;
        case 'c':
            put(o, (char)va_arg(ap, int));
            break;
        case 's':
            for (const char *s = va_arg(ap, const char *); *s; s++)
                put(o, *s);
            break;
        default:
            put(o, *fmt);
        }
    }
    flush(o);
}

void fprintf(int fd, const char *fmt, ...)
{
    struct out o = {.fd = fd};
    va_list ap;
    va_start(ap, fmt);
    format(&o, fmt, ap);
    va_end(ap);
}

void printf(const char *fmt, ...)
{
    struct out o = {.fd = 1};
    va_list ap;
    va_start(ap, fmt);
    format(&o, fmt, ap);
    va_end(ap);
}

int get_line(int fd, char *buf, int cap)
{
    int n = 0;
    char c;
    while (read(fd, &c, 1) == 1) {
        if (c == '\n') {
            buf[n] = 0;
            return n;
        }
        if (n < cap - 1)
            buf[n++] = c;
    }
    buf[n] = 0;
    return n ? n : -1;
}

// --- memory ---
struct block {
    size_t size; // with the header
    struct block *next;
};
static struct block *free_list; // by address

void free(void *p)
{
    if (!p)
        return;
    struct block *b = (struct block *)p - 1, **at = &free_list;
    while (*at && *at < b)
        at = &(*at)->next;
    b->next = *at;
    *at = b;
    for (struct block *s = free_list; s && s->next;) { // joins neighbours
        if ((char *)s + s->size == (char *)s->next) {
            s->size += s->next->size;
            s->next = s->next->next;
        } else {
            s = s->next;
        }
    }
}

void *malloc(size_t n)
{
    size_t want = (n + sizeof(struct block) + 15) & ~15ul;
    for (;;) {
        for (struct block **at = &free_list; *at; at = &(*at)->next) {
            struct block *b = *at;
            if (b->size < want)
                continue;
            if (b->size - want >= 2 * sizeof(struct block)) {
                struct block *rest = (struct block *)((char *)b + want);
                rest->size = b->size - want;
                rest->next = b->next;
                b->size = want;
                *at = rest;
            } else {
                *at = b->next;
            }
            return b + 1;
        }
        size_t more = want < 65536 ? 65536 : want;
        char *p = more < 0x7fffffff ? sbrk((int)more) : (char *)-1;
        if (p == (char *)-1)
            return NULL;
        struct block *b = (struct block *)p;
        b->size = more;
        free(b + 1);
    }
}
