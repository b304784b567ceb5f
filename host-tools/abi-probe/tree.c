// Owns: probing whole trees: the list of files, the workers, the summary. Lock: tree.lock guards
// the totals; results are independent.
#include "fail.h"
#include "progress.h"
#include "report.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct item {
    char *path, *name;
    dev_t dev;
    ino_t ino;
    u64 size;
    char *json, *line; // filled by the worker; line: what the summary says of it
};
struct lack {
    char *call;
    enum level level;
    u32 files;
};
struct tree {
    const struct settings *s;
    VEC(struct item) items;
    atomic_size_t next;
    pthread_mutex_t lock;
    u64 formats[FORMATS][VERDICTS];
    u64 lacking, unresolved, bytes;
    VEC(struct lack) lacks;
};

static void collect(struct tree *t, const char *path, const char *name, int depth)
{
    struct stat st;
    if (lstat(path, &st) || depth > 128)
        return;
    if (S_ISREG(st.st_mode)) {
        *VEC_ADD(&t->items) = (struct item){
            need_copy(path), need_copy(name), st.st_dev, st.st_ino, (u64)st.st_size, NULL, NULL};
        return;
    }
    if (!S_ISDIR(st.st_mode))
        return;
    struct dirent **list = NULL;
    int n = scandir(path, &list, NULL, alphasort);
    if (n < 0)
        complain("%s: cannot be listed", path);
    for (int i = 0; i < n; i++) {
        const char *d = list[i]->d_name;
        if (strcmp(d, ".") != 0 && strcmp(d, "..") != 0) {
            char *below = need_text("%s/%s", path, d),
                 *inner = need_text("%s/%s", strcmp(name, "/") == 0 ? "" : name, d);
            collect(t, below, inner, depth + 1);
            free(below);
            free(inner);
        }
        free(list[i]);
    }
    free(list);
}

static int by_inode(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_size(const void *a,
                   const void *b) // large ones first, so that no worker ends with the largest alone
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    return x->size > y->size ? -1 : x->size < y->size ? 1 : strcmp(x->name, y->name);
}

static void count_lack(struct tree *t, const char *call, enum level l)
{
    for (usize i = 0; i < t->lacks.n; i++)
        if (strcmp(t->lacks.p[i].call, call) == 0) {
            t->lacks.p[i].files++;
            return;
        }
    *VEC_ADD(&t->lacks) = (struct lack){need_copy(call), l, 1};
}

static void totals(struct tree *t, const struct result *r)
{
    pthread_mutex_lock(&t->lock);
    t->formats[r->error ? FORMAT_DATA : r->d.format][r->verdict]++;
    t->lacking += r->lacking != 0;
    t->unresolved += r->unresolved != 0;
    for (usize i = 0; r->program && i < r->program->uses.n; i++) {
        const struct use *u = &r->program->uses.p[i];
        const struct call_info *c = u->number < 0 ? NULL : tables_call(r->tables, u->number);
        if (u->number >= 0 && (!c || c->level >= LEVEL_STUB)) {
            char number[32];
            snprintf(number, sizeof(number), "call %d", u->number);
            count_lack(t, c ? c->name : number, c ? c->level : LEVEL_UNKNOWN);
        }
    }
    pthread_mutex_unlock(&t->lock);
}

static void one(struct tree *t, struct item *item)
{
    struct result r;
    result_make(t->s, item->path, item->name, &r);
    if (t->s->json) {
        size_t n;
        FILE *f = open_memstream(&item->json, &n);
        if (!f) {
            complain("out of memory");
            exit(EXIT_SYSTEM);
        }
        struct json j;
        json_start(&j, f);
        result_json(t->s, &r, &j, NULL);
        json_finish(&j);
        fclose(f);
    } else if (r.verdict == VERDICT_NOT || r.verdict == VERDICT_DAMAGED ||
               r.verdict == VERDICT_UNREADABLE) {
        const char *why = r.error                               ? strerror(r.error)
                          : r.d.problem                         ? r.d.problem
                          : r.program && r.program->missing.n   ? r.program->missing.p[0].what
                          : r.program && r.program->undefined.n ? r.program->undefined.p[0].what
                          : r.d.format == FORMAT_SCRIPT         ? r.d.script.interpreter
                                                                : "";
        char *text = printable(why), *name = printable(item->name);
        item->line = need_text("%s: %s: %s%s", name, verdict_text(r.verdict),
                               r.verdict == VERDICT_NOT ? "missing " : "", text);
        free(text);
        free(name);
    }
    totals(t, &r);
    result_free(&r);
    progress_add(1);
}

struct worker {
    struct tree *t;
    struct item **order;
    usize n;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    for (usize i; (i = atomic_fetch_add(&w->t->next, 1)) < w->n;)
        one(w->t, w->order[i]);
    return NULL;
}

static int by_files(const void *a, const void *b)
{
    const struct lack *x = a, *y = b;
    return x->files != y->files ? (x->files > y->files ? -1 : 1) : strcmp(x->call, y->call);
}

static void summary(struct tree *t, FILE *to)
{
    for (usize i = 0; i < t->items.n; i++)
        if (t->items.p[i].line)
            fprintf(to, "%s\n", t->items.p[i].line);
    fprintf(to, "%-14s", "format");
    for (int v = 0; v < VERDICTS; v++)
        fprintf(to, " %*s", (int)MAX(strlen(verdict_text(v)), 7u), verdict_text(v));
    fputc('\n', to);
    for (int f = 0; f < FORMATS; f++) {
        u64 sum = 0;
        for (int v = 0; v < VERDICTS; v++)
            sum += t->formats[f][v];
        if (!sum)
            continue;
        fprintf(to, "%-14s", format_name(f));
        for (int v = 0; v < VERDICTS; v++)
            fprintf(to, " %*llu", (int)MAX(strlen(verdict_text(v)), 7u),
                    (unsigned long long)t->formats[f][v]);
        fputc('\n', to);
    }
    if (t->lacks.n)
        fprintf(to, "calls that are not here or only answer with an error, and how many files can "
                    "make them:\n");
    for (usize i = 0; i < t->lacks.n; i++)
        fprintf(to, "  %6u %-8s %s\n", t->lacks.p[i].files, level_name(t->lacks.p[i].level),
                t->lacks.p[i].call);
    fprintf(to,
            "%zu files; %llu need something that is not here; %llu make calls whose number could "
            "not be found out\n",
            t->items.n, (unsigned long long)t->lacking, (unsigned long long)t->unresolved);
}

static void run(struct tree *t, int jobs)
{
    struct worker w = {t, xalloc(t->items.n, sizeof(struct item *)), t->items.n};
    for (usize i = 0; i < t->items.n; i++)
        w.order[i] = &t->items.p[i];
    sort(w.order, w.n, sizeof(struct item *), by_size);
    pthread_t *threads = xalloc((usize)jobs, sizeof(pthread_t));
    int started = 0;
    while (started < jobs - 1 && pthread_create(&threads[started], NULL, work, &w) == 0)
        started++;
    work(&w);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    free(w.order);
}

int tree_probe(const struct settings *s, char **paths, int n, int jobs, bool check, bool quiet)
{
    struct tree t = {.s = s, .lock = PTHREAD_MUTEX_INITIALIZER};
    int status = EXIT_GOOD;
    for (int i = 0; i < n; i++) {
        char *name, *path = argument_path(s, paths[i], &name);
        if (!path) {
            status = report_failure();
            continue;
        }
        collect(&t, path, name, 0);
        free(name);
        free(path);
    }
    // a file with several names counts once
    if (t.items.n)
        sort(t.items.p, t.items.n, sizeof(struct item), by_inode);
    usize out = 0;
    for (usize i = 0; i < t.items.n; i++) {
        struct item *x = &t.items.p[i];
        if (out && t.items.p[out - 1].dev == x->dev && t.items.p[out - 1].ino == x->ino) {
            free(x->path);
            free(x->name);
        } else
            t.items.p[out++] = *x;
    }
    t.items.n = out;
    if (t.items.n)
        sort(t.items.p, t.items.n, sizeof(struct item), by_name);
    progress_begin("probing", t.items.n, PROGRESS_ITEMS, quiet);
    run(&t, jobs);
    progress_end();
    if (t.lacks.n)
        sort(t.lacks.p, t.lacks.n, sizeof(struct lack), by_files);
    if (s->json) {
        fputs("{\"files\": [\n", stdout);
        for (usize i = 0; i < t.items.n; i++)
            printf("%s%s", i ? "," : "", t.items.p[i].json);
        puts("]}");
    } else
        summary(&t, stdout);
    for (usize i = 0; i < t.items.n; i++) {
        free(t.items.p[i].path);
        free(t.items.p[i].name);
        free(t.items.p[i].json);
        free(t.items.p[i].line);
    }
    for (usize i = 0; i < t.lacks.n; i++)
        free(t.lacks.p[i].call);
    VEC_FREE(&t.items);
    VEC_FREE(&t.lacks);
    return status ? status : check && t.lacking ? EXIT_FOUND : EXIT_GOOD;
}
