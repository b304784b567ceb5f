// Passwords as /etc/shadow has them: "$6$", SHA-512 applied many times over, by the published
// description of the scheme ("Unix crypt using SHA-256 and SHA-512").
#include "sha512.h"

enum { SALT_MAX = 16, ROUNDS = 5000, ROUNDS_MIN = 1000, ROUNDS_MAX = 999999999, CODED = 86 };

// len bytes made of copies of a digest.
static void add_repeated(struct sha512 *s, const u8 *digest, usize len)
{
    for (; len > SHA512_BYTES; len -= SHA512_BYTES)
        sha512_add(s, digest, SHA512_BYTES);
    sha512_add(s, digest, len);
}

static u8 *repeated(const u8 *digest, usize len)
{
    u8 *out = allocate(len + 1);
    for (usize i = 0; i < len; i++)
        out[i] = digest[i % SHA512_BYTES];
    return out;
}

static void digest_of_start(const char *word, usize n, const char *salt, usize ns, u8 *out)
{
    struct sha512 s;
    u8 b[SHA512_BYTES];
    sha512_start(&s);
    sha512_add(&s, word, n);
    sha512_add(&s, salt, ns);
    sha512_add(&s, word, n);
    sha512_end(&s, b);
    sha512_start(&s);
    sha512_add(&s, word, n);
    sha512_add(&s, salt, ns);
    add_repeated(&s, b, n);
    for (usize bits = n; bits; bits >>= 1)
        if (bits & 1)
            sha512_add(&s, b, SHA512_BYTES);
        else
            sha512_add(&s, word, n);
    sha512_end(&s, out);
}

static void hash_password(const char *word, const char *salt, usize ns, u32 rounds, u8 *a)
{
    struct sha512 s;
    u8 d[SHA512_BYTES];
    usize n = strlen(word);
    digest_of_start(word, n, salt, ns, a);
    sha512_start(&s);
    for (usize i = 0; i < n; i++)
        sha512_add(&s, word, n);
    sha512_end(&s, d);
    u8 *p = repeated(d, n);
    sha512_start(&s);
    for (usize i = 0; i < 16u + a[0]; i++)
        sha512_add(&s, salt, ns);
    sha512_end(&s, d);
    u8 *t = repeated(d, ns);
    for (u32 i = 0; i < rounds; i++) {
        sha512_start(&s);
        i & 1 ? sha512_add(&s, p, n) : sha512_add(&s, a, SHA512_BYTES);
        if (i % 3)
            sha512_add(&s, t, ns);
        if (i % 7)
            sha512_add(&s, p, n);
        i & 1 ? sha512_add(&s, a, SHA512_BYTES) : sha512_add(&s, p, n);
        sha512_end(&s, a);
    }
    memset(p, 0, n);
    release(p);
    release(t);
}

static char *put_letters(char *out, u32 v, int n)
{
    static const char letters[] =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (; n; n--, v >>= 6)
        *out++ = letters[v & 63];
    return out;
}

static void encode(const u8 *a, char out[CODED])
{
    u32 x = 0, y = 21, z = 42;
    for (int i = 0; i < 21; i++) { // the three columns change places from row to row
        out = put_letters(out, (u32)a[x] << 16 | (u32)a[y] << 8 | a[z], 4);
        u32 next = y + 1;
        y = z + 1;
        z = x + 1;
        x = next;
    }
    (void)put_letters(out, a[63], 2);
}

bool password_fits(const char *password, const char *hash)
{
    u32 rounds = ROUNDS;
    if (strncmp(hash, "$6$", 3) != 0)
        return false;
    hash += 3;
    if (strncmp(hash, "rounds=", 7) == 0) {
        u64 n = 0;
        for (hash += 7; *hash >= '0' && *hash <= '9' && n <= ROUNDS_MAX; hash++)
            n = n * 10 + (u64)(*hash - '0');
        if (*hash++ != '$')
            return false;
        rounds = n < ROUNDS_MIN ? ROUNDS_MIN : n > ROUNDS_MAX ? ROUNDS_MAX : (u32)n;
    }
    const char *end = strchr(hash, '$');
    if (!end || strlen(end + 1) != CODED)
        return false;
    usize ns = (usize)(end - hash);
    u8 a[SHA512_BYTES];
    char coded[CODED];
    hash_password(password, hash, ns < SALT_MAX ? ns : SALT_MAX, rounds, a);
    encode(a, coded);
    u8 differs = 0; // takes as long for a near miss
    for (int i = 0; i < CODED; i++)
        differs |= (u8)(coded[i] ^ end[1 + i]);
    return !differs;
}
