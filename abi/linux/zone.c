// Linux calls made in a zone of a task of another ABI (task/zone.h): those that work on the
// kernel's own objects. What needs Linux's private state of the task (signals, threads, timers of
// the process, exec and fork) is not served there: ENOSYS. No state.
#include "zone.h"
#include "linux.h"
#include "linux_dispatch.h"
#include "linux_errno.h"

static bool served(u64 nr, const u64 *args)
{
    switch (nr) {
    // files and names
    case LINUX_SYS_openat:
    case LINUX_SYS_openat2:
    case LINUX_SYS_close:
    case LINUX_SYS_close_range:
    case LINUX_SYS_read:
    case LINUX_SYS_write:
    case LINUX_SYS_readv:
    case LINUX_SYS_writev:
    case LINUX_SYS_pread64:
    case LINUX_SYS_pwrite64:
    case LINUX_SYS_preadv:
    case LINUX_SYS_pwritev:
    case LINUX_SYS_preadv2:
    case LINUX_SYS_pwritev2:
    case LINUX_SYS_lseek:
    case LINUX_SYS_sendfile:
    case LINUX_SYS_copy_file_range:
    case LINUX_SYS_splice:
    case LINUX_SYS_tee:
    case LINUX_SYS_vmsplice:
    case LINUX_SYS_fadvise64:
    case LINUX_SYS_fallocate:
    case LINUX_SYS_ftruncate:
    case LINUX_SYS_truncate:
    case LINUX_SYS_fsync:
    case LINUX_SYS_fdatasync:
    case LINUX_SYS_sync:
    case LINUX_SYS_syncfs:
    case LINUX_SYS_dup:
    case LINUX_SYS_dup3:
    case LINUX_SYS_pipe2:
    case LINUX_SYS_fcntl:
    case LINUX_SYS_ioctl:
    case LINUX_SYS_flock:
    case LINUX_SYS_getdents64:
    case LINUX_SYS_newfstatat:
    case LINUX_SYS_fstat:
    case LINUX_SYS_statx:
    case LINUX_SYS_statfs:
    case LINUX_SYS_fstatfs:
    case LINUX_SYS_faccessat:
    case LINUX_SYS_faccessat2:
    case LINUX_SYS_readlinkat:
    case LINUX_SYS_mkdirat:
    case LINUX_SYS_mknodat:
    case LINUX_SYS_unlinkat:
    case LINUX_SYS_symlinkat:
    case LINUX_SYS_linkat:
    case LINUX_SYS_renameat2:
    case LINUX_SYS_fchmodat:
    case LINUX_SYS_fchmod:
    case LINUX_SYS_fchownat:
    case LINUX_SYS_fchown:
    case LINUX_SYS_utimensat:
    case LINUX_SYS_umask:
    case LINUX_SYS_chdir:
    case LINUX_SYS_fchdir:
    case LINUX_SYS_getcwd:
    // objects without names
    case LINUX_SYS_eventfd2:
    case LINUX_SYS_epoll_create1:
    case LINUX_SYS_epoll_ctl:
    case LINUX_SYS_timerfd_create:
    case LINUX_SYS_timerfd_settime:
    case LINUX_SYS_timerfd_gettime:
    case LINUX_SYS_memfd_create:
    // memory
    case LINUX_SYS_brk:
    case LINUX_SYS_mmap:
    case LINUX_SYS_munmap:
    case LINUX_SYS_mprotect:
    case LINUX_SYS_mremap:
    case LINUX_SYS_madvise:
    case LINUX_SYS_mincore:
    case LINUX_SYS_msync:
    case LINUX_SYS_mlock:
    case LINUX_SYS_munlock:
    // who one is, the machine, time
    case LINUX_SYS_getpid:
    case LINUX_SYS_getppid:
    case LINUX_SYS_gettid:
    case LINUX_SYS_getpgid:
    case LINUX_SYS_getsid:
    case LINUX_SYS_getuid:
    case LINUX_SYS_geteuid:
    case LINUX_SYS_getgid:
    case LINUX_SYS_getegid:
    case LINUX_SYS_getgroups:
    case LINUX_SYS_getresuid:
    case LINUX_SYS_getresgid:
    case LINUX_SYS_getrusage:
    case LINUX_SYS_prlimit64:
    case LINUX_SYS_times:
    case LINUX_SYS_uname:
    case LINUX_SYS_sysinfo:
    case LINUX_SYS_getrandom:
    case LINUX_SYS_getcpu:
    case LINUX_SYS_sched_yield:
    case LINUX_SYS_clock_gettime:
    case LINUX_SYS_clock_getres:
    case LINUX_SYS_gettimeofday:
    case LINUX_SYS_wait4:
    case LINUX_SYS_exit_group:
        return true;
    case LINUX_SYS_ppoll: // with signal masks these work on private state
        return args[3] == 0;
    case LINUX_SYS_pselect6:
        return args[5] == 0;
    case LINUX_SYS_epoll_pwait:
        return args[4] == 0;
    default:
        return false;
    }
}

bool linux_zone_syscall(struct trapframe *tf)
{
    u64 nr = tf_syscall_nr(tf);
    const struct syscall_entry *e = nr <= LINUX_SYS_MAX ? &linux_syscalls[nr] : NULL;
    bool serve = e && e->fn && !(e->flags & SYS_FRAME) && served(nr, tf_args(tf));
    i64 r = serve ? e->fn(tf_args(tf), tf) : -E_NOSYS;
    if (r == -E_RESTART) // nobody restarts it: delivery is another ABI's
        r = -E_INTR;
    tf_set_result(tf, r < 0 ? (u64)(i64)-linux_errno[-r] : (u64)r);
    return false;
}
