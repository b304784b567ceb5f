// What the rest of ipc needs beyond fakes.c: user words and timers, of which these tests use none.
#include <kerr.h>
#include <sched/timer.h>
#include <vm/user.h>

int user_futex_key(uaddr_t a, bool private, struct futex_key *out)
{
    (void)private;
    *out = (struct futex_key){a.v, 0};
    return 0;
}
int user_load32(uaddr_t a, u32 *out, bool atomic)
{
    (void)atomic;
    *out = *(u32 *)(uintptr_t)a.v;
    return 0;
}
int user_cmpxchg32(uaddr_t a, u32 expected, u32 desired, u32 *seen)
{
    u32 *p = (u32 *)(uintptr_t)a.v;
    *seen = *p;
    if (*p != expected)
        return -E_AGAIN;
    *p = desired;
    return 0;
}
void timer_init(struct timer *t, void (*fn)(struct timer *))
{
    t->fn = fn;
    t->cpu = TIMER_IDLE;
}
void timer_arm(struct timer *t, u64 deadline_ns)
{
    t->deadline = deadline_ns;
    t->cpu = 0;
}
bool timer_cancel(struct timer *t)
{
    bool was = t->cpu != TIMER_IDLE;
    t->cpu = TIMER_IDLE;
    return was;
}
bool timer_cancel_sync(struct timer *t)
{
    return timer_cancel(t);
}
