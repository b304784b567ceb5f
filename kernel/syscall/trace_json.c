// One traced call as a JSON object on a line: {"time":ns since 1970, "pid", "tid", "abi", "call",
// "args":[as strace prints each], "result":number or null, "error":name or null, "text":the result
// as strace prints it, "ns":how long it took}, and "cut":true where not all fitted. Pure function
// of its arguments but for the memory.
#include "trace_json.h"
#include "trace_text.h"
#include <lib/string.h>
#include <mem/slab.h>

enum : i64 { MOST_ERRNO = 4095 };

static void key(struct trace_text *t, const char *name)
{
    text_str(t, t->len > 1 ? ",\"" : "\"");
    text_str(t, name);
    text_str(t, "\":");
}

static void string_part(struct trace_text *t, const char *s, usize n)
{
    text_char(t, '"');
    for (usize i = 0; i < n; i++) {
        u8 c = (u8)s[i];
        if (c < ' ' || c > '~') { // names of tasks and the like; text of the tracer has none
            text_str(t, "\\u00");
            text_char(t, "0123456789abcdef"[c >> 4]);
            text_char(t, "0123456789abcdef"[c & 15]);
            continue;
        }
        if (c == '"' || c == '\\')
            text_char(t, '\\');
        text_char(t, (char)c);
    }
    text_char(t, '"');
}

static void number(struct trace_text *t, const char *name, i64 v)
{
    key(t, name);
    text_dec(t, (u64)v, v < 0);
}

static const char *restart_name(i64 result)
{
    switch (result) {
    case -512:
        return "ERESTARTSYS";
    case -513:
        return "ERESTARTNOINTR";
    case -514:
        return "ERESTARTNOHAND";
    case -516:
        return "ERESTART_RESTARTBLOCK";
    default:
        return NULL;
    }
}

static const char *error_name(i64 result, const struct trace_errors *e)
{
    if (result >= 0 || result < -MOST_ERRNO)
        return NULL;
    const char *restart = restart_name(result);
    return restart ? restart : e && (u64)-result < e->count ? e->errors[-result].name : NULL;
}

static void arguments(struct trace_text *t, const char *at, const char *end)
{
    key(t, "args");
    text_char(t, '[');
    for (bool first = true; at < end; first = false) {
        const char *stop = at;
        while (stop < end && *stop != TRACE_NEXT)
            stop++;
        if (!first)
            text_char(t, ',');
        string_part(t, at, (usize)(stop - at));
        at = stop + 1;
    }
    text_char(t, ']');
}

static void object(struct trace_text *t, const struct trace_head *h, const char *text, i64 result,
                   const struct trace_errors *errors)
{
    const char *paren = strchr(text, '('), *end = text + strlen(text);
    const char *split = strchr(text, TRACE_RESULT);
    usize name = paren ? (usize)(paren - text) : strlen(text);
    text_char(t, '{');
    number(t, "time", h->wall_ns);
    number(t, "pid", h->pid);
    number(t, "tid", h->tid);
    key(t, "abi");
    string_part(t, h->abi, strlen(h->abi));
    key(t, "call");
    string_part(t, text, name);
    arguments(t, paren ? paren + 1 : end, split ? split : end);
    const char *error = h->ended_ns ? error_name(result, errors) : NULL;
    if (h->ended_ns) {
        number(t, "result", error ? -1 : result);
    } else {
        key(t, "result");
        text_str(t, "null");
    }
    key(t, "error");
    if (error)
        string_part(t, error, strlen(error));
    else
        text_str(t, "null");
    if (split) {
        key(t, "text");
        string_part(t, split + 1, (usize)(end - split - 1));
    }
    if (h->ended_ns)
        number(t, "ns", (i64)(h->ended_ns - h->begun_ns));
    if (h->cut) {
        key(t, "cut");
        text_str(t, "true");
    }
    text_str(t, "}\n");
}

char *trace_json(const struct trace_head *h, const char *text, i64 result,
                 const struct trace_errors *errors, usize *len)
{
    struct trace_text t = {0}; // first how long it is
    object(&t, h, text, result, errors);
    *len = t.len;
    t = (struct trace_text){.buf = kmalloc(*len + 1, 0), .cap = *len + 1};
    if (t.buf)
        object(&t, h, text, result, errors);
    return t.buf;
}
