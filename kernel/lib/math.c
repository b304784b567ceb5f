// Integer mathematics that is too long for the header. Owns nothing.
#include <lib/math.h>

// Long division in base 2^32, two digits of quotient: the machine divides 64 by 64 bits at most.
u64 muldiv(u64 a, u64 b, u64 c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    u64 high = (u64)(product >> 64), low = (u64)product;

    if (!high)
        return low / c;
    if (high >= c)
        return UINT64_MAX;
    // Normalise so that the divisor's top bit is set; then each estimated digit is at most two too
    // large.
    u32 shift = (u32)__builtin_clzll(c);
    c <<= shift;
    product <<= shift;
    u64 rest = (u64)(product >> 64), quotient = 0;
    low = (u64)product;
    for (u32 i = 0; i < 2; i++) {
        u64 next = i ? (u32)low : low >> 32;
        u64 digit = rest / (c >> 32), left = rest % (c >> 32);

        while (digit >> 32 || digit * (u32)c > (left << 32 | next)) {
            digit--;
            left += c >> 32;
            if (left >> 32)
                break;
        }
        rest = (rest << 32 | next) - digit * c; // modulo 2^64; the true value is below c
        quotient = quotient << 32 | digit;
    }
    return quotient;
}

u32 isqrt(u64 x)
{
    u64 root = 0;

    for (u64 bit = 1ull << 62; bit; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = root >> 1 | bit;
        } else {
            root >>= 1;
        }
    }
    return (u32)root;
}
