// Queues of pending signals: who gets what, and what is dropped on the way. All under task->lock.
#include "linux.h"
#include "signalfd.h"
#include <kerr.h>
#include <mem/slab.h>
#include <sync/log.h>

DEFINE_SLAB(queued_slab, struct sig_queued);

// Default actions (signal(7)).
#define DEFAULT_IGNORED                                                                            \
    (sig_bit(SIG_CHLD) | sig_bit(SIG_CONT) | sig_bit(SIG_URG) | sig_bit(SIG_WINCH))

void sig_pending_init(struct sig_pending *p)
{
    atomic_init(&p->set, 0);
    list_init(&p->queue);
}

void sig_pending_drop(struct task *t, struct sig_pending *p, u64 set)
{
    if (!(atomic_load(&p->set) & set))
        return;
    struct sig_queued *q, *tmp;
    list_for_each_entry_safe (q, tmp, &p->queue, link) {
        if (set & sig_bit(q->info.signo)) {
            list_del(&q->link);
            linux_task(t)->queued--;
            slab_def_free(&queued_slab, q);
        }
    }
    atomic_fetch_and(&p->set, ~set);
}

u64 sig_pending_set(struct task *t, struct task_thread *tt)
{
    return atomic_load(&linux_task(t)->shared.set) | atomic_load(&linux_thread(tt)->pending.set);
}

static bool take_from(struct task *t, struct sig_pending *p, i32 sig, struct sig_info *out)
{
    if (!sig_is_pending(p, sig))
        return false;
    struct sig_queued *q, *first = NULL;
    bool more = false;
    list_for_each_entry (q, &p->queue, link) {
        if (q->info.signo != sig)
            continue;
        if (first) {
            more = true;
            break;
        }
        first = q;
    }
    if (!more)
        atomic_fetch_and(&p->set, ~sig_bit(sig));
    if (first) {
        *out = first->info;
        list_del(&first->link);
        linux_task(t)->queued--;
        slab_def_free(&queued_slab, first);
    } else { // its record found no memory: the number alone arrives
        *out = (struct sig_info){.signo = sig, .code = SI_USER};
    }
    return true;
}

i32 sig_take(struct task *t, struct task_thread *tt, u64 wanted, struct sig_info *out)
{
    struct linux_thread *lt = linux_thread(tt);
    u64 own = atomic_load(&lt->pending.set) & wanted,
        any = own | (atomic_load(&linux_task(t)->shared.set) & wanted);
    if (!any)
        return 0;
    u64 from = own & SIG_SYNCHRONOUS ? own & SIG_SYNCHRONOUS : own ? own : any;
    i32 sig = __builtin_ctzl(from) + 1;
    if (!take_from(t, &lt->pending, sig, out))
        (void)take_from(t, &linux_task(t)->shared, sig, out);
    return sig;
}

bool sig_ignored(struct task *t, i32 sig)
{
    struct linux_task *lt = linux_task(t);
    u64 h = lt->actions[sig].handler;
    if (h == HANDLER_IGNORE)
        return true;
    if (h != HANDLER_DEFAULT)
        return false;
    return (DEFAULT_IGNORED & sig_bit(sig)) || lt->unkillable;
}

static bool wants(struct task_thread *tt, i32 sig)
{
    struct linux_thread *lt = linux_thread(tt);
    if (!lt || tt->leaving)
        return false;
    u64 blocked =
        atomic_load_explicit(&lt->blocked, memory_order_relaxed) & ~atomic_load(&lt->waiting);
    return !(blocked & sig_bit(sig));
}

static void wake_for(struct task *t, struct task_thread *tt, i32 sig)
{
    if (tt) {
        if (wants(tt, sig))
            task_wake_thread(tt);
        return;
    }
    struct task_thread *each;
    list_for_each_entry (each, &t->threads, link) {
        if (wants(each, sig)) {
            task_wake_thread(each);
            return;
        }
    }
}

static void drop_everywhere(struct task *t, u64 set)
{
    struct task_thread *tt;
    sig_pending_drop(t, &linux_task(t)->shared, set);
    list_for_each_entry (tt, &t->threads, link)
        if (linux_thread(tt))
            sig_pending_drop(t, &linux_thread(tt)->pending, set);
}

// Blocked signals stay pending even if they are ignored now: the action may change before they are
// let through.
static bool blocked_by(struct task *t, struct task_thread *tt, i32 sig)
{
    if (!tt)
        tt = list_entry(t->threads.next, struct task_thread, link);
    struct linux_thread *lt = linux_thread(tt);
    return lt && (atomic_load(&lt->blocked) & sig_bit(sig));
}

int sig_queue(struct task *t, struct task_thread *tt, const struct sig_info *info)
{
    i32 sig = info->signo;
    struct linux_task *lt = linux_task(t);
    if (sig == SIG_KILL) {
        if (!lt->unkillable)
            task_terminate_locked(t, (struct exit_info){.kind = EXIT_BY_EVENT, .number = SIG_KILL});
        return 0;
    }
    if (SIG_STOPS & sig_bit(sig))
        drop_everywhere(t, sig_bit(SIG_CONT));
    if (sig == SIG_CONT) {
        drop_everywhere(t, SIG_STOPS);
        task_continue_locked(t);
    }
    if (sig_ignored(t, sig) && !blocked_by(t, tt, sig))
        return 0;
    struct sig_pending *p = tt ? &linux_thread(tt)->pending : &lt->shared;
    if (sig < SIG_RTMIN && sig_is_pending(p, sig))
        return 0; // ordinary signals do not queue up
    struct sig_queued *q = NULL;
    if (lt->queued < t->limits[LIMIT_SIGPENDING].soft || info->code >= 0)
        q = slab_def_alloc(&queued_slab, ALLOC_ATOMIC);
    if (!q && sig >= SIG_RTMIN && info->code < 0)
        return -E_AGAIN;
    if (q) {
        q->info = *info;
        list_add_tail(&p->queue, &q->link);
        lt->queued++;
    }
    atomic_fetch_or(
        &p->set, sig_bit(sig)); // then a look at who blocks it: sig_set_blocked has the other order
    wake_for(t, tt, sig);
    signalfd_wake(t);
    return 0;
}

static const u8 event_numbers[] = {
    [EVENT_INTERRUPT] = SIG_INT,      [EVENT_QUIT] = SIG_QUIT,
    [EVENT_HANGUP] = SIG_HUP,         [EVENT_TERMINATE] = SIG_TERM,
    [EVENT_KILL] = SIG_KILL,          [EVENT_STOP] = SIG_STOP,
    [EVENT_TTY_STOP] = SIG_TSTP,      [EVENT_TTY_INPUT] = SIG_TTIN,
    [EVENT_TTY_OUTPUT] = SIG_TTOU,    [EVENT_CONTINUE] = SIG_CONT,
    [EVENT_CHILD] = SIG_CHLD,         [EVENT_PIPE] = SIG_PIPE,
    [EVENT_ALARM] = SIG_ALRM,         [EVENT_VALARM] = SIG_VTALRM,
    [EVENT_PROF] = SIG_PROF,          [EVENT_IO] = SIG_IO,
    [EVENT_URGENT] = SIG_URG,         [EVENT_WINDOW] = SIG_WINCH,
    [EVENT_FAULT_ADDRESS] = SIG_SEGV, [EVENT_FAULT_BUS] = SIG_BUS,
    [EVENT_FAULT_ILLEGAL] = SIG_ILL,  [EVENT_FAULT_ARITH] = SIG_FPE,
    [EVENT_TRAP] = SIG_TRAP,          [EVENT_ABORT] = SIG_ABRT,
    [EVENT_BAD_CALL] = SIG_SYS,       [EVENT_CPU_LIMIT] = SIG_XCPU,
    [EVENT_FILE_LIMIT] = SIG_XFSZ,    [EVENT_POWER] = SIG_PWR,
};

i32 sig_number_of_event(enum event_kind k)
{
    if (k >= EVENT_ABI)
        return k - EVENT_ABI;
    return k < ARRAY_LEN(event_numbers) ? event_numbers[k] : 0;
}

// The meaning of a code depends on the signal (sigaction(2), "The si_code field").
static i32 code_of(const struct event *e)
{
    switch ((enum event_code)e->code) {
    case EVC_KERNEL:
        return SI_KERNEL;
    case EVC_USER:
        return SI_USER;
    case EVC_QUEUE:
        return SI_QUEUE;
    case EVC_TIMER:
        return SI_TIMER;
    case EVC_TKILL:
        return SI_TKILL;
    case EVC_MESGQ:
        return SI_MESGQ;
    case EVC_ASYNCIO:
        return SI_ASYNCIO;
    case EVC_POLL:
        return 1; // POLL_IN
    case EVC_MAPERR:
    case EVC_ADRALN:
    case EVC_ILLOPC:
    case EVC_BRKPT:
    case EVC_EXITED:
        return 1;
    case EVC_ACCERR:
    case EVC_ADRERR:
    case EVC_ILLOPN:
    case EVC_KILLED:
        return 2;
    case EVC_INTDIV:
    case EVC_INTOVF:
    case EVC_FLTDIV:
    case EVC_FLTOVF:
    case EVC_FLTUND:
    case EVC_FLTRES:
    case EVC_FLTINV:
        return e->code - EVC_INTDIV + 1;
    case EVC_DUMPED:
        return 3;
    case EVC_STOPPED:
        return 5;
    case EVC_CONTINUED:
        return 6;
    }
    return SI_KERNEL;
}

enum { NS_PER_CLOCK_TICK = 10'000'000 };

static struct sig_info info_of(const struct event *e)
{
    return (struct sig_info){.signo = sig_number_of_event(e->kind),
                             .code = code_of(e),
                             .pid = e->sender_pid,
                             .uid = e->sender_uid,
                             .value = e->value,
                             .addr = e->addr,
                             .status = e->status,
                             .utime = e->utime_ns / NS_PER_CLOCK_TICK,
                             .stime = e->stime_ns / NS_PER_CLOCK_TICK,
                             .timer_id = e->timer_id,
                             .overrun = e->overrun};
}

int linux_event(struct task *t, struct task_thread *tt, const struct event *e)
{
    struct sig_info info = info_of(e);
    if (info.signo < 1 || info.signo > SIG_MAX || !linux_task(t) || (tt && !linux_thread(tt)))
        return 0;
    if (e->kind == EVENT_CHILD && (e->code == EVC_STOPPED || e->code == EVC_CONTINUED) &&
        linux_task(t)->actions[SIG_CHLD].flags & ACTION_NOCLDSTOP)
        return 0;
    return sig_queue(t, tt, &info);
}

void sig_set_blocked(u64 mask)
{
    struct task_thread *tt = current_task_thread();
    struct linux_thread *lt = linux_thread(tt);
    mask &= ~SIG_UNBLOCKABLE;
    u64 old = atomic_exchange(&lt->blocked, mask);
    if (old & ~mask & sig_pending_set(tt->task, tt))
        thread_set_work(tt->thread, WORK_EVENT);
    const _Atomic u64 *shared = &linux_task(tt->task)->shared.set;
    if (mask & ~old && atomic_load(shared) & mask & ~old) {
        // A shared signal that this thread was to take: another one must.
        spin_lock(&tt->task->lock);
        for (u64 left = atomic_load(shared) & mask & ~old; left; left &= left - 1)
            wake_for(tt->task, NULL, __builtin_ctzl(left) + 1);
        spin_unlock(&tt->task->lock);
    }
}

void sig_force(const struct sig_info *info)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    struct linux_task *lt = linux_task(t);
    spin_lock(&t->lock);
    struct sig_action *a = &lt->actions[info->signo];
    struct linux_thread *th = linux_thread(tt);
    u64 blocked = atomic_load(&th->blocked);
    if (a->handler == HANDLER_IGNORE || blocked & sig_bit(info->signo)) {
        a->handler = HANDLER_DEFAULT;
        atomic_store(&th->blocked, blocked & ~sig_bit(info->signo));
    }
    if (a->handler == HANDLER_DEFAULT)
        lt->unkillable = false;
    (void)sig_queue(t, tt, info);
    task_wake_thread(tt);
    spin_unlock(&t->lock);
}

// The neutral event of a signal, for tasks of other ABIs: their own modules map it.
static struct event event_of(const struct sig_info *info)
{
    struct event e = {.kind = (enum event_kind)(EVENT_ABI + info->signo),
                      .code = EVC_USER,
                      .sender_pid = info->pid,
                      .sender_uid = info->uid,
                      .value = info->value};
    for (u32 k = EVENT_INTERRUPT; k <= EVENT_POWER; k++)
        if (sig_number_of_event((enum event_kind)k) == info->signo) {
            e.kind = (enum event_kind)k;
            break;
        }
    return e;
}

// Is it a Linux task now? Not while it is becoming one, or something else. t->lock held.
static bool is_linux(const struct task *t)
{
    return t->abi == &linux_abi && !t->held;
}

int sig_send_task(struct task *t, const struct sig_info *info)
{
    int err = 0;
    spin_lock(&t->lock);
    bool ours = is_linux(t);
    if (ours && t->thread_count && !t->exiting)
        err = sig_queue(t, NULL, info);
    spin_unlock(&t->lock);
    if (ours)
        return err;
    struct event e = event_of(info);
    return event_post(t, &e);
}

int sig_send_thread(struct task_thread *tt, const struct sig_info *info)
{
    struct task *t = tt->task;
    int err = 0;
    spin_lock(&t->lock);
    bool ours = is_linux(t);
    if (ours && linux_thread(tt) && !t->exiting)
        err = sig_queue(t, tt, info);
    spin_unlock(&t->lock);
    if (ours)
        return err;
    struct event e = event_of(info); // other systems' events are for whole tasks
    return event_post(t, &e);
}

void linux_hand_over(struct task *t, struct task_thread *tt)
{
    struct sig_info info;
    while (sig_take(t, tt, ~0ul, &info)) {
        struct event e = event_of(&info);
        event_hold(t, &e);
    }
}

void linux_fault(struct trapframe *tf, const struct event *e)
{
    (void)tf;
    struct sig_info info = info_of(e);
    sig_force(&info);
}
