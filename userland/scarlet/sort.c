// sort [-rnuf] [-k FIELD[,LAST]] [-t CHARACTER] [-o file] [files]: lines in order of their bytes;
// -n of their leading numbers; -f of their letters, large or small; -r backwards; -u equal ones
// once. -k compares fields FIELD to LAST only (to the end of the line), then the rest; fields end
// at blanks or at -t's character. -o writes to a file, which may be one of those read.
#include <scarlet/scarlet.h>

static bool backwards, numeric, fold;
static u64 first_field, last_field; // from 1; 0: none
static char separator;

static i64 number_of(const char *s, const char **rest)
{
    i64 v = 0;
    while (*s == ' ' || *s == '\t')
        s++;
    bool negative = *s == '-';
    if (negative)
        s++;
    for (; *s >= '0' && *s <= '9'; s++)
        v = v * 10 + (*s - '0');
    *rest = s;
    return negative ? -v : v;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

// Behind the n-th field of s.
static const char *skip_fields(const char *s, u64 n)
{
    for (; n && *s; n--) {
        if (separator) {
            while (*s && *s != separator)
                s++;
            if (n > 1 && *s)
                s++;
            continue;
        }
        while (blank(*s))
            s++;
        while (*s && !blank(*s))
            s++;
    }
    return s;
}

// The part of a line that -k names.
static const char *key_of(const char *s, usize *n)
{
    const char *from = s, *to = s + strlen(s);
    if (first_field) {
        from = skip_fields(s, first_field - 1);
        if (separator && first_field > 1 && *from)
            from++;
        while (!separator && blank(*from))
            from++;
        if (last_field)
            to = skip_fields(s, last_field);
    }
    *n = to > from ? (usize)(to - from) : 0;
    return from;
}

static u8 letter(char c)
{
    return fold && c >= 'a' && c <= 'z' ? (u8)(c - 32) : (u8)c;
}

static int compare_keys(const char *a, const char *b)
{
    usize n, m;
    const char *x = key_of(a, &n), *y = key_of(b, &m), *rest;
    if (numeric) {
        i64 v = number_of(x, &rest), w = number_of(y, &rest);
        return v < w ? -1 : v > w;
    }
    for (usize i = 0; i < n && i < m; i++)
        if (letter(x[i]) != letter(y[i]))
            return letter(x[i]) < letter(y[i]) ? -1 : 1;
    return n < m ? -1 : n > m;
}

static int compare(const char *a, const char *b)
{
    int c = compare_keys(a, b);
    return c ? c : strcmp(a, b);
}

static void merge_sort(char **v, char **tmp, usize n)
{
    if (n < 2)
        return;
    usize half = n / 2, i = 0, j = half, k = 0;
    merge_sort(v, tmp, half);
    merge_sort(v + half, tmp, n - half);
    while (i < half && j < n) {
        int c = compare(v[i], v[j]);
        tmp[k++] = (backwards ? c >= 0 : c <= 0) ? v[i++] : v[j++];
    }
    while (i < half)
        tmp[k++] = v[i++];
    while (j < n)
        tmp[k++] = v[j++];
    memcpy(v, tmp, n * sizeof(char *));
}

// FIELD[,LAST], each perhaps followed by n, r or f, which hold for all.
static u64 field_of(const char **s)
{
    u64 n = 0;
    for (; **s >= '0' && **s <= '9'; ++*s)
        n = n * 10 + (u64)(**s - '0');
    for (; **s && strchr("nrfb", **s); ++*s) {
        numeric |= **s == 'n';
        backwards |= **s == 'r';
        fold |= **s == 'f';
    }
    return n;
}

static void set_key(const char *s)
{
    const char *given = s;
    first_field = field_of(&s);
    last_field = *s == ',' ? (s++, field_of(&s)) : 0;
    if (!first_field || *s)
        die("not a field: %s", given);
}

static void set_separator(const char *s)
{
    if (!s[0] || (s[1] && strcmp(s, "\\t") != 0))
        die("not one character: %s", s);
    separator = s[1] ? '\t' : s[0];
}

static void to_file(const char *name)
{
    long h = scarlet_call_open(
        name, SCARLET_OPEN_WRITE | SCARLET_OPEN_CREATE | SCARLET_OPEN_TRUNCATE, 0666);
    long r = h < 0 ? h : scarlet_call_duplicate_to((int)h, SCARLET_SAME_RIGHTS, 1, 0);
    if (r < 0)
        die("%s: %s", name, status_text(r));
}

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    struct list_of_strings l = {0};
    const char *target = NULL;
    bool unique = false;
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "rnufk:t:o:",
                            "[-rnuf] [-k field[,last]] [-t character] [-o file] [files]"))) {
        backwards |= c == 'r';
        numeric |= c == 'n';
        unique |= c == 'u';
        fold |= c == 'f';
        if (c == 'k')
            set_key(o.arg);
        if (c == 't')
            set_separator(o.arg);
        if (c == 'o')
            target = o.arg;
    }
    for (int i = o.i; i < argc || i == o.i; i++) {
        const char *name = i < argc ? argv[i] : "-";
        int h = open_or_stdin(name);
        struct reader r = {.handle = h};
        char *line;
        usize n;
        while (h >= 0 && read_line(&r, &line, &n))
            strings_add(&l, copy_part(line, n));
        if (h < 0 || r.error) {
            say("%s: %s", name, status_text(h < 0 ? h : r.error));
            failed = 2;
        }
        reader_free(&r);
    }
    char **tmp = allocate((l.n + 1) * sizeof(char *));
    merge_sort(l.v, tmp, l.n);
    if (target)
        to_file(target);
    for (usize i = 0; i < l.n; i++)
        if (!unique || i == 0 || compare_keys(l.v[i], l.v[i - 1]) != 0)
            out("%s\n", l.v[i]);
    return failed;
}
