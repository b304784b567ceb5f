// What a thread owes its user space when it ends or leaves for another program: the cleared tid
// word and the robust futex list (get_robust_list(2), Linux 6.12 kernel/futex/core.c for the order
// and the bound).
#include "linux.h"
#include <ipc/futex.h>
#include <kerr.h>
#include <vm/user.h>

enum : u32 {
    FUTEX_WAITERS = 0x80000000,
    FUTEX_OWNER_DIED = 0x40000000,
    FUTEX_TID_MASK = 0x3fffffff
};
enum { ROBUST_LIST_LIMIT = 2048 };

struct robust_head {
    u64 next;
    i64 futex_offset;
    u64 pending;
};

// Marks one lock word as left behind by a dead owner and wakes a waiter.
static int let_go(u64 word, u32 tid, bool pending)
{
    if (word & 3)
        return -E_FAULT;
    u32 value, seen;
    int err = user_load32(uaddr(word), &value, false);
    if (err)
        return err;
    if (pending && value == 0) { // died between unlocking and waking
        (void)futex_wake(uaddr(word), 1, FUTEX_ANY_BITS, false);
        return 0;
    }
    while ((value & FUTEX_TID_MASK) == tid) {
        err = user_cmpxchg32(uaddr(word), value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen);
        if (err == 0) {
            if (value & FUTEX_WAITERS)
                (void)futex_wake(uaddr(word), 1, FUTEX_ANY_BITS, false);
            return 0;
        }
        if (err != -E_AGAIN)
            return err;
        value = seen;
    }
    return 0;
}

static void walk_robust_list(u64 head_at, u32 tid)
{
    struct robust_head head;
    if (user_copy_in(&head, uaddr(head_at), sizeof(head)))
        return;
    u64 entry = head.next & ~1ul, pending = head.pending & ~1ul;
    for (u32 n = 0; entry != head_at && n < ROBUST_LIST_LIMIT; n++) {
        u64 next;
        bool more = user_copy_in(&next, uaddr(entry), sizeof(next)) == 0;
        if (entry != pending && let_go(entry + (u64)head.futex_offset, tid, false))
            return;
        if (!more)
            return;
        entry = next & ~1ul;
    }
    if (pending)
        (void)let_go(pending + (u64)head.futex_offset, tid, true);
}

static void release_user_words(struct task_thread *tt)
{
    struct linux_thread *lt = linux_thread(tt);
    if (lt->robust_list)
        walk_robust_list(lt->robust_list, tt->tid);
    lt->robust_list = 0;
    if (lt->clear_child_tid) {
        // Only if somebody shares the space: else nobody could look.
        u32 zero = 0;
        if (refcount_read(&tt->task->aspace->users) > 1 || tt->task->thread_count > 1) {
            (void)!user_copy_out(uaddr(lt->clear_child_tid), &zero, sizeof(zero));
            (void)futex_wake(uaddr(lt->clear_child_tid), 1, FUTEX_ANY_BITS, false);
        }
        lt->clear_child_tid = 0;
    }
    lt->rseq_area = 0;
    lt->rseq_len = lt->rseq_sig = 0;
}

void linux_thread_exit(struct task_thread *tt)
{
    if (linux_thread(tt))
        release_user_words(tt);
}

void linux_task_exec(struct task *t, const struct abi_module *next)
{
    release_user_words(current_task_thread());
    linux_timers_drop(
        t,
        next == &linux_abi); // alarms survive exec, but only as long as the state that holds them
}
