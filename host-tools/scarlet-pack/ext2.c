// The plan becomes a folder, mke2fs -d makes the file system of it, and debugfs sets what a folder
// of an ordinary user cannot say: owners, modes, times, devices. No root is needed.
#include "ext2.h"
#include "common/fail.h"
#include "common/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, STEP = 1 << 18 };

struct staging {
    struct plan *plan;
    char *folder;
    FILE *script; // for debugfs
    uint32_t time;
};

static bool copy(const struct content *c, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed_errno("%s", path);
    char *buffer = need(STEP);
    bool ok = true;
    for (uint64_t at = 0; ok && at < c->size; at += STEP) {
        size_t n = c->size - at < STEP ? (size_t)(c->size - at) : STEP;
        ok = content_read(c, at, buffer, n) && write_all(fd, buffer, n);
    }
    free(buffer);
    close(fd);
    return ok;
}

// Every directory on the way is one that we made: names were resolved when the plan was finished.
static bool stage_one(struct staging *s, struct item *i)
{
    char *path = need_text("%s/%s", s->folder, i->name);
    bool ok = true;
    if (!*i->name)
        ok = true;
    else if (S_ISDIR(i->mode))
        ok = mkdir(path, 0700) == 0 || failed_errno("%s", path);
    else if (S_ISREG(i->mode))
        ok = copy(item_content(i), path);
    else if (S_ISLNK(i->mode))
        ok = symlink(item_content(i)->bytes, path) == 0 || failed_errno("%s", path);
    free(path);
    return ok;
}

static void describe(struct staging *s, const struct item *i)
{
    FILE *f = s->script;
    if (S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode)) {
        const char *slash = strrchr(i->name, '/');
        fprintf(f, "cd \"/%.*s\"\nmknod \"%s\" ", slash ? (int)(slash - i->name) : 0, i->name,
                slash ? slash + 1 : i->name);
        if (S_ISFIFO(i->mode))
            fprintf(f, "p\ncd /\n");
        else
            fprintf(f, "%c %u %u\ncd /\n", S_ISCHR(i->mode) ? 'c' : 'b', i->rdev_major,
                    i->rdev_minor);
    }
    fprintf(f, "sif \"/%s\" uid %u\nsif \"/%s\" gid %u\nsif \"/%s\" mode 0%o\n", i->name, i->uid,
            i->name, i->gid, i->name, i->mode);
    static const char *const times[] = {"mtime", "atime", "ctime", "crtime"};
    for (size_t k = 0; k < 3; k++)
        fprintf(f, "sif \"/%s\" %s @%u\n", i->name, times[k], i->mtime);
}

// Blocks, inodes and some room, in KiB.
static uint64_t needed_kib(const struct plan *p)
{
    uint64_t blocks = 0;
    for (size_t i = 0; i < p->count; i++) {
        uint64_t own = p->items[i]->leader ? 0 : (p->items[i]->data.size + BLOCK - 1) / BLOCK;
        blocks += own + own / 512 + (S_ISDIR(p->items[i]->mode) ? 2 : 0);
    }
    uint64_t kib = blocks * (BLOCK / 1024) + p->count / 2 + 1024;
    return (kib + kib / 10 + 1023) / 1024 * 1024;
}

static void remove_tree(const char *folder)
{
    const char *argv[] = {"rm", "-rf", "--one-file-system", "--", folder, NULL};
    (void)spawn(&(struct spawn){.argv = argv, .to_fd = -1, .quiet = true}, NULL);
}

static bool make(struct staging *s, const char *part, const char *size)
{
    char *inodes = need_text("%zu", s->plan->count + 64),
         *auto_size = need_text("%lluk", (unsigned long long)needed_kib(s->plan));
    char *clock = need_text("E2FSPROGS_FAKE_TIME=%u", s->time ? s->time : 1);
    const char *const env[] = {clock, "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const char *mke2fs[] = {"mke2fs",
                            "-q",
                            "-F",
                            "-t",
                            "ext2",
                            "-b",
                            "4096",
                            "-m",
                            "0",
                            "-I",
                            "256",
                            "-N",
                            inodes,
                            "-U",
                            "73636172-6c65-7400-8000-000000000001",
                            "-E",
                            "root_owner=0:0,hash_seed=73636172-6c65-7400-8000-000000000002",
                            "-d",
                            s->folder,
                            part,
                            size ? size : auto_size,
                            NULL};
    char *out = NULL;
    bool ok = spawn(&(struct spawn){.argv = mke2fs, .env = env, .to_fd = -1, .quiet = true}, &out);
    free(out);
    out = NULL;
    if (ok && fflush(s->script) != 0)
        ok = failed_errno("debugfs script");
    char *script = need_text("/proc/self/fd/%d", fileno(s->script));
    const char *debugfs[] = {"debugfs", "-w", "-f", script, part, NULL};
    int keep = fileno(s->script);
    if (ok && (lseek(keep, 0, SEEK_SET) != 0 || fcntl(keep, F_SETFD, 0) != 0))
        ok = failed_errno("debugfs script");
    ok =
        ok && spawn(&(struct spawn){.argv = debugfs, .env = env, .to_fd = -1, .quiet = true}, &out);
    free(out);
    free(script);
    free(inodes);
    free(auto_size);
    free(clock);
    return ok;
}

bool ext2_write(struct plan *p, const char *path, const char *size, uint32_t time,
                uint64_t *written)
{
    if (!program_exists("mke2fs") || !program_exists("debugfs"))
        return failed(EXIT_SYSTEM, "mke2fs and debugfs are missing (package e2fsprogs)");
    if (strcmp(path, "-") == 0)
        return failed(EXIT_USAGE, "an ext2 image cannot go to standard output");
    for (size_t i = 0; i < p->count; i++)
        if (strpbrk(p->items[i]->name, "\n\"\\"))
            return failed(EXIT_INPUT,
                          "%s:%u: debugfs cannot take a name with quotes, backslashes or line ends",
                          p->items[i]->file, p->items[i]->line);
    const char *tmp = getenv("TMPDIR");
    struct staging s = {.plan = p,
                        .time = time,
                        .folder = need_text("%s/scarlet-ext2-XXXXXX", tmp && *tmp ? tmp : "/tmp")};
    int fd = temporary_file();
    s.script = fd >= 0 ? fdopen(fd, "w+") : NULL;
    if (!s.script || !mkdtemp(s.folder))
        return failed_errno("%s", s.folder);
    bool ok = true;
    // The name that holds a linked file's data is staged first.
    for (size_t i = 0; ok && i < p->count; i++)
        if (S_ISDIR(p->items[i]->mode))
            ok = stage_one(&s, p->items[i]);
    for (size_t i = 0; ok && i < p->count; i++) {
        struct item *one = p->items[i], *leader = one->leader ? one->leader : one;
        if (!S_ISDIR(one->mode) && leader->last == one)
            ok = stage_one(&s, one);
    }
    for (size_t i = 0; ok && i < p->count; i++) {
        struct item *one = p->items[i], *leader = one->leader ? one->leader : one;
        if (leader->last != one && (S_ISREG(one->mode) || S_ISLNK(one->mode))) {
            char *from = need_text("%s/%s", s.folder, leader->last->name),
                 *to = need_text("%s/%s", s.folder, one->name);
            ok = link(from, to) == 0 || failed_errno("%s", to);
            free(from);
            free(to);
        }
        if (ok)
            describe(&s, one);
    }
    char *part = need_text("%s.part-%d", path, (int)getpid());
    unlink(part);
    ok = ok && make(&s, part, size);
    struct stat info;
    if (ok && (stat(part, &info) != 0 || rename(part, path) != 0))
        ok = failed_errno("%s", path);
    if (ok)
        *written = (uint64_t)info.st_size;
    else
        unlink(part);
    content_release();
    fclose(s.script);
    char *why = need_copy(failure_text());
    int status = failure_status();
    remove_tree(s.folder);
    if (!ok)
        failed(status, "%s", why);
    free(why);
    free(s.folder);
    free(part);
    return ok;
}
