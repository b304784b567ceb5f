// sources: fs/[vt]*/*.c fs/cp*/[au]*.c kernel/[ol]*/[horp]*[!m].c harness/unit/host_*[js]/fakes.c
// include: harness/unit/host_obj harness/unit harness/unit/host_vfs fs/cpiofs
// Boot images: what a good one becomes, and that no damaged one does harm. Images are heap blocks
// of exact size, so that the sanitizer sees every read beyond them.
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_vfs/fakes.h"
#include "source.h"
#include <cpiofs/unpack.h>
#include <vfs/memfs.h>

// No compressed images here.
struct source *decompress_open(struct source *in, int *err)
{
    (void)in;
    *err = -E_INVAL;
    return NULL;
}
void decompress_close(struct source *s)
{
    (void)s;
}
const char *decompress_name(const struct source *s)
{
    (void)s;
    return "none";
}

static u8 image[1 << 20];
static usize len;

static void pad(usize to)
{
    while (len % to)
        image[len++] = 0;
}

// One entry; name_field 0: as long as needed.
static void entry(const char *name, u32 mode, u32 ino, u32 nlink, const void *data, u32 size,
                  usize name_field)
{
    char head[111];
    usize field = name_field ? name_field : strlen(name) + 1;
    snprintf(head, sizeof(head), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ino,
             mode, 3u, 4u, nlink, 5u, size, 0u, 0u, mode >> 12 == 2 ? 5u : 0u,
             mode >> 12 == 2 ? 1u : 0u, (u32)field, 0u);
    memcpy(image + len, head, 110);
    len += 110;
    memset(image + len, 0, field);
    memcpy(image + len, name, MIN(strlen(name), field));
    len += field;
    pad(4);
    if (size)
        memcpy(image + len, data, size);
    len += size;
    pad(4);
}

static void trailer(void)
{
    entry("TRAILER!!!", 0, 0, 1, NULL, 0, 0);
}

struct world {
    struct superblock *sb;
    u8 *copy; // page aligned, of exact size
    struct cpiofs_result res;
};

static int unpack(struct world *w)
{
    static const struct fs_source none;
    assert_int_equal(fs_type_find("ramfs", 5)->mount(fs_type_find("ramfs", 5), &none, &w->sb), 0);
    assert_int_equal(posix_memalign((void **)&w->copy, 4096, len), 0);
    memcpy(w->copy, image, len);
    return cpiofs_unpack(w->sb, w->copy, len, &w->res);
}

static void drop(struct world *w)
{
    superblock_shutdown(w->sb);
    superblock_put(w->sb);
    fake_vfs_settle();
    free(w->copy);
}

static struct node *find(struct world *w, const char *path)
{
    struct node *at = memfs_root(w->sb);
    char part[256];
    while (at && *path) {
        usize n = strcspn(path, "/");
        memcpy(part, path, n);
        part[n] = '\0';
        at = memfs_find(at, &(struct pathname){part, n});
        path += n + (path[n] == '/');
    }
    return at;
}

static void has(struct world *w, const char *path, const void *data, usize n)
{
    char buf[20000];
    struct node *f = find(w, path);
    assert_non_null(f);
    assert_int_equal(node_size(f), n);
    struct iobuf b;
    iobuf_kernel(&b, buf, sizeof(buf));
    assert_int_equal(memobj_read(f->data, 0, &b), n);
    assert_memory_equal(buf, data, n);
}

static char big[10000];

static void good_image(void)
{
    len = 0;
    entry(".", 040711, 1, 2, NULL, 0, 0);
    entry("usr", 040755, 2, 2, NULL, 0, 0);
    entry("usr/bin", 040755, 3, 2, NULL, 0, 0);
    entry("bin", 0120777, 4, 1, "usr/bin", 7, 0);
    entry("usr/bin/big", 0100755, 5, 1, big, sizeof(big), 4096 - (len + 110) % 4096);
    entry("bin/small", 0104644, 6, 1, "tiny", 4, 0);
    entry("./h1", 0100600, 7, 2, NULL, 0, 0);
    entry("/h2", 0100600, 7, 2, "both", 4, 0);
    entry("console", 0020600, 8, 1, NULL, 0, 0);
    entry("fifo", 0010600, 9, 1, NULL, 0, 0);
    entry("new/deep/file", 0100644, 10, 1, "x", 1, 0);
    trailer();
    pad(512);
    entry("usr/bin/small", 0100600, 1, 1, "replaced", 8, 0); // a second archive
    entry("fifo", 0040700, 2, 2, NULL, 0, 0);
    trailer();
}

static void good(void **state)
{
    (void)state;
    struct world w;
    for (u32 i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7);
    good_image();
    assert_int_equal(unpack(&w), 0);
    assert_int_equal(w.res.errors, 0);
    assert_int_equal(w.res.entries, 13);
    has(&w, "usr/bin/big", big, sizeof(big));
    has(&w, "usr/bin/small", "replaced", 8);
    has(&w, "h1", "both", 4);
    has(&w, "new/deep/file", "x", 1);
    assert_ptr_equal(find(&w, "h1"), find(&w, "h2"));
    assert_int_equal(find(&w, "h1")->nlink, 2);
    assert_int_equal(find(&w, "console")->mode, 0020600);
    assert_int_equal(find(&w, "console")->rdev, dev_make(5, 1));
    assert_int_equal(find(&w, "fifo")->mode, 0040700);
    assert_int_equal(find(&w, "usr/bin/big")->uid, 3);
    assert_int_equal(find(&w, "usr/bin/big")->mtime, 5 * 1'000'000'000l);
    assert_int_equal(memfs_root(w.sb)->mode, 0040711);
    // The first two pages of the big file are shown where they lie; writing changes them there; the
    // third is a copy.
    struct node *n = find(&w, "usr/bin/big");
    paddr_t pa;
    struct frame *f;
    assert_int_equal(memobj_page(n->data, 1, 0, &f, &pa), 0);
    assert_in_range(pa, (uintptr_t)w.copy, (uintptr_t)w.copy + len);
    assert_int_equal(memobj_page(n->data, 2, 0, &f, &pa), 0);
    assert_non_null(f);
    // Cut inside a page that was in place, then grown: zeroes follow.
    static char want[10000];
    assert_int_equal(node_truncate(n, 5000), 0);
    assert_int_equal(node_truncate(n, 10000), 0);
    memcpy(want, big, 5000);
    has(&w, "usr/bin/big", want, sizeof(want));
    drop(&w);
}

static void bad_names(void **state)
{
    (void)state;
    static const char *const names[] = {"../up", "a/../../b", "a/..", ""};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        struct world w;
        len = 0;
        entry("before", 0100644, 1, 1, "1", 1, 0);
        entry(names[i], 0100644, 2, 1, "2", 1, 0);
        entry("after", 0100644, 3, 1, "3", 1, 0);
        trailer();
        assert_int_equal(unpack(&w), 0);
        assert_int_equal(w.res.errors, 1);
        assert_int_equal(w.res.first_error, 124);
        assert_int_equal(w.res.entries, 2);
        has(&w, "after", "3", 1);
        drop(&w);
    }
    struct world w;
    len = 0;
    entry("l1", 0120777, 1, 1, "l2", 2, 0);
    entry("l2", 0120777, 2, 1, "l1", 2, 0);
    entry("l1/x", 0100644, 3, 1, "x", 1, 0);
    entry("l3", 0120777, 4, 1, "../../..//././etc", 17, 0); // leads upward, but never out
    entry("l3/y", 0100644, 5, 1, "y", 1, 0);
    entry("file", 0100644, 6, 1, "f", 1, 0);
    entry("file/z", 0100644, 7, 1, "z", 1, 0);
    trailer();
    assert_int_equal(unpack(&w), 0);
    assert_int_equal(w.res.errors, 2);
    has(&w, "etc/y", "y", 1);
    drop(&w);
}

static void nothing_usable(void **state)
{
    (void)state;
    static const char *const images[] = {"x", "\0\0\0\0", "070701", "070702zz", "\x1f\x8b", "0"};
    static const usize lens[] = {1, 4, 6, 8, 2, 1};
    for (u32 i = 0; i < ARRAY_LEN(images); i++) {
        struct world w;
        memcpy(image, images[i], lens[i]);
        len = lens[i];
        assert_int_equal(unpack(&w), -E_INVAL);
        drop(&w);
    }
}

// Cut at every length, and every byte of the headers changed: no crash, no read outside, all memory
// back.
static void damage(void **state)
{
    (void)state;
    good_image();
    static u8 whole[sizeof(image)];
    usize full = len;
    memcpy(whole, image, full);
    u64 before = fake_allocated();
    for (usize cut = 1; cut < full; cut += cut > 4300 && cut < 13500 ? 211 : 7) {
        struct world w;
        memcpy(image, whole, full);
        len = cut;
        (void)unpack(&w);
        drop(&w);
        assert_int_equal(fake_allocated(), before);
    }
    srand(11);
    for (u32 i = 0; i < 4000; i++) {
        struct world w;
        memcpy(image, whole, full);
        len = full;
        for (int k = rand() % 3; k >= 0; k--) {
            usize at = (usize)rand() % full;
            if (at > 4300 && at < 13500)
                at %= 4300;
            image[at] = rand() % 2 ? (u8) "0123456789ABCDEFabcdef/."[rand() % 24] : (u8)rand();
        }
        (void)unpack(&w);
        drop(&w);
        assert_int_equal(fake_allocated(), before);
    }
}

static void no_memory(void **state)
{
    (void)state;
    good_image();
    u64 before = fake_allocated();
    for (u32 n = 1;; n++) {
        static const struct fs_source none;
        struct world w = {0};
        assert_int_equal(fs_type_find("ramfs", 5)->mount(fs_type_find("ramfs", 5), &none, &w.sb),
                         0);
        assert_int_equal(posix_memalign((void **)&w.copy, 4096, len), 0);
        memcpy(w.copy, image, len);
        fake_fail_nth(n);
        int r = cpiofs_unpack(w.sb, w.copy, len, &w.res);
        bool failed = fake_failed();
        fake_fail_nth(0);
        assert_true(!failed || r || w.res.errors); // never silently
        drop(&w);
        assert_int_equal(fake_allocated(), before);
        if (!failed)
            break;
    }
}

static int setup(void **state)
{
    (void)state;
    fake_vfs_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),   cmocka_unit_test(bad_names), cmocka_unit_test(nothing_usable),
        cmocka_unit_test(damage), cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
