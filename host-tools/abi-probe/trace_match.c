// Owns: one recorded call against its entry in the tables: support, variant, refused flags, values,
// fields and combinations. Pure.
#include "trace.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct match {
    const struct tables *t;
    const struct trace_call *c;
    struct finding *out;
    int n;
};

[[gnu::format(printf, 5, 6)]] static void found(struct match *m, enum level l, const char *why,
                                                const char *error, const char *format, ...)
{
    if (m->n == MAX_FINDINGS)
        return;
    struct finding *f = &m->out[m->n++];
    *f = (struct finding){.level = l, .why = why, .error = error};
    __builtin_va_list args;
    __builtin_va_start(args, format);
    vsnprintf(f->what, sizeof(f->what), format, args);
    __builtin_va_end(args);
}

// Is word a whole word of text, outside strings and comments?
static bool has_word(const char *text, const char *word)
{
    usize n = strlen(word);
    for (const char *s = text; *s;) {
        if (*s == '"') {
            for (s++; *s && *s != '"'; s++)
                if (*s == '\\' && s[1])
                    s++;
            s += *s == '"';
        } else if (s[0] == '/' && s[1] == '*') {
            const char *end = strstr(s + 2, "*/");
            s = end ? end + 2 : s + strlen(s);
        } else if (isalnum((u8)*s) || *s == '_') {
            const char *start = s;
            while (isalnum((u8)*s) || *s == '_')
                s++;
            if ((usize)(s - start) == n && strncmp(start, word, n) == 0)
                return true;
        } else
            s++;
    }
    return false;
}

// The text of field in "{a=1, b=X|Y}", copied to out; false if it is not there.
static bool field_text(const char *text, const char *field, char *out, usize cap)
{
    usize n = strlen(field);
    for (const char *s = strchr(text, '{'); s && *s;) {
        s += strspn(s, "{ ,");
        if (strncmp(s, field, n) == 0 && s[n] == '=') {
            usize len = strcspn(s + n + 1, ",}");
            snprintf(out, cap, "%.*s", (int)(len < cap ? len : cap - 1), s + n + 1);
            return true;
        }
        s = strpbrk(s, ",}");
        if (s && *s == '}') // the fields end here
            return false;
    }
    return false;
}

static const struct json_node *child_named(const struct json_node *list, const char *name)
{
    for (const struct json_node *n = list ? list->first : NULL; n; n = n->next) {
        const char *own = json_string(n, "name");
        if (own && strcmp(own, name) == 0)
            return n;
    }
    return NULL;
}

static void check_item(struct match *m, const struct json_node *args, const struct json_node *u)
{
    const char *argument = json_string(u, "argument"), *field = json_string(u, "field"),
               *value = json_string(u, "value");
    const char *rule = json_string(u, "rule"), *why = json_string(u, "reason"),
               *error = json_string(u, "error");
    if (json_int(u, "whole", 0) || (json_get(u, "whole") && json_get(u, "whole")->number)) {
        found(m, LEVEL_STUB, why, error, "%s", m->c->name);
        return;
    }
    if (rule) {
        bool holds;
        if (trace_rule(m->t, args, m->c, rule, &holds) && holds)
            found(m, LEVEL_PARTIAL, why, error, "%s when %s", m->c->name, rule);
        return;
    }
    const char *text = argument ? trace_argument(args, m->c, argument) : NULL;
    char inner[256];
    if (!text || (field && !field_text(text, field, inner, sizeof(inner))))
        return;
    if (field)
        text = inner;
    if (!value) { // the field must be zero
        i64 v;
        if (trace_value(m->t, text, &v) && v)
            found(m, LEVEL_PARTIAL, why, error, "%s %s.%s not zero", m->c->name, argument,
                  field ? field : "");
        return;
    }
    i64 v, number = json_int(u, "number", 0);
    bool bare = isdigit((u8)*text) && trace_value(m->t, text, &v) && number &&
                (v & number) == number; // raw, as of strace -e raw
    if (has_word(text, value) || bare)
        found(m, LEVEL_PARTIAL, why, error, "%s %s%s%s %s", m->c->name, argument, field ? "." : "",
              field ? field : "", value);
}

// Names and bits in a flags or enum argument that its set does not have.
static void check_known(struct match *m, const struct json_node *a)
{
    const struct json_node *type = json_get(a, "type");
    const char *flags = json_string(type, "flags"), *en = json_string(type, "enum"),
               *name = json_string(a, "name");
    if (!name || (!flags && !en))
        return;
    char key[96];
    snprintf(key, sizeof(key), "%s %s", flags ? "flags" : "enum", flags ? flags : en);
    const struct json_node *set = strmap_get(&m->t->sets, key);
    const char *text = set ? trace_argument(json_get(a, "siblings"), m->c, name) : NULL;
    if (!text)
        return;
    i64 all = 0;
    for (const struct json_node *v = json_get(set, "values")->first; v; v = v->next)
        all |= json_int(v, "value", 0) | json_int(v, "mask", 0);
    for (const char *s = text; *s;) {
        usize n = strcspn(s, "|"), end = n;
        char word[64];
        const char *comment = memmem(s, n, "/*", 2);
        if (comment)
            end = (usize)(comment - s);
        while (end && s[end - 1] == ' ')
            end--;
        snprintf(word, sizeof(word), "%.*s", (int)(end < 63 ? end : 63), s);
        i64 v;
        if (isupper((u8)*word) && strcmp(word, "NULL") != 0 && strncmp(word, "SIG", 3) != 0 &&
            !child_named(json_get(set, "values"), word) && !trace_value(m->t, word, &v))
            found(m, LEVEL_UNKNOWN, NULL, NULL, "%s %s %s", m->c->name, name, word);
        else if (flags && isdigit((u8)*word) && trace_value(m->t, word, &v) && v & ~all)
            found(m, LEVEL_UNKNOWN, NULL, NULL, "%s %s %#llx", m->c->name, name,
                  (unsigned long long)(v & ~all));
        s += n + (s[n] == '|');
    }
}

static void check_args(struct match *m, const struct json_node *args)
{
    for (const struct json_node *a = args ? args->first : NULL; a; a = a->next) {
        // trace_argument wants the whole list
        struct json_node list = {.kind = JSON_ARRAY, .key = "siblings", .first = args->first};
        struct json_node with = *a;
        list.next = with.first;
        with.first = &list;
        check_known(m, &with);
    }
}

static bool is_modifier(const struct json_node *modifiers, const char *word)
{
    for (const struct json_node *f = modifiers ? modifiers->first : NULL; f; f = f->next)
        if (f->kind == JSON_STRING && strcmp(f->text, word) == 0)
            return true;
    return false;
}

// The value of a selector as strace writes it: "FUTEX_WAIT_PRIVATE|FUTEX_CLOCK_REALTIME" (the
// suffix and the second word are modifiers), "SNDCTL_TMR_START or TCSETS" (two names of one
// number).
static bool selector_value(const struct tables *t, const struct json_node *modifiers,
                           const char *text, i64 *value)
{
    i64 sum = 0;
    bool any = false;
    for (const char *s = text; *s;) {
        char word[64];
        usize n = strcspn(s, "| ");
        snprintf(word, sizeof(word), "%.*s", (int)(n < 63 ? n : 63), s);
        s += n + strspn(s + n, "| ");
        char *tail = strstr(word, "_PRIVATE");
        i64 v;
        if (strcmp(word, "or") == 0 || !*word || is_modifier(modifiers, word))
            continue;
        if (strcmp(word, "/*") == 0)
            break;
        if (tail && tail[8] == 0 && modifiers && modifiers->first)
            *tail = 0; // in the name, and as a modifier in the tables
        bool known = trace_value(t, word, &v);
        if (known)
            sum |= v;
        any |= known;
    }
    *value = sum;
    return any;
}

// The variant that the call's selector chooses: the value, without the modifiers' bits, is among
// the variant's.
static const struct json_node *variant(struct match *m, const struct json_node *entry,
                                       const char **selector)
{
    const struct json_node *args = json_get(entry, "args"),
                           *modifiers = json_get(entry, "modifiers");
    *selector = NULL;
    for (const struct json_node *a = args ? args->first : NULL; a; a = a->next)
        if (json_string(a, "select"))
            *selector = trace_argument(args, m->c, json_string(a, "name"));
    i64 v, mask = 0, bit;
    if (!*selector || !selector_value(m->t, modifiers, *selector, &v))
        return NULL;
    for (const struct json_node *f = modifiers ? modifiers->first : NULL; f; f = f->next)
        if (f->kind == JSON_STRING && trace_value(m->t, f->text, &bit))
            mask |= bit;
    const struct json_node *variants = json_get(entry, "variants");
    for (const struct json_node *n = variants ? variants->first : NULL; n; n = n->next) {
        const struct json_node *values = json_get(n, "values");
        for (const struct json_node *x = values ? values->first : NULL; x; x = x->next)
            if (x->kind == JSON_NUMBER && ((x->number ^ v) & ~mask & 0xffffffff) == 0)
                return n;
    }
    return NULL;
}

static void check_support(struct match *m, const struct json_node *support,
                          const struct json_node *args)
{
    const struct json_node *list = json_get(support, "unsupported");
    for (const struct json_node *u = list ? list->first : NULL; u; u = u->next)
        check_item(m, args, u);
}

int trace_match(const struct tables *t, const struct trace_call *c,
                struct finding out[MAX_FINDINGS])
{
    struct match m = {t, c, out, 0};
    if (strncmp(c->name, "syscall_0x", 10) == 0) { // a call that strace has no name for
        i64 number;
        const struct call_info *i =
            trace_value(t, c->name + 8, &number) ? tables_call(t, (i32)number) : NULL;
        if (!i)
            found(&m, LEVEL_UNKNOWN, NULL, "ENOSYS", "%s", c->name);
        else if (i->level >= LEVEL_STUB)
            found(&m, i->level, i->note, i->level == LEVEL_NONE ? "ENOSYS" : NULL, "%s", i->name);
        return m.n;
    }
    const struct call_info *info = tables_named(t, c->name);
    if (!info) {
        found(&m, LEVEL_UNKNOWN, NULL, "ENOSYS", "%s", c->name);
        return m.n;
    }
    if (info->level >= LEVEL_STUB) {
        found(&m, info->level, info->note, info->level == LEVEL_NONE ? "ENOSYS" : NULL, "%s",
              c->name);
        return m.n;
    }
    const struct json_node *entry = strmap_get(&t->entries, c->name),
                           *args = json_get(entry, "args");
    if (!entry)
        return m.n;
    if (json_get(entry, "variants")) {
        const char *selector;
        const struct json_node *v = variant(&m, entry, &selector);
        if (v) {
            const struct json_node *s =
                child_named(json_get(info->entry, "variants"), json_string(v, "name"));
            const char *level = s ? json_string(s, "support") : NULL;
            int before = m.n;
            check_support(&m, s, json_get(v, "args"));
            if (m.n == before && level &&
                (strcmp(level, "stub") == 0 || strcmp(level, "none") == 0))
                found(&m, LEVEL_STUB, json_string(s, "note"), NULL, "%s %s", c->name, selector);
            for (int i = before; i < m.n; i++)
                if (m.out[i].level == LEVEL_STUB)
                    snprintf(m.out[i].what, sizeof(m.out[i].what), "%s %.60s", c->name, selector);
            check_args(&m, json_get(v, "args"));
        } else if (selector)
            found(&m, LEVEL_UNKNOWN, "no entry for this one", NULL, "%s %.60s", c->name, selector);
        return m.n;
    }
    check_support(&m, info->entry, args);
    check_args(&m, args);
    return m.n;
}
