// Native calls on tasks and threads. No state of its own.
#include "probe.h"
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <exec/exec.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <task/task_object.h>

enum : u64 { MAX_ARGS = 6ul << 20 };

// --- end ---
i64 scarlet_exit(i32 code)
{
    task_exit((struct exit_info){.kind = EXIT_NORMAL, .number = code & 0xff});
}

i64 scarlet_exit_thread(i32 code)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    bool alone = t->thread_count == 1;
    spin_unlock(&t->lock);
    if (alone)
        task_exit((struct exit_info){.kind = EXIT_NORMAL, .number = code & 0xff});
    task_exit_thread();
}

// --- new tasks and threads ---
static int copy_parts(u32 flags, struct task_clone *c)
{
    struct task *me = current_task();
    int err = 0;
    if (flags & SCARLET_CLONE_SHARE_MEMORY) {
        c->aspace = me->aspace;
        aspace_get_user(c->aspace);
        c->vfork = true;
    } else {
        err = aspace_fork(me->aspace, &c->aspace);
    }
    if (!err && flags & SCARLET_CLONE_SHARE_HANDLES) {
        c->handles = me->handles;
        handle_table_get(c->handles);
    } else if (!err) {
        c->handles = handle_table_fork(me->handles);
        err = c->handles ? 0 : -E_NOMEM;
    }
    if (!err && flags & SCARLET_CLONE_SHARE_VIEW) {
        c->view = me->view;
        view_get(c->view);
    } else if (!err) {
        err = view_fork(me->view, &c->view);
    }
    return err;
}

i64 scarlet_clone(u32 flags, struct trapframe *tf)
{
    struct task *child;
    struct scarlet_how how = {0};
    struct task_clone c = {.exit_event = EVENT_CHILD, .abi_how = &how};
    int err = copy_parts(flags, &c);
    if (!err)
        err = task_fork(&c, tf, &child);
    if (err) {
        if (c.view)
            view_put(c.view);
        if (c.handles)
            handle_table_put(c.handles);
        if (c.aspace)
            aspace_put_user(c.aspace);
        return err;
    }
    u32 pid = child->pid;
    task_get(child);
    task_start(child);
    if (c.vfork)
        task_vfork_wait(child);
    task_put(child);
    return pid;
}

i64 scarlet_thread_create(uaddr_t entry, uaddr_t stack, u64 argument, u64 tls, struct trapframe *tf)
{
    struct scarlet_how how = {.entry = entry.v, .stack = stack.v, .argument = argument, .tls = tls};
    struct task_thread *tt;
    int err = task_thread_create(tf, &how, &tt);
    if (err)
        return err;
    u32 tid = tt->tid;
    task_thread_start(tt);
    return tid;
}

static bool thread_lives(struct task *t, u32 tid)
{
    struct task_thread *tt;
    bool found = false;
    spin_lock(&t->lock);
    list_for_each_entry (tt, &t->threads, link)
        found |= tt->tid == tid;
    spin_unlock(&t->lock);
    return found;
}

i64 scarlet_thread_join(i32 thread, u64 deadline)
{
    struct task *t = current_task();
    if (thread <= 0)
        return -E_SRCH;
    if ((u32)thread == current_task_thread()->tid)
        return -E_DEADLK;
    if (!thread_lives(t, (u32)thread))
        return 0;
    if (deadline == 0)
        return -E_TIMEDOUT;
    return wait_event_deadline(&t->wait_children, !thread_lives(t, (u32)thread),
                               deadline_of(deadline));
}

// --- exec ---
static i64 execute(const struct sys_name *path, uaddr_t argv, uaddr_t envp, u32 flags,
                   const char *abi, struct trapframe *tf)
{
    struct arg_block args, env;
    struct object *file;
    struct attr attr;
    u64 limit = MAX(MIN(MAX_ARGS, task_limit_soft(LIMIT_STACK) / 4), 128ul << 10);
    int err = exec_open(path->str, &file, &attr);
    if (err)
        return err;
    arg_block_init(&args, limit);
    arg_block_init(&env, limit);
    err = arg_push_user_vector(&args, argv);
    if (!err && args.count == 0)
        err = arg_push(&args, path->str);
    if (!err)
        err = arg_push_user_vector(&env, envp);
    if (err) {
        object_put(file);
    } else {
        struct exec_request r = {.file = file,
                                 .filename = path->str,
                                 .argv = &args,
                                 .envp = &env,
                                 .abi = abi,
                                 .rebuild = flags & SCARLET_EXEC_REBUILD};
        err = exec_run(&r, tf);
    }
    arg_block_free(&args);
    arg_block_free(&env);
    return err;
}

i64 scarlet_execve(const struct sys_name *path, uaddr_t argv, uaddr_t envp, u32 flags,
                   struct trapframe *tf)
{
    return execute(path, argv, envp, flags, NULL, tf);
}

i64 scarlet_execve_abi(const struct sys_name *path, uaddr_t argv, uaddr_t envp, u32 flags,
                       const struct sys_name *abi, struct trapframe *tf)
{
    return execute(path, argv, envp, flags, abi->str, tf);
}

// --- waiting ---
void task_end_encode(u32 pid, const struct exit_info *i, const struct usage *u,
                     struct scarlet_task_end *out)
{
    static const u32 kinds[] = {[EXIT_NORMAL] = SCARLET_END_EXIT,
                                [EXIT_BY_EVENT] = SCARLET_END_EVENT,
                                [EXIT_STOPPED] = SCARLET_END_STOPPED,
                                [EXIT_CONTINUED] = SCARLET_END_CONTINUED};
    *out = (struct scarlet_task_end){.task = (i32)pid, .kind = kinds[i->kind]};
    out->code = i->kind == EXIT_NORMAL      ? i->number
                : i->kind == EXIT_CONTINUED ? 0
                                            : (i32)kind_of_number(i->number);
    if (u) {
        out->user_ns = u->utime_ns;
        out->system_ns = u->stime_ns;
        out->max_bytes = u->maxrss_pages * PAGE_SIZE;
    }
}

i64 scarlet_waitpid(i32 task, struct scarlet_task_end *end, u32 flags)
{
    struct wait_result w;
    u32 how = WAIT_EXITED | (flags & SCARLET_WAIT_NOHANG ? WAIT_NOHANG : 0u) |
              (flags & SCARLET_WAIT_STOPPED ? WAIT_STOPPED : 0u) |
              (flags & SCARLET_WAIT_CONTINUED ? WAIT_CONTINUED : 0u) |
              (flags & SCARLET_WAIT_KEEP ? WAIT_NOWAIT : 0u);
    if (task == INT32_MIN)
        return -E_CHILD;
    i64 r = task_wait(task, how, &w);
    if (r > 0 && end)
        task_end_encode(w.pid, &w.info, &w.usage, end);
    return r;
}

static bool is_my_child(struct task *t)
{
    spin_lock(&tree_lock);
    bool mine = t->parent == current_task() && !t->reaped;
    spin_unlock(&tree_lock);
    return mine;
}

i64 scarlet_task_wait(struct href *task, struct scarlet_task_end *end, u64 deadline)
{
    if (!object_is_task(task->object))
        return -E_NOTTY;
    href_keep(task);
    struct task *t = task_of_object(task->object);
    struct exit_info info;
    int err = task_object_wait(task->object, deadline_of(deadline), &info);
    if (err)
        return err;
    struct usage u = {0};
    if (is_my_child(t)) {
        struct wait_result w;
        i64 r = task_wait(t->pid, WAIT_EXITED,
                          &w); // it is on its way: this takes no longer than its last steps
        if (r > 0)
            u = w.usage;
        else if (r != -E_CHILD)
            return r;
    }
    if (end)
        task_end_encode(t->pid, &info, &u, end);
    return 0;
}

// --- events to others ---
static struct event event_for(enum event_kind kind)
{
    return (struct event){.kind = kind,
                          .code = EVC_USER,
                          .sender_pid = current_task()->pid,
                          .sender_uid = current_cred()->uid};
}

static i64 kill_group(u32 id, enum event_kind kind)
{
    struct pgrp *pg = id ? pgrp_find(id) : NULL;
    if (!id) {
        spin_lock(&tree_lock);
        pg = current_task()->pgrp;
        pgrp_get(pg);
        spin_unlock(&tree_lock);
    }
    if (!pg)
        return -E_SRCH;
    // Collected first: permissions take locks that the tree's lock does not allow.
    struct task *members[64], *t;
    u32 n = 0;
    i64 told = 0;
    bool refused = false, all = false;
    for (u32 skip = 0; !all; skip += n) {
        u32 i = 0;
        n = 0;
        all = true;
        spin_lock(&tree_lock);
        list_for_each_entry (t, &pg->members, pgrp_link) {
            if (i++ < skip)
                continue;
            if (n == ARRAY_LEN(members)) {
                all = false;
                break;
            }
            task_get(t);
            members[n++] = t;
        }
        spin_unlock(&tree_lock);
        for (u32 k = 0; k < n; k++) {
            struct event e = event_for(kind);
            if (task_may_signal(members[k])) {
                (void)event_post(members[k], &e);
                told++;
            } else {
                refused = true;
            }
            task_put(members[k]);
        }
    }
    pgrp_put(pg);
    return told ? 0 : refused ? -E_PERM : -E_SRCH;
}

static i64 post_to(i32 task, const struct event *e)
{
    struct task *t = task_find((u32)task);
    if (!t)
        return -E_SRCH;
    i64 r = task_may_signal(t) ? event_post(t, e) : -E_PERM;
    task_put(t);
    return r;
}

i64 scarlet_kill(i32 task, u32 event)
{
    enum event_kind kind;
    int err = kernel_kind(event, &kind);
    if (err)
        return err;
    if (task <= 0)
        return task == -1 ? -E_SRCH : kill_group(0u - (u32)task, kind);
    struct event e = event_for(kind);
    return post_to(task, &e);
}

i64 scarlet_send_direct(i32 task, u32 event, u32 reliable, u32 priority)
{
    enum event_kind kind;
    int err = kernel_kind(event, &kind);
    if (err)
        return err;
    struct event e = event_for(kind);
    e.reliable = reliable;
    e.priority = priority;
    return task > 0 ? post_to(task, &e) : -E_SRCH;
}

i64 scarlet_task_kill(struct href *task, u32 event)
{
    enum event_kind kind;
    if (!object_is_task(task->object))
        return -E_NOTTY;
    int err = kernel_kind(event, &kind);
    if (err)
        return err;
    struct event e = event_for(kind);
    return event_post(task_of_object(task->object), &e);
}

// --- handles to tasks ---
static i64 install_task(struct task *t, u32 more)
{
    struct object *o;
    int err = task_object_create(t, &o);
    return err ? err
               : install(o, RIGHT_WAIT | RIGHT_METADATA | RIGHT_DUPLICATE | RIGHT_TRANSFER | more,
                         false);
}

i64 scarlet_task_self(void)
{
    return install_task(current_task(), RIGHT_SIGNAL);
}

i64 scarlet_task_open(i32 task)
{
    struct task *t = task > 0 ? task_find((u32)task) : NULL;
    if (!t)
        return -E_SRCH;
    i64 r = install_task(t, task_may_signal(t) ? RIGHT_SIGNAL : 0);
    task_put(t);
    return r;
}

// --- facts ---
i64 scarlet_getpid(void)
{
    return current_task()->pid;
}
i64 scarlet_gettid(void)
{
    return current_task_thread()->tid;
}
i64 scarlet_getppid(void)
{
    return task_parent_pid(current_task());
}

static char state_of(struct task *t)
{
    if (t->zombie)
        return 'Z';
    if (t->stopped)
        return 'T';
    char c = 'S';
    struct task_thread *tt;
    list_for_each_entry (tt, &t->threads, link) {
        enum thread_state s = atomic_load_explicit(&tt->thread->state, memory_order_relaxed);
        if (s == THREAD_RUNNABLE)
            return 'R';
        if (s == THREAD_BLOCKED)
            c = 'D';
    }
    return c;
}

static void fill_info(struct task *t, struct scarlet_task_info *out)
{
    struct usage u;
    struct aspace *as;
    task_usage(t, &u);
    spin_lock(&tree_lock);
    out->task = (i32)t->pid;
    out->parent = (i32)task_parent_pid(t);
    out->group = t->pgrp ? (i32)t->pgrp->id : 0;
    out->session = t->pgrp ? (i32)t->pgrp->session->id : 0;
    spin_lock(&t->lock);
    out->threads = t->thread_count;
    out->state[0] = state_of(t);
    strlcpy(out->name, t->name, sizeof(out->name));
    if (t->abi)
        strlcpy(out->abi, t->abi->name, sizeof(out->abi));
    if (!list_empty(&t->threads))
        out->nice = list_entry(t->threads.next, struct task_thread, link)->thread->sched.nice;
    as = t->aspace;
    if (as)
        aspace_get(as);
    spin_unlock(&t->lock);
    spin_unlock(&tree_lock);
    struct cred *c = task_cred_get(t);
    out->user = c->euid;
    cred_put(c);
    out->started = t->start_ns;
    out->user_ns = u.utime_ns;
    out->system_ns = u.stime_ns;
    if (as) {
        i64 rss = atomic_load(&as->rss_anon) + atomic_load(&as->rss_file);
        read_lock(&as->lock);
        out->virtual = as->total_pages * PAGE_SIZE;
        read_unlock(&as->lock);
        out->resident = rss > 0 ? (u64)rss * PAGE_SIZE : 0;
        aspace_put(as);
    }
}

i64 scarlet_task_info(struct href *task, struct scarlet_task_info *info)
{
    if (!object_is_task(task->object))
        return -E_NOTTY;
    fill_info(task_of_object(task->object), info);
    return 0;
}

static int fill_first(struct task *t, void *arg)
{
    fill_info(t, arg);
    return 1;
}

i64 scarlet_task_list(i32 from, struct scarlet_task_info *info)
{
    return task_for_each(from > 0 ? (u32)from : 0, fill_first, info) ? info->task : 0;
}

i64 scarlet_set_name(const struct sys_name *name)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    strlcpy(t->name, name->str, sizeof(t->name));
    spin_unlock(&t->lock);
    thread_set_name(current(), name->str);
    return 0;
}

// --- limits and priority ---
i64 scarlet_limit_get(u32 kind, struct scarlet_limit *limit)
{
    struct task *t = current_task();
    spin_lock(&t->lock);
    *limit = (struct scarlet_limit){t->limits[kind].soft, t->limits[kind].hard};
    spin_unlock(&t->lock);
    return 0;
}

i64 scarlet_limit_set(u32 kind, const struct scarlet_limit *limit)
{
    struct task *t = current_task();
    bool privileged = capable(CAP_SYS_RESOURCE);
    int err = 0;
    if (limit->soft > limit->hard || (kind == LIMIT_NOFILE && limit->hard > 1ul << 20))
        return -E_INVAL;
    spin_lock(&t->lock);
    if (limit->hard > t->limits[kind].hard && !privileged)
        err = -E_PERM;
    else
        t->limits[kind] = (struct limit){limit->soft, limit->hard};
    spin_unlock(&t->lock);
    return err;
}

i64 scarlet_priority_get(void)
{
    return thread_get_sched(current()).nice + 20;
}

i64 scarlet_priority_set(u32 value)
{
    struct sched_params p = thread_get_sched(current());
    i8 nice = (i8)((i32)value - 20);
    if (nice < p.nice && !capable(CAP_SYS_NICE))
        return -E_PERM;
    p.nice = nice;
    return thread_set_sched(current(), &p);
}

// --- identity and groups ---
i64 scarlet_identity_get(struct scarlet_identity *identity)
{
    const struct cred *c = current_cred();
    *identity = (struct scarlet_identity){c->uid, c->euid, c->gid, c->egid};
    return 0;
}

i64 scarlet_identity_set(u32 user, u32 group)
{
    const struct cred *old = current_cred();
    if ((user != old->uid && !capable(CAP_SETUID)) || (group != old->gid && !capable(CAP_SETGID)))
        return -E_PERM;
    struct cred *c = cred_copy(old);
    if (!c)
        return -E_NOMEM;
    int err = group != old->gid ? cred_set_groups(c, NULL, 0) : 0;
    if (err) {
        cred_put(c);
        return err;
    }
    c->uid = c->euid = c->suid = c->fsuid = user;
    c->gid = c->egid = c->sgid = c->fsgid = group;
    if (user != 0)
        c->cap_effective = c->cap_permitted = c->cap_ambient = 0;
    task_set_cred(c);
    return 0;
}

i64 scarlet_group_get(i32 task)
{
    struct task *t = task == 0 ? current_task() : task > 0 ? task_find((u32)task) : NULL;
    if (!t)
        return -E_SRCH;
    spin_lock(&tree_lock);
    i64 id = t->pgrp ? (i64)t->pgrp->id : -E_SRCH;
    spin_unlock(&tree_lock);
    if (task)
        task_put(t);
    return id;
}

i64 scarlet_group_set(i32 task, i32 group)
{
    if (task < 0 || group < 0)
        return -E_INVAL;
    return task_setpgid((u32)task, (u32)group);
}

i64 scarlet_session_create(void)
{
    return task_setsid();
}

i64 scarlet_umask(u32 mask)
{
    struct task *t = current_task();
    u32 old = t->umask;
    t->umask = mask & 0777;
    return old;
}

i64 scarlet_yield(void)
{
    thread_yield();
    return 0;
}
