// From the file that was asked for to the program that runs: "#!" lines, runtimes, and the argument
// vector that tells each what it is for.
//
// Each step puts [interpreter, its arguments, the file] in place of the file's own name. Names of
// files are kept together with the place they stand for, because the program may end up in a view
// where that place is called differently.
#include "private.h"
#include <abinames/names.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <vfs/ops.h>

enum { MAX_SCRIPTS = 5, MAX_RUNTIMES = 4 };
static const char NAMES_DIR[] = "/names/"; // of generated names, in every view

struct piece {
    struct piece *next;
    bool is_place;
    struct path place;                 // counted
    struct view *view;                 // in which text names it; counted, NULL: the caller's
    const struct abi_module *view_abi; // whose view that is
    const char *called;                // of a generated name: what its program is told it is called
    char text[];
};

static void piece_free(struct piece *p)
{
    if (p->is_place)
        path_put(&p->place);
    view_put(p->view);
    kfree(p);
}

static int push(struct exec_chain *c, const char *text, usize len)
{
    struct piece *p = kzalloc(sizeof(*p) + len + 1, 0);
    if (!p)
        return -E_NOMEM;
    memcpy(p->text, text, len);
    p->next = c->argv;
    c->argv = p;
    return 0;
}

// The file that is handed on: by the name it was found under.
static int push_file(struct exec_build *b, struct exec_chain *c)
{
    int err = push(c, c->name, strlen(c->name));
    const struct path *place = object_path(b->file);
    if (err || !place)
        return err;
    struct piece *p = c->argv;
    p->is_place = true;
    p->place = *place;
    path_get(place);
    p->view = c->view;
    if (p->view)
        view_get(p->view);
    p->view_abi = c->view_abi;
    return 0;
}

// The name of the program so far is what the next step replaces: out of the list, to be freed when
// nobody needs c->name any more.
static struct piece *take_own_name(struct exec_chain *c)
{
    struct piece *p = c->argv;
    if (p)
        c->argv = p->next;
    else
        c->skip = 1;
    return p;
}

// Generated names are magic links, of their own directory or of a view's root that shows it. The
// program that `filename`, in view v (NULL: current's), speaks of if it is one; else NULL.
static const char *generated_program(struct view *v, const char *filename)
{
    const char *slash = strrchr(filename, '/');
    const char *program = abinames_program(slash ? slash + 1 : filename);
    struct path base = BASE_CWD, p;
    if (!program)
        return NULL;
    int err = v ? view_lookup(v, filename, 0, &p)
                : path_lookup(&base, (struct pathname){filename, strlen(filename)}, 0, &p);
    if (err)
        return NULL;
    bool generated = path_node(&p)->ops->follow;
    path_put(&p);
    return generated ? program : NULL;
}

// From now on `file` (consumed) is the program, called by the first piece, in view v (consumed).
static void go_on(struct exec_build *b, struct exec_chain *c, struct object *file, struct view *v,
                  const struct abi_module *abi)
{
    exec_release_file(b);
    b->file = file;
    view_put(c->view);
    c->view = v;
    c->view_abi = v ? abi : current_task()->abi;
    c->name = c->argv->text;
    c->argv->called = generated_program(v, c->name);
}

// --- scripts ---------------------------------------------------------------------------------

static int open_elsewhere(const char *name, const struct abi_module *abi, struct object **file,
                          struct attr *a, struct view **v)
{
    int err = environment_view(environment_current(), abi, v);
    if (err)
        return err;
    err = exec_open_in(*v, name, file, a);
    if (err)
        view_put(*v);
    return err;
}

// An interpreter that is nowhere, but called as a generated name is: /bin/xv6_sh is /names/xv6_sh,
// and s says so from then on.
static int open_generated(struct exec_chain *c, struct script_line *s, struct object **file,
                          struct view **v, const struct abi_module **abi)
{
    char name[sizeof(s->interpreter)];
    const char *slash = strrchr(s->interpreter, '/');
    const char *last = slash ? slash + 1 : s->interpreter;
    struct attr a;
    if (!abinames_program(last) || strlen(last) + sizeof(NAMES_DIR) > sizeof(name))
        return -E_NOENT;
    strlcpy(name, NAMES_DIR, sizeof(name));
    strlcat(name, last, sizeof(name));
    *v = c->view;
    *abi = c->view_abi;
    int err = exec_open_in(c->view, name, file, &a);
    if (err)
        return err;
    if (*v)
        view_get(*v);
    memcpy(s->interpreter, name, sizeof(name));
    return 0;
}

// An interpreter is looked for in the tree that the script belongs to, else where the script was
// named, else in the views of all ABIs, else among the generated names.
static int open_interpreter(struct exec_build *b, struct exec_chain *c, struct script_line *s,
                            struct object **file, struct view **v, const struct abi_module **abi)
{
    const char *name = s->interpreter;
    bool bound = exec_in_own_world();
    const struct path *place = object_path(b->file);
    const struct abi_module *home = place && !bound ? exec_tree_of(place) : NULL;
    struct attr a;
    int err = -E_NOENT;
    *abi = home;
    if (home)
        err = open_elsewhere(name, home, file, &a, v);
    if (err == -E_NOENT) {
        *v = c->view;
        *abi = c->view_abi;
        err = exec_open_in(c->view, name, file, &a);
        if (!err && *v)
            view_get(*v);
    }
    if (err != -E_NOENT || bound)
        return err;
    SET_FOREACH(m, abi, const struct abi_module)
    {
        if (*m == home)
            continue;
        *abi = *m;
        err = open_elsewhere(name, *m, file, &a, v);
        if (err != -E_NOENT)
            return err;
    }
    return open_generated(c, s, file, v, abi);
}

static int follow_script(struct exec_build *b, struct exec_chain *c, struct script_line *s,
                         bool unreachable)
{
    struct object *file;
    struct view *v = NULL;
    const struct abi_module *abi = NULL;
    if (c->scripts++ >= MAX_SCRIPTS)
        return -E_LOOP;
    if (unreachable)
        return -E_NOENT;
    int err = open_interpreter(b, c, s, &file, &v, &abi);
    if (err)
        return err;
    struct piece *old = take_own_name(c);
    err = push_file(b, c);
    if (!err && s->has_argument)
        err = push(c, s->argument, strlen(s->argument));
    if (!err)
        err = push(c, s->interpreter, strlen(s->interpreter));
    if (err) {
        object_put(file);
        view_put(v);
    } else {
        go_on(b, c, file, v, abi);
    }
    if (old)
        piece_free(old);
    return err;
}

// --- runtimes --------------------------------------------------------------------------------

static int remember(struct exec_chain *c, struct object *file)
{
    const struct path *p = object_path(file);
    struct node *n = p ? path_node(p) : NULL;
    if (!n)
        return -E_ACCES;
    for (u32 i = 0; i < c->runtimes; i++)
        if (c->seen[i] == n)
            return -E_LOOP;
    if (c->runtimes >= MAX_RUNTIMES)
        return -E_LOOP;
    node_get(n);
    c->seen[c->runtimes++] = n;
    return 0;
}

// Strings of a registry line or of a module, in either form.
struct delegation {
    const char *path, *abi;
    usize path_len;
    const char *args; // separated by blanks
    usize args_len;
    const char *const *list; // or one by one
    char who[64];            // for the log
};

// In order, before what is there.
static int push_arguments(struct exec_chain *c, const struct delegation *d)
{
    struct exec_chain rest = {.argv = c->argv};
    struct piece **end = &c->argv;
    const char *args = d->args;
    usize left = d->args_len, n;
    int err = 0;
    c->argv = NULL;
    for (u32 i = 0; d->list && d->list[i] && !err; i++) {
        struct exec_chain one = {0};
        err = push(&one, d->list[i], strlen(d->list[i]));
        *end = one.argv;
        end = err ? end : &one.argv->next;
    }
    while (!err && left && (n = runtime_argument(&args, &left)) != 0) {
        struct exec_chain one = {0};
        err = push(&one, args, n);
        *end = one.argv;
        end = err ? end : &one.argv->next;
        args += n;
        left -= n;
    }
    *end = rest.argv;
    return err;
}

static int open_runtime(const struct delegation *d, const char *path, struct object **file,
                        struct view **v, const struct abi_module **abi)
{
    struct attr a;
    *v = NULL;
    *abi = d->abi && *d->abi ? abi_find(d->abi, strlen(d->abi)) : NULL;
    if (d->abi && *d->abi && !*abi) {
        klog(LOG_ERR, "exec: %s names the ABI %s, which this kernel does not have", d->who, d->abi);
        return -E_NOENT;
    }
    int err = 0;
    if (!exec_in_own_world()) {
        if (*abi) {
            err = environment_view(environment_current(), *abi, v);
        } else {
            *v = environment_base(environment_current());
            view_get(*v);
        }
    }
    if (err)
        return err;
    err = exec_open_in(*v, path, file, &a);
    if (err) {
        klog(LOG_ERR, "exec: the runtime %s named by %s cannot be opened: %s", path, d->who,
             kerr_name((enum kerr) - err));
        view_put(*v);
        err = err == -E_NOMEM ? err : -E_NOENT;
    }
    return err;
}

static int delegate(struct exec_build *b, struct exec_chain *c, const struct delegation *d)
{
    struct object *file = NULL;
    struct view *v = NULL;
    const struct abi_module *abi;
    int err = remember(c, b->file);
    if (err == -E_LOOP)
        klog(LOG_ERR, "exec: %s: runtimes need each other, or more than %u of them", d->who,
             (u32)MAX_RUNTIMES);
    if (err)
        return err;
    struct piece *old = take_own_name(c);
    err = push_file(b, c);
    if (!err)
        err = push_arguments(c, d);
    if (!err)
        err = push(c, d->path, d->path_len);
    if (!err)
        err = open_runtime(d, c->argv->text, &file, &v, &abi);
    if (!err)
        go_on(b, c, file, v, abi);
    if (old)
        piece_free(old);
    if (err)
        return err;
    strlcpy(c->wanted_text, d->abi ? d->abi : "", sizeof(c->wanted_text));
    c->wanted = c->wanted_text[0] ? c->wanted_text : NULL;
    return 0;
}

static usize append_text(char *buf, usize at, usize cap, const char *s)
{
    return MIN(at + strlcpy(buf + at, s, cap - at), cap - 1);
}

// 1: somebody else runs it, and b->file is that one now; 0: nobody, or b->abi itself.
static int find_runtime(struct exec_build *b, struct exec_chain *c, const struct exec_probe *p)
{
    struct delegation d = {0};
    struct exec_runtime run;
    usize n;
    if (b->abi && b->abi->runtime_config && b->abi->runtime_config(p, &run) == 1) {
        d = (struct delegation){
            .path = run.path, .path_len = strlen(run.path), .abi = run.abi, .list = run.args};
        n = append_text(d.who, 0, sizeof(d.who), "the ABI ");
        append_text(d.who, n, sizeof(d.who), b->abi->name);
        int err = delegate(b, c, &d);
        return err ? err : 1;
    }
    if (b->abi)
        return 0;
    struct registry *r;
    const struct registry_line *l;
    int found = registry_find(b, c->name, &r, &l);
    if (found <= 0)
        return found;
    d = (struct delegation){.path = l->line.path,
                            .path_len = l->line.path_len,
                            .abi = l->line.abi,
                            .args = l->line.args,
                            .args_len = l->line.args_len};
    n = append_text(d.who, 0, sizeof(d.who), "/system/etc/runtimes, line ");
    append_text(d.who, n, sizeof(d.who), l->line.name);
    int err = delegate(b, c, &d);
    registry_done(r);
    return err ? err : 1;
}

// --- the whole way ---------------------------------------------------------------------------

// linux_grep is to hear that it is grep, linux that it is sh: programs with many names look at
// their first argument, and others look for them by their name.
static int take_generated_name(struct exec_build *b, struct exec_chain *c, const char *filename)
{
    const char *program = generated_program(NULL, filename);
    if (!program)
        return 0;
    strlcpy(b->name, program, sizeof(b->name));
    // A system's shell is opened in that system's view, also by who lives elsewhere with its ABI.
    if (!strcmp(program, "sh"))
        b->rebuild = true;
    c->skip = 1;
    return push(c, program, strlen(program));
}

// One look at b->file. 1: look again (it was replaced), 0: b->abi runs it.
static int look(struct exec_build *b, struct exec_chain *c, u8 *head, bool unreachable)
{
    struct exec_probe p;
    int err = exec_check_file(b->file, &b->attr);
    if (!err)
        err = exec_hold_file(b);
    if (!err)
        err = exec_read_head(b->file, head, &b->head_len);
    if (!err)
        err = exec_step(b, STEP_HEAD);
    if (err)
        return err;
    struct script_line *s = kmalloc(sizeof(*s), 0);
    if (!s)
        return -E_NOMEM;
    int kind = script_parse(head, b->head_len, s);
    if (kind > 0)
        err = follow_script(b, c, s, unreachable);
    kfree(s);
    if (kind)
        return kind < 0 ? -E_NOEXEC : err ? err : 1;
    if (elf_summarise(head, b->head_len, b->attr.size, &b->elf) == ELF_DAMAGED) {
        klog(LOG_INFO, "exec %s: damaged ELF at offset %lu: %s", c->name, b->elf.problem_offset,
             b->elf.problem);
        return -E_NOEXEC;
    }
    exec_probe_input(&p, b->file, head, b->head_len, b->attr.size, c->name);
    char assigned[32];
    const char *wanted = c->wanted;
    if (!wanted && exec_assigned_abi(b->file, assigned, sizeof(assigned)))
        wanted = assigned;
    b->abi = exec_detect(&p, wanted);
    if (!b->abi && wanted == assigned)
        klog(LOG_INFO, "exec %s: assigned to the ABI %s, which does not take it", c->name, wanted);
    err = exec_step(b, STEP_DETECT);
    if (!err)
        err = find_runtime(b, c, &p);
    return err ? err : b->abi ? 0 : -E_NOEXEC;
}

int exec_resolve(struct exec_build *b, struct exec_chain *c, const struct exec_request *r, u8 *head)
{
    c->name = r->filename;
    c->view_abi = current_task()->abi;
    c->wanted = r->abi;
    int err = r->beneath_fd ? 0 : take_generated_name(b, c, r->filename);
    if (err)
        return err;
    do
        err = look(b, c, head, r->beneath_fd && !c->scripts && !c->runtimes);
    while (err == 1);
    return err;
}

static bool same_root(struct view *a, struct view *b)
{
    struct path x, y;
    if (a == b)
        return true;
    view_root(a, &x);
    view_root(b, &y);
    bool same = x.mount == y.mount && x.dentry == y.dentry;
    path_put(&x);
    path_put(&y);
    return same;
}

// A file's name as the program will find it.
static int push_translated(struct exec_build *b, struct exec_chain *c, struct piece *p, char *buf)
{
    struct view *from = p->view ? p->view : current_view(),
                *to = b->view ? b->view : current_view();
    if (!p->is_place || same_root(from, to))
        return arg_push(&c->block, p->called ? p->called : p->text);
    int err = environment_translate(environment_current(), from, p->view_abi, to, b->abi, &p->place,
                                    buf, PATH_MAX_LEN);
    if (err) {
        klog(LOG_ERR, "exec: %s has no name in the view of %s", p->text, b->abi->name);
        return err;
    }
    return arg_push(&c->block, buf);
}

int exec_finish_argv(struct exec_build *b, struct exec_chain *c)
{
    int err = exec_step(b, STEP_ARGUMENTS);
    if (err || !c->argv)
        return err;
    char *buf = kmalloc(PATH_MAX_LEN, 0);
    if (!buf)
        return -E_NOMEM;
    arg_block_init(&c->block, b->argv->limit);
    c->finished = true;
    for (struct piece *p = c->argv; p && !err; p = p->next)
        err = push_translated(b, c, p, buf);
    if (!err)
        err = arg_append(&c->block, b->argv, c->skip);
    kfree(buf);
    if (!err)
        b->argv = &c->block;
    return err;
}

void exec_chain_free(struct exec_chain *c)
{
    while (c->argv) {
        struct piece *p = c->argv;
        c->argv = p->next;
        piece_free(p);
    }
    for (u32 i = 0; i < c->runtimes; i++)
        node_put(c->seen[i]);
    view_put(c->view);
    if (c->finished)
        arg_block_free(&c->block);
}
