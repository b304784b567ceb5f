// sources: fs/[vt]*/*.c kernel/[ol]*/[horp]*[!m].c harness/unit/host_*[js]/fakes.c
// include: harness/unit/host_obj harness/unit harness/unit/host_vfs
// Path walking: the rules of POSIX and openat2, the fast walk against the one with references on
// random paths, and every allocation failing in turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_vfs/fakes.h"

static const struct path cwd;

static int look(const char *name, u32 flags, u64 *ino)
{
    struct path p;
    int r = path_lookup(&cwd, name_of(name), flags, &p);
    if (!r) {
        if (ino)
            *ino = path_node(&p)->ino;
        path_put(&p);
    }
    return r;
}

static int setup(void **state)
{
    (void)state;
    fake_vfs_start();
    fake_mkdir("/d");
    fake_mkdir("/d/e");
    fake_write("/d/f", "data", 4);
    fake_symlink("f", "/d/to_f");
    fake_symlink("/d/e", "/to_e");
    fake_symlink("to_e", "/to_to_e");
    fake_symlink("loop2", "/loop1");
    fake_symlink("loop1", "/loop2");
    fake_symlink("nothing", "/dangling");
    fake_symlink("../../d/./e/..", "/d/e/winding");
    return 0;
}

static void rules(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u32 flags;
        int want;
    } cases[] = {
        {"/", 0, 0},
        {"///", 0, 0},
        {".", 0, 0},
        {"..", 0, 0},
        {"", 0, -E_NOENT},
        {"", LOOKUP_EMPTY, 0},
        {"/d/f", 0, 0},
        {"d//f", 0, 0},
        {"/d/./../d/f", 0, 0},
        {"/../../d/f", 0, 0},
        {"/d/f/", 0, -E_NOTDIR},
        {"/d/f/x", 0, -E_NOTDIR},
        {"/d/f/.", 0, -E_NOTDIR},
        {"/d/f/..", 0, -E_NOTDIR},
        {"/d/e/", 0, 0},
        {"/d/f", LOOKUP_DIRECTORY, -E_NOTDIR},
        {"/d/no", 0, -E_NOENT},
        {"/no/f", 0, -E_NOENT},
        {"/d/to_f", LOOKUP_FOLLOW, 0},
        {"/d/to_f/", LOOKUP_FOLLOW, -E_NOTDIR},
        {"/to_e/..", 0, 0},
        {"/to_to_e/../f", 0, 0},
        {"/loop1", LOOKUP_FOLLOW, -E_LOOP},
        {"/loop1", 0, 0},
        {"/loop1/", 0, -E_LOOP},
        {"/dangling", LOOKUP_FOLLOW, -E_NOENT},
        {"/dangling", 0, 0},
        {"/dangling/", 0, -E_NOENT},
        {"/d/e/winding/f", 0, 0},
        {"/d/f", LOOKUP_BENEATH, -E_XDEV},
        {"d/f", LOOKUP_BENEATH, 0},
        {"d/../d/f", LOOKUP_BENEATH, 0},
        {"d/../../d", LOOKUP_BENEATH, -E_XDEV},
        {"to_e", LOOKUP_BENEATH | LOOKUP_FOLLOW, -E_XDEV},
        {"/to_e", LOOKUP_IN_ROOT | LOOKUP_FOLLOW, 0},
        {"d/to_f", LOOKUP_NO_SYMLINKS | LOOKUP_FOLLOW, -E_LOOP},
        {"d/to_f", LOOKUP_NO_SYMLINKS, 0},
        {"d/f", LOOKUP_NO_XDEV, 0},
    };
    for (u32 round = 0; round < 3; round++) { // cold, cached, and negative entries present
        if (!round)
            fake_vfs_settle();
        for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
            int r = look(cases[i].name, cases[i].flags, NULL);
            if (r != cases[i].want)
                fail_msg("round %u: \"%s\" flags %u: %d, not %d", round, cases[i].name,
                         cases[i].flags, r, cases[i].want);
        }
    }
}

static void lengths(void **state)
{
    (void)state;
    char name[5000];
    for (u32 len = 1; len <= 300; len++) {
        snprintf(name, sizeof(name), "/d/%0*d", (int)len, 7);
        int r = fake_write(name, "x", 1);
        assert_int_equal(r, len <= 255 ? 0 : -E_NAMETOOLONG);
        assert_int_equal(look(name, 0, NULL), len <= 255 ? 0 : -E_NAMETOOLONG);
        if (len <= 255) {
            name[2 + len] = '8'; // differs in the last byte only
            assert_int_equal(look(name, 0, NULL), -E_NOENT);
            name[2 + len] = '7';
            assert_int_equal(vfs_unlink(&cwd, name_of(name)), 0);
            assert_int_equal(look(name, 0, NULL), -E_NOENT);
        }
    }
    memset(name, '/', sizeof(name));
    name[4095] = '\0';
    assert_int_equal(look(name, 0, NULL), 0);
    name[4095] = '/';
    name[4096] = '\0';
    assert_int_equal(look(name, 0, NULL), -E_NAMETOOLONG);
}

static void permissions(void **state)
{
    (void)state;
    struct cred saved = fake_cred;
    struct path p;
    assert_int_equal(path_lookup(&cwd, name_of("/d"), 0, &p), 0);
    assert_int_equal(vfs_chmod(&p, 0700), 0);
    fake_cred =
        (struct cred){.refs = REFCOUNT_INIT(1), .uid = 5, .euid = 5, .fsuid = 5, .fsgid = 5};
    assert_int_equal(look("/d", 0, NULL), 0);
    assert_int_equal(look("/d/f", 0, NULL), -E_ACCES);
    assert_int_equal(look("/d/.", 0, NULL), -E_ACCES);
    assert_int_equal(look("/d/no", 0, NULL), -E_ACCES);
    assert_int_equal(fake_mkdir("/x"), -E_ACCES);
    assert_int_equal(vfs_unlink(&cwd, name_of("/loop1")), -E_ACCES);
    fake_cred.cap_effective = 1ul << CAP_DAC_READ_SEARCH;
    assert_int_equal(look("/d/f", 0, NULL), 0);
    fake_cred = saved;
    assert_int_equal(vfs_chmod(&p, 0755), 0);
    path_put(&p);
}

// Random paths over few names: both walks must answer alike, whatever is cached.
static void fast_against_slow(void **state)
{
    (void)state;
    static const char *const parts[] = {"d",  "e",     "f",       "to_f", "to_e",    "..",      ".",
                                        "no", "loop1", "winding", "",     "to_to_e", "dangling"};
    srand(7);
    for (u32 i = 0; i < 30000; i++) {
        char name[256] = "";
        if (rand() % 2)
            strcat(name, "/");
        for (int k = rand() % 6; k >= 0; k--) {
            strcat(name, parts[(u32)rand() % ARRAY_LEN(parts)]);
            if (k || rand() % 4 == 0)
                strcat(name, "/");
        }
        u32 flags = (u32)rand() % 4 & (LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
        u64 a = 0, b = 0;
        // There is one mount only, so that forbidding to cross mounts changes nothing but the way.
        int slow = look(name, flags | LOOKUP_NO_XDEV, &b), fast = look(name, flags, &a);
        if (slow != fast || a != b)
            fail_msg("\"%s\" flags %u: fast %d (node %lu), slow %d (node %lu)", name, flags, fast,
                     (unsigned long)a, slow, (unsigned long)b);
        if (rand() % 500 == 0)
            fake_vfs_settle();
    }
}

static void texts(void **state)
{
    (void)state;
    char buf[PATH_MAX_LEN], *at;
    struct path p;
    assert_int_equal(path_lookup(&cwd, name_of("/d/e"), 0, &p), 0);
    i64 n = path_text(&p, NULL, 0, buf, sizeof(buf), &at);
    assert_int_equal(n, 4);
    assert_memory_equal(at, "/d/e", 4);
    assert_int_equal(path_text(&p, NULL, 0, buf, 3, &at), -E_NAMETOOLONG);
    char longer[200] = "/d/";
    memset(longer + 3, 'n', 150);
    assert_int_equal(vfs_rename(&cwd, name_of("/d/e"), &cwd, name_of(longer), 0), 0);
    n = path_text(&p, NULL, 0, buf, sizeof(buf), &at);
    assert_int_equal(n, 153);
    assert_memory_equal(at, longer, 153);
    assert_int_equal(vfs_rename(&cwd, name_of(longer), &cwd, name_of("/d/e"), 0), 0);
    path_put(&p);
    assert_int_equal(fake_mkdir("/d/gone"), 0);
    assert_int_equal(path_lookup(&cwd, name_of("/d/gone"), 0, &p), 0);
    assert_int_equal(vfs_rmdir(&cwd, name_of("/d/gone")), 0);
    n = path_text(&p, NULL, PATH_TEXT_DELETED, buf, sizeof(buf), &at);
    assert_memory_equal(at, "/d/gone (deleted)", (usize)n);
    path_put(&p);
}

static void mounts(void **state)
{
    (void)state;
    struct path at, again;
    const struct mount_request q = {.type = "tmpfs", .source = "t"};
    assert_int_equal(path_lookup(&cwd, name_of("/d/e"), 0, &at), 0);
    u64 under = path_node(&at)->ino;
    assert_int_equal(vfs_mount_new(&at, &q), 0);
    assert_int_equal(fake_mkdir("/d/e/inside"), 0);
    assert_int_equal(look("/d/e/inside/../../f", 0, NULL), 0);
    assert_int_equal(look("/d/e", LOOKUP_NO_XDEV, NULL), -E_XDEV);
    assert_int_equal(vfs_rmdir(&cwd, name_of("/d/e")), -E_BUSY);
    assert_int_equal(vfs_rename(&cwd, name_of("/d/f"), &cwd, name_of("/d/e/f"), 0), -E_XDEV);
    assert_int_equal(path_lookup(&cwd, name_of("/d/e"), 0, &again), 0);
    assert_int_equal(vfs_umount(&at, 0), -E_INVAL); // what is under it
    struct path inside;
    assert_int_equal(path_lookup(&cwd, name_of("/d/e/inside"), 0, &inside), 0);
    assert_int_equal(vfs_umount(&again, 0), -E_BUSY);
    path_put(&inside);
    assert_int_equal(vfs_umount(&again, 0), 0);
    path_put(&again);
    u64 now;
    assert_int_equal(look("/d/e", 0, &now), 0);
    assert_int_equal(now, under);
    path_put(&at);
}

// A bit of everything; whichever allocation fails, an error comes back and nothing is lost.
static int everything(void)
{
    struct object *o;
    u32 rights;
    struct attr a;
    const struct open_request q = {.access = FILE_READ | FILE_WRITE, .create = true, .mode = 0600};
    int r = fake_mkdir("/m");
    if (!r)
        r = vfs_open(&cwd, name_of("/m/a name that does not fit into the dentry itself"), &q, &o,
                     &rights);
    if (!r)
        object_put(o);
    if (!r)
        r = vfs_rename(&cwd, name_of("/m/a name that does not fit into the dentry itself"), &cwd,
                       name_of("/m/short"), 0);
    if (!r)
        r = fake_symlink("short", "/m/link");
    if (!r)
        r = vfs_stat(&cwd, name_of("/m/link"), LOOKUP_FOLLOW, &a);
    if (!r)
        r = vfs_link(&cwd, name_of("/m/short"), &cwd, name_of("/m/hard"), 0);
    struct path at;
    const struct mount_request tmpfs = {.type = "tmpfs", .source = "t"};
    if (!r)
        r = path_lookup(&cwd, name_of("/m"), 0, &at);
    if (!r) {
        r = vfs_mount_new(&at, &tmpfs);
        path_put(&at);
    }
    return r;
}

static void clean_up(void)
{
    struct path at;
    static const char *const names[] = {"/m/a name that does not fit into the dentry itself",
                                        "/m/short", "/m/link", "/m/hard"};
    fake_fail_nth(0);
    if (!path_lookup(&cwd, name_of("/m"), 0, &at)) {
        (void)vfs_umount(&at, 0);
        path_put(&at);
    }
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        (void)vfs_unlink(&cwd, name_of(names[i]));
    (void)vfs_rmdir(&cwd, name_of("/m"));
    fake_vfs_settle();
}

static void no_memory(void **state)
{
    (void)state;
    clean_up();
    u64 before = fake_allocated();
    assert_int_equal(everything(), 0);
    clean_up();
    assert_int_equal(fake_allocated(), before);
    u32 n = 1;
    for (;; n++) {
        fake_fail_nth(n);
        int r = everything();
        bool failed = fake_failed();
        clean_up();
        assert_int_equal(fake_allocated(), before);
        if (!failed)
            break;
        assert_int_equal(r, -E_NOMEM);
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),       cmocka_unit_test(lengths),
        cmocka_unit_test(permissions), cmocka_unit_test(fast_against_slow),
        cmocka_unit_test(texts),       cmocka_unit_test(mounts),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
