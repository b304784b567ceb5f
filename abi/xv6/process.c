// Processes: fork, exec, exit, wait, kill, time.
#include "xv6.h"
#include "xv6_consts.h"
#include "xv6_handlers.h"
#include <mem/slab.h>
#include <sched/wait.h>

i64 xv6_fork(struct trapframe *tf)
{
    struct task *me = current_task(), *child;
    struct task_clone c = {.exit_event = EVENT_CHILD};
    int err = aspace_fork(me->aspace, &c.aspace);
    if (err)
        return err;
    c.handles = handle_table_fork(me->handles);
    err = c.handles ? view_fork(me->view, &c.view) : -E_NOMEM;
    while (!err && (err = task_fork(&c, tf, &child)) == -E_RESTART && xv6_interrupted() == 0)
        err = 0;
    if (err) {
        if (c.view)
            view_put(c.view);
        if (c.handles)
            handle_table_put(c.handles);
        aspace_put_user(c.aspace);
        return err;
    }
    u32 pid = child->pid;
    task_start(child);
    return pid;
}

i64 xv6_exit(i32 status)
{
    current_xv6()->status = status;
    task_exit((struct exit_info){.kind = EXIT_NORMAL, .number = status & 0xff});
}

// What xv6's wait says of a child: programs of xv6 end with any 32 bits, those of other systems
// with 0 to 255, and who was killed with -1.
static i32 status_of(struct task *child, const struct exit_info *info)
{
    if (info->kind != EXIT_NORMAL)
        return -1;
    return child && child->abi == &xv6_abi && xv6_task(child) ? xv6_task(child)->status
                                                              : info->number;
}

i64 xv6_wait(uaddr_t where)
{
    struct wait_result w;
    i64 pid;
    while ((pid = task_wait(-1, WAIT_EXITED | WAIT_NOWAIT, &w)) == -E_RESTART)
        if (xv6_interrupted())
            return -E_INTR;
    if (pid < 0)
        return pid;
    struct task *child = task_find((u32)pid);
    i32 status = status_of(child, &w.info);
    int err = where.v ? user_copy_out(where, &status, sizeof(status)) : 0;
    if (!err) {
        i64 r = task_wait(pid, WAIT_EXITED | WAIT_NOHANG,
                          &w); // ours alone: nobody else can have reaped it
        err = r == pid ? 0 : -E_CHILD;
        if (child && !err)
            xv6_uncount(child);
    }
    if (child)
        task_put(child);
    return err ? err : pid;
}

static bool may_kill(struct task *t)
{
    const struct cred *me = current_cred();
    struct cred *other = task_cred_get(t);
    bool ok = me->euid == other->suid || me->euid == other->uid || me->uid == other->suid ||
              me->uid == other->uid || capable(CAP_KILL);
    cred_put(other);
    return ok;
}

i64 xv6_kill(i32 pid)
{
    struct task *t = pid > 0 ? task_find((u32)pid) : NULL;
    if (!t)
        return -E_SRCH;
    int err = may_kill(t) ? 0 : -E_PERM;
    if (!err) {
        struct event e = {.kind = EVENT_KILL,
                          .code = EVC_USER,
                          .sender_pid = current_task()->pid,
                          .sender_uid = current_cred()->uid};
        err = event_post(t, &e);
    }
    task_put(t);
    return err;
}

i64 xv6_getpid(void)
{
    return current_task()->pid;
}

i64 xv6_uptime(void)
{
    return (i32)(arch_time_ns() / XV6_TICK_NS);
}

i64 xv6_sleep(i32 ticks)
{
    u64 deadline = arch_time_ns() + (ticks > 0 ? (u64)ticks * XV6_TICK_NS : 0);
    while (thread_sleep_until(deadline) == -E_RESTART)
        if (xv6_interrupted())
            return -E_INTR;
    return 0;
}

// --- exec ---
// Up to 31 strings, each of at most a page with its NUL.
static int collect(uaddr_t argv, struct arg_block *args)
{
    char *page = page_alloc(0);
    if (!page)
        return -E_NOMEM;
    int err = 0;
    for (u32 i = 0; !err; i++) {
        u64 s;
        err = i >= XV6_MAXARG ? -E_2BIG : user_copy_in(&s, uaddr_add(argv, i * 8ul), 8);
        if (err || s == 0)
            break;
        i64 n = user_string(page, uaddr(s), XV6_PAGE);
        err = n < 0 ? (int)n : arg_push(args, page);
    }
    page_free(page);
    return err;
}

i64 xv6_exec(const struct sys_name *path, uaddr_t argv, struct trapframe *tf)
{
    struct arg_block args, env;
    struct xv6_path p;
    arg_block_init(&args, XV6_MAXARG * XV6_PAGE);
    int err = collect(argv, &args);
    if (!err)
        err = xv6_path_get(&p, path);
    if (err) {
        arg_block_free(&args);
        return err;
    }
    const struct arg_block *kept = &current_xv6()->env->block;
    arg_block_init(&env, kept->limit);
    struct exec_request r = {.filename = p.name.str, .argv = &args, .envp = &env};
    struct attr attr;
    err = arg_append(&env, kept, 0);
    if (!err)
        err = exec_open(p.name.str, &r.file, &attr);
    if (!err)
        err = exec_run(&r, tf);
    arg_block_free(&args);
    arg_block_free(&env);
    xv6_path_done(&p);
    return err;
}
