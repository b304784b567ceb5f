// sh [-eufxC] [-c text [name args] | file args]: the native shell. Without a file it reads from
// standard input; from a terminal with editing.
#include "sh.h"

static struct io standard = {{0, 1, 2, -1, -1, -1, -1, -1, -1, -1}};

[[noreturn]] static void run_script(const char *text)
{
    int s = run_text(text, &standard);
    jobs_reap(false);
    shell_exit(s);
}

// Standard input that is no terminal: complete commands are run as they come, a byte at a time, so
// that they can read from it themselves.
[[noreturn]] static void run_stream(void)
{
    struct text t = {0};
    char c;
    long r;
    while ((r = scarlet_call_read(0, &c, 1)) == 1) {
        text_char(&t, c);
        if (c != '\n')
            continue;
        struct node *n;
        const char *next = t.s;
        int parsed = parse_next(&next, &n);
        if (parsed == 0)
            continue;
        if (parsed > 0 && n)
            (void)run_tree(n, &standard);
        else if (parsed < 0)
            last_status = 2;
        breaking = continuing = 0;
        returning = false;
        text_clear(&t);
        jobs_reap(false);
    }
    if (t.len)
        run_script(t.s);
    shell_exit(last_status);
}

// PS1, in which \\w stands for the working directory, \\W for its last name, \\u for the user and
// \\$ for # or $.
static void prompt_of(struct text *t)
{
    static char here[4096];
    struct scarlet_identity id = {0};
    (void)scarlet_call_identity_get(&id);
    text_clear(t);
    const char *home = var_get("HOME"), *form = var_get("PS1");
    if (scarlet_call_get_directory(here, sizeof(here)) <= 0)
        here[0] = 0;
    usize n = home ? strlen(home) : 0;
    bool below_home = n > 1 && strncmp(here, home, n) == 0 && (here[n] == '/' || !here[n]);
    for (form = form ? form : "\\w scarlet\\$ "; *form; form++) {
        if (*form != '\\' || !form[1]) {
            text_char(t, *form);
            continue;
        }
        switch (*++form) {
        case 'w':
            text_format(t, "%s%s", below_home ? "~" : "", here + (below_home ? n : 0));
            break;
        case 'W':
            text_put(t, here[0] && here[1] ? base_name(here) : here);
            break;
        case 'u':
            text_put(t, var_get("USER") ? var_get("USER") : "");
            break;
        case '$':
            text_char(t, id.effective_user == 0 ? '#' : '$');
            break;
        default:
            text_char(t, *form);
        }
    }
}

[[noreturn]] static void run_terminal(void)
{
    struct text all = {0}, prompt = {0};
    interactive = true;
    jobs_init();
    history_load();
    for (;;) {
        char *line;
        jobs_reap(true);
        if (all.len)
            text_clear(&prompt), text_put(&prompt, var_get("PS2") ? var_get("PS2") : "> ");
        else
            prompt_of(&prompt);
        line = edit_line(prompt.s);
        if (!line)
            break;
        if (edit_given_up) { // with the lines it was to continue
            release(line);
            text_clear(&all);
            last_status = 130;
            continue;
        }
        text_format(&all, "%s\n", line);
        release(line);
        struct node *n;
        const char *next = all.s;
        int parsed = parse_next(&next, &n);
        if (parsed == 0)
            continue;
        char *entry = copy_part(all.s, all.len - 1);
        history_add(entry);
        release(entry);
        if (parsed > 0 && n)
            (void)run_tree(n, &standard);
        breaking = continuing = 0;
        returning = false;
        text_clear(&all);
        flush();
    }
    shell_exit(last_status);
}

int main(int argc, char **argv)
{
    int i = 1;
    const char *text = NULL;
    program_name = "sh";
    shell_task = (int)scarlet_call_getpid();
    char parent[24];
    format(parent, sizeof(parent), "%ld", scarlet_call_getppid());
    var_set("PPID", parent);
    for (; i < argc && (argv[i][0] == '-' || argv[i][0] == '+') && argv[i][1]; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            out("usage: sh [-eufxC] [-c text [name args] | file args]\n");
            return 0;
        }
        if (strcmp(argv[i], "-i") == 0 || strcmp(argv[i], "-l") == 0 || strcmp(argv[i], "-s") == 0)
            continue;
        char *word = copy_string(argv[i]), *c = argv[i][0] == '-' ? strchr(word, 'c') : NULL;
        if (c)
            memmove(c, c + 1, strlen(c));
        if (!shell_option(word))
            return 2;
        release(word);
        if (c && i + 1 == argc) {
            say("-c: what shall run?");
            return 2;
        }
        if (c) {
            text = argv[i + 1];
            i += 2;
            break;
        }
    }
    const char *script = !text && i < argc ? argv[i++] : NULL;
    shell_name = script ? script : text && i < argc ? argv[i++] : "sh";
    params = argv + i;
    nparams = argc > i ? argc - i : 0;
    if (!env_get("PATH"))
        env_set("PATH", "/bin:/system/scarlet/bin");
    if (text)
        run_script(text);
    if (script) {
        struct text t = {0};
        long r = read_file(script, &t);
        if (r < 0) {
            say("%s: %s", script, status_text(r));
            return 127;
        }
        run_script(t.s ? t.s : "");
    }
    struct scarlet_handle_info h;
    if (scarlet_call_query(0, &h) == 0 && h.type == SCARLET_OBJECT_TERMINAL) {
        terminal = 0;
        run_terminal();
    }
    run_stream();
}
