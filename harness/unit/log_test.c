// sources: kernel/sync/log.c kernel/sync/spinlock.c kernel/lib/printf.c harness/unit/host/host.c
// The kernel log: order, splitting, wrapping of the ring, reading from any place, echo and wake-up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/host.h"
#include <arch/console.h>
#include <arch/time.h>
#include <sync/log.h>
#include <sync/preempt.h>

static char echoed[1 << 20];
static usize echoed_len;
static u64 now;
static u32 wakes;

void arch_early_write(const char *s, usize n)
{
    if (echoed_len + n < sizeof(echoed)) {
        memcpy(echoed + echoed_len, s, n);
        echoed_len += n;
        echoed[echoed_len] = 0;
    }
}

u64 arch_time_ns(void)
{
    return now;
}

static void count_wake(void)
{
    wakes++;
}

static usize read_at(u64 seq, struct log_record *rec, char *buf, usize cap)
{
    u64 at = seq;
    usize n = log_read(&at, rec, buf, cap);
    buf[n] = 0;
    return n;
}

static void lines_and_stamps(void)
{
    now = 1'234'567'891;
    klog(LOG_WARN, "one %d\ntwo\n", 1);
    klog(LOG_DEBUG, "not echoed");
    if (strcmp(echoed, "[    1.234567] one 1\r\n[    1.234567] two\r\n") != 0)
        abort();
    struct log_record rec;
    char buf[LOG_RECORD_MAX + 1];
    if (read_at(1, &rec, buf, LOG_RECORD_MAX) != 3 || strcmp(buf, "two") != 0 ||
        rec.level != LOG_WARN || rec.time_ns != now || rec.seq != 1)
        abort();
    if (read_at(3, &rec, buf, LOG_RECORD_MAX) != 0 || rec.seq != UINT64_MAX)
        abort();
    klog(LOG_INFO, "%s", ""); // an empty record is a record
    if (read_at(3, &rec, buf, LOG_RECORD_MAX) != 0 || rec.seq != 3)
        abort();
}

static void long_text(void)
{
    char text[1501], buf[LOG_RECORD_MAX + 1];
    for (usize i = 0; i < 1500; i++)
        text[i] = (char)('a' + i % 26);
    text[1500] = 0;
    klog(LOG_INFO, "%s", text);
    struct log_record rec;
    if (read_at(0, &rec, buf, LOG_RECORD_MAX) != LOG_RECORD_MAX ||
        memcmp(buf, text, LOG_RECORD_MAX) != 0)
        abort();
    if (read_at(1, &rec, buf, LOG_RECORD_MAX) != 500 || strcmp(buf, text + LOG_RECORD_MAX) != 0)
        abort();
    // Longer than what can be formatted at once: the cut is told.
    char *big = malloc(5001);
    memset(big, 'x', 5000);
    big[5000] = 0;
    klog(LOG_INFO, "%s", big);
    free(big);
    u64 last = log_next_seq() - 1;
    read_at(last, &rec, buf, LOG_RECORD_MAX);
    if (!strstr(buf, "more bytes"))
        abort();
}

// Records of many lengths, far more than the ring holds: what is left is the newest, without gaps,
// each as it was written.
static void wrapping(void)
{
    log_set_console_level(0);
    enum { COUNT = 20000 };
    for (u32 i = 0; i < COUNT; i++) {
        now = i;
        klog(LOG_INFO, "%u:%.*s", i, (int)(i * 7919 % 300), "");
        char pad[301];
        memset(pad, 'p', sizeof(pad));
        klog(LOG_INFO, "%u:%.*s", i, (int)(i * 7919 % 300), pad);
    }
    u64 first = log_first_seq(), next = log_next_seq();
    if (next != 2 * COUNT || first == 0 || next - first < 500)
        abort();
    struct log_record rec;
    char buf[LOG_RECORD_MAX + 1];
    u64 seq = 5; // long gone
    log_read(&seq, &rec, buf, sizeof(buf) - 1);
    if (seq != first || rec.seq != first)
        abort();
    for (u64 s = first; s < next; s++) {
        usize n = read_at(s, &rec, buf, LOG_RECORD_MAX);
        u32 i = (u32)(s / 2);
        char want[16];
        int head = snprintf(want, sizeof(want), "%u:", i);
        usize len = (usize)head + (s % 2 ? i * 7919 % 300 : 0);
        if (rec.seq != s || n != len || memcmp(buf, want, (usize)head) != 0 || rec.time_ns != i)
            abort();
    }
    for (u64 s = next; s-- > first;) // backwards: the cursor does not help
        if (read_at(s, &rec, buf, 10) > 10 || rec.seq != s)
            abort();
    if (echoed_len != 0)
        abort();
}

static void waking(void)
{
    log_set_wake(count_wake);
    klog(LOG_INFO, "a");
    if (wakes != 1)
        abort();
    preempt_disable();
    klog(LOG_INFO, "b");
    preempt_enable();
    if (wakes != 1) // not from a context that must not wake threads
        abort();
    log_flush_wake();
    log_flush_wake();
    if (wakes != 2)
        abort();
}

static void test_lines_and_stamps(void **state)
{
    (void)state;
    assert_true(host_isolated(lines_and_stamps));
}
static void test_long_text(void **state)
{
    (void)state;
    assert_true(host_isolated(long_text));
}
static void test_wrapping(void **state)
{
    (void)state;
    assert_true(host_isolated(wrapping));
}
static void test_waking(void **state)
{
    (void)state;
    assert_true(host_isolated(waking));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_stamps),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_waking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
