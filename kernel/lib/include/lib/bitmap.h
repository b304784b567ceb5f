// Bitmaps in arrays of u64, bit n in word n/64. Not atomic: the caller's lock guards them. Bits
// past the last one of a bitmap may have any value and are never reported.
#pragma once
#include <lib/types.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)
#define BITMAP_DECLARE(name, bits) u64 name[BITMAP_WORDS(bits)]

static inline void bitmap_set(u64 *map, usize bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}
static inline void bitmap_clear(u64 *map, usize bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}
static inline void bitmap_assign(u64 *map, usize bit, bool value)
{
    if (value)
        bitmap_set(map, bit);
    else
        bitmap_clear(map, bit);
}
[[nodiscard]] static inline bool bitmap_test(const u64 *map, usize bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

// First set / clear bit in [from, bits); `bits` if there is none.
[[nodiscard]] usize bitmap_find_set(const u64 *map, usize bits, usize from);
[[nodiscard]] usize bitmap_find_zero(const u64 *map, usize bits, usize from);
// First run of n > 0 clear bits in [from, bits), or `bits`.
[[nodiscard]] usize bitmap_find_zero_run(const u64 *map, usize bits, usize from, usize n);

void bitmap_set_range(u64 *map, usize from, usize n);
void bitmap_clear_range(u64 *map, usize from, usize n);
// Set bits in [0, bits).
[[nodiscard]] usize bitmap_count(const u64 *map, usize bits);

#define bitmap_for_each_set(bit, map, bits)                                                        \
    for (usize bit = bitmap_find_set((map), (bits), 0); bit < (bits);                              \
         bit = bitmap_find_set((map), (bits), bit + 1))
