// Access to user memory.
//
// The page tables are walked in software and the bytes moved through the direct map, one page at a
// time with interrupts off. Interrupts off is what makes the lock-free walk safe: whoever takes an
// entry or a table away flushes before he frees, and a flush waits for every CPU that has the space
// loaded to take an interrupt (arch_tlb_flush).
//
// Only live tables are followed. A parked one (shared since a fork and not touched yet) counts as a
// miss for reading too: its first touch takes the fault path, which keeps the sharing rules in one
// place.
#include "area.h"
#include <kerr.h>
#include <lib/string.h>
#include <vm/user.h>

typedef u64 __attribute__((may_alias)) word;

bool user_range_ok(uaddr_t a, usize n)
{
    u64 top = arch_user_top();
    return n <= top && a.v <= top - n;
}

// Kernel address of user byte va, or NULL if the page must be faulted in. Interrupts off; va is
// below the top of user addresses.
[[gnu::always_inline]] static inline void *walk(const struct arch_aspace *mmu, u64 va, bool write)
{
    const pte_t *t = phys_to_virt(mmu->root);
    pte_t e;
    for (u32 level = 3; level > 0; level--) {
        if (level == 3 && LIKELY(pt_levels() == 3))
            continue;
        e = __atomic_load_n(&t[pt_index(va, level)], __ATOMIC_RELAXED);
        if (UNLIKELY(!pte_present(e)))
            return NULL;
        t = phys_to_virt(pte_addr(e));
    }
    e = __atomic_load_n(&t[pt_index(va, 0)], __ATOMIC_RELAXED);
    if (UNLIKELY(!pte_present(e) || !pte_user(e) || !(write ? pte_writable(e) : pte_readable(e))))
        return NULL;
    return (u8 *)phys_to_virt(pte_addr(e)) + (va & PAGE_MASK);
}

static _Atomic(bool (*)(void)) oom_hook;

void aspace_set_oom_hook(bool (*fn)(void))
{
    atomic_store(&oom_hook, fn);
}

// The page at va could not be used. True: try again.
[[gnu::noinline]] static bool fault_in(u64 va, u32 access)
{
    struct arch_aspace *mmu = current()->mmu;
    if (!mmu)
        return false;
    enum fault_result r = aspace_fault(container_of(mmu, struct aspace, arch), va, access);
    if (r != FAULT_OOM)
        return r == FAULT_OK;
    bool (*hook)(void) = atomic_load(&oom_hook);
    if (!hook || !hook())
        return false;
    // The victim may be this very task; then the copy must fail so that it gets to its end.
    thread_yield();
    return !thread_has_event(current());
}

// Copies that stay in one page whose frame is there take a path without calls but the copying
// itself; the others go on as a tail call, so that the short path saves no registers for them.
[[gnu::always_inline]] static inline void copy_bytes(void *d, const void *s, usize n)
{
    if (LIKELY((((uintptr_t)d | (uintptr_t)s | n) & 7) == 0))
        mem_copy_words(d, s, n);
    else
        memcpy(d, s, n);
}

// One part that lies in one page: true if it was copied.
[[gnu::always_inline]] static inline bool part_in(void *dst, u64 va, usize n)
{
    irqflags_t f = arch_irq_save();
    const struct arch_aspace *mmu = current()->mmu;
    const void *p = LIKELY(mmu != NULL) ? walk(mmu, va, false) : NULL;
    if (LIKELY(p != NULL))
        copy_bytes(dst, p, n);
    arch_irq_restore(f);
    return p != NULL;
}

[[gnu::always_inline]] static inline bool part_out(u64 va, const void *src, usize n)
{
    irqflags_t f = arch_irq_save();
    const struct arch_aspace *mmu = current()->mmu;
    void *p = LIKELY(mmu != NULL) ? walk(mmu, va, true) : NULL;
    if (LIKELY(p != NULL))
        copy_bytes(p, src, n);
    arch_irq_restore(f);
    return p != NULL;
}

[[gnu::always_inline]] static inline usize part_size(u64 va, u64 end)
{
    return MIN(end - va, PAGE_SIZE - (va & PAGE_MASK));
}

// The range is below the top of user addresses.
[[gnu::noinline]] static usize copy_in_pages(void *dst, uaddr_t src, usize n)
{
    u64 va = src.v, end = src.v + n;
    u8 *d = dst;
    while (va != end) {
        usize part = part_size(va, end);
        if (LIKELY(part_in(d, va, part))) {
            va += part;
            d += part;
        } else if (!fault_in(va, ACCESS_READ)) {
            break;
        }
    }
    return va - src.v;
}

[[gnu::noinline]] static usize copy_out_pages(uaddr_t dst, const void *src, usize n)
{
    u64 va = dst.v, end = dst.v + n;
    const u8 *s = src;
    while (va != end) {
        usize part = part_size(va, end);
        if (LIKELY(part_out(va, s, part))) {
            va += part;
            s += part;
        } else if (!fault_in(va, ACCESS_WRITE)) {
            break;
        }
    }
    return va - dst.v;
}

usize user_copy_in_partial(void *dst, uaddr_t src, usize n)
{
    if (UNLIKELY(!user_range_ok(src, n)))
        return 0;
    if (LIKELY(n - 1 < PAGE_SIZE - (src.v & PAGE_MASK)) && LIKELY(part_in(dst, src.v, n)))
        return n;
    [[clang::musttail]] return copy_in_pages(dst, src, n);
}

usize user_copy_out_partial(uaddr_t dst, const void *src, usize n)
{
    if (UNLIKELY(!user_range_ok(dst, n)))
        return 0;
    if (LIKELY(n - 1 < PAGE_SIZE - (dst.v & PAGE_MASK)) && LIKELY(part_out(dst.v, src, n)))
        return n;
    [[clang::musttail]] return copy_out_pages(dst, src, n);
}

usize user_clear_partial(uaddr_t dst, usize n)
{
    if (!user_range_ok(dst, n))
        return 0;
    usize done = 0;
    while (done < n) {
        u64 va = dst.v + done;
        usize part = MIN(n - done, PAGE_SIZE - (va & PAGE_MASK));
        irqflags_t f = arch_irq_save();
        const struct arch_aspace *mmu = current()->mmu;
        void *p = mmu ? walk(mmu, va, true) : NULL;
        if (p)
            memset(p, 0, part);
        arch_irq_restore(f);
        if (p)
            done += part;
        else if (!fault_in(va, ACCESS_WRITE))
            break;
    }
    return done;
}

// The whole forms. Small aligned objects inside one page, which is what calls mostly copy, take a
// path without calls; all else goes on as a tail call.
static int copy_in_slow(void *dst, uaddr_t src, usize n)
{
    return user_copy_in_partial(dst, src, n) == n ? 0 : -E_FAULT;
}

static int copy_out_slow(uaddr_t dst, const void *src, usize n)
{
    return user_copy_out_partial(dst, src, n) == n ? 0 : -E_FAULT;
}

[[gnu::always_inline]] static inline bool is_small(u64 user, const void *kernel, usize n)
{
    return ((user | (uintptr_t)kernel | n) & 7) == 0 && n - 1 < 64 &&
           (user & PAGE_MASK) + n <= PAGE_SIZE && user < arch_user_top();
}

[[gnu::always_inline]] static inline void copy_words(word *d, const word *s, usize n)
{
    const word *end = (const word *)((uintptr_t)s + n);
    do {
        word w = *s;
        s++;
        *d = w;
        d++;
        __asm__("" : "+r"(d)); // keeps the compiler from counting a third time
    } while (s != end);
}

int user_copy_in(void *dst, uaddr_t src, usize n)
{
    if (LIKELY(is_small(src.v, dst, n))) {
        irqflags_t f = arch_irq_save();
        const struct arch_aspace *mmu = current()->mmu;
        const void *p = LIKELY(mmu != NULL) ? walk(mmu, src.v, false) : NULL;
        if (LIKELY(p != NULL)) {
            copy_words(dst, p, n);
            arch_irq_restore(f);
            return 0;
        }
        arch_irq_restore(f);
    }
    [[clang::musttail]] return copy_in_slow(dst, src, n);
}

int user_copy_out(uaddr_t dst, const void *src, usize n)
{
    if (LIKELY(is_small(dst.v, src, n))) {
        irqflags_t f = arch_irq_save();
        const struct arch_aspace *mmu = current()->mmu;
        void *p = LIKELY(mmu != NULL) ? walk(mmu, dst.v, true) : NULL;
        if (LIKELY(p != NULL)) {
            copy_words(p, src, n);
            arch_irq_restore(f);
            return 0;
        }
        arch_irq_restore(f);
    }
    [[clang::musttail]] return copy_out_slow(dst, src, n);
}

int user_clear(uaddr_t dst, usize n)
{
    return user_clear_partial(dst, n) == n ? 0 : -E_FAULT;
}

i64 user_string(char *dst, uaddr_t src, usize cap)
{
    // Copied first, looked at afterwards: the string may change under us, the copy may not.
    enum { CHUNK = 64 };
    for (usize done = 0; done < cap;) {
        u64 va = src.v + done;
        if (UNLIKELY(va >= arch_user_top() || va < src.v))
            return -E_FAULT;
        usize part = MIN(MIN((usize)CHUNK, cap - done), PAGE_SIZE - (va & PAGE_MASK));
        if (UNLIKELY(user_copy_in(dst + done, uaddr(va), part)))
            return -E_FAULT;
        usize len = strnlen(dst + done, part);
        if (len < part)
            return (i64)(done + len);
        done += part;
    }
    return -E_NAMETOOLONG;
}

// --- futex words ---
int user_load32(uaddr_t a, u32 *out, bool atomic)
{
    if (a.v & 3)
        return -E_INVAL;
    if (!user_range_ok(a, 4))
        return -E_FAULT;
    for (;;) {
        irqflags_t f = arch_irq_save();
        const struct arch_aspace *mmu = current()->mmu;
        const u32 *p = mmu ? walk(mmu, a.v, false) : NULL;
        if (p)
            *out = __atomic_load_n(p, __ATOMIC_SEQ_CST);
        arch_irq_restore(f);
        if (p)
            return 0;
        if (atomic)
            return -E_AGAIN;
        if (!fault_in(a.v, ACCESS_READ))
            return -E_FAULT;
    }
}

int user_cmpxchg32(uaddr_t a, u32 expected, u32 desired, u32 *seen)
{
    if (a.v & 3)
        return -E_INVAL;
    if (!user_range_ok(a, 4))
        return -E_FAULT;
    for (;;) {
        irqflags_t f = arch_irq_save();
        const struct arch_aspace *mmu = current()->mmu;
        u32 *p = mmu ? walk(mmu, a.v, true) : NULL;
        bool same = false;
        u32 was = expected;
        if (p)
            same = __atomic_compare_exchange_n(p, &was, desired, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST);
        arch_irq_restore(f);
        if (p) {
            *seen = was;
            return same ? 0 : -E_AGAIN;
        }
        if (!fault_in(a.v, ACCESS_WRITE))
            return -E_FAULT;
    }
}

int user_futex_key(uaddr_t a, bool private, struct futex_key *out)
{
    struct arch_aspace *mmu = current()->mmu;
    if (a.v & 3)
        return -E_INVAL;
    if (!mmu || !user_range_ok(a, 4))
        return -E_FAULT;
    struct aspace *as = container_of(mmu, struct aspace, arch);
    *out = (struct futex_key){(u64)(uintptr_t)as, a.v};
    if (private)
        return 0;
    // Shared words are known by object and place; object numbers are made odd, spaces are even.
    read_lock(&as->lock);
    struct vma *v = aspace_find(as, a.v);
    int err = v && v->flags & (VMA_READ | VMA_WRITE) ? 0 : -E_FAULT;
    if (!err && v->flags & VMA_SHARED)
        *out = (struct futex_key){v->object->id << 1 | 1, v->offset + (a.v - v->start)};
    read_unlock(&as->lock);
    return err;
}
