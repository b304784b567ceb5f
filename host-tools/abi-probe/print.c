// Owns: results as text and JSON.
#include "fail.h"
#include "report.h"
#include <stdlib.h>
#include <string.h>

static const char *function_name(const struct program *p, u32 member, u32 func, char out[96])
{
    const struct unit *u = p->members.p[member].u;
    const struct mod_func *f = &u->m.funcs.p[func];
    const char *base = strrchr(u->name, '/') ? strrchr(u->name, '/') + 1 : u->name;
    if (f->name)
        snprintf(out, 96, "%.40s:%.50s", base, module_name(&u->m, f->name));
    else
        snprintf(out, 96, "%.40s:%#llx", base, (unsigned long long)f->start);
    return out;
}

static void call_name(const struct result *r, i32 number, char out[48])
{
    const struct call_info *c = tables_call(r->tables, number);
    if (c)
        snprintf(out, 48, "%.47s", c->name);
    else
        snprintf(out, 48, "call %d", number);
}

static void list_level(const struct settings *s, const struct result *r, enum level l, FILE *to)
{
    if (!r->count[l])
        return;
    static const char *const heads[] = {"here", "here in part", "answered with an error or nothing",
                                        "not here", "not in the tables"};
    fprintf(to, "  %s (%u):", heads[l], r->count[l]);
    bool notes = l != LEVEL_FULL;
    usize column = 0;
    for (usize i = 0; i < r->program->uses.n; i++) {
        const struct use *u = &r->program->uses.p[i];
        const struct call_info *c = u->number < 0 ? NULL : tables_call(r->tables, u->number);
        if (u->number < 0 || (c ? c->level : LEVEL_UNKNOWN) != l)
            continue;
        char name[48], where[96];
        call_name(r, u->number, name);
        if (!notes) {
            fprintf(to, "%s%s", column % 12 == 0 ? "\n    " : " ", name);
            column++;
            continue;
        }
        fprintf(to, "\n    %-20s %s", name, c && c->note ? c->note : "");
        if (s->explain && !u->implied)
            fprintf(to, " [%u sites, one in %s]", u->sites,
                    function_name(r->program, u->member, u->func, where));
    }
    fputc('\n', to);
}

static void program_text(const struct settings *s, const struct result *r, FILE *to)
{
    const struct program *p = r->program;
    for (usize i = 0; i < p->missing.n; i++)
        fprintf(to, "  missing: %s, needed by %s\n", p->missing.p[i].what,
                p->missing.p[i].needed_by);
    for (usize i = 0; i < p->undefined.n && i < 20; i++)
        fprintf(to, "  undefined: %s, wanted by %s\n", p->undefined.p[i].what,
                p->undefined.p[i].needed_by);
    if (p->undefined.n > 20)
        fprintf(to, "  undefined: %zu more\n", p->undefined.n - 20);
    for (enum level l = s->all || s->explain ? LEVEL_FULL : LEVEL_PARTIAL; l < LEVELS; l++)
        list_level(s, r, l, to);
    if (!s->all && !s->explain)
        fprintf(to, "  fully here: %u calls\n", r->count[LEVEL_FULL]);
    if (r->unresolved) {
        fprintf(to, "  call numbers that could not be found out: %u\n", r->unresolved);
        for (usize i = 0; i < p->uses.n && p->uses.p[i].number < 0; i++) {
            char where[96];
            fprintf(to, "    at %#llx in %s\n", (unsigned long long)p->uses.p[i].site,
                    function_name(p, p->uses.p[i].member, p->uses.p[i].func, where));
        }
    }
    if (p->open_ended)
        fputs("  opens libraries whose names are only known at run time (name services and the "
              "like)\n",
              to);
    for (usize i = 0; i < p->members.n; i++) {
        const struct member *m = &p->members.p[i];
        u32 calls = 0;
        for (usize k = 0; k < p->uses.n; k++)
            calls += p->uses.p[k].number >= 0 && !p->uses.p[k].implied &&
                     p->uses.p[k].members >> MIN(i, (usize)63) & 1;
        if (i < 63 && (p->members.n < 40 || calls || s->all))
            fprintf(to, "  %s %s: %u calls, %llu of %zu functions%s\n",
                    i == 0      ? "file"
                    : m->opened ? "opens"
                                : "loads",
                    m->u->name, calls, (unsigned long long)m->reached, m->u->m.funcs.n,
                    m->u->m.budget_hit ? ", analysis cut short" : "");
    }
}

void result_text(const struct settings *s, const struct result *r, FILE *to)
{
    char *name = printable(r->name);
    if (r->error) {
        fprintf(to, "%s: %s\n", name, strerror(r->error));
        free(name);
        return;
    }
    fprintf(to, "%s: %s", name, format_name(r->d.format));
    if (r->d.bits)
        fprintf(to, " %u-bit", r->d.bits);
    if (strcmp(r->d.machine, "any") != 0)
        fprintf(to, " %s", r->d.machine);
    if (*r->d.kind)
        fprintf(to, ", %s", r->d.kind);
    if (r->d.abi)
        fprintf(to, "; ABI %s (score %d)", r->d.abi, r->d.score);
    fprintf(to, ": %s\n", verdict_text(r->verdict));
    free(name);
    if (r->d.problem)
        fprintf(to, "  damaged at offset %llu: %s\n", (unsigned long long)r->d.problem_offset,
                r->d.problem);
    for (unsigned i = 0; i < r->d.reasons; i++) {
        char *why = printable(r->d.reason[i]);
        fprintf(to, "  because: %s\n", why);
        free(why);
    }
    if (s->explain)
        for (unsigned i = 0; i < r->d.score_n; i++)
            fprintf(to, "  score %3d %s: %s\n", r->d.scores[i].score, r->d.scores[i].abi,
                    r->d.scores[i].why);
    if (r->d.format == FORMAT_SCRIPT && !r->d.problem) {
        char *interpreter = printable(r->d.script.interpreter);
        fprintf(to, "  interpreter %s: %s\n", interpreter, r->interpreter ? "there" : "missing");
        free(interpreter);
    }
    if (r->runtime)
        fprintf(to, "  runtime %s: %.*s: %s\n", r->runtime->name, (int)r->runtime->path_len,
                r->runtime->path, r->runtime_path ? "there" : "missing");
    if (r->unit && r->unit->e.problem)
        fprintf(to, "  note: %s\n", r->unit->e.problem);
    if (r->program)
        program_text(s, r, to);
    if (s->explain)
        result_explain(s, r, to);
}

// For every call that is not whole: one chain of functions from the start to the call.
void result_explain(const struct settings *s, const struct result *r, FILE *to)
{
    const struct program *p = r->program;
    (void)s;
    for (usize i = 0; p && i < p->uses.n; i++) {
        const struct use *u = &p->uses.p[i];
        const struct call_info *c = u->number < 0 ? NULL : tables_call(r->tables, u->number);
        if (u->implied || (c && c->level == LEVEL_FULL && !s->all))
            continue;
        char name[48] = "unresolved", where[96], text[128];
        if (u->number >= 0)
            call_name(r, u->number, name);
        const struct unit *unit = p->members.p[u->member].u;
        const struct machine *m = machine_find(unit->e.machine, unit->e.class, unit->e.big);
        struct decoder *d = decoder_open(m);
        struct bytes code = elf_at_most(&unit->e, u->site, 16);
        text[0] = 0;
        if (d && code.n)
            decode_text(d, code, 0, u->site, text, sizeof(text));
        decoder_close(d);
        fprintf(to, "  evidence %s: %#llx %s\n", name, (unsigned long long)u->site, text);
        u64 at = (u64)u->member << 32 | u->func;
        for (int depth = 0; at != UINT64_MAX && depth < 64; depth++) {
            fprintf(to, "    %s %s\n", depth ? "from" : "in",
                    function_name(p, (u32)(at >> 32), (u32)at, where));
            at = p->members.p[at >> 32].parent[(u32)at];
        }
    }
}

static void calls_json(const struct result *r, struct json *j)
{
    json_object(j, "calls");
    for (enum level l = LEVEL_FULL; l < LEVELS; l++) {
        json_array(j, level_name(l));
        for (usize i = 0; i < r->program->uses.n; i++) {
            const struct use *u = &r->program->uses.p[i];
            const struct call_info *c = u->number < 0 ? NULL : tables_call(r->tables, u->number);
            if (u->number < 0 || (c ? c->level : LEVEL_UNKNOWN) != l)
                continue;
            char name[48];
            call_name(r, u->number, name);
            json_object(j, NULL);
            json_text(j, "name", name);
            json_number(j, "number", (uint64_t)u->number);
            json_number(j, "sites", u->sites);
            if (c && c->note)
                json_text(j, "note", c->note);
            if (u->implied)
                json_bool(j, "implied", true);
            json_close_object(j);
        }
        json_close_array(j);
    }
    json_close_object(j);
    json_array(j, "unresolved");
    for (usize i = 0; i < r->program->uses.n && r->program->uses.p[i].number < 0; i++) {
        const struct use *u = &r->program->uses.p[i];
        char where[96];
        json_object(j, NULL);
        json_text(j, "file", r->program->members.p[u->member].u->name);
        json_number(j, "address", u->site);
        json_text(j, "function", function_name(r->program, u->member, u->func, where));
        json_close_object(j);
    }
    json_close_array(j);
}

static void program_json(const struct result *r, struct json *j)
{
    const struct program *p = r->program;
    calls_json(r, j);
    json_array(j, "members");
    for (usize i = 0; i < p->members.n; i++) {
        const struct member *m = &p->members.p[i];
        u32 calls = 0;
        for (usize k = 0; k < p->uses.n; k++)
            calls += p->uses.p[k].number >= 0 && !p->uses.p[k].implied &&
                     p->uses.p[k].members >> MIN(i, (usize)63) & 1;
        json_object(j, NULL);
        json_text(j, "name", m->u->name);
        json_text(j, "how", i == 0 ? "file" : m->opened ? "opened" : "loaded");
        if (i < 63)
            json_number(j, "calls", calls);
        json_number(j, "functions", m->u->m.funcs.n);
        json_number(j, "reached", m->reached);
        json_number(j, "instructions", m->u->m.instructions);
        json_close_object(j);
    }
    json_close_array(j);
    static const char *const keys[] = {"missing", "undefined"};
    for (int k = 0; k < 2; k++) {
        json_array(j, keys[k]);
        usize n = k ? p->undefined.n : p->missing.n;
        const struct missing *m = k ? p->undefined.p : p->missing.p;
        for (usize i = 0; i < n; i++) {
            json_object(j, NULL);
            json_text(j, "what", m[i].what);
            json_text(j, "needed_by", m[i].needed_by);
            json_close_object(j);
        }
        json_close_array(j);
    }
    json_bool(j, "open_ended", p->open_ended);
}

void result_json(const struct settings *s, const struct result *r, struct json *j, const char *key)
{
    (void)s;
    json_object(j, key);
    json_text(j, "file", r->name);
    json_text(j, "verdict", verdict_text(r->verdict));
    if (r->error) {
        json_text(j, "error", strerror(r->error));
        json_close_object(j);
        return;
    }
    json_text(j, "format", format_name(r->d.format));
    json_text(j, "machine", r->d.machine);
    json_number(j, "bits", r->d.bits);
    json_text(j, "kind", r->d.kind);
    json_text(j, "abi", r->d.abi);
    json_signed(j, "score", r->d.score);
    json_array(j, "scores");
    for (unsigned i = 0; i < r->d.score_n; i++) {
        json_object(j, NULL);
        json_text(j, "abi", r->d.scores[i].abi);
        json_text(j, "module", r->d.scores[i].module);
        json_signed(j, "score", r->d.scores[i].score);
        json_text(j, "why", r->d.scores[i].why);
        json_close_object(j);
    }
    json_close_array(j);
    json_array(j, "reasons");
    for (unsigned i = 0; i < r->d.reasons; i++)
        json_text(j, NULL, r->d.reason[i]);
    json_close_array(j);
    if (r->d.problem) {
        json_text(j, "problem", r->d.problem);
        json_number(j, "offset", r->d.problem_offset);
    }
    if (r->runtime) {
        char *path = need_copy_n(r->runtime->path, r->runtime->path_len);
        json_object(j, "runtime");
        json_text(j, "name", r->runtime->name);
        json_text(j, "path", path);
        json_bool(j, "found", r->runtime_path != NULL);
        json_close_object(j);
        free(path);
    }
    if (r->d.format == FORMAT_SCRIPT && !r->d.problem) {
        json_text(j, "interpreter", r->d.script.interpreter);
        json_bool(j, "interpreter_found", r->interpreter != NULL);
    } else if (r->unit) {
        json_text(j, "interpreter", r->unit->e.interp);
        json_array(j, "needed");
        for (usize i = 0; i < r->unit->e.needed.n; i++)
            json_text(j, NULL, r->unit->e.needed.p[i]);
        json_close_array(j);
    }
    if (r->program)
        program_json(r, j);
    json_close_object(j);
}
