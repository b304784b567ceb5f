// Makes a plan complete and sorts it; shares equal files.
#include "common/fail.h"
#include "common/progress.h"
#include "index.h"
#include "plan.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

// Parents before what is below them, otherwise by bytes.
static int order(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)(*(struct item *const *)a)->name;
    const unsigned char *y = (const unsigned char *)(*(struct item *const *)b)->name;
    while (*x && *x == *y) {
        x++;
        y++;
    }
    int l = *x == '/' ? 1 : *x == 0 ? 0 : *x + 1, r = *y == '/' ? 1 : *y == 0 ? 0 : *y + 1;
    return l - r;
}

static void drop_removed(struct plan *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i]->nlink != UINT32_MAX)
            p->items[kept++] = p->items[i];
    p->count = kept;
}

// The target of a link, seen from the folder it stands in, as a plain name; NULL: leads nowhere
// inside.
static char *link_target(const struct item *link)
{
    const char *target = link->data.bytes, *slash = strrchr(link->name, '/');
    size_t folder = *target == '/' || !slash ? 0 : (size_t)(slash - link->name);
    char *out = need(folder + strlen(target) + 2);
    size_t n = folder;
    memcpy(out, link->name, folder);
    for (const char *p = target; *p;) {
        while (*p == '/')
            p++;
        size_t part = strcspn(p, "/");
        if (part == 2 && p[0] == '.' && p[1] == '.') {
            while (n && out[n - 1] != '/')
                n--;
            n -= n > 0;
        } else if (part && !(part == 1 && p[0] == '.')) {
            if (n)
                out[n++] = '/';
            memcpy(out + n, p, part);
            n += part;
        }
        p += part;
    }
    out[n] = 0;
    return out;
}

// If a folder on the way to the item is a link, the item belongs where the link leads.
static bool through_links(struct plan *p, struct item *i)
{
    for (unsigned turns = 0;; turns++) {
        struct item *link = NULL;
        size_t cut = 0;
        for (char *s = strchr(i->name, '/'); s && !link; s = strchr(s + 1, '/')) {
            *s = 0;
            struct item *at = plan_find(p, i->name);
            *s = '/';
            if (at && S_ISLNK(at->mode) && at != i) {
                link = at;
                cut = (size_t)(s - i->name);
            }
        }
        if (!link)
            return true;
        if (turns == 40)
            return failed(EXIT_INPUT, "%s:%u: /%s: too many links on the way", i->file, i->line,
                          i->name);
        char *target = link_target(link);
        char *name = need_text("%s%s", target, i->name + cut + (*target ? 0 : 1));
        free(target);
        struct item *there = plan_find(p, name);
        if (plan_find(p, i->name) == i)
            strmap_remove(&p->by_name, i->name);
        i->name = name;
        // A directory that a real one meets in its place adds nothing.
        if (there && there != i && S_ISDIR(i->mode)) {
            i->nlink = UINT32_MAX;
            return true;
        }
        if (there && there != i)
            plan_remove(p, there);
        strmap_put(&p->by_name, i->name, i);
    }
}

static bool add_parents(struct plan *p, const struct item *of)
{
    for (const char *s = strchr(of->name, '/'); s; s = strchr(s + 1, '/')) {
        char *name = need_copy_n(of->name, (size_t)(s - of->name));
        const struct item *have = plan_find(p, name);
        if (have && !S_ISDIR(have->mode))
            return failed(EXIT_INPUT, "%s:%u: /%s: /%s is no directory (%s:%u)", of->file, of->line,
                          of->name, name, have->file, have->line);
        if (have) {
            free(name);
            continue;
        }
        plan_put(p, &(struct item){.name = name,
                                   .mode = S_IFDIR | 0755,
                                   .mtime = of->mtime,
                                   .origin = of->origin,
                                   .file = of->file,
                                   .line = of->line,
                                   .implied = true});
    }
    return true;
}

// Names that mean something else to readers of archives. An index that came as a file, unpacked by
// another tool, is not this image's.
static bool reserved_names(struct plan *p)
{
    struct item *end = plan_find(p, "TRAILER!!!"), *index = plan_find(p, INDEX_NAME);
    if (index)
        plan_remove(p, index);
    return !end || failed(EXIT_INPUT, "%s:%u: /%s: the name that ends every archive", end->file,
                          end->line, end->name);
}

bool plan_finish(struct plan *p)
{
    if (!reserved_names(p))
        return false;
    drop_removed(p);
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i]->nlink != UINT32_MAX && !through_links(p, p->items[i]))
            return false;
    drop_removed(p);
    // No reader of newc joins symbolic links: each name carries the target.
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i]->leader && S_ISLNK(p->items[i]->mode)) {
            p->items[i]->data = p->items[i]->leader->data;
            p->items[i]->leader = NULL;
        }
    size_t named = p->count; // what add_parents appends needs no parents of its own
    for (size_t i = 0; i < named; i++) {
        const struct item *one = p->items[i];
        if (!add_parents(p, one))
            return false;
    }
    if (p->count)
        qsort(p->items, p->count, sizeof(struct item *), order);
    for (size_t i = 0; i < p->abi_count; i++)
        for (size_t k = 0; k < p->count; k++)
            if (S_ISREG(p->items[k]->mode) &&
                pattern_fits(p->abi_rules[i].pattern, p->items[k]->name))
                p->items[k]->abi = p->abi_rules[i].abi;
    return true;
}

// --- equal files -------------------------------------------------------------------------------

struct candidate {
    struct item *item; // never a link
    uint32_t crc;
};

static int by_size(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->item->data.size != y->item->data.size)
        return x->item->data.size < y->item->data.size ? -1 : 1;
    return strcmp(x->item->name, y->item->name);
}

static bool sum(struct item *i, uint32_t *crc)
{
    enum { STEP = 1 << 18 };
    unsigned char *buffer = need(STEP);
    uLong c = crc32(0, NULL, 0);
    bool ok = true;
    for (uint64_t at = 0; ok && at < i->data.size;) {
        size_t n = i->data.size - at < STEP ? (size_t)(i->data.size - at) : STEP;
        ok = content_read(&i->data, at, buffer, n);
        c = crc32(c, buffer, (uInt)n);
        at += n;
        progress_add(n);
    }
    free(buffer);
    *crc = (uint32_t)c;
    i->crc = *crc;
    i->crc_known = ok;
    return ok;
}

static bool same_bytes(const struct content *a, const struct content *b, bool *same)
{
    enum { STEP = 1 << 16 };
    char *x = need(2 * STEP), *y = x + STEP;
    bool ok = true;
    *same = true;
    for (uint64_t at = 0; ok && *same && at < a->size; at += STEP) {
        size_t n = a->size - at < STEP ? (size_t)(a->size - at) : STEP;
        ok = content_read(a, at, x, n) && content_read(b, at, y, n);
        *same = ok && memcmp(x, y, n) == 0;
    }
    free(x);
    return ok;
}

static bool may_share(const struct item *a, const struct item *b)
{
    return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->mtime == b->mtime;
}

// Links every later file of a run of one size to the first that has the same bytes and attributes.
static bool share_run(struct plan *p, struct candidate *run, size_t count, bool only_count)
{
    for (size_t i = 0; i < count; i++)
        if (!sum(run[i].item, &run[i].crc))
            return false;
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            bool same = run[k].crc == run[i].crc && !run[k].item->leader;
            if (!same || (!only_count && !may_share(run[k].item, run[i].item)))
                continue;
            if (!same_bytes(&run[k].item->data, &run[i].item->data, &same))
                return false;
            if (!same)
                continue;
            p->duplicate_bytes += run[i].item->data.size;
            if (only_count)
                break;
            for (size_t n = 0; n < p->count; n++)
                if (p->items[n]->leader == run[i].item)
                    p->items[n]->leader = run[k].item;
            run[i].item->leader = run[k].item;
            break;
        }
    return true;
}

bool plan_share(struct plan *p, bool only_count)
{
    struct candidate *all = need((p->count + 1) * sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (S_ISREG(p->items[i]->mode) && !p->items[i]->leader && p->items[i]->data.size)
            all[n++] = (struct candidate){.item = p->items[i]};
    qsort(all, n, sizeof(*all), by_size);
    bool ok = true;
    for (size_t i = 0, next; ok && i < n; i = next) {
        for (next = i + 1; next < n && all[next].item->data.size == all[i].item->data.size;)
            next++;
        if (next - i > 1)
            ok = share_run(p, all + i, next - i, only_count);
    }
    free(all);
    return ok;
}
