// Owns: values in strace's notation and the expressions of the tables' rules
// (syscall-tables/README.md). Pure.
#include "trace.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool named_value(const struct tables *t, const char *name, usize n, i64 *value)
{
    char key[128];
    if (n >= sizeof(key))
        return false;
    memcpy(key, name, n);
    key[n] = 0;
    const struct json_node *v = strmap_get(&t->values, key);
    if (v)
        *value = json_int(v, "value", 0);
    return v != NULL;
}

bool trace_value(const struct tables *t, const char *text, i64 *value)
{
    *value = 0;
    for (const char *s = text; *s;) {
        usize n = strcspn(s, "|");
        usize end = n;
        const char *comment = memmem(s, n, "/*", 2);
        if (comment)
            end = (usize)(comment - s);
        while (end && s[end - 1] == ' ')
            end--;
        usize skip = 0;
        while (skip < end && s[skip] == ' ')
            skip++;
        char *stop;
        i64 v;
        if (end == skip)
            return false;
        if (isdigit((u8)s[skip]) || (s[skip] == '-' && isdigit((u8)s[skip + 1]))) {
            v = s[skip] == '-' ? strtoll(s + skip, &stop, 0) : (i64)strtoull(s + skip, &stop, 0);
            if (stop < s + end && *stop != '<')
                return false;
        } else if (end - skip == 4 && strncmp(s + skip, "NULL", 4) == 0)
            v = 0;
        else if (!named_value(t, s + skip, end - skip, &v))
            return false;
        *value |= v;
        s += n + (s[n] == '|');
    }
    return *text != 0;
}

const char *trace_argument(const struct json_node *args, const struct trace_call *c,
                           const char *name)
{
    for (int i = 0; i < c->args; i++)
        if (c->label[i] && strcmp(c->label[i], name) == 0)
            return c->arg[i];
    int i = 0;
    for (const struct json_node *a = args ? args->first : NULL; a; a = a->next) {
        const char *own = json_string(a, "name"), *form = json_string(a, "form");
        if (form && strcmp(form, "unused") == 0)
            continue;
        if (own && strcmp(own, name) == 0)
            return i < c->args && !c->label[i] ? c->arg[i] : NULL;
        i++;
    }
    return NULL;
}

struct rule {
    const struct tables *t;
    const struct json_node *args;
    const struct trace_call *c;
    const char *s;
    int depth;
    bool ok;
};

static i64 expression(struct rule *r, int level);

static void space(struct rule *r)
{
    while (*r->s == ' ')
        r->s++;
}

static i64 primary(struct rule *r)
{
    space(r);
    if (++r->depth > 64) {
        r->ok = false;
        return 0;
    }
    i64 v = 0;
    if (*r->s == '(') {
        r->s++;
        v = expression(r, 0);
        space(r);
        if (*r->s == ')')
            r->s++;
        else
            r->ok = false;
    } else if (*r->s == '!' || *r->s == '~' || *r->s == '-') {
        char op = *r->s++;
        v = primary(r);
        v = op == '!' ? !v : op == '~' ? ~v : (i64)(0 - (u64)v);
    } else if (isdigit((u8)*r->s)) {
        char *end;
        v = (i64)strtoull(r->s, &end, 0);
        r->s = end;
    } else if (isalpha((u8)*r->s) || *r->s == '_') {
        const char *start = r->s;
        while (isalnum((u8)*r->s) || *r->s == '_')
            r->s++;
        char name[64];
        usize n = (usize)(r->s - start);
        if (*r->s == '.' ||
            n >= sizeof(name)) { // a field of a struct: not in the line's plain arguments
            r->ok = false;
            return 0;
        }
        memcpy(name, start, n);
        name[n] = 0;
        const char *text = trace_argument(r->args, r->c, name);
        r->ok &= text ? trace_value(r->t, text, &v) : named_value(r->t, name, n, &v);
    } else
        r->ok = false;
    r->depth--;
    return v;
}

static const struct op {
    const char *text;
    int level;
} ops[] = {{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7},    {">=", 7}, {"<<", 8},
           {">>", 8}, {"|", 3},  {"^", 4},  {"&", 5},  {"<", 7},     {">", 7},  {"+", 9},
           {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}, {"subset", 6}};

static i64 apply(struct rule *r, usize op, i64 a, i64 b)
{
    switch (op) {
    case 0:
        return a || b;
    case 1:
        return a && b;
    case 2:
        return a == b;
    case 3:
        return a != b;
    case 4:
        return a <= b;
    case 5:
        return a >= b;
    case 6:
        return b >= 0 && b < 64 ? (i64)((u64)a << b) : 0;
    case 7:
        return b >= 0 && b < 64 ? (i64)((u64)a >> b) : 0;
    case 8:
        return a | b;
    case 9:
        return a ^ b;
    case 10:
        return a & b;
    case 11:
        return a < b;
    case 12:
        return a > b;
    case 13:
        return (i64)((u64)a + (u64)b);
    case 14:
        return (i64)((u64)a - (u64)b);
    case 15:
        return (i64)((u64)a * (u64)b);
    case 16:
    case 17:
        if (b == 0 || b == -1) {
            r->ok = false;
            return 0;
        }
        return op == 16 ? a / b : a % b;
    default:
        return (a & ~b) == 0;
    }
}

static i64 expression(struct rule *r, int level)
{
    i64 v = primary(r);
    while (r->ok) {
        space(r);
        usize op = 0;
        while (op < ARRAY_LEN(ops) && strncmp(r->s, ops[op].text, strlen(ops[op].text)) != 0)
            op++;
        if (op == ARRAY_LEN(ops) || ops[op].level <= level)
            break;
        r->s += strlen(ops[op].text);
        v = apply(r, op, v, expression(r, ops[op].level));
    }
    return v;
}

bool trace_rule(const struct tables *t, const struct json_node *args, const struct trace_call *c,
                const char *rule, bool *holds)
{
    struct rule r = {t, args, c, rule, 0, true};
    i64 v = expression(&r, 0);
    space(&r);
    *holds = v != 0;
    return r.ok && *r.s == 0;
}
