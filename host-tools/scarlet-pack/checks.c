// See checks.h: classes and findings, links, scripts. Binaries are in elf_check.c.
#include "checks.h"
#include "common/fail.h"
#include "elf_check.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name, *meaning;
    enum severity normal;
} classes[CHECK_CLASSES] = {
    [CHECK_UNKNOWN_BINARY] = {"unknown-binary",
                              "an executable binary that no ABI of the kernel takes",
                              SEVERITY_WARNING},
    [CHECK_DAMAGED_BINARY] = {"damaged-binary", "an ELF file that is damaged", SEVERITY_WARNING},
    [CHECK_WRONG_MACHINE] = {"wrong-machine", "an ELF program for another machine than --machine",
                             SEVERITY_WARNING},
    [CHECK_ABI_MISMATCH] = {"abi-mismatch", "a file whose assigned ABI does not take it",
                            SEVERITY_ERROR},
    [CHECK_MISSING_INTERPRETER] =
        {"missing-interpreter",
         "a program's interpreter or a script's #! program is not in the image", SEVERITY_WARNING},
    [CHECK_MISSING_LIBRARY] = {"missing-library",
                               "a library that a binary needs is not where it is looked for",
                               SEVERITY_WARNING},
    [CHECK_DANGLING_LINK] = {"dangling-link",
                             "a symbolic link to nothing (not below /proc /sys /dev /run /tmp)",
                             SEVERITY_WARNING},
    [CHECK_LONG_NAME] = {"long-name",
                         "a name that some reader does not take, or whose data cannot be aligned",
                         SEVERITY_ERROR},
    [CHECK_NO_MATCH] = {"no-match", "a pattern in a manifest that fits nothing", SEVERITY_ERROR},
    [CHECK_CONFLICT] = {"conflict", "one file in two packages", SEVERITY_WARNING},
};

void checks_start(struct checks *c, uint32_t machine)
{
    *c = (struct checks){.machine = machine};
    for (int i = 0; i < CHECK_CLASSES; i++)
        c->level[i] = classes[i].normal;
}

const char *check_name(enum check_class class)
{
    return classes[class].name;
}

bool checks_set(struct checks *c, const char *name, enum severity level)
{
    bool any = false, all = strcmp(name, "all") == 0;
    for (int i = 0; i < CHECK_CLASSES; i++)
        if (all || strcmp(classes[i].name, name) == 0) {
            c->level[i] = level;
            any = true;
        }
    return any || failed(EXIT_USAGE, "there is no check %s (build --help lists them)", name);
}

void checks_help(void)
{
    printf("\nChecks, for --error, --warn and --ignore (\"all\" means each of them):\n");
    for (int i = 0; i < CHECK_CLASSES; i++)
        printf("  %-20s %s: %s\n", classes[i].name,
               classes[i].normal == SEVERITY_ERROR ? "error" : "warning", classes[i].meaning);
}

void check_found(struct checks *c, enum check_class class, const char *format, ...)
{
    if (c->level[class] == SEVERITY_IGNORE)
        return;
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    bool error = c->level[class] == SEVERITY_ERROR;
    *(error ? &c->errors : &c->warnings) += 1;
    c->found = need_again(c->found, (c->count + 1) * sizeof(*c->found));
    c->found[c->count++] = (struct finding){class, c->level[class], need_copy(text)};
    if (!c->silent)
        complain("%s: %s [%s]", error ? "error" : "warning", text, classes[class].name);
}

// Targets in file systems that are mounted later.
static bool mounted_later(const char *target)
{
    static const char *const tops[] = {"/proc", "/sys", "/dev", "/run", "/tmp", "/var/run"};
    for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        size_t n = strlen(tops[i]);
        if (strncmp(target, tops[i], n) == 0 && (target[n] == '/' || !target[n]))
            return true;
    }
    return false;
}

static void check_link(struct checks *c, const struct plan *p, const struct item *i)
{
    const char *target = item_content(i)->bytes;
    char *full = NULL;
    if (*target != '/') {
        const char *slash = strrchr(i->name, '/');
        full = need_text("/%.*s/%s", slash ? (int)(slash - i->name) : 0, i->name, target);
    }
    const char *where = full ? full : target;
    if (!mounted_later(where) && !plan_resolve(p, where))
        check_found(c, CHECK_DANGLING_LINK, "/%s: link to %s, which is not in the image", i->name,
                    target);
    free(full);
}

bool checks_probe(struct checks *c, const struct plan *p, probe_report *report, void *context)
{
    struct elf_check *e = elf_check_start(c, p);
    bool ok = true;
    for (size_t k = 0; ok && k < p->count; k++) {
        const struct item *i = p->items[k];
        if (S_ISREG(i->mode) && item_content(i)->size)
            ok = elf_check_file(e, i, report, context);
    }
    elf_check_end(e);
    return ok;
}

bool checks_plan(struct checks *c, const struct plan *p)
{
    for (size_t k = 0; k < p->count; k++) {
        const struct item *i = p->items[k];
        if (S_ISLNK(i->mode))
            check_link(c, p, i);
        if (strlen(i->name) > 3900)
            check_found(c, CHECK_LONG_NAME, "/%.60s...: %zu bytes long", i->name, strlen(i->name));
    }
    return checks_probe(c, p, NULL, NULL);
}
