// sources: kernel/lib/printf.c
// Formatted text: all combinations of flags, width, precision, length and conversion against the
// host's C library.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lib/printf.h>

#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat-security"
#pragma clang diagnostic ignored "-Wformat"

static int host(char *buf, size_t cap, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(buf, cap, fmt, args);
    va_end(args);
    return n;
}

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char want_[600], got_[600];                                                                \
        int n_ = host(want_, sizeof(want_), __VA_ARGS__);                                          \
        int k_ = ksnprintf(got_, sizeof(got_), __VA_ARGS__);                                       \
        assert_string_equal(got_, want_);                                                          \
        assert_int_equal(k_, n_);                                                                  \
    } while (0)

static void each_spec(void (*fn)(const char *prefix))
{
    static const char *const widths[] = {"", "1", "7", "25"}, *const precisions[] = {
                                                                  "", ".", ".0", ".1", ".5", ".22"};

    for (unsigned flags = 0; flags < 32; flags++)
        for (size_t w = 0; w < 4; w++)
            for (size_t p = 0; p < 6; p++) {
                char spec[32];
                snprintf(spec, sizeof(spec), "%%%s%s%s%s%s%s%s", flags & 1 ? "-" : "",
                         flags & 2 ? "+" : "", flags & 4 ? " " : "", flags & 8 ? "#" : "",
                         flags & 16 ? "0" : "", widths[w], precisions[p]);
                fn(spec);
            }
}

static const uint64_t values[] = {
    0,
    1,
    7,
    8,
    9,
    10,
    42,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x123456789abcdef0,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xffffffffffffffff,
};

static void integers(const char *prefix)
{
    static const char lengths[][3] = {"hh", "h", "", "l", "ll", "j", "z", "t"};

    for (size_t l = 0; l < 8; l++)
        for (const char *conv = "diuoxX"; *conv; conv++) {
            char fmt[64];
            snprintf(fmt, sizeof(fmt), "[%s%s%c]", prefix, lengths[l], *conv);
            for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
                if (l < 3)
                    SAME(fmt, (unsigned)values[v]);
                else
                    SAME(fmt, values[v]);
            }
        }
}

static void test_integers(void **state)
{
    (void)state;
    each_spec(integers);
}

static void texts(const char *prefix)
{
    char fmt[64];

    snprintf(fmt, sizeof(fmt), "<%ss>", prefix);
    SAME(fmt, "");
    SAME(fmt, "abc");
    SAME(fmt, "a longer text than most widths");
    if (!strchr(prefix, '.')) {
        snprintf(fmt, sizeof(fmt), "<%sc>", prefix);
        SAME(fmt, 'x');
    }
}

static void test_texts(void **state)
{
    (void)state;
    each_spec(texts);
    SAME("plain");
    SAME("");
    SAME("100%%");
    SAME("%s and %d, %c%c", "x", -5, 'y', 'z');
    SAME("[%s]", (char *)NULL);
    char raw[3] = {'a', 'b', 'c'}; // no NUL: the precision keeps it inside
    SAME("%.3s", raw);
    SAME("%.*s", 2, raw);
    SAME("%*d|%-*d|%*d", 6, 42, 6, 42, -6, 42);
    SAME("%.*d|%.*d", 5, 42, -1, 42);
    SAME("%*.*x", 10, 4, 0xab);
}

static void test_pointer_binary_unknown(void **state)
{
    (void)state;
    char out[200];

    SAME("%p", (void *)0x1234abcd);
    SAME("%20p|%-20p|", (void *)0xffffffc000001000, (void *)1);
    assert_int_equal(ksnprintf(out, sizeof(out), "%p", (void *)NULL), 1);
    assert_string_equal(out, "0");
    assert_int_equal(ksnprintf(out, sizeof(out), "%b %#b %#B %08b %lb", 5, 5, 5, 5, 1ul << 63), 89);
    assert_string_equal(out, "101 0b101 0B101 00000101 "
                             "1000000000000000000000000000000000000000000000000000000000000000");
    ksnprintf(out, sizeof(out), "%d %y %d", 1, 2);
    assert_string_equal(out, "1 %y %d");
    ksnprintf(out, sizeof(out), "%f", 1.0);
    assert_string_equal(out, "%f");
    ksnprintf(out, sizeof(out), "x%");
    assert_string_equal(out, "x%");
}

static void test_cut(void **state)
{
    (void)state;
    char out[32];

    for (size_t cap = 0; cap < 20; cap++) {
        memset(out, '#', sizeof(out));
        assert_int_equal(ksnprintf(out, cap, "%d-%s-%05d", 123, "abc", 7), 13);
        if (cap)
            assert_int_equal(strlen(out), cap - 1 < 13 ? cap - 1 : 13);
        assert_int_equal(out[cap], '#');
        memset(out, '#', sizeof(out));
        assert_int_equal(kscnprintf(out, cap, "%s", "abcdef"), cap == 0      ? 0
                                                               : cap - 1 < 6 ? cap - 1
                                                                             : 6);
        assert_int_equal(out[cap], '#');
    }
    assert_int_equal(ksnprintf(NULL, 0, "%100000d", 1), 100000);
}

static void count_put(void *arg, const char *s, size_t n)
{
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++)
        *(size_t *)arg = *(size_t *)arg * 31 + (unsigned char)s[i];
}

static void test_sink(void **state)
{
    (void)state;
    size_t got = 0, want = 0;

    assert_int_equal(kformat(count_put, &got, "%5d%s%-40s|", 3, "", "x"), 46);
    char text[64];
    snprintf(text, sizeof(text), "%5d%s%-40s|", 3, "", "x");
    count_put(&want, text, strlen(text));
    assert_int_equal(got, want);
}

static void test_format_u64(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        char got[21], want[21];
        got[format_u64(got, values[v])] = 0;
        snprintf(want, sizeof(want), "%lu", values[v]);
        assert_string_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_pointer_binary_unknown),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_format_u64),
    };
    return cmocka_run_group_tests_name("printf", tests, NULL, NULL);
}
