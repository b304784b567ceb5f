// Processes and threads: creation, exec, end, waiting.
#include "fd.h"
#include "linux.h"
#include "linux_handlers.h"
#include "pidfd.h"
#include <exec/exec.h>
#include <kerr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <syscall/dispatch.h>
#include <task/task_object.h>
#include <vfs/ops.h>

enum : u64 { // sched.h
    C_NEWTIME = 0x80,
    C_VM = 0x100,
    C_FS = 0x200,
    C_FILES = 0x400,
    C_SIGHAND = 0x800,
    C_PIDFD = 0x1000,
    C_VFORK = 0x4000,
    C_PARENT = 0x8000,
    C_THREAD = 0x10000,
    C_SYSVSEM = 0x40000,
    C_SETTLS = 0x80000,
    C_PARENT_SETTID = 0x100000,
    C_CHILD_CLEARTID = 0x200000,
    C_DETACHED = 0x400000,
    C_CHILD_SETTID = 0x1000000,
    C_IO = 0x80000000,
    C_CLEAR_SIGHAND = 0x100000000,
    C_INTO_CGROUP = 0x200000000,
};

struct clone_request {
    u64 flags; // without the signal
    u32 exit_signal;
    struct linux_clone_how how;
    uaddr_t pidfd; // where the number of the child's handle goes
};

// Rules among flags (clone(2), ERRORS).
static int check_flags(u64 f)
{
    if ((f & C_SIGHAND && !(f & C_VM)) || (f & C_THREAD && !(f & C_SIGHAND)))
        return -E_INVAL;
    if (f & C_SIGHAND && f & C_CLEAR_SIGHAND)
        return -E_INVAL;
    if (f & C_PIDFD && f & C_THREAD)
        return -E_INVAL; // handles are to processes
    if (f & C_SIGHAND && !(f & C_THREAD))
        return -E_INVAL; // handlers are shared by threads of one task only
    return 0;
}

static i64 clone_thread(const struct clone_request *r, struct trapframe *tf)
{
    // Threads here always share files and the view; Linux leaves that open.
    if ((r->flags & (C_FILES | C_FS)) != (C_FILES | C_FS))
        return -E_INVAL;
    struct task_thread *tt;
    int err = task_thread_create(tf, &r->how, &tt);
    if (err)
        return err;
    u32 tid = tt->tid;
    if (r->flags & C_PARENT_SETTID)
        (void)!user_copy_out(r->how.parent_tid, &tid, sizeof(tid));
    if (r->flags & C_CHILD_SETTID)
        (void)!user_copy_out(r->how.child_tid, &tid, sizeof(tid));
    task_thread_start(tt);
    return tid;
}

// The child's space is another one: its tid word is written there, through its own pages.
static void store_child_tid(struct task *child, uaddr_t where, u32 tid)
{
    (void)!aspace_write(child->aspace, where.v, &tid, sizeof(tid));
}

// A handle for the child to come: its number is told and taken before there is one.
static int prepare_pidfd(const struct clone_request *r, struct object **o, i32 *fd)
{
    int err = task_object_prepare(o);
    if (err)
        return err;
    *fd = handle_reserve(current_handles(), 0, handle_limit());
    err = MIN(*fd, 0);
    if (!err && user_copy_out(r->pidfd, fd, sizeof(*fd))) {
        handle_unreserve(current_handles(), *fd);
        err = -E_FAULT;
    }
    if (err) {
        object_put(*o);
        *o = NULL;
    }
    return err;
}

static i64 clone_process(const struct clone_request *r, struct trapframe *tf)
{
    struct task *me = current_task(), *child;
    struct object *pidfd = NULL;
    i32 fd = -1;
    struct task_clone c = {
        .vfork = r->flags & C_VFORK, .parent_is_mine = r->flags & C_PARENT, .abi_how = &r->how};
    if (r->exit_signal)
        c.exit_event = r->exit_signal == SIG_CHLD ? EVENT_CHILD : EVENT_ABI + r->exit_signal;
    if (c.parent_is_mine && me == init_task)
        return -E_INVAL;
    int err = 0;
    if (r->flags & C_VM) {
        c.aspace = me->aspace;
        aspace_get_user(c.aspace);
    } else {
        err = aspace_fork(me->aspace, &c.aspace);
        if (err)
            return err;
    }
    if (r->flags & C_FILES) {
        c.handles = me->handles;
        handle_table_get(c.handles);
    } else {
        c.handles = handle_table_fork(me->handles);
        if (!c.handles)
            err = -E_NOMEM;
    }
    if (!err && r->flags & C_FS) {
        c.view = me->view;
        view_get(c.view);
    } else if (!err) {
        err = view_fork(me->view, &c.view);
    }
    if (!err && r->flags & C_PIDFD) // not in the child's table, if that is another one
        err = prepare_pidfd(r, &pidfd, &fd);
    if (!err)
        err = task_fork(&c, tf, &child);
    if (err) {
        if (pidfd) {
            handle_unreserve(current_handles(), fd);
            object_put(pidfd);
        }
        if (c.view)
            view_put(c.view);
        if (c.handles)
            handle_table_put(c.handles);
        aspace_put_user(c.aspace);
        return err;
    }
    u32 pid = child->pid;
    task_get(child);
    if (r->flags & C_PARENT_SETTID)
        (void)!user_copy_out(r->how.parent_tid, &pid, sizeof(pid));
    if (r->flags & C_CHILD_SETTID)
        store_child_tid(child, r->how.child_tid, pid);
    if (pidfd) {
        task_object_set(pidfd, child);
        handle_publish(current_handles(), fd, pidfd, pidfd_rights(child), HANDLE_CLOEXEC);
    }
    task_start(child);
    if (c.vfork)
        task_vfork_wait(child);
    task_put(child);
    return pid;
}

static i64 do_clone(const struct clone_request *r, struct trapframe *tf)
{
    int err = check_flags(r->flags);
    if (err)
        return err;
    return r->flags & C_THREAD ? clone_thread(r, tf) : clone_process(r, tf);
}

i64 linux_clone(u64 flags, uaddr_t stack, uaddr_t ptid, u64 tls, uaddr_t ctid, struct trapframe *tf)
{
    struct clone_request r = {.flags = flags & ~0xfful, .exit_signal = flags & 0xff};
    if (r.flags & C_PIDFD && r.flags & (C_DETACHED | C_PARENT_SETTID))
        return -E_INVAL;
    r.flags &= ~C_DETACHED; // ignored since 2.6.2
    r.pidfd = ptid;
    if (r.exit_signal > SIG_MAX)
        return -E_INVAL;
    r.how = (struct linux_clone_how){
        .flags = r.flags, .stack = stack.v, .tls = tls, .child_tid = ctid, .parent_tid = ptid};
    return do_clone(&r, tf);
}

i64 linux_clone3(const struct linux_clone_args *a, u64 size, struct trapframe *tf)
{
    (void)size;
    struct clone_request r = {.flags = a->flags, .exit_signal = (u32)a->exit_signal};
    if (a->flags & (0xff | C_DETACHED) || a->exit_signal > SIG_MAX || a->set_tid_size || a->set_tid)
        return -E_INVAL;
    if ((a->flags & (C_THREAD | C_PARENT)) && a->exit_signal)
        return -E_INVAL;
    if ((a->stack == 0) != (a->stack_size == 0))
        return -E_INVAL;
    if (a->flags & C_PIDFD && a->flags & C_PARENT_SETTID && a->pidfd == a->parent_tid)
        return -E_INVAL;
    r.pidfd = uaddr(a->pidfd);
    r.how = (struct linux_clone_how){.flags = a->flags,
                                     .stack = a->stack ? a->stack + a->stack_size : 0,
                                     .tls = a->tls,
                                     .child_tid = uaddr(a->child_tid),
                                     .parent_tid = uaddr(a->parent_tid)};
    return do_clone(&r, tf);
}

// --- exec ---
enum : u64 { MAX_ARGS = 6ul << 20 };

static int collect(uaddr_t argv, uaddr_t envp, struct arg_block *args, struct arg_block *env)
{
    u64 limit = MAX(MIN(MAX_ARGS, task_limit_soft(LIMIT_STACK) / 4), 128ul << 10);
    arg_block_init(args, limit);
    arg_block_init(env, limit);
    int err = arg_push_user_vector(args, argv);
    if (!err && args->count == 0)
        err = arg_push(args, ""); // since 5.18: argc is at least 1
    if (!err)
        err = arg_push_user_vector(env, envp);
    return err;
}

static i64 exec_file(struct object *file, const char *name, uaddr_t argv, uaddr_t envp,
                     bool beneath_fd, struct trapframe *tf)
{
    struct arg_block args, env;
    int err = collect(argv, envp, &args, &env);
    if (err) {
        object_put(file);
    } else {
        struct exec_request r = {
            .file = file, .filename = name, .argv = &args, .envp = &env, .beneath_fd = beneath_fd};
        err = exec_run(&r, tf);
    }
    arg_block_free(&args);
    arg_block_free(&env);
    return err;
}

i64 linux_execve(const struct sys_name *path, uaddr_t argv, uaddr_t envp, struct trapframe *tf)
{
    struct object *file;
    struct attr attr;
    int err = exec_open(path->str, &file, &attr);
    return err ? err : exec_file(file, path->str, argv, envp, false, tf);
}

enum { AT_SYMLINK_NOFOLLOW_ = 0x100, AT_EMPTY_PATH_ = 0x1000 };

i64 linux_execveat(i32 dir, const struct sys_name *path, uaddr_t argv, uaddr_t envp, u32 flags,
                   struct trapframe *tf)
{
    struct path base;
    struct pathname name = {path->str, path->len};
    int err = base_from_fd(dir, name, &base);
    if (err)
        return err;
    struct open_request r = {.access = FILE_READ | FILE_EXEC,
                             .nofollow = flags & AT_SYMLINK_NOFOLLOW_,
                             .lookup = flags & AT_EMPTY_PATH_ ? LOOKUP_EMPTY : 0};
    struct object *file;
    u32 rights;
    err = vfs_open(&base, name, &r, &file, &rights);
    path_put(&base);
    if (err)
        return err;
    char text[SYS_NAME_INLINE + 32];
    bool from_fd = dir != DIRFD_CWD && path->str[0] != '/';
    if (from_fd) {
        if (path->len)
            (void)ksnprintf(text, sizeof(text), "/dev/fd/%d/%s", dir, path->str);
        else
            (void)ksnprintf(text, sizeof(text), "/dev/fd/%d", dir);
    }
    return exec_file(file, from_fd ? text : path->str, argv, envp, false, tf);
}

// --- end ---
i64 linux_exit(i32 status)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    bool alone = t->thread_count == 1;
    spin_unlock(&t->lock);
    if (alone)
        task_exit((struct exit_info){.kind = EXIT_NORMAL, .number = status & 0xff});
    task_exit_thread();
}

i64 linux_exit_group(i32 status)
{
    task_exit((struct exit_info){.kind = EXIT_NORMAL, .number = status & 0xff});
}

// --- waiting ---
enum : u32 {
    W_NOHANG = 1,
    W_UNTRACED = 2,
    W_EXITED = 4,
    W_CONTINUED = 8,
    W_NOWAIT = 0x1000000,
    W_NOTHREAD = 0x20000000,
    W_ALL = 0x40000000,
    W_CLONE = 0x80000000
};

static u32 wait_options(u32 o)
{
    return (o & W_NOHANG ? WAIT_NOHANG : 0u) | (o & W_UNTRACED ? WAIT_STOPPED : 0u) |
           (o & W_CONTINUED ? WAIT_CONTINUED : 0u) | (o & W_EXITED ? WAIT_EXITED : 0u) |
           (o & W_NOWAIT ? WAIT_NOWAIT : 0u);
}

static i32 status_word(const struct exit_info *i)
{
    switch (i->kind) {
    case EXIT_NORMAL:
        return (i->number & 0xff) << 8;
    case EXIT_BY_EVENT:
        return (i->number & 0x7f) | (i->core ? 0x80 : 0);
    case EXIT_STOPPED:
        return i->number << 8 | 0x7f;
    default:
        return 0xffff;
    }
}

i64 linux_wait4(i32 pid, i32 *status, u32 options, struct linux_rusage *usage)
{
    struct wait_result w;
    if (pid == INT32_MIN)
        return -E_SRCH;
    i64 r = task_wait(pid, wait_options(options) | WAIT_EXITED, &w);
    if (r > 0) {
        if (status)
            *status = status_word(&w.info);
        if (usage)
            rusage_encode(&w.usage, usage);
    }
    return r;
}

enum { P_ALL_ = 0, P_PID_ = 1, P_PGID_ = 2, P_PIDFD_ = 3 };

// Waits for the child behind a handle.
static i64 wait_for_pidfd(i32 id, u32 options, struct wait_result *w)
{
    struct href h;
    if (id < 0)
        return -E_INVAL;
    int err = href_get(&h, id, 0);
    if (err)
        return err;
    href_keep(&h);
    i64 r = -E_BADF;
    if (object_is_task(h.object)) {
        bool quick = atomic_load_explicit(&h.object->status, memory_order_relaxed) & OBJ_NONBLOCK;
        r = task_wait_for(task_of_object(h.object), options | (quick ? WAIT_NOHANG : 0), w);
        if (!r && quick && !(options & WAIT_NOHANG))
            r = -E_AGAIN;
    }
    href_put(&h);
    return r;
}

i64 linux_waitid(i32 which, i32 id, struct linux_siginfo *info, u32 options,
                 struct linux_rusage *usage)
{
    i64 who = 0;
    switch (which) {
    case P_ALL_:
        who = -1;
        break;
    case P_PID_:
        if (id <= 0)
            return -E_INVAL;
        who = id;
        break;
    case P_PGID_:
        if (id < 0)
            return -E_INVAL;
        who = id == 0 ? 0 : -(i64)id;
        break;
    case P_PIDFD_:
        break;
    default:
        return -E_INVAL;
    }
    if (!(options & (W_EXITED | W_UNTRACED | W_CONTINUED)))
        return -E_INVAL;
    struct wait_result w;
    i64 r = which == P_PIDFD_ ? wait_for_pidfd(id, wait_options(options), &w)
                              : task_wait(who, wait_options(options), &w);
    if (r <= 0)
        return r;
    if (info) {
        static const i32 codes[] = {
            [EXIT_NORMAL] = 1, [EXIT_BY_EVENT] = 2, [EXIT_STOPPED] = 5, [EXIT_CONTINUED] = 6};
        struct sig_info s = {.signo = SIG_CHLD,
                             .code = w.info.core ? 3 : codes[w.info.kind],
                             .pid = w.pid,
                             .uid = w.uid,
                             .status = w.info.kind == EXIT_CONTINUED ? SIG_CONT : w.info.number};
        siginfo_encode(&s, (u8 *)info);
    }
    if (usage)
        rusage_encode(&w.usage, usage);
    return 0;
}

// --- thread facts ---
i64 linux_getpid(void)
{
    return current_task()->pid;
}
i64 linux_gettid(void)
{
    return current_task_thread()->tid;
}
i64 linux_getppid(void)
{
    return task_parent_pid(current_task());
}
i64 linux_set_tid_address(uaddr_t word)
{
    current_linux()->clear_child_tid = word.v;
    return current_task_thread()->tid;
}
i64 linux_set_robust_list(uaddr_t head, u64 len)
{
    if (len != 24)
        return -E_INVAL;
    current_linux()->robust_list = head.v;
    return 0;
}
i64 linux_get_robust_list(i32 pid, u64 *head, u64 *len)
{
    *len = 24;
    if (pid == 0) {
        *head = current_linux()->robust_list;
        return 0;
    }
    struct task_thread *tt = task_find_thread((u32)pid);
    if (!tt)
        return -E_SRCH;
    spin_lock(&tt->task->lock);
    bool linux = tt->task->abi == &linux_abi && linux_thread(tt);
    *head = linux ? linux_thread(tt)->robust_list : 0;
    spin_unlock(&tt->task->lock);
    task_thread_put(tt);
    return linux ? 0 : -E_SRCH;
}

i64 linux_unshare(u64 flags)
{
    struct task *t = current_task();
    if (flags & (C_THREAD | C_VM | C_SIGHAND) && t->thread_count > 1)
        return -E_INVAL;
    if (flags & C_FILES) { // threads share one table here, so only a lone thread can leave it
        if (t->thread_count > 1)
            return -E_INVAL;
        struct handle_table *own = handle_table_fork(t->handles), *old = t->handles;
        if (!own)
            return -E_NOMEM;
        spin_lock(&t->lock);
        t->handles = own;
        spin_unlock(&t->lock);
        current()->handles = own;
        handle_table_put(old);
    }
    if (flags & 0x20000 /* CLONE_NEWNS */)
        return view_unshare_mounts();
    return flags & C_FS ? view_unshare() : 0;
}
