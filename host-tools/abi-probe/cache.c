// Owns: analyses kept in a folder between runs, one file per content. A file from elsewhere,
// damaged or of another version counts as absent: every index in it is checked before use.
#include "fail.h"
#include "files.h"
#include "unit.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CACHE_FORMAT = 15 };
static const char cache_magic[8] = "abiprob";

struct header {
    char magic[8];
    u32 format, machine;
    u64 sites, instructions, budget_hit, count[9];
    u8 check[32]; // of the whole file, with zeros here
};

static char *cache_path(const char *folder, const u8 hash[32])
{
    char name[65];
    for (unsigned i = 0; i < 32; i++)
        snprintf(name + 2 * i, 3, "%02x", hash[i]);
    return need_text("%s/%.2s/%s", folder, name, name + 2);
}

#define ARRAYS(X)                                                                                  \
    X(0, funcs)                                                                                    \
    X(1, edges)                                                                                    \
    X(2, calls) X(3, wrappers) X(4, slots) X(5, starts) X(6, imports) X(7, exports) X(8, text)

static bool sound_symbols(const struct module *m, const struct mod_symbol *s, usize n)
{
    for (usize i = 0; i < n; i++)
        if (s[i].name >= m->text.n || s[i].version >= m->text.n ||
            (s[i].func != UINT32_MAX && s[i].func >= m->funcs.n))
            return false;
    return true;
}

static bool sound(const struct module *m)
{
    if (m->text.n == 0 || m->text.p[m->text.n - 1] != 0)
        return false;
    for (usize i = 0; i < m->funcs.n; i++) {
        const struct mod_func *f = &m->funcs.p[i];
        if (f->name >= m->text.n || f->edge > m->edges.n || f->edges > m->edges.n - f->edge ||
            (i && f->start < f[-1].end) || f->end < f->start)
            return false;
    }
    for (usize i = 0; i < m->edges.n; i++) {
        const struct mod_edge *e = &m->edges.p[i];
        usize limit = e->kind == EDGE_CALL || e->kind == EDGE_TAKES ? m->funcs.n
                      : e->kind == EDGE_IMPORT                      ? m->imports.n
                                                                    : m->text.n;
        if (e->kind > EDGE_NAMES || e->to >= limit)
            return false;
    }
    for (usize i = 0; i < m->calls.n; i++)
        if (m->calls.p[i].func >= m->funcs.n || m->calls.p[i].why >= m->text.n ||
            (i && m->calls.p[i].func < m->calls.p[i - 1].func))
            return false;
    for (usize i = 0; i < m->wrappers.n; i++)
        if (m->wrappers.p[i].func >= m->funcs.n)
            return false;
    u32 group = 0;
    for (usize i = 0; i < m->slots.n; i++) {
        const struct mod_slot *s = &m->slots.p[i];
        if ((s->import >= 0 && (usize)s->import >= m->imports.n) || s->group < group ||
            s->group > i || (i && s->at < s[-1].at))
            return false;
        group = s->group;
    }
    return sound_symbols(m, m->imports.p, m->imports.n) &&
           sound_symbols(m, m->exports.p, m->exports.n);
}

bool cache_load(const char *folder, const u8 hash[32], struct module *m)
{
    char *path = cache_path(folder, hash);
    struct file f;
    int err = file_map(path, &f);
    free(path);
    if (err)
        return false;
    struct header h;
    bool ok = f.data.n >= sizeof(h);
    *m = (struct module){0};
    if (ok) {
        memcpy(&h, f.data.p, sizeof(h));
        struct bytes rest = slice(f.data, sizeof(h), f.data.n - sizeof(h));
        u8 check[32], *whole = xalloc(f.data.n, 1);
        memcpy(whole, f.data.p, f.data.n);
        memset(whole + offsetof(struct header, check), 0, sizeof(h.check));
        sha256((struct bytes){whole, f.data.n}, check);
        free(whole);
        ok = memcmp(h.magic, cache_magic, 8) == 0 && h.format == CACHE_FORMAT &&
             memcmp(check, h.check, 32) == 0;
        u64 at = 0;
#define LOAD(i, array)                                                                             \
    if (ok && h.count[i] <= rest.n / sizeof(*m->array.p) &&                                        \
        h.count[i] * sizeof(*m->array.p) <= rest.n - at) {                                         \
        m->array.n = m->array.cap = h.count[i];                                                    \
        m->array.p = xalloc(m->array.n, sizeof(*m->array.p));                                      \
        if (m->array.n)                                                                            \
            memcpy(m->array.p, rest.p + at, m->array.n * sizeof(*m->array.p));                     \
        at += m->array.n * sizeof(*m->array.p);                                                    \
    } else                                                                                         \
        ok = false;
        ARRAYS(LOAD)
        m->machine = (u16)h.machine;
        m->sites = h.sites;
        m->instructions = h.instructions;
        m->budget_hit = h.budget_hit;
        ok = ok && at == rest.n && sound(m);
    }
    file_unmap(&f);
    if (!ok)
        module_free(m);
    return ok;
}

static bool put(int fd, const void *p, usize n)
{
    for (const char *c = p; n;) {
        ssize_t done = write(fd, c, n);
        if (done <= 0)
            return false;
        c += done;
        n -= (usize)done;
    }
    return true;
}

// A cache that cannot be written is no error: the next run analyses again.
void cache_store(const char *folder, const u8 hash[32], const struct module *m)
{
    struct header h = {.format = CACHE_FORMAT,
                       .machine = m->machine,
                       .sites = m->sites,
                       .instructions = m->instructions,
                       .budget_hit = m->budget_hit};
    memcpy(h.magic, cache_magic, 8);
    u64 total = 0;
#define COUNT(i, array) h.count[i] = m->array.n, total += m->array.n * sizeof(*m->array.p);
    ARRAYS(COUNT)
    u8 *all = xalloc(sizeof(h) + total, 1), *at = all + sizeof(h);
#define COPY(i, array)                                                                             \
    if (m->array.n)                                                                                \
        memcpy(at, m->array.p, m->array.n * sizeof(*m->array.p)),                                  \
            at += m->array.n * sizeof(*m->array.p);
    ARRAYS(COPY)
    memcpy(all, &h, sizeof(h));
    sha256((struct bytes){all, sizeof(h) + total}, h.check);
    memcpy(all, &h, sizeof(h));
    char *path = cache_path(folder, hash), *slash = strrchr(path, '/'),
         *part = need_text("%s.XXXXXX", path);
    *slash = 0;
    if (make_directories(path)) {
        int fd = mkostemp(part, O_CLOEXEC);
        bool ok = fd >= 0 && put(fd, all, sizeof(h) + total);
        if (fd >= 0)
            close(fd);
        *slash = '/';
        if (fd >= 0 && (!ok || rename(part, path)))
            unlink(part);
    }
    free(all);
    free(path);
    free(part);
}
