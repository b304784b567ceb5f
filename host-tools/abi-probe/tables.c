// Owns: the tables, built in and loaded. Built once per machine under a lock; constant afterwards.
#include "tables.h"
#include "fail.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char support_riscv64[] = {
#embed "tables/riscv64/linux_support.json"
};
static const char decode_riscv64[] = {
#embed "tables/riscv64/linux_decode.json"
};
static const char consts_riscv64[] = {
#embed "tables/riscv64/linux_consts.h"
};
static const char support_x86_64[] = {
#embed "tables/x86_64/linux_support.json"
};
static const char decode_x86_64[] = {
#embed "tables/x86_64/linux_decode.json"
};
static const char consts_x86_64[] = {
#embed "tables/x86_64/linux_consts.h"
};
static const char support_aarch64[] = {
#embed "tables/aarch64/linux_support.json"
};
static const char decode_aarch64[] = {
#embed "tables/aarch64/linux_decode.json"
};
static const char consts_aarch64[] = {
#embed "tables/aarch64/linux_consts.h"
};
static const char support_xv6[] = {
#embed "tables/other/xv6_support.json"
};
static const char decode_xv6[] = {
#embed "tables/other/xv6_decode.json"
};
static const char consts_xv6[] = {
#embed "tables/other/xv6_consts.h"
};
static const char support_scarlet[] = {
#embed "tables/other/scarlet_support.json"
};
static const char decode_scarlet[] = {
#embed "tables/other/scarlet_decode.json"
};
static const char consts_scarlet[] = {
#embed "tables/other/scarlet_consts.h"
};

// machine 0: of any.
static struct slot {
    u16 machine;
    const char *abi, *arch;
    struct bytes support, decode, consts;
    struct tables t;
    bool ready;
} slots[] = {
#define TABLES(machine, abi, arch, id)                                                             \
    {machine,                                                                                      \
     abi,                                                                                          \
     arch,                                                                                         \
     {(const u8 *)support_##id, sizeof(support_##id)},                                             \
     {(const u8 *)decode_##id, sizeof(decode_##id)},                                               \
     {(const u8 *)consts_##id, sizeof(consts_##id)},                                               \
     {0},                                                                                          \
     false}
    TABLES(ELF_MACHINE_RISCV, "linux", "riscv64", riscv64),
    TABLES(ELF_MACHINE_X86_64, "linux", "x86_64", x86_64),
    TABLES(ELF_MACHINE_AARCH64, "linux", "aarch64", aarch64),
    TABLES(0, "xv6", "riscv64", xv6),
    TABLES(0, "scarlet", "riscv64", scarlet),
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

static void index_names(struct tables *t)
{
    for (usize i = 0; i < t->calls.n; i++)
        if (!strmap_get(&t->names, t->calls.p[i].name))
            strmap_put(&t->names, t->calls.p[i].name, &t->calls.p[i]);
    const struct json_node *calls = json_get(t->decode.root, "calls");
    for (struct json_node *n = calls ? calls->first : NULL; n; n = n->next)
        if (json_string(n, "name"))
            strmap_put(&t->entries, json_string(n, "name"), n);
    const struct json_node *sets = json_get(t->decode.root, "sets");
    for (struct json_node *s = sets ? sets->first : NULL; s; s = s->next) {
        const struct json_node *values = json_get(s, "values");
        if (s->key)
            strmap_put(&t->sets, s->key, s);
        for (struct json_node *v = values ? values->first : NULL; v; v = v->next) {
            const char *name = json_string(v, "name");
            if (name && !strmap_get(&t->values, name))
                strmap_put(&t->values, name, v);
        }
    }
}

// Constants that no set has: "#define LINUX_NAME number" in the generated header.
static void index_constants(struct tables *t, struct bytes text)
{
    static const char define[] = "#define LINUX_";
    t->constant_names = xalloc(text.n + 1, 1);
    if (text.n)
        memcpy(t->constant_names, text.p, text.n);
    usize lines = 1;
    for (u64 i = 0; i < text.n; i++)
        lines += t->constant_names[i] == '\n';
    t->constants = xalloc(lines, sizeof(*t->constants));
    char *at = t->constant_names;
    for (char *line; (line = strsep(&at, "\n"));) {
        char *name =
                 strncmp(line, define, sizeof(define) - 1) == 0 ? line + sizeof(define) - 1 : "",
             *space = strchr(name, ' '), *end;
        if (!space)
            continue;
        *space = 0;
        i64 value =
            space[1] == '-' ? strtoll(space + 1, &end, 0) : (i64)strtoull(space + 1, &end, 0);
        if (end == space + 1 || strmap_get(&t->values, name))
            continue;
        struct json_node *first = &t->constants[--lines].value, *node = &t->constants[lines].node;
        *first = (struct json_node){.kind = JSON_NUMBER, .key = "value", .number = value};
        *node = (struct json_node){.kind = JSON_OBJECT, .first = first};
        strmap_put(&t->values, name, node);
    }
}

static void free_tables(struct tables *t)
{
    strmap_free(&t->names);
    strmap_free(&t->entries);
    strmap_free(&t->values);
    strmap_free(&t->sets);
    free(t->constants);
    free(t->constant_names);
    VEC_FREE(&t->calls);
    json_free(&t->support);
    json_free(&t->decode);
}

// where: named in a failure.
static bool build(struct tables *t, struct bytes support, struct bytes decode, struct bytes consts,
                  const char *where)
{
    u64 at;
    const char *why;
    *t = (struct tables){0};
    if (!json_read(support, &t->support, &at, &why))
        return failed(EXIT_INPUT, "%ssupport.json: offset %llu: %s", where, (unsigned long long)at,
                      why);
    if (!json_read(decode, &t->decode, &at, &why)) {
        free_tables(t);
        return failed(EXIT_INPUT, "%sdecode.json: offset %llu: %s", where, (unsigned long long)at,
                      why);
    }
    t->abi = json_string(t->support.root, "abi");
    t->arch = json_string(t->support.root, "arch");
    t->pin = json_string(t->support.root, "pin");
    const struct json_node *calls = json_get(t->support.root, "calls"),
                           *numbers = json_get(t->decode.root, "numbers");
    if (!t->abi || !t->arch || !calls || !numbers) {
        free_tables(t);
        return failed(EXIT_INPUT, "%ssupport.json: not what the table compiler writes", where);
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
        sort(t->calls.p, t->calls.n, sizeof(*t->calls.p), by_number);
    index_names(t);
    index_constants(t, consts);
    return true;
}

const struct tables *tables_for(const char *abi, u16 machine)
{
    struct tables *found = NULL;
    pthread_mutex_lock(&lock);
    for (usize i = 0; i < ARRAY_LEN(slots); i++) {
        struct slot *s = &slots[i];
        if (strcmp(s->abi, abi) != 0 || (s->machine && s->machine != machine))
            continue;
        if (!s->ready)
            s->ready = build(&s->t, s->support, s->decode, s->consts, "built-in ");
        found = s->ready ? &s->t : NULL;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

// 1: taken, 0: the folder has none of that ABI, -1: a failure.
static int load(const char *folder, const char *abi)
{
    static const char *const names[] = {"support.json", "decode.json", "consts.h"};
    struct file f[3] = {0};
    int got = 1;
    for (int i = 0; i < 3 && got == 1; i++) {
        char *path = need_text("%s/%s_%s", folder, abi, names[i]);
        int err = file_map(path, &f[i]);
        if (err == ENOENT && i == 0)
            got = 0;
        else if (err && i < 2) // the constants are wanted by a few rules only
            got = failed(EXIT_SYSTEM, "%s: %s", path, strerror(err)) ? 1 : -1;
        free(path);
    }
    char *where = need_text("%s/%s_", folder, abi);
    struct tables t;
    if (got == 1 && !build(&t, f[0].data, f[1].data, f[2].data, where))
        got = -1;
    free(where);
    for (int i = 0; i < 3; i++)
        file_unmap(&f[i]);
    if (got != 1)
        return got;
    for (usize i = 0; i < ARRAY_LEN(slots); i++)
        if (strcmp(slots[i].abi, t.abi) == 0 && strcmp(slots[i].arch, t.arch) == 0) {
            if (slots[i].ready)
                free_tables(&slots[i].t);
            slots[i].t = t;
            slots[i].ready = true;
            return 1;
        }
    failed(EXIT_INPUT, "%s/%s_support.json: tables of %s for %s, which this program does not know",
           folder, abi, t.abi, t.arch);
    free_tables(&t);
    return -1;
}

bool tables_load(const char *folder)
{
    static const char *const abis[] = {"linux", "xv6", "scarlet"};
    bool any = false;
    for (usize i = 0; i < ARRAY_LEN(abis); i++) {
        int got = load(folder, abis[i]);
        if (got < 0)
            return false;
        any |= got > 0;
    }
    return any ||
           failed(EXIT_SYSTEM,
                  "%s: none of linux_support.json, xv6_support.json, scarlet_support.json", folder);
}

const struct call_info *tables_call(const struct tables *t, i32 number)
{
    struct call_info key = {.number = number};
    return t->calls.n ? bsearch(&key, t->calls.p, t->calls.n, sizeof(key), by_number) : NULL;
}

const struct call_info *tables_named(const struct tables *t, const char *name)
{
    return strmap_get(&t->names, name);
}

void tables_unload(void)
{
    for (usize i = 0; i < ARRAY_LEN(slots); i++)
        if (slots[i].ready) {
            free_tables(&slots[i].t);
            slots[i].ready = false;
        }
}
