// SHA-512, and passwords hashed with it.
#pragma once
#include <scarlet/scarlet.h>

enum { SHA512_BYTES = 64 };
struct sha512 {
    u64 h[8], length;
    u8 part[128];
};
void sha512_start(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *data, usize n);
void sha512_end(struct sha512 *s, u8 out[SHA512_BYTES]);

// Is this the password of a hash "$6$[rounds=N$]salt$..."? False also for hashes of other kinds.
bool password_fits(const char *password, const char *hash);
