// sources: kernel/lib/parse.c
// Strict numbers, sizes and command lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <kerr.h>
#include <lib/parse.h>

static void test_u64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned base;
        int err;
        u64 value;
    } cases[] = {
        {"0", 0, 0, 0},
        {"18446744073709551615", 0, 0, UINT64_MAX},
        {"18446744073709551616", 0, -E_RANGE, 0},
        {"", 0, -E_INVAL, 0},
        {"-1", 0, -E_INVAL, 0},
        {"+1", 0, -E_INVAL, 0},
        {" 1", 0, -E_INVAL, 0},
        {"1 ", 0, -E_INVAL, 0},
        {"0x", 0, -E_INVAL, 0},
        {"0xfF", 0, 0, 255},
        {"0X10", 0, 0, 16},
        {"0o17", 0, 0, 15},
        {"0b101", 0, 0, 5},
        {"0b102", 0, -E_INVAL, 0},
        {"010", 0, 0, 10},
        {"777", 8, 0, 511},
        {"778", 8, -E_INVAL, 0},
        {"0x10", 16, -E_INVAL, 0},
        {"zz", 36, 0, 35 * 36 + 35},
        {"1", 1, -E_INVAL, 0},
        {"1", 37, -E_INVAL, 0},
        {"99999999999999999999x", 0, -E_INVAL, 0},
        {"12\0", 0, 0, 12},
        {"ffffffffffffffff", 16, 0, UINT64_MAX},
        {"10000000000000000", 16, -E_RANGE, 0},
        {"/", 0, -E_INVAL, 0},
        {":", 0, -E_INVAL, 0},
        {"@", 36, -E_INVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        u64 out = 77;
        assert_int_equal(parse_u64(cases[i].text, strlen(cases[i].text), cases[i].base, &out),
                         cases[i].err);
        assert_int_equal(out, cases[i].err ? 77 : cases[i].value);
    }
    u64 out;
    assert_int_equal(parse_u64("123456", 3, 10, &out), 0);
    assert_int_equal(out, 123);
}

static void test_i64(void **state)
{
    (void)state;
    i64 out = 0;

    assert_int_equal(parse_i64("-9223372036854775808", 20, 0, &out), 0);
    assert_true(out == INT64_MIN);
    assert_int_equal(parse_i64("-9223372036854775809", 20, 0, &out), -E_RANGE);
    assert_int_equal(parse_i64("9223372036854775807", 19, 0, &out), 0);
    assert_true(out == INT64_MAX);
    assert_int_equal(parse_i64("9223372036854775808", 19, 0, &out), -E_RANGE);
    assert_int_equal(parse_i64("+5", 2, 0, &out), 0);
    assert_int_equal(out, 5);
    assert_int_equal(parse_i64("-0x10", 5, 0, &out), 0);
    assert_int_equal(out, -16);
    assert_int_equal(parse_i64("--5", 3, 0, &out), -E_INVAL);
    assert_int_equal(parse_i64("-", 1, 0, &out), -E_INVAL);
    assert_int_equal(parse_i64("", 0, 0, &out), -E_INVAL);
}

static void test_size_and_bool(void **state)
{
    (void)state;
    u64 out = 0;
    bool flag = false;

    assert_int_equal(parse_size("4096", 4, &out), 0);
    assert_int_equal(out, 4096);
    assert_int_equal(parse_size("64k", 3, &out), 0);
    assert_int_equal(out, 65536);
    assert_int_equal(parse_size("512M", 4, &out), 0);
    assert_int_equal(out, 512ull << 20);
    assert_int_equal(parse_size("0x10G", 5, &out), 0);
    assert_int_equal(out, 16ull << 30);
    assert_int_equal(parse_size("1t", 2, &out), 0);
    assert_int_equal(out, 1ull << 40);
    assert_int_equal(parse_size("16777216T", 9, &out), -E_RANGE);
    assert_int_equal(parse_size("K", 1, &out), -E_INVAL);
    assert_int_equal(parse_size("", 0, &out), -E_INVAL);
    assert_int_equal(parse_size("5KB", 3, &out), -E_INVAL);
    assert_int_equal(parse_bool("on", 2, &flag), 0);
    assert_true(flag);
    assert_int_equal(parse_bool("false", 5, &flag), 0);
    assert_false(flag);
    assert_int_equal(parse_bool("o", 1, &flag), -E_INVAL);
    assert_int_equal(parse_bool("", 0, &flag), -E_INVAL);
}

// name[=value] of every word, separated by bars.
static void split(const char *line, const char *want)
{
    char got[200] = "";
    size_t n = 0;

    for (struct cmdline_word w; cmdline_next(&line, &w);) {
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s", (int)w.name_len, w.name);
        if (w.value)
            n += (size_t)snprintf(got + n, sizeof(got) - n, "=%.*s", (int)w.value_len, w.value);
        n += (size_t)snprintf(got + n, sizeof(got) - n, "|");
    }
    assert_string_equal(got, want);
    assert_int_equal(*line, 0);
}

static void test_cmdline(void **state)
{
    (void)state;
    struct cmdline_word w;

    split("", "");
    split(" \t\n ", "");
    split("quiet", "quiet|");
    split("  a=1 b  c= =d e==f ", "a=1|b|c=|=d|e==f|");
    split("x=\"a b\" y", "x=a b|y|");
    split("\"x=a b\" y", "x=a b|y|");
    split("\"plain words\" y", "plain words|y|");
    split("x=\"open end", "x=open end|");
    split("x=\"\"", "x=|");
    split("\"", "|");
    split("x=a\"b c\"d", "x=a\"b c\"d|");
    assert_true(cmdline_find("a=1 ab=2 a=3 quiet", "a", &w));
    assert_int_equal(w.value_len, 1);
    assert_int_equal(*w.value, '3');
    assert_true(cmdline_find("a=1 quiet", "quiet", &w));
    assert_null(w.value);
    assert_false(cmdline_find("a=1 quiet", "q", &w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64),
        cmocka_unit_test(test_i64),
        cmocka_unit_test(test_size_and_bool),
        cmocka_unit_test(test_cmdline),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
