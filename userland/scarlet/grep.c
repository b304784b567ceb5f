// grep [-EFivncqlswxohHr] [-e pattern]... [pattern] [files]: lines that match one of the patterns:
// . * ^ $ [set] \c and \+ \? \| \( \) \{m,n\}, with -E without their backslashes; -F takes patterns
// as they are. -w whole words, -x whole lines, -o only what matches, -r what is below directories.
// Status 0 found, 1 not found, 2 trouble.
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
static bool fold, extended, words_only, lines_only;
static const char *p; // being compiled

// Is the operator c next? It has a backslash in basic expressions, and none in extended ones.
static bool operator_next(char c)
{
    return extended ? *p == c : p[0] == '\\' && p[1] == c;
}
static bool take_operator(char c)
{
    bool yes = operator_next(c);
    if (yes)
        p += extended ? 1 : 2;
    return yes;
}

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

// Does a part of the pattern end at s?
static bool at_end(const char *s)
{
    const char *was = p;
    p = s;
    bool end = !*p || operator_next(')') || operator_next('|');
    p = was;
    return end;
}

static u32 number_next(void)
{
    u32 n = 0;
    for (; *p >= '0' && *p <= '9' && n < 1000000; p++)
        n = n * 10 + (u32)(*p - '0');
    return n;
}

static void parse_repeats(struct item *it, bool first)
{
    for (;;) {
        if (*p == '*' && !(first && it->kind == START)) {
            it->min = 0;
            it->max = UINT32_MAX;
            p++;
        } else if (take_operator('+')) {
            it->max = UINT32_MAX;
        } else if (take_operator('?')) {
            it->min = 0;
        } else if (operator_next('{') && p[extended ? 1 : 2] >= '0' && p[extended ? 1 : 2] <= '9') {
            (void)take_operator('{');
            it->min = it->max = number_next();
            if (*p == ',') {
                p++;
                it->max = *p >= '0' && *p <= '9' ? number_next() : UINT32_MAX;
            }
            if (!take_operator('}') || it->max < it->min)
                die("a number of times in the pattern is wrong");
        } else {
            return;
        }
    }
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
    } else if (*p == '$' && at_end(p + 1)) {
        it->kind = END;
        p++;
    } else if (take_operator('(')) {
        it->kind = GROUP;
        it->group = parse();
        if (!take_operator(')'))
            die("a group in the pattern has no end");
    } else {
        if (*p == '\\' && p[1])
            p++;
        it->kind = CHAR;
        it->c = fold ? lower(*p) : *p;
        p++;
    }
    parse_repeats(it, first);
    return it;
}

static struct branch *parse(void)
{
    struct branch *b = allocate(sizeof(*b));
    struct item **tail = &b->first;
    for (bool first = true; !at_end(p); first = false) {
        *tail = parse_item(first);
        tail = &(*tail)->next;
    }
    if (take_operator('|'))
        b->other = parse();
    return b;
}

// Continuations: what is to be matched behind a group.
struct after {
    const struct item *item; // the group's own item, again `count` times matched
    u32 count;
    const char *from;
    const struct after *next;
};
static const char *line_start, *line_end, *tried; // tried: where the match would start
static bool longest;                              // look for all ends, keep the last
static const char *best;

static bool word_char(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

// The whole pattern matches up to s: does that count?
static bool accept(const char *s)
{
    if (lines_only && (tried != line_start || s != line_end))
        return false;
    if (words_only && (s == tried || (tried > line_start && word_char(tried[-1])) ||
                       (s < line_end && word_char(*s))))
        return false;
    if (!longest)
        return true;
    if (!best || s > best)
        best = s;
    return false;
}

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
        return accept(s);
    return !(s == k->from && k->count > k->item->min) && match_group(k->item, k->count, s, k->next);
}

static bool matches(const struct branch *b, const char *s, usize n)
{
    line_start = s;
    line_end = s + n;
    for (tried = s; tried <= line_end; tried++)
        if (match_branches(b, tried, NULL))
            return true;
    return false;
}

// --- files ---
static bool invert, number, only_count, quiet, names, only_match, below, silent;
static int with_name = -1; // -1: when there are several
static bool found, trouble;
static struct branch *pattern;

static void complain(const char *name, long r)
{
    if (!silent)
        say("%s: %s", name, status_text(r));
    trouble = true;
}

static void show_head(const char *name, u64 at)
{
    if (with_name > 0)
        out("%s:", name);
    if (number)
        out("%lu:", at);
}

static void show_matches(const char *name, u64 at, const char *s, usize n)
{
    line_start = s;
    line_end = s + n;
    longest = true;
    for (tried = s; tried < line_end; tried++) {
        best = NULL;
        (void)match_branches(pattern, tried, NULL);
        if (!best || best == tried)
            continue;
        show_head(name, at);
        out_bytes(tried, (usize)(best - tried));
        out("\n");
        tried = best - 1;
    }
    longest = false;
}

static void search(int h, const char *name)
{
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
        if (only_match) {
            if (!invert)
                show_matches(name, at, line, n);
            continue;
        }
        show_head(name, at);
        out_bytes(line, n);
        out("\n");
    }
    if (names && hits)
        out("%s\n", name);
    else if (only_count && !names)
        with_name > 0 ? out("%s:%lu\n", name, hits) : out("%lu\n", hits);
    if (r.error)
        complain(name, r.error);
    reader_free(&r);
}

static void search_below(const char *dir)
{
    long h = scarlet_call_open(dir, SCARLET_OPEN_READ | SCARLET_OPEN_DIRECTORY, 0);
    if (h < 0) {
        complain(dir, h);
        return;
    }
    struct directory *d = allocate(sizeof(*d));
    struct list_of_strings l = {0};
    d->handle = (int)h;
    while (directory_next(d) > 0)
        strings_add(&l, copy_string(d->name));
    scarlet_call_close((int)h);
    release(d);
    strings_sort(l.v, l.n);
    for (usize i = 0; i < l.n; i++) {
        char *full = join_path(dir, l.v[i]);
        struct scarlet_metadata m;
        long r = scarlet_call_metadata_at(HERE, full, SCARLET_NO_FOLLOW, &m);
        if (r < 0) {
            complain(full, r);
        } else if (m.type == SCARLET_TYPE_DIRECTORY) {
            search_below(full);
        } else if (m.type == SCARLET_TYPE_REGULAR) { // devices and pipes might never end
            int f = open_or_stdin(full);
            if (f < 0)
                complain(full, f);
            else
                search(f, full);
            if (f > 0)
                scarlet_call_close(f);
        }
        release(full);
    }
    strings_free(&l);
}

static void search_name(const char *name)
{
    struct scarlet_metadata m;
    if (below && scarlet_call_metadata_at(HERE, name, 0, &m) == 0 &&
        m.type == SCARLET_TYPE_DIRECTORY) {
        search_below(name);
        return;
    }
    int h = open_or_stdin(name);
    if (h < 0) {
        complain(name, h);
        return;
    }
    search(h, name);
    if (h)
        scarlet_call_close(h);
}

// --- patterns ---
// Adds one to those that are looked for, in place of which any may match.
static void add_pattern(const char *s, bool fixed)
{
    struct text literal = {0};
    bool was = extended;
    p = s;
    if (fixed) {
        extended = false;
        for (; *p; p++) {
            if (strchr(".[]*^$\\", *p))
                text_char(&literal, '\\');
            text_char(&literal, *p);
        }
        p = literal.s ? literal.s : "";
    }
    struct branch *b = parse(), **tail = &pattern;
    if (*p)
        die("the pattern closes a group that it does not open");
    extended = was;
    while (*tail)
        tail = &(*tail)->other;
    *tail = b;
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    struct list_of_strings given = {0};
    bool fixed = false;
    int c;
    while ((c = next_option(&o, argc, argv, "vincqFElswxohHre:",
                            "[-EFivncqlswxohHr] [-e pattern]... [pattern] [files]"))) {
        invert |= c == 'v';
        fold |= c == 'i';
        number |= c == 'n';
        only_count |= c == 'c';
        quiet |= c == 'q';
        fixed |= c == 'F';
        extended |= c == 'E';
        names |= c == 'l';
        silent |= c == 's';
        words_only |= c == 'w';
        lines_only |= c == 'x';
        only_match |= c == 'o';
        below |= c == 'r';
        if (c == 'h' || c == 'H')
            with_name = c == 'H';
        if (c == 'e')
            strings_add(&given, copy_string(o.arg));
    }
    if (!given.n && o.i == argc) {
        say("no pattern");
        return 2;
    }
    if (!given.n)
        strings_add(&given, copy_string(argv[o.i++]));
    for (usize i = 0; i < given.n; i++)
        add_pattern(given.v[i], fixed);
    if (with_name < 0)
        with_name = argc - o.i > 1 || below;
    for (int i = o.i; i < argc || i == o.i; i++)
        search_name(i < argc ? argv[i] : below ? "." : "-");
    return trouble ? 2 : !found;
}
