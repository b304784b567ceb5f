// sort [-rnu] [files]: lines in order of their bytes; -n of their leading numbers; -r backwards; -u
// equal ones once.
#include <scarlet/scarlet.h>

static bool backwards, numeric;

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

static int compare(const char *a, const char *b)
{
    if (numeric) {
        const char *x, *y;
        i64 m = number_of(a, &x), n = number_of(b, &y);
        if (m != n)
            return m < n ? -1 : 1;
    }
    return strcmp(a, b);
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

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    struct list_of_strings l = {0};
    bool unique = false;
    int c, failed = 0;
    while ((c = next_option(&o, argc, argv, "rnu", "[-rnu] [files]"))) {
        backwards |= c == 'r';
        numeric |= c == 'n';
        unique |= c == 'u';
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
    for (usize i = 0; i < l.n; i++)
        if (!unique || i == 0 || compare(l.v[i], l.v[i - 1]) != 0)
            out("%s\n", l.v[i]);
    return failed;
}
