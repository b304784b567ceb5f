// Parsing of numbers and of the kernel command line. Owns nothing.
#include <kerr.h>
#include <lib/checked.h>
#include <lib/parse.h>
#include <lib/string.h>

static u32 digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (u32)(c - '0');
    if (c >= 'a' && c <= 'z')
        return (u32)(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z')
        return (u32)(c - 'A') + 10;
    return UINT32_MAX;
}

int parse_u64(const char *s, usize len, u32 base, u64 *out)
{
    u64 value = 0;
    bool fits = true;

    if (!base) {
        base = 10;
        if (len > 2 && s[0] == '0') {
            char c = s[1];
            base = c == 'x' || c == 'X'   ? 16
                   : c == 'o' || c == 'O' ? 8
                   : c == 'b' || c == 'B' ? 2
                                          : 10;
        }
        if (base != 10) {
            s += 2;
            len -= 2;
        }
    }
    if (!len || base < 2 || base > 36)
        return -E_INVAL;
    for (usize i = 0; i < len; i++) {
        u32 d = digit_value(s[i]);
        if (d >= base)
            return -E_INVAL;
        fits = fits && checked_mul(value, base, &value) && checked_add(value, d, &value);
    }
    if (!fits)
        return -E_RANGE;
    *out = value;
    return 0;
}

int parse_i64(const char *s, usize len, u32 base, i64 *out)
{
    bool negative = len && *s == '-';
    u64 value;

    if (len && (*s == '-' || *s == '+')) {
        s++;
        len--;
    }
    int err = parse_u64(s, len, base, &value);
    if (err)
        return err;
    if (value > (u64)INT64_MAX + negative)
        return -E_RANGE;
    *out = (i64)(negative ? -value : value);
    return 0;
}

int parse_size(const char *s, usize len, u64 *out)
{
    static const char suffixes[] = "kmgt";
    u32 shift = 0;
    u64 value;

    if (len) {
        const char *hit = memchr(suffixes, s[len - 1] | 0x20, sizeof(suffixes) - 1);
        if (hit) {
            shift = 10 * (u32)(hit - suffixes + 1);
            len--;
        }
    }
    int err = parse_u64(s, len, 0, &value);
    if (err)
        return err;
    return checked_mul(value, 1ull << shift, out) ? 0 : -E_RANGE;
}

int parse_bool(const char *s, usize len, bool *out)
{
    static const struct {
        char text[6];
        bool value;
    } words[] = {{"yes", true}, {"on", true},   {"true", true},   {"1", true},
                 {"no", false}, {"off", false}, {"false", false}, {"0", false}};

    for (usize i = 0; i < ARRAY_LEN(words); i++) {
        if (strlen(words[i].text) == len && memcmp(words[i].text, s, len) == 0) {
            *out = words[i].value;
            return 0;
        }
    }
    return -E_INVAL;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool cmdline_next(const char **line, struct cmdline_word *word)
{
    const char *p = *line, *equals = NULL;

    while (is_blank(*p))
        p++;
    if (!*p) {
        *line = p;
        return false;
    }
    bool quoted = *p == '"', inside = quoted;
    if (quoted)
        p++;
    const char *start = p;
    for (; *p && (inside || !is_blank(*p)); p++) {
        if (*p == '"')
            inside = !inside;
        else if (*p == '=' && !equals)
            equals = p;
    }
    const char *end = p;
    *line = p;
    if (quoted && end > start && end[-1] == '"')
        end--;
    *word = (struct cmdline_word){.name = start, .name_len = (usize)(end - start)};
    if (equals) {
        word->name_len = (usize)(equals - start);
        word->value = equals + 1;
        if (word->value < end && *word->value == '"') {
            word->value++;
            if (end > word->value && end[-1] == '"')
                end--;
        }
        word->value_len = (usize)(end - word->value);
    }
    return true;
}

bool cmdline_find(const char *line, const char *name, struct cmdline_word *word)
{
    usize len = strlen(name);
    bool found = false;

    for (struct cmdline_word w; cmdline_next(&line, &w);) {
        if (w.name_len == len && memcmp(w.name, name, len) == 0) {
            *word = w;
            found = true;
        }
    }
    return found;
}
