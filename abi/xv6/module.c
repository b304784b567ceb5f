// The xv6 ABI's record: private state of its processes over their lives.
#include "entry.h"
#include "xv6.h"
#include <mem/slab.h>

DEFINE_SLAB(task_slab, struct xv6_task);

struct xv6_task *xv6_task_new(void)
{
    return slab_def_alloc(&task_slab, ALLOC_ZERO);
}

static void put_env(struct xv6_env *e)
{
    if (e && refcount_dec_and_test(&e->refs)) {
        arg_block_free(&e->block);
        kfree(e);
    }
}

void xv6_task_delete(struct xv6_task *x)
{
    if (!x)
        return;
    put_env(x->env);
    if (x->machine) {
        atomic_fetch_sub_explicit(&x->machine->pages, (i64)x->pages, memory_order_relaxed);
        if (x->counted)
            atomic_fetch_sub_explicit(&x->machine->processes, 1, memory_order_relaxed);
        xv6_machine_put(x->machine);
    }
    slab_def_free(&task_slab, x);
}

static int on_fork(struct task *child, struct task_thread *ct, struct trapframe *tf,
                   const void *how)
{
    (void)ct;
    (void)tf;
    (void)how;
    struct xv6_task *me = current_xv6(), *x = xv6_task_new();
    if (!x)
        return -E_NOMEM;
    xv6_machine_ref(me->machine);
    x->machine = me->machine;
    x->ignored = me->ignored;
    x->env = me->env;
    if (x->env)
        refcount_inc(&x->env->refs);
    int err = xv6_charge_process(x->machine);
    if (!err) {
        x->counted = true;
        err = xv6_charge_pages(x->machine, me->pages);
    }
    if (err) {
        xv6_task_delete(x);
        return err;
    }
    x->pages = me->pages;
    child->abi_state = x;
    return 0;
}

// Memory counts as free from here on, before the parent can know of the end.
static void on_task_exit(struct task *t)
{
    struct xv6_task *x = xv6_task(t);
    if (x) {
        atomic_fetch_sub_explicit(&x->machine->pages, (i64)x->pages, memory_order_relaxed);
        x->pages = 0;
    }
}

// Who has no xv6 process to wait for it but init is not of the machine any more: its reaper need
// not be quick for the machine to have room.
static void on_zombie(struct task *t, const struct task *parent)
{
    if (parent->abi != &xv6_abi || parent->subreaper)
        xv6_uncount(t);
}

static void on_free(struct task *t)
{
    spin_lock(&t->lock);
    struct xv6_task *x = xv6_task(t);
    t->abi_state = NULL;
    spin_unlock(&t->lock);
    xv6_task_delete(x);
}

static void on_exec(struct task *t, const struct abi_module *next)
{
    if (next != &xv6_abi && xv6_task(t)->is_init)
        t->subreaper = false;
}

const struct abi_module xv6_abi = {
    .name = XV6_MODULE(ARCH_NAME),
    .order = XV6_ORDER,
    .bin_path = "/:/bin",
    .names_in_root = true,
    .probe = xv6_probe,
    .load = xv6_load,
    .commit = xv6_commit,
    .abandon = xv6_abandon,
    .task_exec = on_exec,
    .hand_over = xv6_hand_over,
    .syscall = xv6_syscall,
    .event = xv6_event,
    .deliver = xv6_deliver,
    .fault = xv6_fault,
    .fork = on_fork,
    .task_exit = on_task_exit,
    .zombie = on_zombie,
    .free = on_free,
    .event_number = xv6_event_number,
    .inherit = xv6_inherit,
    .status = xv6_signal_status,
};
ABI_MODULE(xv6_abi);
