// Randomness: a ChaCha20 generator fed from the device tree, virtio-rng, cycle counters and
// interrupt times.
#pragma once
#include <lib/types.h>

// Fills buf. Any context. Never waits: before random_ready it gives the best there is.
void random_bytes(void *buf, usize n);
u64 random_u64(void);
// Mixes in data that is worth `bits` of entropy (0: unknown). Any context.
void random_add(const void *data, usize n, u32 bits);
// Cheap note of an unpredictable moment (interrupts). Interrupts off.
void random_add_moment(u32 what);
// Seeded with at least 256 bits?
bool random_ready(void);
[[nodiscard]] int random_wait_ready(void); // -E_RESTART
u32 random_entropy_bits(void);             // 0..256, for /proc
