// Owns: memory helpers, mapped files, SHA-256, paths inside a root. No state.
#include "util.h"
#include "fail.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void *xalloc(usize n, usize size)
{
    usize all;
    if (__builtin_mul_overflow(n ? n : 1, size ? size : 1, &all))
        all = SIZE_MAX; // there is never that much: ends the program
    return need(all);
}

void vec_room(void **p, usize n, usize *cap, usize size)
{
    if (n < *cap)
        return;
    usize want = *cap ? *cap * 2 : 8;
    *p = need_again(*p, want * size);
    *cap = want;
}

struct bytes slice(struct bytes b, u64 at, u64 n)
{
    if (at > b.n || n > b.n - at)
        return (struct bytes){b.p, 0};
    return (struct bytes){n ? b.p + at : b.p, n};
}

static u64 get(struct bytes b, u64 at, unsigned n, bool big, bool *ok)
{
    if (at > b.n || n > b.n - at) {
        *ok = false;
        return 0;
    }
    u64 v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (u64)b.p[at + i] << 8 * (big ? n - 1 - i : i);
    return v;
}

u16 get16(struct bytes b, u64 at, bool big, bool *ok)
{
    return (u16)get(b, at, 2, big, ok);
}

u32 get32(struct bytes b, u64 at, bool big, bool *ok)
{
    return (u32)get(b, at, 4, big, ok);
}

u64 get64(struct bytes b, u64 at, bool big, bool *ok)
{
    return get(b, at, 8, big, ok);
}

const char *get_string(struct bytes b, u64 at)
{
    if (at >= b.n)
        return NULL;
    u64 left = b.n - at;
    return memchr(b.p + at, 0, left < 4096 ? left : 4096) ? (const char *)b.p + at : NULL;
}

int file_map(const char *path, struct file *f)
{
    *f = (struct file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno;
    struct stat st;
    int err = fstat(fd, &st)        ? errno
              : S_ISREG(st.st_mode) ? 0
              : S_ISDIR(st.st_mode) ? EISDIR
                                    : EINVAL;
    if (!err && st.st_size > 0) {
        void *p = mmap(NULL, (usize)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            err = errno;
        else
            *f = (struct file){{p, (u64)st.st_size}, true};
    }
    close(fd);
    return err;
}

void file_unmap(struct file *f)
{
    if (f->mapped)
        munmap((void *)f->data.p, f->data.n);
    *f = (struct file){0};
}

static u32 rotate(u32 x, unsigned n)
{
    return x >> n | x << (32 - n);
}

// FIPS 180-4: the round constants are the first 32 bits of the fractional parts of the cube roots
// of the first 64 primes.
static const u32 sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static void sha_block(u32 h[8], const u8 *p)
{
    u32 w[64];
    for (unsigned i = 0; i < 16; i++)
        w[i] =
            (u32)p[4 * i] << 24 | (u32)p[4 * i + 1] << 16 | (u32)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 v[8];
    memcpy(v, h, sizeof(v));
    for (unsigned i = 0; i < 64; i++) {
        u32 s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        u32 t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
        u32 s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        u32 t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

void sha256(struct bytes data, u8 out[32])
{
    u32 h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    u64 i = 0;
    for (; data.n - i >= 64; i += 64)
        sha_block(h, data.p + i);
    u8 last[128] = {0};
    u64 rest = data.n - i, n = rest < 56 ? 64 : 128;
    if (rest)
        memcpy(last, data.p + i, rest);
    last[rest] = 0x80;
    for (unsigned k = 0; k < 8; k++)
        last[n - 1 - k] = (u8)(data.n * 8 >> 8 * k);
    for (u64 k = 0; k < n; k += 64)
        sha_block(h, last + k);
    for (unsigned k = 0; k < 32; k++)
        out[k] = (u8)(h[k / 4] >> (24 - 8 * (k % 4)));
}

char *printable(const char *s)
{
    char *out = xalloc(strlen(s) * 4 + 1, 1), *o = out;
    for (; *s; s++) {
        if ((u8)*s >= 32 && (u8)*s < 127)
            *o++ = *s;
        else
            o += sprintf(o, "\\x%02x", (u8)*s);
    }
    return out;
}

// Walks one component at a time so that a link's absolute target means the root's, and ".." never
// leaves it.
char *root_path(const char *root, const char *path, int *err)
{
    char *todo = need_copy(path), *done = need_copy("");
    *err = 0;
    for (int links = 0; *todo;) {
        usize skip = strspn(todo, "/"), n = strcspn(todo + skip, "/");
        char *name = need_copy_n(todo + skip, n), *rest = need_copy(todo + skip + n);
        free(todo);
        todo = rest;
        if (n == 0 || strcmp(name, ".") == 0) {
            free(name);
            continue;
        }
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(done, '/');
            if (slash)
                *slash = 0;
            free(name);
            continue;
        }
        char *here = need_text("%s/%s", done, name), *host = need_text("%s%s", root, here);
        free(name);
        struct stat st;
        char link[4096];
        ssize_t got = -1;
        if (lstat(host, &st))
            *err = errno;
        else if (S_ISLNK(st.st_mode) && (got = readlink(host, link, sizeof(link) - 1)) < 0)
            *err = errno;
        else if (S_ISLNK(st.st_mode) && ++links > 40)
            *err = ELOOP;
        free(host);
        if (*err) {
            free(here);
            break;
        }
        if (got >= 0) {
            link[got] = 0;
            rest = need_text("%s/%s", link, todo);
            free(todo);
            todo = rest;
            free(here);
            if (link[0] == '/')
                done[0] = 0;
        } else {
            free(done);
            done = here;
        }
    }
    free(todo);
    char *found = *err ? NULL : need_text("%s%s", root, *done ? done : "/");
    free(done);
    return found;
}

void sort(void *p, usize n, usize size, int (*order)(const void *, const void *))
{
    if (n > 1)
        qsort(p, n, size, order);
}
