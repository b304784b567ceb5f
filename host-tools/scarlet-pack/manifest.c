// The lines of a manifest. Each handler checks its words, then changes the plan.
#include "manifest.h"
#include "common/fail.h"
#include "common/files.h"
#include "debian.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16 };

struct context {
    struct build *b;
    const char *file;
    const struct line *line;
    struct attributes a;
    char **arg; // words behind the line's name, attributes taken off
    size_t args;
    unsigned depth;
    struct origin *origin;
};

static bool wrong(const struct context *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool wrong(const struct context *c, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return failed(EXIT_INPUT, "%s:%u: %s", c->file, c->line->number, text);
}

// Puts file and line in front of a failure that came from below.
static bool here(const struct context *c)
{
    return failed_in("%s:%u", c->file, c->line->number);
}

// A host name in a manifest is seen from the manifest's folder.
static char *host_path(const struct context *c, const char *name)
{
    const char *slash = strrchr(c->file, '/');
    if (*name == '/' || !slash)
        return need_copy(name);
    return need_text("%.*s/%s", (int)(slash - c->file), c->file, name);
}

static bool parse_mode(const struct context *c, const char *text, uint32_t *mode)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 8);
    if (errno || *end || end == text || *text == '-' || v > 07777)
        return wrong(c, "not a mode (octal, at most 7777): %s", text);
    *mode = (uint32_t)v;
    return true;
}

static bool parse_number(const struct context *c, const char *text, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || *end || end == text || *text == '-' || v > UINT32_MAX)
        return wrong(c, "not a number: %s", text);
    *out = (uint32_t)v;
    return true;
}

static bool parse_owner(const struct context *c, const char *text, uint32_t *uid, uint32_t *gid)
{
    const char *colon = strchr(text, ':');
    if (!colon)
        return wrong(c, "an owner is UID:GID in numbers: %s", text);
    char *left = need_copy_n(text, (size_t)(colon - text));
    bool ok = parse_number(c, left, uid) && parse_number(c, colon + 1, gid);
    free(left);
    return ok;
}

static bool parse_yes(const struct context *c, const char *text, bool *out)
{
    *out = strcmp(text, "yes") == 0;
    return *out || strcmp(text, "no") == 0 || wrong(c, "yes or no, not %s", text);
}

static void list_add(const char ***list, const char *word)
{
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    *list = need_again(*list, (n + 2) * sizeof(char *));
    (*list)[n] = word;
    (*list)[n + 1] = NULL;
}

// Takes KEY=VALUE words off the end, as far as they are known attributes.
static bool take_attributes(struct context *c, size_t least)
{
    for (size_t i = least; i < c->args; i++) {
        const char *word = c->arg[i], *equals = strchr(word, '=');
        size_t n = equals ? (size_t)(equals - word) : 0;
        const char *value = equals ? equals + 1 : NULL;
        bool ok;
#define IS(key) (n == sizeof(key) - 1 && memcmp(word, key, n) == 0)
        if (IS("owner") && strcmp(value, "keep") == 0)
            ok = c->a.keep_owner = true;
        else if (IS("owner"))
            ok = c->a.owner_given = parse_owner(c, value, &c->a.uid, &c->a.gid);
        else if (IS("abi"))
            ok = *(c->a.abi = value) || wrong(c, "abi= needs a name");
        else if (IS("only"))
            list_add(&c->a.only, value), ok = true;
        else if (IS("exclude"))
            list_add(&c->a.exclude, value), ok = true;
        else if (IS("depends"))
            ok = parse_yes(c, value, &c->a.depends);
        else if (IS("recommends"))
            ok = parse_yes(c, value, &c->a.recommends);
        else
            continue;
#undef IS
        if (!ok)
            return false;
        memmove(c->arg + i, c->arg + i + 1, (c->args - i) * sizeof(char *));
        c->args--;
        i--;
    }
    return true;
}

uint32_t build_time(const struct build *b, int64_t own)
{
    return !b->keep_times || own > b->time ? b->time : own < 0 ? 0 : (uint32_t)own;
}

bool attributes_let(const struct attributes *a, const char *name)
{
    bool in = !a->only;
    for (const char *const *p = a->only; p && *p; p++)
        in |= pattern_fits(*p, name);
    for (const char *const *p = a->exclude; p && *p && in; p++)
        in = !pattern_fits(*p, name);
    return in;
}

static bool put(struct context *c, const char *name, struct item i)
{
    if (!plan_clean_name(name, &i.name))
        return here(c);
    if (!*i.name && !S_ISDIR(i.mode))
        return wrong(c, "the root must be a directory");
    i.uid = c->a.uid;
    i.gid = c->a.gid;
    i.abi = c->a.abi;
    i.mtime = c->b->time;
    i.origin = c->origin;
    i.file = c->file;
    i.line = c->line->number;
    plan_put(c->b->plan, &i);
    return true;
}

// --- the lines -------------------------------------------------------------------------------

static bool do_dir(struct context *c)
{
    uint32_t mode;
    return parse_mode(c, c->arg[1], &mode) &&
           put(c, c->arg[0], (struct item){.mode = S_IFDIR | mode});
}

static bool do_file(struct context *c)
{
    uint32_t mode;
    if (!parse_mode(c, c->arg[1], &mode))
        return false;
    char *path = host_path(c, c->arg[2]);
    struct stat info;
    if (stat(path, &info) != 0) {
        failed_errno("%s", path);
        return here(c);
    }
    if (!S_ISREG(info.st_mode))
        return wrong(c, "%s: not a regular file", path);
    plan_input(c->b->plan, path);
    uint32_t own = build_time(c->b, info.st_mtime);
    if (!put(c, c->arg[0],
             (struct item){.mode = S_IFREG | mode,
                           .data = {.kind = CONTENT_FILE,
                                    .size = (uint64_t)info.st_size,
                                    .file_size = (uint64_t)info.st_size,
                                    .path = path}}))
        return false;
    c->b->plan->items[c->b->plan->count - 1]->mtime = own;
    return true;
}

static bool do_text(struct context *c)
{
    uint32_t mode;
    return parse_mode(c, c->arg[1], &mode) &&
           put(c, c->arg[0],
               (struct item){.mode = S_IFREG | mode,
                             .data = content_of_text(c->arg[2], strlen(c->arg[2]))});
}

static bool put_link(struct context *c, const char *name, const char *target)
{
    size_t n = strlen(target);
    if (!n || n > 4095)
        return wrong(c, "the target of a link has 1 to 4095 bytes");
    return put(c, name, (struct item){.mode = S_IFLNK | 0777, .data = content_of_text(target, n)});
}

static bool do_link(struct context *c)
{
    return put_link(c, c->arg[0], c->arg[1]);
}

static bool do_hard(struct context *c)
{
    char *name;
    if (!plan_clean_name(c->arg[1], &name))
        return here(c);
    struct item *to = plan_find(c->b->plan, name);
    free(name);
    if (!to || S_ISDIR(to->mode))
        return wrong(c, "%s: no file of that name stands above", c->arg[1]);
    if (!put(c, c->arg[0], (struct item){.mode = to->mode, .leader = to->leader ? to->leader : to}))
        return false;
    struct item *i = c->b->plan->items[c->b->plan->count - 1];
    i->uid = to->uid;
    i->gid = to->gid;
    i->mtime = to->mtime;
    i->rdev_major = to->rdev_major;
    i->rdev_minor = to->rdev_minor;
    return true;
}

static bool do_device(struct context *c)
{
    uint32_t mode, major, minor, type = strcmp(c->line->words[0], "char") == 0 ? S_IFCHR : S_IFBLK;
    return parse_mode(c, c->arg[1], &mode) && parse_number(c, c->arg[2], &major) &&
           parse_number(c, c->arg[3], &minor) &&
           put(c, c->arg[0],
               (struct item){.mode = type | mode, .rdev_major = major, .rdev_minor = minor});
}

static bool do_fifo(struct context *c)
{
    uint32_t mode;
    return parse_mode(c, c->arg[1], &mode) &&
           put(c, c->arg[0], (struct item){.mode = S_IFIFO | mode});
}

static bool do_tree(struct context *c)
{
    char *folder = host_path(c, c->arg[1]);
    return tree_load(c->b, c->arg[0], folder, &c->a, c->file, c->line->number) || here(c);
}

static bool do_include(struct context *c)
{
    char *path = host_path(c, c->arg[0]);
    if (c->depth >= DEPTH_MAX)
        return wrong(c, "manifests include each other more than %d deep", DEPTH_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        failed_errno("%s", path);
        if (fd >= 0)
            close(fd);
        return here(c);
    }
    char *text = need((size_t)info.st_size + 1);
    bool ok = read_exactly(fd, text, (size_t)info.st_size, 0) || failed_in("%s", path);
    close(fd);
    plan_input(c->b->plan, path);
    ok = ok && manifest_text(c->b, path, text, c->depth + 1);
    free(text);
    return ok;
}

static bool do_generate(struct context *c)
{
    uint32_t mode;
    if (!parse_mode(c, c->arg[1], &mode))
        return false;
    if (spool_file() < 0)
        return here(c);
    const char *slash = strrchr(c->file, '/');
    char *folder = slash ? need_copy_n(c->file, (size_t)(slash - c->file)) : NULL;
    char *epoch = need_text("SOURCE_DATE_EPOCH=%u", c->b->time);
    const char *const env[] = {epoch, "LC_ALL=C", "TZ=UTC", NULL};
    int fd = temporary_file();
    struct item i = {.mode = S_IFREG | mode};
    const struct spawn s = {
        .argv = (const char *const *)(c->arg + 2), .env = env, .directory = folder, .to_fd = fd};
    bool ok = fd >= 0 && spawn(&s, NULL) &&
              (lseek(fd, 0, SEEK_SET) == 0 || failed_errno("temporary file")) &&
              content_spool(fd, need_text("output of %s", c->arg[2]), &i.data);
    if (fd >= 0)
        close(fd);
    free(folder);
    free(epoch);
    return ok ? put(c, c->arg[0], i) : here(c);
}

static bool load_packages(struct context *c, char **names, size_t count, const char *member,
                          const char *to, uint32_t mode)
{
    if (!c->b->debian)
        return wrong(c, "packages are not to be had here");
    struct debian_package *list;
    size_t n;
    if (!debian_get(c->b->debian, (const char *const *)names, count, c->a.depends, c->a.recommends,
                    &list, &n))
        return here(c);
    for (size_t i = 0; i < n; i++) {
        char *title = need_text("%s %s", list[i].name, list[i].version);
        struct origin *origin = plan_origin(c->b->plan, title, true);
        free(title);
        char *tar;
        if (!debian_unpack(c->b->debian, &list[i], &tar) ||
            !tar_load(c->b, tar, origin, &c->a, member, to, mode, c->file, c->line->number))
            return here(c);
    }
    return true;
}

static bool do_deb(struct context *c)
{
    return load_packages(c, c->arg, c->args, NULL, NULL, 0);
}

static bool do_package(struct context *c)
{
    uint32_t mode;
    c->a.depends = false;
    return parse_mode(c, c->arg[1], &mode) &&
           load_packages(c, c->arg + 2, 1, c->arg[3], c->arg[0], mode);
}

static bool do_debian(struct context *c)
{
    if (c->b->debian)
        debian_choose(c->b->debian, c->arg[0], c->arg[1]);
    return true;
}

// What a busybox brings: a table of its applets' names, sorted, each ended with NUL, stands in its
// data.
static bool applet_names(struct context *c, const struct content *busybox, char **table,
                         size_t *length)
{
    static const char start[] = "[\0[[\0a";
    if (busybox->size > 64 << 20)
        return wrong(c, "this is no busybox: larger than 64 MiB");
    char *all = need(busybox->size + 1);
    if (!content_read(busybox, 0, all, busybox->size)) {
        free(all);
        return here(c);
    }
    char *at = memmem(all, busybox->size, start, sizeof(start) - 1), *end = all + busybox->size,
         *p = at;
    unsigned count = 0;
    const char *before = "";
    while (p && p < end) {
        size_t n = strspn(p, "[abcdefghijklmnopqrstuvwxyz0123456789_.+-");
        if (!n || p + n >= end || p[n] || strcmp(before, p) >= 0)
            break;
        before = p;
        p += n + 1;
        count++;
    }
    if (!at || count < 50) {
        free(all);
        return wrong(c, "this busybox has no table of applet names");
    }
    *length = (size_t)(p - at);
    *table = need(*length);
    memcpy(*table, at, *length);
    free(all);
    return true;
}

static bool do_applets(struct context *c)
{
    const char *slash = strrchr(c->arg[1], '/'), *own = slash ? slash + 1 : c->arg[1];
    char *given = need_text("%s/%s", c->arg[0], own), *name, *table;
    size_t length;
    bool ok = plan_clean_name(given, &name) || here(c);
    free(given);
    if (!ok)
        return false;
    struct item *busybox = plan_find(c->b->plan, name);
    if (!busybox || !S_ISREG(busybox->mode))
        return wrong(c, "/%s: no file of that name stands above", name);
    if (!applet_names(c, item_content(busybox), &table, &length))
        return false;
    for (char *p = table; ok && p < table + length; p += strlen(p) + 1) {
        char *full = need_text("%s/%s", c->arg[0], p), *clean;
        ok = plan_clean_name(full, &clean) || here(c);
        if (ok && !plan_find(c->b->plan, clean))
            ok = put_link(c, full, c->arg[1]);
        free(full);
    }
    free(table);
    return ok;
}

static bool do_abi(struct context *c)
{
    struct plan *p = c->b->plan;
    for (size_t i = 1; i < c->args; i++) {
        p->abi_rules = need_again(p->abi_rules, (p->abi_count + 1) * sizeof(*p->abi_rules));
        p->abi_rules[p->abi_count++] =
            (struct abi_rule){c->arg[i], c->arg[0], c->file, c->line->number};
    }
    return true;
}

static bool change(struct context *c, const char *pattern,
                   void act(struct context *c, struct item *i))
{
    size_t hits = 0, count = c->b->plan->count;
    for (size_t n = 0; n < count; n++) {
        struct item *i = c->b->plan->items[n];
        if (i->nlink == UINT32_MAX || !pattern_fits(pattern, i->name))
            continue;
        act(c, i);
        hits++;
    }
    if (!hits)
        check_found(c->b->checks, CHECK_NO_MATCH, "%s:%u: nothing above fits %s", c->file,
                    c->line->number, pattern);
    return true;
}

static void remove_one(struct context *c, struct item *i)
{
    plan_remove(c->b->plan, i);
}

static bool do_remove(struct context *c)
{
    for (size_t i = 0; i < c->args; i++)
        if (!change(c, c->arg[i], remove_one))
            return false;
    return true;
}

static void mode_one(struct context *c, struct item *i)
{
    uint32_t mode;
    if (!S_ISLNK(i->mode) && parse_mode(c, c->arg[0], &mode))
        i->mode = (i->mode & S_IFMT) | mode;
}

static bool do_mode(struct context *c)
{
    uint32_t mode;
    if (!parse_mode(c, c->arg[0], &mode))
        return false;
    for (size_t i = 1; i < c->args; i++)
        change(c, c->arg[i], mode_one);
    return true;
}

static void owner_one(struct context *c, struct item *i)
{
    if (parse_owner(c, c->arg[0], &c->a.uid, &c->a.gid)) {
        i->uid = c->a.uid;
        i->gid = c->a.gid;
    }
}

static bool do_owner(struct context *c)
{
    if (!parse_owner(c, c->arg[0], &c->a.uid, &c->a.gid))
        return false;
    for (size_t i = 1; i < c->args; i++)
        change(c, c->arg[i], owner_one);
    return true;
}

static const struct {
    const char *word;
    size_t least, most; // words behind it, attributes not counted
    bool outside;       // runs programs or reads files of the host
    bool (*act)(struct context *c);
    const char *usage;
} kinds[] = {
    {"dir", 2, 2, false, do_dir, "dir NAME MODE"},
    {"file", 3, 3, true, do_file, "file NAME MODE SOURCE"},
    {"text", 3, 3, false, do_text, "text NAME MODE \"CONTENT\""},
    {"link", 2, 2, false, do_link, "link NAME TARGET"},
    {"hard", 2, 2, false, do_hard, "hard NAME EXISTING"},
    {"char", 4, 4, false, do_device, "char NAME MODE MAJOR MINOR"},
    {"block", 4, 4, false, do_device, "block NAME MODE MAJOR MINOR"},
    {"fifo", 2, 2, false, do_fifo, "fifo NAME MODE"},
    {"tree", 2, 2, true, do_tree,
     "tree NAME FOLDER [exclude=PATTERN]... [only=PATTERN]... [owner=keep]"},
    {"generate", 3, SIZE_MAX, true, do_generate, "generate NAME MODE PROGRAM [WORD]..."},
    {"deb", 1, SIZE_MAX, true, do_deb,
     "deb PACKAGE... [depends=no] [recommends=yes] [only=PATTERN]... [exclude=PATTERN]..."},
    {"package", 4, 4, true, do_package, "package NAME MODE PACKAGE MEMBER"},
    {"debian", 2, 2, false, do_debian, "debian SUITE ARCHITECTURE"},
    {"applets", 2, 2, false, do_applets, "applets FOLDER BUSYBOX"},
    {"abi", 2, SIZE_MAX, false, do_abi, "abi ABI PATTERN..."},
    {"mode", 2, SIZE_MAX, false, do_mode, "mode MODE PATTERN..."},
    {"owner", 2, SIZE_MAX, false, do_owner, "owner UID:GID PATTERN..."},
    {"remove", 1, SIZE_MAX, false, do_remove, "remove PATTERN..."},
    {"include", 1, 1, true, do_include, "include MANIFEST"},
};

static bool do_line(struct build *b, const char *file, const struct line *l, unsigned depth,
                    struct origin *origin)
{
    struct context c = {.b = b, .file = file, .line = l, .depth = depth, .origin = origin};
    c.a.depends = true;
    c.arg = l->words + 1;
    c.args = l->count - 1;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (strcmp(kinds[k].word, l->words[0]) != 0)
            continue;
        // The words of a command are its own; elsewhere attributes may stand behind the fixed
        // words.
        if (kinds[k].act != do_generate && !take_attributes(&c, kinds[k].least))
            return false;
        if (c.args < kinds[k].least || c.args > kinds[k].most)
            return wrong(&c, "this line reads: %s", kinds[k].usage);
        if (kinds[k].outside && !b->trust_paths)
            return wrong(&c, "%s lines are not allowed here", l->words[0]);
        return kinds[k].act(&c);
    }
    return wrong(&c, "unknown word: %.80s", l->words[0]);
}

bool manifest_text(struct build *b, const char *path, const char *text, unsigned depth)
{
    struct lexer x = {.file = need_copy(path), .at = text, .number = 1, .defines = b->defines};
    struct origin *origin = plan_origin(b->plan, path, false);
    for (;;) {
        struct line l;
        int r = lexer_next(&x, &l);
        if (r <= 0)
            return r == 0;
        bool ok = do_line(b, x.file, &l, depth, origin);
        line_free(&l);
        if (!ok)
            return false;
    }
}

bool manifest_load(struct build *b, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        failed_errno("%s", path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    size_t have = 0, room = 65536;
    text = need(room);
    ssize_t n;
    while ((n = read_some(fd, text + have, room - have - 1)) > 0) { // may be a pipe
        have += (size_t)n;
        if (have + 1 == room)
            text = need_again(text, room *= 2);
    }
    text[have] = 0;
    bool ok = n == 0 || failed_errno("%s", path);
    close(fd);
    if (ok && strlen(text) != have)
        ok = failed(EXIT_INPUT, "%s: a NUL byte at offset %zu", path, strlen(text));
    plan_input(b->plan, path);
    ok = ok && manifest_text(b, path, text, 0);
    free(text);
    return ok;
}
