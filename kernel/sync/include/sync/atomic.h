// Atomics and reference counts. Uses C11 atomics; everything is inline.
#pragma once
#include <lib/types.h>
#include <stdatomic.h>

typedef struct {
    _Atomic u32 n;
} refcount_t;

#define REFCOUNT_INIT(v) {(v)}
static inline void refcount_set(refcount_t *r, u32 v)
{
    atomic_store_explicit(&r->n, v, memory_order_relaxed);
}
static inline u32 refcount_read(const refcount_t *r)
{
    return atomic_load_explicit(&r->n, memory_order_relaxed);
}
static inline void refcount_inc(refcount_t *r) // caller already owns a reference
{
    atomic_fetch_add_explicit(&r->n, 1, memory_order_relaxed);
}
// For lock-free lookups: takes a reference unless the count already fell to zero.
[[nodiscard]] static inline bool refcount_inc_not_zero(refcount_t *r)
{
    u32 v = refcount_read(r);
    while (v)
        if (atomic_compare_exchange_weak_explicit(&r->n, &v, v + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}
// True when this was the last reference; everything other owners wrote is then visible.
[[nodiscard]] static inline bool refcount_dec_and_test(refcount_t *r)
{
    if (atomic_fetch_sub_explicit(&r->n, 1, memory_order_release) != 1)
        return false;
    (void)atomic_load_explicit(&r->n, memory_order_acquire); // after all others' decrements
    return true;
}
