// Commands that are part of the shell.
#include "sh.h"

void io_print(struct io *io, int slot, const char *fmt, ...)
{
    struct text t = {0};
    va_list ap;
    va_start(ap, fmt);
    usize n = format_args(NULL, 0, fmt, ap);
    va_end(ap);
    t.s = allocate(n + 1);
    va_start(ap, fmt);
    format_args(t.s, n + 1, fmt, ap);
    va_end(ap);
    if (io->h[slot] >= 0)
        (void)write_all(io->h[slot], t.s, n);
    release(t.s);
}

static int b_true(struct list_of_strings *argv, struct io *io)
{
    (void)argv;
    (void)io;
    return 0;
}
static int b_false(struct list_of_strings *argv, struct io *io)
{
    (void)argv;
    (void)io;
    return 1;
}

static int b_echo(struct list_of_strings *argv, struct io *io)
{
    struct text t = {0};
    bool newline = true;
    usize i = 1;
    if (argv->n > 1 && strcmp(argv->v[1], "-n") == 0) {
        newline = false;
        i++;
    }
    for (usize first = i; i < argv->n; i++) {
        if (i > first)
            text_char(&t, ' ');
        text_put(&t, argv->v[i]);
    }
    if (newline)
        text_char(&t, '\n');
    long r = t.len ? write_all(io->h[1], t.s, t.len) : 0;
    text_free(&t);
    if (r < 0 && r != -SCARLET_BROKEN_PIPE)
        say("echo: %s", status_text(r));
    return r < 0;
}

static int b_cd(struct list_of_strings *argv, struct io *io)
{
    const char *to = argv->n > 1 ? argv->v[1] : var_get("HOME");
    static char here[4096];
    bool back = to && strcmp(to, "-") == 0;
    if (back)
        to = var_get("OLDPWD");
    if (!to)
        to = "/";
    char *copy = copy_string(to);
    long had = scarlet_call_get_directory(here, sizeof(here));
    long r = scarlet_call_change_directory(copy);
    if (r < 0) {
        say("cd: %s: %s", copy, status_text(r));
        release(copy);
        return 1;
    }
    release(copy);
    if (had > 0)
        var_set("OLDPWD", here);
    if (scarlet_call_get_directory(here, sizeof(here)) > 0) {
        var_set("PWD", here);
        if (back)
            io_print(io, 1, "%s\n", here);
    }
    return 0;
}

static int b_pwd(struct list_of_strings *argv, struct io *io)
{
    static char here[4096];
    (void)argv;
    long r = scarlet_call_get_directory(here, sizeof(here));
    if (r < 0) {
        say("pwd: %s", status_text(r));
        return 1;
    }
    io_print(io, 1, "%s\n", here);
    return 0;
}

static int number_at(struct list_of_strings *argv, usize i, int otherwise)
{
    i64 n;
    return argv->n > i && parse_number(argv->v[i], &n) ? (int)n : otherwise;
}

static int b_exit(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    shell_exit(number_at(argv, 1, last_status) & 0xff);
}

static int b_export(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    if (argv->n == 1)
        vars_show(true);
    for (usize i = 1; i < argv->n; i++) {
        char *eq = strchr(argv->v[i], '=');
        if (eq)
            *eq = 0;
        if (!var_is_name(argv->v[i], strlen(argv->v[i]))) {
            say("%s: not a name: %s", argv->v[0], argv->v[i]);
            return 1;
        }
        if (eq && !var_assign(argv->v[i], eq + 1))
            return 1;
        if (strcmp(argv->v[0], "readonly") == 0)
            var_readonly(argv->v[i]);
        else
            var_export(argv->v[i]);
    }
    return 0;
}

static int b_unset(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    bool functions = argv->n > 1 && strcmp(argv->v[1], "-f") == 0;
    usize first = functions || (argv->n > 1 && strcmp(argv->v[1], "-v") == 0) ? 2 : 1;
    for (usize i = first; i < argv->n; i++) {
        if (functions) {
            function_set(argv->v[i], NULL);
            continue;
        }
        if (!var_assign(argv->v[i], NULL))
            return 1;
        env_set(argv->v[i], NULL);
    }
    return 0;
}

static int b_local(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    for (usize i = 1; i < argv->n; i++) {
        char *eq = strchr(argv->v[i], '=');
        if (eq)
            *eq = 0;
        scope_local(argv->v[i]);
        var_set(argv->v[i], eq ? eq + 1 : "");
    }
    return 0;
}

bool shell_option(const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        bool *o = *c == 'e'   ? &exit_on_error
                  : *c == 'u' ? &no_unset
                  : *c == 'x' ? &trace_commands
                  : *c == 'f' ? &no_match
                  : *c == 'C' ? &no_clobber
                              : NULL;
        if (!o) {
            say("%c%c: no such option", word[0], *c);
            return false;
        }
        *o = word[0] == '-';
    }
    return true;
}

// set -o name, +o name: the same options by their long names; without a name, all of them.
static int long_option(const char *sign, const char *name, struct io *io)
{
    static const struct {
        const char *name;
        char letter;
        bool *on;
    } names[] = {{"errexit", 'e', &exit_on_error},
                 {"nounset", 'u', &no_unset},
                 {"xtrace", 'x', &trace_commands},
                 {"noglob", 'f', &no_match},
                 {"noclobber", 'C', &no_clobber}};
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        if (!name)
            io_print(io, 1, "%-12s %s\n", names[i].name, *names[i].on ? "on" : "off");
        else if (strcmp(name, names[i].name) == 0)
            return *names[i].on = *sign == '-', 0;
    }
    if (name)
        say("%s: no such option", name);
    return name ? 2 : 0;
}

static int b_set(struct list_of_strings *argv, struct io *io)
{
    usize i = 1;
    if (argv->n == 1)
        vars_show(false);
    for (; i < argv->n && (argv->v[i][0] == '-' || argv->v[i][0] == '+'); i++) {
        if (strcmp(argv->v[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv->v[i] + 1, "o") == 0) {
            int s = long_option(argv->v[i], i + 1 < argv->n ? argv->v[i + 1] : NULL, io);
            if (s || ++i == argv->n)
                return s;
            continue;
        }
        if (!shell_option(argv->v[i]))
            return 2;
    }
    if (i < argv->n || (argv->n > 1 && strcmp(argv->v[argv->n - 1], "--") == 0)) {
        struct list_of_strings fresh = {0};
        for (; i < argv->n; i++)
            strings_add(&fresh, copy_string(argv->v[i]));
        params = fresh.v;
        nparams = (int)fresh.n;
    }
    return 0;
}

static int b_shift(struct list_of_strings *argv, struct io *io)
{
    int n = number_at(argv, 1, 1);
    (void)io;
    if (n < 0 || n > nparams)
        return 1;
    params += n;
    nparams -= n;
    return 0;
}

static int b_loop(struct list_of_strings *argv, struct io *io)
{
    int n = number_at(argv, 1, 1);
    (void)io;
    if (strcmp(argv->v[0], "break") == 0)
        breaking = n;
    else
        continuing = n;
    return 0;
}

static int b_return(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    returning = true;
    return number_at(argv, 1, last_status);
}

static int b_exec(struct list_of_strings *argv, struct io *io)
{
    if (argv->n == 1)
        return 0;
    struct list_of_strings rest = {argv->v + 1, argv->n - 1, argv->cap};
    jobs_end();
    shell_exit(call_program(&rest, io));
}

static int b_eval(struct list_of_strings *argv, struct io *io)
{
    struct text t = {0};
    for (usize i = 1; i < argv->n; i++)
        text_format(&t, "%s ", argv->v[i]);
    int s = t.s ? run_text(t.s, io) : 0;
    return s; // the text stays: the tree points into nothing of it, but functions may have been
              // made
}

static int b_source(struct list_of_strings *argv, struct io *io)
{
    struct text t = {0};
    long r = argv->n > 1 ? read_file(argv->v[1], &t) : -SCARLET_BAD_ARGUMENT;
    if (r < 0) {
        say("%s: %s", argv->n > 1 ? argv->v[1] : ".", status_text(r));
        return 1;
    }
    int s = run_text(t.s ? t.s : "", io);
    returning = false;
    return s;
}

static int b_umask(struct list_of_strings *argv, struct io *io)
{
    i64 n;
    if (argv->n > 1) {
        struct text t = {0};
        text_format(&t, "0%s", argv->v[1]);
        if (!parse_number(t.s, &n))
            return 1;
        (void)scarlet_call_umask((u32)n);
        text_free(&t);
        return 0;
    }
    u32 old = (u32)scarlet_call_umask(0);
    (void)scarlet_call_umask(old);
    io_print(io, 1, "%04o\n", old);
    return 0;
}

static int b_type(struct list_of_strings *argv, struct io *io)
{
    int s = 0;
    for (usize i = 1; i < argv->n; i++) {
        char *path;
        if (function_find(argv->v[i]))
            io_print(io, 1, "%s is a function\n", argv->v[i]);
        else if (builtin_find(argv->v[i]))
            io_print(io, 1, "%s is a shell builtin\n", argv->v[i]);
        else if ((path = find_program(argv->v[i])))
            io_print(io, 1, "%s is %s\n", argv->v[i], path);
        else {
            say("%s: not found", argv->v[i]);
            s = 1;
        }
    }
    return s;
}

// command [-v] name: without functions; -v says what would be run.
static int b_command(struct list_of_strings *argv, struct io *io)
{
    if (argv->n > 2 && strcmp(argv->v[1], "-v") == 0) {
        char *path = NULL;
        if (function_find(argv->v[2]) || builtin_find(argv->v[2]))
            io_print(io, 1, "%s\n", argv->v[2]);
        else if ((path = find_program(argv->v[2])))
            io_print(io, 1, "%s\n", path);
        else
            return 1;
        release(path);
        return 0;
    }
    struct list_of_strings rest = {argv->v + 1, argv->n - 1, argv->cap};
    return rest.n ? run_words(&rest, io, RUN_NO_FUNCTION) : 0;
}

// kill with %job; the rest is the program's business.
static int b_kill(struct list_of_strings *argv, struct io *io)
{
    struct list_of_strings plain = {0};
    bool marked = false;
    for (usize i = 0; i < argv->n; i++) {
        int group = argv->v[i][0] == '%' ? job_group(argv->v[i]) : 0;
        if (argv->v[i][0] == '%' && !group) {
            say("kill: %s: no such job", argv->v[i]);
            strings_free(&plain);
            return 1;
        }
        char number[24];
        format(number, sizeof(number), "-%d", group);
        if (group && !marked) {
            strings_add(&plain, copy_string("--"));
            marked = true;
        }
        strings_add(&plain, copy_string(group ? number : argv->v[i]));
    }
    int s = run_words(&plain, io, RUN_PROGRAM);
    strings_free(&plain);
    return s;
}

static int b_history(struct list_of_strings *argv, struct io *io)
{
    (void)argv;
    history_show(io);
    return 0;
}

static const struct {
    const char *name;
    builtin_fn fn;
} table[] = {
    {":", b_true},
    {"true", b_true},
    {"false", b_false},
    {"echo", b_echo},
    {"cd", b_cd},
    {"pwd", b_pwd},
    {"exit", b_exit},
    {"export", b_export},
    {"unset", b_unset},
    {"local", b_local},
    {"set", b_set},
    {"shift", b_shift},
    {"break", b_loop},
    {"continue", b_loop},
    {"return", b_return},
    {"exec", b_exec},
    {"eval", b_eval},
    {".", b_source},
    {"source", b_source},
    {"read", read_builtin},
    {"umask", b_umask},
    {"type", b_type},
    {"test", test_builtin},
    {"[", test_builtin},
    {"jobs", jobs_builtin},
    {"fg", jobs_builtin},
    {"bg", jobs_builtin},
    {"wait", jobs_builtin},
    {"history", b_history},
    {"readonly", b_export},
    {"command", b_command},
    {"trap", trap_builtin},
    {"printf", printf_builtin},
    {"getopts", getopts_builtin},
    {"kill", b_kill},
    {"ulimit", limit_builtin},
};

builtin_fn builtin_find(const char *name)
{
    for (usize i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(name, table[i].name) == 0)
            return table[i].fn;
    return NULL;
}

const char *builtin_name(usize i)
{
    return i < ARRAY_LEN(table) ? table[i].name : NULL;
}
