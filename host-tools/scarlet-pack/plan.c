// See plan.h: names and items. What makes a plan complete is in finish.c.
#include "plan.h"
#include "common/fail.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool plan_clean_name(const char *given, char **out)
{
    size_t n = strlen(given);
    char *name = need(n + 1), *to = name;
    for (const char *p = given; *p;) {
        while (*p == '/')
            p++;
        size_t part = strcspn(p, "/");
        bool dot = part == 1 && p[0] == '.';
        if (part == 2 && p[0] == '.' && p[1] == '.') {
            free(name);
            return failed(EXIT_INPUT, "%s: a name must not lead upward (..)", given);
        }
        if (part > 255 || (to - name) + part > 4094) {
            free(name);
            return failed(
                EXIT_INPUT,
                "%.60s...: the name is too long (%zu bytes; a part may have 255, a name 4094)",
                given, n);
        }
        if (part && !dot) {
            if (to != name)
                *to++ = '/';
            memcpy(to, p, part);
            to += part;
        }
        p += part;
    }
    *to = 0;
    *out = name;
    return true;
}

struct item *plan_find(const struct plan *p, const char *clean_name)
{
    return strmap_get(&p->by_name, clean_name);
}

struct item *plan_put(struct plan *p, const struct item *what)
{
    struct item *old = plan_find(p, what->name), *i = need(sizeof(*i));
    *i = *what;
    if (p->count == p->room)
        p->items =
            need_again(p->items, (p->room = p->room ? 2 * p->room : 256) * sizeof(*p->items));
    if (old)
        plan_remove(p, old);
    p->items[p->count++] = i;
    strmap_put(&p->by_name, i->name, i);
    return i;
}

// The item stays in memory: names linked to it still have their content from there.
void plan_remove(struct plan *p, struct item *i)
{
    strmap_remove(&p->by_name, i->name);
    i->nlink = UINT32_MAX; // marks it; plan_finish drops it from the list
}

struct origin *plan_origin(struct plan *p, const char *name, bool package)
{
    for (size_t i = 0; i < p->origin_count; i++)
        if (p->origins[i]->package == package && strcmp(p->origins[i]->name, name) == 0)
            return p->origins[i];
    struct origin *o = need(sizeof(*o));
    *o = (struct origin){.name = need_copy(name), .package = package};
    p->origins = need_again(p->origins, (p->origin_count + 1) * sizeof(struct origin *));
    p->origins[p->origin_count++] = o;
    return o;
}

void plan_input(struct plan *p, const char *path)
{
    p->inputs = need_again(p->inputs, (p->input_count + 1) * sizeof(char *));
    p->inputs[p->input_count++] = need_copy(path);
}

bool pattern_fits(const char *pattern, const char *clean_name)
{
    while (*pattern == '/')
        pattern++;
    return fnmatch(pattern, clean_name, 0) == 0;
}

const struct content *item_content(const struct item *i)
{
    return i->leader ? &i->leader->data : &i->data;
}

struct item *plan_resolve(const struct plan *p, const char *path)
{
    enum { ROOM = 8192, FOLLOW = 40 };
    char work[ROOM], at[ROOM] = "", spare[ROOM];
    unsigned links = 0;
    if (strlen(path) >= ROOM)
        return NULL;
    strcpy(work, path);
    char *rest = work;
    for (;;) {
        while (*rest == '/')
            rest++;
        if (!*rest)
            return plan_find(p, at);
        size_t n = strcspn(rest, "/"), have = strlen(at);
        if (n == 1 && rest[0] == '.') {
            rest += n;
            continue;
        }
        if (n == 2 && rest[0] == '.' && rest[1] == '.') {
            char *slash = strrchr(at, '/');
            *(slash ? slash : at) = 0;
            rest += n;
            continue;
        }
        if (have + n + 2 > ROOM)
            return NULL;
        if (have)
            at[have] = '/';
        memcpy(at + have + (have > 0), rest, n);
        at[have + (have > 0) + n] = 0;
        rest += n;
        struct item *i = plan_find(p, at);
        if (!i)
            return NULL;
        if (!S_ISLNK(i->mode))
            continue;
        const struct content *c = item_content(i);
        if (++links > FOLLOW || c->size + strlen(rest) + 1 > ROOM)
            return NULL;
        memcpy(spare, c->bytes, c->size);
        strcpy(spare + c->size, rest);
        strcpy(work, spare);
        rest = work;
        at[*rest == '/' ? 0 : have] = 0;
    }
}
