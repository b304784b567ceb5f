// Futexes: threads that sleep on the value of a word of user memory.
#pragma once
#include <vm/user.h>

enum { FUTEX_ANY_BITS = 0xffffffff };

void futex_init(void); // boot, once

// Sleeps while *a == value until a wake with a common bit, or the absolute monotonic deadline (0:
// none). 0 woken, -E_AGAIN value differs, -E_TIMEDOUT, -E_RESTART, -E_INVAL (a not aligned, bits
// 0), -E_FAULT. `private`: the word is not shared between address spaces.
[[nodiscard]] int futex_wait(uaddr_t a, u32 value, u32 bits, bool private, u64 deadline_ns);
// Wakes up to n waiters that share a bit. Returns how many.
[[nodiscard]] i64 futex_wake(uaddr_t a, u32 n, u32 bits, bool private);
// Wakes up to nwake waiters of a and moves up to nmove more to b. compare: only while *a == value,
// else -E_AGAIN. Returns woken (plus moved, when comparing).
[[nodiscard]] i64 futex_requeue(uaddr_t a, uaddr_t b, u32 nwake, u32 nmove, bool compare, u32 value,
                                bool private);
// Changes *b by op, wakes up to n1 waiters of a and, if the old value compares true, n2 of b.
// Returns woken.
enum futex_op { FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR };
enum futex_cmp {
    FUTEX_CMP_EQ,
    FUTEX_CMP_NE,
    FUTEX_CMP_LT,
    FUTEX_CMP_LE,
    FUTEX_CMP_GT,
    FUTEX_CMP_GE
};
struct futex_change {
    u32 op, cmp; // -E_NOSYS for others
    i32 arg;     // operand; already shifted if the ABI has such a flag
    i32 cmp_arg;
};
[[nodiscard]] i64 futex_wake_op(uaddr_t a, uaddr_t b, u32 n1, u32 n2, const struct futex_change *c,
                                bool private);
