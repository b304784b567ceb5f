// sources: fs/[vt]*/*.c kernel/[ol]*/[horp]*[!m].c harness/unit/host_*[js]/fakes.c
// include: harness/unit/host_obj harness/unit harness/unit/host_vfs
// In-memory file systems through the calls of the vfs: random operations against a plain model,
// link counts, listings under change, limits, advisory locks.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_vfs/fakes.h"
#include <vfs/lock.h>
#include <vfs/memfs.h>

static const struct path cwd;

static int setup(void **state)
{
    (void)state;
    fake_vfs_start();
    return 0;
}

// --- model: a tree of at most NODES things, found by path ---
enum { NODES = 64, NAMES = 4 };
struct thing {
    bool used, dir;
    int parent; // -1: the root
    int name;
    int file; // files: what they hold; shared by hard links
};
static struct thing things[NODES];

static int model_find(int parent, int name)
{
    for (int i = 0; i < NODES; i++)
        if (things[i].used && things[i].parent == parent && things[i].name == name)
            return i;
    return -1;
}
static bool model_empty(int dir)
{
    for (int i = 0; i < NODES; i++)
        if (things[i].used && things[i].parent == dir)
            return false;
    return true;
}
static bool model_below(int t, int dir)
{
    for (; t >= 0; t = things[t].parent)
        if (t == dir)
            return true;
    return dir < 0;
}
static int model_new(int parent, int name, bool dir, int file)
{
    for (int i = 0; i < NODES; i++)
        if (!things[i].used) {
            things[i] = (struct thing){true, dir, parent, name, file};
            return i;
        }
    return -1;
}
static void model_path(int parent, int name, char *out)
{
    if (parent >= 0)
        model_path(things[parent].parent, things[parent].name, out);
    else
        *out = '\0';
    sprintf(out + strlen(out), "/n%d", name);
}
// A random directory of the model (or the root) and a name in it.
static void pick(int *parent, int *name)
{
    *parent = -1;
    for (int tries = rand() % 4; tries > 0; tries--) {
        int t = rand() % NODES;
        if (things[t].used && things[t].dir)
            *parent = t;
    }
    *name = rand() % NAMES;
}

static int want_rename(int fp, int fn, int tp, int tn, u32 flags)
{
    int from = model_find(fp, fn), to = model_find(tp, tn);
    if (from < 0)
        return -E_NOENT;
    if ((flags & RENAME_NOREPLACE) && to >= 0)
        return -E_EXIST;
    if ((flags & RENAME_EXCHANGE) && to < 0)
        return -E_NOENT;
    if (things[from].dir && from != to && model_below(tp, from))
        return -E_INVAL;
    if (to >= 0 && to != from && things[to].dir && model_below(fp, to))
        return flags & RENAME_EXCHANGE ? -E_INVAL : -E_NOTEMPTY;
    if (from == to)
        return 0;
    if (to >= 0 && !things[from].dir && !things[to].dir && things[from].file == things[to].file)
        return 0;
    if (to >= 0 && !(flags & RENAME_EXCHANGE)) {
        if (things[from].dir && !things[to].dir)
            return -E_NOTDIR;
        if (!things[from].dir && things[to].dir)
            return -E_ISDIR;
        if (things[to].dir && !model_empty(to))
            return -E_NOTEMPTY;
    }
    if (flags & RENAME_EXCHANGE) {
        things[from].parent = tp, things[from].name = tn;
        things[to].parent = fp, things[to].name = fn;
    } else {
        if (to >= 0)
            things[to].used = false;
        things[from].parent = tp, things[from].name = tn;
    }
    return 0;
}

static void check_tree(void)
{
    for (int i = 0; i < NODES; i++) {
        if (!things[i].used)
            continue;
        char path[1024], buf[16];
        struct attr a;
        u32 links = 0, subdirs = 0;
        model_path(things[i].parent, things[i].name, path);
        assert_int_equal(vfs_stat(&cwd, name_of(path), 0, &a), 0);
        assert_int_equal((a.mode & MODE_FMT) == MODE_DIR, things[i].dir);
        for (int k = 0; k < NODES; k++) {
            links += things[k].used && !things[k].dir && !things[i].dir &&
                     things[k].file == things[i].file;
            subdirs += things[k].used && things[k].dir && things[k].parent == i;
        }
        assert_int_equal(a.nlink, things[i].dir ? 2 + subdirs : links);
        if (!things[i].dir) {
            i64 n = fake_read(path, buf, sizeof(buf) - 1);
            assert_true(n > 0);
            buf[n] = '\0';
            assert_int_equal(atoi(buf), things[i].file);
        }
    }
}

static void against_model(void **state)
{
    (void)state;
    static int next_file = 1;
    srand(3);
    for (u32 step = 0; step < 20000; step++) {
        int fp, fn, tp, tn, want, got;
        char from[1024], to[1024], text[16];
        pick(&fp, &fn);
        pick(&tp, &tn);
        model_path(fp, fn, from);
        model_path(tp, tn, to);
        int t = model_find(fp, fn), d = model_find(tp, tn);
        switch (rand() % 8) {
        case 0:
            want = t >= 0 ? -E_EXIST : 0;
            if (!want && model_new(fp, fn, true, 0) < 0)
                continue;
            got = fake_mkdir(from);
            break;
        case 1:
            want = t >= 0 && things[t].dir ? -E_ISDIR : 0;
            if (!want && t < 0 && (t = model_new(fp, fn, false, next_file)) < 0)
                continue;
            sprintf(text, "%d", next_file);
            if (!want) // hard links share what was written
                for (int k = 0, old = things[t].file; k < NODES; k++)
                    if (things[k].used && !things[k].dir && things[k].file == old)
                        things[k].file = next_file;
            next_file++;
            got = fake_write(from, text, strlen(text));
            break;
        case 2:
            want = t < 0 ? -E_NOENT : things[t].dir ? -E_ISDIR : 0;
            if (!want)
                things[t].used = false;
            got = vfs_unlink(&cwd, name_of(from));
            break;
        case 3:
            want = t < 0             ? -E_NOENT
                   : !things[t].dir  ? -E_NOTDIR
                   : !model_empty(t) ? -E_NOTEMPTY
                                     : 0;
            if (!want)
                things[t].used = false;
            got = vfs_rmdir(&cwd, name_of(from));
            break;
        case 4:
            want = t < 0 ? -E_NOENT : d >= 0 ? -E_EXIST : things[t].dir ? -E_PERM : 0;
            if (!want && model_new(tp, tn, false, things[t].file) < 0)
                continue;
            got = vfs_link(&cwd, name_of(from), &cwd, name_of(to), 0);
            break;
        default: {
            u32 flags = rand() % 4 == 0 ? RENAME_NOREPLACE : rand() % 4 == 0 ? RENAME_EXCHANGE : 0;
            want = want_rename(fp, fn, tp, tn, flags);
            got = vfs_rename(&cwd, name_of(from), &cwd, name_of(to), flags);
            if (got != want)
                fail_msg("step %u: rename %s -> %s flags %u: %d, not %d", step, from, to, flags,
                         got, want);
            break;
        }
        }
        if (got != want)
            fail_msg("step %u: %s and %s: %d, not %d", step, from, to, got, want);
        if (step % 50 == 0)
            check_tree();
        if (step % 700 == 0)
            fake_vfs_settle();
    }
    // Everything goes again, and so does its memory.
    for (bool any = true; any;) {
        any = false;
        for (int i = 0; i < NODES; i++) {
            if (!things[i].used || (things[i].dir && !model_empty(i)))
                continue;
            char path[1024];
            model_path(things[i].parent, things[i].name, path);
            assert_int_equal(things[i].dir ? vfs_rmdir(&cwd, name_of(path))
                                           : vfs_unlink(&cwd, name_of(path)),
                             0);
            things[i].used = false;
            any = true;
        }
    }
    fake_vfs_settle();
}

// --- listings --------------------------------------------------------------------------------

struct lister {
    struct dir_sink sink; // first
    u32 room;
    char names[4096];
};
static bool take(struct dir_sink *s, const char *name, usize len, u64 ino, u32 type, u64 cookie)
{
    struct lister *l = (struct lister *)s;
    (void)ino, (void)type, (void)cookie;
    if (!l->room)
        return false;
    l->room--;
    strncat(l->names, name, len);
    strcat(l->names, " ");
    return true;
}

static void listing(void **state)
{
    (void)state;
    struct object *o;
    u32 rights;
    char path[64];
    const struct open_request q = {.access = FILE_READ, .directory = true};
    assert_int_equal(fake_mkdir("/l"), 0);
    for (u32 i = 0; i < 8; i++) {
        sprintf(path, "/l/%u", i);
        assert_int_equal(fake_write(path, "", 0), 0);
    }
    assert_int_equal(vfs_open(&cwd, name_of("/l"), &q, &o, &rights), 0);
    struct lister l = {.sink.emit = take, .room = 5};
    assert_int_equal(object_readdir(o, &l.sink), 0);
    // What was listed goes, what was not goes, something comes: nothing is listed twice, nothing
    // that stays is missed.
    assert_int_equal(vfs_unlink(&cwd, name_of("/l/1")), 0);
    assert_int_equal(vfs_unlink(&cwd, name_of("/l/4")), 0);
    assert_int_equal(fake_write("/l/new", "", 0), 0);
    l.room = 100;
    assert_int_equal(object_readdir(o, &l.sink), 0);
    assert_string_equal(l.names, ". .. 0 1 2 3 5 6 7 new ");
    assert_int_equal(object_seek(o, 0, OBJ_SEEK_SET), 0);
    l.names[0] = '\0';
    assert_int_equal(object_readdir(o, &l.sink), 0);
    assert_string_equal(l.names, ". .. 0 2 3 5 6 7 new ");
    object_put(o);
}

// --- limits and deep trees -------------------------------------------------------------------

static void limits(void **state)
{
    (void)state;
    struct path at;
    static char block[3 * 4096];
    const struct mount_request q = {
        .type = "tmpfs", .source = "t", .data = "size=8k,nr_inodes=4,mode=700"};
    const struct mount_request bad = {.type = "tmpfs", .source = "t", .data = "size=oops"};
    assert_int_equal(fake_mkdir("/t"), 0);
    assert_int_equal(path_lookup(&cwd, name_of("/t"), 0, &at), 0);
    assert_int_equal(vfs_mount_new(&at, &bad), -E_INVAL);
    assert_int_equal(vfs_mount_new(&at, &q), 0);
    path_put(&at);
    assert_int_equal(fake_write("/t/a", block, 8192), 0);
    assert_int_equal(fake_write("/t/b", block, 1), -E_NOSPC);
    assert_int_equal(vfs_unlink(&cwd, name_of("/t/a")), 0);
    fake_vfs_settle();
    assert_int_equal(fake_write("/t/b", block, 1), 0);
    assert_int_equal(fake_write("/t/c", "", 0), 0);
    assert_int_equal(fake_mkdir("/t/d"), 0);
    assert_int_equal(fake_mkdir("/t/e"), -E_NOSPC);
    struct statfs_info s;
    assert_int_equal(path_lookup(&cwd, name_of("/t"), 0, &at), 0);
    assert_int_equal(vfs_statfs(&at, &s), 0);
    assert_int_equal(s.blocks, 2);
    assert_int_equal(s.blocks_free, 1);
    assert_int_equal(s.files_free, 0);
    assert_int_equal(vfs_umount(&at, 0), 0);
    path_put(&at);
}

static void deep(void **state)
{
    (void)state;
    const struct mount_request q = {.type = "ramfs"};
    struct path at, down;
    u64 before;
    assert_int_equal(fake_mkdir("/deep"), 0);
    fake_vfs_settle();
    before = fake_allocated();
    assert_int_equal(path_lookup(&cwd, name_of("/deep"), 0, &at), 0);
    assert_int_equal(vfs_mount_new(&at, &q), 0);
    path_put(&at);
    assert_int_equal(path_lookup(&cwd, name_of("/deep"), 0, &down), 0);
    for (u32 i = 0; i < 20000; i++) { // no recursion anywhere
        assert_int_equal(vfs_mkdir(&down, name_of("x"), 0755), 0);
        struct path next;
        assert_int_equal(path_lookup(&down, name_of("x"), 0, &next), 0);
        path_put(&down);
        down = next;
    }
    path_put(&down);
    assert_int_equal(path_lookup(&cwd, name_of("/deep"), 0, &at), 0);
    assert_int_equal(vfs_umount(&at, 0), 0);
    path_put(&at);
    fake_vfs_settle();
    assert_int_equal(fake_allocated(), before);
}

// --- data, attributes, locks -----------------------------------------------------------------

static void attributes(void **state)
{
    (void)state;
    struct path p;
    struct attr a;
    char buf[64];
    assert_int_equal(fake_write("/at", "12345", 5), 0);
    assert_int_equal(path_lookup(&cwd, name_of("/at"), 0, &p), 0);
    assert_int_equal(vfs_chmod(&p, 06755), 0);
    assert_int_equal(vfs_chown(&p, 10, 20), 0); // takes the set-id bits
    assert_int_equal(vfs_stat_path(&p, &a), 0);
    assert_int_equal(a.mode, 0100755);
    assert_int_equal(a.uid, 10);
    assert_int_equal(a.blocks, 8);
    assert_int_equal(vfs_xattr_set(&p, "user.k", "v", 1, 0), 0);
    assert_int_equal(vfs_xattr_set(&p, "user.k", "w", 1, XATTR_CREATE), -E_EXIST);
    assert_int_equal(vfs_xattr_set(&p, "user.z", "w", 1, XATTR_REPLACE), -E_NODATA);
    assert_int_equal(vfs_xattr_set(&p, "bogus", "w", 1, 0), -E_OPNOTSUPP);
    assert_int_equal(vfs_xattr_get(&p, "user.k", buf, sizeof(buf)), 1);
    assert_int_equal(vfs_xattr_list(&p, buf, sizeof(buf)), 7);
    assert_int_equal(vfs_xattr_list(&p, buf, 3), -E_RANGE);
    assert_int_equal(vfs_xattr_remove(&p, "user.k"), 0);
    assert_int_equal(vfs_xattr_get(&p, "user.k", buf, sizeof(buf)), -E_NODATA);
    struct set_times t = {.atime = {-5, 1}, .mtime_how = TIME_OMIT};
    assert_int_equal(vfs_utimens(&p, &t), 0);
    assert_int_equal(vfs_stat_path(&p, &a), 0);
    assert_int_equal(a.atime.sec, -5);
    assert_int_equal(a.atime.nsec, 1);
    path_put(&p);
}

static struct file *open_file(const char *path)
{
    struct object *o;
    u32 rights;
    const struct open_request q = {.access = FILE_READ | FILE_WRITE, .create = true, .mode = 0644};
    assert_int_equal(vfs_open(&cwd, name_of(path), &q, &o, &rights), 0);
    return object_file(o);
}

static void locks(void **state)
{
    (void)state;
    struct file *a = open_file("/lk"), *b = open_file("/lk");
    struct range_lock l = {.kind = LOCK_KIND_WRITE, .start = 10, .end = 19};
    assert_int_equal(lock_range(a, &l, true, false), 0);
    l.start = 15, l.end = 30;
    assert_int_equal(lock_range(b, &l, true, false), -E_AGAIN);
    struct range_lock q = l;
    assert_int_equal(lock_query(b, &q, true), 0);
    assert_int_equal(q.kind, LOCK_KIND_WRITE);
    assert_int_equal(q.start, 10);
    assert_int_equal(q.end, 19);
    // A hole in the middle leaves two locks; both ends still stand.
    l = (struct range_lock){.kind = LOCK_KIND_NONE, .start = 13, .end = 15};
    assert_int_equal(lock_range(a, &l, true, false), 0);
    l = (struct range_lock){.kind = LOCK_KIND_READ, .start = 13, .end = 15};
    assert_int_equal(lock_range(b, &l, true, false), 0);
    l.start = 12, l.end = 12;
    assert_int_equal(lock_range(b, &l, true, false), -E_AGAIN);
    l.start = 16, l.end = 16;
    assert_int_equal(lock_range(b, &l, true, false), -E_AGAIN);
    assert_int_equal(lock_range(b, &l, true, true), -E_RESTART); // sleeping is interrupted here
    assert_int_equal(lock_flock(a, LOCK_KIND_READ, false), 0);
    assert_int_equal(lock_flock(b, LOCK_KIND_READ, false), 0);
    assert_int_equal(lock_flock(b, LOCK_KIND_WRITE, false), -E_AGAIN);
    object_put(&a->obj); // gives all its locks back
    assert_int_equal(lock_range(b, &l, true, false), 0);
    assert_int_equal(lock_flock(b, LOCK_KIND_WRITE, false), 0);
    object_put(&b->obj);
}

static char told[256];
static int others_say;

static int tell_others(struct node *n, bool whole, const struct range_lock *l)
{
    (void)n;
    if (others_say && l->kind != LOCK_KIND_NONE)
        return others_say;
    usize at = strlen(told);
    snprintf(told + at, sizeof(told) - at, " %s%c%d-%d", whole ? "whole " : "", "rwn"[l->kind],
             (int)l -> start, (int)(l->end & 0xffff));
    return 0;
}

static int ask_others(struct node *n, struct range_lock *l)
{
    (void)n;
    *l = (struct range_lock){.kind = LOCK_KIND_READ, .start = 7, .end = 8};
    return 0;
}

// They are told what all of ours hold together, and asked before ours are changed.
static void locks_of_others(void **state)
{
    (void)state;
    struct file *a = open_file("/lo"), *b = open_file("/lo");
    const struct node_ops *ops = a->node->ops;
    struct node_ops shared = *ops;
    shared.lock = tell_others;
    shared.lock_query = ask_others;
    a->node->ops = &shared;
    struct range_lock l = {.kind = LOCK_KIND_READ, .start = 0, .end = 99};
    assert_int_equal(lock_range(a, &l, true, false), 0);
    l.start = 40, l.end = 59;
    assert_int_equal(lock_range(b, &l, true, false), 0);
    l = (struct range_lock){.kind = LOCK_KIND_WRITE, .start = 50, .end = 50};
    assert_int_equal(lock_range(b, &l, true, false), -E_AGAIN); // ours: nobody is asked
    l = (struct range_lock){.kind = LOCK_KIND_NONE, .start = 20, .end = 200};
    assert_int_equal(lock_range(a, &l, true, false), 0);
    assert_string_equal(told, " r0-99 r40-59 n20-39 n60-200");
    told[0] = 0;
    others_say = -E_AGAIN;
    l = (struct range_lock){.kind = LOCK_KIND_WRITE, .start = 300, .end = 300};
    assert_int_equal(lock_range(a, &l, true, false), -E_AGAIN);
    assert_int_equal(lock_flock(a, LOCK_KIND_WRITE, false), -E_AGAIN);
    assert_int_equal(lock_query(a, &l, true), 0);
    assert_int_equal(l.start, 7); // theirs, as none of ours is in the way
    others_say = 0;
    assert_int_equal(lock_flock(a, LOCK_KIND_READ, false), 0);
    assert_int_equal(lock_flock(b, LOCK_KIND_READ, false), 0);
    object_put(&a->obj);
    assert_string_equal(told, " whole r0-65535 whole r0-65535 n0-19");
    told[0] = 0;
    object_put(&b->obj);
    assert_string_equal(told, " n40-59 whole n0-65535");
}

static void temporary(void **state)
{
    (void)state;
    struct object *o;
    u32 rights;
    const struct open_request q = {.access = FILE_READ | FILE_WRITE, .tmpfile = true, .mode = 0600};
    fake_vfs_settle();
    u64 before = fake_allocated();
    assert_int_equal(vfs_open(&cwd, name_of("/"), &q, &o, &rights), 0);
    object_put(o);
    assert_int_equal(vfs_open_memory("name", &o, &rights), 0);
    char text[64];
    i64 n = object_describe(o, text, sizeof(text));
    assert_int_equal(n, 21);
    assert_memory_equal(text, "/memfd:name (deleted)", 21);
    object_put(o);
    fake_vfs_settle();
    assert_int_equal(fake_allocated(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),   cmocka_unit_test(listing),
        cmocka_unit_test(limits),          cmocka_unit_test(deep),
        cmocka_unit_test(attributes),      cmocka_unit_test(locks),
        cmocka_unit_test(locks_of_others), cmocka_unit_test(temporary),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
