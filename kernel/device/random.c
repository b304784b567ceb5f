// Randomness: one ChaCha20 key that every use replaces (what was given out cannot be found from
// what is kept).
//
// Guarded by random_lock (class random, interrupts off): the key and the count of entropy bits.
// Moments of interrupts gather in per-CPU words without lock and are mixed in now and then. Relies
// on nothing but the block function, so it works from the first instruction.
#include <arch/cpu.h>
#include <arch/time.h>
#include <device/random.h>
#include <kerr.h>
#include <lib/random.h>
#include <lib/string.h>
#include <sched/thread.h>
#include <sched/wait.h>
#include <sync/lock_order.h>

enum : u32 { SEED_BITS = 256, MOMENTS = 64 };

static struct spinlock random_lock = SPINLOCK_INIT(&lock_class_random);
static u8 key[CHACHA_KEY];
static _Atomic u32 bits;
static struct waitqueue ready_wait = WAITQUEUE_INIT(ready_wait);
static struct moment {
    u64 word;
    u32 count;
} moments[MAX_CPUS];

static const u8 no_nonce[CHACHA_NONCE];

// One block under the present key; its first half becomes the key, the second goes to out. Lock
// held.
static void step(u8 out[CHACHA_BLOCK - CHACHA_KEY])
{
    struct chacha c;
    u8 block[CHACHA_BLOCK];
    chacha_init(&c, key, no_nonce, 0);
    chacha_block(&c, block);
    memcpy(key, block, CHACHA_KEY);
    memcpy(out, block + CHACHA_KEY, CHACHA_BLOCK - CHACHA_KEY);
    mem_wipe(block, sizeof(block));
    mem_wipe(&c, sizeof(c));
}

void random_bytes(void *buf, usize n)
{
    u8 *out = buf, half[CHACHA_BLOCK - CHACHA_KEY];
    static_assert(sizeof(half) == CHACHA_KEY);
    irqflags_t f = spin_lock_irqsave(&random_lock);
    // Two CPUs never draw the same, but a machine without any seed should still differ from boot to
    // boot a little.
    if (UNLIKELY(!random_ready()))
        for (usize i = 0; i < sizeof(u64); i++)
            key[i] ^= (u8)(arch_entropy_word() >> (8 * i));
    step(half);
    spin_unlock_irqrestore(&random_lock, f);
    if (n <= sizeof(half)) {
        memcpy(out, half, n);
    } else {
        // Much is wanted: the half is the key of a stream of its own, outside of the lock.
        struct chacha c;
        u8 block[CHACHA_BLOCK];
        chacha_init(&c, half, no_nonce, 0);
        for (usize done = 0; done < n; done += sizeof(block)) {
            chacha_block(&c, block);
            memcpy(out + done, block, MIN(n - done, sizeof(block)));
        }
        mem_wipe(block, sizeof(block));
        mem_wipe(&c, sizeof(c));
    }
    mem_wipe(half, sizeof(half));
}

u64 random_u64(void)
{
    u64 v;
    random_bytes(&v, sizeof(v));
    return v;
}

void random_add(const void *data, usize n, u32 worth)
{
    const u8 *p = data;
    u8 ignored[CHACHA_BLOCK - CHACHA_KEY];
    irqflags_t f = spin_lock_irqsave(&random_lock);
    for (usize done = 0; done < n; done += CHACHA_KEY) {
        for (usize i = 0; i < MIN(n - done, (usize)CHACHA_KEY); i++)
            key[i] ^= p[done + i];
        step(ignored);
    }
    u32 before = atomic_load_explicit(&bits, memory_order_relaxed);
    u32 now = MIN(before + MIN(worth, (u32)SEED_BITS), (u32)SEED_BITS);
    atomic_store_explicit(&bits, now, memory_order_release);
    spin_unlock_irqrestore(&random_lock, f);
    if (before < SEED_BITS && now == SEED_BITS && waitqueue_active(&ready_wait))
        wake_all(&ready_wait, 0);
}

void random_add_moment(u32 what)
{
    struct moment *m = &moments[this_cpu()->index];
    u64 now = arch_entropy_word() ^ ((u64)what << 56);
    m->word = (m->word << 7 | m->word >> 57) ^ now;
    if (++m->count % MOMENTS)
        return;
    random_add(&m->word, sizeof(m->word), 1); // 64 interrupt times are worth far more than one bit
}

bool random_ready(void)
{
    return atomic_load_explicit(&bits, memory_order_acquire) >= SEED_BITS;
}

int random_wait_ready(void)
{
    return wait_event_interruptible(&ready_wait, random_ready());
}

u32 random_entropy_bits(void)
{
    return atomic_load_explicit(&bits, memory_order_relaxed);
}
