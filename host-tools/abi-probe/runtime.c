// See runtime.h.
#include "runtime.h"
#include "detect.h"
#include "fail.h"
#include <stdlib.h>
#include <string.h>

static const char registry[] = "/system/etc/runtimes";

void runtimes_read(const char *root, struct runtimes *r)
{
    int err;
    char *path = root_path(root, registry, &err);
    struct file f = {0};
    *r = (struct runtimes){0};
    if (path && file_map(path, &f) == 0) {
        r->text = xalloc(f.data.n + 1, 1);
        if (f.data.n)
            memcpy(r->text, f.data.p, f.data.n);
        unsigned number = 0;
        for (u64 at = 0; at < f.data.n; at++) {
            const char *start = r->text + at, *why = NULL;
            const char *end = memchr(start, '\n', f.data.n - at);
            usize len = end ? (usize)(end - start) : (usize)(f.data.n - at);
            struct runtime_line line;
            int kind = runtime_parse(start, len, &line, &why);
            number++;
            if (kind < 0)
                complain("%s:%u: %s", path, number, why);
            else if (kind > 0)
                *VEC_ADD(&r->lines) = line;
            at += len;
        }
        file_unmap(&f);
    }
    free(path);
}

void runtimes_free(struct runtimes *r)
{
    free(r->text);
    VEC_FREE(&r->lines);
}

const struct runtime_line *runtimes_find(const struct runtimes *r, struct bytes data,
                                         const char *path)
{
    usize head = data.n < DETECT_HEAD ? (usize)data.n : DETECT_HEAD;
    for (usize i = 0; i < r->lines.n; i++)
        if (runtime_matches(&r->lines.p[i], data.p, head, data.n, path))
            return &r->lines.p[i];
    return NULL;
}
