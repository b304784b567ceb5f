// Memory functions, word-wise. Owns nothing.
//
// The yardstick is instructions: the inner loops move 256 bytes in 67 instructions, or merge words
// with two shifts where source and destination differ in alignment, so that no access is ever
// misaligned. Loads of the merging copies may touch bytes before or after the source, but never
// outside aligned words that hold source bytes.
#include <lib/string.h>

#undef memcpy
#undef memmove
#undef memset
#undef memcmp

typedef u64 __attribute__((may_alias)) word;

// Aligned words around a buffer are read whole, and on purpose.
#define WHOLE_WORDS __attribute__((no_sanitize("address")))

enum { WORD = sizeof(word), SMALL = 2 * WORD };

// From here on little-endian: lower addresses are lower bits.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

// Upwards, word aligned both. Long runs by 32 words, what is left by halves, so that no step
// counts.
[[gnu::always_inline]] static inline void copy_4(word *d, const word *s)
{
    word a = s[0], b = s[1], c = s[2], e = s[3];
    d[0] = a, d[1] = b, d[2] = c, d[3] = e;
}

[[gnu::always_inline]] static inline void copy_8(word *d, const word *s)
{
    word a = s[0], b = s[1], c = s[2], e = s[3], f = s[4], g = s[5], h = s[6], i = s[7];
    d[0] = a, d[1] = b, d[2] = c, d[3] = e, d[4] = f, d[5] = g, d[6] = h, d[7] = i;
}

[[gnu::always_inline]] static inline void copy_words(word *d, const word *s, usize words)
{
    for (const word *end = s + (words & ~31ul); s != end; d += 32, s += 32) {
        copy_8(d, s);
        copy_8(d + 8, s + 8);
        copy_8(d + 16, s + 16);
        copy_8(d + 24, s + 24);
    }
    if (words & 16) {
        copy_8(d, s);
        copy_8(d + 8, s + 8);
        d += 16, s += 16;
    }
    if (words & 8) {
        copy_8(d, s);
        d += 8, s += 8;
    }
    if (words & 4) {
        copy_4(d, s);
        d += 4, s += 4;
    }
    if (words & 2) {
        word a = s[0], b = s[1];
        d[0] = a, d[1] = b;
        d += 2, s += 2;
    }
    if (words & 1)
        *d = *s;
}

// Upwards, d aligned, s not: each word is merged from two. words > 0.
WHOLE_WORDS static void merge_words(word *d, const u8 *s, usize words)
{
    u32 right = (u32)((uintptr_t)s % WORD) * 8, left = 64 - right;
    const word *w = (const word *)(s - (uintptr_t)s % WORD);
    word low = *w++;

    for (; words >= 4; words -= 4, d += 4, w += 4) {
        word a = w[0], b = w[1], c = w[2], e = w[3];
        d[0] = low >> right | a << left;
        d[1] = a >> right | b << left;
        d[2] = b >> right | c << left;
        d[3] = c >> right | e << left;
        low = e;
    }
    while (words--) {
        word high = *w++;
        *d++ = low >> right | high << left;
        low = high;
    }
}

// Downwards from the ends, d aligned at its end, s anyhow.
WHOLE_WORDS static void merge_words_down(word *d, const u8 *s, usize words)
{
    u32 right = (u32)((uintptr_t)s % WORD) * 8, left = 64 - right;

    if (!right) {
        const word *w = (const word *)s;
        for (; words >= 4; words -= 4) {
            d -= 4, w -= 4;
            word a = w[3], b = w[2], c = w[1], e = w[0];
            d[3] = a, d[2] = b, d[1] = c, d[0] = e;
        }
        while (words--)
            *--d = *--w;
        return;
    }
    const word *w = (const word *)(s - (uintptr_t)s % WORD);
    word high = *w;
    while (words--) {
        word low = *--w;
        *--d = low >> right | high << left;
        high = low;
    }
}

// n single bytes upwards; five instructions each.
[[gnu::always_inline]] static inline void copy_bytes(u8 *d, const u8 *s, usize n)
{
    for (const u8 *end = d + n; d != end; d++, s++) {
        *d = *s;
        __asm__("" : "+r"(d), "+r"(s)); // keeps the compiler from adding a counter
    }
}

[[gnu::always_inline]] static inline void copy_up(u8 *d, const u8 *s, usize n)
{
    if (n >= SMALL || ((uintptr_t)d | (uintptr_t)s) % WORD == 0) {
        usize head = -(uintptr_t)d % WORD;
        copy_bytes(d, s, head);
        d += head;
        s += head;
        n -= head;
        usize words = n / WORD;
        if ((uintptr_t)s % WORD == 0)
            copy_words((word *)d, (const word *)s, words);
        else if (words)
            merge_words((word *)d, s, words);
        d += words * WORD;
        s += words * WORD;
        n %= WORD;
    }
    copy_bytes(d, s, n);
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    copy_up(dst, src, n);
    return dst;
}

void mem_copy_words(void *restrict dst, const void *restrict src, usize n)
{
    copy_words(dst, src, n / WORD);
}

void *memmove(void *dst, const void *src, size_t n)
{
    // Upwards is right unless the destination starts inside the source: the loops load a batch
    // before they store it, and then store only below what they have yet to load.
    if ((uintptr_t)dst - (uintptr_t)src >= n) {
        copy_up(dst, src, n);
        return dst;
    }
    u8 *d = (u8 *)dst + n;
    const u8 *s = (const u8 *)src + n;
    if (n >= SMALL) {
        while ((uintptr_t)d % WORD) {
            *--d = *--s;
            n--;
        }
        usize words = n / WORD;
        if (words)
            merge_words_down((word *)d, s, words);
        d -= words * WORD;
        s -= words * WORD;
        n %= WORD;
    }
    while (n--)
        *--d = *--s;
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    u8 *d = dst;

    if (n >= SMALL) {
        word v = (u8)c * 0x0101'0101'0101'0101ull;
        while ((uintptr_t)d % WORD) {
            *d++ = (u8)c;
            n--;
        }
        word *w = (word *)d;
        for (; n >= 16 * WORD; n -= 16 * WORD, w += 16) {
            w[0] = v, w[1] = v, w[2] = v, w[3] = v, w[4] = v, w[5] = v, w[6] = v, w[7] = v;
            w[8] = v, w[9] = v, w[10] = v, w[11] = v, w[12] = v, w[13] = v, w[14] = v, w[15] = v;
        }
        for (; n >= WORD; n -= WORD)
            *w++ = v;
        d = (u8 *)w;
    }
    while (n--)
        *d++ = (u8)c;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *p = a, *q = b;

    if (n >= SMALL && ((uintptr_t)p ^ (uintptr_t)q) % WORD == 0) {
        for (; (uintptr_t)p % WORD; p++, q++, n--)
            if (*p != *q)
                return *p - *q;
        while (n >= WORD && *(const word *)p == *(const word *)q) {
            p += WORD;
            q += WORD;
            n -= WORD;
        }
    }
    for (; n; p++, q++, n--)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void page_zero(void *page)
{
    word *w = __builtin_assume_aligned(page, 4096);

    for (const word *end = w + 512; w != end; w += 32) {
        w[0] = 0, w[1] = 0, w[2] = 0, w[3] = 0, w[4] = 0, w[5] = 0, w[6] = 0, w[7] = 0;
        w[8] = 0, w[9] = 0, w[10] = 0, w[11] = 0, w[12] = 0, w[13] = 0, w[14] = 0, w[15] = 0;
        w[16] = 0, w[17] = 0, w[18] = 0, w[19] = 0, w[20] = 0, w[21] = 0, w[22] = 0, w[23] = 0;
        w[24] = 0, w[25] = 0, w[26] = 0, w[27] = 0, w[28] = 0, w[29] = 0, w[30] = 0, w[31] = 0;
    }
}

void page_copy(void *restrict dst, const void *restrict src)
{
    copy_words(__builtin_assume_aligned(dst, 4096), __builtin_assume_aligned(src, 4096), 512);
}

bool mem_is_zero(const void *p, usize n)
{
    const word *w = p;

    for (; n >= 4 * WORD; n -= 4 * WORD, w += 4)
        if (w[0] | w[1] | w[2] | w[3])
            return false;
    for (; n; n -= WORD)
        if (*w++)
            return false;
    return true;
}

void mem_wipe(void *p, usize n)
{
    memset(p, 0, n);
    __asm__ volatile("" ::"r"(p) : "memory");
}
