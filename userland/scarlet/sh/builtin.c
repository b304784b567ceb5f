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
    jobs_end();
    leave(number_at(argv, 1, last_status) & 0xff);
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
            say("export: not a name: %s", argv->v[i]);
            return 1;
        }
        if (eq)
            var_set(argv->v[i], eq + 1);
        var_export(argv->v[i]);
    }
    return 0;
}

static int b_unset(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    for (usize i = 1; i < argv->n; i++) {
        var_set(argv->v[i], NULL);
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

static int b_set(struct list_of_strings *argv, struct io *io)
{
    usize i = 1;
    (void)io;
    if (argv->n == 1)
        vars_show(false);
    for (; i < argv->n && (argv->v[i][0] == '-' || argv->v[i][0] == '+'); i++) {
        if (strcmp(argv->v[i], "--") == 0) {
            i++;
            break;
        }
        for (const char *c = argv->v[i] + 1; *c; c++)
            if (*c == 'e')
                exit_on_error = argv->v[i][0] == '-';
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
    int s = call_program(&rest, io);
    leave(s);
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

// One byte at a time, so that what follows stays for whoever reads next.
static int b_read(struct list_of_strings *argv, struct io *io)
{
    struct text t = {0};
    bool raw = false, got = false;
    usize i = 1;
    char c;
    if (argv->n > 1 && strcmp(argv->v[1], "-r") == 0) {
        raw = true;
        i++;
    }
    text_add(&t, "", 0);
    while (scarlet_call_read(io->h[0], &c, 1) == 1) {
        got = true;
        if (c == '\\' && !raw) {
            if (scarlet_call_read(io->h[0], &c, 1) != 1)
                break;
            if (c == '\n')
                continue;
        } else if (c == '\n') {
            break;
        }
        text_char(&t, c);
        got = true;
        c = 0;
    }
    char *s = t.s;
    for (; i < argv->n; i++) {
        while (*s == ' ' || *s == '\t')
            s++;
        char *end = s;
        if (i + 1 < argv->n) {
            while (*end && *end != ' ' && *end != '\t')
                end++;
        } else {
            end = s + strlen(s);
            while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        }
        char *value = copy_part(s, (usize)(end - s));
        var_set(argv->v[i], value);
        release(value);
        s = *end ? end + (i + 1 < argv->n) : end;
    }
    text_free(&t);
    return !got;
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
            io_print(io, 1, "%s is part of the shell\n", argv->v[i]);
        else if ((path = find_program(argv->v[i])))
            io_print(io, 1, "%s is %s\n", argv->v[i], path);
        else {
            say("%s: not found", argv->v[i]);
            s = 1;
        }
    }
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
    {":", b_true},          {"true", b_true},     {"false", b_false},     {"echo", b_echo},
    {"cd", b_cd},           {"pwd", b_pwd},       {"exit", b_exit},       {"export", b_export},
    {"unset", b_unset},     {"local", b_local},   {"set", b_set},         {"shift", b_shift},
    {"break", b_loop},      {"continue", b_loop}, {"return", b_return},   {"exec", b_exec},
    {"eval", b_eval},       {".", b_source},      {"source", b_source},   {"read", b_read},
    {"umask", b_umask},     {"type", b_type},     {"test", test_builtin}, {"[", test_builtin},
    {"jobs", jobs_builtin}, {"fg", jobs_builtin}, {"bg", jobs_builtin},   {"wait", jobs_builtin},
    {"history", b_history},
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
