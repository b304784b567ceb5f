// The Linux ABI's record: private state of tasks and threads over their lives.
#include "entry.h"
#include "linux.h"
#include "probe.h"
#include "zone.h"
#include <kerr.h>
#include <mem/slab.h>

DEFINE_SLAB(task_slab, struct linux_task);
DEFINE_SLAB(thread_slab, struct linux_thread);

struct linux_task *linux_task_new(void)
{
    struct linux_task *lt = slab_def_alloc(&task_slab, ALLOC_ZERO);
    if (!lt)
        return NULL;
    sig_pending_init(&lt->shared);
    list_init(&lt->timers);
    return lt;
}

struct linux_thread *linux_thread_new(void)
{
    struct linux_thread *lt = slab_def_alloc(&thread_slab, ALLOC_ZERO);
    if (lt)
        sig_pending_init(&lt->pending);
    return lt;
}

void linux_task_delete(struct linux_task *lt)
{
    slab_def_free(&task_slab, lt);
}

void linux_thread_delete(struct linux_thread *lt)
{
    slab_def_free(&thread_slab, lt);
}

enum : u64 {
    HOW_VM = 0x100,
    HOW_SETTLS = 0x80000,
    HOW_CHILD_CLEARTID = 0x200000,
    HOW_CLEAR_SIGHAND = 0x100000000
};

// What a new thread of execution takes from its maker. Its signal queue starts empty.
static void inherit_thread(struct linux_thread *child, const struct linux_thread *parent,
                           struct trapframe *tf, const struct linux_clone_how *how)
{
    atomic_store(&child->blocked,
                 parent->restore_blocked ? parent->saved_blocked : atomic_load(&parent->blocked));
    if (!(how->flags & HOW_VM) || how->flags & 0x4000 /* CLONE_VFORK */)
        child->altstack = parent->altstack;
    if (how->flags & HOW_CHILD_CLEARTID)
        child->clear_child_tid = how->child_tid.v;
    if (!(how->flags & HOW_VM)) {
        child->rseq_area = parent->rseq_area;
        child->rseq_len = parent->rseq_len;
        child->rseq_sig = parent->rseq_sig;
    }
    if (how->stack)
        tf_set_sp(tf, how->stack);
    if (how->flags & HOW_SETTLS)
        tf_set_tls(tf, how->tls);
}

static int linux_fork(struct task *child, struct task_thread *ct, struct trapframe *tf,
                      const void *arg)
{
    const struct linux_clone_how *how = arg;
    struct task *me = current_task();
    struct linux_task *task = linux_task_new();
    struct linux_thread *thread = linux_thread_new();
    if (!task || !thread) {
        if (task)
            slab_def_free(&task_slab, task);
        if (thread)
            slab_def_free(&thread_slab, thread);
        return -E_NOMEM;
    }
    spin_lock(&me->lock);
    for (u32 i = 1; i <= SIG_MAX; i++) {
        task->actions[i] = linux_task(me)->actions[i];
        if (how->flags & HOW_CLEAR_SIGHAND && task->actions[i].handler != HANDLER_IGNORE)
            task->actions[i] = (struct sig_action){0};
    }
    child->autoreap = me->autoreap;
    spin_unlock(&me->lock);
    inherit_thread(thread, current_linux(), tf, how);
    child->abi_state = task;
    ct->abi_state = thread;
    return 0;
}

static int linux_thread_start(struct task_thread *tt, struct trapframe *tf, const void *arg)
{
    struct linux_thread *thread = linux_thread_new();
    if (!thread)
        return -E_NOMEM;
    inherit_thread(thread, current_linux(), tf, arg);
    tt->abi_state = thread;
    return 0;
}

static void linux_thread_free(struct task_thread *tt)
{
    struct task *t = tt->task;
    spin_lock(&t->lock);
    struct linux_thread *lt = tt->abi_state;
    if (lt && t->abi_state)
        sig_pending_drop(t, &lt->pending, ~0ul);
    tt->abi_state = NULL;
    spin_unlock(&t->lock);
    if (lt)
        slab_def_free(&thread_slab, lt);
}

static void linux_free(struct task *t)
{
    spin_lock(&t->lock);
    struct linux_task *lt = t->abi_state;
    if (lt)
        sig_pending_drop(t, &lt->shared, ~0ul);
    t->abi_state = NULL;
    spin_unlock(&t->lock);
    if (!lt)
        return;
    slab_def_free(&task_slab, lt);
}

static void linux_task_exit(struct task *t)
{
    linux_timers_drop(t, false);
}

const struct abi_module linux_abi = {
    .name = LINUX_MODULE(ARCH_NAME),
    .order = LINUX_ORDER,
    .probe = linux_probe,
    .load = linux_load,
    .commit = linux_commit,
    .abandon = linux_abandon,
    .task_exec = linux_task_exec,
    .hand_over = linux_hand_over,
    .zone_syscall = linux_zone_syscall,
    .syscall = linux_syscall,
    .event = linux_event,
    .deliver = linux_deliver,
    .fault = linux_fault,
    .fork = linux_fork,
    .thread_start = linux_thread_start,
    .thread_exit = linux_thread_exit,
    .task_exit = linux_task_exit,
    .free = linux_free,
    .thread_free = linux_thread_free,
    .event_number = sig_number_of_event,
    .inherit = linux_inherit,
    .status = linux_signal_status,
};
ABI_MODULE(linux_abi);
