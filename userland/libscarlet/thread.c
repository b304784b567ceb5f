// Threads, locks, event handlers.
#include "private.h"

struct thread_begin {
    void (*fn)(void *);
    void *arg;
};
enum { STACK_SIZE = 256 << 10 };

void thread_begin_c(struct thread_begin *b)
{
    b->fn(b->arg);
    for (;;)
        (void)scarlet_call_exit_thread(0);
}

long thread_start(struct thread *t, void (*fn)(void *), void *arg)
{
    long at = scarlet_call_map(SCARLET_NO_HANDLE, NULL, STACK_SIZE,
                               SCARLET_PROTECT_READ | SCARLET_PROTECT_WRITE, 0, 0);
    if (at < 0)
        return at;
    t->stack = (void *)at;
    t->size = STACK_SIZE;
    struct thread_begin *b =
        (struct thread_begin *)(at + STACK_SIZE - sizeof(*b)); // on top of its own stack
    *b = (struct thread_begin){fn, arg};
    long id = scarlet_call_thread_create((void *)thread_entry, b, (u64)b, 0);
    if (id < 0)
        (void)scarlet_call_unmap(t->stack, t->size);
    t->id = (int)id;
    return id;
}

long thread_wait(struct thread *t)
{
    long r = scarlet_call_thread_join(t->id, FOREVER);
    if (r == 0)
        (void)scarlet_call_unmap(t->stack, t->size);
    return r;
}

void lock_take(struct lock *l)
{
    u32 seen = 0;
    if (__atomic_compare_exchange_n(&l->word, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
        (void)scarlet_call_futex_wait(&l->word, 2, FOREVER, 0);
}

void lock_give(struct lock *l)
{
    if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)
        (void)scarlet_call_futex_wake(&l->word, 1, 0);
}

static void (*handler)(const struct scarlet_task_event *e);

void event_dispatch(const struct scarlet_task_event *e)
{
    handler(e);
}

long on_events(u32 mask, void (*fn)(const struct scarlet_task_event *e))
{
    handler = fn;
    return fn ? scarlet_call_event_handler((void *)event_entry, NULL, mask)
              : scarlet_call_event_handler(NULL, NULL, 0);
}
