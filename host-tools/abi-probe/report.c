// Owns: the verdict on one file.
#include "report.h"
#include "fail.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_text(enum verdict v)
{
    static const char *const texts[VERDICTS] = {
        "runs",       "likely runs", "will not run",  "not for this kernel",
        "no program", "damaged",     "cannot be read"};
    return texts[v];
}

static bool allowed(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->allowed.count; i++)
        if (strcmp(s->allowed.at[i], name) == 0)
            return true;
    return false;
}

static void count_calls(const struct settings *s, struct result *r)
{
    for (usize i = 0; i < r->program->uses.n; i++) {
        const struct use *u = &r->program->uses.p[i];
        if (u->number < 0) {
            r->unresolved++;
            continue;
        }
        const struct call_info *c = tables_call(r->tables, u->number);
        enum level l = c ? c->level : LEVEL_UNKNOWN;
        r->count[l]++;
        r->lacking += l >= LEVEL_NONE && !(c && allowed(s, c->name));
    }
}

static enum verdict judge(const struct result *r)
{
    if (r->runtime)
        return r->runtime_path ? VERDICT_LIKELY : VERDICT_NOT;
    if (r->d.format == FORMAT_EMPTY || r->d.format == FORMAT_DATA || r->d.format == FORMAT_TEXT ||
        r->d.format == FORMAT_ARCHIVE)
        return r->d.problem ? VERDICT_DAMAGED : VERDICT_NO_PROGRAM;
    if (r->d.problem)
        return VERDICT_DAMAGED;
    if (r->d.format == FORMAT_SCRIPT)
        return r->interpreter ? VERDICT_LIKELY : VERDICT_NOT;
    if (r->d.format != FORMAT_ELF)
        return VERDICT_FOREIGN;
    if (strcmp(r->d.kind, "object") == 0 || strcmp(r->d.kind, "core dump") == 0)
        return VERDICT_NO_PROGRAM;
    if (!r->d.runs_here)
        return VERDICT_FOREIGN;
    if (!r->program)
        return VERDICT_LIKELY;
    if (r->program->missing.n || r->program->undefined.n)
        return VERDICT_NOT;
    bool whole = !r->count[LEVEL_PARTIAL] && !r->count[LEVEL_STUB] && !r->count[LEVEL_NONE] &&
                 !r->count[LEVEL_UNKNOWN] && !r->unresolved;
    return whole && !r->program->open_ended ? VERDICT_RUNS : VERDICT_LIKELY;
}

static void follow(const struct settings *s, struct result *r)
{
    int err;
    const char *abi = r->d.abi ? r->d.abi : "linux"; // of another machine: as if it were a kernel's
    r->tables = tables_for(abi, r->d.elf_machine);
    bool code = strcmp(r->d.kind, "object") != 0 && strcmp(r->d.kind, "core dump") != 0;
    if (s->identify || !r->tables || !code || r->d.elf != ELF_OK || r->d.bits != 64 || r->d.big)
        return;
    r->unit = unit_open(r->path, r->name, &err);
    if (!r->unit)
        return;
    if (r->unit->e.static_pie && strcmp(r->d.kind, "shared library") == 0)
        strcpy(r->d.kind, "static program (PIE)");
    r->program = xalloc(1, sizeof(*r->program));
    program_follow(r->unit, &s->load, strcmp(abi, "linux") == 0, r->program);
    count_calls(s, r);
}

// A script belongs to the ABI of what runs it.
static void ask_interpreter(const struct settings *s, struct result *r)
{
    struct file f;
    struct description d;
    if (!r->interpreter || file_map(r->interpreter, &f))
        return;
    describe(f.data, r->d.script.interpreter, s->machine, &d);
    r->d.abi = d.runs_here ? d.abi : NULL; // a constant string
    file_unmap(&f);
}

void result_make(const struct settings *s, const char *path, const char *name, struct result *r)
{
    *r = (struct result){.path = need_copy(path), .name = need_copy(name)};
    r->error = file_map(path, &r->file);
    if (r->error) {
        r->verdict = VERDICT_UNREADABLE;
        return;
    }
    describe(r->file.data, name, s->machine, &r->d);
    if (r->d.format == FORMAT_ELF)
        follow(s, r);
    if (r->d.format == FORMAT_SCRIPT && !r->d.problem) {
        int err;
        r->interpreter = root_path(s->load.root, r->d.script.interpreter, &err);
        ask_interpreter(s, r);
    }
    if (!r->d.runs_here && r->d.format != FORMAT_SCRIPT && r->d.elf != ELF_DAMAGED) {
        int err;
        r->runtime = runtimes_find(&s->runtimes, r->file.data, name);
        char *program = r->runtime ? need_copy_n(r->runtime->path, r->runtime->path_len) : NULL;
        r->runtime_path = program ? root_path(s->load.root, program, &err) : NULL;
        free(program);
    }
    r->verdict = judge(r);
    if (r->verdict == VERDICT_NOT)
        r->lacking++;
}

void result_free(struct result *r)
{
    if (r->program)
        program_free(r->program);
    free(r->program);
    if (r->unit)
        unit_close(r->unit);
    file_unmap(&r->file);
    free(r->interpreter);
    free(r->runtime_path);
    free(r->path);
    free(r->name);
}

char *argument_path(const struct settings *s, const char *argument, char **name)
{
    int err;
    char *inside = s->host_root ? root_path(s->load.root, argument, &err) : NULL;
    if (inside) {
        *name = need_text("%s%s", argument[0] == '/' ? "" : "/", argument);
        return inside;
    }
    char *real = realpath(argument, NULL);
    usize n = strlen(s->load.root);
    if (!real) {
        failed(EXIT_SYSTEM, "%s: %s", argument, strerror(errno));
        return NULL;
    }
    *name =
        need_copy(s->host_root && strncmp(real, s->load.root, n) == 0 && real[n] == '/' ? real + n
                                                                                        : argument);
    char *path = need_copy(real);
    free(real);
    return path;
}
