// Lines of the registry of runtimes (docs/runtimes.md) and whether one fits a file. Freestanding:
// also compiled into the offline probe.
#include <exec/probe.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool same(const char *a, usize len, const char *word)
{
    usize i = 0;
    while (i < len && word[i] && a[i] == word[i])
        i++;
    return i == len && !word[i];
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Hexadecimal bytes; their number, or -1.
static int hex_bytes(const char *s, usize len, u8 *out)
{
    if (len == 0 || len % 2 || len / 2 > RUNTIME_MAGIC_MAX)
        return -1;
    for (usize i = 0; i < len; i += 2) {
        int hi = hex_digit(s[i]), lo = hex_digit(s[i + 1]);
        if (hi < 0 || lo < 0)
            return -1;
        out[i / 2] = (u8)(hi << 4 | lo);
    }
    return (int)(len / 2);
}

static bool number(const char *s, usize len, u32 limit, u32 *out)
{
    u32 v = 0;
    if (len == 0 || len > 6)
        return false;
    for (usize i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (u32)(s[i] - '0');
    }
    *out = v;
    return v <= limit;
}

static usize find(const char *s, usize len, char c)
{
    usize i = 0;
    while (i < len && s[i] != c)
        i++;
    return i;
}

// "magic@4=00ff/f0ff"
static const char *parse_magic(const char *s, usize len, struct runtime_line *out)
{
    usize eq = find(s, len, '=');
    if (eq == len)
        return "magic needs =BYTES";
    out->offset = 0;
    if (eq > 5 && (s[5] != '@' || !number(s + 6, eq - 6, RUNTIME_OFFSET_MAX, &out->offset)))
        return "bad offset of magic";
    s += eq + 1;
    len -= eq + 1;
    usize slash = find(s, len, '/');
    int n = hex_bytes(s, slash, out->magic);
    if (n < 0)
        return "magic is not an even number of hexadecimal digits, at most 64";
    out->magic_len = (u32)n;
    for (int i = 0; i < n; i++)
        out->mask[i] = 0xff;
    if (slash < len && hex_bytes(s + slash + 1, len - slash - 1, out->mask) != n)
        return "mask and magic differ in length";
    return 0;
}

static const char *parse_match(const char *s, usize len, struct runtime_line *out)
{
    usize eq = find(s, len, '=');
    if (len > 5 && same(s, 5, "magic"))
        return parse_magic(s, len, out);
    if (same(s, eq, "machine")) {
        out->has_machine = true;
        return eq < len && number(s + eq + 1, len - eq - 1, 65535, &out->machine)
                   ? 0
                   : "machine is not a number";
    }
    if (same(s, eq, "suffix")) {
        usize n = eq < len ? len - eq - 1 : 0;
        if (n == 0 || n >= sizeof(out->suffix))
            return "suffix is empty or too long";
        for (usize i = 0; i < n; i++)
            out->suffix[i] = s[eq + 1 + i];
        out->suffix[n] = 0;
        return 0;
    }
    return "unknown kind of match: magic, machine and suffix are known";
}

// The next word of the line; its length, 0 at the end.
static usize word(const char **s, const char *end)
{
    while (*s < end && blank(**s))
        (*s)++;
    const char *p = *s;
    while (p < end && !blank(*p))
        p++;
    return (usize)(p - *s);
}

int runtime_parse(const char *line, usize len, struct runtime_line *out, const char **why)
{
    const char *s = line, *end = line + len;
    *out = (struct runtime_line){0};
    usize n = word(&s, end);
    if (n == 0 || *s == '#')
        return 0;
    *why = "name too long";
    if (n >= sizeof(out->name))
        return -1;
    __builtin_memcpy(out->name, s, n);
    s += n;
    n = word(&s, end);
    *why = "no match: magic@OFFSET=BYTES/MASK, machine=NUMBER or suffix=TEXT";
    if (n == 0)
        return -1;
    for (const char *p = s, *stop = s + n; p < stop;) {
        usize k = find(p, (usize)(stop - p), '+');
        const char *wrong = parse_match(p, k, out);
        if (wrong) {
            *why = wrong;
            return -1;
        }
        p += k + 1;
    }
    s += n;
    n = word(&s, end);
    *why = "no ABI: a name, or auto";
    if (n == 0 || n >= sizeof(out->abi))
        return -1;
    if (!same(s, n, "auto"))
        __builtin_memcpy(out->abi, s, n);
    s += n;
    n = word(&s, end);
    *why = "no absolute path of a runtime";
    if (n == 0 || *s != '/')
        return -1;
    out->path = s;
    out->path_len = n;
    s += n;
    n = word(&s, end);
    out->args = s;
    while (end > s && blank(end[-1]))
        end--;
    out->args_len = n ? (usize)(end - s) : 0;
    return 1;
}

usize runtime_argument(const char **args, usize *left)
{
    const char *end = *args + *left;
    usize n = word(args, end);
    *left = (usize)(end - *args);
    return n;
}

static usize length(const char *s)
{
    usize n = 0;
    while (s[n])
        n++;
    return n;
}

bool runtime_matches(const struct runtime_line *r, const u8 *head, usize len, u64 size,
                     const char *path)
{
    if (r->magic_len) {
        if (r->offset + r->magic_len > len)
            return false;
        for (u32 i = 0; i < r->magic_len; i++)
            if ((head[r->offset + i] ^ r->magic[i]) & r->mask[i])
                return false;
    }
    if (r->has_machine) {
        struct elf_summary s;
        if (elf_summarise(head, len, size, &s) != ELF_OK || s.machine != r->machine)
            return false;
    }
    usize n = length(r->suffix), have = length(path);
    if (n > have)
        return false;
    for (usize i = 0; i < n; i++)
        if (path[have - n + i] != r->suffix[i])
            return false;
    return true;
}
