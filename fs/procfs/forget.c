// Names of ended tasks leave the path cache: each program that looks at /proc/self would otherwise
// leave entries behind until memory is short. The list of instances is guarded by `lock`; it holds
// no references, the superblock takes itself off.
#include "procfs.h"
#include <lib/printf.h>
#include <mem/slab.h>
#include <sync/lock_order.h>
#include <task/task.h>
#include <vfs/dentry.h>

static struct spinlock lock = SPINLOCK_INIT(&lock_class_procfs);
static struct list instances = LIST_INIT(instances);
static struct task_exit_hook hook;
static _Atomic bool hooked;

// The n-th instance, counted; NULL: there are fewer.
static struct superblock *instance(u32 n)
{
    struct superblock *sb = NULL;
    struct proc_instance *each;
    spin_lock(&lock);
    list_for_each_entry (each, &instances, link)
        if (n-- == 0) {
            sb = refcount_inc_not_zero(&each->sb->refs) ? each->sb : NULL;
            break;
        }
    spin_unlock(&lock);
    return sb;
}

static void forget(struct task *t)
{
    char text[12];
    const struct pathname name = {text, (usize)ksnprintf(text, sizeof(text), "%u", t->pid)};
    struct superblock *sb;
    for (u32 n = 0; (sb = instance(n)) != NULL; n++) {
        struct dentry *d = dentry_find(sb->root, &name);
        if (d) {
            dentry_prune_children(d);
            dentry_unhash(d);
            dentry_put(d);
        }
        superblock_put(sb);
    }
}

int proc_remember_instance(struct superblock *sb)
{
    struct proc_instance *i = kmalloc(sizeof(*i), 0);
    if (!i)
        return -E_NOMEM;
    i->sb = sb;
    sb->private = i;
    spin_lock(&lock);
    list_add_tail(&instances, &i->link);
    spin_unlock(&lock);
    if (!atomic_exchange(&hooked, true)) {
        hook.exit = forget;
        task_add_exit_hook(&hook);
    }
    return 0;
}

void proc_forget_instance(struct superblock *sb)
{
    struct proc_instance *i = sb->private;
    if (!i)
        return;
    spin_lock(&lock);
    list_del(&i->link);
    spin_unlock(&lock);
    kfree(i);
}
