// sources: harness/unit/host/kstring.c
// The kernel's memory and string functions against the host's, at every alignment, length and
// overlap, next to pages that must not be touched.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "host/kstring.h"

enum { SPAN = 400, PAGE = 4096 };

static unsigned char *fenced; // one page, with forbidden pages on both sides

static int set_up(void **state)
{
    (void)state;
    unsigned char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) != 0)
        return -1;
    fenced = p + PAGE;
    return 0;
}

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 7 + i / 251 + 1);
}

static void fill(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(i);
}

static void test_memcpy(void **state)
{
    (void)state;
    unsigned char src[SPAN], dst[SPAN], want[SPAN];

    fill(src, SPAN);
    for (size_t n = 0; n < 300; n += n < 80 ? 1 : 17)
        for (size_t from = 0; from < 9; from++)
            for (size_t to = 0; to < 9; to++) {
                memset(dst, 0xee, SPAN);
                memset(want, 0xee, SPAN);
                for (size_t i = 0; i < n; i++)
                    want[32 + to + i] = src[32 + from + i];
                assert_ptr_equal(k_memcpy(dst + 32 + to, src + 32 + from, n), dst + 32 + to);
                assert_memory_equal(dst, want, SPAN);
            }
}

static void test_memcpy_stays_in_its_page(void **state)
{
    (void)state;
    unsigned char other[SPAN];

    fill(fenced, PAGE);
    for (size_t n = 1; n < 150; n++)
        for (size_t to = 0; to < 8; to++) {
            k_memcpy(other + to, fenced, n);
            assert_memory_equal(other + to, fenced, n);
            k_memcpy(other + to, fenced + PAGE - n, n);
            assert_memory_equal(other + to, fenced + PAGE - n, n);
            k_memmove(other + to, fenced + PAGE - n, n);
            assert_memory_equal(other + to, fenced + PAGE - n, n);
        }
}

static void test_memmove(void **state)
{
    (void)state;
    unsigned char buf[SPAN], want[SPAN];

    for (size_t n = 0; n < 200; n += n < 70 ? 1 : 13)
        for (size_t from = 0; from < 9; from++)
            for (size_t to = 0; to < 90; to++) {
                fill(buf, SPAN);
                fill(want, SPAN);
                for (size_t i = 0; i < n; i++)
                    want[60 + to + i - 9] = pattern(80 + from + i);
                assert_ptr_equal(k_memmove(buf + 51 + to, buf + 80 + from, n), buf + 51 + to);
                assert_memory_equal(buf, want, SPAN);
            }
}

static void test_memset(void **state)
{
    (void)state;
    unsigned char buf[SPAN];

    for (size_t n = 0; n < 300; n++)
        for (size_t to = 0; to < 9; to++) {
            memset(buf, 0x11, SPAN);
            assert_ptr_equal(k_memset(buf + 16 + to, 0x1c3, n), buf + 16 + to);
            for (size_t i = 0; i < SPAN; i++)
                assert_int_equal(buf[i], i >= 16 + to && i < 16 + to + n ? 0xc3 : 0x11);
        }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void test_memcmp(void **state)
{
    (void)state;
    unsigned char a[SPAN], b[SPAN];

    for (size_t n = 0; n < 120; n++)
        for (size_t x = 0; x < 8; x++)
            for (size_t y = 0; y < 8; y++) {
                fill(a + x, n);
                fill(b + y, n);
                assert_int_equal(k_memcmp(a + x, b + y, n), 0);
                size_t at = n ? n * 5 % n : 0;
                for (size_t k = 0; k < 3 && n; k++, at = (at + n / 2 + 1) % n) {
                    b[y + at] ^= 0x80;
                    assert_int_equal(sign(k_memcmp(a + x, b + y, n)),
                                     sign(memcmp(a + x, b + y, n)));
                    b[y + at] ^= 0x80;
                }
            }
}

static void test_lengths_at_page_end(void **state)
{
    (void)state;

    for (size_t n = 0; n < 100; n++) {
        char *s = (char *)fenced + PAGE - 1 - n;
        memset(s, 'x', n);
        s[n] = 0;
        assert_int_equal(k_strlen(s), n);
        assert_int_equal(k_strnlen(s, SIZE_MAX), n);
        assert_int_equal(k_strnlen(s, n / 2), n / 2);
        assert_int_equal(k_strcmp(s, s), 0);
        assert_ptr_equal(k_strchr(s, 0), s + n);
        assert_ptr_equal(k_memchr(s, 0, SIZE_MAX / 2), s + n);
        assert_null(k_memchr(s, 'y', n + 1));
        s[n] = 'x'; // no end at all
        assert_int_equal(k_strnlen(s, n + 1), n + 1);
        assert_null(k_memchr(s, 'y', n + 1));
    }
    for (size_t n = 0; n < 40; n++) { // what lies before the start does not count
        char *s = (char *)fenced + 1 + n;
        memset(fenced, 0, PAGE);
        memset(s, 0x80, 20);
        assert_int_equal(k_strlen(s), 20);
        assert_null(k_memchr(s, 0, 20));
        memset(fenced, 0x7f, 1 + n);
        assert_ptr_equal(k_memchr(s, 0x80, 20), s);
    }
}

static void test_memchr_all_bytes(void **state)
{
    (void)state;
    unsigned char buf[64];

    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < 40; at++) {
            for (size_t i = 0; i < sizeof(buf); i++)
                buf[i] = (unsigned char)(c + (i % 2 ? 1 : -1)); // borrows in the word trick
            buf[3 + at] = (unsigned char)c;
            assert_ptr_equal(k_memchr(buf + 3, c, 60), buf + 3 + at);
            assert_null(k_memchr(buf + 3, c, at));
        }
}

static void test_strings_random(void **state)
{
    (void)state;
    char a[64], b[64], out[64], ref[64];

    srand(1);
    for (int round = 0; round < 50000; round++) {
        size_t x = (size_t)rand() % 8, y = (size_t)rand() % 8;
        size_t na = (size_t)rand() % 24, nb = (size_t)rand() % 24, n = (size_t)rand() % 30;
        for (size_t i = 0; i < na; i++)
            a[x + i] = (char)("ab\xff"[rand() % 3]);
        for (size_t i = 0; i < nb; i++)
            b[y + i] = i < na && rand() % 8 ? a[x + i] : (char)("ab\xff"[rand() % 3]);
        a[x + na] = b[y + nb] = 0;
        assert_int_equal(sign(k_strcmp(a + x, b + y)), sign(strcmp(a + x, b + y)));
        assert_int_equal(sign(k_strncmp(a + x, b + y, n)), sign(strncmp(a + x, b + y, n)));
        assert_ptr_equal(k_strchr(a + x, 'b'), strchr(a + x, 'b'));
        assert_ptr_equal(k_strchr(a + x, 0xff), strchr(a + x, 0xff));
        assert_ptr_equal(k_strrchr(a + x, 'a'), strrchr(a + x, 'a'));
        assert_ptr_equal(k_strrchr(a + x, 0), strrchr(a + x, 0));
        b[y + (size_t)rand() % 3] = 0;
        assert_ptr_equal(k_strstr(a + x, b + y), strstr(a + x, b + y));
        memset(out, '#', sizeof(out));
        assert_int_equal(k_strlcpy(out, a + x, n), na);
        if (n) {
            snprintf(ref, n, "%s", a + x);
            assert_string_equal(out, ref);
            size_t all = strlen(out) + strlen(b + y);
            assert_int_equal(k_strlcat(out, b + y, n), all);
            assert_int_equal(strlen(out), all < n ? all : n - 1);
        }
        assert_int_equal(out[n], '#');
    }
}

static void test_strtoul(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "0",
        "10",
        " \t\n12x",
        "+7",
        "-1",
        "0x1f",
        "0x",
        "0xg",
        "010",
        "08",
        "z",
        "Zz",
        "99999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551616",
        "+-1",
        "0b1",
        "ffffffffffffffff",
        "-",
    };
    static const int bases[] = {0, 2, 8, 10, 16, 36};

    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
        for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
            char *end, *want_end;
            unsigned long want = strtoul(texts[t], &want_end, bases[b]);
            if (strncmp(texts[t], "0b", 2) == 0 && (bases[b] == 0 || bases[b] == 2))
                continue; // newer C libraries read a binary prefix
            assert_int_equal(k_strtoul(texts[t], &end, bases[b]), want);
            assert_ptr_equal(end, want_end);
        }
    assert_int_equal(k_strtoul("12", NULL, 10), 12);
}

static void test_pages(void **state)
{
    (void)state;
    static unsigned char copy[PAGE] __attribute__((aligned(PAGE)));

    fill(fenced, PAGE);
    k_page_copy(copy, fenced);
    assert_memory_equal(copy, fenced, PAGE);
    assert_false(k_mem_is_zero(copy, PAGE));
    for (size_t n = 0; n <= 600; n += 8) {
        memset(copy, 0x5a, PAGE);
        k_mem_copy_words(copy + 8, fenced + PAGE - n, n);
        assert_memory_equal(copy + 8, fenced + PAGE - n, n);
        assert_int_equal(copy[7], 0x5a);
        assert_int_equal(copy[8 + n], 0x5a);
    }
    k_page_zero(fenced);
    for (size_t i = 0; i < PAGE; i++)
        assert_int_equal(fenced[i], 0);
    assert_true(k_mem_is_zero(fenced, PAGE));
    for (size_t n = 8; n < 100; n += 8) {
        fenced[n - 1] = 1;
        assert_false(k_mem_is_zero(fenced, n));
        assert_true(k_mem_is_zero(fenced, n - 8));
        fenced[n - 1] = 0;
    }
    k_mem_wipe(copy, PAGE);
    assert_true(k_mem_is_zero(copy, PAGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy),           cmocka_unit_test(test_memcpy_stays_in_its_page),
        cmocka_unit_test(test_memmove),          cmocka_unit_test(test_memset),
        cmocka_unit_test(test_memcmp),           cmocka_unit_test(test_lengths_at_page_end),
        cmocka_unit_test(test_memchr_all_bytes), cmocka_unit_test(test_strings_random),
        cmocka_unit_test(test_strtoul),          cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests_name("string", tests, set_up, NULL);
}
