// Owns: finding libraries in a root as ld.so(8) does (RPATH, RUNPATH, ld.so.conf, default folders),
// and resolving symbols.
#include "fail.h"
#include "program.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_MEMBERS = 4096, MAX_DEPTH = 6 };

static void report_missing(struct program *p, const char *what, u32 by)
{
    for (usize i = 0; i < p->missing.n; i++)
        if (strcmp(p->missing.p[i].what, what) == 0)
            return;
    *VEC_ADD(&p->missing) = (struct missing){
        need_copy(what), need_copy(by < p->members.n ? p->members.p[by].u->name : "")};
}

u32 program_add(struct program *p, struct unit *u, u32 by, bool opened)
{
    for (u32 i = 0; i < p->members.n; i++)
        if (p->members.p[i].u == u) {
            unit_close(u);
            return i;
        }
    *VEC_ADD(&p->members) = (struct member){.u = u, .by = by, .opened = opened};
    return (u32)p->members.n - 1;
}

// Opens path inside the root if it is an ELF file for this program's machine.
static struct unit *try_path(struct program *p, const char *path)
{
    int err;
    char *host = root_path(p->o->root, path, &err);
    if (!host)
        return NULL;
    struct unit *u = unit_open(host, path, &err);
    free(host);
    const struct elf *first = &p->members.p[0].u->e;
    if (u && (u->e.machine != first->machine || u->e.class != first->class ||
              u->e.big != first->big || u->e.type != ELF_TYPE_DYN)) {
        unit_close(u);
        return NULL;
    }
    return u;
}

static char *expand(const char *path, usize n, const char *origin)
{
    static const char *const words[] = {"$ORIGIN", "${ORIGIN}", "$LIB", "${LIB}"};
    char *out = need_copy_n(path, n);
    for (usize w = 0; w < ARRAY_LEN(words); w++)
        for (char *at; (at = strstr(out, words[w])) && strlen(out) < 4096;) {
            *at = 0;
            char *longer = need_text("%s%s%s", out, w < 2 ? origin : "lib", at + strlen(words[w]));
            free(out);
            out = longer;
        }
    return out;
}

static struct unit *in_list(struct program *p, const char *list, const char *name, u32 by)
{
    char *origin = need_copy(p->members.p[by].u->name), *slash = strrchr(origin, '/');
    if (slash)
        *slash = 0;
    struct unit *u = NULL;
    for (const char *at = list; at && *at && !u;) {
        usize n = strcspn(at, ":");
        char *folder = expand(at, n, origin), *path = need_text("%s/%s", folder, name);
        u = try_path(p, path);
        free(folder);
        free(path);
        at += n + (at[n] == ':');
    }
    free(origin);
    return u;
}

// Folders named in ld.so.conf and the files that it includes.
static struct unit *in_conf(struct program *p, const char *conf, const char *name, int depth)
{
    int err;
    char *host = root_path(p->o->root, conf, &err);
    FILE *f = host ? fopen(host, "re") : NULL;
    free(host);
    struct unit *u = NULL;
    char line[1024];
    while (f && !u && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "#\n")] = 0;
        char *word = line + strspn(line, " \t");
        usize end = strlen(word);
        while (end && (word[end - 1] == ' ' || word[end - 1] == '\t'))
            word[--end] = 0;
        if (strncmp(word, "include ", 8) == 0 && depth < 4) {
            char *pattern = need_copy(word + 8 + strspn(word + 8, " \t")),
                 *last = strrchr(pattern, '/');
            if (last) {
                *last = 0;
                host = root_path(p->o->root, pattern, &err);
                struct dirent **list = NULL;
                int n = host ? scandir(host, &list, NULL, alphasort) : 0;
                for (int i = 0; i < n; i++) {
                    if (!u && fnmatch(last + 1, list[i]->d_name, FNM_PERIOD) == 0) {
                        char *inner = need_text("%s/%s", pattern, list[i]->d_name);
                        u = in_conf(p, inner, name, depth + 1);
                        free(inner);
                    }
                    free(list[i]);
                }
                free(list);
                free(host);
            }
            free(pattern);
        } else if (*word == '/') {
            char *path = need_text("%s/%s", word, name);
            u = try_path(p, path);
            free(path);
        }
    }
    if (f)
        fclose(f);
    return u;
}

static struct unit *search(struct program *p, const char *name, u32 by)
{
    if (strchr(name, '/'))
        return try_path(p, name);
    const struct elf *e = &p->members.p[by].u->e;
    struct unit *u = NULL;
    if (!e->runpath) { // RPATH counts for those that were loaded on behalf, RUNPATH only for the
                       // file itself
        u32 at = by;
        for (int depth = 0; !u && depth < 64; depth++) {
            if (p->members.p[at].u->e.rpath)
                u = in_list(p, p->members.p[at].u->e.rpath, name, at);
            if (at == 0)
                break;
            at = p->members.p[at].by;
        }
    } else
        u = in_list(p, e->runpath, name, by);
    if (!u)
        u = in_conf(p, "/etc/ld.so.conf", name, 0);
    const struct machine *m = machine_find(e->machine, e->class, e->big);
    static const char *const folders[] = {"/lib/%s",    "/usr/lib/%s", "/lib64",
                                          "/usr/lib64", "/lib",        "/usr/lib"};
    for (usize i = 0; !u && i < ARRAY_LEN(folders); i++) {
        char *folder = i < 2 ? need_text(i ? "/usr/lib/%s" : "/lib/%s", m ? m->tuple : "none")
                             : need_copy(folders[i]);
        char *path = need_text("%s/%s", folder, name);
        u = try_path(p, path);
        free(folder);
        free(path);
    }
    return u;
}

// True if name is a library that could be found (or is loaded already).
bool program_library(struct program *p, const char *name, u32 by, bool opened, bool must)
{
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    for (u32 i = 0; i < p->members.n; i++) {
        const struct unit *u = p->members.p[i].u;
        const char *own = strrchr(u->name, '/') ? strrchr(u->name, '/') + 1 : u->name;
        if ((u->e.soname && strcmp(u->e.soname, base) == 0) || strcmp(own, base) == 0)
            return true;
    }
    if (p->members.n >= MAX_MEMBERS)
        return false;
    struct unit *u = search(p, name, by);
    if (u)
        program_add(p, u, by, opened);
    else if (must)
        report_missing(p, name, by);
    return u != NULL;
}

static void add_folder(struct program *p, const char *path, const char *host, u32 by, int depth)
{
    struct dirent **list = NULL;
    int n = scandir(host, &list, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        char *inner = need_text("%s/%s", path, name), *below = need_text("%s/%s", host, name);
        struct stat st;
        if (name[0] != '.' && lstat(below, &st) == 0) {
            if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
                add_folder(p, inner, below, by, depth + 1);
            else if (S_ISREG(st.st_mode) && strstr(name, ".so") && p->members.n < MAX_MEMBERS) {
                struct unit *u = try_path(p, inner);
                if (u)
                    program_add(p, u, by, true);
            }
        }
        free(inner);
        free(below);
        free(list[i]);
    }
    free(list);
}

void program_path(struct program *p, const char *path, u32 by)
{
    int err;
    struct stat st;
    char *host = root_path(p->o->root, path, &err);
    if (host && stat(host, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            add_folder(p, path, host, by, 0);
        else if (S_ISREG(st.st_mode)) {
            struct unit *u = try_path(p, path);
            if (u)
                program_add(p, u, by, true);
        }
    }
    free(host);
}

// Breadth first, as ld.so does: the order is the order of symbol search.
static void load_needed(struct program *p, u32 first)
{
    for (u32 i = first; i < p->members.n; i++) {
        const struct elf *e = &p->members.p[i].u->e;
        if (e->interp) {
            struct unit *u = try_path(p, e->interp);
            if (u)
                program_add(p, u, i, false);
            else
                report_missing(p, e->interp, i);
        }
        for (usize k = 0; k < p->members.p[i].u->e.needed.n; k++)
            program_library(p, p->members.p[i].u->e.needed.p[k], i, false, true);
    }
}

static void check_versions(struct program *p, u32 first)
{
    for (u32 i = first; i < p->members.n; i++)
        for (usize k = 0; k < p->members.p[i].u->e.needs.n; k++) {
            const struct elf_need *n = &p->members.p[i].u->e.needs.p[k];
            for (u32 j = 0; j < p->members.n; j++) {
                const struct elf *e = &p->members.p[j].u->e;
                if (!e->soname || strcmp(e->soname, n->file) != 0 || n->weak)
                    continue;
                bool have = false;
                for (usize v = 0; v < e->defines.n; v++)
                    have |= strcmp(e->defines.p[v], n->version) == 0;
                if (!have)
                    *VEC_ADD(&p->undefined) =
                        (struct missing){need_text("version %s of %s", n->version, n->file),
                                         need_copy(p->members.p[i].u->name)};
            }
        }
}

u64 program_import(struct program *p, u32 member, u32 import)
{
    u64 *known = &p->members.p[member].imports[import];
    if (*known != UINT64_MAX - 1)
        return *known;
    const struct module *m = &p->members.p[member].u->m;
    const char *name = module_name(m, m->imports.p[import].name),
               *version = m->imports.p[import].version
                              ? module_name(m, m->imports.p[import].version)
                              : NULL;
    *known = UINT64_MAX;
    for (u32 i = 0; i < p->members.n && *known == UINT64_MAX; i++) {
        if (!p->members.p[i].u->ready)
            continue;
        u32 e = unit_export(p->members.p[i].u, name, version);
        if (e != UINT32_MAX &&
            !(i == member && p->members.p[i].u->m.exports.p[e].func == UINT32_MAX &&
              m->imports.p[import].flags & SYMBOL_WEAK))
            *known = (u64)i << 32 | e;
    }
    return *known;
}

// Imports of member i that are wrappers elsewhere and were not known as such when it was analysed.
static void know_wrappers(struct program *p, u32 i)
{
    VEC(struct watch) watch = {0};
    struct unit *u = p->members.p[i].u;
    for (u32 k = 0; k < u->m.imports.n; k++) {
        u64 to = program_import(p, i, k);
        const char *name = module_name(&u->m, u->m.imports.p[k].name);
        if (to == UINT64_MAX || strcmp(name, "syscall") == 0 || (u32)(to >> 32) == i)
            continue;
        const struct module *m = &p->members.p[to >> 32].u->m;
        for (usize w = 0; w < m->wrappers.n; w++)
            if (m->wrappers.p[w].func == m->exports.p[(u32)to].func)
                *VEC_ADD(&watch) = (struct watch){name, m->wrappers.p[w].place};
    }
    if (watch.n) {
        struct unit *again = unit_again(u, watch.p, watch.n);
        if (p->members.p[i].own)
            unit_free(u);
        else if (i)
            unit_close(u);
        p->members.p[i].u = again;
        p->members.p[i].own = true;
    }
    VEC_FREE(&watch);
}

void program_prepare(struct program *p, u32 first)
{
    if (!p->o->no_libraries)
        load_needed(p, first);
    check_versions(p, first);
    for (u32 i = (u32)p->members.n; i-- > first;) // libraries first
        unit_analyse(p->members.p[i].u, p->o->cache);
    for (u32 i = first; i < p->members.n; i++) {
        struct member *m = &p->members.p[i];
        m->imports = xalloc(m->u->m.imports.n, sizeof(u64));
        for (usize k = 0; k < m->u->m.imports.n; k++)
            m->imports[k] = UINT64_MAX - 1;
    }
    for (u32 i = first; i < p->members.n; i++)
        know_wrappers(p, i);
    for (u32 i = first; i < p->members.n; i++) {
        struct member *m = &p->members.p[i];
        usize n = m->u->m.funcs.n, slots = m->u->m.slots.n;
        m->funcs = xalloc(n / 64 + 1, sizeof(u64));
        m->groups = xalloc(slots / 64 + 1, sizeof(u64));
        m->parent = xalloc(n, sizeof(u64));
    }
}
