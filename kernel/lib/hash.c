// Hash functions over bytes. Owns nothing.
#include <lib/hash.h>
#include <lib/math.h>
#include <lib/string.h>

// Bytes p[0..n), n < 8, as a little-endian number.
static u64 load_tail(const u8 *p, usize n)
{
    u64 v = 0;

    while (n--)
        v = v << 8 | p[n];
    return v;
}

// Eight bytes, at any alignment.
static inline u64 load_word(const u8 *p)
{
    u64 v;

    if ((uintptr_t)p % 8)
        return load_tail(p, 4) | load_tail(p + 4, 4) << 32;
    memcpy(&v, __builtin_assume_aligned(p, 8), 8);
    return v;
}

// Folds the 128-bit product, so that every input bit reaches every output bit.
static inline u64 fold(u64 a, u64 b)
{
    return a * b ^ mul_high(a, b);
}

u64 hash_bytes(const void *p, usize n, u64 seed)
{
    const u8 *s = p;
    u64 h = seed ^ 0xa076'1d64'78bd'642full;
    usize left = n;

    for (; left >= 8; left -= 8, s += 8)
        h = fold(h ^ load_word(s), 0xe703'7ed1'a0b4'28dbull);
    // The length keeps "a" and "a\0" apart.
    return fold(h ^ load_tail(s, left), 0x8ebc'6af0'9c88'c6e3ull ^ n);
}

static inline u64 rotl(u64 v, u32 n)
{
    return v << n | v >> (64 - n);
}

static void sip_rounds(u64 v[4], u32 rounds)
{
    while (rounds--) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

u64 siphash(const struct siphash_key *key, const void *p, usize n)
{
    const u8 *s = p;
    u64 v[4] = {
        key->k[0] ^ 0x736f'6d65'7073'6575ull,
        key->k[1] ^ 0x646f'7261'6e64'6f6dull,
        key->k[0] ^ 0x6c79'6765'6e65'7261ull,
        key->k[1] ^ 0x7465'6462'7974'6573ull,
    };

    for (usize left = n;; left -= 8, s += 8) {
        bool last = left < 8;
        u64 m = last ? load_tail(s, left) | (u64)n << 56 : load_word(s);

        v[3] ^= m;
        sip_rounds(v, 2);
        v[0] ^= m;
        if (last)
            break;
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
