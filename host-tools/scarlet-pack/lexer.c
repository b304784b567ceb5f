// Words of a manifest. Nothing here looks at what they mean.
#include "common/fail.h"
#include "common/options.h"
#include "manifest.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct word {
    char *text;
    size_t n, room;
};

static void add(struct word *w, char c)
{
    if (w->n + 2 > w->room)
        w->text = need_again(w->text, w->room = w->room ? 2 * w->room : 32);
    w->text[w->n++] = c;
    w->text[w->n] = 0;
}

static bool wrong(const struct lexer *l, const char *what)
{
    return failed(EXIT_INPUT, "%s:%u: %s", l->file, l->number, what);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static bool escape(struct lexer *l, struct word *w)
{
    char c = *l->at++;
    switch (c) {
    case 'n':
        add(w, '\n');
        return true;
    case 't':
        add(w, '\t');
        return true;
    case 'x': {
        int high = hex(l->at[0]), low = high < 0 ? -1 : hex(l->at[1]);
        if (low < 0 || high * 16 + low == 0)
            return wrong(l, "\\x needs two hexadecimal digits that are not 00");
        add(w, (char)(high * 16 + low));
        l->at += 2;
        return true;
    }
    case '\\':
    case '"':
    case '$':
    case '#':
    case ' ':
    case '\'':
        add(w, c);
        return true;
    default:
        l->at--;
        return wrong(l,
                     "unknown escape: \\n \\t \\\\ \\\" \\' \\$ \\# \"\\ \" and \\xHH are known");
    }
}

static bool variable(struct lexer *l, struct word *w)
{
    const char *end = strchr(l->at, '}');
    if (l->at[0] != '{' || !end || end == l->at + 1)
        return wrong(l, "a $ begins ${NAME}; write \\$ for the character");
    size_t n = (size_t)(end - l->at - 1);
    for (size_t i = l->defines ? l->defines->count : 0; i-- > 0;) {
        const char *d = l->defines->at[i];
        if (strncmp(d, l->at + 1, n) == 0 && d[n] == '=') {
            for (const char *v = d + n + 1; *v; v++)
                add(w, *v);
            l->at = end + 1;
            return true;
        }
    }
    return failed(EXIT_INPUT, "%s:%u: ${%.*s} is not defined (-D %.*s=...)", l->file, l->number,
                  (int)(n < 100 ? n : 100), l->at + 1, (int)(n < 100 ? n : 100), l->at + 1);
}

static bool quoted(struct lexer *l, struct word *w, char end)
{
    unsigned began = l->number;
    while (*l->at != end) {
        char c = *l->at;
        if (!c) {
            l->number = began;
            return wrong(l, "this quotation has no end");
        }
        l->at++;
        l->number += c == '\n';
        if (end == '"' && c == '\\') {
            if (!escape(l, w))
                return false;
        } else if (end == '"' && c == '$') {
            if (!variable(l, w))
                return false;
        } else {
            add(w, c);
        }
    }
    l->at++;
    return true;
}

static bool take_word(struct lexer *l, char **out)
{
    struct word w = {0};
    bool ok = true;
    w.text = need(w.room = 32);
    while (ok && *l->at && !isspace((unsigned char)*l->at)) {
        char c = *l->at;
        if (c == '\\' && (l->at[1] == '\n' || !l->at[1]))
            break;
        l->at++;
        if (c == '"' || c == '\'')
            ok = quoted(l, &w, c);
        else if (c == '\\')
            ok = escape(l, &w);
        else if (c == '$')
            ok = variable(l, &w);
        else
            add(&w, c);
    }
    if (!ok) {
        free(w.text);
        return false;
    }
    *out = w.text;
    return true;
}

int lexer_next(struct lexer *l, struct line *out)
{
    *out = (struct line){0};
    for (;;) {
        char c = *l->at;
        if (c == '\\' && l->at[1] == '\n') {
            l->at += 2;
            l->number++;
        } else if (c == '#') {
            l->at += strcspn(l->at, "\n");
        } else if (c == '\n') {
            l->at++;
            l->number++;
            if (out->count)
                return 1;
        } else if (!c || (c == '\\' && !l->at[1])) {
            l->at += c != 0;
            return out->count > 0;
        } else if (isspace((unsigned char)c)) {
            l->at++;
        } else {
            char *word;
            if (!out->count)
                out->number = l->number;
            if (!take_word(l, &word)) {
                line_free(out);
                return -1;
            }
            out->words = need_again(out->words, (out->count + 2) * sizeof(char *));
            out->words[out->count++] = word;
            out->words[out->count] = NULL;
        }
    }
}

// The words themselves stay: names in the plan point into them.
void line_free(struct line *l)
{
    free(l->words);
    *l = (struct line){0};
}
