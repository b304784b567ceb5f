// ChaCha20 block function. Owns nothing.
#include <lib/random.h>
#include <lib/string.h>

static u32 load32(const u8 *p)
{
    return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static void store32(u8 *p, u32 v)
{
    for (u32 i = 0; i < 4; i++)
        p[i] = (u8)(v >> (8 * i));
}

void chacha_init(struct chacha *c, const u8 key[CHACHA_KEY], const u8 nonce[CHACHA_NONCE],
                 u32 counter)
{
    static const u8 constant[16] = {'e', 'x', 'p', 'a', 'n', 'd', ' ', '3',
                                    '2', '-', 'b', 'y', 't', 'e', ' ', 'k'};

    for (u32 i = 0; i < 4; i++)
        c->state[i] = load32(constant + 4 * i);
    for (u32 i = 0; i < 8; i++)
        c->state[4 + i] = load32(key + 4 * i);
    c->state[12] = counter;
    for (u32 i = 0; i < 3; i++)
        c->state[13 + i] = load32(nonce + 4 * i);
}

static inline u32 rotl(u32 v, u32 n)
{
    return v << n | v >> (32 - n);
}

[[gnu::always_inline]] static inline void quarter(u32 *x, u32 a, u32 b, u32 c, u32 d)
{
    x[a] += x[b];
    x[d] = rotl(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotl(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotl(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotl(x[b] ^ x[c], 7);
}

void chacha_block(struct chacha *c, u8 out[CHACHA_BLOCK])
{
    u32 x[16];

    memcpy(x, c->state, sizeof(x));
    for (u32 round = 0; round < 10; round++) {
        quarter(x, 0, 4, 8, 12);
        quarter(x, 1, 5, 9, 13);
        quarter(x, 2, 6, 10, 14);
        quarter(x, 3, 7, 11, 15);
        quarter(x, 0, 5, 10, 15);
        quarter(x, 1, 6, 11, 12);
        quarter(x, 2, 7, 8, 13);
        quarter(x, 3, 4, 9, 14);
    }
    for (u32 i = 0; i < 16; i++)
        store32(out + 4 * i, x[i] + c->state[i]);
    mem_wipe(x, sizeof(x));
    c->state[12]++;
}
