// A shell: commands, pipes, redirections (< > >>), lists (; &), groups ( ), quotes, cd, exit.
//   sh             reads lines from standard input, with a prompt
//   sh FILE        reads them from a file
//   sh -c LINE     runs one line; its last command's status becomes ours
// A name is executed as it stands, and if that cannot be, as a name in the root directory: the name
// itself or, with _sh behind it, the shell of the system of that name.
#include "ulib.h"

enum { LINE = 1024, WORDS = MAX_ARGS };

static const char *at; // what is left of the line
static bool bad;       // the line was not understood

static void complain(const char *what)
{
    if (!bad)
        fprintf(2, "sh: %s\n", what);
    bad = true;
}

static char peek(void)
{
    while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
        at++;
    return *at == '#' ? 0 : *at;
}

static bool special(char c)
{
    return !c || strchr(" \t\r\n;&|<>()", c);
}

// The next word, quotes removed, on the heap. NULL: there is none.
static char *word(void)
{
    if (special(peek()) || bad)
        return NULL;
    const char *end = at;
    for (char quote = 0; *end && (quote || !special(*end)); end++)
        if (!quote && (*end == '\'' || *end == '"'))
            quote = *end;
        else if (*end == quote)
            quote = 0;
    char *text = malloc((size_t)(end - at) + 1), *p = text, quote = 0;
    if (!text) {
        complain("out of memory");
        return NULL;
    }
    for (; at < end; at++)
        if (!quote && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (*at == quote && quote)
            quote = 0;
        else
            *p++ = *at;
    *p = 0;
    if (quote)
        complain("a quote is not closed");
    return text;
}

struct redirection {
    int fd, mode;
    char *file;
};

struct command {
    char *argv[WORDS + 1];
    int argc;
    struct redirection to[8];
    int redirections;
    struct list *group; // of a ( )
};
struct pipeline {
    struct command *commands[16];
    int count;
    bool background;
    struct pipeline *next;
};
struct list {
    struct pipeline *first;
};

static void *fresh(size_t n)
{
    void *p = malloc(n);
    if (!p) {
        fprintf(2, "sh: out of memory\n");
        exit(1);
    }
    return memset(p, 0, n);
}

static struct list *parse_list(void);

static bool parse_redirection(struct command *c)
{
    char op = peek();
    if (op != '<' && op != '>')
        return false;
    at++;
    int mode = O_RDONLY;
    if (op == '>') {
        mode = O_WRONLY | O_CREATE | O_TRUNC;
        if (*at == '>') {
            at++;
            mode = O_WRONLY | O_CREATE;
        }
    }
    char *file = word();
    if (!file || c->redirections == 8)
        complain("a redirection needs a file");
    else
        c->to[c->redirections++] = (struct redirection){op == '>', mode, file};
    return true;
}

static struct command *parse_command(void)
{
    struct command *c = fresh(sizeof(*c));
    if (peek() == '(') {
        at++;
        c->group = parse_list();
        if (peek() != ')')
            complain("a parenthesis is not closed");
        else
            at++;
    }
    for (;;) {
        if (bad || parse_redirection(c)) {
            if (bad)
                break;
            continue;
        }
        if (special(peek()) || c->group)
            break;
        if (c->argc == WORDS) {
            complain("too many words");
            break;
        }
        char *w = word();
        if (w)
            c->argv[c->argc++] = w;
    }
    if (!bad && !c->group && !c->argc && !c->redirections)
        complain("a command is missing");
    return c;
}

static struct pipeline *parse_pipeline(void)
{
    struct pipeline *p = fresh(sizeof(*p));
    for (;;) {
        if (p->count == 16) {
            complain("the pipe is too long");
            break;
        }
        p->commands[p->count++] = parse_command();
        if (bad || peek() != '|')
            break;
        at++;
    }
    return p;
}

static struct list *parse_list(void)
{
    struct list *l = fresh(sizeof(*l));
    struct pipeline **end = &l->first;
    while (!bad && peek() && peek() != ')') {
        *end = parse_pipeline();
        if (peek() == '&')
            (*end)->background = true;
        end = &(*end)->next;
        if (peek() != ';' && peek() != '&')
            break;
        at++;
    }
    return l;
}

// --- running ---
static int status;

static int run_list(struct list *l);

// >> starts at the end: xv6 has no call for that, so what is there is read.
static void to_end(int fd, const char *file)
{
    char buf[512];
    int old = open(file, O_RDWR);
    (void)fd;
    if (old < 0)
        return;
    while (read(old, buf, sizeof(buf)) > 0)
        ;
    close(fd);
    dup(old); // the lowest free one: fd
    close(old);
}

static void redirect(const struct redirection *r)
{
    close(r->fd);
    if (open(r->file, r->mode) != r->fd) {
        fprintf(2, "sh: cannot open %s\n", r->file);
        exit(1);
    }
    if (r->mode == (O_WRONLY | O_CREATE))
        to_end(r->fd, r->file);
}

[[noreturn]] static void run_command(struct command *c)
{
    for (int i = 0; i < c->redirections; i++)
        redirect(&c->to[i]);
    if (c->group)
        exit(run_list(c->group));
    if (!c->argc)
        exit(0);
    exec(c->argv[0], c->argv);
    if (!strchr(c->argv[0], '/')) {
        size_t n = strlen(c->argv[0]);
        char *path = fresh(n + 5);
        path[0] = '/';
        strcpy(path + 1, c->argv[0]);
        exec(path, c->argv);
        strcpy(path + 1 + n, "_sh");
        exec(path, c->argv);
    }
    fprintf(2, "sh: cannot run %s\n", c->argv[0]);
    exit(127);
}

static int new_process(void)
{
    int pid = fork();
    if (pid < 0)
        fprintf(2, "sh: cannot fork\n");
    return pid;
}

// Starts all commands of a pipe; returns the last one's number, or -1.
static int start_pipeline(struct pipeline *p, int *started)
{
    int in = -1, last = -1;
    for (int i = 0; i < p->count; i++) {
        int fds[2] = {-1, -1};
        if (i + 1 < p->count && pipe(fds) < 0) {
            fprintf(2, "sh: cannot make a pipe\n");
            last = -1;
            break;
        }
        last = new_process();
        if (last == 0) {
            if (in >= 0) {
                close(0);
                dup(in);
                close(in);
            }
            if (fds[1] >= 0) {
                close(1);
                dup(fds[1]);
                close(fds[0]);
                close(fds[1]);
            }
            run_command(p->commands[i]);
        }
        if (in >= 0)
            close(in);
        if (fds[1] >= 0)
            close(fds[1]);
        in = fds[0];
        if (last < 0)
            break;
        ++*started;
    }
    if (in >= 0)
        close(in);
    return last;
}

// What must change the shell itself. True: it was such a command.
static bool builtin(struct pipeline *p)
{
    struct command *c = p->commands[0];
    if (p->count != 1 || p->background || c->group || !c->argc)
        return false;
    if (strcmp(c->argv[0], "exit") == 0)
        exit(c->argc > 1 ? atoi(c->argv[1]) : status);
    if (strcmp(c->argv[0], "cd") != 0)
        return false;
    const char *to = c->argc > 1 ? c->argv[1] : "/";
    status = chdir(to) < 0;
    if (status)
        fprintf(2, "sh: cannot change to %s\n", to);
    return true;
}

static void run_background(struct pipeline *p)
{
    if (new_process() == 0) { // a process of its own, so that its end is init's to see
        int started = 0;
        (void)start_pipeline(p, &started);
        while (wait(NULL) >= 0)
            ;
        exit(0);
    }
}

static int run_list(struct list *l)
{
    for (struct pipeline *p = l->first; p; p = p->next) {
        if (builtin(p))
            continue;
        if (p->background) {
            run_background(p);
            continue;
        }
        int started = 0, pid, st, last = start_pipeline(p, &started);
        status = 1;
        while (started && (pid = wait(&st)) >= 0) {
            if (pid == last)
                status = st;
            // A background process that ends meanwhile is not one of those waited for; there is no
            // way to tell but the last one's number.
            if (--started == 0 && last > 0 && pid != last)
                started = 1;
        }
    }
    return status;
}

static void run_line(const char *line)
{
    at = line;
    bad = false;
    struct list *l = parse_list();
    if (!bad && peek())
        complain("not understood");
    if (bad)
        status = 2;
    else
        run_list(l);
}

int main(int argc, char **argv)
{
    static char line[LINE];
    if (argc == 3 && strcmp(argv[1], "-c") == 0) {
        run_line(argv[2]);
        return status;
    }
    bool prompt = argc < 2;
    if (!prompt) {
        close(0);
        if (open(argv[1], O_RDONLY) != 0) {
            fprintf(2, "sh: cannot open %s\n", argv[1]);
            return 127;
        }
    }
    for (;;) {
        if (prompt)
            fprintf(2, "$ ");
        if (get_line(0, line, LINE) < 0)
            return status;
        run_line(line);
    }
}
