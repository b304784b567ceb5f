// Zones of tasks: marks on address spaces (vm/zone.h) that name an ABI. A task's calls go straight
// to its ABI until it makes its first zone; from then until exec they take the way through here.
#include <arch/context.h>
#include <kerr.h>
#include <mem/slab.h>
#include <task/zone.h>

// Serves the calls of threads whose task has, or had, zones.
static bool serve_by_zone(struct trapframe *tf)
{
    const struct task *t = current_task();
    const struct abi_module *abi =
        aspace_zone_find(t->aspace, tf_pc(tf) - 1); // the call instruction, not what follows it
    return abi && abi != t->abi ? abi->zone_syscall(tf) : t->abi->syscall(tf);
}

int task_zone_add(u64 start, u64 len, const struct abi_module *abi)
{
    struct task *t = current_task();
    struct task_thread *tt;
    if (abi != t->abi && !abi->zone_syscall)
        return -E_OPNOTSUPP;
    // Before there is a zone, so that none is overlooked. Other threads take note with their next
    // call.
    spin_lock(&t->lock);
    list_for_each_entry (tt, &t->threads, link)
        arch_thread_set_call(&tt->thread->arch, serve_by_zone);
    spin_unlock(&t->lock);
    return aspace_zone_add(t->aspace, start, len, abi);
}

int task_zone_remove(u64 start)
{
    struct task *t = current_task();
    int err = aspace_zone_remove(t->aspace, start);
    if (!err && task_is_single(t) && !aspace_zone_list(t->aspace, NULL, 0))
        arch_thread_set_call(current_arch(), t->abi->syscall); // as before
    return err;
}

u32 task_zone_list(struct task *t, struct task_zone *out, u32 cap)
{
    struct aspace_zone *zones = cap ? kmalloc_array(cap, sizeof(*zones), 0) : NULL;
    u32 n = aspace_zone_list(t->aspace, zones, zones ? cap : 0);
    for (u32 i = 0; zones && i < MIN(n, cap); i++)
        out[i] = (struct task_zone){zones[i].start, zones[i].end - zones[i].start, zones[i].mark};
    kfree(zones);
    return n;
}
