// $((...)): integers of 64 bits, C's operators, variables by name, assignment.
#include "sh.h"

static const char *p;
static bool bad;
static int unused; // in a part whose value does not count: nothing is assigned there

static i64 assignment(void);
static i64 in_a_row(void);

static void blanks(void)
{
    while (*p == ' ' || *p == '\t' || *p == '\n')
        p++;
}

static bool take(const char *op)
{
    blanks();
    usize n = strlen(op);
    if (strncmp(p, op, n) != 0)
        return false;
    if (n == 1 && (strchr("<>&|=", *op) ? p[1] == *op : false))
        return false;
    if (n == 1 && strchr("<>!+-*/%&|^", *op) && p[1] == '=')
        return false;
    p += n;
    return true;
}

static i64 value_of(const char *name)
{
    const char *v = var_get(name);
    i64 n;
    return v && parse_number(v, &n) ? n : 0;
}

static void store(const char *name, i64 v)
{
    char buf[24];
    format(buf, sizeof(buf), "%ld", v);
    if (!unused && !var_assign(name, buf))
        bad = true;
}

// A name at p, taken; NULL: none.
static char *take_name(void)
{
    const char *s = p;
    while (*p && var_is_name(s, (usize)(p - s + 1)))
        p++;
    return p == s ? NULL : copy_part(s, (usize)(p - s));
}

static bool at_step(void) // ++ or --
{
    return (p[0] == '+' || p[0] == '-') && p[1] == p[0];
}

static i64 primary(void)
{
    blanks();
    if (at_step()) {
        const char *before = p;
        int step = *p == '+' ? 1 : -1;
        p += 2;
        blanks();
        char *name = take_name();
        if (name) {
            i64 v = value_of(name) + step;
            store(name, v);
            release(name);
            return v;
        }
        p = before; // two signs
    }
    if (take("(")) {
        i64 v = in_a_row();
        if (!take(")"))
            bad = true;
        return v;
    }
    if (take("-"))
        return (i64) - (u64)primary();
    if (take("+"))
        return primary();
    if (take("!"))
        return !primary();
    if (take("~"))
        return ~primary();
    const char *s = p;
    if (*s >= '0' && *s <= '9') {
        while ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f') || (*p >= 'A' && *p <= 'F') ||
               *p == 'x' || *p == 'X')
            p++;
        char *t = copy_part(s, (usize)(p - s));
        i64 v = 0;
        bad |= !parse_number(t, &v);
        release(t);
        return v;
    }
    char *name = take_name();
    if (!name) {
        bad = true;
        return 0;
    }
    i64 v = value_of(name);
    blanks();
    if (at_step()) {
        store(name, *p == '+' ? v + 1 : v - 1);
        p += 2;
    }
    release(name);
    return v;
}

static const struct {
    const char *op;
    int level;
} operators[] = {{"||", 1}, {"&&", 2}, {"|", 3},  {"^", 4},  {"&", 5},  {"==", 6},
                 {"!=", 6}, {"<=", 7}, {">=", 7}, {"<<", 8}, {">>", 8}, {"<", 7},
                 {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};

static i64 apply(const char *op, i64 a, i64 b)
{
    u64 x = (u64)a, y = (u64)b;
    switch (op[0]) {
    case '|':
        return op[1] ? a || b : a | b;
    case '&':
        return op[1] ? a && b : a & b;
    case '^':
        return a ^ b;
    case '=':
        return a == b;
    case '!':
        return a != b;
    case '<':
        return op[1] == '=' ? a <= b : op[1] ? (i64)(x << (y & 63)) : a < b;
    case '>':
        return op[1] == '=' ? a >= b : op[1] ? a >> (y & 63) : a > b;
    case '+':
        return (i64)(x + y);
    case '-':
        return (i64)(x - y);
    case '*':
        return (i64)(x * y);
    default:
        if (b == 0 && unused)
            return 0;
        if (b == 0) {
            bad = true;
            say("division by zero");
            return 0;
        }
        if (b == -1)
            return *op == '/' ? (i64)-x : 0;
        return *op == '/' ? a / b : a % b;
    }
}

static i64 binary(int level)
{
    i64 v = primary();
    for (;;) {
        usize i;
        blanks();
        const char *before = p;
        for (i = 0; i < ARRAY_LEN(operators); i++)
            if (take(operators[i].op))
                break;
        if (i == ARRAY_LEN(operators) || operators[i].level < level) {
            p = before;
            return v;
        }
        bool skip = operators[i].level < 3 && (operators[i].level == 1) == (v != 0);
        unused += skip;
        i64 right = binary(operators[i].level + 1);
        unused -= skip;
        v = apply(operators[i].op, v, right);
    }
}

static i64 ternary(void)
{
    i64 v = binary(1);
    if (!take("?"))
        return v;
    unused += !v;
    i64 a = assignment();
    unused -= !v;
    if (!take(":"))
        bad = true;
    unused += v != 0;
    i64 b = assignment();
    unused -= v != 0;
    return v ? a : b;
}

static i64 assignment(void)
{
    blanks();
    const char *s = p, *n = p;
    while (*n && var_is_name(s, (usize)(n - s + 1)))
        n++;
    usize len = (usize)(n - s);
    while (*n == ' ')
        n++;
    static const char *const ops[] = {
        "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="};
    for (usize i = 0; len && i < ARRAY_LEN(ops); i++) {
        usize k = strlen(ops[i]);
        if (strncmp(n, ops[i], k) != 0 || n[k] == '=')
            continue;
        p = n + k;
        char *name = copy_part(s, len);
        i64 v = assignment();
        if (i)
            v = apply(ops[i], value_of(name), v);
        store(name, v);
        release(name);
        return v;
    }
    return ternary();
}

// Parts with commas between them: the last one's value.
static i64 in_a_row(void)
{
    i64 v = assignment();
    while (take(","))
        v = assignment();
    return v;
}

bool arithmetic(const char *s, i64 *result)
{
    const char *old = p;
    p = s;
    bad = false;
    unused = 0;
    blanks();
    *result = *p ? in_a_row() : 0;
    blanks();
    bool ok = !bad && !*p;
    if (!ok)
        say("bad arithmetic: %s", s);
    p = old;
    return ok;
}
