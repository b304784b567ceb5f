// exec_run: from an opened file to a running program.
//
//   scripts -> detection -> load aside (abi->load) -> other threads end -> commit: swap space, credentials, ABI, frame.
//
// Up to `commit` an error leaves the caller as it was: everything made so far hangs on struct exec_build and is dropped.
#include "private.h"
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <object/handle.h>
#include <sync/log.h>

enum { MAX_SCRIPTS = 5 };


struct exec_names { // strings that must outlive a script's replacement
    char *interpreter;
    struct arg_block argv;
    bool replaced;
};

static int read_head(struct object *file, u8 *head, usize *len)
{
    struct iobuf buf;
    u64 pos = 0;
    iobuf_kernel(&buf, head, PAGE_SIZE);
    i64 got = file->type->read(file, &buf, &pos);
    if (got < 0)
        return (int)got;
    *len = (usize)got;
    return 0;
}

// argv becomes: interpreter, its argument if any, the script, the script's arguments.
static int script_argv(const struct script_line *s, const char *script, const struct arg_block *old, struct arg_block *out)
{
    arg_block_init(out, old->limit);
    int err = arg_push(out, s->interpreter);
    if (!err && s->has_argument)
        err = arg_push(out, s->argument);
    if (!err)
        err = arg_push(out, script);
    if (!err)
        err = arg_append(out, old, 1);
    return err;
}

// Follows "#!" lines until a program is found. On success b->file, head and argv are those of the program.
static int resolve_scripts(struct exec_build *b, u8 *head, struct exec_names *names, bool beneath_fd)
{
    const char *script = b->filename;
    for (int depth = 0;; depth++) {
        int err = exec_check_file(b->file, &b->attr);
        if (!err)
            err = read_head(b->file, head, &b->head_len);
        if (err)
            return err;
        struct script_line *s = kmalloc(sizeof(*s), 0);
        if (!s)
            return -E_NOMEM;
        int kind = script_parse(head, b->head_len, s);
        if (kind <= 0) {
            kfree(s);
            return kind < 0 ? -E_NOEXEC : 0;
        }
        struct arg_block argv = {0};
        struct object *file = NULL;
        err = depth >= MAX_SCRIPTS ? -E_LOOP : beneath_fd ? -E_NOENT : 0;
        if (!err)
            err = script_argv(s, script, b->argv, &argv);
        if (!err)
            err = exec_open(s->interpreter, &file, &b->attr);
        usize n = strlen(s->interpreter) + 1;
        char *copy = err ? NULL : kmalloc(n, 0);
        if (!err && !copy) {
            object_put(file);
            err = -E_NOMEM;
        }
        if (err) {
            arg_block_free(&argv);
            kfree(s);
            return err;
        }
        memcpy(copy, s->interpreter, n);
        kfree(s);
        object_put(b->file);
        b->file = file;
        if (names->replaced)
            arg_block_free(&names->argv);
        kfree(names->interpreter);
        names->argv = argv;
        names->replaced = true;
        names->interpreter = copy;
        b->argv = &names->argv;
        script = copy;
    }
}

static usize probe_read(void *ctx, u64 off, void *dst, usize n)
{
    struct object *file = ctx;
    struct iobuf buf;
    iobuf_kernel(&buf, dst, n);
    i64 got = file->type->read(file, &buf, &off);
    return got > 0 ? (usize)got : 0;
}

// The module with the highest score; ties go to the smaller order.
static const struct abi_module *detect(struct exec_build *b, const char *wanted)
{
    struct task *t = current_task();
    struct exec_probe p = {.head = b->head,
                           .head_len = b->head_len,
                           .size = b->attr.size,
                           .path = b->filename,
                           .caller = t->abi ? t->abi->name : NULL,
                           .machine = arch_elf_machine(),
                           .read = probe_read,
                           .ctx = b->file};
    const struct abi_module *best = NULL;
    int best_score = 0;
    SET_FOREACH (m, abi, const struct abi_module) {
        if (wanted && strcmp((*m)->name, wanted) != 0)
            continue;
        int score = (*m)->probe(&p, NULL, 0);
        if (score > best_score || (score == best_score && score > 0 && (*m)->order < best->order)) {
            best = *m;
            best_score = score;
        }
    }
    return best;
}

static void set_name(struct exec_build *b)
{
    const char *base = strrchr(b->filename, '/');
    strlcpy(b->name, base ? base + 1 : b->filename, sizeof(b->name));
}

// Set-id programs: new effective ids, unless the mount or the task forbids it.
static int prepare_cred(struct exec_build *b)
{
    const struct cred *old = current_cred();
    bool setuid = b->attr.mode & MODE_SUID, setgid = (b->attr.mode & (MODE_SGID | 010)) == (MODE_SGID | 010);
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
    // Capabilities of programs without file capabilities (capabilities(7), "Capabilities and execution of programs by root").
    bool root = c->euid == 0 || c->uid == 0;
    u64 permitted = root ? (c->cap_inheritable | c->cap_bounding) : c->cap_ambient;
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
    if (b->file)
        object_put(b->file);
}

// Nothing fails from here on. The caller holds no locks.
static void commit(struct exec_build *b, struct trapframe *tf)
{
    struct task *t = current_task();
    struct thread *me = current();
    struct aspace *old = t->aspace;
    const struct abi_module *old_abi = t->abi;
    if (old && old_abi && old_abi->task_exec)
        old_abi->task_exec(t, b->abi);
    irqflags_t f = arch_irq_save();
    me->mmu = &b->as->arch;
    arch_aspace_switch(me->mmu);
    arch_irq_restore(f);
    spin_lock(&t->lock);
    t->aspace = b->as;
    strlcpy(t->name, b->name, sizeof(t->name));
    strlcpy(me->name, b->name, sizeof(me->name));
    t->did_exec = true;
    t->dumpable = !b->secure;
    spin_unlock(&t->lock);
    task_set_cred(b->cred);
    handle_close_on_exec(t->handles);
    b->abi->commit(b);
    arch_thread_set_call(current_arch(), b->abi->syscall);
    arch_fpu_clear(&me->arch);
    *tf = b->frame;
    task_vfork_release(t);
    if (old)
        aspace_put_user(old);
    object_put(b->file);
}

int exec_run(const struct exec_request *r, struct trapframe *tf)
{
    struct exec_build *b = kzalloc(sizeof(*b), 0);
    u8 *head = page_alloc(0);
    struct exec_names names = {0};
    if (!b || !head) {
        object_put(r->file);
        kfree(b);
        if (head)
            page_free(head);
        return -E_NOMEM;
    }
    b->file = r->file;
    b->filename = r->filename;
    b->argv = r->argv;
    b->envp = r->envp;
    b->head = head;
    set_name(b);
    int err = resolve_scripts(b, head, &names, r->beneath_fd);
    if (!err && elf_summarise(head, b->head_len, b->attr.size, &b->elf) == ELF_DAMAGED) {
        klog(LOG_INFO, "exec %s: damaged ELF at offset %lu: %s", b->filename, b->elf.problem_offset, b->elf.problem);
        err = -E_NOEXEC;
    }
    if (!err) {
        b->abi = detect(b, r->abi);
        err = b->abi ? 0 : -E_NOEXEC;
    }
    if (!err)
        err = prepare_cred(b);
    if (!err)
        err = aspace_create(&b->as);
    if (!err)
        err = b->abi->load(b);
    if (!err) {
        err = task_single_out();
        if (err && b->abi->abandon)
            b->abi->abandon(b);
    }
    if (err)
        drop(b);
    else
        commit(b, tf);
    if (names.replaced)
        arg_block_free(&names.argv);
    kfree(names.interpreter);
    page_free(head);
    kfree(b);
    return err;
}

int exec_kernel(const char *path, const char *const *argv, const char *const *envp)
{
    struct arg_block args, env;
    struct exec_request r = {.filename = path, .argv = &args, .envp = &env};
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
    arch_enter_user();
}
