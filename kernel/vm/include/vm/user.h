// Access to the current task's memory. The copies walk the page tables in software and go through
// the direct map, so user memory is never reachable by plain kernel loads; a missing page takes the
// ordinary fault path. Thread context, may sleep.
#pragma once
#include <lib/types.h>

// 0 or -E_FAULT (some bytes may have been copied).
[[nodiscard]] int user_copy_in(void *dst, uaddr_t src, usize n);
[[nodiscard]] int user_copy_out(uaddr_t dst, const void *src, usize n);
[[nodiscard]] int user_clear(uaddr_t dst, usize n);
// Like above but report how much was done: bytes copied (0..n).
usize user_copy_in_partial(void *dst, uaddr_t src, usize n);
usize user_copy_out_partial(uaddr_t dst, const void *src, usize n);
usize user_clear_partial(uaddr_t dst, usize n);
// Copies a NUL-terminated string of at most cap-1 characters. Returns its length, -E_FAULT, or
// -E_NAMETOOLONG.
[[nodiscard]] i64 user_string(char *dst, uaddr_t src, usize cap);
// Is [a, a+n) within user addresses? (says nothing about mapping)
bool user_range_ok(uaddr_t a, usize n);
// Atomic 32-bit accesses for futexes; addresses must be 4-aligned (-E_INVAL). user_load32 never
// sleeps if atomic is true
// (-E_AGAIN: page not there, fault it in and retry).
[[nodiscard]] int user_load32(uaddr_t a, u32 *out, bool atomic);
[[nodiscard]] int user_cmpxchg32(uaddr_t a, u32 expected, u32 desired,
                                 u32 *seen); // 0 done, -E_AGAIN different, -E_FAULT
// Identity of a futex word: same memory object page or same private address -> same key.
struct futex_key {
    u64 a, b;
};
[[nodiscard]] int user_futex_key(uaddr_t a, bool private,
                                 struct futex_key *out); // -E_FAULT, -E_INVAL

// A buffer of one or more segments in user or kernel memory, consumed from the front. What every
// read and write works on.
enum iobuf_dir { IOBUF_TO_USER, IOBUF_FROM_USER };
struct iobuf_seg {
    u64 base; // user address, or kernel pointer when kernel is set
    u64 len;
};
struct iobuf {
    const struct iobuf_seg *segs;
    usize nsegs;
    usize seg_off; // into segs[0]
    u64 left;      // bytes remaining in all
    bool kernel;
    struct iobuf_seg one;   // single-segment form points segs here
    struct iobuf_seg *heap; // vector storage
};
[[nodiscard]] int iobuf_user(struct iobuf *b, uaddr_t a, usize len,
                             enum iobuf_dir dir); // range check only: -E_FAULT
// Reads an array of `count` struct iovec {u64 base, len}; -E_INVAL (count > 1024, negative total),
// -E_FAULT, -E_NOMEM. Needs iobuf_done.
[[nodiscard]] int iobuf_user_vec(struct iobuf *b, uaddr_t vec, usize count, enum iobuf_dir dir);
void iobuf_kernel(struct iobuf *b, void *p, usize len);
void iobuf_done(struct iobuf *b);
// Move bytes; advance the buffer; return bytes moved (short only on a user fault). b NULL is a null
// address that the table allows: no byte can be moved there.
usize iobuf_put(struct iobuf *b, const void *src, usize n); // kernel -> buffer
usize iobuf_take(struct iobuf *b, void *dst, usize n);      // buffer -> kernel
usize iobuf_zero(struct iobuf *b, usize n);
static inline u64 iobuf_left(const struct iobuf *b)
{
    return b->left;
}
// Limits what remains.
static inline void iobuf_truncate(struct iobuf *b, u64 n)
{
    if (b->left > n)
        b->left = n;
}
// Undo of the last n bytes is not possible; copy a consumed position instead: struct assignment of
// iobuf is a valid save/restore point.
