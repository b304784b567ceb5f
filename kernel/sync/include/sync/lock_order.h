// Every lock class of the kernel, outermost first. A thread may take a lock only if its order is
// greater than all it holds. Sleeping locks come before all spinlocks. Add a class here when you
// add a lock.
#pragma once
#include <sync/spinlock.h>

// clang-format off
#define LOCK_CLASSES(X) \
    /* sleeping locks */ \
    X(exec, 10) X(file_pos_over, 11) X(file_pos, 12) X(log_reader, 13) X(mount_sleep, 15) X(overlay3_rename, 16) X(overlay3_dir, 17) X(overlay2_rename, 18) X(overlay2_dir, 19) X(names_dir, 20) X(overlay_rename, 21) X(overlay_dir, 22) X(rename, 23) X(node_dir, 25) X(node_data, 30) X(file_locks, 33) X(hostfs_store, 34) X(hostfs_io, 35) X(tty_sleep, 40) \
    X(pipe_sleep, 45) X(aspace, 50) X(memobj_sleep, 55) X(poll_watch, 56) X(poll_set, 57) X(carry, 58) X(socket, 59) X(sleep_other, 60) X(shrink, 65) \
    /* spinlocks */ \
    X(task_tree, 100) X(pid, 103) X(task, 105) X(signal, 110) X(numbers, 112) X(handle_table, 115) X(view, 120) X(mount, 125) X(dcache_bucket, 130) X(dentry, 135) X(hostfs, 137) \
    X(node, 140) X(memobj, 145) X(pagetable, 150) X(object, 155) X(vdso, 157) X(pipe, 160) X(tty, 165) X(poll, 170) X(futex_bucket, 175) \
    X(device, 180) X(irq, 185) X(procfs, 190) X(timer_user, 195) X(waitqueue, 200) X(poll_ready, 202) X(timer, 205) X(work, 208) X(thread, 210) X(runqueue, 215) X(rcu, 220) X(slab, 225) X(frame, 230) \
    X(kstack, 235) X(asid, 240) X(random, 245) X(console, 248) X(log, 250) X(uart, 255)
// clang-format on

#define X(name, ord) extern const struct lock_class lock_class_##name;
LOCK_CLASSES(X)
#undef X
