// scarlet-pack extract. Every name is resolved by the kernel with the folder as its root (openat2,
// RESOLVE_IN_ROOT): links in the archive may lead anywhere inside, never out. Without openat2
// folders are walked one by one and links refused.
#include "commands.h"
#include "common/fail.h"
#include "common/files.h"
#include "common/options.h"
#include "common/progress.h"
#include "index.h"
#include "newc_read.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { STEP = 1 << 18 };

struct late { // a directory's attributes come when nothing is put into it any more
    char *name;
    struct entry *e;
};

struct extract {
    int root;
    bool owner, devices, times, keep_going;
    char **patterns;
    int pattern_count;
    struct reader *r;
    struct strmap linked; // "archive:major:minor:inode" -> name
    struct late *late;
    size_t late_count, made, skipped;
    bool placed_ill; // the last failure is about where an entry should go, not about the image's
                     // bytes
    unsigned char *buffer;
};

static int walk_plain(int root, const char *name)
{
    int at = dup(root);
    char *copy = need_copy(name), *rest = copy;
    for (char *part; at >= 0 && (part = strsep(&rest, "/"));) {
        if (!*part)
            continue;
        int next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int code = errno;
        close(at);
        errno = code;
        at = next;
    }
    free(copy);
    return at;
}

static int open_folder(int root, const char *name)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    for (unsigned turn = 0; turn < 100; turn++) {
        int fd = (int)syscall(SYS_openat2, root, *name ? name : ".", &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != ENOSYS && errno != EPERM))
            return fd;
        if (errno != EAGAIN)
            return walk_plain(root, name);
    }
    return -1;
}

// The folder that an entry stands in; missing ones are made. Opened for use with ...at calls.
static int folder_of(struct extract *x, const char *name, const char **last)
{
    const char *slash = strrchr(name, '/');
    *last = slash ? slash + 1 : name;
    char *folder = need_copy_n(name, slash ? (size_t)(slash - name) : 0);
    int fd = open_folder(x->root, folder);
    if (fd < 0 && errno == ENOENT && *folder) {
        const char *inner;
        int above = folder_of(x, folder, &inner);
        if (above >= 0) {
            if (mkdirat(above, inner, 0755) == 0 || errno == EEXIST)
                fd = open_folder(x->root, folder);
            int code = errno;
            close(above);
            errno = code;
        }
    }
    if (fd < 0) {
        int code = errno;
        x->placed_ill = true;
        source_failed(x->r->source, x->r->e.offset, "/%s: cannot be put below /%s: %s", name,
                      folder, strerror(code));
    }
    free(folder);
    return fd;
}

static bool entry_failed(const struct extract *x, const char *what)
{
    int code = errno;
    source_failed(x->r->source, x->r->e.offset, "/%s: %s: %s", x->r->e.name, what, strerror(code));
    return failed(EXIT_SYSTEM, "%s", failure_text());
}

static bool write_data(struct extract *x, int fd)
{
    long n;
    uint32_t sum = 0;
    while ((n = reader_data(x->r, x->buffer, STEP)) > 0) {
        if (!write_all(fd, x->buffer, (size_t)n))
            return entry_failed(x, "write");
        for (long i = 0; x->r->e.has_check && i < n; i++)
            sum += x->buffer[i];
        progress_add((uint64_t)n);
    }
    if (n == 0 && x->r->e.has_check && sum != x->r->e.check)
        return source_failed(x->r->source, x->r->e.offset,
                             "/%s: the checksum of the content is wrong", x->r->e.name);
    return n == 0;
}

// Owner first: changing it takes set-id bits away.
static bool attributes(struct extract *x, int folder, const char *last, const struct entry *e)
{
    if (x->owner && fchownat(folder, last, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return entry_failed(x, "owner");
    if (!S_ISLNK(e->mode)) {
        // What was just made is no link; it is opened so that nobody can put one in its place.
        int fd = openat(folder, last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char self[64];
        snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        mode_t mode = e->mode & (x->owner ? 07777 : 0777 | S_ISVTX);
        struct stat info;
        bool ok =
            fd >= 0 && fstat(fd, &info) == 0 && !S_ISLNK(info.st_mode) && chmod(self, mode) == 0;
        if (!ok)
            entry_failed(x, "mode");
        if (fd >= 0)
            close(fd);
        if (!ok)
            return false;
    }
    const struct timespec times[2] = {{.tv_sec = e->mtime}, {.tv_sec = e->mtime}};
    if (x->times && utimensat(folder, last, times, AT_SYMLINK_NOFOLLOW) != 0)
        return entry_failed(x, "time");
    return true;
}

static bool make_directory(struct extract *x, int folder, const char *last)
{
    const struct entry *e = &x->r->e;
    struct stat info;
    if (*last && mkdirat(folder, last, 0700) != 0) {
        if (errno != EEXIST || fstatat(folder, last, &info, AT_SYMLINK_NOFOLLOW) != 0)
            return entry_failed(x, "directory");
        if (S_ISLNK(info.st_mode)) { // a link to a directory stays; its attributes are not ours to
                                     // change
            int there = open_folder(x->root, e->name);
            if (there < 0)
                return entry_failed(x, "directory");
            close(there);
            return true;
        }
        if (!S_ISDIR(info.st_mode) &&
            (unlinkat(folder, last, 0) != 0 || mkdirat(folder, last, 0700) != 0))
            return entry_failed(x, "directory");
    }
    x->late = need_again(x->late, (x->late_count + 1) * sizeof(*x->late));
    struct entry *copy = need(sizeof(*copy));
    *copy = *e;
    x->late[x->late_count++] = (struct late){need_copy(e->name), copy};
    return true;
}

static bool remove_old(struct extract *x, int folder, const char *last)
{
    if (unlinkat(folder, last, 0) == 0 || errno == ENOENT)
        return true;
    if (errno == EISDIR || errno == EPERM)
        if (unlinkat(folder, last, AT_REMOVEDIR) == 0)
            return true;
    return entry_failed(x, "remove what was there");
}

static bool make_hard_link(struct extract *x, int folder, const char *last, const char *first)
{
    const char *first_last;
    int first_folder = folder_of(x, first, &first_last);
    if (first_folder < 0)
        return false;
    bool ok =
        linkat(first_folder, first_last, folder, last, 0) == 0 || entry_failed(x, "hard link");
    close(first_folder);
    if (!ok || !x->r->e.size)
        return ok;
    // Data come with a later name of the file.
    int fd = openat(folder, last, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) { // the mode may be set already
        entry_failed(x, "open");
        return false;
    }
    ok = write_data(x, fd);
    close(fd);
    return ok;
}

static bool make_other(struct extract *x, int folder, const char *last)
{
    const struct entry *e = &x->r->e;
    if (S_ISLNK(e->mode)) {
        char target[4096] = "";
        if (reader_data(x->r, target, e->size) < 0)
            return false;
        return symlinkat(target, folder, last) == 0 || entry_failed(x, "link");
    }
    if (S_ISREG(e->mode)) {
        int fd = openat(folder, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return entry_failed(x, "create");
        bool ok = write_data(x, fd);
        if (close(fd) != 0 && ok)
            ok = entry_failed(x, "write");
        return ok;
    }
    return mknodat(folder, last, (e->mode & S_IFMT) | 0600,
                   makedev(e->rdev_major, e->rdev_minor)) == 0 ||
           entry_failed(x, "device");
}

static bool one(struct extract *x)
{
    const struct entry *e = &x->r->e;
    const char *last, *first = NULL;
    bool device = S_ISCHR(e->mode) || S_ISBLK(e->mode);
    if (e->index)
        return true;
    if ((device && !x->devices) || S_ISSOCK(e->mode)) {
        x->skipped++;
        return true;
    }
    int folder = folder_of(x, e->name, &last);
    if (folder < 0)
        return false;
    bool ok;
    if (S_ISDIR(e->mode)) {
        ok = make_directory(x, folder, last);
        close(folder);
        x->made += ok;
        return ok;
    }
    char key[64];
    snprintf(key, sizeof(key), "%u:%x:%x:%x:%x", e->archive, e->dev_major, e->dev_minor, e->ino,
             e->mode & S_IFMT);
    if (e->nlink > 1 && !S_ISLNK(e->mode))
        first = strmap_get(&x->linked, key);
    if (first && strcmp(first, e->name) == 0)
        first = NULL;
    ok = remove_old(x, folder, last) &&
         (first ? make_hard_link(x, folder, last, first) : make_other(x, folder, last)) &&
         attributes(x, folder, last, e);
    if (ok && e->nlink > 1 && !first)
        strmap_put(&x->linked, need_copy(key), need_copy(e->name));
    close(folder);
    x->made += ok;
    return ok;
}

static bool finish_directories(struct extract *x)
{
    bool ok = true;
    while (ok && x->late_count) {
        struct late *l = &x->late[--x->late_count];
        const char *last;
        struct stat info;
        int folder = folder_of(x, l->name, &last);
        if (folder < 0)
            return false;
        if (*last && fstatat(folder, last, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(info.st_mode))
            ok = attributes(x, folder, last, l->e);
        close(folder);
    }
    return ok;
}

static bool wanted(const struct extract *x, const char *name)
{
    bool fit = x->pattern_count == 0;
    for (int i = 0; i < x->pattern_count && !fit; i++) {
        const char *p = x->patterns[i];
        while (*p == '/')
            p++;
        size_t n = strlen(p);
        // A pattern takes what it fits, a name also what is below it.
        fit = pattern_fits(p, name) || (strncmp(p, name, n) == 0 && name[n] == '/');
    }
    return fit;
}

// One file's bytes on standard output; through the index where there is one.
static int to_output(const char *path, const char *name)
{
    char *clean;
    if (!plan_clean_name(name, &clean))
        return report_failure();
    unsigned char *buffer = need(STEP);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    struct index_entry e;
    bool usable = false, ok = true;
    int found = 0;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        found = index_find(fd, (uint64_t)info.st_size, clean, &e, &usable);
    if (found < 0)
        return failed_in("%s", path), report_failure();
    if (usable && found) {
        if (!S_ISREG(e.mode))
            return complain("%s: /%s is not a regular file", path, clean), EXIT_FOUND;
        for (uint64_t at = 0; ok && at < e.size; at += STEP) {
            size_t n = e.size - at < STEP ? (size_t)(e.size - at) : STEP;
            ok = read_exactly(fd, buffer, n, e.data_at + at) && write_all(STDOUT_FILENO, buffer, n);
        }
        return ok ? EXIT_GOOD : report_failure();
    }
    if (fd >= 0)
        close(fd);
    struct source *s = usable ? NULL : source_open(path);
    if (!usable && !s)
        return report_failure();
    struct reader r;
    int n = 0;
    bool seen = false;
    if (s)
        reader_start(&r, s);
    while (s && ok && !seen && (n = reader_next(&r)) > 0) {
        if (strcmp(r.e.name, clean) != 0 || !S_ISREG(r.e.mode) || (r.e.nlink > 1 && !r.e.size))
            continue;
        long got;
        seen = true;
        while (ok && (got = reader_data(&r, buffer, STEP)) != 0)
            ok = got > 0 && write_all(STDOUT_FILENO, buffer, (size_t)got);
    }
    if (!ok || n < 0)
        return report_failure();
    if (!seen)
        return complain("%s: there is no file /%s", path, clean), EXIT_FOUND;
    return EXIT_GOOD;
}

static int run(struct extract *x, const char *path, bool quiet)
{
    struct source *s = source_open(path);
    if (!s)
        return report_failure();
    struct reader r;
    struct stat info;
    reader_start(&r, s);
    x->r = &r;
    x->buffer = need(STEP);
    progress_begin("extracting", fstat(source_fd(s), &info) == 0 ? (uint64_t)info.st_size : 0,
                   PROGRESS_BYTES, quiet);
    int n, status = EXIT_GOOD;
    while ((n = reader_next(&r)) > 0) {
        x->placed_ill = false;
        if (!wanted(x, r.e.name) || one(x))
            continue;
        status = report_failure();
        if (!x->keep_going || (status == EXIT_INPUT && !x->placed_ill))
            break;
    }
    if (n < 0)
        status = report_failure();
    if (!finish_directories(x) && status == EXIT_GOOD)
        status = report_failure();
    progress_end();
    source_close(s);
    if (x->skipped && !quiet)
        complain("%zu device%s left out (needs root, or --no-devices was given)", x->skipped,
                 x->skipped == 1 ? "" : "s");
    if (status == EXIT_GOOD && !x->made && x->pattern_count) {
        complain("%s: no name fits", path);
        status = EXIT_FOUND;
    }
    return status;
}

int command_extract(int argc, char **argv)
{
    const char *folder = NULL;
    bool no_owner = false, no_devices = false, no_times = false, keep_going = false,
         to_stdout = false, quiet = false, done = false;
    const struct option_rule rules[] = {
        {"directory", 'C', OPTION_TEXT, &folder, "FOLDER", "where to; it is made if it is missing",
         0, 0},
        {"to-stdout", 'O', OPTION_FLAG, &to_stdout, NULL,
         "the bytes of one file on standard output", 0, 0},
        {"no-owner", 0, OPTION_FLAG, &no_owner, NULL,
         "everything belongs to the caller (always so unless root)", 0, 0},
        {"no-devices", 0, OPTION_FLAG, &no_devices, NULL,
         "leave devices out (always so unless root)", 0, 0},
        {"no-times", 0, OPTION_FLAG, &no_times, NULL, "leave times as they come", 0, 0},
        {"keep-going", 'k', OPTION_FLAG, &keep_going, NULL,
         "go on after an entry that cannot be made", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no progress, no remarks", 0, 0},
        {0},
    };
    if (!command_options(&argc, argv, rules, &done))
        return report_failure();
    if (done)
        return EXIT_GOOD;
    if (argc < 2 || (to_stdout ? argc != 3 : !folder)) {
        complain(to_stdout ? "extract --to-stdout IMAGE NAME"
                           : "extract: which image (and -C FOLDER)?");
        return EXIT_USAGE;
    }
    if (to_stdout)
        return to_output(argv[1], argv[2]);
    if (!make_directories(folder))
        return report_failure();
    bool root = geteuid() == 0;
    umask(0);
    struct extract x = {.root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
                        .owner = root && !no_owner,
                        .devices = root && !no_devices,
                        .times = !no_times,
                        .keep_going = keep_going,
                        .patterns = argv + 2,
                        .pattern_count = argc - 2};
    if (x.root < 0) {
        failed_errno("%s", folder);
        return report_failure();
    }
    return run(&x, argv[1], quiet);
}
