// sources: kernel/tty/ldisc.c kernel/tty/ldisc_output.c
// include: kernel/tty/include kernel/tty
// The line discipline: what a reader gets and what the screen shows, for what is typed.
#include "ldisc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ldisc l;
static char screen[65536];
static usize screen_len;
static char asked[256]; // what the discipline asked for: ^C ^\ ^Z F(lush) S(top) G(o)

static void note(const char *s)
{
    strncat(asked, s, sizeof(asked) - strlen(asked) - 1);
}
static void on_echo(struct ldisc *d, const u8 *data, usize n)
{
    assert_ptr_equal(d, &l);
    assert_true(screen_len + n < sizeof(screen));
    memcpy(screen + screen_len, data, n);
    screen_len += n;
    screen[screen_len] = '\0';
}
static void on_signal(struct ldisc *d, enum ldisc_signal s)
{
    (void)d;
    static const char *const names[] = {"C", "Q", "Z"};
    note(names[s]);
}
static void on_flushed(struct ldisc *d)
{
    (void)d;
    note("F");
}
static void on_stopped(struct ldisc *d, bool stopped)
{
    (void)d;
    note(stopped ? "S" : "G");
}
static void on_readable(struct ldisc *d)
{
    (void)d;
}
static const struct ldisc_ops ops = {on_echo, on_signal, on_flushed, on_stopped, on_readable};

static int fresh(void **state)
{
    (void)state;
    ldisc_init(&l, &ops, &ldisc_default_termios);
    screen_len = 0;
    screen[0] = asked[0] = '\0';
    return 0;
}

static void type(const char *s)
{
    ldisc_receive(&l, (const u8 *)s, strlen(s), 0);
}

static void change(u32 clear, u32 set)
{
    struct ktermios t = l.t;
    t.lflag = (t.lflag & ~clear) | set;
    ldisc_set_termios(&l, &t);
}

static void change_input(u32 clear, u32 set)
{
    struct ktermios t = l.t;
    t.iflag = (t.iflag & ~clear) | set;
    ldisc_set_termios(&l, &t);
}

// One read of at most n bytes gives exactly this.
static void expect_read(usize n, const char *want, bool want_ended)
{
    u8 got[8192];
    bool ended;
    usize len = ldisc_read(&l, got, n, &ended);
    got[len] = '\0';
    assert_string_equal((char *)got, want);
    assert_int_equal(len, strlen(want));
    assert_int_equal(ended, want_ended);
}

static void expect_screen(const char *want)
{
    assert_string_equal(screen, want);
}

static void lines(void **state)
{
    (void)state;
    type("abc");
    assert_false(ldisc_readable(&l));
    assert_int_equal(ldisc_pending(&l), 0);
    type("\r");
    assert_true(ldisc_readable(&l));
    assert_int_equal(ldisc_pending(&l), 4);
    expect_screen("abc\r\n");
    expect_read(2, "ab", false);
    expect_read(100, "c\n", true);
    type("one\ntwo\n");
    expect_read(100, "one\n", true);
    expect_read(100, "two\n", true);
    assert_false(ldisc_readable(&l));
}

static void end_of_file(void **state)
{
    (void)state;
    type("ab\4");
    expect_screen("ab");
    assert_int_equal(ldisc_pending(&l), 2);
    expect_read(100, "ab", true);
    type("\4");
    assert_true(ldisc_readable(&l));
    expect_read(100, "", true);
    type("xy\4");
    expect_read(2, "xy", true); // the mark goes with the full read: the next one is no end of file
    assert_false(ldisc_readable(&l));
}

static void erasing(void **state)
{
    (void)state;
    type("ab\177c\n");
    expect_screen("ab\b \bc\r\n");
    expect_read(100, "ac\n", true);
    fresh(NULL);
    type("\177\177x\n"); // nothing to erase
    expect_screen("x\r\n");
    fresh(NULL);
    type("a\001\177b\n"); // ^A takes two columns
    expect_screen("a^A\b \b\b \bb\r\n");
    expect_read(100, "ab\n", true);
    fresh(NULL);
    type("one two  \27X\n");
    expect_screen("one two  \b \b\b \b\b \b\b \b\b \bX\r\n");
    expect_read(100, "one X\n", true);
    fresh(NULL);
    type("abc\25d\n");
    expect_screen("abc\b \b\b \b\b \bd\r\n");
    expect_read(100, "d\n", true);
}

static void erasing_tabs(void **state)
{
    (void)state;
    type("ab\t\177\n"); // the cursor stood in column 2, the tab went to 8
    expect_screen("ab\t\b\b\b\b\b\b\r\n");
    fresh(NULL);
    u8 out[64];
    usize used;
    (void)ldisc_output(&l, (const u8 *)"$ ", 2, out, sizeof(out), &used); // a prompt of two columns
    type("\t\177");
    expect_screen("\t\b\b\b\b\b\b");
}

static void erasing_utf8(void **state)
{
    (void)state;
    change_input(0, KT_IUTF8);
    type("a\303\244\177b\n");
    expect_screen("a\303\244\b \bb\r\n");
    expect_read(100, "ab\n", true);
    fresh(NULL);
    type("\303\244\177\n"); // without IUTF8 one byte goes
    expect_read(100, "\303\n", true);
}

static void plain_erase_and_kill(void **state)
{
    (void)state;
    change(KT_ECHOE | KT_ECHOKE, 0);
    type("ab\177\n");
    expect_screen("ab^?\r\n");
    expect_read(100, "a\n", true);
    screen_len = 0;
    type("ab\25c\n");
    expect_screen("ab^U\r\nc\r\n");
    expect_read(100, "c\n", true);
    fresh(NULL);
    change(KT_ECHOE, KT_ECHOPRT);
    type("abc\177\177x\n");
    expect_screen("abc\\cb/x\r\n");
    expect_read(100, "ax\n", true);
}

static void reprint_and_literal(void **state)
{
    (void)state;
    type("ab\22");
    expect_screen("ab^R\r\nab");
    fresh(NULL);
    type("\26\3x\n");
    expect_screen("^\b^Cx\r\n");
    assert_string_equal(asked, "");
    expect_read(100, "\3x\n", true);
    fresh(NULL);
    change(KT_IEXTEN, 0);
    type("\26\n"); // not special now
    expect_read(100, "\26\n", true);
}

static void signals(void **state)
{
    (void)state;
    type("abc\3");
    assert_string_equal(asked, "FC");
    expect_screen("abc^C");
    assert_false(ldisc_readable(&l));
    type("\n");
    expect_read(100, "\n", true);
    asked[0] = '\0';
    type("\34\32");
    assert_string_equal(asked, "FQFZ");
    fresh(NULL);
    change(0, KT_NOFLSH);
    type("ab\3c\n");
    assert_string_equal(asked, "C");
    expect_read(100, "abc\n", true);
    fresh(NULL);
    change(KT_ISIG, 0);
    type("\3\n");
    assert_string_equal(asked, "");
    expect_read(100, "\3\n", true);
}

static void flow(void **state)
{
    (void)state;
    type("\23");
    assert_true(l.output_stopped);
    type("a\21\n");
    assert_string_equal(asked, "SG");
    expect_read(100, "a\n", true);
    fresh(NULL);
    change_input(0, KT_IXANY);
    type("\23a\n");
    assert_string_equal(asked, "SG");
    fresh(NULL);
    change_input(KT_IXON, 0);
    type("\23\n");
    assert_string_equal(asked, "");
    expect_read(100, "\23\n", true);
    fresh(NULL);
    type("\23");
    change_input(KT_IXON, 0); // switching it off lets output go on
    assert_string_equal(asked, "SG");
}

static void input_mapping(void **state)
{
    (void)state;
    change_input(KT_ICRNL, KT_INLCR);
    type("a\rb\n");
    assert_false(ldisc_readable(&l));
    fresh(NULL);
    change_input(0, KT_IGNCR);
    type("a\r\n");
    expect_read(100, "a\n", true);
    fresh(NULL);
    change_input(0, KT_ISTRIP);
    type("\341\n");
    expect_read(100, "a\n", true);
    fresh(NULL);
    change_input(0, KT_IUCLC);
    type("ABc\n");
    expect_read(100, "abc\n", true);
}

static void raw(void **state)
{
    (void)state;
    struct ktermios t = ldisc_default_termios;
    t.lflag = 0;
    t.iflag = 0;
    t.oflag = 0;
    t.cc[KT_VMIN] = 3;
    ldisc_set_termios(&l, &t);
    type("a\r");
    assert_false(ldisc_readable(&l));
    assert_int_equal(ldisc_pending(&l), 2);
    type("\3");
    assert_true(ldisc_readable(&l));
    expect_read(100, "a\r\3", false);
    expect_screen("");
    t.cc[KT_VTIME] = 1;
    ldisc_set_termios(&l, &t);
    type("x");
    assert_true(ldisc_readable(&l));
}

static void mode_changes(void **state)
{
    (void)state;
    type("typed");
    change(KT_ICANON, 0);
    expect_read(3, "typ", false);
    change(0, KT_ICANON); // the rest is a line now
    assert_true(ldisc_readable(&l));
    expect_read(100, "ed", true);
    type("more\n");
    expect_read(100, "more\n", true);
}

static void long_lines(void **state)
{
    (void)state;
    change(KT_ECHO, 0);
    for (int i = 0; i < 5000; i++)
        type("x");
    assert_false(ldisc_readable(&l));
    type("\n");
    u8 got[8192];
    bool ended;
    assert_int_equal(ldisc_read(&l, got, sizeof(got), &ended), 4096);
    assert_true(ended);
    assert_int_equal(got[4094], 'x');
    assert_int_equal(got[4095], '\n');
    assert_int_equal(ldisc_room(&l), LDISC_BUF);
    change(KT_ICANON, 0);
    for (int i = 0; i < 5000; i++)
        type("y");
    assert_int_equal(ldisc_room(&l), 0);
    assert_int_equal(ldisc_pending(&l), 4095);
}

static void throttling(void **state)
{
    (void)state;
    change(KT_ECHO | KT_ICANON, 0);
    change_input(0, KT_IXOFF);
    for (int i = 0; i < 4000; i++)
        type("z");
    expect_screen("\23");
    u8 got[8192];
    bool ended;
    (void)ldisc_read(&l, got, sizeof(got), &ended);
    expect_screen("\23\21");
}

static void trouble(void **state)
{
    (void)state;
    u8 zero = 0, c = 'p';
    change_input(0, KT_BRKINT);
    ldisc_receive(&l, &zero, 1, LDISC_TROUBLE_BREAK);
    assert_string_equal(asked, "FC");
    fresh(NULL);
    change(KT_ICANON | KT_ECHO, 0);
    change_input(0, KT_INPCK | KT_PARMRK);
    ldisc_receive(&l, &c, 1, LDISC_TROUBLE_PARITY);
    u8 got[16];
    bool ended;
    assert_int_equal(ldisc_read(&l, got, sizeof(got), &ended), 3);
    assert_memory_equal(got, "\377\0p", 3);
    type("\377");
    assert_int_equal(ldisc_read(&l, got, sizeof(got), &ended), 2);
    change_input(0, KT_IGNPAR);
    ldisc_receive(&l, &c, 1, LDISC_TROUBLE_PARITY);
    assert_int_equal(ldisc_pending(&l), 0);
}

static void output_is(u32 oflag, const char *in, const char *want)
{
    fresh(NULL);
    l.t.oflag = oflag;
    u8 out[256];
    usize used, made = ldisc_output(&l, (const u8 *)in, strlen(in), out, sizeof(out), &used);
    out[made] = '\0';
    assert_string_equal((char *)out, want);
    assert_int_equal(used, strlen(in));
}

static void output(void **state)
{
    (void)state;
    output_is(KT_OPOST | KT_ONLCR, "a\nb", "a\r\nb");
    output_is(KT_ONLCR, "a\n", "a\n");
    output_is(KT_OPOST | KT_OCRNL, "a\rb", "a\nb");
    output_is(KT_OPOST | KT_ONOCR, "\ra\rb", "a\rb");
    output_is(KT_OPOST | KT_OLCUC, "aB1", "AB1");
    output_is(KT_OPOST | KT_TAB3, "ab\tc", "ab      c");
    output_is(KT_OPOST | KT_ONLCR | KT_TAB3, "a\n\tb", "a\r\n        b");
    output_is(KT_OPOST | KT_TAB3, "abc\b\tx", "abc\b      x");
    // Little room: it stops before a character whose picture would not fit.
    fresh(NULL);
    u8 out[8];
    usize used;
    assert_int_equal(ldisc_output(&l, (const u8 *)"\n\n\n", 3, out, 8, &used), 2);
    assert_int_equal(used, 1);
}

// Whatever comes in, in whatever mode: no byte outside of the ring, counters in order, reads end.
static void random_input(void **state)
{
    (void)state;
    u64 seed = 88172645463325252ull;
    for (int round = 0; round < 20000; round++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        u8 data[32], got[64];
        usize n = seed % sizeof(data);
        for (usize i = 0; i < n; i++)
            data[i] = (u8)(seed >> (i % 48)) & (i & 1 ? 0x1f : 0xff);
        if (round % 50 == 0) {
            struct ktermios t = l.t;
            t.lflag = (u32)(seed >> 8) & 0x1ffff;
            t.iflag = (u32)(seed >> 24) & 0x7fff;
            t.oflag = (u32)(seed >> 40) & 0x187f;
            ldisc_set_termios(&l, &t);
        }
        ldisc_receive(&l, data, n, (u32)(seed >> 60) & 7);
        assert_true(l.head - l.tail <= LDISC_BUF);
        assert_true(l.canon_head - l.tail <= l.head - l.tail);
        bool ended;
        if (seed & 3)
            (void)ldisc_read(&l, got, (seed >> 20) % sizeof(got), &ended);
        assert_true(ldisc_pending(&l) <= LDISC_BUF);
        screen_len = 0;
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        CASE(lines),
        CASE(end_of_file),
        CASE(erasing),
        CASE(erasing_tabs),
        CASE(erasing_utf8),
        CASE(plain_erase_and_kill),
        CASE(reprint_and_literal),
        CASE(signals),
        CASE(flow),
        CASE(input_mapping),
        CASE(raw),
        CASE(mode_changes),
        CASE(long_lines),
        CASE(throttling),
        CASE(trouble),
        CASE(output),
        CASE(random_input),
    };
    return cmocka_run_group_tests_name("ldisc", tests, NULL, NULL);
}
