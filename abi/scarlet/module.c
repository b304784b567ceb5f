// The native ABI's record: private state of tasks and threads over their lives.
#include "probe.h"
#include "scarlet.h"
#include <mem/slab.h>

DEFINE_SLAB(task_slab, struct scarlet_task);
DEFINE_SLAB(thread_slab, struct scarlet_thread);

struct scarlet_task *scarlet_task_new(void)
{
    struct scarlet_task *st = slab_def_alloc(&task_slab, ALLOC_ZERO);
    if (st) {
        waitqueue_init(&st->taken);
        event_box_init(&st->box);
    }
    return st;
}

struct scarlet_thread *scarlet_thread_new(void)
{
    struct scarlet_thread *th = slab_def_alloc(&thread_slab, ALLOC_ZERO);
    if (th)
        event_box_init(&th->box);
    return th;
}

void scarlet_task_delete(struct scarlet_task *st)
{
    if (!st)
        return;
    event_box_forget(&st->box, ~0u);
    slab_def_free(&task_slab, st);
}

void scarlet_thread_delete(struct scarlet_thread *st)
{
    if (!st)
        return;
    event_box_forget(&st->box, ~0u);
    slab_def_free(&thread_slab, st);
}

static int scarlet_fork(struct task *child, struct task_thread *ct, struct trapframe *tf,
                        const void *arg)
{
    const struct scarlet_how *how = arg;
    struct task *me = current_task();
    struct scarlet_task *st = scarlet_task_new();
    struct scarlet_thread *th = scarlet_thread_new();
    (void)tf;
    if (!st || !th) {
        scarlet_task_delete(st);
        scarlet_thread_delete(th);
        return -E_NOMEM;
    }
    st->ignored = scarlet_task(me)->ignored;
    if (how->spawn) {
        th->spawn = spawn_job_get(how->spawn);
    } else {
        spin_lock(&me->lock);
        st->handled = scarlet_task(me)->handled;
        st->entry = scarlet_task(me)->entry;
        st->stack_top = scarlet_task(me)->stack_top;
        spin_unlock(&me->lock);
        atomic_store(&th->blocked, atomic_load(&scarlet_thread(current_task_thread())->blocked));
    }
    child->abi_state = st;
    ct->abi_state = th;
    return 0;
}

static int scarlet_thread_start(struct task_thread *tt, struct trapframe *tf, const void *arg)
{
    const struct scarlet_how *how = arg;
    struct scarlet_thread *th = scarlet_thread_new();
    if (!th)
        return -E_NOMEM;
    atomic_store(&th->blocked, atomic_load(&scarlet_thread(current_task_thread())->blocked));
    thread_frame_init(tf, how->entry, how->stack & ~15ul, how->argument);
    tf_set_tls(tf, how->tls);
    tt->abi_state = th;
    return 0;
}

static void scarlet_thread_free(struct task_thread *tt)
{
    struct task *t = tt->task;
    spin_lock(&t->lock);
    struct scarlet_thread *th = tt->abi_state;
    tt->abi_state = NULL;
    spin_unlock(&t->lock);
    if (th && th->spawn)
        spawn_job_cancel(th->spawn);
    scarlet_thread_delete(th);
}

static void scarlet_free(struct task *t)
{
    struct scarlet_task *st = t->abi_state;
    t->abi_state = NULL;
    scarlet_task_delete(st);
}

const struct abi_module scarlet_abi = {
    .name = SCARLET_MODULE(ARCH_NAME),
    .order = SCARLET_ORDER,
    .probe = scarlet_probe,
    .load = scarlet_load,
    .commit = scarlet_commit,
    .abandon = scarlet_abandon,
    .hand_over = scarlet_hand_over,
    .bin_path = "/bin",
    .zone_syscall = scarlet_zone_syscall,
    .syscall = scarlet_syscall,
    .event = scarlet_event,
    .deliver = scarlet_deliver,
    .fault = scarlet_fault,
    .fork = scarlet_fork,
    .thread_start = scarlet_thread_start,
    .free = scarlet_free,
    .thread_free = scarlet_thread_free,
    .event_number = scarlet_event_number,
    .inherit = scarlet_inherit,
    .status = scarlet_signal_status,
};
ABI_MODULE(scarlet_abi);
