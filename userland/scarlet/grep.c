// grep [-vincqF] pattern [files]: lines that match. Patterns: . * ^ $ [set] \c \+ \? \| \( \) as in
// basic expressions; -F takes it as it is. Status 0 found, 1 not found, 2 trouble.
#include <scarlet/scarlet.h>

// A pattern is compiled to a tree and matched by trying; sizes are bounded by the pattern's own
// length.
enum kind { CHAR, ANY, SET, START, END, GROUP, EMPTY };
struct item {
    enum kind kind;
    char c;
    u8 set[32];
    struct branch *group;
    u32 min, max;
    struct item *next;
};
struct branch {
    struct item *first;
    struct branch *other;
};
static bool fold;
static const char *p; // being compiled

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static struct branch *parse(void);

static void add_to_set(u8 *set, u8 c)
{
    set[c / 8] |= (u8)(1 << c % 8);
}

static const char *parse_set(const char *s, struct item *it)
{
    bool negated = *s == '^', first = true;
    if (negated)
        s++;
    for (; *s && (*s != ']' || first); s++, first = false) {
        static const struct {
            const char *name, *chars;
        } classes[] = {{"[:digit:]", "09"},     {"[:lower:]", "az"},      {"[:upper:]", "AZ"},
                       {"[:alpha:]", "azAZ"},   {"[:alnum:]", "azAZ09"},  {"[:space:]", "\t\r  "},
                       {"[:blank:]", "\t\t  "}, {"[:punct:]", "!/:@[`{~"}};
        usize k = 0;
        for (; k < ARRAY_LEN(classes); k++)
            if (strncmp(s, classes[k].name, strlen(classes[k].name)) == 0)
                break;
        if (k < ARRAY_LEN(classes)) {
            for (const char *q = classes[k].chars; *q; q += 2)
                for (u32 c = (u8)q[0]; c <= (u8)q[1]; c++)
                    add_to_set(it->set, (u8)c);
            s += strlen(classes[k].name) - 1;
        } else if (s[1] == '-' && s[2] && s[2] != ']') {
            for (u32 c = (u8)s[0]; c <= (u8)s[2]; c++)
                add_to_set(it->set, (u8)c);
            s += 2;
        } else {
            add_to_set(it->set, (u8)*s);
        }
    }
    if (!*s)
        die("a set in the pattern has no end");
    if (fold)
        for (u32 c = 'a'; c <= 'z'; c++)
            if (it->set[c / 8] >> c % 8 & 1 || it->set[(c - 32) / 8] >> (c - 32) % 8 & 1) {
                add_to_set(it->set, (u8)c);
                add_to_set(it->set, (u8)(c - 32));
            }
    if (negated)
        for (int i = 0; i < 32; i++)
            it->set[i] = (u8)~it->set[i];
    return s + 1;
}

static struct item *parse_item(bool first)
{
    struct item *it = allocate(sizeof(*it));
    it->min = it->max = 1;
    if (*p == '.') {
        it->kind = ANY;
        p++;
    } else if (*p == '[') {
        it->kind = SET;
        p = parse_set(p + 1, it);
    } else if (*p == '^' && first) {
        it->kind = START;
        p++;
    } else if (*p == '$' && (!p[1] || (p[1] == '\\' && (p[2] == ')' || p[2] == '|')))) {
        it->kind = END;
        p++;
    } else if (*p == '\\' && p[1] == '(') {
        it->kind = GROUP;
        p += 2;
        it->group = parse();
        if (p[0] != '\\' || p[1] != ')')
            die("a group in the pattern has no end");
        p += 2;
    } else {
        if (*p == '\\' && p[1])
            p++;
        it->kind = CHAR;
        it->c = fold ? lower(*p) : *p;
        p++;
    }
    for (;;) {
        if (*p == '*' && !(first && it->kind == START)) {
            it->min = 0;
            it->max = UINT32_MAX;
            p++;
        } else if (p[0] == '\\' && (p[1] == '+' || p[1] == '?')) {
            if (p[1] == '+')
                it->max = UINT32_MAX;
            else
                it->min = 0;
            p += 2;
        } else {
            return it;
        }
    }
}

static struct branch *parse(void)
{
    struct branch *b = allocate(sizeof(*b));
    struct item **tail = &b->first;
    for (bool first = true; *p && !(p[0] == '\\' && (p[1] == ')' || p[1] == '|')); first = false) {
        *tail = parse_item(first);
        tail = &(*tail)->next;
    }
    if (p[0] == '\\' && p[1] == '|') {
        p += 2;
        b->other = parse();
    }
    return b;
}

// Continuations: what is to be matched behind a group.
struct after {
    const struct item *item; // the group's own item, again `count` times matched
    u32 count;
    const char *from;
    const struct after *next;
};
static const char *line_start, *line_end;

static bool match_items(const struct item *it, const char *s, const struct after *k);

static bool match_one(const struct item *it, const char *s)
{
    return s < line_end &&
           (it->kind == ANY || (it->kind == CHAR && (fold ? lower(*s) : *s) == it->c) ||
            (it->kind == SET && it->set[(u8)*s / 8] >> (u8)*s % 8 & 1));
}

static bool match_branches(const struct branch *b, const char *s, const struct after *k)
{
    for (; b; b = b->other)
        if (match_items(b->first, s, k))
            return true;
    return false;
}

static bool match_group(const struct item *it, u32 count, const char *s, const struct after *k)
{
    if (count < it->max) {
        struct after again = {it, count + 1, s, k};
        if (match_branches(it->group, s, &again))
            return true;
    }
    return count >= it->min && match_items(it->next, s, k);
}

static bool match_items(const struct item *it, const char *s, const struct after *k)
{
    for (; it; it = it->next) {
        if (it->kind == START) {
            if (s != line_start)
                return false;
        } else if (it->kind == END) {
            if (s != line_end)
                return false;
        } else if (it->kind == GROUP) {
            return match_group(it, 0, s, k);
        } else if (it->min == 1 && it->max == 1) {
            if (!match_one(it, s++))
                return false;
        } else {
            u32 n = 0;
            while (n < it->max && match_one(it, s + n))
                n++;
            for (;; n--) {
                if (n < it->min)
                    return false;
                if (match_items(it->next, s + n, k))
                    return true;
                if (n == 0)
                    return false;
            }
        }
    }
    if (!k)
        return true;
    return !(s == k->from && k->count > k->item->min) && match_group(k->item, k->count, s, k->next);
}

static bool matches(const struct branch *b, const char *s, usize n)
{
    line_start = s;
    line_end = s + n;
    for (const char *at = s; at <= line_end; at++)
        if (match_branches(b, at, NULL))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    bool invert = false, number = false, only_count = false, quiet = false, fixed = false,
         names = false, found = false, trouble = false;
    int c;
    while ((c = next_option(&o, argc, argv, "vincqFl", "[-vincqFl] pattern [files]"))) {
        invert |= c == 'v';
        fold |= c == 'i';
        number |= c == 'n';
        only_count |= c == 'c';
        quiet |= c == 'q';
        fixed |= c == 'F';
        names |= c == 'l';
    }
    if (o.i == argc) {
        say("no pattern");
        return 2;
    }
    struct text literal = {0};
    p = argv[o.i++];
    if (fixed) {
        for (; *p; p++) {
            if (strchr(".[]*^$\\", *p))
                text_char(&literal, '\\');
            text_char(&literal, *p);
        }
        p = literal.s ? literal.s : "";
    }
    struct branch *pattern = parse();
    if (*p)
        die("the pattern closes a group that it does not open");
    bool many = argc - o.i > 1;
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        if (h < 0) {
            say("%s: %s", name, status_text(h));
            trouble = true;
            continue;
        }
        struct reader r = {.handle = h};
        char *line;
        usize n;
        u64 at = 0, hits = 0;
        while (read_line(&r, &line, &n)) {
            at++;
            if (matches(pattern, line, n) == invert)
                continue;
            found = true;
            hits++;
            if (quiet)
                leave(0);
            if (names)
                break;
            if (only_count)
                continue;
            if (many)
                out("%s:", name);
            if (number)
                out("%lu:", at);
            out_bytes(line, n);
            out("\n");
        }
        if (names && hits)
            out("%s\n", name);
        else if (only_count && many)
            out("%s:%lu\n", name, hits);
        else if (only_count)
            out("%lu\n", hits);
        if (r.error) {
            say("%s: %s", name, status_text(r.error));
            trouble = true;
        }
        reader_free(&r);
        if (h)
            scarlet_call_close(h);
    }
    return trouble ? 2 : !found;
}
