// What events become: xv6 knows one thing that can happen to a process, being killed. Stopping and
// continuing are the terminal's and the shell's matter and pass it by unseen. Pending stops are
// guarded by task->lock.
#include "xv6.h"

// As another system's parent reads them: the numbers of Linux's signals.
static const u8 numbers[] = {
    [EVENT_INTERRUPT] = 2,      [EVENT_QUIT] = 3,
    [EVENT_HANGUP] = 1,         [EVENT_TERMINATE] = 15,
    [EVENT_KILL] = 9,           [EVENT_STOP] = 19,
    [EVENT_TTY_STOP] = 20,      [EVENT_TTY_INPUT] = 21,
    [EVENT_TTY_OUTPUT] = 22,    [EVENT_CONTINUE] = 18,
    [EVENT_CHILD] = 17,         [EVENT_PIPE] = 13,
    [EVENT_ALARM] = 14,         [EVENT_VALARM] = 26,
    [EVENT_PROF] = 27,          [EVENT_IO] = 29,
    [EVENT_URGENT] = 23,        [EVENT_WINDOW] = 28,
    [EVENT_FAULT_ADDRESS] = 11, [EVENT_FAULT_BUS] = 7,
    [EVENT_FAULT_ILLEGAL] = 4,  [EVENT_FAULT_ARITH] = 8,
    [EVENT_TRAP] = 5,           [EVENT_ABORT] = 6,
    [EVENT_BAD_CALL] = 31,      [EVENT_CPU_LIMIT] = 24,
    [EVENT_FILE_LIMIT] = 25,    [EVENT_POWER] = 30,
};

i32 xv6_event_number(enum event_kind k)
{
    if (k >= EVENT_ABI)
        return k - EVENT_ABI;
    return k < ARRAY_LEN(numbers) ? numbers[k] : 0;
}

int xv6_event(struct task *t, struct task_thread *tt, const struct event *e)
{
    struct xv6_task *x = xv6_task(t);
    if (!x || xv6_key_pressed(t, e))
        return 0;
    i32 number = xv6_event_number(e->kind);
    if (number > 0 && x->ignored >> (number - 1) & 1 && e->kind != EVENT_CONTINUE)
        return 0;
    switch (e->kind) {
    case EVENT_CHILD:
    case EVENT_IO:
    case EVENT_URGENT:
    case EVENT_WINDOW:
    case EVENT_PIPE:       // the write answers -1
    case EVENT_FILE_LIMIT: // likewise
        return 0;
    case EVENT_CONTINUE:
        x->stop = false;
        task_continue_locked(t);
        return 0;
    case EVENT_STOP:
    case EVENT_TTY_STOP:
    case EVENT_TTY_INPUT:
    case EVENT_TTY_OUTPUT:
        x->stop = true;
        x->stop_number = number;
        list_for_each_entry (tt, &t->threads, link)
            task_wake_thread(tt);
        return 0;
    default:
        task_terminate_locked(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = number});
        return 0;
    }
}

// What xv6 knows nothing of is kept for it and for programs of other systems that it runs.
void xv6_inherit(struct task_thread *tt, const struct abi_signal_status *s)
{
    spin_lock(&tt->task->lock);
    xv6_task(tt->task)->ignored =
        s->ignored & ~(1ul << (numbers[EVENT_KILL] - 1) | 1ul << (numbers[EVENT_STOP] - 1));
    spin_unlock(&tt->task->lock);
}

void xv6_hand_over(struct task *t, struct task_thread *tt)
{
    (void)tt;
    struct event e = {.kind = EVENT_STOP, .code = EVC_USER};
    for (u32 k = 0; k < ARRAY_LEN(numbers); k++)
        if (numbers[k] == xv6_task(t)->stop_number)
            e.kind = (enum event_kind)k;
    if (xv6_task(t)->stop)
        event_hold(t, &e);
}

void xv6_signal_status(struct task *t, struct task_thread *tt, struct abi_signal_status *out)
{
    (void)tt;
    if (xv6_task(t))
        out->ignored = xv6_task(t)->ignored;
}

// Stops the current task, unless nobody could continue it.
static void stop(struct task *t, i32 number)
{
    if (number != numbers[EVENT_STOP]) {
        spin_lock(&tree_lock);
        bool orphaned = pgrp_is_orphaned(t->pgrp);
        spin_unlock(&tree_lock);
        if (orphaned)
            return;
    }
    task_stop(number);
    task_check_stop();
}

int xv6_interrupted(void)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    struct xv6_task *x = xv6_task(t);
    for (;;) {
        spin_lock(&t->lock);
        bool dying = t->exiting || tt->leaving, wanted = x->stop, stopping = t->stop_wanted;
        i32 number = x->stop_number;
        x->stop = false;
        if (wanted)
            t->stop_taken = true;
        if (!dying && !wanted && !stopping)
            atomic_fetch_and(&tt->thread->arch.work, ~(u32)WORK_EVENT);
        spin_unlock(&t->lock);
        if (dying)
            return -E_INTR;
        if (wanted)
            stop(t, number);
        else if (stopping)
            task_check_stop();
        else
            return 0;
    }
}

void xv6_deliver(struct trapframe *tf)
{
    (void)tf;
    (void)!xv6_interrupted(); // when ending, the caller sees to it
}

void xv6_fault(struct trapframe *tf, const struct event *e)
{
    (void)tf;
    task_terminate(current_task(),
                   (struct exit_info){.kind = EXIT_BY_EVENT, .number = xv6_event_number(e->kind)});
}
