// test and [: files, strings, numbers, ! -a -o and parentheses.
#include "sh.h"

static char **a;
static usize n, i;
static bool bad;

static bool or_part(void);

static bool file_test(char op, const char *name)
{
    struct scarlet_metadata m;
    if (op == 'r' || op == 'w' || op == 'x')
        return scarlet_call_access_at(HERE, name,
                                      op == 'r'   ? SCARLET_ACCESS_READ
                                      : op == 'w' ? SCARLET_ACCESS_WRITE
                                                  : SCARLET_ACCESS_EXECUTE) == 0;
    if (scarlet_call_metadata_at(HERE, name, op == 'h' || op == 'L' ? SCARLET_NO_FOLLOW : 0, &m) <
        0)
        return false;
    switch (op) {
    case 'f':
        return m.type == SCARLET_TYPE_REGULAR;
    case 'd':
        return m.type == SCARLET_TYPE_DIRECTORY;
    case 'p':
        return m.type == SCARLET_TYPE_FIFO;
    case 'c':
        return m.type == SCARLET_TYPE_CHARACTER;
    case 'b':
        return m.type == SCARLET_TYPE_BLOCK;
    case 'h':
    case 'L':
        return m.type == SCARLET_TYPE_SYMLINK;
    case 's':
        return m.size > 0;
    default:
        return true;
    }
}

static bool is_terminal(const char *s)
{
    struct scarlet_handle_info h;
    i64 k;
    return parse_number(s, &k) && scarlet_call_query((int)k, &h) == 0 &&
           h.type == SCARLET_OBJECT_TERMINAL;
}

static bool compare(const char *op, const char *x, const char *y)
{
    i64 l, r;
    if (strcmp(op, "=") == 0 || strcmp(op, "==") == 0)
        return strcmp(x, y) == 0;
    if (strcmp(op, "!=") == 0)
        return strcmp(x, y) != 0;
    if (!parse_number(x, &l) || !parse_number(y, &r)) {
        say("test: not a number: %s", parse_number(x, &l) ? y : x);
        bad = true;
        return false;
    }
    return op[1] == 'e'   ? l == r
           : op[1] == 'n' ? l != r
           : op[1] == 'l' ? (op[2] == 't' ? l < r : l <= r)
           : op[2] == 't' ? l > r
                          : l >= r;
}

static bool is_binary(const char *s)
{
    static const char *const ops[] = {"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    for (usize k = 0; k < ARRAY_LEN(ops); k++)
        if (strcmp(s, ops[k]) == 0)
            return true;
    return false;
}

static bool primary(void)
{
    if (i >= n) {
        bad = true;
        return false;
    }
    if (i + 2 < n && is_binary(a[i + 1])) {
        i += 3;
        return compare(a[i - 2], a[i - 3], a[i - 1]);
    }
    if (strcmp(a[i], "!") == 0 && i + 1 < n) {
        i++;
        return !primary();
    }
    if (strcmp(a[i], "(") == 0 && i + 1 < n) {
        i++;
        bool v = or_part();
        if (i >= n || strcmp(a[i++], ")") != 0)
            bad = true;
        return v;
    }
    if (a[i][0] == '-' && a[i][1] && !a[i][2] && i + 1 < n) {
        const char *x = a[i + 1];
        char op = a[i][1];
        if (strchr("nztefdpcbhLsrwx", op)) {
            i += 2;
            return op == 'n' ? *x : op == 'z' ? !*x : op == 't' ? is_terminal(x) : file_test(op, x);
        }
    }
    return a[i++][0] != 0;
}

static bool and_part(void)
{
    bool v = primary();
    while (i < n && strcmp(a[i], "-a") == 0) {
        i++;
        v &= primary();
    }
    return v;
}

static bool or_part(void)
{
    bool v = and_part();
    while (i < n && strcmp(a[i], "-o") == 0) {
        i++;
        v |= and_part();
    }
    return v;
}

int test_builtin(struct list_of_strings *argv, struct io *io)
{
    (void)io;
    a = argv->v;
    n = argv->n;
    i = 1;
    bad = false;
    if (strcmp(argv->v[0], "[") == 0) {
        if (strcmp(argv->v[n - 1], "]") != 0) {
            say("[: no ]");
            return 2;
        }
        n--;
    }
    if (n == 1)
        return 1;
    bool v = or_part();
    if (!bad && i < n) {
        say("test: unexpected %s", a[i]);
        bad = true;
    }
    return bad ? 2 : !v;
}
