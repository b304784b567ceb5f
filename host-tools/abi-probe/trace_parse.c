// Owns: reading the lines of an strace log; putting unfinished and resumed halves together, by
// process. Memory is bounded by the lines of calls that have not ended.
#include "fail.h"
#include "trace.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PENDING = 65536 };

struct pending {
    u64 pid, line;
    char *text;
};
struct trace_reader {
    void (*take)(void *of, const struct trace_call *c);
    void *of;
    VEC(struct pending) pending;
    u64 calls, strange;
};

struct trace_reader *trace_open(void (*take)(void *of, const struct trace_call *c), void *of)
{
    struct trace_reader *t = xalloc(1, sizeof(*t));
    t->take = take;
    t->of = of;
    return t;
}

u64 trace_calls(const struct trace_reader *t)
{
    return t->calls;
}

u64 trace_not_understood(const struct trace_reader *t)
{
    return t->strange;
}

// The end of the quoted string, bracket or comment that begins at s; s + 1 for anything else.
static char *over(char *s)
{
    if (*s == '"') {
        for (s++; *s && *s != '"'; s++)
            if (*s == '\\' && s[1])
                s++;
        return *s ? s + 1 : s;
    }
    if (s[0] == '/' && s[1] == '*') {
        char *end = strstr(s + 2, "*/");
        return end ? end + 2 : s + strlen(s);
    }
    return s + 1;
}

// Cuts the arguments at their commas. Returns what stands behind the closing bracket, NULL if there
// is none.
static char *cut(char *s, struct trace_call *c)
{
    int depth = 0;
    char *start = s;
    while (*s) {
        if (*s == '"' || (s[0] == '/' && s[1] == '*')) {
            s = over(s);
            continue;
        }
        if (*s == '<' && s > start && (isdigit((u8)s[-1]) || s[-1] == 'D') &&
            s[1] != '<') { // -y: 3</path>, AT_FDCWD</path>
            char *end = strchr(s, '>');
            if (end) {
                s = end + 1;
                continue;
            }
        }
        if (*s == '{' || *s == '[' || *s == '(')
            depth++;
        else if (depth && (*s == '}' || *s == ']' || *s == ')'))
            depth--;
        else if ((*s == ',' || *s == ')') && depth == 0) {
            bool last = *s == ')';
            *s = 0;
            while (*start == ' ')
                start++;
            if ((*start || !last) && c->args < TRACE_ARGS)
                c->arg[c->args++] = start;
            if (last)
                return s + 1;
            start = s + 1;
        }
        s++;
    }
    return NULL;
}

static void take_labels(struct trace_call *c)
{
    for (int i = 0; i < c->args; i++) {
        char *s = c->arg[i], *p = s;
        while (islower((u8)*p) || *p == '_' || isdigit((u8)*p))
            p++;
        if (p > s && *p == '=' && p[1] != '=' && !isdigit((u8)*s)) {
            *p = 0;
            c->label[i] = s;
            c->arg[i] = p + 1;
        }
    }
}

static void whole(struct trace_reader *t, const char *text, u64 line)
{
    struct trace_call c = {
        .line = line, .text = need_copy(text), .copy = need_copy(text), .result = ""};
    char *open = strchr(c.copy, '(');
    if (open) {
        *open = 0;
        c.name = c.copy;
        char *behind = cut(open + 1, &c);
        char *equals = behind ? strstr(behind, "= ") : NULL;
        c.result = equals ? equals + 2 : "";
        take_labels(&c);
        t->calls++;
        t->take(t->of, &c);
    }
    free(c.text);
    free(c.copy);
}

static bool is_name(const char *s)
{
    const char *p = s;
    while (islower((u8)*p) || isdigit((u8)*p) || *p == '_')
        p++;
    return p > s && !isdigit((u8)*s) && *p == '(';
}

// "12:00:00.1", "0.000012", "1700000000.5" before the call
static bool is_time(const char *s, usize n)
{
    bool digit = false;
    for (usize i = 0; i < n; i++) {
        if (!isdigit((u8)s[i]) && s[i] != ':' && s[i] != '.' && s[i] != '+')
            return false;
        digit |= isdigit((u8)s[i]) != 0;
    }
    return digit;
}

static usize pending_of(const struct trace_reader *t, u64 pid)
{
    for (usize i = t->pending.n; i-- > 0;)
        if (t->pending.p[i].pid == pid)
            return i;
    return t->pending.n;
}

static void resumed(struct trace_reader *t, const char *s, u64 pid)
{
    const char *end = strstr(s, " resumed>");
    usize i = pending_of(t, pid);
    if (!end || i == t->pending.n) { // its beginning lies before the log: the name is all there is
        t->strange++;
        return;
    }
    char *text = need_text("%s%s", t->pending.p[i].text, end + 9);
    u64 line = t->pending.p[i].line;
    free(t->pending.p[i].text);
    t->pending.p[i] = t->pending.p[--t->pending.n];
    whole(t, text, line);
    free(text);
}

void trace_line(struct trace_reader *t, const char *line, u64 number)
{
    const char *s = line;
    u64 pid = 0;
    if (strncmp(s, "[pid", 4) == 0) {
        pid = strtoull(s + 4, NULL, 10);
        const char *close = strchr(s, ']');
        s = close ? close + 1 : s + 4;
    } else if (isdigit((u8)*s)) {
        char *end;
        u64 value = strtoull(s, &end, 10);
        if (*end == ' ') {
            pid = value;
            s = end;
        }
    }
    for (s += strspn(s, " \t");; s += strspn(s, " \t")) {
        usize n = strcspn(s, " ");
        if (!s[n] || !is_time(s, n))
            break;
        s += n;
    }
    if (strncmp(s, "<... ", 5) == 0)
        return resumed(t, s, pid);
    if (strncmp(s, "+++ ", 4) == 0 || strncmp(s, "--- ", 4) == 0 ||
        strncmp(s, "strace: ", 8) == 0 || *s == 0)
        return;
    if (!is_name(s)) {
        t->strange++;
        return;
    }
    const char *mark = strstr(s, "<unfinished ...>");
    if (mark && mark[16] == 0 && t->pending.n < MAX_PENDING) {
        *VEC_ADD(&t->pending) = (struct pending){pid, number, need_copy_n(s, (usize)(mark - s))};
        return;
    }
    whole(t, s, number);
}

void trace_flush(struct trace_reader *t)
{
    for (usize i = 0; i < t->pending.n; i++) { // never came back: exit_group, or the end of the log
        char *text = need_text("%s)", t->pending.p[i].text);
        whole(t, text, t->pending.p[i].line);
        free(text);
        free(t->pending.p[i].text);
    }
    t->pending.n = 0;
}

void trace_close(struct trace_reader *t)
{
    trace_flush(t);
    VEC_FREE(&t->pending);
    free(t);
}
