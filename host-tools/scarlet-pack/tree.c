// Everything below a folder of the host.
#include "common/fail.h"
#include "manifest.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct walk {
    struct build *b;
    const struct attributes *a;
    const char *to, *file;
    unsigned line;
    struct origin *origin;
    struct strmap linked; // "device:inode" -> struct item *
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

// A pattern with a slash is held against the name inside the tree, one without against the last
// part.
static bool fits(const char *pattern, const char *inside)
{
    const char *last = strrchr(inside, '/');
    return strchr(pattern, '/') ? pattern_fits(pattern, inside)
                                : fnmatch(pattern, last ? last + 1 : inside, 0) == 0;
}

static bool any_fits(const char *const *patterns, const char *inside)
{
    for (; patterns && *patterns; patterns++)
        if (fits(*patterns, inside))
            return true;
    return false;
}

static bool link_text(const char *path, const struct stat *info, struct content *out)
{
    char *target = need((size_t)info->st_size + 4097);
    ssize_t n = readlink(path, target, (size_t)info->st_size + 4096);
    if (n < 0)
        failed_errno("%s", path);
    else if (n > 4095)
        failed(EXIT_INPUT, "%s: the target of the link is longer than 4095 bytes", path);
    else
        *out = content_of_text(target, (size_t)n);
    free(target);
    return n >= 0 && n <= 4095;
}

static bool put(struct walk *w, const char *path, const char *inside, const struct stat *info)
{
    struct item i = {.mode = info->st_mode,
                     .mtime = build_time(w->b, info->st_mtime),
                     .abi = w->a->abi,
                     .origin = w->origin,
                     .file = w->file,
                     .line = w->line,
                     .uid = w->a->uid,
                     .gid = w->a->gid};
    if (w->a->keep_owner) {
        i.uid = info->st_uid;
        i.gid = info->st_gid;
    }
    char *full = need_text("%s/%s", w->to, inside), *key = NULL;
    bool ok = plan_clean_name(full, &i.name);
    free(full);
    if (!ok)
        return false;
    if (S_ISLNK(info->st_mode)) {
        i.mode = S_IFLNK | 0777;
        ok = link_text(path, info, &i.data);
    } else if (S_ISREG(info->st_mode)) {
        if (access(path, R_OK) != 0)
            return failed_errno("%s", path);
        i.data = (struct content){.kind = CONTENT_FILE,
                                  .size = (uint64_t)info->st_size,
                                  .file_size = (uint64_t)info->st_size,
                                  .path = need_copy(path)};
        plan_input(w->b->plan, path);
    } else if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode)) {
        i.rdev_major = major(info->st_rdev);
        i.rdev_minor = minor(info->st_rdev);
    } else if (!S_ISDIR(info->st_mode) && !S_ISFIFO(info->st_mode)) {
        return failed(EXIT_INPUT, "%s: a socket cannot be packed (exclude= leaves it out)", path);
    }
    if (ok && !S_ISDIR(info->st_mode) && info->st_nlink > 1) {
        key = need_text("%llx:%llx", (unsigned long long)info->st_dev,
                        (unsigned long long)info->st_ino);
        i.leader = strmap_get(&w->linked, key);
        if (i.leader)
            i.data = (struct content){0};
    }
    if (!ok)
        return false;
    struct item *made = plan_put(w->b->plan, &i);
    if (key && !made->leader)
        strmap_put(&w->linked, key, made);
    return true;
}

static bool walk(struct walk *w, const char *folder, const char *inside)
{
    struct dirent **list;
    int n = scandir(folder, &list, NULL, by_name);
    bool ok = n >= 0 || failed_errno("%s", folder);
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        if (ok && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            char *path = need_text("%s/%s", folder, name),
                 *in = need_text("%s%s%s", inside, *inside ? "/" : "", name);
            struct stat info;
            if (!any_fits(w->a->exclude, in)) {
                ok = lstat(path, &info) == 0 || failed_errno("%s", path);
                bool dir = ok && S_ISDIR(info.st_mode);
                if (ok && (dir || !w->a->only || any_fits(w->a->only, in)) && !(dir && w->a->only))
                    ok = put(w, path, in, &info);
                if (ok && dir)
                    ok = walk(w, path, in);
            }
            free(path);
            free(in);
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return ok;
}

bool tree_load(struct build *b, const char *name, const char *folder, const struct attributes *a,
               const char *file, unsigned line)
{
    char *title = need_text("tree %s", folder);
    struct walk w = {.b = b,
                     .a = a,
                     .to = name,
                     .file = file,
                     .line = line,
                     .origin = plan_origin(b->plan, title, false)};
    free(title);
    bool ok = walk(&w, folder, "");
    strmap_free(&w.linked);
    return ok;
}
