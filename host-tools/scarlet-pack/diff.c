// scarlet-pack diff: two images, name by name.
#include "commands.h"
#include "common/fail.h"
#include "common/json.h"
#include "common/options.h"
#include "common/progress.h"
#include "image.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STEP = 1 << 17 };

struct report {
    struct json *j;
    uint64_t added, removed, changed;
    bool quiet, times;
};

static int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int l = *a == '/' ? 1
            : *a == 0 ? 0
                      : (unsigned char)*a + 1,
        r = *b == '/' ? 1
            : *b == 0 ? 0
                      : (unsigned char)*b + 1;
    return l - r;
}

static void tell(struct report *r, char sign, const char *name, const char *what)
{
    *(sign == '+' ? &r->added : sign == '-' ? &r->removed : &r->changed) += 1;
    if (r->j) {
        char *full = need_text("/%s", name);
        json_object(r->j, NULL);
        json_text(r->j, "change", sign == '+' ? "added" : sign == '-' ? "removed" : "changed");
        json_text(r->j, "name", full);
        if (what)
            json_text(r->j, "what", what);
        json_close_object(r->j);
        free(full);
    } else if (!r->quiet) {
        printf("%c /%s%s%s\n", sign, name, what ? "  " : "", what ? what : "");
    }
}

static bool same_content(const struct content *a, const struct content *b, bool *same,
                         uint64_t *at_byte)
{
    unsigned char *x = need(2 * STEP), *y = x + STEP;
    bool ok = true;
    *same = a->size == b->size;
    for (uint64_t at = 0; ok && *same && at < a->size; at += STEP) {
        size_t n = a->size - at < STEP ? (size_t)(a->size - at) : STEP;
        ok = content_read(a, at, x, n) && content_read(b, at, y, n);
        progress_add(2 * n);
        if (ok && memcmp(x, y, n) != 0) {
            *same = false;
            for (size_t i = 0; x[i] == y[i]; i++)
                at++;
            *at_byte = at;
            break;
        }
    }
    free(x);
    return ok;
}

static void add(char *out, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *out, size_t room, const char *format, ...)
{
    size_t n = strlen(out);
    va_list args;
    if (n && n + 3 < room)
        n = (size_t)(stpcpy(out + n, ", ") - out);
    va_start(args, format);
    vsnprintf(out + n, room - n, format, args);
    va_end(args);
}

static bool pair(struct report *r, const struct item *a, const struct item *b)
{
    char what[4096] = "";
    const struct content *x = item_content(a), *y = item_content(b);
    if ((a->mode & S_IFMT) != (b->mode & S_IFMT)) {
        add(what, sizeof(what), "another type of file");
    } else {
        bool same = true;
        uint64_t at = 0;
        if (a->mode != b->mode)
            add(what, sizeof(what), "mode %04o -> %04o", a->mode & 07777, b->mode & 07777);
        if (S_ISLNK(a->mode) && strcmp(x->bytes, y->bytes) != 0)
            add(what, sizeof(what), "target %s -> %s", x->bytes, y->bytes);
        if ((S_ISCHR(a->mode) || S_ISBLK(a->mode)) &&
            (a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor))
            add(what, sizeof(what), "device %u,%u -> %u,%u", a->rdev_major, a->rdev_minor,
                b->rdev_major, b->rdev_minor);
        if (S_ISREG(a->mode) && x->size != y->size)
            add(what, sizeof(what), "size %llu -> %llu", (unsigned long long)x->size,
                (unsigned long long)y->size);
        else if (S_ISREG(a->mode) && !same_content(x, y, &same, &at))
            return false;
        if (!same)
            add(what, sizeof(what), "content differs from byte %llu on", (unsigned long long)at);
    }
    if (a->uid != b->uid || a->gid != b->gid)
        add(what, sizeof(what), "owner %u:%u -> %u:%u", a->uid, a->gid, b->uid, b->gid);
    if (r->times && a->mtime != b->mtime)
        add(what, sizeof(what), "time %u -> %u", a->mtime, b->mtime);
    const char *la = a->leader ? a->leader->name : NULL, *lb = b->leader ? b->leader->name : NULL;
    if (!la != !lb || (la && strcmp(la, lb) != 0))
        add(what, sizeof(what), "hard links differ");
    if (*what)
        tell(r, '~', a->name, what);
    return true;
}

int command_diff(int argc, char **argv)
{
    bool as_json = false, quiet = false, times = false, done = false;
    const struct option_rule rules[] = {
        {"times", 0, OPTION_FLAG, &times, NULL, "compare times too", 0, 0},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "as JSON", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "only the exit status: 0 equal, 1 different", 0,
         0},
        {0},
    };
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done)
        return EXIT_GOOD;
    if (argc != 3) {
        complain("diff: which two images?");
        return EXIT_USAGE;
    }
    struct plan a = {0}, b = {0};
    if (!image_load(&a, argv[1], true) || !plan_finish(&a) || !image_load(&b, argv[2], true) ||
        !plan_finish(&b))
        return report_failure();
    struct json json;
    struct report r = {.j = as_json ? &json : NULL, .quiet = quiet, .times = times};
    if (r.j) {
        json_start(r.j, stdout);
        json_array(r.j, NULL);
    }
    progress_begin("comparing", 0, PROGRESS_BYTES, quiet);
    bool ok = true;
    for (size_t i = 0, k = 0; ok && (i < a.count || k < b.count);) {
        int c = i == a.count ? 1 : k == b.count ? -1 : compare(a.items[i]->name, b.items[k]->name);
        if (c < 0)
            tell(&r, '-', a.items[i++]->name, NULL);
        else if (c > 0)
            tell(&r, '+', b.items[k++]->name, NULL);
        else
            ok = pair(&r, a.items[i++], b.items[k++]);
    }
    progress_end();
    if (r.j) {
        json_close_array(r.j);
        json_finish(r.j);
    }
    if (!ok)
        return report_failure();
    return r.added || r.removed || r.changed ? EXIT_FOUND : EXIT_GOOD;
}
