// Grammar of the POSIX shell, by descent. Words stay raw (quotes and all); expansion reads them
// again.
#include "sh.h"

static const char *at;
static int trouble;                   // 0 fine, 1 more needed, -1 error
static struct redirect *waiting_here; // here-documents whose text follows the line

static void fail(const char *what)
{
    if (!trouble) {
        trouble = -1;
        say("syntax error: %s", what);
    }
}
static void need_more(void)
{
    if (!trouble)
        trouble = 1;
}

// --- words ---
// Behind a quoted or substituted part that begins at s; NULL: it has no end.
const char *skip_part(const char *s);

static const char *skip_parens(const char *s) // s behind the opening one
{
    for (int depth = 1; *s;) {
        if (*s == '(') {
            depth++;
            s++;
        } else if (*s == ')') {
            s++;
            if (--depth == 0)
                return s;
        } else {
            s = skip_part(s);
            if (!s)
                return NULL;
        }
    }
    return NULL;
}

const char *skip_part(const char *s)
{
    switch (*s) {
    case '\\':
        return s[1] ? s + 2 : NULL;
    case '\'':
        s = strchr(s + 1, '\'');
        return s ? s + 1 : NULL;
    case '"':
        for (s++; *s && *s != '"';) {
            s = *s == '\'' ? s + 1 : skip_part(s);
            if (!s)
                return NULL;
        }
        return *s ? s + 1 : NULL;
    case '`':
        for (s++; *s && *s != '`'; s++)
            if (*s == '\\' && s[1])
                s++;
        return *s ? s + 1 : NULL;
    case '$':
        if (s[1] == '(')
            return skip_parens(s + 2);
        if (s[1] == '{') {
            for (s += 2; *s && *s != '}';) {
                s = skip_part(s);
                if (!s)
                    return NULL;
            }
            return *s ? s + 1 : NULL;
        }
        return s + 1;
    default:
        return s + 1;
    }
}

static void read_here_texts(void);

static void skip_blanks(void)
{
    for (;;) {
        while (*at == ' ' || *at == '\t' || (*at == '\\' && at[1] == '\n'))
            at += *at == '\\' ? 2 : 1;
        if (*at != '#')
            return;
        while (*at && *at != '\n')
            at++;
    }
}

static void newline(void)
{
    at++;
    if (waiting_here)
        read_here_texts();
}

static void skip_lines(void)
{
    for (skip_blanks(); *at == '\n'; skip_blanks())
        newline();
}

static bool ends_word(char c)
{
    return !c || strchr(" \t\n;&|<>()", c);
}

// The raw word here, or NULL if there is none.
static char *word(void)
{
    skip_blanks();
    const char *s = at;
    while (!ends_word(*s)) {
        s = skip_part(s);
        if (!s) {
            need_more();
            return NULL;
        }
    }
    if (s == at)
        return NULL;
    char *w = copy_part(at, (usize)(s - at));
    at = s;
    return w;
}

// Is the next word exactly this reserved one? Takes it.
static bool looking_at(const char *reserved)
{
    skip_blanks();
    usize n = strlen(reserved);
    return strncmp(at, reserved, n) == 0 && (ends_word(at[n]) || strchr("({})!", reserved[0]));
}
static bool accept(const char *reserved)
{
    if (!looking_at(reserved))
        return false;
    at += strlen(reserved);
    return true;
}
static void expect(const char *reserved)
{
    skip_lines();
    if (!*at)
        need_more();
    else if (!accept(reserved))
        fail(reserved);
}

static struct node *new_node(enum node_kind kind, struct node *left, struct node *right)
{
    struct node *n = allocate(sizeof(*n));
    n->kind = kind;
    n->left = left;
    n->right = right;
    return n;
}

// --- redirections ---
static void read_here_texts(void)
{
    while (waiting_here && !trouble) {
        struct redirect *r = waiting_here;
        struct text t = {0};
        char *end = r->word;
        bool tabs = r->slot & 0x100;
        r->slot &= 0xff;
        waiting_here = r->next_here;
        text_add(&t, "", 0);
        for (;;) {
            const char *nl = strchr(at, '\n');
            usize n = nl ? (usize)(nl - at) : strlen(at);
            const char *line = at;
            if (!*at) {
                need_more();
                break;
            }
            at += n + (nl != NULL);
            while (tabs && *line == '\t') {
                line++;
                n--;
            }
            if (n == strlen(end) && strncmp(line, end, n) == 0)
                break;
            text_add(&t, line, n);
            text_char(&t, '\n');
        }
        r->word = t.s;
    }
}

static bool redirect(struct redirect **list)
{
    const char *s = at;
    int slot = -1;
    skip_blanks();
    if (*at >= '0' && *at <= '9' && (at[1] == '<' || at[1] == '>'))
        slot = *at++ - '0';
    if (*at != '<' && *at != '>') {
        at = s;
        return false;
    }
    struct redirect *r = allocate(sizeof(*r));
    bool tabs = false;
    if (at[0] == '<' && at[1] == '<') {
        r->kind = R_HERE;
        at += 2;
        if (*at == '-') {
            tabs = true;
            at++;
        }
    } else if (at[0] == '>' && at[1] == '>') {
        r->kind = R_APPEND;
        at += 2;
    } else if ((at[0] == '>' || at[0] == '<') && at[1] == '&') {
        r->kind = R_COPY;
        slot = slot < 0 && at[0] == '<' ? 0 : slot;
        at += 2;
    } else if (at[0] == '<' && at[1] == '>') {
        r->kind = R_READ_WRITE;
        at += 2;
    } else {
        r->kind = *at == '<' ? R_READ : R_WRITE;
        r->force = at[0] == '>' && at[1] == '|';
        at += r->force ? 2 : 1;
    }
    r->slot = slot >= 0                                                           ? slot
              : r->kind == R_READ || r->kind == R_HERE || r->kind == R_READ_WRITE ? 0
                                                                                  : 1;
    r->word = word();
    if (!r->word) {
        fail("a redirection without a name");
        return true;
    }
    if (r->kind == R_HERE) {
        char *plain = copy_string(r->word), *d = plain;
        for (const char *q = r->word; *q; q++) {
            if (strchr("'\"\\", *q))
                r->literal = true;
            else
                *d++ = *q;
        }
        *d = 0;
        r->word = plain;
        if (tabs)
            r->slot |= 0x100;
        struct redirect **last = &waiting_here;
        while (*last)
            last = &(*last)->next_here;
        *last = r;
    }
    while (*list)
        list = &(*list)->next;
    *list = r;
    return true;
}

// --- commands ---
static struct node *parse_list(void);
static struct node *parse_and_or(void);

static bool at_reserved_end(void)
{
    static const char *const ends[] = {"then", "do", "done", "fi", "elif", "else", "esac", "}"};
    skip_blanks();
    if (*at == ')' || (at[0] == ';' && at[1] == ';'))
        return true;
    for (usize i = 0; i < ARRAY_LEN(ends); i++)
        if (looking_at(ends[i]))
            return true;
    return false;
}

static struct node *parse_if(void)
{
    struct node *n = new_node(N_IF, NULL, NULL);
    n->left = parse_list();
    expect("then");
    n->right = parse_list();
    skip_lines();
    if (accept("elif"))
        n->other = parse_if();
    else {
        if (accept("else"))
            n->other = parse_list();
        expect("fi");
    }
    return n;
}

static struct node *parse_for(void)
{
    struct node *n = new_node(N_FOR, NULL, NULL);
    n->name = word();
    if (!n->name || !var_is_name(n->name, strlen(n->name)))
        fail("for without a variable");
    skip_lines();
    if (accept("in")) {
        char *w;
        n->has_list = true;
        while ((w = word()))
            strings_add(&n->words, w);
    }
    skip_blanks();
    if (*at == ';')
        at++;
    expect("do");
    n->left = parse_list();
    expect("done");
    return n;
}

static struct node *parse_case(void)
{
    struct node *n = new_node(N_CASE, NULL, NULL);
    struct case_item **tail = &n->cases;
    n->name = word();
    if (!n->name)
        fail("case without a word");
    expect("in");
    for (skip_lines(); !trouble && !accept("esac"); skip_lines()) {
        struct case_item *c = allocate(sizeof(*c));
        if (!*at)
            need_more();
        skip_blanks();
        if (*at == '(')
            at++;
        do {
            char *w = word();
            if (!w) {
                fail("a pattern is missing");
                break;
            }
            strings_add(&c->patterns, w);
            skip_blanks();
        } while (*at == '|' && at++);
        if (!trouble && *at++ != ')') {
            at--;
            fail(")");
        }
        if (trouble)
            break;
        c->body = parse_list();
        skip_lines();
        if (at[0] == ';' && at[1] == ';')
            at += 2;
        *tail = c;
        tail = &c->next;
    }
    return n;
}

static struct node *parse_compound(void)
{
    struct node *n = NULL;
    if (accept("if")) {
        n = parse_if();
    } else if (accept("while") || looking_at("until")) {
        bool until = accept("until");
        struct node *condition = parse_list();
        expect("do");
        n = new_node(until ? N_UNTIL : N_WHILE, condition, parse_list());
        expect("done");
    } else if (accept("for")) {
        n = parse_for();
    } else if (accept("case")) {
        n = parse_case();
    } else if (looking_at("{") && ends_word(at[1])) {
        at++;
        n = new_node(N_GROUP, parse_list(), NULL);
        expect("}");
    } else if (*at == '(') {
        at++;
        n = new_node(N_SUBSHELL, parse_list(), NULL);
        expect(")");
    } else {
        return NULL;
    }
    while (!trouble && redirect(&n->redirects))
        ;
    return n;
}

static bool is_assignment(const char *w)
{
    const char *eq = strchr(w, '=');
    return eq && var_is_name(w, (usize)(eq - w));
}

static struct node *parse_command(void)
{
    skip_blanks();
    if (at_reserved_end())
        return NULL;
    struct node *n = parse_compound();
    if (n || trouble)
        return n;
    n = new_node(N_COMMAND, NULL, NULL);
    bool any = false;
    while (!trouble) {
        if (redirect(&n->redirects)) {
            any = true;
            continue;
        }
        char *w = word();
        if (!w)
            break;
        any = true;
        if (n->words.n == 0 && is_assignment(w)) {
            strings_add(&n->assigns, w);
            continue;
        }
        strings_add(&n->words, w);
        if (n->words.n == 1 && !n->assigns.n && at[0] == '(' && at[1] == ')' &&
            var_is_name(w, strlen(w))) {
            at += 2;
            skip_lines();
            n->kind = N_FUNCTION;
            n->name = w;
            n->left = parse_compound();
            if (!n->left && !*at)
                need_more();
            else if (!n->left)
                fail("a function without a body");
            return n;
        }
    }
    return any ? n : NULL;
}

static struct node *parse_pipe(void)
{
    bool negated = false;
    skip_blanks();
    while (looking_at("!") && ends_word(at[1])) {
        at++;
        negated = !negated;
    }
    struct node *n = parse_command();
    for (skip_blanks(); n && !trouble && at[0] == '|' && at[1] != '|'; skip_blanks()) {
        at++;
        skip_lines();
        struct node *right = parse_command();
        if (!right)
            *at ? fail("nothing behind |") : need_more();
        n = new_node(N_PIPE, n, right);
    }
    return negated && n ? new_node(N_NOT, n, NULL) : n;
}

static struct node *parse_and_or(void)
{
    struct node *n = parse_pipe();
    for (skip_blanks();
         n && !trouble && ((at[0] == '&' && at[1] == '&') || (at[0] == '|' && at[1] == '|'));
         skip_blanks()) {
        enum node_kind kind = *at == '&' ? N_AND : N_OR;
        at += 2;
        skip_lines();
        struct node *right = parse_pipe();
        if (!right)
            *at ? fail("nothing behind && or ||") : need_more();
        n = new_node(kind, n, right);
    }
    return n;
}

static struct node *parse_list(void)
{
    struct node *all = NULL;
    for (;;) {
        skip_lines();
        struct node *n = *at ? parse_and_or() : NULL;
        if (!n || trouble)
            break;
        skip_blanks();
        if (*at == '&') {
            at++;
            n = new_node(N_BACKGROUND, n, NULL);
        } else if (at[0] == ';' && at[1] != ';') {
            at++;
        } else if (*at == '\n') {
            newline();
        } else {
            all = all ? new_node(N_SEQUENCE, all, n) : n;
            break;
        }
        all = all ? new_node(N_SEQUENCE, all, n) : n;
    }
    return all;
}

// What follows up to the end of a line.
static struct node *parse_line(void)
{
    struct node *all = NULL;
    skip_lines();
    while (*at && !trouble) {
        struct node *n = parse_and_or();
        if (!n || trouble)
            break;
        skip_blanks();
        bool background = *at == '&';
        if (background)
            n = new_node(N_BACKGROUND, n, NULL);
        all = all ? new_node(N_SEQUENCE, all, n) : n;
        if (background || (at[0] == ';' && at[1] != ';'))
            at++;
        else if (*at != '\n')
            break;
        skip_blanks();
        if (*at == '\n') {
            newline();
            return all;
        }
    }
    if (!trouble && *at)
        fail(at[0] == ')' ? "unexpected )" : "unexpected word");
    return all;
}

int parse_next(const char **text, struct node **out)
{
    at = *text;
    trouble = 0;
    waiting_here = NULL;
    *out = parse_line();
    if (!trouble && waiting_here)
        need_more();
    *text = at;
    return trouble == 0 ? 1 : trouble > 0 ? 0 : -1;
}
