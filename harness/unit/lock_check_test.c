// sources: kernel/sync/lock_check.c kernel/sync/spinlock.c harness/unit/host/host.c
// The lock checker: which orders, uses in interrupts and releases it complains about, and that it
// is silent otherwise.
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
#include <arch/cpu.h>
#include <sync/lock_check.h>
#include <sync/lock_order.h>
#include <sync/log.h>

static char last[512];

void klog(enum log_level level, const char *fmt, ...)
{
    (void)level;
    va_list args;
    va_start(args, fmt);
    vsnprintf(last, sizeof(last), fmt, args);
    va_end(args);
}

void arch_early_write(const char *s, usize n)
{
    snprintf(last, sizeof(last), "%.*s", (int)n, s);
}

void arch_backtrace(u64 fp)
{
    (void)fp;
}

static void expect(u32 count, const char *text)
{
    if (lock_check_reports() != count || (count && !strstr(last, text))) {
        fprintf(stderr, "expected report %u with \"%s\", have %u and \"%s\"\n", count, text,
                lock_check_reports(), last);
        abort();
    }
}

static void growing_order(void)
{
    lock_check_acquire(&lock_class_exec, 0);
    lock_check_acquire(&lock_class_aspace, 0);
    lock_check_acquire(&lock_class_task, LOCK_SPIN);
    lock_check_acquire(&lock_class_runqueue, LOCK_SPIN);
    if (lock_check_held() != 4)
        abort();
    lock_check_release(&lock_class_aspace); // out of order is fine
    lock_check_release(&lock_class_runqueue);
    lock_check_acquire(&lock_class_signal, LOCK_SPIN);
    lock_check_release(&lock_class_task);
    lock_check_release(&lock_class_signal);
    lock_check_release(&lock_class_exec);
    expect(0, "");
    if (lock_check_held() != 0)
        abort();
}

static void wrong_order(void)
{
    lock_check_acquire(&lock_class_signal, LOCK_SPIN);
    lock_check_acquire(&lock_class_task, LOCK_SPIN);
    expect(1, "lock order: takes \"task\" (105) while holding \"signal\"");
    lock_check_release(&lock_class_task);
    lock_check_acquire(&lock_class_task, LOCK_SPIN | LOCK_TRY); // cannot deadlock
    expect(1, "");
}

static void same_class(void)
{
    lock_check_acquire(&lock_class_node, LOCK_SPIN);
    lock_check_acquire(&lock_class_node, LOCK_SPIN | LOCK_NESTED);
    expect(0, "");
    lock_check_release(&lock_class_node);
    lock_check_acquire(&lock_class_node, LOCK_SPIN);
    expect(1, "takes \"node\"");
}

static void interrupts(void)
{
    lock_check_acquire(&lock_class_device, LOCK_SPIN); // interrupts on
    lock_check_release(&lock_class_device);
    lock_check_acquire(&lock_class_frame, LOCK_SPIN);
    arch_irq_disable();
    irq_enter();
    lock_check_acquire(&lock_class_waitqueue,
                       LOCK_SPIN); // the interrupted thread's "frame" does not count
    lock_check_release(&lock_class_waitqueue);
    expect(0, "");
    lock_check_acquire(&lock_class_device, LOCK_SPIN);
    expect(1, "an interrupt takes a lock that was held with interrupts on: \"device\"");
    lock_check_acquire(&lock_class_task, LOCK_SPIN); // but order within the interrupt does
    expect(2, "takes \"task\" (105) while holding \"device\"");
    lock_check_release(&lock_class_task);
    lock_check_release(&lock_class_device);
    irq_exit();
    arch_irq_enable();
    lock_check_release(&lock_class_frame);
    lock_check_acquire(&lock_class_waitqueue, LOCK_SPIN);
    expect(3, "held with interrupts on, but interrupts take it: \"waitqueue\"");
    lock_check_release(&lock_class_waitqueue);
    lock_check_acquire(&lock_class_waitqueue, LOCK_SPIN); // told once
    expect(3, "");
}

static void wrong_release(void)
{
    lock_check_acquire(&lock_class_task, LOCK_SPIN);
    lock_check_release(&lock_class_signal);
    expect(1, "releases a lock that this thread does not hold: \"signal\"");
}

static void deep(void)
{
    for (u32 i = 0; i < 40; i++) // beyond what is recorded
        lock_check_acquire(&lock_class_node, LOCK_SPIN | LOCK_NESTED);
    for (u32 i = 0; i < 40; i++)
        lock_check_release(&lock_class_node);
    expect(0, "");
    if (lock_check_held() != 0)
        abort();
}

static void sleeping(void)
{
    might_sleep_check();
    expect(0, "");
    preempt_disable();
    might_sleep_check();
    expect(1, "BUG: sleeps where it must not: preempt_count 1, interrupts on");
    preempt_enable();
    arch_irq_disable();
    might_sleep_check();
    expect(2, "interrupts off");
}

static void log_locks(void)
{
    lock_check_acquire(&lock_class_uart, LOCK_SPIN);
    lock_check_acquire(&lock_class_log, LOCK_SPIN);
    expect(1, "the log's own locks"); // straight to the early console
}

#define CASE(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        assert_true(host_isolated(name));                                                          \
    }
CASE(growing_order)
CASE(wrong_order)
CASE(same_class)
CASE(interrupts)
CASE(wrong_release)
CASE(deep)
CASE(sleeping)
CASE(log_locks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_order), cmocka_unit_test(test_wrong_order),
        cmocka_unit_test(test_same_class),    cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_wrong_release), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_sleeping),      cmocka_unit_test(test_log_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
