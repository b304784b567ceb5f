// Owns: the store of units. Lock: store.lock guards the list; each unit's analysis runs once, other
// threads wait for it.
#include "unit.h"
#include "fail.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t done;
    VEC(struct entry {
        dev_t dev;
        ino_t ino;
        struct unit *u;
        bool busy;
        u32 users;
    })
    list;
} store = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static u32 hash_name(const char *s)
{
    u32 h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (u8)*s) * 16777619u;
    return h;
}

static void index_exports(struct unit *u)
{
    u->bucket_n = 16;
    while (u->bucket_n < u->m.exports.n)
        u->bucket_n *= 2;
    u->buckets = xalloc(u->bucket_n, sizeof(u32));
    u->chain = xalloc(u->m.exports.n, sizeof(u32));
    for (u32 i = 0; i < u->m.exports.n; i++) {
        u32 b = hash_name(module_name(&u->m, u->m.exports.p[i].name)) & (u->bucket_n - 1);
        u->chain[i] = u->buckets[b];
        u->buckets[b] = i + 1;
    }
    u->first_call = xalloc(u->m.funcs.n + 2, sizeof(u32));
    for (usize i = 0; i < u->m.calls.n; i++)
        u->first_call[u->m.calls.p[i].func + 1]++;
    for (usize i = 1; i < u->m.funcs.n + 2; i++)
        u->first_call[i] += u->first_call[i - 1];
    for (usize i = 0; i < u->m.imports.n; i++) {
        const char *n = module_name(&u->m, u->m.imports.p[i].name);
        u->opens |= strcmp(n, "dlopen") == 0 || strcmp(n, "dlmopen") == 0;
        u->finds |= strcmp(n, "dlsym") == 0 || strcmp(n, "dlvsym") == 0;
    }
}

u32 unit_export(const struct unit *u, const char *name, const char *version)
{
    u32 any = UINT32_MAX;
    if (!u->bucket_n)
        return any;
    for (u32 i = u->buckets[hash_name(name) & (u->bucket_n - 1)]; i; i = u->chain[i - 1]) {
        const struct mod_symbol *s = &u->m.exports.p[i - 1];
        if (strcmp(module_name(&u->m, s->name), name) != 0)
            continue;
        if (version && s->version && strcmp(module_name(&u->m, s->version), version) == 0)
            return i - 1;
        if (any == UINT32_MAX || !(s->flags & SYMBOL_HIDDEN))
            any = i - 1;
    }
    return any;
}

static struct unit *make(struct file file, const char *path, const char *name)
{
    struct unit *u = xalloc(1, sizeof(*u));
    u->file = file;
    u->path = need_copy(path);
    u->name = need_copy(name);
    elf_read(file.data, &u->e);
    return u;
}

void unit_free(struct unit *u)
{
    if (!u)
        return;
    elf_free(&u->e);
    module_free(&u->m);
    file_unmap(&u->file);
    free(u->buckets);
    free(u->chain);
    free(u->first_call);
    free(u->path);
    free(u->name);
    free(u);
}

struct unit *unit_open(const char *path, const char *name, int *err)
{
    struct stat st;
    if (stat(path, &st)) {
        *err = errno;
        return NULL;
    }
    pthread_mutex_lock(&store.lock);
    for (usize i = 0; i < store.list.n; i++) {
        struct entry *e = &store.list.p[i];
        if (e->u && e->dev == st.st_dev && e->ino == st.st_ino) {
            e->users++;
            struct unit *u = e->u;
            pthread_mutex_unlock(&store.lock);
            return u;
        }
    }
    struct file file;
    struct unit *u = NULL;
    *err = file_map(path, &file);
    if (!*err && (file.data.n < 20 || memcmp(file.data.p, "\177ELF", 4) != 0)) {
        file_unmap(&file);
        *err = ENOEXEC;
    }
    if (!*err) {
        u = make(file, path, name);
        u->taken = true;
        *VEC_ADD(&store.list) = (struct entry){st.st_dev, st.st_ino, u, false, 1};
    }
    pthread_mutex_unlock(&store.lock);
    return u;
}

static void analyse(struct unit *u, const char *cache)
{
    u8 hash[32];
    if (cache)
        sha256(u->file.data, hash);
    if (!cache || !cache_load(cache, hash, &u->m)) {
        module_analyse(&u->e, NULL, 0, &u->m);
        if (cache)
            cache_store(cache, hash, &u->m);
    }
    index_exports(u);
}

static struct entry *entry_of(const struct unit *u)
{
    for (usize i = 0; i < store.list.n; i++)
        if (store.list.p[i].u == u)
            return &store.list.p[i];
    return NULL;
}

void unit_analyse(struct unit *u, const char *cache)
{
    if (!u->taken) {
        if (!u->ready)
            analyse(u, cache);
        u->ready = true;
        return;
    }
    pthread_mutex_lock(&store.lock);
    while (entry_of(u)->busy)
        pthread_cond_wait(&store.done, &store.lock);
    if (u->ready) {
        pthread_mutex_unlock(&store.lock);
        return;
    }
    entry_of(u)->busy = true;
    pthread_mutex_unlock(&store.lock);
    analyse(u, cache);
    pthread_mutex_lock(&store.lock);
    entry_of(u)->busy = false;
    u->ready = true;
    pthread_cond_broadcast(&store.done);
    pthread_mutex_unlock(&store.lock);
}

void unit_close(struct unit *u)
{
    if (!u->taken) {
        unit_free(u);
        return;
    }
    pthread_mutex_lock(&store.lock);
    struct entry *e = entry_of(u);
    bool last = --e->users == 0 && !u->e.soname;
    if (last)
        *e = store.list.p[--store.list.n];
    pthread_mutex_unlock(&store.lock);
    if (last)
        unit_free(u);
}

struct unit *unit_from(struct bytes data, const char *name)
{
    return make((struct file){data, false}, name, name);
}

struct unit *unit_again(const struct unit *u, const struct watch *watch, usize n)
{
    struct unit *copy = make((struct file){u->file.data, false}, u->path, u->name);
    module_analyse(&copy->e, watch, n, &copy->m);
    index_exports(copy);
    copy->ready = true;
    return copy;
}
