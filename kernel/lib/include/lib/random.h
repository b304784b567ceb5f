// ChaCha20 (RFC 8439 section 2.3): the block function that random numbers are drawn from. Pure;
// seeding and locking belong to whoever holds the state.
#pragma once
#include <lib/types.h>

enum { CHACHA_KEY = 32, CHACHA_NONCE = 12, CHACHA_BLOCK = 64 };

struct chacha {
    u32 state[16]; // constants, key, block counter, nonce
};

void chacha_init(struct chacha *c, const u8 key[CHACHA_KEY], const u8 nonce[CHACHA_NONCE],
                 u32 counter);
// Writes the key stream block of the present counter and adds one to the counter.
void chacha_block(struct chacha *c, u8 out[CHACHA_BLOCK]);

// A small fast generator for tests, sampling and placement; not secret. State must not be 0.
static inline u64 xorshift64(u64 *state)
{
    u64 x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}
