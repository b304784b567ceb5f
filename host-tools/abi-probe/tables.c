// Owns: the tables, built in and loaded. Built once per machine under a lock; constant afterwards.
#include "tables.h"
#include "fail.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char support_riscv64[] = {
#embed "tables/riscv64/linux_support.json"
};
static const char decode_riscv64[] = {
#embed "tables/riscv64/linux_decode.json"
};
static const char support_x86_64[] = {
#embed "tables/x86_64/linux_support.json"
};
static const char decode_x86_64[] = {
#embed "tables/x86_64/linux_decode.json"
};
static const char support_aarch64[] = {
#embed "tables/aarch64/linux_support.json"
};
static const char decode_aarch64[] = {
#embed "tables/aarch64/linux_decode.json"
};

static struct slot {
    u16 machine;
    const char *arch;
    struct bytes support, decode;
    struct tables t;
    bool ready;
} slots[] = {
#define TABLES(machine, arch)                                                                      \
    {machine,                                                                                      \
     #arch,                                                                                        \
     {(const u8 *)support_##arch, sizeof(support_##arch)},                                         \
     {(const u8 *)decode_##arch, sizeof(decode_##arch)},                                           \
     {0},                                                                                          \
     false}
    TABLES(ELF_MACHINE_RISCV, riscv64),
    TABLES(ELF_MACHINE_X86_64, x86_64),
    TABLES(ELF_MACHINE_AARCH64, aarch64),
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const char *level_name(enum level l)
{
    static const char *const names[] = {"full", "partial", "stub", "none", "unknown"};
    return names[l];
}

static enum level level_of(const char *s)
{
    for (enum level l = LEVEL_FULL; s && l < LEVEL_UNKNOWN; l++)
        if (strcmp(s, level_name(l)) == 0)
            return l;
    return LEVEL_UNKNOWN;
}

static int by_number(const void *a, const void *b)
{
    const struct call_info *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void free_tables(struct tables *t)
{
    VEC_FREE(&t->calls);
    json_free(&t->support);
    json_free(&t->decode);
}

// where: named in a failure.
static bool build(struct tables *t, struct bytes support, struct bytes decode, const char *where)
{
    u64 at;
    const char *why;
    *t = (struct tables){0};
    if (!json_read(support, &t->support, &at, &why))
        return failed(EXIT_INPUT, "%slinux_support.json: offset %llu: %s", where,
                      (unsigned long long)at, why);
    if (!json_read(decode, &t->decode, &at, &why)) {
        free_tables(t);
        return failed(EXIT_INPUT, "%slinux_decode.json: offset %llu: %s", where,
                      (unsigned long long)at, why);
    }
    t->abi = json_string(t->support.root, "abi");
    t->arch = json_string(t->support.root, "arch");
    t->pin = json_string(t->support.root, "pin");
    const struct json_node *calls = json_get(t->support.root, "calls"),
                           *numbers = json_get(t->decode.root, "numbers");
    if (!t->abi || !t->arch || !calls || !numbers) {
        free_tables(t);
        return failed(EXIT_INPUT, "%slinux_support.json: not what the table compiler writes",
                      where);
    }
    for (const struct json_node *n = calls->first; n; n = n->next) {
        const char *name = json_string(n, "name");
        if (name)
            *VEC_ADD(&t->calls) =
                (struct call_info){(i32)json_int(n, "number", -1), name,
                                   level_of(json_string(n, "support")), json_string(n, "note"), n};
    }
    usize described = t->calls.n;
    for (const struct json_node *n = numbers->first; n;
         n = n->next) { // known by name only: answered with ENOSYS
        bool have = n->kind != JSON_NUMBER;
        for (usize i = 0; i < described && !have; i++)
            have = t->calls.p[i].number == n->number;
        if (!have)
            *VEC_ADD(&t->calls) =
                (struct call_info){(i32)n->number, n->key, LEVEL_NONE, "has no entry", NULL};
    }
    if (t->calls.n)
        qsort(t->calls.p, t->calls.n, sizeof(*t->calls.p), by_number);
    return true;
}

const struct tables *tables_for(u16 machine)
{
    struct tables *found = NULL;
    pthread_mutex_lock(&lock);
    for (usize i = 0; i < ARRAY_LEN(slots); i++) {
        struct slot *s = &slots[i];
        if (s->machine != machine)
            continue;
        if (!s->ready)
            s->ready = build(&s->t, s->support, s->decode, "built-in ");
        found = s->ready ? &s->t : NULL;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

bool tables_load(const char *folder)
{
    static const char *const names[] = {"linux_support.json", "linux_decode.json"};
    struct file f[2];
    for (int i = 0; i < 2; i++) {
        char *path = need_text("%s/%s", folder, names[i]);
        int err = file_map(path, &f[i]);
        if (err) {
            failed(EXIT_SYSTEM, "%s: %s", path, strerror(err));
            free(path);
            if (i)
                file_unmap(&f[0]);
            return false;
        }
        free(path);
    }
    char *where = need_text("%s/", folder);
    struct tables t;
    bool ok = build(&t, f[0].data, f[1].data, where);
    free(where);
    file_unmap(&f[0]);
    file_unmap(&f[1]);
    if (!ok)
        return false;
    for (usize i = 0; i < ARRAY_LEN(slots); i++)
        if (strcmp(slots[i].arch, t.arch) == 0) {
            if (slots[i].ready)
                free_tables(&slots[i].t);
            slots[i].t = t;
            slots[i].ready = true;
            return true;
        }
    failed(EXIT_INPUT, "%s/linux_support.json: tables for %s, which this program does not know",
           folder, t.arch);
    free_tables(&t);
    return false;
}

const struct call_info *tables_call(const struct tables *t, i32 number)
{
    struct call_info key = {.number = number};
    return t->calls.n ? bsearch(&key, t->calls.p, t->calls.n, sizeof(key), by_number) : NULL;
}

const struct call_info *tables_named(const struct tables *t, const char *name)
{
    for (usize i = 0; i < t->calls.n; i++)
        if (strcmp(t->calls.p[i].name, name) == 0)
            return &t->calls.p[i];
    return NULL;
}

void tables_unload(void)
{
    for (usize i = 0; i < ARRAY_LEN(slots); i++)
        if (slots[i].ready) {
            free_tables(&slots[i].t);
            slots[i].ready = false;
        }
}
