// Each file's start goes to the kernel's own detection (host-tools/detect). What an ELF file needs
// is read here: interpreter, DT_NEEDED, search paths. Every offset is held against the file before
// it is used.
#include "elf_check.h"
#include "common/fail.h"
#include <detect/detect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXT_MAX = 4096, NEEDED_MAX = 4096, SEGMENTS_MAX = 1024 };
enum {
    DT_NEEDED = 1,
    DT_STRTAB = 5,
    DT_STRSZ = 10,
    DT_SONAME = 14,
    DT_RPATH = 15,
    DT_RUNPATH = 29
};
enum { MACHINE_386 = 3, MACHINE_ARM = 40 };

struct elf_check {
    struct checks *c;
    const struct plan *plan;
    char **paths; // where libraries are looked for by default
    size_t path_count;
    struct detect_score *scores;
};

static const struct {
    const char *name;
    uint32_t number;
} machines[] = {{"riscv64", ELF_MACHINE_RISCV},
                {"riscv", ELF_MACHINE_RISCV},
                {"x86-64", ELF_MACHINE_X86_64},
                {"amd64", ELF_MACHINE_X86_64},
                {"aarch64", ELF_MACHINE_AARCH64},
                {"arm64", ELF_MACHINE_AARCH64},
                {"i386", MACHINE_386},
                {"arm", MACHINE_ARM}};

uint32_t machine_number(const char *name)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (strcmp(machines[i].name, name) == 0)
            return machines[i].number;
    return 0;
}

const char *machine_name(uint32_t machine)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (machines[i].number == machine)
            return machines[i].name;
    return NULL;
}

static void add_path(struct elf_check *e, const char *text, size_t n)
{
    while (n > 1 && text[n - 1] == '/')
        n--;
    if (!n || *text != '/')
        return;
    e->paths = need_again(e->paths, (e->path_count + 1) * sizeof(char *));
    e->paths[e->path_count++] = need_copy_n(text, n);
}

// Lines of the image's own /etc/ld.so.conf and /etc/ld.so.conf.d/*.conf.
static void image_paths(struct elf_check *e)
{
    for (size_t k = 0; k < e->plan->count; k++) {
        const struct item *i = e->plan->items[k];
        const struct content *c = item_content(i);
        if (!S_ISREG(i->mode) || c->size > 65536 ||
            (strcmp(i->name, "etc/ld.so.conf") != 0 &&
             !pattern_fits("etc/ld.so.conf.d/*.conf", i->name)))
            continue;
        char *text = need(c->size + 1);
        if (content_read(c, 0, text, c->size))
            for (char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
                add_path(e, p, strcspn(p, " \t\n#"));
        free(text);
    }
}

struct elf_check *elf_check_start(struct checks *c, const struct plan *p)
{
    static const char *const usual[] = {"/lib",
                                        "/usr/lib",
                                        "/lib64",
                                        "/usr/lib64",
                                        "/lib64/lp64d",
                                        "/usr/lib64/lp64d",
                                        "/lib/riscv64-linux-gnu",
                                        "/usr/lib/riscv64-linux-gnu",
                                        "/lib/x86_64-linux-gnu",
                                        "/usr/lib/x86_64-linux-gnu",
                                        "/lib/aarch64-linux-gnu",
                                        "/usr/lib/aarch64-linux-gnu",
                                        "/usr/local/lib"};
    struct elf_check *e = need(sizeof(*e));
    e->c = c;
    e->plan = p;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        add_path(e, usual[i], strlen(usual[i]));
    image_paths(e);
    e->scores = need((detect_abis() + 1) * sizeof(*e->scores));
    return e;
}

void elf_check_end(struct elf_check *e)
{
    for (size_t i = 0; i < e->path_count; i++)
        free(e->paths[i]);
    free(e->paths);
    free(e->scores);
    free(e);
}

// --- what an ELF file needs --------------------------------------------------------------------

struct dynamic {
    const struct content *file;
    struct elf64_segment *segments;
    size_t count;
    char *strings; // the string table, NUL-ended
    uint64_t strings_size;
    char *interpreter;
    char **needed;
    size_t needed_count;
    const char *soname, *rpath, *runpath;
    const char *problem;
};

// File offset of an address, through the load segments. False: in none.
static bool to_offset(const struct dynamic *d, uint64_t address, uint64_t *offset)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct elf64_segment *s = &d->segments[i];
        if (s->type == ELF_SEG_LOAD && address >= s->vaddr && address - s->vaddr < s->filesz) {
            *offset = s->offset + (address - s->vaddr);
            return true;
        }
    }
    return false;
}

static bool inside(const struct dynamic *d, uint64_t offset, uint64_t n)
{
    return offset <= d->file->size && n <= d->file->size - offset;
}

static const char *string_at(const struct dynamic *d, uint64_t at)
{
    return at < d->strings_size ? d->strings + at : NULL;
}

static bool read_strings(struct dynamic *d, const uint64_t *table, size_t entries)
{
    uint64_t address = 0, size = 0, offset;
    for (size_t i = 0; i < entries && table[2 * i]; i++) {
        if (table[2 * i] == DT_STRTAB)
            address = table[2 * i + 1];
        if (table[2 * i] == DT_STRSZ)
            size = table[2 * i + 1];
    }
    if (!address || !size)
        return true;
    if (size > 64 << 20 || !to_offset(d, address, &offset) || !inside(d, offset, size)) {
        d->problem = "the dynamic string table lies outside the file";
        return true;
    }
    d->strings = need(size + 1);
    d->strings_size = size;
    return content_read(d->file, offset, d->strings, size);
}

static bool read_dynamic(struct dynamic *d, const struct elf64_segment *s)
{
    size_t entries = s->filesz / 16;
    if (!inside(d, s->offset, s->filesz) || s->filesz > 1 << 20) {
        d->problem = "the dynamic section lies outside the file";
        return true;
    }
    uint64_t *table = need(entries * 16 + 16);
    bool ok =
        content_read(d->file, s->offset, table, entries * 16) && read_strings(d, table, entries);
    for (size_t i = 0; ok && d->strings && i < entries && table[2 * i]; i++) {
        const char *text = string_at(d, table[2 * i + 1]);
        switch (table[2 * i]) {
        case DT_NEEDED:
            if (!text || !*text || d->needed_count == NEEDED_MAX) {
                d->problem = "a needed library has no name";
                break;
            }
            d->needed = need_again(d->needed, (d->needed_count + 1) * sizeof(char *));
            d->needed[d->needed_count++] = need_copy(text);
            break;
        case DT_SONAME:
            d->soname = text;
            break;
        case DT_RPATH:
            d->rpath = text;
            break;
        case DT_RUNPATH:
            d->runpath = text;
            break;
        default:
            break;
        }
    }
    free(table);
    return ok;
}

static bool read_segments(struct dynamic *d, const struct elf64_header *h)
{
    if (h->phnum > SEGMENTS_MAX ||
        !inside(d, h->phoff, (uint64_t)h->phnum * sizeof(struct elf64_segment)))
        return true;
    d->segments = need((h->phnum + 1ul) * sizeof(*d->segments));
    d->count = h->phnum;
    if (!content_read(d->file, h->phoff, d->segments, d->count * sizeof(*d->segments)))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < d->count; i++) {
        const struct elf64_segment *s = &d->segments[i];
        if (s->type == ELF_SEG_INTERP && s->filesz > 1 && s->filesz <= TEXT_MAX &&
            inside(d, s->offset, s->filesz) && !d->interpreter) {
            d->interpreter = need(s->filesz + 1);
            ok = content_read(d->file, s->offset, d->interpreter, s->filesz);
        } else if (s->type == ELF_SEG_DYNAMIC && !d->needed) {
            ok = read_dynamic(d, s);
        }
    }
    return ok;
}

static void dynamic_free(struct dynamic *d)
{
    for (size_t i = 0; i < d->needed_count; i++)
        free(d->needed[i]);
    free(d->needed);
    free(d->interpreter);
    free(d->strings);
    free(d->segments);
}

// --- libraries ---------------------------------------------------------------------------------

static bool is_file(const struct plan *p, const char *path)
{
    const struct item *i = plan_resolve(p, path);
    return i && S_ISREG(i->mode);
}

static bool in_folder(const struct plan *p, const char *folder, size_t n, const char *library)
{
    char *path = need_text("%.*s/%s", (int)n, folder, library);
    bool there = is_file(p, path);
    free(path);
    return there;
}

// A list of folders with colons between them; $ORIGIN is the folder of the binary.
static bool in_list(const struct elf_check *e, const struct item *binary, const char *list,
                    const char *library)
{
    const char *slash = strrchr(binary->name, '/');
    int origin = slash ? (int)(slash - binary->name) : 0;
    bool there = false;
    for (const char *p = list; p && !there;) {
        size_t n = strcspn(p, ":");
        size_t skip = strncmp(p, "$ORIGIN", 7) == 0 ? 7 : strncmp(p, "${ORIGIN}", 9) == 0 ? 9 : 0;
        char *folder = skip
                           ? need_text("/%.*s%.*s", origin, binary->name, (int)(n - skip), p + skip)
                           : need_copy_n(p, n);
        there = *folder && in_folder(e->plan, folder, strlen(folder), library);
        free(folder);
        p = p[n] ? p + n + 1 : NULL;
    }
    return there;
}

static bool library_there(const struct elf_check *e, const struct item *binary,
                          const struct dynamic *d, const char *library)
{
    if (strchr(library, '/'))
        return is_file(e->plan, library);
    if (in_list(e, binary, d->rpath, library) || in_list(e, binary, d->runpath, library))
        return true;
    for (size_t i = 0; i < e->path_count; i++)
        if (in_folder(e->plan, e->paths[i], strlen(e->paths[i]), library))
            return true;
    // A library beside the one that needs it is found when the program that loads both has that
    // folder in its own path.
    const char *slash = strrchr(binary->name, '/');
    return slash && d->soname &&
           in_folder(e->plan, binary->name, (size_t)(slash - binary->name), library);
}

static void check_needs(struct elf_check *e, const struct item *i, const struct dynamic *d)
{
    struct checks *c = e->c;
    if (d->problem)
        check_found(c, CHECK_DAMAGED_BINARY, "/%s: %s", i->name, d->problem);
    if (d->interpreter && !is_file(e->plan, d->interpreter))
        check_found(c, CHECK_MISSING_INTERPRETER, "/%s: its interpreter %s is not in the image",
                    i->name, d->interpreter);
    for (size_t k = 0; k < d->needed_count; k++)
        if (!library_there(e, i, d, d->needed[k]))
            check_found(c, CHECK_MISSING_LIBRARY,
                        "/%s: needs %s, which is not in the image's library folders", i->name,
                        d->needed[k]);
}

// --- one file ----------------------------------------------------------------------------------

static bool script(struct elf_check *e, const struct item *i, const u8 *head, usize n,
                   probe_report *report, void *context)
{
    struct script_line line;
    int r = script_parse(head, n, &line);
    if (r == 0)
        return false;
    bool runs = i->mode & 0111;
    if (r < 0) {
        if (runs)
            check_found(e->c, CHECK_UNKNOWN_BINARY, "/%s: the #! line names no program", i->name);
        return true;
    }
    e->c->scripts++;
    if (runs && !is_file(e->plan, line.interpreter))
        check_found(e->c, CHECK_MISSING_INTERPRETER, "/%s: its #! program %s is not in the image",
                    i->name, line.interpreter);
    if (report)
        report(context, i,
               &(struct probe_result){
                   .kind = "script", .interpreter = line.interpreter, .why = "#! line"});
    return true;
}

static bool looks_binary(const u8 *head, usize n)
{
    return n >= 4 && memchr(head, 0, n);
}

static const char *kind_of(const struct elf_summary *s, const struct dynamic *d)
{
    switch (s->type) {
    case ELF_TYPE_REL:
        return "object file";
    case ELF_TYPE_CORE:
        return "core dump";
    case ELF_TYPE_EXEC:
        return d->interpreter ? "dynamic program" : "static program";
    case ELF_TYPE_DYN:
        return d->interpreter ? (d->soname ? "library that runs" : "dynamic PIE program")
               : d->soname || !(d->needed_count == 0) ? "library"
                                                      : "static PIE program or library";
    default:
        return "ELF of unknown type";
    }
}

static usize read_more(void *of, u64 off, void *dst, usize n)
{
    const struct content *file = of;
    u64 left = off < file->size ? file->size - off : 0;
    usize got = left < n ? (usize)left : n;
    return content_read(file, off, dst, got) ? got : 0;
}

static int ask_abis(struct elf_check *e, const struct item *i, const u8 *head, usize n)
{
    struct content file = *item_content(i);
    struct exec_probe p = {.head = head,
                           .head_len = n,
                           .size = file.size,
                           .path = i->name,
                           .machine = e->c->machine,
                           .read = read_more,
                           .ctx = &file};
    return detect_scores(&p, e->scores);
}

static bool elf(struct elf_check *e, const struct item *i, const u8 *head, usize n,
                const struct elf_summary *s, probe_report *report, void *context)
{
    struct checks *c = e->c;
    const struct content *file = item_content(i);
    struct dynamic d = {.file = file};
    bool wide = s->class == ELF_CLASS64 && s->data == ELF_LITTLE;
    bool program = s->type == ELF_TYPE_EXEC || s->type == ELF_TYPE_DYN;
    if (wide && program && !read_segments(&d, &s->header)) {
        dynamic_free(&d);
        return false;
    }
    bool runs =
        program && (i->mode & 0111) && (s->type == ELF_TYPE_EXEC || d.interpreter || !d.soname);
    int best = ask_abis(e, i, head, n);
    *(s->type == ELF_TYPE_DYN && !runs ? &c->libraries : &c->programs) += program;
    if (program && s->machine != c->machine)
        check_found(c, CHECK_WRONG_MACHINE, "/%s: for machine %s%s%s, not for %s", i->name,
                    machine_name(s->machine) ? machine_name(s->machine) : "number ",
                    machine_name(s->machine) ? "" : "?", wide ? "" : " (32 bits or big-endian)",
                    machine_name(c->machine));
    else if (runs && best < 0)
        check_found(c, CHECK_UNKNOWN_BINARY, "/%s: no ABI takes it (%s)", i->name,
                    detect_abis() ? e->scores[0].why : "none is built in");
    if (program)
        check_needs(e, i, &d);
    if (i->abi) {
        bool fits = false;
        for (unsigned k = 0; k < detect_abis(); k++)
            fits |= strcmp(e->scores[k].abi, i->abi) == 0 && e->scores[k].score > 0;
        if (!fits)
            check_found(c, CHECK_ABI_MISMATCH,
                        "/%s: assigned to %s, whose probe does not take it (best: %s)", i->name,
                        i->abi, best < 0 ? "none" : e->scores[best].abi);
    }
    if (report)
        report(context, i,
               &(struct probe_result){.abi = best < 0 ? NULL : e->scores[best].abi,
                                      .score = best < 0 ? 0 : e->scores[best].score,
                                      .why = best < 0 ? (detect_abis() ? e->scores[0].why : NULL)
                                                      : e->scores[best].why,
                                      .kind = kind_of(s, &d),
                                      .machine = s->machine,
                                      .interpreter = d.interpreter,
                                      .needed = d.needed,
                                      .needed_count = d.needed_count});
    dynamic_free(&d);
    return true;
}

bool elf_check_file(struct elf_check *e, const struct item *i, probe_report *report, void *context)
{
    const struct content *file = item_content(i);
    u8 head[DETECT_HEAD] = {0};
    usize n = file->size < sizeof(head) ? (usize)file->size : sizeof(head);
    if (!content_read(file, 0, head, n))
        return false;
    if (script(e, i, head, n, report, context))
        return true;
    struct elf_summary s;
    switch (elf_summarise(head, n, file->size, &s)) {
    case ELF_DAMAGED:
        check_found(e->c, CHECK_DAMAGED_BINARY, "/%s: offset %llu: %s", i->name,
                    (unsigned long long)s.problem_offset, s.problem);
        if (report)
            report(context, i, &(struct probe_result){.kind = "damaged ELF", .why = s.problem});
        return true;
    case ELF_OK:
        return elf(e, i, head, n, &s, report, context);
    case ELF_NOT_ELF:
        break;
    }
    bool known = ask_abis(e, i, head, n) >= 0;
    if ((i->mode & 0111) && looks_binary(head, n) && !known)
        check_found(e->c, CHECK_UNKNOWN_BINARY,
                    "/%s: executable, and no kind of program that the kernel knows", i->name);
    if (i->abi && !known)
        check_found(e->c, CHECK_ABI_MISMATCH, "/%s: assigned to %s, whose probe does not take it",
                    i->name, i->abi);
    return true;
}
