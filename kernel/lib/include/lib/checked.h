// Arithmetic that tells when the result does not fit. `if (!checked_add(a, b, &sum)) return
// -E_OVERFLOW;`
#pragma once
#include <lib/types.h>

// True if the exact result fits *out (any integer types); *out holds the wrapped result otherwise.
#define checked_add(a, b, out) (!__builtin_add_overflow((a), (b), (out)))
#define checked_sub(a, b, out) (!__builtin_sub_overflow((a), (b), (out)))
#define checked_mul(a, b, out) (!__builtin_mul_overflow((a), (b), (out)))

// Does [start, start+len) end without wrapping, and at or before limit?
[[nodiscard]] static inline bool range_fits(u64 start, u64 len, u64 limit)
{
    return start <= limit && len <= limit - start;
}
// x rounded up to a multiple of a (a power of two); false if that wraps.
[[nodiscard]] static inline bool checked_align_up(u64 x, u64 a, u64 *out)
{
    if (!checked_add(x, a - 1, out))
        return false;
    *out &= ~(a - 1);
    return true;
}
