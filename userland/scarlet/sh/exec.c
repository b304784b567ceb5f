// Running the tree. Programs are spawned with exactly the handles they shall have; only what needs
// a shell of its own (subshells, parts of pipelines that are no plain programs) is a copy of this
// one.
#include "exec.h"

bool interactive, exit_on_error, no_unset, trace_commands, no_match, no_clobber;
int breaking, continuing;
bool returning;

struct function {
    struct function *next;
    char *name;
    struct node *body;
};
static struct function *functions;
static bool in_child; // a copy of the interactive shell: no job control of its own

static const struct io at_start = {{0, 1, 2, -1, -1, -1, -1, -1, -1, -1}};
static const struct io *used = &at_start;

const struct io *use_io(const struct io *io)
{
    const struct io *before = used;
    used = io;
    say_handle = io->h[2];
    return before;
}

struct node *function_find(const char *name)
{
    for (struct function *f = functions; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f->body;
    return NULL;
}

void function_set(const char *name, struct node *body)
{
    for (struct function *f = functions; f; f = f->next)
        if (strcmp(f->name, name) == 0) {
            f->body = body;
            return;
        }
    struct function *f = allocate(sizeof(*f));
    f->name = copy_string(name);
    f->body = body;
    f->next = functions;
    functions = f;
}

// --- redirections ---
static int here_handle(const char *text)
{
    int ends[2];
    usize n = strlen(text);
    if (n <= 4096 && scarlet_call_pipe(ends, SCARLET_PIPE_CLOSE_ON_EXEC) == 0) {
        (void)write_all(ends[1], text, n);
        scarlet_call_close(ends[1]);
        return ends[0];
    }
    long h = scarlet_call_memory_create("here", 0);
    if (h >= 0) {
        (void)write_all((int)h, text, n);
        (void)scarlet_call_seek((int)h, 0, SCARLET_SEEK_START);
    }
    return (int)h;
}

// Over what is there only if it is no plain file, or `over`.
static long open_to_write(const char *name, u32 flags, bool over)
{
    struct scarlet_metadata m;
    flags |= SCARLET_OPEN_WRITE;
    if (!over) {
        long h =
            scarlet_call_open(name, flags | SCARLET_OPEN_CREATE | SCARLET_OPEN_EXCLUSIVE, 0666);
        if (h != -SCARLET_EXISTS || scarlet_call_metadata_at(HERE, name, 0, &m) < 0 ||
            m.type == SCARLET_TYPE_REGULAR)
            return h;
        return scarlet_call_open(name, flags, 0);
    }
    return scarlet_call_open(name, flags | SCARLET_OPEN_CREATE | SCARLET_OPEN_TRUNCATE, 0666);
}

// Applies redirections to a copy of *from. opened: handles to close afterwards. False: an error was
// said.
bool redirect(const struct redirect *r, const struct io *from, struct io *to, struct opened *opened)
{
    *to = *from;
    for (; r; r = r->next) {
        char *word = r->kind != R_HERE ? expand_one(r->word)
                     : r->literal      ? copy_string(r->word)
                                       : expand_here(r->word);
        long h = -1;
        u32 flags = SCARLET_OPEN_CLOSE_ON_EXEC;
        if (!word)
            return false;
        switch (r->kind) {
        case R_READ:
            h = scarlet_call_open(word, flags | SCARLET_OPEN_READ, 0);
            break;
        case R_WRITE:
            h = open_to_write(word, flags, !no_clobber || r->force);
            break;
        case R_APPEND:
            h = scarlet_call_open(
                word, flags | SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_APPEND, 0666);
            break;
        case R_READ_WRITE:
            h = scarlet_call_open(
                word, flags | SCARLET_OPEN_READ | SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE, 0666);
            break;
        case R_HERE:
            h = here_handle(word);
            break;
        case R_COPY: {
            i64 n;
            if (strcmp(word, "-") == 0) {
                to->h[r->slot] = -1;
            } else if (parse_number(word, &n) && n >= 0 && n < 10 && to->h[n] >= 0) {
                to->h[r->slot] = to->h[n];
            } else {
                say("%s: %s", word, status_text(-SCARLET_BAD_HANDLE));
                release(word);
                return false;
            }
            release(word);
            continue;
        }
        }
        if (h < 0) {
            say("%s: %s", word, status_text(h));
            release(word);
            return false;
        }
        release(word);
        to->h[r->slot] = (int)h;
        opened->h = reallocate(opened->h, (usize)(opened->n + 1) * sizeof(int));
        opened->h[opened->n++] = (int)h;
    }
    return true;
}

void close_opened(struct opened *opened)
{
    for (int i = 0; i < opened->n; i++)
        scarlet_call_close(opened->h[i]);
    release(opened->h);
    *opened = (struct opened){0};
}

// --- programs ---
static void cannot_run(const char *name, long r)
{
    say("%s: %s", name,
        r == -SCARLET_NOT_FOUND && !strchr(name, '/') ? "no such command" : status_text(r));
}

// Spawns a program; the task's number, or minus a status.
static long spawn(struct list_of_strings *argv, const struct io *io, u32 flags, int group)
{
    struct scarlet_spawn_handle more[10];
    struct run r = {.argv = argv->v,
                    .set_standard = true,
                    .flags = flags,
                    .group = (u32)group,
                    .handles = more};
    for (int i = 0; i < 3; i++)
        r.standard[i] = io->h[i];
    for (int i = 3; i < 10; i++)
        if (io->h[i] >= 0)
            more[r.count++] = (struct scarlet_spawn_handle){io->h[i], i, SCARLET_SAME_RIGHTS, 0};
    long h = run_program(&r);
    if (h < 0)
        return h;
    struct scarlet_task_info info;
    long e = scarlet_call_task_info((int)h, &info);
    scarlet_call_close((int)h);
    return e < 0 ? e : info.task;
}

int call_program(struct list_of_strings *argv, struct io *io)
{
    int high[10];
    char *path = find_program(argv->v[0]);
    if (!path) {
        cannot_run(argv->v[0], -SCARLET_NOT_FOUND);
        return 127;
    }
    for (int i = 0; i < 10; i++) // out of the way of the slots first
        high[i] = io->h[i] < 0
                      ? -1
                      : (int)scarlet_call_duplicate_to(io->h[i], SCARLET_SAME_RIGHTS, 100 + i,
                                                       SCARLET_HANDLE_CLOSE_ON_EXEC);
    for (int i = 0; i < 10; i++) {
        (void)scarlet_call_close(i);
        if (high[i] >= 0)
            (void)scarlet_call_duplicate_to(high[i], SCARLET_SAME_RIGHTS, i, 0);
    }
    long r = scarlet_call_execve(path, argv->v, env, 0);
    cannot_run(argv->v[0], r);
    return r == -SCARLET_NOT_FOUND ? 127 : 126;
}

static int run_function(struct node *body, struct list_of_strings *argv, struct io *io)
{
    char **old = params;
    int n = nparams;
    params = argv->v + 1;
    nparams = (int)argv->n - 1;
    scope_enter();
    int s = run_tree(body, io);
    scope_leave();
    params = old;
    nparams = n;
    returning = false;
    return s;
}

int run_words(struct list_of_strings *argv, struct io *io, enum run_what what)
{
    struct node *f = what == RUN_ANY ? function_find(argv->v[0]) : NULL;
    builtin_fn b = f || what == RUN_PROGRAM ? NULL : builtin_find(argv->v[0]);
    if (f)
        return run_function(f, argv, io);
    if (b)
        return b(argv, io);
    long t = spawn(argv, io, interactive && !in_child ? SCARLET_SPAWN_NEW_GROUP : 0, 0);
    if (t < 0) {
        cannot_run(argv->v[0], t);
        return t == -SCARLET_NOT_FOUND ? 127 : 126;
    }
    struct job *j = job_new(argv->v[0]);
    job_add(j, (int)t);
    return job_wait(j);
}

static void show_command(const struct node *n, const struct list_of_strings *argv)
{
    struct text t = {0};
    text_put(&t, "+");
    for (usize i = 0; i < n->assigns.n; i++)
        text_format(&t, " %s", n->assigns.v[i]);
    for (usize i = 0; i < argv->n; i++)
        text_format(&t, " %s", argv->v[i]);
    text_char(&t, '\n');
    (void)write_all(say_handle, t.s, t.len);
    text_free(&t);
}

struct kept {
    char *name, *value; // value NULL: was not set
    bool exported;
};

int run_simple(struct node *n, struct io *outer)
{
    struct list_of_strings argv = {0};
    struct io io;
    struct opened opened = {0};
    int status = 0;
    if (!expand_words(&n->words, &argv)) {
        strings_free(&argv);
        return 1;
    }
    if (!redirect(n->redirects, outer, &io, &opened)) {
        close_opened(&opened);
        strings_free(&argv);
        return 1;
    }
    // NAME=value in front of a command holds for it alone.
    struct kept *kept = allocate((n->assigns.n + 1) * sizeof(*kept));
    if (argv.n == 0)
        status = last_status;
    if (argv.n == 0 && n->assigns.n)
        status = 0;
    for (usize i = 0; i < n->assigns.n; i++) {
        char *eq = strchr(n->assigns.v[i], '='),
             *name = copy_part(n->assigns.v[i], (usize)(eq - n->assigns.v[i]));
        last_status = status;
        char *value = expand_one(eq + 1);
        if (argv.n == 0 && (strchr(eq + 1, '(') ||
                            strchr(eq + 1, '`'))) // the status of a command substitution counts
            status = last_status;
        if (argv.n) {
            const char *old = var_get(name);
            kept[i] = (struct kept){name, old ? copy_string(old) : NULL, env_get(name) != NULL};
            var_set(name, value ? value : "");
            env_set(name, value ? value : "");
        } else {
            if (!value || !var_assign(name, value))
                status = 1;
            release(name);
        }
        release(value);
    }
    if (trace_commands)
        show_command(n, &argv);
    if (argv.n) {
        const struct io *before = use_io(&io);
        status = run_words(&argv, &io, RUN_ANY);
        (void)use_io(before);
        if (strcmp(argv.v[0], "exec") == 0) { // redirections stay
            *outer = io;
            release(opened.h);
            opened = (struct opened){0};
        }
        for (usize i = 0; i < n->assigns.n; i++) {
            env_set(kept[i].name, kept[i].exported ? kept[i].value : NULL);
            var_set(kept[i].name, kept[i].value);
            release(kept[i].name);
            release(kept[i].value);
        }
    }
    release(kept);
    close_opened(&opened);
    strings_free(&argv);
    return status;
}

// --- copies of the shell ---
long fork_shell(int group)
{
    flush();
    long t = scarlet_call_clone(0);
    if (t == 0) {
        bool jobs = interactive && !in_child;
        in_child = true;
        traps_forget();
        if (jobs) {
            (void)scarlet_call_group_set(0, group);
            (void)scarlet_call_event_block(0);
        }
    } else if (t > 0 && interactive && !in_child) {
        (void)scarlet_call_group_set((int)t, group);
    }
    return t;
}

static bool is_plain_program(struct node *n)
{
    if (n->kind != N_COMMAND || !n->words.n)
        return false;
    const char *w = n->words.v[0];
    for (const char *s = w; *s; s++)
        if (strchr("$`'\"\\*?[~", *s))
            return false;
    return !function_find(w) && !builtin_find(w) && !n->assigns.n;
}

// Starts one part of a pipeline. The task's number, or 0 if it could not be.
static int start_part(struct node *n, struct io *outer, struct job *j, const int *unwanted,
                      int nunwanted)
{
    bool jobs = interactive && !in_child;
    if (is_plain_program(n)) {
        struct list_of_strings argv = {0};
        struct io io;
        struct opened opened = {0};
        long t = -SCARLET_BAD_ARGUMENT;
        if (expand_words(&n->words, &argv) && argv.n &&
            redirect(n->redirects, outer, &io, &opened)) {
            if (trace_commands)
                show_command(n, &argv);
            t = spawn(&argv, &io, jobs && !j->group ? SCARLET_SPAWN_NEW_GROUP : 0,
                      jobs ? j->group : 0);
            const struct io *before = use_io(&io);
            if (t < 0)
                cannot_run(argv.v[0], t);
            (void)use_io(before);
        }
        close_opened(&opened);
        strings_free(&argv);
        if (t > 0)
            job_add(j, (int)t);
        else
            j->status = t == -SCARLET_NOT_FOUND ? 127 : 126;
        return t > 0 ? (int)t : 0;
    }
    long t = fork_shell(jobs ? j->group : 0);
    if (t == 0) {
        for (int i = 0; i < nunwanted; i++)
            if (unwanted[i] >= 0)
                scarlet_call_close(unwanted[i]);
        shell_exit(run_tree(n, outer));
    }
    if (t > 0)
        job_add(j, (int)t);
    else
        say("cannot make a task: %s", status_text(t));
    return t > 0 ? (int)t : 0;
}

static int count_parts(const struct node *n)
{
    int k = 1;
    for (; n->kind == N_PIPE; n = n->left)
        k++;
    return k;
}

// Starts all parts; the status of the last counts.
struct job *start_pipe(struct node *n, struct io *io)
{
    int count = count_parts(n), in = -1;
    struct node **parts = allocate((usize)count * sizeof(struct node *));
    for (int i = count - 1; i >= 0; i--) {
        parts[i] = i ? n->right : n;
        n = n->left;
    }
    struct job *j = job_new(parts[0]->words.n ? parts[0]->words.v[0] : "...");
    for (int i = 0; i < count; i++) {
        int ends[2] = {-1, -1};
        struct io mine = *io;
        if (i + 1 < count && scarlet_call_pipe(ends, SCARLET_PIPE_CLOSE_ON_EXEC) < 0) {
            say("cannot make a pipe");
            break;
        }
        if (in >= 0)
            mine.h[0] = in;
        if (ends[1] >= 0)
            mine.h[1] = ends[1];
        bool started = start_part(parts[i], &mine, j, ends, ends[0] >= 0 ? 1 : 0);
        if (i + 1 == count && !started)
            job_add(j, 0); // its status is set already
        if (in >= 0)
            scarlet_call_close(in);
        if (ends[1] >= 0)
            scarlet_call_close(ends[1]);
        in = ends[0];
    }
    release(parts);
    return j;
}

void start_background(struct node *n, struct io *io)
{
    struct io mine = *io;
    long nothing = -1;
    if (!interactive) {
        nothing = scarlet_call_open("/dev/null", SCARLET_OPEN_READ | SCARLET_OPEN_CLOSE_ON_EXEC, 0);
        mine.h[0] = (int)nothing;
    }
    struct job *j;
    if (n->kind == N_PIPE || is_plain_program(n)) {
        j = start_pipe(n, &mine);
    } else {
        j = job_new("...");
        (void)start_part(n, &mine, j, NULL, 0);
    }
    if (nothing >= 0)
        scarlet_call_close((int)nothing);
    if (j->ntasks)
        last_background = j->tasks[j->ntasks - 1];
    if (interactive && !in_child)
        say("[%d] %d", j->number, last_background);
}

char *capture(const char *command)
{
    int ends[2];
    struct text t = {0};
    char buf[4096];
    long n;
    if (scarlet_call_pipe(ends, SCARLET_PIPE_CLOSE_ON_EXEC) < 0)
        return copy_string("");
    long child = scarlet_call_clone(0);
    if (child == 0) {
        struct io io = *used;
        io.h[1] = ends[1];
        in_child = true;
        traps_forget();
        (void)scarlet_call_event_block(0);
        scarlet_call_close(ends[0]);
        shell_exit(run_text(command, &io));
    }
    scarlet_call_close(ends[1]);
    while (child > 0 && (n = scarlet_call_read(ends[0], buf, sizeof(buf))) > 0)
        text_add(&t, buf, (usize)n);
    scarlet_call_close(ends[0]);
    struct scarlet_task_end end = {0};
    if (child > 0 && scarlet_call_waitpid((int)child, &end, 0) > 0)
        last_status = end_code(&end);
    while (t.len && t.s[t.len - 1] == '\n')
        t.s[--t.len] = 0;
    return t.s ? t.s : copy_string("");
}
