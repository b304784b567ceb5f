// Integer mathematics.
#pragma once
#include <lib/types.h>

#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d)) // n + d must not wrap

// Position of the highest set bit; x != 0.
static inline u32 ilog2(u64 x)
{
    return 63 - (u32)__builtin_clzll(x);
}
static inline bool is_power_of_2(u64 x)
{
    return x && !(x & (x - 1));
}
// Smallest power of two >= x; x in 1..2^63.
static inline u64 roundup_power_of_2(u64 x)
{
    return x <= 1 ? 1 : 1ull << (ilog2(x - 1) + 1);
}
// Smallest n with 2^n >= x; x >= 1.
static inline u32 order_of(u64 x)
{
    return x <= 1 ? 0 : ilog2(x - 1) + 1;
}
static inline u64 mul_high(u64 a, u64 b)
{
    return (u64)((unsigned __int128)a * b >> 64);
}
// a * mult >> shift (shift 0..127) with no intermediate loss; the result is cut to 64 bits. For
// clock conversion.
static inline u64 mul_shift(u64 a, u64 mult, u32 shift)
{
    return (u64)((unsigned __int128)a * mult >> shift);
}
// floor(a * b / c) with no intermediate loss; UINT64_MAX if that does not fit. c != 0.
[[nodiscard]] u64 muldiv(u64 a, u64 b, u64 c);
// Largest r with r * r <= x.
[[nodiscard]] u32 isqrt(u64 x);
