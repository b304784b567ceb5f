// Owns: the JSON reader. Pure but for memory.
#include "json_read.h"
#include "fail.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, CHUNK = 65536 };

struct chunk {
    struct chunk *next;
    usize used;
    alignas(16) char data[];
};
struct reader {
    const char *p, *begin, *end, *why;
    struct chunk *arena;
};

static void *take(struct reader *r, usize n)
{
    n = (n + 15) & ~(usize)15;
    if (!r->arena || r->arena->used + n > CHUNK) {
        struct chunk *c = need(sizeof(*c) + MAX(n, (usize)CHUNK));
        c->next = r->arena;
        r->arena = c;
    }
    void *p = r->arena->data + r->arena->used;
    r->arena->used += n;
    return p;
}

static bool fail(struct reader *r, const char *why)
{
    if (!r->why)
        r->why = why;
    return false;
}

static void blank(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
}

static bool hex4(struct reader *r, u32 *out)
{
    if (r->end - r->p < 4)
        return fail(r, "text ends inside an escape");
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        int v = c >= '0' && c <= '9'                 ? c - '0'
                : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                     : -1;
        if (v < 0)
            return fail(r, "not a hexadecimal digit");
        *out = *out << 4 | (u32)v;
    }
    return true;
}

static char *utf8(char *o, u32 c)
{
    if (c < 0x80)
        *o++ = (char)c;
    else if (c < 0x800) {
        *o++ = (char)(0xc0 | c >> 6);
        *o++ = (char)(0x80 | (c & 63));
    } else {
        *o++ = (char)(0xe0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 63));
        *o++ = (char)(0x80 | (c & 63));
    }
    return o;
}

static bool read_string(struct reader *r, const char **out)
{
    const char *q = ++r->p;
    while (q < r->end && *q != '"')
        q += *q == '\\' && q + 1 < r->end ? 2 : 1;
    if (q >= r->end)
        return fail(r, "a string has no end");
    char *text = take(r, (usize)(q - r->p) + 1), *o = text;
    while (*r->p != '"') {
        char c = *r->p++;
        if (c != '\\') {
            *o++ = c;
            continue;
        }
        c = *r->p++;
        const char *plain = strchr("\"\\/bfnrt", c);
        u32 code;
        if (c && plain)
            *o++ = "\"\\/\b\f\n\r\t"[plain - "\"\\/bfnrt"];
        else if (c == 'u' && hex4(r, &code))
            o = utf8(o, code ? code : '?');
        else
            return fail(r, "unknown escape");
        if (r->p > q)
            return fail(r, "a string has no end");
    }
    *o = 0;
    r->p++;
    *out = text;
    return true;
}

static bool read_value(struct reader *r, struct json_node *n, int depth);

static bool read_items(struct reader *r, struct json_node *n, int depth, char close)
{
    struct json_node **link = &n->first;
    r->p++;
    blank(r);
    if (r->p < r->end && *r->p == close) {
        r->p++;
        return true;
    }
    for (;;) {
        struct json_node *item = take(r, sizeof(*item));
        *item = (struct json_node){0};
        *link = item;
        link = &item->next;
        blank(r);
        if (close == '}') {
            if (r->p >= r->end || *r->p != '"' || !read_string(r, &item->key))
                return fail(r, "a key is missing");
            blank(r);
            if (r->p >= r->end || *r->p++ != ':')
                return fail(r, "\":\" is missing");
        }
        if (!read_value(r, item, depth + 1))
            return false;
        blank(r);
        if (r->p >= r->end)
            return fail(r, "text ends inside a list");
        char c = *r->p++;
        if (c == close)
            return true;
        if (c != ',')
            return fail(r, "\",\" is missing");
    }
}

static bool read_number(struct reader *r, struct json_node *n)
{
    bool minus = *r->p == '-';
    r->p += minus;
    u64 v = 0;
    if (r->p >= r->end || *r->p < '0' || *r->p > '9')
        return fail(r, "not a value");
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        v = v * 10 + (u64)(*r->p++ - '0');
    while (r->p < r->end && strchr("0123456789.eE+-", *r->p) && *r->p)
        r->p++;
    n->kind = JSON_NUMBER;
    n->number = (i64)(minus ? 0 - v : v);
    return true;
}

static bool word(struct reader *r, const char *w)
{
    usize n = strlen(w);
    if ((usize)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
        return false;
    r->p += n;
    return true;
}

static bool read_value(struct reader *r, struct json_node *n, int depth)
{
    if (depth > MAX_DEPTH)
        return fail(r, "nested too deeply");
    blank(r);
    if (r->p >= r->end)
        return fail(r, "text ends where a value should be");
    switch (*r->p) {
    case '{':
        n->kind = JSON_OBJECT;
        return read_items(r, n, depth, '}');
    case '[':
        n->kind = JSON_ARRAY;
        return read_items(r, n, depth, ']');
    case '"':
        n->kind = JSON_STRING;
        return read_string(r, &n->text);
    default:
        break;
    }
    if (word(r, "null"))
        return true;
    if (word(r, "true") || word(r, "false")) {
        n->kind = JSON_BOOL;
        n->number = r->p[-2] == 'u';
        return true;
    }
    return read_number(r, n);
}

bool json_read(struct bytes text, struct json_tree *t, u64 *where, const char **why)
{
    struct reader r = {.p = (const char *)text.p,
                       .begin = (const char *)text.p,
                       .end = (const char *)text.p + text.n};
    *t = (struct json_tree){.root = take(&r, sizeof(*t->root))};
    *t->root = (struct json_node){0};
    bool ok = read_value(&r, t->root, 0);
    if (ok) {
        blank(&r);
        if (r.p != r.end)
            ok = fail(&r, "something stands behind the value");
    }
    t->arena = r.arena;
    if (!ok) {
        *where = (u64)(r.p - r.begin);
        *why = r.why;
        json_free(t);
    }
    return ok;
}

void json_free(struct json_tree *t)
{
    for (struct chunk *c = t->arena, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *t = (struct json_tree){0};
}

const struct json_node *json_get(const struct json_node *object, const char *key)
{
    for (const struct json_node *n = object && object->kind == JSON_OBJECT ? object->first : NULL;
         n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const char *json_string(const struct json_node *object, const char *key)
{
    const struct json_node *n = json_get(object, key);
    return n && n->kind == JSON_STRING ? n->text : NULL;
}

i64 json_int(const struct json_node *object, const char *key, i64 otherwise)
{
    const struct json_node *n = json_get(object, key);
    return n && n->kind == JSON_NUMBER ? n->number : otherwise;
}
