// Owns: --trace: findings over a whole log, counted, with the first line of each.
#include "trace.h"
#include "fail.h"
#include "report.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct kind {
    struct finding f;
    u64 times, failed_too, line; // failed_too: real Linux answered with an error as well
    char *text;
};
struct tally {
    const struct tables *t;
    VEC(struct kind) kinds;
    VEC(struct named {
        char *name;
        u64 times;
    })
    names;
};

static void take(void *of, const struct trace_call *c)
{
    struct tally *y = of;
    usize k = 0;
    while (k < y->names.n && strcmp(y->names.p[k].name, c->name) != 0)
        k++;
    if (k == y->names.n)
        *VEC_ADD(&y->names) = (struct named){need_copy(c->name), 0};
    y->names.p[k].times++;
    struct finding f[MAX_FINDINGS];
    int n = trace_match(y->t, c, f);
    for (int i = 0; i < n; i++) {
        usize at = 0;
        while (at < y->kinds.n && strcmp(y->kinds.p[at].f.what, f[i].what) != 0)
            at++;
        if (at == y->kinds.n)
            *VEC_ADD(&y->kinds) = (struct kind){f[i], 0, 0, c->line, need_copy(c->text)};
        y->kinds.p[at].times++;
        y->kinds.p[at].failed_too += strncmp(c->result, "-1 E", 4) == 0;
    }
}

static int by_weight(const void *a, const void *b)
{
    const struct kind *x = a, *y = b;
    if (x->f.level != y->f.level)
        return x->f.level > y->f.level ? -1 : 1;
    return x->times != y->times ? (x->times > y->times ? -1 : 1) : strcmp(x->f.what, y->f.what);
}

static const char *level_text(enum level l)
{
    static const char *const texts[] = {"", "value refused", "answered with an error or nothing",
                                        "refused", "not in the tables"};
    return texts[l];
}

static void print_text(const struct tally *y, u64 calls, u64 strange, FILE *to)
{
    for (usize i = 0; i < y->kinds.n; i++) {
        const struct kind *k = &y->kinds.p[i];
        char *text = printable(k->text);
        fprintf(to, "%6llu %s: %s%s%s%s%s\n", (unsigned long long)k->times, k->f.what,
                level_text(k->f.level), k->f.error ? " with " : "", k->f.error ? k->f.error : "",
                k->f.why ? ": " : "", k->f.why ? k->f.why : "");
        if (k->failed_too)
            fprintf(to, "       %llu of them failed on Linux as well\n",
                    (unsigned long long)k->failed_too);
        fprintf(to, "       line %llu: %.150s%s\n", (unsigned long long)k->line, text,
                strlen(text) > 150 ? "..." : "");
        free(text);
    }
    u64 different = 0;
    for (usize i = 0; i < y->kinds.n; i++)
        different += y->kinds.p[i].times;
    fprintf(to,
            "%llu calls of %zu kinds; %llu would be refused or differ, in %zu ways; %llu lines not "
            "understood\n",
            (unsigned long long)calls, y->names.n, (unsigned long long)different, y->kinds.n,
            (unsigned long long)strange);
}

static void print_json(const struct tally *y, u64 calls, u64 strange, FILE *to)
{
    struct json j;
    json_start(&j, to);
    json_object(&j, NULL);
    json_number(&j, "calls", calls);
    json_number(&j, "lines_not_understood", strange);
    json_object(&j, "made");
    for (usize i = 0; i < y->names.n; i++)
        json_number(&j, y->names.p[i].name, y->names.p[i].times);
    json_close_object(&j);
    json_array(&j, "findings");
    for (usize i = 0; i < y->kinds.n; i++) {
        const struct kind *k = &y->kinds.p[i];
        json_object(&j, NULL);
        json_text(&j, "what", k->f.what);
        json_text(&j, "level", level_name(k->f.level));
        json_text(&j, "error", k->f.error);
        json_text(&j, "why", k->f.why);
        json_number(&j, "times", k->times);
        json_number(&j, "failed_on_linux", k->failed_too);
        json_number(&j, "line", k->line);
        json_text(&j, "text", k->text);
        json_close_object(&j);
    }
    json_close_array(&j);
    json_close_object(&j);
    json_finish(&j);
}

int trace_check(const struct settings *s, const char *path, FILE *to)
{
    struct tally y = {.t = tables_for("linux", s->machine)};
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!f || !y.t) {
        complain("%s: %s", path, f ? "no tables for this machine" : strerror(errno));
        return EXIT_SYSTEM;
    }
    struct trace_reader *t = trace_open(take, &y);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    u64 number = 0;
    while ((n = getline(&line, &cap, f)) >= 0) {
        if (n && line[n - 1] == '\n')
            line[n - 1] = 0;
        trace_line(t, line, ++number);
    }
    int status = ferror(f) ? EXIT_SYSTEM : EXIT_GOOD;
    if (status)
        complain("%s: line %llu: %s", path, (unsigned long long)number + 1, strerror(errno));
    free(line);
    if (f != stdin)
        fclose(f);
    u64 strange = trace_not_understood(t);
    trace_flush(t);
    u64 calls = trace_calls(t);
    trace_close(t);
    if (!status && calls == 0) {
        complain("%s: line 1: this is no strace log: not one call in %llu lines", path,
                 (unsigned long long)number);
        status = EXIT_INPUT;
    } else if (!status) {
        if (y.kinds.n)
            sort(y.kinds.p, y.kinds.n, sizeof(*y.kinds.p), by_weight);
        if (s->json)
            print_json(&y, calls, strange, to);
        else
            print_text(&y, calls, strange, to);
        status = y.kinds.n ? EXIT_FOUND : EXIT_GOOD;
    }
    for (usize i = 0; i < y.kinds.n; i++)
        free(y.kinds.p[i].text);
    for (usize i = 0; i < y.names.n; i++)
        free(y.names.p[i].name);
    VEC_FREE(&y.kinds);
    VEC_FREE(&y.names);
    return status;
}
