// exec_run: from an opened file to a running program.
//
//   scripts, runtimes, detection (chain.c) -> view and environment (world.c) -> load aside
//   (abi->load) -> other threads end
//   -> commit: swap space, view, credentials, ABI, frame.
//
// Up to `commit` an error leaves the caller as it was: everything made so far hangs on struct
// exec_build and is dropped.
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/handle.h>
#include <sync/log.h>

static void set_name(struct exec_build *b)
{
    const char *base = strrchr(b->filename, '/');
    strlcpy(b->name, base ? base + 1 : b->filename, sizeof(b->name));
}

// Set-id programs: new effective ids, unless the mount or the task forbids it.
static int prepare_cred(struct exec_build *b)
{
    const struct cred *old = current_cred();
    bool setuid = b->attr.mode & MODE_SUID,
         setgid = (b->attr.mode & (MODE_SGID | 010)) == (MODE_SGID | 010);
    if (b->attr.flags & ATTR_NOSUID || old->no_new_privs)
        setuid = setgid = false;
    b->cred = cred_copy(old);
    if (!b->cred)
        return -E_NOMEM;
    struct cred *c = b->cred;
    if (setuid)
        c->euid = b->attr.uid;
    if (setgid)
        c->egid = b->attr.gid;
    c->suid = c->fsuid = c->euid;
    c->sgid = c->fsgid = c->egid;
    // Capabilities of programs without file capabilities (capabilities(7), "Capabilities and
    // execution of programs by root").
    bool root = c->euid == 0 || c->uid == 0;
    u64 permitted = root ? (c->cap_inheritable | c->cap_bounding) : c->cap_ambient;
    c->securebits &= ~(u32)SECURE_KEEP_CAPS; // good for one change of ids
    c->cap_permitted = permitted;
    c->cap_effective = c->euid == 0 ? permitted : c->cap_ambient;
    if (setuid || setgid)
        c->cap_ambient = 0;
    b->secure = c->euid != c->uid || c->egid != c->gid;
    return 0;
}

static void drop(struct exec_build *b)
{
    if (b->as)
        aspace_put_user(b->as);
    if (b->cred)
        cred_put(b->cred);
    view_put(b->view);
    if (b->file)
        exec_release_file(b);
}

// What is pending, ignored and blocked outlives a change of the ABI: noted at one moment, and what
// is posted from then on waits until the new one is there.
static void leave_abi(struct abi_signal_status *left, struct held_events *held)
{
    struct task_thread *tt = current_task_thread();
    struct task *t = tt->task;
    spin_lock(&t->lock);
    if (t->abi->status)
        t->abi->status(t, tt, left);
    event_hold_back(t, held);
    if (t->abi->hand_over)
        t->abi->hand_over(t, tt);
    spin_unlock(&t->lock);
}

static void inherit(const struct abi_signal_status *s)
{
    struct task_thread *tt = current_task_thread();
    if (tt->task->abi->inherit)
        tt->task->abi->inherit(tt, s);
}

// Nothing fails from here on. The caller holds no locks.
static void commit(struct exec_build *b, struct trapframe *tf)
{
    struct task *t = current_task();
    struct thread *me = current();
    struct aspace *old = t->aspace;
    const struct abi_module *old_abi = t->abi;
    const bool other = old_abi && old_abi != b->abi;
    struct abi_signal_status left = {0};
    struct held_events held;
    if (other)
        leave_abi(&left, &held);
    if (old && old_abi && old_abi->task_exec)
        old_abi->task_exec(t, b->abi);
    irqflags_t f = arch_irq_save();
    me->mmu = &b->as->arch;
    arch_aspace_switch(me->mmu);
    arch_irq_restore(f);
    if (b->view)
        view_replace_current(b->view);
    spin_lock(&t->lock);
    t->aspace = b->as;
    strlcpy(t->name, b->name, sizeof(t->name));
    strlcpy(me->name, b->name, sizeof(me->name));
    t->did_exec = true;
    t->dumpable = !b->secure;
    spin_unlock(&t->lock);
    // The signal a maker chose must not outlive a change of program, which may raise its rights.
    if (UNLIKELY(t->exit_event != EVENT_CHILD)) {
        spin_lock(&tree_lock);
        t->exit_event = EVENT_CHILD;
        spin_unlock(&tree_lock);
    }
    task_set_cred(b->cred);
    handle_close_on_exec(t->handles);
    b->abi->commit(b);
    if (other) {
        inherit(&left);
        event_release(t);
    }
    arch_thread_set_call(current_arch(), b->abi->syscall);
    arch_fpu_clear(&me->arch);
    *tf = b->frame;
    task_vfork_release(t);
    if (old)
        aspace_put_user(old);
    exec_release_file(b);
}

// Everything up to the commit point.
static int build(struct exec_build *b, struct exec_chain *c, struct arg_block *envp,
                 const struct exec_request *r, u8 *head)
{
    int err = exec_resolve(b, c, r, head);
    if (!err)
        err = exec_prepare_world(b, envp);
    if (!err)
        err = exec_finish_argv(b, c);
    if (!err)
        err = exec_step(b, STEP_CREDENTIALS);
    if (!err)
        err = prepare_cred(b);
    if (!err)
        err = exec_step(b, STEP_SPACE);
    if (!err)
        err = aspace_create(&b->as);
    if (!err)
        err = exec_step(b, STEP_LOAD);
    if (!err)
        err = b->abi->load(b);
    if (err)
        return err;
    err = exec_step(b, STEP_LOADED);
    if (!err)
        err = exec_step(b, STEP_THREADS);
    if (!err)
        err = task_single_out();
    if (err && b->abi->abandon)
        b->abi->abandon(b);
    return err;
}

int exec_run(const struct exec_request *r, struct trapframe *tf)
{
    struct exec_build *b = kzalloc(sizeof(*b), 0);
    struct exec_chain *c = kzalloc(sizeof(*c), 0);
    struct arg_block envp = {0};
    u8 *head = page_alloc(0);
    int err = -E_NOMEM;
    if (!b || !c || !head) {
        object_put(r->file);
        goto out;
    }
    b->file = r->file;
    b->filename = r->filename;
    b->argv = r->argv;
    b->envp = r->envp;
    b->rebuild = r->rebuild;
    b->head = head;
    set_name(b);
    err = build(b, c, &envp, r, head);
    if (err)
        drop(b);
    else
        commit(b, tf);
    exec_chain_free(c);
    arg_block_free(&envp);
out:
    if (head)
        page_free(head);
    kfree(c);
    kfree(b);
    return err;
}

int exec_kernel(const char *path, const struct exec_first *how, const char *const *argv,
                const char *const *envp)
{
    struct arg_block args, env;
    struct exec_request r = {
        .filename = path, .argv = &args, .envp = &env, .abi = how ? how->abi : NULL};
    struct attr attr;
    arg_block_init(&args, 1ul << 20);
    arg_block_init(&env, 1ul << 20);
    int err = 0;
    for (usize i = 0; !err && argv[i]; i++)
        err = arg_push(&args, argv[i]);
    for (usize i = 0; !err && envp[i]; i++)
        err = arg_push(&env, envp[i]);
    if (!err)
        err = exec_open(path, &r.file, &attr);
    if (!err)
        err = exec_run(&r, arch_user_frame(&current()->arch));
    arg_block_free(&args);
    arg_block_free(&env);
    if (err)
        return err;
    if (how) {
        inherit(&how->signals);
        how->started();
    }
    arch_enter_user();
}
