// scarlet-pack build and add.
#include "commands.h"
#include "common/fail.h"
#include "common/files.h"
#include "common/progress.h"
#include "ext2.h"
#include "image.h"
#include "report.h"
#include "setup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALIGN_MAX = 4096 };

struct shape { // how the output looks
    long long align;
    const char *compress;
    bool no_index;
    struct write_options w;
};

static bool shape_start(struct shape *f, const struct setup *s)
{
    long long level = -1;
    f->w = (struct write_options){.align = (uint32_t)f->align,
                                  .index = !f->no_index,
                                  .time = s->keep_times && s->time == UINT32_MAX ? 0 : s->time,
                                  .quiet = s->quiet};
    if (f->align & (f->align - 1))
        return failed(EXIT_USAGE, "--align: not a power of two: %lld", f->align);
    if (!f->compress || strcmp(f->compress, "none") == 0)
        return true;
    const char *colon = strchr(f->compress, ':');
    size_t n = colon ? (size_t)(colon - f->compress) : strlen(f->compress);
    if (n == 4 && memcmp(f->compress, "gzip", 4) == 0)
        f->w.compression = COMPRESS_GZIP;
    else if (n == 4 && memcmp(f->compress, "zstd", 4) == 0)
        f->w.compression = COMPRESS_ZSTD;
    else
        return failed(EXIT_USAGE, "--compress: gzip[:1-9], zstd[:1-19] or none, not %s",
                      f->compress);
    bool gzip = f->w.compression == COMPRESS_GZIP;
    if (colon) {
        char *end;
        level = strtoll(colon + 1, &end, 10);
        if (*end || end == colon + 1 || level < 1 || level > (gzip ? 9 : 19))
            return failed(EXIT_USAGE, "--compress: no such level: %s", f->compress);
    }
    f->w.level = level < 0 ? (gzip ? 9 : 12) : (int)level;
    return true;
}

// A make rule: the image depends on every file that went in.
static bool write_depfile(const char *path, const char *image, const struct plan *p)
{
    struct output o;
    if (!output_open(&o, path))
        return false;
    FILE *f = fdopen(dup(o.fd), "w");
    if (!f)
        return failed_errno("%s", path);
    fprintf(f, "%s:", image);
    for (size_t i = 0; i < p->input_count; i++) {
        fprintf(f, " \\\n ");
        for (const char *c = p->inputs[i]; *c; c++)
            fprintf(f, *c == ' ' || *c == '#' ? "\\%c" : *c == '$' ? "$%c" : "%c", *c);
    }
    fprintf(f, "\n");
    for (size_t i = 0; i < p->input_count; i++)
        if (!strpbrk(p->inputs[i], " #$:"))
            fprintf(f, "%s:\n", p->inputs[i]);
    if (fclose(f) != 0)
        return failed_errno("%s", path);
    return output_commit(&o);
}

// What assigns ABIs is also a file in the image: the kernel reads it (docs/run.md).
static const char abi_list[] = "etc/scarlet/abi";

static void abi_file(struct plan *p, uint32_t time, struct origin *origin)
{
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct item *one = p->items[i];
        if (one->nlink == UINT32_MAX || !one->abi || !S_ISREG(one->mode))
            continue;
        text = need_again(text, size + strlen(one->abi) + strlen(one->name) + 4);
        size += (size_t)sprintf(text + size, "%s\t/%s\n", one->abi, one->name);
    }
    if (size)
        plan_put(p, &(struct item){.name = need_copy(abi_list),
                                   .mode = S_IFREG | 0644,
                                   .mtime = time,
                                   .origin = origin,
                                   .data = content_of_text(text, size),
                                   .file = "abi lines"});
    free(text);
}

// Assignments of an image that was just loaded: from its list, for the files that are there.
static bool read_abi_file(struct plan *p)
{
    const struct item *list = plan_find(p, abi_list);
    if (!list || list->data.kind == CONTENT_TEXT || list->data.size > 1 << 20)
        return true;
    char *text = need(list->data.size + 1), *line, *at = text;
    if (!content_read(&list->data, 0, text, list->data.size))
        return false;
    while ((line = strsep(&at, "\n"))) {
        char *tab = strchr(line, '\t');
        struct item *i = tab && tab[1] == '/' ? plan_find(p, tab + 2) : NULL;
        if (!i)
            continue;
        *tab = 0;
        i->abi = need_copy(line);
    }
    free(text);
    return true;
}

static bool check_rules(struct setup *s, const struct plan *p)
{
    for (size_t i = 0; i < p->abi_count; i++) {
        bool hit = false;
        for (size_t k = 0; k < p->count && !hit; k++)
            hit = S_ISREG(p->items[k]->mode) &&
                  pattern_fits(p->abi_rules[i].pattern, p->items[k]->name);
        if (!hit)
            check_found(&s->checks, CHECK_NO_MATCH, "%s:%u: no file fits %s", p->abi_rules[i].file,
                        p->abi_rules[i].line, p->abi_rules[i].pattern);
    }
    return true;
}

// Everything between loading and writing. False: failure.
static bool complete(struct setup *s, struct plan *p, bool share, bool count_equal)
{
    if (!plan_finish(p))
        return false;
    check_rules(s, p);
    abi_file(p, s->keep_times ? 0 : s->time, plan_origin(p, "abi lines", false));
    if (!plan_finish(p) || !checks_plan(&s->checks, p))
        return false;
    if (share || count_equal) {
        progress_begin("comparing", 0, PROGRESS_BYTES, s->quiet);
        bool ok = plan_share(p, !share);
        progress_end();
        return ok;
    }
    return true;
}

static bool write_image(struct plan *p, const struct shape *f, const char *path, struct layout *l,
                        uint64_t *written)
{
    struct output o;
    if (!layout_plan(p, &f->w, l) || !output_open(&o, path))
        return false;
    if (!archive_write(p, &f->w, l, o.fd, written)) {
        output_abandon(&o);
        return false;
    }
    return output_commit(&o);
}

static int give_up(const struct checks *c, size_t warnings_count)
{
    complain("%zu error%s%s; no image was written", c->errors + warnings_count,
             c->errors + warnings_count == 1 ? "" : "s", warnings_count ? " (--werror)" : "");
    return EXIT_FOUND;
}

int command_build(int argc, char **argv)
{
    struct setup s = {0};
    struct shape f = {.align = ALIGN_MAX};
    const char *output = NULL, *depfile = NULL, *ext2_size = NULL;
    bool share = false, report = false, as_json = false, werror = false, ext2 = false, dry = false,
         done = false;
    struct option_rule rules[SETUP_RULES + 13];
    setup_rules(&s, rules);
    const struct option_rule own[] = {
        {"output", 'o', OPTION_TEXT, &output, "IMAGE", "where to; - is standard output", 0, 0},
        {"align", 0, OPTION_NUMBER, &f.align, "BYTES",
         "where file data start: a power of two (default 4096)", 4, ALIGN_MAX},
        {"compress", 0, OPTION_TEXT, &f.compress, "HOW", "gzip[:LEVEL] or zstd[:LEVEL]", 0, 0},
        {"no-index", 0, OPTION_FLAG, &f.no_index, NULL, "leave the index out", 0, 0},
        {"share", 0, OPTION_FLAG, &share, NULL, "make equal files hard links of each other", 0, 0},
        {"ext2", 0, OPTION_FLAG, &ext2, NULL, "an ext2 disk image instead of a cpio archive", 0, 0},
        {"size", 0, OPTION_TEXT, &ext2_size, "SIZE",
         "of the ext2 image, as 64M (default: what is needed)", 0, 0},
        {"report", 'r', OPTION_FLAG, &report, NULL, "sizes by package on standard output", 0, 0},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "that report as JSON", 0, 0},
        {"depfile", 0, OPTION_TEXT, &depfile, "FILE", "a make rule naming every input file", 0, 0},
        {"werror", 0, OPTION_FLAG, &werror, NULL, "warnings count as errors", 0, 0},
        {"check", 0, OPTION_FLAG, &dry, NULL, "check only, write no image", 0, 0},
        {0},
    };
    static_assert(sizeof(own) / sizeof(own[0]) == 13);
    memcpy(rules + SETUP_RULES, own, sizeof(own));
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done) {
        checks_help();
        return EXIT_GOOD;
    }
    if (argc < 2 || (!output && !dry)) {
        complain("build: MANIFEST -o IMAGE");
        return EXIT_USAGE;
    }
    struct plan p = {0};
    if (!setup_start(&s) || !shape_start(&f, &s))
        return report_failure();
    for (int i = 1; i < argc; i++)
        if (!setup_load(&s, &p, argv[i]))
            return report_failure();
    if (!complete(&s, &p, share, report || as_json))
        return report_failure();
    if (s.checks.errors || (werror && s.checks.warnings))
        return give_up(&s.checks, werror ? s.checks.warnings : 0);
    struct layout l = {0};
    uint64_t written = 0;
    bool ok = setup_finish(&s);
    if (!ok)
        return report_failure();
    if (dry)
        ok = layout_plan(&p, &f.w, &l);
    else if (ext2)
        ok = layout_plan(&p, &f.w, &l) && ext2_write(&p, output, ext2_size, f.w.time, &written);
    else
        ok = write_image(&p, &f, output, &l, &written);
    if (ok && l.unaligned && !s.quiet)
        complain("warning: %llu files with long names could not be aligned",
                 (unsigned long long)l.unaligned);
    ok = ok && (!depfile || write_depfile(depfile, output ? output : "check", &p));
    if (!ok)
        return report_failure();
    report_count(&p);
    const struct build_report r = {.image = output ? output : "(not written)",
                                   .written = written,
                                   .plan = &p,
                                   .layout = &l,
                                   .checks = &s.checks,
                                   .compression = f.w.compression,
                                   .shared = share};
    if (as_json)
        report_json(&r);
    else if (report)
        report_text(&r);
    return EXIT_GOOD;
}

// --- add ---------------------------------------------------------------------------------------

static bool copy_file(const char *from, int to, uint64_t *size)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed_errno("%s", from);
    char *buffer = need(1 << 18);
    ssize_t n;
    bool ok = true;
    while (ok && (n = read_some(fd, buffer, 1 << 18)) != 0) {
        ok = n > 0 ? write_all(to, buffer, (size_t)n) : failed_errno("%s", from);
        *size += ok ? (uint64_t)n : 0;
        progress_add(ok ? (uint64_t)n : 0);
    }
    free(buffer);
    close(fd);
    return ok;
}

static bool fill(int to, uint64_t *at, uint64_t align)
{
    char *zeroes = need(align);
    uint64_t n = -*at & (align - 1);
    bool ok = write_all(to, zeroes, n);
    *at += n;
    free(zeroes);
    return ok;
}

// An addition that is not an image becomes one in a temporary file.
// all: what the image holds so far.
static bool append_one(struct setup *s, const struct shape *f, const char *path, int to,
                       uint64_t *at, struct plan *all)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && image_looks_like(path))
        return copy_file(path, to, at) && fill(to, at, ALIGN_MAX) && setup_load(s, all, path) &&
               read_abi_file(all);
    struct plan p = {0};
    struct layout l;
    if (!setup_load(s, &p, path) || !plan_finish(&p) || !layout_plan(&p, &f->w, &l))
        return false;
    uint64_t written = 0;
    if (!archive_write(&p, &f->w, &l, to, &written))
        return false;
    for (size_t i = 0; i < p.count; i++)
        plan_put(all, p.items[i]);
    *at += written;
    return fill(to, at, ALIGN_MAX);
}

// The list of what was assigned in all parts stands in an archive of its own behind them.
static bool append_list(struct setup *s, const struct shape *f, int to, struct plan *all)
{
    struct plan p = {0};
    struct layout l;
    uint64_t written = 0;
    const struct item *before = plan_find(all, abi_list);
    abi_file(all, s->keep_times ? 0 : s->time, plan_origin(&p, "abi lines", false));
    const struct item *list = plan_find(all, abi_list);
    if (!list || list == before)
        return true;
    plan_put(&p, list);
    return plan_finish(&p) && layout_plan(&p, &f->w, &l) &&
           archive_write(&p, &f->w, &l, to, &written);
}

static int append_all(struct setup *s, const struct shape *f, const char *output, char **paths,
                      int count)
{
    struct output o;
    if (!output_open(&o, output))
        return report_failure();
    uint64_t at = 0;
    bool ok = true;
    struct plan all = {0};
    progress_begin("appending", 0, PROGRESS_BYTES, s->quiet);
    for (int i = 0; ok && i < count; i++)
        ok = append_one(s, f, paths[i], o.fd, &at, &all);
    ok = ok && append_list(s, f, o.fd, &all);
    progress_end();
    if (!ok) {
        output_abandon(&o);
        return report_failure();
    }
    return output_commit(&o) ? EXIT_GOOD : report_failure();
}

int command_add(int argc, char **argv)
{
    struct setup s = {0};
    struct shape f = {.align = ALIGN_MAX};
    const char *output = NULL;
    bool merge = false, done = false;
    struct option_rule rules[SETUP_RULES + 6];
    setup_rules(&s, rules);
    const struct option_rule own[] = {
        {"output", 'o', OPTION_TEXT, &output, "IMAGE", "where to (default: the first image itself)",
         0, 0},
        {"merge", 0, OPTION_FLAG, &merge, NULL, "one archive of all, replaced files left out", 0,
         0},
        {"align", 0, OPTION_NUMBER, &f.align, "BYTES", "where file data start (default 4096)", 4,
         ALIGN_MAX},
        {"compress", 0, OPTION_TEXT, &f.compress, "HOW",
         "of what is made anew: gzip[:LEVEL] or zstd[:LEVEL]", 0, 0},
        {"no-index", 0, OPTION_FLAG, &f.no_index, NULL, "no index in what is made anew", 0, 0},
        {0},
    };
    static_assert(sizeof(own) / sizeof(own[0]) == 6);
    memcpy(rules + SETUP_RULES, own, sizeof(own));
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done)
        return EXIT_GOOD;
    if (argc < 3) {
        complain("add: IMAGE ADDITION...");
        return EXIT_USAGE;
    }
    if (!setup_start(&s) || !shape_start(&f, &s))
        return report_failure();
    if (!image_looks_like(argv[1])) {
        complain("%s: offset 0: not an image", argv[1]);
        return EXIT_INPUT;
    }
    if (!output)
        output = argv[1];
    if (!merge)
        return append_all(&s, &f, output, argv + 1, argc - 1);
    struct plan p = {0};
    struct layout l;
    uint64_t written;
    for (int i = 1; i < argc; i++)
        if (!setup_load(&s, &p, argv[i]) || !read_abi_file(&p))
            return report_failure();
    if (!plan_finish(&p))
        return report_failure();
    abi_file(&p, s.keep_times ? 0 : s.time, plan_origin(&p, "abi lines", false));
    return plan_finish(&p) && write_image(&p, &f, output, &l, &written) ? EXIT_GOOD
                                                                        : report_failure();
}
