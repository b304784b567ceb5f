// See json.h.
#include "json.h"
#include <string.h>

static void indent(struct json *j)
{
    fputc('\n', j->out);
    for (unsigned i = 0; i < j->depth; i++)
        fputs("  ", j->out);
}

// Length of the UTF-8 sequence at s, or 0 if it is none.
static unsigned sequence(const unsigned char *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned n = s[0] < 0x80             ? 1
                 : (s[0] & 0xe0) == 0xc0 ? 2
                 : (s[0] & 0xf0) == 0xe0 ? 3
                 : (s[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    if (n < 2)
        return n;
    uint32_t v = s[0] & (0x7fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (s[i] & 0x3f);
    }
    return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 : n;
}

static void quoted(struct json *j, const char *text)
{
    fputc('"', j->out);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        unsigned n = sequence(s);
        if (n == 0) {
            fputs("\\ufffd", j->out);
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            fprintf(j->out, "\\%c", *s);
        } else if (*s == '\n') {
            fputs("\\n", j->out);
        } else if (*s < 0x20 || *s == 0x7f) {
            fprintf(j->out, "\\u%04x", *s);
        } else {
            fwrite(s, 1, n, j->out);
        }
        s += n;
    }
    fputc('"', j->out);
}

static void element(struct json *j, const char *key)
{
    if (j->any[j->depth])
        fputc(',', j->out);
    j->any[j->depth] = true;
    if (j->depth)
        indent(j);
    if (key) {
        quoted(j, key);
        fputs(": ", j->out);
    }
}

static void open_level(struct json *j, const char *key, char c)
{
    element(j, key);
    fputc(c, j->out);
    if (j->depth + 1 < sizeof(j->any))
        j->depth++;
    j->any[j->depth] = false;
}

static void close_level(struct json *j, char c)
{
    bool any = j->any[j->depth];
    j->depth--;
    if (any)
        indent(j);
    fputc(c, j->out);
}

void json_start(struct json *j, FILE *out)
{
    *j = (struct json){.out = out};
}

void json_object(struct json *j, const char *key)
{
    open_level(j, key, '{');
}

void json_array(struct json *j, const char *key)
{
    open_level(j, key, '[');
}

void json_close_object(struct json *j)
{
    close_level(j, '}');
}

void json_close_array(struct json *j)
{
    close_level(j, ']');
}

void json_text(struct json *j, const char *key, const char *value)
{
    element(j, key);
    if (value)
        quoted(j, value);
    else
        fputs("null", j->out);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
    element(j, key);
    fprintf(j->out, "%llu", (unsigned long long)value);
}

void json_signed(struct json *j, const char *key, int64_t value)
{
    element(j, key);
    fprintf(j->out, "%lld", (long long)value);
}

void json_real(struct json *j, const char *key, double value)
{
    element(j, key);
    fprintf(j->out, "%.3f", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    element(j, key);
    fputs(value ? "true" : "false", j->out);
}

void json_finish(struct json *j)
{
    fputc('\n', j->out);
    fflush(j->out);
}
