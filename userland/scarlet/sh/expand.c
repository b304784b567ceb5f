// From raw words to fields: tilde, parameters, commands, arithmetic, splitting, matching of names,
// removal of quotes.
//
// A field under construction is a pattern: characters that were quoted and would be special carry a
// backslash.
#include "sh.h"

const char *skip_part(const char *s);

struct building {
    struct list_of_strings *fields; // finished ones
    struct text now;
    bool any;   // the current field exists even if it is empty
    bool split; // unquoted results are split
    bool failed;
};

static void put(struct building *b, char c, bool quoted)
{
    if (quoted && strchr("*?[]\\", c))
        text_char(&b->now, '\\');
    text_char(&b->now, c);
    b->any = true;
}

static void end_field(struct building *b)
{
    if (!b->any)
        return;
    strings_add(b->fields, copy_part(b->now.s ? b->now.s : "", b->now.len));
    text_clear(&b->now);
    b->any = false;
}

static bool is_blank(char c)
{
    const char *ifs = var_get("IFS");
    return strchr(ifs ? ifs : " \t\n", c) && c;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

// Splitting: blanks of IFS separate in any number, each other character of it ends a field, also an
// empty one.
static void put_value(struct building *b, const char *v, bool quoted)
{
    for (; *v; v++) {
        if (quoted || !b->split || !is_blank(*v)) {
            put(b, *v, quoted);
        } else if (is_space(*v)) {
            const char *w = v;
            while (is_space(w[1]) && is_blank(w[1]))
                w++;
            if (w[1] && !is_space(w[1]) && is_blank(w[1])) // belongs to the separator
                v = w;
            else
                end_field(b);
        } else {
            b->any = true;
            end_field(b);
            while (v[1] && is_space(v[1]) && is_blank(v[1]))
                v++;
        }
    }
}

static void expand_part(struct building *b, const char **p, bool quoted);

static char *expand_text(const char *s, usize n, bool pattern)
{
    char *raw = copy_part(s, n), *r = pattern ? expand_pattern(raw) : expand_one(raw);
    release(raw);
    return r;
}

// Removes the shortest or longest match of a pattern from an end of v.
static char *strip(const char *v, const char *pattern, bool suffix, bool longest)
{
    usize n = strlen(v);
    for (usize k = 0; k <= n; k++) {
        usize len = longest ? n - k : k;
        char *part = suffix ? copy_string(v + n - len) : copy_part(v, len);
        bool hit = match_pattern(pattern, part);
        release(part);
        if (hit)
            return suffix ? copy_part(v, n - len) : copy_string(v + len);
    }
    return copy_string(v);
}

static const char *special(char c, char *buf, usize cap)
{
    switch (c) {
    case '?':
        format(buf, cap, "%d", last_status);
        return buf;
    case '$':
        format(buf, cap, "%d", shell_task);
        return buf;
    case '!':
        format(buf, cap, "%d", last_background);
        return last_background ? buf : "";
    case '#':
        format(buf, cap, "%d", nparams);
        return buf;
    case '-':
        format(buf, cap, "%s%s%s%s%s%s", exit_on_error ? "e" : "", no_match ? "f" : "",
               interactive ? "i" : "", no_unset ? "u" : "", trace_commands ? "x" : "",
               no_clobber ? "C" : "");
        return buf;
    case '0':
        return shell_name;
    default:
        return c - '1' < nparams ? params[c - '1'] : NULL;
    }
}

static void put_params(struct building *b, char how, bool quoted)
{
    const char *ifs = var_get("IFS");
    for (int i = 0; i < nparams; i++) {
        if (i && quoted && how == '@')
            end_field(b);
        else if (i && quoted && (!ifs || *ifs))
            put(b, ifs ? *ifs : ' ', true);
        else if (i && quoted)
            ;
        else if (i)
            end_field(b);
        if (quoted)
            b->any = true;
        put_value(b, params[i], quoted);
    }
}

static void not_set(struct building *b, const char *name)
{
    if (!no_unset)
        return;
    say("%s: not set", name);
    b->failed = true;
    if (!interactive)
        shell_exit(2);
}

// What stands in ${name-...}: in quotes as quoted text, else with quotes of its own.
static void put_word(struct building *b, const char *s, const char *end, bool quoted)
{
    char *copy = copy_part(s, (usize)(end - s));
    for (const char *p = copy; *p;)
        if (quoted && *p == '"')
            p++;
        else
            expand_part(b, &p, quoted);
    if (quoted)
        b->any = true;
    release(copy);
}

// ${...}: s behind the brace, end at the closing one.
static void put_braced(struct building *b, const char *s, const char *end, bool quoted)
{
    char buf[24], *name, *mine = NULL;
    bool length = *s == '#' && s + 1 < end;
    if (length)
        s++;
    const char *n = s;
    if (*n == '_' || (*n >= 'a' && *n <= 'z') || (*n >= 'A' && *n <= 'Z'))
        while (n < end && var_is_name(s, (usize)(n - s + 1)))
            n++;
    else if (*n >= '0' && *n <= '9')
        while (n < end && *n >= '0' && *n <= '9')
            n++;
    else if (n < end)
        n++;
    name = copy_part(s, (usize)(n - s));
    i64 number;
    const char *v;
    if (strcmp(name, "@") == 0 || strcmp(name, "*") == 0) {
        put_params(b, name[0], quoted);
        release(name);
        return;
    }
    if (name[0] >= '1' && name[0] <= '9' && parse_number(name, &number))
        v = number <= nparams ? params[number - 1] : NULL;
    else
        v = name[0] && !name[1] && !var_is_name(name, 1) ? special(name[0], buf, sizeof(buf))
                                                         : var_get(name);
    if (length) {
        format(buf, sizeof(buf), "%lu", v ? strlen(v) : 0);
        put_value(b, buf, quoted);
        release(name);
        return;
    }
    bool colon = n < end && *n == ':';
    bool unset = !v || (colon && !*v);
    const char *op = n + colon;
    if (op < end && strchr("-=+?", *op)) {
        if ((*op == '+' && !unset) || (*op == '-' && unset)) {
            put_word(b, op + 1, end, quoted);
            release(name);
            return;
        }
        char *alt = *op == '+' ? NULL : expand_text(op + 1, (usize)(end - op - 1), false);
        if (*op == '+') {
            v = "";
        } else if (unset) {
            v = mine = alt;
            if (alt && *op == '=')
                b->failed |= !var_assign(name, alt);
            if (*op == '?') {
                say("%s: %s", name, alt && *alt ? alt : "not set");
                b->failed = true;
                if (!interactive)
                    shell_exit(2);
            }
        } else {
            release(alt);
        }
    } else if (n < end && (*n == '#' || *n == '%')) {
        bool longest = n + 1 < end && n[1] == *n;
        char *pattern = expand_text(n + 1 + longest, (usize)(end - n - 1 - longest), true);
        v = mine = strip(v ? v : "", pattern ? pattern : "", *n == '%', longest);
        release(pattern);
    } else if (n < end) {
        say("bad substitution: ${%.*s}", (int)(end - s), s);
        b->failed = true;
    }
    if (v)
        put_value(b, v, quoted);
    else
        not_set(b, name);
    release(mine);
    release(name);
}

static void put_command(struct building *b, char *command, bool quoted)
{
    char *result = capture(command);
    put_value(b, result, quoted);
    release(result);
    release(command);
}

static void expand_dollar(struct building *b, const char **p, bool quoted)
{
    const char *s = *p, *end = skip_part(s);
    char buf[24];
    if (s[1] == '(' && s[2] == '(' && end && end[-2] == ')') {
        char *expr = expand_text(s + 3, (usize)(end - s - 5), false);
        i64 v = 0;
        if (!expr || !arithmetic(expr, &v))
            b->failed = true;
        format(buf, sizeof(buf), "%ld", v);
        put_value(b, buf, quoted);
        release(expr);
    } else if (s[1] == '(' && end) {
        put_command(b, copy_part(s + 2, (usize)(end - s - 3)), quoted);
    } else if (s[1] == '{' && end) {
        put_braced(b, s + 2, end - 1, quoted);
    } else if (s[1] == '@' || s[1] == '*') {
        put_params(b, s[1], quoted);
        end = s + 2;
    } else if (s[1] && strchr("?$!#-0123456789", s[1])) {
        const char *v = special(s[1], buf, sizeof(buf));
        if (v)
            put_value(b, v, quoted);
        end = s + 2;
    } else {
        const char *n = s + 1;
        while (*n && var_is_name(s + 1, (usize)(n - s)))
            n++;
        if (n == s + 1) {
            put(b, '$', quoted);
        } else {
            char *name = copy_part(s + 1, (usize)(n - s - 1));
            const char *v = var_get(name);
            if (v)
                put_value(b, v, quoted);
            else
                not_set(b, name);
            release(name);
        }
        end = n;
    }
    *p = end;
}

static void expand_backquote(struct building *b, const char **p, bool quoted)
{
    struct text t = {0};
    const char *s = *p + 1;
    for (; *s && *s != '`'; s++) {
        if (*s == '\\' && s[1] && strchr(quoted ? "\\`$\"" : "\\`$", s[1]))
            s++;
        text_char(&t, *s);
    }
    *p = *s ? s + 1 : s;
    put_command(b, t.s ? t.s : copy_string(""), quoted);
}

static void expand_part(struct building *b, const char **p, bool quoted)
{
    const char *s = *p;
    if (*s == '$') {
        expand_dollar(b, p, quoted);
    } else if (*s == '`') {
        expand_backquote(b, p, quoted);
    } else if (*s == '\\' && s[1]) {
        if (quoted && !strchr("$`\"\\\n", s[1]))
            put(b, '\\', true);
        if (s[1] != '\n')
            put(b, s[1], true);
        *p = s + 2;
    } else if (*s == '\'' && !quoted) {
        b->any = true;
        for (s++; *s && *s != '\''; s++)
            put(b, *s, true);
        *p = *s ? s + 1 : s;
    } else if (*s == '"' && !quoted) {
        b->any = strcmp(s, "\"$@\"") != 0 || nparams > 0 || b->any;
        for (s++; *s && *s != '"';)
            expand_part(b, &s, true);
        *p = *s ? s + 1 : s;
    } else {
        put(b, *s, quoted);
        *p = s + 1;
    }
}

static void expand_tilde(struct building *b, const char **p)
{
    const char *s = *p;
    if (s[0] == '~' && (!s[1] || s[1] == '/')) {
        const char *home = var_get("HOME");
        if (home) {
            put_value(b, home, true);
            *p = s + 1;
        }
    }
}

static void expand_raw(struct building *b, const char *raw)
{
    expand_tilde(b, &raw);
    while (*raw)
        expand_part(b, &raw, false);
}

// --- matching of names ---
static bool has_special(const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '\\' && pattern[1])
            pattern++;
        else if (strchr("*?[", *pattern))
            return true;
    }
    return false;
}

static char *unescape(const char *pattern)
{
    char *s = copy_string(pattern), *d = s;
    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        *d++ = *p;
    }
    *d = 0;
    return s;
}

static void match_names(const char *prefix, const char *pattern, struct list_of_strings *found)
{
    while (*pattern == '/') { // slashes go to the prefix
        char *longer = allocate(strlen(prefix) + 2);
        memcpy(longer, prefix, strlen(prefix));
        longer[strlen(prefix)] = '/';
        match_names(longer, pattern + 1, found);
        release(longer);
        return;
    }
    const char *slash = strchr(pattern, '/');
    char *part = slash ? copy_part(pattern, (usize)(slash - pattern)) : copy_string(pattern);
    struct scarlet_metadata m;
    if (!has_special(part)) {
        char *name = unescape(part);
        struct text full = {0};
        text_format(&full, "%s%s", prefix, name);
        if (slash)
            match_names(full.s, slash, found);
        else if (scarlet_call_metadata_at(HERE, full.s, *part ? SCARLET_NO_FOLLOW : 0, &m) == 0 &&
                 (*part || m.type == SCARLET_TYPE_DIRECTORY))
            strings_add(found, copy_string(full.s));
        text_free(&full);
        release(name);
        release(part);
        return;
    }
    long h =
        scarlet_call_open(*prefix ? prefix : ".", SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY, 0);
    struct directory *d = allocate(sizeof(*d));
    struct list_of_strings names = {0};
    d->handle = (int)h;
    while (h >= 0 && directory_next(d) > 0)
        if ((d->name[0] != '.' || part[0] == '.') && match_pattern(part, d->name))
            strings_add(&names, copy_string(d->name));
    if (h >= 0)
        scarlet_call_close((int)h);
    release(d);
    for (usize i = 0; i < names.n; i++) {
        struct text full = {0};
        text_format(&full, "%s%s", prefix, names.v[i]);
        if (slash)
            match_names(full.s, slash, found);
        else
            strings_add(found, copy_string(full.s));
        text_free(&full);
    }
    strings_free(&names);
    release(part);
}

// --- entries ---
bool expand_words(const struct list_of_strings *raw, struct list_of_strings *out_list)
{
    struct list_of_strings patterns = {0};
    struct building b = {.fields = &patterns, .split = true};
    for (usize i = 0; i < raw->n && !b.failed; i++) {
        expand_raw(&b, raw->v[i]);
        end_field(&b);
    }
    text_free(&b.now);
    for (usize i = 0; i < patterns.n; i++) {
        struct list_of_strings found = {0};
        if (!no_match && has_special(patterns.v[i]))
            match_names("", patterns.v[i], &found);
        if (!found.n)
            strings_add(&found, unescape(patterns.v[i]));
        strings_sort(found.v, found.n);
        for (usize k = 0; k < found.n; k++)
            strings_add(out_list, found.v[k]);
        release(found.v);
    }
    strings_free(&patterns);
    return !b.failed;
}

char *expand_pattern(const char *raw)
{
    struct list_of_strings none = {0};
    struct building b = {.fields = &none};
    expand_raw(&b, raw);
    char *r = b.failed ? NULL : copy_part(b.now.s ? b.now.s : "", b.now.len);
    if (r && none.n) { // "$@" made fields: they are joined
        struct text t = {0};
        for (usize i = 0; i < none.n; i++)
            text_format(&t, "%s ", none.v[i]);
        text_put(&t, r);
        release(r);
        r = t.s;
    }
    strings_free(&none);
    text_free(&b.now);
    return r;
}

char *expand_one(const char *raw)
{
    char *p = expand_pattern(raw), *r = p ? unescape(p) : NULL;
    release(p);
    return r;
}

char *expand_here(const char *text)
{
    struct list_of_strings none = {0};
    struct building b = {.fields = &none};
    while (*text) {
        if (*text == '$' || *text == '`' || (*text == '\\' && text[1] && strchr("$`\\\n", text[1])))
            expand_part(&b, &text, true);
        else
            put(&b, *text++, true);
    }
    char *r = unescape(b.now.s ? b.now.s : "");
    text_free(&b.now);
    strings_free(&none);
    return r;
}
