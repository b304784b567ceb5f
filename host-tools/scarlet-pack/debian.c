// Packages: the lock listing, the cache, what goes into the image. How apt is asked is in apt.c.
#include "debian.h"
#include "apt.h"
#include "common/fail.h"
#include "common/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    char *key;
    struct debian_package *list;
    size_t count;
    bool used;
};

struct debian {
    struct debian_options o;
    bool fixed_suite, fixed_arch;
    struct apt apt;
    char *debs, *tars;
    struct request *requests;
    size_t count;
    bool changed, read;
};

struct debian *debian_open(const struct debian_options *o)
{
    struct debian *d = need(sizeof(*d));
    d->o = *o;
    d->fixed_suite = o->suite;
    d->fixed_arch = o->arch;
    if (!o->suite)
        d->o.suite = "trixie";
    if (!o->arch)
        d->o.arch = "riscv64";
    d->debs = need_text("%s/cache/debs", o->cache);
    d->tars = need_text("%s/cache/tars", o->cache);
    return d;
}

void debian_choose(struct debian *d, const char *suite, const char *arch)
{
    if (!d->fixed_suite)
        d->o.suite = suite;
    if (!d->fixed_arch)
        d->o.arch = arch;
}

// --- the lock listing ------------------------------------------------------------------------

static struct request *request_new(struct debian *d, const char *key)
{
    d->requests = need_again(d->requests, (d->count + 1) * sizeof(*d->requests));
    d->requests[d->count] = (struct request){.key = need_copy(key)};
    return &d->requests[d->count++];
}

static void request_add(struct request *r, struct debian_package p)
{
    r->list = need_again(r->list, (r->count + 1) * sizeof(*r->list));
    r->list[r->count++] = p;
}

static bool read_lock(struct debian *d)
{
    if (d->read || !d->o.lock)
        return true;
    d->read = true;
    FILE *f = fopen(d->o.lock, "re");
    if (!f)
        return errno == ENOENT ? true : failed_errno("%s", d->o.lock);
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    bool ok = true;
    struct request *r = NULL;
    for (ssize_t n; ok && (n = getline(&line, &room, f)) > 0;) {
        number++;
        line[strcspn(line, "\n")] = 0;
        if (!*line || *line == '#')
            continue;
        if (strncmp(line, "request ", 8) == 0) {
            r = request_new(d, line + 8);
            continue;
        }
        char name[256], version[256], arch[64], sum[65];
        if (!r || sscanf(line, "package %255s %255s %63s %64s", name, version, arch, sum) != 4 ||
            strlen(sum) != 64) {
            ok = failed(EXIT_INPUT, "%s:%u: not a line of a lock listing", d->o.lock, number);
            break;
        }
        struct debian_package p = {
            .name = need_copy(name), .version = need_copy(version), .arch = need_copy(arch)};
        memcpy(p.sum, sum, sizeof(sum));
        request_add(r, p);
    }
    free(line);
    fclose(f);
    return ok;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct request *)a)->key, ((const struct request *)b)->key);
}

bool debian_close(struct debian *d)
{
    for (size_t i = 0; i < d->count; i++)
        d->changed |= !d->requests[i].used;
    if (!d->o.lock || !d->changed)
        return true;
    if (d->o.locked)
        return failed(EXIT_FOUND,
                      "%s: not what this manifest asks for; build without --locked to renew it",
                      d->o.lock);
    struct output out;
    if (!output_open(&out, d->o.lock))
        return false;
    FILE *f = fdopen(dup(out.fd), "w");
    if (!f) {
        failed_errno("%s", d->o.lock);
        output_abandon(&out);
        return false;
    }
    fprintf(f, "# The packages in the image, by request: name, version, architecture, SHA-256. "
               "Written by scarlet-pack.\n");
    qsort(d->requests, d->count, sizeof(*d->requests), by_key);
    for (size_t i = 0; i < d->count; i++) {
        if (!d->requests[i].used)
            continue;
        fprintf(f, "request %s\n", d->requests[i].key);
        for (size_t k = 0; k < d->requests[i].count; k++) {
            const struct debian_package *p = &d->requests[i].list[k];
            fprintf(f, "package %s %s %s %s\n", p->name, p->version, p->arch, p->sum);
        }
    }
    if (fclose(f) != 0) {
        failed_errno("%s", d->o.lock);
        output_abandon(&out);
        return false;
    }
    return output_commit(&out);
}

// --- the cache -------------------------------------------------------------------------------

// apt writes the colon of an epoch as %3a.
static char *deb_name(const struct debian *d, const char *name, const char *version,
                      const char *arch)
{
    char *plain = need(3 * strlen(version) + 1), *to = plain;
    for (const char *v = version; *v; v++) {
        if (*v == ':')
            to = stpcpy(to, "%3a");
        else
            *to++ = *v;
    }
    char *out = need_text("%s/%s_%s_%s.deb", d->debs, name, plain, arch);
    free(plain);
    return out;
}

static bool in_cache(struct debian *d, struct debian_package *p)
{
    if (!p->file)
        p->file = deb_name(d, p->name, p->version, p->arch);
    return access(p->file, R_OK) == 0;
}

// Sums of many files with one program run.
static bool sum_all(struct debian_package *list, size_t n)
{
    const char **argv = need((n + 4) * sizeof(*argv));
    argv[0] = "sha256sum";
    argv[1] = "-b";
    argv[2] = "--";
    for (size_t i = 0; i < n; i++)
        argv[3 + i] = list[i].file;
    char *text;
    bool ok = spawn(&(struct spawn){.argv = argv, .to_fd = -1, .quiet = true}, &text);
    free(argv);
    char *line = text;
    for (size_t i = 0; ok && i < n; i++) {
        line += *line == '\\'; // names with odd characters
        char sum[65] = "";
        if (strlen(line) > 64)
            memcpy(sum, line, 64);
        if (!sum[0])
            ok = failed(EXIT_SYSTEM, "sha256sum: unexpected output");
        else if (list[i].sum[0] && strcmp(list[i].sum, sum) != 0)
            ok = failed(EXIT_INPUT,
                        "%s: not the package that the lock listing means (SHA-256 is %s, not %s)",
                        list[i].file, sum, list[i].sum);
        else
            memcpy(list[i].sum, sum, sizeof(sum));
        char *end = strchr(line, '\n');
        line = end ? end + 1 : line + strlen(line);
    }
    free(text);
    return ok;
}

// Moves what apt fetched into the cache and puts the NAME link beside it.
static bool shelve(struct debian *d, const char *partial, struct debian_package *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *base = strrchr(list[i].file, '/') + 1;
        char *from = need_text("%s/%s", partial, base),
             *link = need_text("%s/%s", d->debs, list[i].name);
        char *temporary = need_text("%s/.%s-%d", d->debs, list[i].name, (int)getpid());
        bool ok = true;
        if (access(from, R_OK) == 0) {
            ok = rename(from, list[i].file) == 0 || failed_errno("%s", list[i].file);
            unlink(temporary);
            if (ok && (symlink(base, temporary) != 0 || rename(temporary, link) != 0))
                ok = failed_errno("%s", link);
        } else if (access(list[i].file, R_OK) != 0) {
            ok = failed(EXIT_SYSTEM, "package %s %s did not arrive", list[i].name, list[i].version);
        }
        free(from);
        free(link);
        free(temporary);
        if (!ok)
            return false;
    }
    return true;
}

static bool fetch_missing(struct debian *d, struct debian_package *list, size_t n)
{
    const char **missing = need((n + 1) * sizeof(*missing));
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!in_cache(d, &list[i]))
            missing[count++] = need_text("%s=%s", list[i].name, list[i].version);
    bool ok = true;
    if (count && d->o.offline)
        ok = failed(EXIT_SYSTEM,
                    "package %s is not in the cache (%s) and --offline forbids to fetch it",
                    missing[0], d->debs);
    if (count && ok) {
        char *partial = need_text("%s/partial-%d", d->debs, (int)getpid());
        if (!d->o.quiet)
            complain("fetching %zu package%s", count, count == 1 ? "" : "s");
        ok = make_directories(partial) && apt_download(&d->apt, partial, missing, count) &&
             shelve(d, partial, list, n);
        rmdir(partial);
        free(partial);
    }
    free(missing);
    return ok;
}

// A single package without dependencies that is in the cache under its name needs no apt at all.
static bool from_cache(struct debian *d, const char *name, struct debian_package *p)
{
    char *link = need_text("%s/%s", d->debs, name), target[512];
    ssize_t n = readlink(link, target, sizeof(target) - 1);
    free(link);
    if (n <= 0)
        return false;
    target[n] = 0;
    char *first = strchr(target, '_'), *second = first ? strchr(first + 1, '_') : NULL,
         *dot = strrchr(target, '.');
    if (!second || !dot || dot < second)
        return false;
    *first = *second = *dot = 0;
    if (strcmp(target, name) != 0 ||
        (strcmp(second + 1, d->o.arch) != 0 && strcmp(second + 1, "all") != 0))
        return false;
    char *version = need(strlen(first + 1) + 1), *to = version;
    for (const char *v = first + 1; *v; v++) {
        if (strncmp(v, "%3a", 3) == 0) {
            *to++ = ':';
            v += 2;
        } else {
            *to++ = *v;
        }
    }
    *p = (struct debian_package){
        .name = need_copy(name), .version = version, .arch = need_copy(second + 1)};
    return in_cache(d, p);
}

static int by_package(const void *a, const void *b)
{
    return strcmp(((const struct debian_package *)a)->name,
                  ((const struct debian_package *)b)->name);
}

static bool resolve(struct debian *d, const char *const *names, size_t count, bool depends,
                    bool recommends, struct request *r)
{
    struct debian_package one;
    bool known = !depends && !d->o.update;
    for (size_t i = 0; known && i < count; i++) {
        known = from_cache(d, names[i], &one);
        if (known)
            request_add(r, one);
    }
    if (known)
        return true;
    r->count = 0;
    if (!apt_open(&d->apt, d->o.cache, d->o.suite, d->o.arch, d->o.offline))
        return false;
    if (d->o.update && !d->o.offline && !apt_update(&d->apt))
        return false;
    if (!apt_resolve(&d->apt, names, count, depends, recommends, &r->list, &r->count))
        return false;
    qsort(r->list, r->count, sizeof(*r->list), by_package);
    return true;
}

static int by_word(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *request_key(const struct debian *d, const char *const *names, size_t count,
                         bool depends, bool recommends)
{
    char *key = need_text("%s %s depends=%s recommends=%s", d->o.suite, d->o.arch,
                          depends ? "yes" : "no", recommends ? "yes" : "no");
    for (size_t i = 0; i < count; i++) {
        char *longer = need_text("%s %s", key, names[i]);
        free(key);
        key = longer;
    }
    return key;
}

static int take_lock(struct debian *d)
{
    char *folder = need_text("%s/apt", d->o.cache), *path = need_text("%s/lock", folder);
    int fd = -1;
    if (make_directories(folder) && make_directories(d->debs)) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0 || flock(fd, LOCK_EX) != 0)
            failed_errno("%s", path);
    }
    free(folder);
    free(path);
    return fd;
}

bool debian_get(struct debian *d, const char *const *names, size_t count, bool depends,
                bool recommends, struct debian_package **out, size_t *out_count)
{
    for (size_t i = 0; i < count; i++)
        if (!names[i][0] || names[i][strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789+-.")] ||
            names[i][0] == '-')
            return failed(EXIT_INPUT, "not the name of a package: %s", names[i]);
    if (!read_lock(d))
        return false;
    const char **sorted = need((count + 1) * sizeof(*sorted));
    memcpy(sorted, names, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_word);
    char *key = request_key(d, sorted, count, depends, recommends);
    struct request *r = NULL;
    for (size_t i = 0; i < d->count && !r; i++)
        if (strcmp(d->requests[i].key, key) == 0)
            r = &d->requests[i];
    int guard = take_lock(d);
    bool ok = guard >= 0;
    struct request fresh = {0};
    bool from_lock = ok && r && !d->o.update;
    if (ok && from_lock) {
        for (size_t i = 0; ok && i < r->count; i++)
            if (!in_cache(d, &r->list[i]))
                ok = apt_open(&d->apt, d->o.cache, d->o.suite, d->o.arch, d->o.offline);
        fresh = *r;
    } else if (ok) {
        ok = resolve(d, sorted, count, depends, recommends, &fresh);
    }
    ok = ok && fetch_missing(d, fresh.list, fresh.count) &&
         (!d->o.lock || sum_all(fresh.list, fresh.count));
    if (ok && !r)
        r = request_new(d, key);
    if (ok) {
        d->changed |= !from_lock;
        r->list = fresh.list;
        r->count = fresh.count;
        r->used = true;
        *out = r->list;
        *out_count = r->count;
    }
    if (guard >= 0)
        close(guard);
    free(sorted);
    free(key);
    return ok;
}

bool debian_unpack(struct debian *d, const struct debian_package *p, char **out)
{
    const char *base = strrchr(p->file, '/') + 1;
    char *tar = need_text("%s/%.*s.tar", d->tars, (int)(strlen(base) - 4), base);
    struct stat deb, had;
    if (stat(p->file, &deb) != 0)
        return failed_errno("%s", p->file);
    if (stat(tar, &had) == 0 && had.st_mtime >= deb.st_mtime && had.st_size > 0) {
        *out = tar;
        return true;
    }
    struct output o;
    if (!make_directories(d->tars) || !output_open(&o, tar))
        return false;
    const char *argv[] = {"dpkg-deb", "--fsys-tarfile", p->file, NULL};
    if (!spawn(&(struct spawn){.argv = argv, .to_fd = o.fd, .quiet = true}, NULL)) {
        output_abandon(&o);
        return failed_in("%s", p->file);
    }
    *out = tar;
    return output_commit(&o);
}
