// Buffers that reads and writes work on: segments in user or kernel memory, consumed from the
// front. Owned by their caller; no locks.
#include <arch/mmu.h>
#include <arch/page.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <vm/user.h>

enum : u64 { IO_MAX = 0x7fff'f000 }; // what one call moves at most, as Linux
enum { VEC_MAX = 1024 };

int iobuf_user(struct iobuf *b, uaddr_t a, usize len, enum iobuf_dir dir)
{
    (void)dir;
    if (!user_range_ok(a, len))
        return -E_FAULT;
    b->one = (struct iobuf_seg){a.v, len};
    b->segs = &b->one;
    b->nsegs = 1;
    b->seg_off = 0;
    b->left = MIN(len, IO_MAX);
    b->kernel = false;
    b->heap = NULL;
    return 0;
}

void iobuf_kernel(struct iobuf *b, void *p, usize len)
{
    b->one = (struct iobuf_seg){(u64)(uintptr_t)p, len};
    b->segs = &b->one;
    b->nsegs = 1;
    b->seg_off = 0;
    b->left = len;
    b->kernel = true;
    b->heap = NULL;
}

int iobuf_user_vec(struct iobuf *b, uaddr_t vec, usize count, enum iobuf_dir dir)
{
    (void)dir;
    if (count > VEC_MAX)
        return -E_INVAL;
    struct iobuf_seg *segs = &b->one;
    b->heap = NULL;
    if (count > 1) {
        segs = b->heap = kmalloc_array(count, sizeof(*segs), ALLOC_USER);
        if (!segs)
            return -E_NOMEM;
    }
    int err = count && user_copy_in(segs, vec, count * sizeof(*segs)) ? -E_FAULT : 0;
    for (usize i = 0; i < count && !err; i++)
        if ((i64)segs[i].len < 0)
            err = -E_INVAL;
    u64 total = 0;
    for (usize i = 0; i < count && !err; i++) {
        if (!user_range_ok(uaddr(segs[i].base), segs[i].len))
            err = -E_FAULT;
        total = MIN(total + segs[i].len, IO_MAX); // no overflow: both are below 2^63
    }
    if (err) {
        kfree(b->heap);
        b->heap = NULL;
        return err;
    }
    b->segs = segs;
    b->nsegs = count;
    b->seg_off = 0;
    b->left = total;
    b->kernel = false;
    return 0;
}

void iobuf_done(struct iobuf *b)
{
    kfree(b->heap);
    b->heap = NULL;
}

enum step { PUT, TAKE, ZERO };

// Moves n bytes (limited by what remains) between the buffer and `mem`.
[[gnu::always_inline]] static inline usize move(struct iobuf *b, u8 *mem, usize n, enum step what)
{
    usize done = 0;
    if (UNLIKELY(!b))
        return 0;
    n = MIN(n, b->left);
    while (done < n) {
        const struct iobuf_seg *s = b->segs;
        usize part = MIN(s->len - b->seg_off, n - done), got = part;
        u64 at = s->base + b->seg_off;
        if (LIKELY(!b->kernel)) {
            if (what == PUT)
                got = user_copy_out_partial(uaddr(at), mem + done, part);
            else if (what == TAKE)
                got = user_copy_in_partial(mem + done, uaddr(at), part);
            else
                got = user_clear_partial(uaddr(at), part);
        } else {
            void *p = (void *)(uintptr_t)at;
            if (what == PUT)
                memcpy(p, mem + done, part);
            else if (what == TAKE)
                memcpy(mem + done, p, part);
            else
                memset(p, 0, part);
        }
        done += got;
        b->left -= got;
        b->seg_off += got;
        if (got < part)
            break;
        if (b->seg_off == s->len && b->nsegs > 1) {
            b->segs++;
            b->nsegs--;
            b->seg_off = 0;
        }
    }
    return done;
}

usize iobuf_put(struct iobuf *b, const void *src, usize n)
{
    return move(b, (u8 *)(uintptr_t)src, n, PUT);
}

usize iobuf_take(struct iobuf *b, void *dst, usize n)
{
    return move(b, dst, n, TAKE);
}

usize iobuf_zero(struct iobuf *b, usize n)
{
    return move(b, NULL, n, ZERO);
}
