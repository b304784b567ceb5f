// Events of native tasks: what the kernel and other tasks post, handlers, default actions, and what
// becomes of the interrupted call.
//
// Guarded by task->lock. Per kind one event waits, unless more were sent to be kept; KILL and STOP
// take effect at once.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <lib/string.h>

enum : u32 {
    BIT_KILL = 1u << SCARLET_EVENT_KILL,
    BIT_STOP = 1u << SCARLET_EVENT_STOP,
    STOPS = 1u << SCARLET_EVENT_TTY_STOP | 1u << SCARLET_EVENT_TTY_INPUT |
            1u << SCARLET_EVENT_TTY_OUTPUT,
    DROPPED = 1u << SCARLET_EVENT_CONTINUE | 1u << SCARLET_EVENT_CHILD | 1u << SCARLET_EVENT_PIPE |
              1u << SCARLET_EVENT_IO | 1u << SCARLET_EVENT_WINDOW,
    UNBLOCKABLE = BIT_KILL | BIT_STOP,
};

// --- numbers ---
// One row a kind: the kernel's kinds, and the number that exit information carries for every ABI to
// read (POSIX signal numbers).
static const struct {
    enum event_kind kind;
    u8 native, number;
} kinds[] = {
    {EVENT_TERMINATE, SCARLET_EVENT_TERMINATE, 15},
    {EVENT_KILL, SCARLET_EVENT_KILL, 9},
    {EVENT_STOP, SCARLET_EVENT_STOP, 19},
    {EVENT_CONTINUE, SCARLET_EVENT_CONTINUE, 18},
    {EVENT_INTERRUPT, SCARLET_EVENT_INTERRUPT, 2},
    {EVENT_QUIT, SCARLET_EVENT_QUIT, 3},
    {EVENT_HANGUP, SCARLET_EVENT_HANGUP, 1},
    {EVENT_CHILD, SCARLET_EVENT_CHILD, 17},
    {EVENT_PIPE, SCARLET_EVENT_PIPE, 13},
    {EVENT_ALARM, SCARLET_EVENT_ALARM, 14},
    {EVENT_IO, SCARLET_EVENT_IO, 29},
    {EVENT_TTY_STOP, SCARLET_EVENT_TTY_STOP, 20},
    {EVENT_TTY_INPUT, SCARLET_EVENT_TTY_INPUT, 21},
    {EVENT_TTY_OUTPUT, SCARLET_EVENT_TTY_OUTPUT, 22},
    {EVENT_WINDOW, SCARLET_EVENT_WINDOW, 28},
    {EVENT_FAULT_ADDRESS, SCARLET_EVENT_FAULT, 11},
    {EVENT_FAULT_BUS, SCARLET_EVENT_FAULT, 7},
    {EVENT_FAULT_ILLEGAL, SCARLET_EVENT_FAULT, 4},
    {EVENT_FAULT_ARITH, SCARLET_EVENT_FAULT, 8},
    {EVENT_TRAP, SCARLET_EVENT_FAULT, 5},
    {EVENT_ABORT, SCARLET_EVENT_TERMINATE, 6},
    {EVENT_BAD_CALL, SCARLET_EVENT_FAULT, 31},
    {EVENT_CPU_LIMIT, SCARLET_EVENT_TERMINATE, 24},
    {EVENT_FILE_LIMIT, SCARLET_EVENT_TERMINATE, 25},
    {EVENT_POWER, SCARLET_EVENT_TERMINATE, 30},
    {EVENT_VALARM, SCARLET_EVENT_ALARM, 26},
    {EVENT_PROF, SCARLET_EVENT_ALARM, 27},
    {EVENT_URGENT, SCARLET_EVENT_IO, 23},
};
enum { FIRST_CUSTOM_NUMBER = 34 }; // custom kind n travels as number 34 + n

i32 scarlet_event_number(enum event_kind k)
{
    if (k >= EVENT_ABI)
        return k - EVENT_ABI;
    for (usize i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == k)
            return kinds[i].number;
    return 15;
}

u32 kind_of_number(i32 number)
{
    for (usize i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].number == number)
            return kinds[i].native;
    if (number >= FIRST_CUSTOM_NUMBER &&
        number < FIRST_CUSTOM_NUMBER + EVENT_BITS - CUSTOM_FIRST_BIT)
        return (u32)(SCARLET_EVENT_CUSTOM + number - FIRST_CUSTOM_NUMBER);
    return SCARLET_EVENT_TERMINATE;
}

int kernel_kind(u32 kind, enum event_kind *out)
{
    if (kind >= SCARLET_EVENT_CUSTOM &&
        kind < SCARLET_EVENT_CUSTOM + EVENT_BITS - CUSTOM_FIRST_BIT) {
        *out = (enum event_kind)(EVENT_ABI + FIRST_CUSTOM_NUMBER + kind - SCARLET_EVENT_CUSTOM);
        return 0;
    }
    for (usize i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].native == kind) {
            *out = kinds[i].kind;
            return 0;
        }
    return -E_INVAL;
}

static u32 bit_of_kind(u32 kind)
{
    return kind >= SCARLET_EVENT_CUSTOM ? kind - SCARLET_EVENT_CUSTOM + CUSTOM_FIRST_BIT : kind;
}
static u32 kind_of_bit(u32 bit)
{
    return bit >= CUSTOM_FIRST_BIT ? bit - CUSTOM_FIRST_BIT + SCARLET_EVENT_CUSTOM : bit;
}

u32 event_bit_of(enum event_kind k)
{
    return bit_of_kind(kind_of_number(scarlet_event_number(k)));
}

// --- posting; task->lock held ---
static bool wants(struct task_thread *tt, u32 bit)
{
    struct scarlet_thread *th = scarlet_thread(tt);
    if (!th || tt->leaving)
        return false;
    u32 blocked = atomic_load(&th->blocked) & ~atomic_load(&th->waiting);
    return !(blocked >> bit & 1);
}

static void wake_for(struct task *t, struct task_thread *only, u32 bit)
{
    struct task_thread *tt;
    wake_all(&scarlet_task(t)->taken, 0);
    if (only) {
        if (wants(only, bit))
            task_wake_thread(only);
        return;
    }
    list_for_each_entry (tt, &t->threads, link) {
        if (wants(tt, bit)) {
            task_wake_thread(tt);
            return;
        }
    }
}

static void forget(struct task *t, u32 bits)
{
    struct task_thread *tt;
    event_box_forget(&scarlet_task(t)->box, bits);
    list_for_each_entry (tt, &t->threads, link)
        if (scarlet_thread(tt))
            event_box_forget(&scarlet_thread(tt)->box, bits);
}

// Would it do nothing as things stand? Somebody who waits for it in event_take wants it all the
// same.
static bool ignored(struct task *t, struct task_thread *tt, u32 bit, i32 number)
{
    struct scarlet_task *st = scarlet_task(t);
    struct task_thread *each;
    if (st->handled >> bit & 1)
        return false;
    list_for_each_entry (each, &t->threads, link) {
        struct scarlet_thread *th = scarlet_thread(each);
        if ((!tt || tt == each) && th &&
            (atomic_load(&th->blocked) | atomic_load(&th->waiting)) >> bit & 1)
            return false;
    }
    return DROPPED >> bit & 1 || st->unkillable || st->ignored >> (number - 1) & 1;
}

int scarlet_event(struct task *t, struct task_thread *tt, const struct event *e)
{
    struct scarlet_task *st = scarlet_task(t);
    if (!st || (tt && !scarlet_thread(tt)))
        return 0;
    i32 number = scarlet_event_number(e->kind);
    u32 kind = kind_of_number(number), bit = bit_of_kind(kind);
    if (bit == SCARLET_EVENT_KILL) {
        if (!st->unkillable || e->code == EVC_KERNEL)
            task_terminate_locked(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = number});
        return 0;
    }
    if (bit == SCARLET_EVENT_STOP || STOPS >> bit & 1)
        forget(t, 1u << SCARLET_EVENT_CONTINUE);
    if (bit == SCARLET_EVENT_CONTINUE) {
        forget(t, STOPS | BIT_STOP);
        task_continue_locked(t);
    }
    if (ignored(t, tt, bit, number))
        return 0;
    const struct waiting_event w = {
        .event = {.kind = kind,
                  .sender = (i32)e->sender_pid,
                  .value = kind == SCARLET_EVENT_FAULT ? (u64)number : e->value,
                  .address = e->addr,
                  .status = e->status,
                  .user = e->sender_uid},
        .priority = e->priority ? e->priority : (u32)SCARLET_PRIORITY_NORMAL};
    int err = event_box_put(tt ? &scarlet_thread(tt)->box : &st->box, bit, &w, e->reliable,
                            MIN(t->limits[LIMIT_SIGPENDING].soft, (u64)EVENTS_KEPT_MAX));
    if (!err)
        wake_for(t, tt, bit);
    return err;
}

// --- what is left to the next program; numbers that cannot be ignored are never asked for ---
void scarlet_inherit(struct task_thread *tt, const struct abi_signal_status *s)
{
    spin_lock(&tt->task->lock);
    scarlet_task(tt->task)->ignored = s->ignored;
    spin_unlock(&tt->task->lock);
}

void scarlet_hand_over(struct task *t, struct task_thread *tt)
{
    struct event_box *boxes[] = {&scarlet_thread(tt)->box, &scarlet_task(t)->box};
    for (usize i = 0; i < ARRAY_LEN(boxes); i++)
        for (u32 bit; (bit = event_box_most_urgent(boxes[i], ~0u)) != EVENT_BITS;) {
            struct scarlet_task_event w = event_box_take(boxes[i], bit);
            struct event e = {.code = EVC_USER,
                              .sender_pid = (u32)w.sender,
                              .sender_uid = w.user,
                              .value = w.value,
                              .status = w.status};
            if (!kernel_kind(w.kind, &e.kind))
                event_hold(t, &e);
        }
}

void scarlet_signal_status(struct task *t, struct task_thread *tt, struct abi_signal_status *out)
{
    (void)tt;
    if (scarlet_task(t))
        out->ignored = scarlet_task(t)->ignored;
}

// --- taking; task->lock held ---
static bool take(struct task *t, struct task_thread *tt, u32 wanted, u32 *bit,
                 struct scarlet_task_event *out)
{
    struct event_box *own = &scarlet_thread(tt)->box, *all = &scarlet_task(t)->box;
    struct event_box *box = own->pending & wanted ? own : all;
    *bit = event_box_most_urgent(box, wanted);
    if (*bit == EVENT_BITS)
        return false;
    *out = event_box_take(box, *bit);
    return true;
}

static void resolve_restart(struct trapframe *tf, bool handler)
{
    u32 kind = entry_take_restart(tf);
    if (kind == SYS_RESTART_SA || kind == SYS_RESTART_ALWAYS ||
        (!handler && kind != SYS_RESTART_NEVER))
        tf_restart_syscall(tf);
}

static i32 number_of(const struct scarlet_task_event *e)
{
    enum event_kind k;
    if (e->kind == SCARLET_EVENT_FAULT && e->value)
        return (i32)e->value;
    return kernel_kind(e->kind, &k) ? 15 : scarlet_event_number(k);
}

// False: the task ends.
static bool default_action(struct task *t, u32 bit, const struct scarlet_task_event *e)
{
    i32 number = number_of(e);
    if (bit == SCARLET_EVENT_STOP || STOPS >> bit & 1) {
        if (bit != SCARLET_EVENT_STOP) {
            spin_lock(&tree_lock);
            bool orphaned = pgrp_is_orphaned(t->pgrp);
            spin_unlock(&tree_lock);
            if (orphaned)
                return true;
        }
        task_stop(number);
        task_check_stop();
        return true;
    }
    if (DROPPED >> bit & 1)
        return true;
    task_terminate(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = number});
    return false;
}

static void end_by_fault(struct task *t, i32 number)
{
    task_terminate(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = number});
}

void scarlet_deliver(struct trapframe *tf)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    struct scarlet_task *st = scarlet_task(t);
    struct scarlet_thread *th = scarlet_thread(tt);
    if (th->spawn) {
        struct spawn_job *job = th->spawn;
        th->spawn = NULL;
        spin_lock(&t->lock);
        atomic_fetch_and(&tt->thread->arch.work, ~(u32)WORK_EVENT);
        spin_unlock(&t->lock);
        spawn_run(job, tf);
        return;
    }
    for (;;) {
        struct scarlet_task_event e;
        u32 bit;
        spin_lock(&t->lock);
        if (t->exiting || tt->leaving || t->stop_wanted) {
            spin_unlock(&t->lock);
            return;
        }
        u32 blocked = atomic_load(&th->blocked);
        if (!take(t, tt, ~blocked, &bit, &e)) {
            atomic_fetch_and(&tt->thread->arch.work, ~(u32)WORK_EVENT);
            spin_unlock(&t->lock);
            break;
        }
        if (bit == SCARLET_EVENT_STOP || STOPS >> bit & 1)
            t->stop_taken = true;
        bool handler = st->handled >> bit & 1;
        bool nothing = !handler && st->unkillable && e.kind != SCARLET_EVENT_FAULT;
        u64 entry = st->entry, stack = st->stack_top;
        spin_unlock(&t->lock);
        if (nothing)
            continue;
        if (!handler) {
            if (!default_action(t, bit, &e))
                return;
            continue;
        }
        resolve_restart(tf, true);
        if (event_frame_push(tf, entry, stack, &e, blocked)) {
            end_by_fault(t, 11);
            return;
        }
        atomic_store(&th->blocked, blocked | 1u << bit);
    }
    resolve_restart(tf, false);
}

// A fault comes back at once when nobody handles it, so it ends the task even if it is blocked.
void scarlet_fault(struct trapframe *tf, const struct event *e)
{
    (void)tf;
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    u32 bit = 1u << SCARLET_EVENT_FAULT;
    spin_lock(&t->lock);
    bool handled =
        scarlet_task(t)->handled & bit && !(atomic_load(&scarlet_thread(tt)->blocked) & bit);
    if (handled)
        (void)scarlet_event(t, tt, e);
    spin_unlock(&t->lock);
    if (!handled)
        end_by_fault(t, scarlet_event_number(e->kind));
}

// --- calls ---
i64 scarlet_event_handler(uaddr_t entry, uaddr_t stack_top, u32 mask)
{
    struct task *t = current_task();
    if (mask & UNBLOCKABLE || (mask && !entry.v))
        return -E_INVAL;
    spin_lock(&t->lock);
    scarlet_task(t)->handled = mask;
    scarlet_task(t)->entry = entry.v;
    scarlet_task(t)->stack_top = stack_top.v;
    spin_unlock(&t->lock);
    return 0;
}

static u32 set_blocked(u32 mask)
{
    struct task_thread *tt = current_task_thread();
    struct scarlet_thread *th = scarlet_thread(tt);
    u32 old = atomic_exchange(&th->blocked, mask & ~UNBLOCKABLE);
    thread_set_work(tt->thread, WORK_EVENT); // what became free is looked at on the way out
    return old;
}

i64 scarlet_event_return(struct trapframe *tf)
{
    u32 blocked;
    if (event_frame_pop(tf, &blocked)) {
        end_by_fault(current_task(), 11);
        return -E_FAULT;
    }
    (void)set_blocked(blocked);
    return 0;
}

i64 scarlet_event_block(u32 mask)
{
    return set_blocked(mask);
}

static bool take_now(u32 mask, u32 *bit, struct scarlet_task_event *out)
{
    struct task_thread *tt = current_task_thread();
    spin_lock(&tt->task->lock);
    bool got = take(tt->task, tt, mask, bit, out);
    spin_unlock(&tt->task->lock);
    return got;
}

i64 scarlet_event_take(u32 mask, struct scarlet_task_event *event, u64 deadline)
{
    struct task_thread *tt = current_task_thread();
    struct scarlet_thread *th = scarlet_thread(tt);
    u32 bit;
    mask &= ~UNBLOCKABLE;
    if (take_now(mask, &bit, event))
        return event->kind;
    if (deadline == 0)
        return -E_AGAIN;
    atomic_store(&th->waiting, mask);
    bool got = false;
    int err =
        wait_event_deadline(&scarlet_task(tt->task)->taken,
                            got || (got = take_now(mask, &bit, event)), deadline_of(deadline));
    atomic_store(&th->waiting, 0);
    if (!got)
        got = take_now(mask, &bit, event);
    if (got)
        return kind_of_bit(bit);
    return err;
}
