// spawn: a new task that runs another program, with a handle table made from a list and nothing
// inherited by accident.
//
// The parent builds everything, the child executes in its own context (its view, its credentials)
// before it ever sees user mode, and tells the parent how that went. The job is shared by the two;
// its result is guarded by nothing but the order of `done`.
#include "scarlet.h"
#include "scarlet_handlers.h"
#include <exec/environment.h>
#include <exec/exec.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <task/task_object.h>
#include <vm/user.h>

enum : u64 { MAX_ARGS = 6ul << 20 };
enum { MAX_SPAWN_HANDLES = 4096 };

struct spawn_job {
    refcount_t refs;
    char *path, *abi, *directory; // abi and directory may be NULL
    struct arg_block argv, envp;
    u32 flags, group;
    bool confined;                   // into a view that was given
    struct environment *environment; // counted; NULL: the caller's
    struct waitqueue wait;
    int result;
    _Atomic bool done;
};

struct spawn_job *spawn_job_get(struct spawn_job *job)
{
    refcount_inc(&job->refs);
    return job;
}

static void spawn_job_put(struct spawn_job *job)
{
    if (!refcount_dec_and_test(&job->refs))
        return;
    arg_block_free(&job->argv);
    arg_block_free(&job->envp);
    environment_put(job->environment);
    kfree(job->path);
    kfree(job->abi);
    kfree(job->directory);
    kfree(job);
}

static void finish(struct spawn_job *job, int result)
{
    job->result = result;
    atomic_store_explicit(&job->done, true, memory_order_release);
    wake_all(&job->wait, 0);
    spawn_job_put(job);
}

void spawn_job_cancel(struct spawn_job *job)
{
    finish(job, -E_INTR);
}

static int copy_string(uaddr_t from, usize max, bool optional, char **out)
{
    *out = NULL;
    if (optional && !from.v)
        return 0;
    char *s = kmalloc(max, ALLOC_USER);
    if (!s)
        return -E_NOMEM;
    i64 n = user_string(s, from, max);
    if (n < 0) {
        kfree(s);
        return (int)n;
    }
    *out = s;
    return 0;
}

static int find_environment(i32 slot, struct environment **out)
{
    struct href h;
    if (slot == SCARLET_NO_HANDLE)
        return 0;
    int err = get_handle(&h, slot, RIGHT_EXECUTE);
    if (err)
        return err;
    if (object_is_environment(h.object)) {
        *out = environment_of_object(h.object);
        environment_get(*out);
    } else {
        err = -E_NOTTY;
    }
    href_put(&h);
    return err;
}

static int make_job(const struct scarlet_spawn_request *r, struct spawn_job **out)
{
    struct spawn_job *job = kzalloc(sizeof(*job), ALLOC_USER);
    if (!job)
        return -E_NOMEM;
    u64 limit = MAX(MIN(MAX_ARGS, task_limit_soft(LIMIT_STACK) / 4), 128ul << 10);
    refcount_set(&job->refs, 1);
    waitqueue_init(&job->wait);
    arg_block_init(&job->argv, limit);
    arg_block_init(&job->envp, limit);
    job->flags = r->flags;
    job->group = r->group;
    job->confined = r->view != SCARLET_NO_HANDLE && r->environment == SCARLET_NO_HANDLE;
    int err = find_environment(r->environment, &job->environment);
    if (!err)
        err = copy_string(r->path, PATH_MAX_LEN, false, &job->path);
    if (!err)
        err = copy_string(r->abi, 64, true, &job->abi);
    if (!err)
        err = copy_string(r->directory, PATH_MAX_LEN, true, &job->directory);
    if (!err)
        err = arg_push_user_vector(&job->argv, r->argv);
    if (!err && job->argv.count == 0)
        err = arg_push(&job->argv, job->path);
    if (!err)
        err = arg_push_user_vector(&job->envp, r->envp);
    if (err)
        spawn_job_put(job);
    else
        *out = job;
    return err;
}

// --- the new task's handles ---
static int pass_handle(struct handle_table *to, const struct scarlet_spawn_handle *s, bool must)
{
    struct href h;
    int err = get_handle(&h, s->handle, must ? RIGHT_TRANSFER : 0);
    if (err)
        return must ? err : 0;
    u32 rights = s->rights == SCARLET_SAME_RIGHTS ? h.rights : s->rights;
    if (rights & ~h.rights)
        err = -E_RIGHTS;
    else if (s->flags)
        err = -E_INVAL;
    else
        href_keep(&h);
    if (!err)
        err = handle_replace(to, s->slot, h.object, rights_shrink(h.rights, rights), 0,
                             handle_limit());
    if (err)
        href_put(&h);
    return err;
}

static int make_handles(const struct scarlet_spawn_request *r, struct handle_table **out)
{
    if (r->count > MAX_SPAWN_HANDLES)
        return -E_INVAL;
    struct handle_table *t = handle_table_create();
    if (!t)
        return -E_NOMEM;
    int err = 0;
    if (r->flags & SCARLET_SPAWN_STANDARD)
        for (i32 i = 0; i < 3 && !err; i++)
            err =
                pass_handle(t, &(struct scarlet_spawn_handle){i, i, SCARLET_SAME_RIGHTS, 0}, false);
    for (u32 i = 0; i < r->count && !err; i++) {
        struct scarlet_spawn_handle s;
        err = user_copy_in(&s, uaddr(r->handles.v + i * sizeof(s)), sizeof(s));
        if (!err)
            err = pass_handle(t, &s, true);
    }
    if (err)
        handle_table_put(t);
    else
        *out = t;
    return err;
}

static int make_view(i32 slot, struct environment *e, struct view **out)
{
    struct view *v;
    if (slot == SCARLET_NO_HANDLE && !e)
        return view_fork(current_task()->view, out);
    int err;
    if (slot == SCARLET_NO_HANDLE) {
        err = environment_view(e, &scarlet_abi, &v);
        if (err)
            return err;
        err = view_fork(v, out);
        view_put(v);
        return err;
    }
    struct href h;
    err = get_handle(&h, slot, RIGHT_EXECUTE);
    if (err)
        return err;
    err = object_is_view(h.object) ? view_fork(view_of_object(h.object), out) : -E_NOTTY;
    href_put(&h);
    return err;
}

// --- in the child ---
static int enter_directory(const char *directory)
{
    struct path base = BASE_CWD;
    return directory ? vfs_chdir(&base, (struct pathname){directory, strlen(directory)}) : 0;
}

static int join_group(const struct spawn_job *job)
{
    if (job->flags & SCARLET_SPAWN_NEW_SESSION) {
        i64 id = task_setsid();
        return id < 0 ? (int)id : 0;
    }
    if (job->flags & SCARLET_SPAWN_NEW_GROUP)
        return task_setpgid(0, 0);
    return job->group ? task_setpgid(0, job->group) : 0;
}

static int execute(struct spawn_job *job, struct trapframe *tf)
{
    struct object *file;
    struct attr attr;
    int err = join_group(job);
    if (!err && job->confined)
        err = confine_to_view();
    if (!err && job->environment)
        err = forgo_privileges();
    if (!err && job->environment) {
        environment_get(job->environment);
        environment_set_current(job->environment);
    }
    if (!err)
        err = enter_directory(job->directory);
    if (!err)
        err = exec_open(job->path, &file, &attr);
    if (err)
        return err;
    struct exec_request r = {.file = file,
                             .filename = job->path,
                             .argv = &job->argv,
                             .envp = &job->envp,
                             .abi = job->abi};
    return exec_run(&r, tf);
}

void spawn_run(struct spawn_job *job, struct trapframe *tf)
{
    int err = execute(job, tf);
    if (err)
        task_terminate(current_task(), (struct exit_info){.kind = EXIT_NORMAL, .number = 127});
    finish(job, err);
}

// --- in the parent ---
static int make_task(struct spawn_job *job, const struct scarlet_spawn_request *r,
                     struct trapframe *tf, struct task **out)
{
    struct task_clone c = {.exit_event = EVENT_CHILD};
    struct scarlet_how how = {.spawn = job};
    c.abi_how = &how;
    int err = make_handles(r, &c.handles);
    if (!err)
        err = make_view(r->view, job->environment, &c.view);
    if (!err)
        err = aspace_create(&c.aspace);
    if (!err)
        err = task_fork(&c, tf, out);
    if (err) {
        if (c.aspace)
            aspace_put_user(c.aspace);
        if (c.view)
            view_put(c.view);
        if (c.handles)
            handle_table_put(c.handles);
    }
    return err;
}

static bool job_done(const void *arg)
{
    const struct spawn_job *job = arg;
    return atomic_load_explicit(&job->done, memory_order_acquire);
}

i64 scarlet_spawn(const struct scarlet_spawn_request *request, struct trapframe *tf)
{
    struct spawn_job *job;
    struct task *child;
    struct object *o = NULL;
    int err = make_job(request, &job);
    if (err)
        return err;
    i32 slot = handle_reserve(current_handles(), 0, handle_limit());
    if (slot < 0) {
        spawn_job_put(job);
        return slot;
    }
    err = task_object_prepare(&o);
    if (!err)
        err = make_task(job, request, tf, &child);
    if (!err) {
        task_get(child);
        task_object_set(o, child);
        struct task_thread *first = list_entry(child->threads.next, struct task_thread, link);
        thread_set_work(first->thread, WORK_EVENT);
        task_start(child);
        task_wait_killable(&job->wait, job_done, job);
        if (job_done(job)) // else nobody is going to see the answer
            err = job->result;
        if (err) {
            struct wait_result w;
            (void)!task_wait(child->pid, WAIT_EXITED, &w);
        }
        task_put(child);
    }
    spawn_job_put(job);
    if (err) {
        if (o)
            object_put(o);
        handle_unreserve(current_handles(), slot);
        return err;
    }
    handle_publish(current_handles(), slot, o,
                   RIGHT_WAIT | RIGHT_SIGNAL | RIGHT_METADATA | RIGHT_DUPLICATE | RIGHT_TRANSFER,
                   0);
    return slot;
}
