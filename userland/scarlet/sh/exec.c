// Running the tree. Programs are spawned with exactly the handles they shall have; only what needs
// a shell of its own (subshells, parts of pipelines that are no plain programs) is a copy of this
// one.
#include "sh.h"

bool interactive, exit_on_error;
int breaking, continuing;
bool returning;

struct function {
    struct function *next;
    char *name;
    struct node *body;
};
static struct function *functions;
static bool in_child; // a copy of the interactive shell: no job control of its own

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

// Applies redirections to a copy of *from. opened: handles to close afterwards. False: an error was
// said.
static bool redirect(const struct redirect *r, const struct io *from, struct io *to, int *opened,
                     int *nopened)
{
    *to = *from;
    *nopened = 0;
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
            h = scarlet_call_open(
                word, flags | SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_TRUNCATE,
                0666);
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
        if (*nopened < 16)
            opened[(*nopened)++] = (int)h;
    }
    return true;
}

static void close_opened(const int *opened, int n)
{
    for (int i = 0; i < n; i++)
        scarlet_call_close(opened[i]);
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

struct kept {
    char *name, *value; // value NULL: was not set
    bool exported;
};

static int run_simple(struct node *n, struct io *outer)
{
    struct list_of_strings argv = {0};
    struct io io;
    int opened[16], nopened, status = 0;
    if (!expand_words(&n->words, &argv)) {
        strings_free(&argv);
        return 1;
    }
    if (!redirect(n->redirects, outer, &io, opened, &nopened)) {
        close_opened(opened, nopened);
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
        if (argv.n == 0 && strchr(eq + 1, '(')) // the status of a command substitution counts
            status = last_status;
        if (argv.n) {
            const char *old = var_get(name);
            kept[i] = (struct kept){name, old ? copy_string(old) : NULL, env_get(name) != NULL};
            var_set(name, value ? value : "");
            env_set(name, value ? value : "");
        } else {
            var_set(name, value ? value : "");
            release(name);
        }
        release(value);
    }
    if (argv.n) {
        struct node *f = function_find(argv.v[0]);
        builtin_fn b = f ? NULL : builtin_find(argv.v[0]);
        if (f) {
            status = run_function(f, &argv, &io);
        } else if (b) {
            if (strcmp(argv.v[0], "exec") == 0) {
                *outer = io; // redirections stay
                nopened = 0;
            }
            status = b(&argv, &io);
        } else {
            bool jobs = interactive && !in_child;
            long t = spawn(&argv, &io, jobs ? SCARLET_SPAWN_NEW_GROUP : 0, 0);
            if (t < 0) {
                cannot_run(argv.v[0], t);
                status = t == -SCARLET_NOT_FOUND ? 127 : 126;
            } else {
                struct job *j = job_new(argv.v[0]);
                job_add(j, (int)t);
                status = job_wait(j);
            }
        }
        for (usize i = 0; i < n->assigns.n; i++) {
            env_set(kept[i].name, kept[i].exported ? kept[i].value : NULL);
            var_set(kept[i].name, kept[i].value);
            release(kept[i].name);
            release(kept[i].value);
        }
    }
    release(kept);
    close_opened(opened, nopened);
    strings_free(&argv);
    return status;
}

// --- copies of the shell ---
static long fork_shell(int group)
{
    flush();
    long t = scarlet_call_clone(0);
    if (t == 0) {
        bool jobs = interactive && !in_child;
        in_child = true;
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
        int opened[16], nopened = 0;
        long t = -SCARLET_BAD_ARGUMENT;
        if (expand_words(&n->words, &argv) && argv.n &&
            redirect(n->redirects, outer, &io, opened, &nopened)) {
            t = spawn(&argv, &io, jobs && !j->group ? SCARLET_SPAWN_NEW_GROUP : 0,
                      jobs ? j->group : 0);
            if (t < 0)
                cannot_run(argv.v[0], t);
        }
        close_opened(opened, nopened);
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
        leave(run_tree(n, outer));
    }
    if (t > 0)
        job_add(j, (int)t);
    else
        say("cannot make a task: %s", status_text(t));
    return t > 0 ? (int)t : 0;
}

static int flatten(struct node *n, struct node **parts, int max)
{
    int k = 0;
    if (n->kind == N_PIPE) {
        k = flatten(n->left, parts, max);
        parts[k < max ? k : max - 1] = n->right;
        return k < max ? k + 1 : max;
    }
    parts[0] = n;
    return 1;
}

// Starts all parts; the status of the last counts.
static struct job *start_pipe(struct node *n, struct io *io)
{
    struct node *parts[32];
    int count = flatten(n, parts, 32), in = -1;
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
            j->tasks[j->ntasks < 32 ? j->ntasks : 31] = 0; // its status is set already
        if (in >= 0)
            scarlet_call_close(in);
        if (ends[1] >= 0)
            scarlet_call_close(ends[1]);
        in = ends[0];
    }
    return j;
}

static void start_background(struct node *n, struct io *io)
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
        struct io io = {{0, ends[1], 2, -1, -1, -1, -1, -1, -1, -1}};
        in_child = true;
        (void)scarlet_call_event_block(0);
        scarlet_call_close(ends[0]);
        leave(run_text(command, &io));
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

// --- compound commands ---
static bool leaving_loop(void)
{
    if (returning)
        return true;
    if (breaking) {
        breaking--;
        return true;
    }
    if (continuing > 1) {
        continuing--;
        return true;
    }
    continuing = 0;
    return false;
}

static int run_for(struct node *n, struct io *io)
{
    struct list_of_strings values = {0};
    int s = 0;
    if (n->has_list && !expand_words(&n->words, &values))
        return 1;
    for (int i = 0; !n->has_list && i < nparams; i++)
        strings_add(&values, copy_string(params[i]));
    for (usize i = 0; i < values.n; i++) {
        var_set(n->name, values.v[i]);
        s = run_tree(n->left, io);
        if (leaving_loop())
            break;
    }
    strings_free(&values);
    return s;
}

static int run_case(struct node *n, struct io *io)
{
    char *word = expand_one(n->name);
    int s = 0;
    for (struct case_item *c = n->cases; c && word; c = c->next)
        for (usize i = 0; i < c->patterns.n; i++) {
            char *p = expand_pattern(c->patterns.v[i]);
            bool hit = p && match_pattern(p, word);
            release(p);
            if (hit) {
                s = c->body ? run_tree(c->body, io) : 0;
                release(word);
                return s;
            }
        }
    release(word);
    return s;
}

static int run_compound(struct node *n, struct io *io)
{
    int s = 0;
    switch (n->kind) {
    case N_GROUP:
        return n->left ? run_tree(n->left, io) : 0;
    case N_IF:
        s = run_tree(n->left, io);
        if (returning || breaking || continuing)
            return s;
        return s == 0 ? run_tree(n->right, io) : n->other ? run_tree(n->other, io) : 0;
    case N_WHILE:
    case N_UNTIL:
        while ((run_tree(n->left, io) == 0) == (n->kind == N_WHILE) && !returning) {
            s = run_tree(n->right, io);
            if (leaving_loop())
                break;
        }
        return s;
    case N_FOR:
        return run_for(n, io);
    default:
        return run_case(n, io);
    }
}

static int run_node(struct node *n, struct io *io)
{
    int opened[16], nopened, s;
    struct io mine;
    switch (n->kind) {
    case N_COMMAND:
        return run_simple(n, io);
    case N_PIPE:
        return job_wait(start_pipe(n, io));
    case N_AND:
        s = run_tree(n->left, io);
        return s == 0 && !returning && !breaking && !continuing ? run_tree(n->right, io) : s;
    case N_OR:
        s = run_tree(n->left, io);
        return s != 0 && !returning && !breaking && !continuing ? run_tree(n->right, io) : s;
    case N_SEQUENCE:
        s = run_tree(n->left, io);
        return returning || breaking || continuing ? s : run_tree(n->right, io);
    case N_BACKGROUND:
        start_background(n->left, io);
        return 0;
    case N_NOT:
        return !run_tree(n->left, io);
    case N_FUNCTION:
        function_set(n->name, n->left);
        return 0;
    default:
        break;
    }
    if (!redirect(n->redirects, io, &mine, opened, &nopened)) {
        close_opened(opened, nopened);
        return 1;
    }
    if (n->kind == N_SUBSHELL) {
        struct job *j = job_new("(...)");
        long t = fork_shell(0);
        if (t == 0)
            leave(n->left ? run_tree(n->left, &mine) : 0);
        if (t > 0)
            job_add(j, (int)t);
        s = t > 0 ? job_wait(j) : 1;
    } else {
        s = run_compound(n, &mine);
    }
    close_opened(opened, nopened);
    return s;
}

int run_tree(struct node *n, struct io *io)
{
    if (!n)
        return 0;
    last_status = run_node(n, io);
    if (exit_on_error && last_status && n->kind == N_COMMAND)
        leave(last_status);
    return last_status;
}

int run_text(const char *text, struct io *io)
{
    struct node *n;
    int r = parse_text(text, &n);
    if (r == 0)
        say("syntax error: unexpected end");
    return r > 0 ? n ? run_tree(n, io) : last_status : 2;
}
