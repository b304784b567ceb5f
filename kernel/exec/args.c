// Argument and environment strings on their way from the old program to the new one.
#include <exec/exec.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vm/user.h>

enum { MAX_STRING = 128 * 1024, FIRST_CHUNK = 64 };

void arg_block_init(struct arg_block *b, usize limit)
{
    *b = (struct arg_block){.limit = limit};
}

void arg_block_free(struct arg_block *b)
{
    for (usize i = 0; i < b->npages; i++)
        page_free(b->pages[i]);
    kfree(b->pages);
    *b = (struct arg_block){0};
}

// Room at b->len: pointer to it, *n limited to what is left in the page. NULL: no memory or over
// the limit (*err says which).
static u8 *room(struct arg_block *b, usize *n, int *err)
{
    usize page = b->len / PAGE_SIZE, off = b->len % PAGE_SIZE;
    if (b->len >= b->limit) {
        *err = -E_2BIG;
        return NULL;
    }
    if (page == b->cap) {
        usize cap = b->cap ? b->cap * 2 : 8;
        u8 **p = krealloc(b->pages, b->cap * sizeof(*p), cap * sizeof(*p), 0);
        if (!p) {
            *err = -E_NOMEM;
            return NULL;
        }
        b->pages = p;
        b->cap = cap;
    }
    if (page == b->npages) {
        b->pages[page] = page_alloc(ALLOC_USER);
        if (!b->pages[page]) {
            *err = -E_NOMEM;
            return NULL;
        }
        b->npages++;
    }
    *n = MIN(*n, MIN(PAGE_SIZE - off, b->limit - b->len));
    return b->pages[page] + off;
}

static int push_bytes(struct arg_block *b, const char *s, usize n)
{
    int err = 0;
    while (n) {
        usize k = n;
        u8 *p = room(b, &k, &err);
        if (!p)
            return err;
        memcpy(p, s, k);
        b->len += k;
        s += k;
        n -= k;
    }
    return 0;
}

int arg_push(struct arg_block *b, const char *s)
{
    int err = push_bytes(b, s, strlen(s) + 1);
    if (!err)
        b->count++;
    return err;
}

static int push_user_string(struct arg_block *b, u64 src)
{
    usize start = b->len, chunk = FIRST_CHUNK;
    int err = 0;
    for (;;) {
        usize n = MIN(chunk, PAGE_SIZE - (src & PAGE_MASK));
        u8 *p = room(b, &n, &err);
        if (!p)
            return err;
        if (user_copy_in(p, uaddr(src), n))
            return -E_FAULT;
        u8 *nul = memchr(p, 0, n);
        if (nul) {
            b->len += (usize)(nul - p) + 1;
            b->count++;
            return b->len - start > MAX_STRING ? -E_2BIG : 0;
        }
        b->len += n;
        src += n;
        if (b->len - start >= MAX_STRING)
            return -E_2BIG;
        chunk = MIN(chunk * 4, PAGE_SIZE);
    }
}

int arg_push_user_vector(struct arg_block *b, uaddr_t vec)
{
    if (vec.v == 0)
        return 0;
    for (u64 i = 0;; i++) {
        u64 s;
        int err = user_copy_in(&s, uaddr_add(vec, i * 8), 8);
        if (err || s == 0)
            return err;
        if ((b->count + 1ul) * 8 > b->limit)
            return -E_2BIG;
        err = push_user_string(b, s);
        if (err)
            return err;
    }
}

usize arg_string_size(const struct arg_block *b, usize off)
{
    usize n = 0;
    while (off + n < b->len) {
        usize at = off + n, in = at % PAGE_SIZE, k = MIN(PAGE_SIZE - in, b->len - at);
        const u8 *p = b->pages[at / PAGE_SIZE] + in, *nul = memchr(p, 0, k);
        if (nul)
            return n + (usize)(nul - p) + 1;
        n += k;
    }
    return n;
}

void arg_copy_string(const struct arg_block *b, usize off, char *dst, usize cap)
{
    usize n = MIN(arg_string_size(b, off), cap);
    for (usize i = 0; i < n; i++)
        dst[i] = (char)b->pages[(off + i) / PAGE_SIZE][(off + i) % PAGE_SIZE];
    dst[n ? n - 1 : 0] = 0;
}

int arg_push_part(struct arg_block *b, const struct arg_block *src, usize off, usize size)
{
    for (usize done = 0; done < size;) {
        usize at = off + done, in = at % PAGE_SIZE, k = MIN(PAGE_SIZE - in, size - done);
        int err = push_bytes(b, (const char *)src->pages[at / PAGE_SIZE] + in, k);
        if (err)
            return err;
        done += k;
    }
    b->count++;
    return 0;
}

int arg_append(struct arg_block *b, const struct arg_block *src, u32 skip)
{
    usize off = 0;
    for (u32 i = 0; i < src->count; i++) {
        usize size = arg_string_size(src, off);
        int err = i >= skip ? arg_push_part(b, src, off, size) : 0;
        if (err)
            return err;
        off += size;
    }
    return 0;
}

int arg_write(const struct arg_block *b, struct aspace *as, u64 addr)
{
    for (usize off = 0; off < b->len; off += PAGE_SIZE) {
        usize n = MIN(PAGE_SIZE, b->len - off);
        if (aspace_write(as, addr + off, b->pages[off / PAGE_SIZE], n) != (i64)n)
            return -E_NOMEM;
    }
    return 0;
}
