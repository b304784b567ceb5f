// Completion of commands and names at the cursor. What is inserted is quoted as the word is: inside
// quotes as it stands, else with backslashes.
#include "sh.h"

static void add_found(struct list_of_strings *found, const char *name, char last)
{
    struct text t = {0};
    text_format(&t, "%s%c", name, last);
    strings_add(found, t.s);
}

static void add_names(const char *dir, const char *start, struct list_of_strings *found,
                      bool commands)
{
    long h = scarlet_call_open(*dir ? dir : ".", SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY, 0);
    if (h < 0)
        return;
    struct directory *d = allocate(sizeof(*d));
    d->handle = (int)h;
    while (directory_next(d) > 0) {
        if (strncmp(d->name, start, strlen(start)) != 0 || (d->name[0] == '.' && start[0] != '.'))
            continue;
        struct scarlet_metadata m;
        char *full = join_path(dir, d->name);
        bool is_dir = scarlet_call_metadata_at(HERE, *dir ? full : d->name, 0, &m) == 0 &&
                      m.type == SCARLET_TYPE_DIRECTORY;
        release(full);
        if (!commands || !is_dir)
            add_found(found, d->name, is_dir ? '/' : ' ');
    }
    scarlet_call_close((int)h);
    release(d);
}

static void add_commands(const char *start, struct list_of_strings *found)
{
    const char *b;
    for (usize i = 0; (b = builtin_name(i)); i++)
        if (strncmp(b, start, strlen(start)) == 0)
            add_found(found, b, ' ');
    for (const char *path = var_get("PATH"); path && *path;) {
        const char *end = strchr(path, ':');
        usize n = end ? (usize)(end - path) : strlen(path);
        char *dir = copy_part(path, n);
        add_names(dir, start, found, true);
        release(dir);
        path += n + (end != NULL);
    }
}

// The word that ends at the cursor, without its quotes.
struct word {
    struct text text;
    char quote;   // that is open there, 0: none
    bool command; // it stands where a command does
};

static struct word word_before(const char *s, usize end)
{
    struct word w = {.command = true};
    text_put(&w.text, "");
    for (usize i = 0; i < end; i++) {
        char c = s[i];
        if (w.quote && c == w.quote) {
            w.quote = 0;
        } else if (!w.quote && (c == '\'' || c == '"')) {
            w.quote = c;
        } else if (c == '\\' && w.quote != '\'' && i + 1 < end) {
            text_char(&w.text, s[++i]);
        } else if (!w.quote && strchr(" \t\n;&|<>(", c)) {
            if (c == ' ' || c == '\t')
                w.command = w.command && !w.text.len;
            else
                w.command = c != '<' && c != '>';
            text_clear(&w.text);
        } else {
            text_char(&w.text, c);
        }
    }
    return w;
}

// The directory to look in: what stands in front of the last slash, with ~ for the home directory.
static char *directory_of(const char *word, const char *slash)
{
    const char *home = var_get("HOME");
    struct text t = {0};
    if (strncmp(word, "~/", 2) == 0 && home) {
        text_put(&t, home);
        word++;
    }
    text_add(&t, word, (usize)(slash - word + 1));
    return t.s;
}

static void insert_quoted(const char *s, usize n, char quote, bool whole)
{
    struct text t = {0};
    for (usize i = 0; i < n; i++) {
        bool last = whole && i + 1 == n; // the blank or slash behind the name
        if (last && quote && s[i] == ' ')
            text_char(&t, quote);
        else if (!last && (quote == '"'    ? strchr("$`\"\\", s[i]) != NULL
                           : quote == '\'' ? false
                                           : strchr(" \t'\"\\$`&|;<>()*?[#~!{}", s[i]) != NULL))
            text_char(&t, '\\');
        text_char(&t, s[i]);
    }
    if (t.len)
        edit_insert(t.s, t.len);
    text_free(&t);
}

static void show_found(const struct list_of_strings *found)
{
    struct text t = {0};
    text_put(&t, "\r\n");
    for (usize i = 0; i < found->n; i++)
        if (i == 0 || strcmp(found->v[i], found->v[i - 1]) != 0)
            text_format(&t, "%s ", found->v[i]);
    text_put(&t, "\r\n");
    (void)write_all(terminal, t.s, t.len);
    text_free(&t);
}

void complete(const char *line, usize cursor)
{
    struct word w = word_before(line, cursor);
    struct list_of_strings found = {0};
    const char *slash = strrchr(w.text.s, '/'), *start = slash ? slash + 1 : w.text.s;
    if (w.command && !slash) {
        add_commands(start, &found);
    } else {
        char *dir = slash ? directory_of(w.text.s, slash) : copy_string("");
        add_names(dir, start, &found, false);
        release(dir);
    }
    strings_sort(found.v, found.n);
    if (found.n) {
        const char *first = found.v[0];
        usize same = strlen(first), have = strlen(start);
        for (usize i = 1; i < found.n; i++) {
            usize k = 0;
            while (k < same && found.v[i][k] == first[k])
                k++;
            same = k;
        }
        if (same > have)
            insert_quoted(first + have, same - have, w.quote, same == strlen(first));
        else if (found.n > 1)
            show_found(&found);
    }
    strings_free(&found);
    text_free(&w.text);
}
