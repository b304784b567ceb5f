// Growing texts. Owned by one thread at a time; no locks.
#include "procfs.h"
#include <lib/printf.h>
#include <mem/slab.h>

void text_free(struct text *t)
{
    kfree(t->buf);
    *t = (struct text){0};
}

void text_put(struct text *t, const char *s, usize n)
{
    if (t->failed)
        return;
    if (n > t->cap - t->len) {
        usize cap = MAX(MAX(t->cap * 2, t->len + n), (usize)1008);
        char *p = krealloc(t->buf, t->cap, cap, 0);
        if (!p) {
            t->failed = true;
            return;
        }
        t->buf = p;
        t->cap = cap;
    }
    memcpy(t->buf + t->len, s, n);
    t->len += n;
}

void text_puts(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

static void put_piece(void *arg, const char *s, usize n)
{
    text_put(arg, s, n);
}

void text_printf(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)kvformat(put_piece, t, fmt, args);
    va_end(args);
}

void text_pad(struct text *t, usize start, usize width)
{
    while (!t->failed && t->len - start < width)
        text_put(t, " ", 1);
}

void text_escaped(struct text *t, const char *s, usize n, const char *special)
{
    for (usize i = 0; i < n; i++) {
        if (s[i] && strchr(special, s[i]))
            text_printf(t, "\\%03o", (u8)s[i]);
        else
            text_put(t, s + i, 1);
    }
}

void text_ranges(struct text *t, u64 bits)
{
    const char *comma = "";
    for (u32 i = 0; i < 64; i++) {
        if (!(bits >> i & 1))
            continue;
        u32 last = i;
        while (last < 63 && (bits >> (last + 1) & 1))
            last++;
        if (last > i)
            text_printf(t, "%s%u-%u", comma, i, last);
        else
            text_printf(t, "%s%u", comma, i);
        comma = ",";
        i = last;
    }
}

void text_cpumask(struct text *t, u64 bits)
{
    u32 n = cpu_count();
    if (n > 32)
        text_printf(t, "%0*x,%08x", (int)((n - 32 + 3) / 4), (u32)(bits >> 32), (u32)bits);
    else
        text_printf(t, "%0*x", (int)((n + 3) / 4), (u32)bits & (u32)((1ull << n) - 1));
}
