// Calls that no table entry serves: counted by ABI and number, summed up in the kernel log. Guarded
// by a spinlock; the first call of each kind is logged at once, the rest only counted.
#include <lib/list.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/lock_order.h>
#include <sync/log.h>
#include <syscall/dispatch.h>
#include <task/task.h>

struct unknown {
    struct list link;
    const char *abi;
    u64 number;
    _Atomic u64 count;
    char first_by[16];
};
static struct list calls = LIST_INIT(calls); // entries stay for good
static struct unknown *_Atomic latest;
static struct spinlock calls_lock = SPINLOCK_INIT(&lock_class_object);
static u32 kinds;
static u64 uncounted; // hostile programs may try every number
enum { MAX_KINDS = 1024 };

void syscall_count_unknown(const char *abi, u64 number)
{
    struct unknown *u, *found = atomic_load_explicit(&latest, memory_order_acquire);
    if (found && found->number == number && found->abi == abi) { // a program that insists
        atomic_fetch_add_explicit(&found->count, 1, memory_order_relaxed);
        return;
    }
    found = NULL;
    spin_lock(&calls_lock);
    list_for_each_entry (u, &calls, link)
        if (u->number == number && strcmp(u->abi, abi) == 0)
            found = u;
    if (found) {
        atomic_fetch_add_explicit(&found->count, 1, memory_order_relaxed);
        atomic_store_explicit(&latest, found, memory_order_release);
        spin_unlock(&calls_lock);
        return;
    }
    found = kinds < MAX_KINDS ? kzalloc(sizeof(*found), ALLOC_ATOMIC) : NULL;
    if (!found) {
        uncounted++;
        spin_unlock(&calls_lock);
        return;
    }
    kinds++;
    found->abi = abi;
    found->number = number;
    found->count = 1;
    strlcpy(found->first_by, current_task()->name, sizeof(found->first_by));
    list_add_tail(&calls, &found->link);
    spin_unlock(&calls_lock);
    klog(LOG_INFO, "%s: call %lu is not known (first by %s)", abi, number, found->first_by);
}

void syscall_log_unknown(void)
{
    struct unknown *u;
    spin_lock(&calls_lock);
    list_for_each_entry (u, &calls, link)
        klog(LOG_INFO, "unknown calls: %s %lu: %lu times, first by %s", u->abi, u->number,
             atomic_load(&u->count), u->first_by);
    if (uncounted)
        klog(LOG_INFO, "unknown calls: %lu more were not told apart", uncounted);
    spin_unlock(&calls_lock);
}
