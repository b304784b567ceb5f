// The registry of runtimes: /system/etc/runtimes of the environment's base tree, read when a file
// needs it and kept until the file changes. A reading is never changed once it is made;
// registry_mutex guards which one is the newest.
#include "private.h"
#include <exec/environment.h>
#include <kerr.h>
#include <lib/string.h>
#include <mem/slab.h>
#include <sync/log.h>
#include <vfs/ops.h>

enum { REGISTRY_MAX = 256 * 1024 };
static const char registry_path[] = "/system/etc/runtimes";

static struct mutex registry_mutex = MUTEX_INIT(registry_mutex, &lock_class_exec);
static struct registry *newest;

struct registry {
    refcount_t refs;
    u64 dev, ino, size;
    struct timestamp mtime, ctime;
    char *text;
    u32 count;
    struct registry_line *lines;
};

static void registry_put(struct registry *r)
{
    if (!r || !refcount_dec_and_test(&r->refs))
        return;
    kfree(r->text);
    kfree(r->lines);
    kfree(r);
}

static bool is_current(const struct registry *r, const struct attr *a)
{
    return r && r->dev == a->dev && r->ino == a->ino && r->size == a->size &&
           r->mtime.sec == a->mtime.sec && r->mtime.nsec == a->mtime.nsec &&
           r->ctime.sec == a->ctime.sec && r->ctime.nsec == a->ctime.nsec;
}

static int parse_all(struct registry *r, usize len)
{
    u32 lines = 1, number = 0;
    for (usize i = 0; i < len; i++)
        lines += r->text[i] == '\n';
    r->lines = kmalloc_array(lines, sizeof(*r->lines), 0);
    if (!r->lines)
        return -E_NOMEM;
    for (usize at = 0; at < len; at++) {
        usize start = at;
        const char *why = NULL;
        while (at < len && r->text[at] != '\n')
            at++;
        struct registry_line *l = &r->lines[r->count];
        l->number = ++number;
        int k = runtime_parse(r->text + start, at - start, &l->line, &why);
        if (k < 0)
            klog(LOG_WARN, "%s:%u: %s", registry_path, number, why);
        r->count += k > 0;
    }
    return 0;
}

static int read_registry(const struct path *p, const struct attr *a, struct registry **out)
{
    struct open_request q = {.access = FILE_READ};
    struct object *file;
    u32 rights;
    if (a->size > REGISTRY_MAX) {
        klog(LOG_WARN, "%s is longer than %u bytes: not used", registry_path, (u32)REGISTRY_MAX);
        return -E_FBIG;
    }
    struct registry *r = kzalloc(sizeof(*r), 0);
    if (!r)
        return -E_NOMEM;
    refcount_set(&r->refs, 1);
    r->dev = a->dev, r->ino = a->ino, r->size = a->size, r->mtime = a->mtime, r->ctime = a->ctime;
    r->text = kmalloc(a->size, 0);
    int err = r->text ? vfs_open_path(p, &q, false, &file, &rights) : -E_NOMEM;
    if (!err) {
        i64 n = file_read_kernel(object_file(file), 0, r->text, a->size);
        object_put(file);
        err = n < 0 ? (int)n : parse_all(r, (usize)n);
    }
    if (err)
        registry_put(r);
    else
        *out = r;
    return err;
}

static int registry_get(struct registry **out)
{
    struct path p;
    struct attr a;
    int err =
        view_lookup(environment_base(environment_current()), registry_path, LOOKUP_FOLLOW, &p);
    if (err)
        return err;
    mutex_lock(&registry_mutex);
    err = vfs_stat_path(&p, &a);
    if (!err && (a.mode & MODE_FMT) != MODE_REG)
        err = -E_NOENT;
    if (!err && !is_current(newest, &a)) {
        struct registry *r;
        err = read_registry(&p, &a, &r);
        if (!err) {
            registry_put(newest);
            newest = r;
        }
    }
    if (!err) {
        refcount_inc(&newest->refs);
        *out = newest;
    }
    mutex_unlock(&registry_mutex);
    path_put(&p);
    return err;
}

int registry_find(const struct exec_build *b, const char *path, struct registry **r,
                  const struct registry_line **line)
{
    int err = registry_get(r);
    if (err)
        return err == -E_NOMEM ? err : 0;
    for (u32 i = 0; i < (*r)->count; i++)
        if (runtime_matches(&(*r)->lines[i].line, b->head, b->head_len, b->attr.size, path)) {
            *line = &(*r)->lines[i];
            return 1;
        }
    registry_put(*r);
    return 0;
}

void registry_done(struct registry *r)
{
    registry_put(r);
}
