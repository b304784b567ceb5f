// Bitmaps: searching and ranges. Owns nothing; the caller's lock guards each map.
#include <lib/bitmap.h>

// Finds the first bit that differs from the bits of `invert`.
static inline usize find(const u64 *map, usize bits, usize from, u64 invert)
{
    if (from >= bits)
        return bits;
    usize word = from / 64;
    u64 v = (map[word] ^ invert) & ~0ull << (from % 64);

    while (!v) {
        if (++word >= BITMAP_WORDS(bits))
            return bits;
        v = map[word] ^ invert;
    }
    usize bit = word * 64 + (usize)__builtin_ctzll(v);
    return MIN(bit, bits);
}

usize bitmap_find_set(const u64 *map, usize bits, usize from)
{
    return find(map, bits, from, 0);
}

usize bitmap_find_zero(const u64 *map, usize bits, usize from)
{
    return find(map, bits, from, ~0ull);
}

usize bitmap_find_zero_run(const u64 *map, usize bits, usize from, usize n)
{
    while (from < bits && bits - from >= n) {
        usize start = bitmap_find_zero(map, bits, from);
        if (bits - start < n)
            return bits;
        from = bitmap_find_set(map, start + n, start);
        if (from == start + n)
            return start;
    }
    return bits;
}

// The bits of word `at / 64` that lie in [at, end).
static inline u64 mask_of(usize at, usize end)
{
    usize room = end - ALIGN_DOWN(at, 64);
    u64 mask = ~0ull << (at % 64);

    return room < 64 ? mask & ((1ull << room) - 1) : mask;
}

static inline usize next_word(usize at)
{
    return ALIGN_DOWN(at, 64) + 64;
}

void bitmap_set_range(u64 *map, usize from, usize n)
{
    for (usize at = from, end = from + n; at < end; at = next_word(at))
        map[at / 64] |= mask_of(at, end);
}

void bitmap_clear_range(u64 *map, usize from, usize n)
{
    for (usize at = from, end = from + n; at < end; at = next_word(at))
        map[at / 64] &= ~mask_of(at, end);
}

usize bitmap_count(const u64 *map, usize bits)
{
    usize count = 0;

    for (usize at = 0; at < bits; at += 64)
        count += (usize)__builtin_popcountll(map[at / 64] & mask_of(at, bits));
    return count;
}
