// Zones: address ranges of a task whose calls another ABI serves; and native calls made in a zone
// of another ABI's task.
#include "scarlet.h"
#include "scarlet_dispatch.h"
#include "scarlet_errno.h"
#include "scarlet_handlers.h"
#include <exec/environment.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <task/zone.h>

i64 scarlet_register_abi_zone(uaddr_t start, usize length, const struct sys_name *abi)
{
    const struct abi_module *m = abi_find(abi->str, abi->len);
    return m ? task_zone_add(start.v, length, m) : -E_NOENT;
}

i64 scarlet_unregister_abi_zone(uaddr_t start)
{
    return task_zone_remove(start.v);
}

i64 scarlet_list_abi_zones(u32 index, struct scarlet_zone_info *info)
{
    struct task *t = current_task();
    u32 n = task_zone_list(t, NULL, 0);
    if (index >= n)
        return -E_RANGE;
    struct task_zone *all = kmalloc_array(n, sizeof(*all), ALLOC_USER);
    if (!all)
        return -E_NOMEM;
    u32 have = MIN(task_zone_list(t, all, n), n);
    i64 r = index < have ? 0 : -E_RANGE;
    if (!r) {
        info->start = all[index].start;
        info->length = all[index].len;
        strlcpy(info->abi, all[index].abi->name, sizeof(info->abi));
    }
    kfree(all);
    return r;
}

// Calls that make tasks or look at this ABI's private state need a native task.
static bool works_in_zone(u64 nr, const struct syscall_entry *e)
{
    return e->fn && !(e->flags & SYS_FRAME) &&
           !(nr >= SCARLET_SYS_event_handler && nr <= SCARLET_SYS_event_take);
}

bool scarlet_zone_syscall(struct trapframe *tf)
{
    u64 nr = tf_syscall_nr(tf);
    const struct syscall_entry *e = nr <= SCARLET_SYS_MAX ? &scarlet_syscalls[nr] : NULL;
    i64 r = e && works_in_zone(nr, e) ? e->fn(tf_args(tf), tf) : -E_NOSYS;
    tf_set_result(tf, r < 0 ? (u64)(i64)-scarlet_errno[-r]
                            : (u64)r); // an interrupted call answers INTERRUPTED
    return false;
}
