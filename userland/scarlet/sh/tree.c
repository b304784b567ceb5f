// Walking the tree: lists, conditions, loops, and what follows each command (set -e, traps).
#include "exec.h"

static int conditions; // set -e does not count in these

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

// A status that is looked at does not end the shell under set -e.
static int run_condition(struct node *n, struct io *io)
{
    conditions++;
    int s = run_tree(n, io);
    conditions--;
    return s;
}

static int run_compound(struct node *n, struct io *io)
{
    int s = 0;
    switch (n->kind) {
    case N_GROUP:
        return n->left ? run_tree(n->left, io) : 0;
    case N_IF:
        s = run_condition(n->left, io);
        if (returning || breaking || continuing)
            return s;
        return s == 0 ? run_tree(n->right, io) : n->other ? run_tree(n->other, io) : 0;
    case N_WHILE:
    case N_UNTIL:
        while ((run_condition(n->left, io) == 0) == (n->kind == N_WHILE) && !returning) {
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
    struct opened opened = {0};
    int s;
    struct io mine;
    switch (n->kind) {
    case N_COMMAND:
        return run_simple(n, io);
    case N_PIPE:
        return job_wait(start_pipe(n, io));
    case N_AND:
        s = run_condition(n->left, io);
        return s == 0 && !returning && !breaking && !continuing ? run_tree(n->right, io) : s;
    case N_OR:
        s = run_condition(n->left, io);
        return s != 0 && !returning && !breaking && !continuing ? run_tree(n->right, io) : s;
    case N_SEQUENCE:
        s = run_tree(n->left, io);
        return returning || breaking || continuing ? s : run_tree(n->right, io);
    case N_BACKGROUND:
        start_background(n->left, io);
        return 0;
    case N_NOT:
        return !run_condition(n->left, io);
    case N_FUNCTION:
        function_set(n->name, n->left);
        return 0;
    default:
        break;
    }
    if (!redirect(n->redirects, io, &mine, &opened)) {
        close_opened(&opened);
        return 1;
    }
    if (n->kind == N_SUBSHELL) {
        struct job *j = job_new("(...)");
        long t = fork_shell(0);
        if (t == 0)
            shell_exit(n->left ? run_tree(n->left, &mine) : 0);
        if (t > 0)
            job_add(j, (int)t);
        s = t > 0 ? job_wait(j) : 1;
    } else {
        const struct io *before = use_io(&mine);
        s = run_compound(n, &mine);
        (void)use_io(before);
    }
    close_opened(&opened);
    return s;
}

int run_tree(struct node *n, struct io *io)
{
    if (!n)
        return 0;
    const struct io *before = use_io(io);
    last_status = run_node(n, io);
    (void)use_io(before);
    bool counts = n->kind == N_COMMAND || n->kind == N_PIPE || n->kind == N_SUBSHELL;
    if (exit_on_error && last_status && counts && !conditions && !returning)
        shell_exit(last_status);
    if (traps_waiting() && counts)
        traps_run();
    return last_status;
}

int run_text(const char *text, struct io *io)
{
    struct node *n;
    int s = 0;
    while (*text && !returning && !breaking && !continuing) {
        int r = parse_next(&text, &n);
        if (r == 0)
            say("syntax error: unexpected end");
        if (r <= 0)
            return 2;
        s = n ? run_tree(n, io) : s;
    }
    return s;
}
