// The lock checker. Owns, per thread, the stack of lock classes held (arch_thread.held_locks, own
// thread with interrupts off) and, per class, how it was used so far (atomics). Relies on nothing
// but the log.
//
// An interrupt handler's locks are only compared with each other: the interrupted thread's locks
// are of another chain, and the rule about interrupts is the one that keeps the two apart. So each
// record carries a mark for "taken in an interrupt".
#include <arch/console.h>
#include <lib/string.h>
#include <sync/lock_order.h>
#include <sync/log.h>

enum { USED_IN_IRQ = 1, USED_IRQS_ON = 2, IRQ_REPORTED = 4, MAX_REPORTS = 20 };
static const uintptr_t IN_IRQ_MARK = 1;

static _Atomic u8 usage[LOCK_ORDER_MAX];
static _Atomic u32 reports;
static _Atomic bool reporting;

u32 lock_check_reports(void)
{
    return atomic_load_explicit(&reports, memory_order_relaxed);
}

// Only one complaint at a time, and no checks of the locks that the complaint itself takes.
static bool report_begin(void)
{
    if (atomic_load_explicit(&reports, memory_order_relaxed) >= MAX_REPORTS ||
        atomic_exchange(&reporting, true))
        return false;
    atomic_fetch_add_explicit(&reports, 1, memory_order_relaxed);
    return true;
}

static void report_end(void)
{
    arch_backtrace(0);
    atomic_store(&reporting, false);
}

static bool is_log_lock(const struct lock_class *cls)
{
    return cls == &lock_class_log || cls == &lock_class_console || cls == &lock_class_uart;
}

static void report_pair(const char *what, const struct lock_class *cls,
                        const struct lock_class *other)
{
    if (!report_begin())
        return;
    if (is_log_lock(cls) || is_log_lock(other)) { // the log may be unusable right here
        static const char text[] = "\r\nlock order: trouble around the log's own locks\r\n";
        arch_early_write(text, sizeof(text) - 1);
        atomic_store(&reporting, false);
        return;
    }
    klog(LOG_ERR, "lock order: %s \"%s\" (%u)%s%s%s", what, cls->name, cls->order,
         other ? " while holding \"" : "", other ? other->name : "", other ? "\"" : "");
    report_end();
}

static const struct lock_class *entry_class(const void *entry)
{
    return (const struct lock_class *)((uintptr_t)entry & ~IN_IRQ_MARK);
}

// How many of the held locks the record has; deeper ones are only counted.
static u32 named(const struct arch_thread *at)
{
    return MIN(at->held_count, (u32)ARRAY_LEN(at->held_locks));
}

static void check_order(const struct arch_thread *at, const struct lock_class *cls, u32 how)
{
    uintptr_t mark = in_irq() ? IN_IRQ_MARK : 0;
    for (u32 i = named(at); i-- > 0;) {
        if (((uintptr_t)at->held_locks[i] & IN_IRQ_MARK) != mark)
            continue;
        const struct lock_class *held = entry_class(at->held_locks[i]);
        if (held->order > cls->order || (held->order == cls->order && !(how & LOCK_NESTED))) {
            report_pair("takes", cls, held);
            return;
        }
    }
}

static void check_irq_use(const struct lock_class *cls, bool irqs_on)
{
    u8 use = in_irq() ? USED_IN_IRQ : irqs_on ? USED_IRQS_ON : 0;
    u8 old = atomic_load_explicit(&usage[cls->order], memory_order_relaxed);
    if ((old & use) != use)
        old = atomic_fetch_or(&usage[cls->order], use);
    u8 both = USED_IN_IRQ | USED_IRQS_ON;
    if (((old | use) & (both | IRQ_REPORTED)) != both)
        return;
    if (!(atomic_fetch_or(&usage[cls->order], IRQ_REPORTED) & IRQ_REPORTED))
        report_pair(use == USED_IN_IRQ
                        ? "an interrupt takes a lock that was held with interrupts on:"
                        : "held with interrupts on, but interrupts take it:",
                    cls, NULL);
}

static void acquire(const struct lock_class *cls, u32 how, irqflags_t f)
{
    struct arch_thread *at = current_arch();
    if (!atomic_load_explicit(&reporting, memory_order_relaxed)) {
        if (!(how & LOCK_TRY))
            check_order(at, cls, how);
        if (how & LOCK_SPIN)
            check_irq_use(cls, f != 0);
    }
    // Deeper than the record is possible only after complaints; those locks are counted, not named.
    if (at->held_count < ARRAY_LEN(at->held_locks))
        at->held_locks[at->held_count] =
            (const void *)((uintptr_t)cls | (in_irq() ? IN_IRQ_MARK : 0));
    at->held_count++;
}

void lock_check_acquire(const struct lock_class *cls, u32 how)
{
    if (!cls)
        return;
    irqflags_t f = arch_irq_save();
    acquire(cls, how, f);
    arch_irq_restore(f);
}

void lock_check_release(const struct lock_class *cls)
{
    if (!cls)
        return;
    irqflags_t f = arch_irq_save();
    struct arch_thread *at = current_arch();
    u32 n = named(at);
    bool unnamed = at->held_count > n;
    u32 i = n;
    while (i > 0 && entry_class(at->held_locks[i - 1]) != cls)
        i--;
    if (i > 0 && !unnamed) {
        memmove(&at->held_locks[i - 1], &at->held_locks[i], (n - i) * sizeof(at->held_locks[0]));
        at->held_count--;
    } else if (unnamed) {
        at->held_count--;
    } else if (!atomic_load_explicit(&reporting, memory_order_relaxed)) {
        report_pair("releases a lock that this thread does not hold:", cls, NULL);
    }
    arch_irq_restore(f);
}

u32 lock_check_held(void)
{
    return current_arch()->held_count;
}

#if CONFIG_DEBUG
void spin_check_before(struct spinlock *l, u32 how)
{
    if (atomic_load_explicit(&l->holder, memory_order_relaxed) == current_arch() &&
        !(how & LOCK_TRY))
        panic("BUG: spinlock \"%s\" taken twice by one thread", l->cls ? l->cls->name : "?");
    lock_check_acquire(l->cls, how);
}

void spin_check_after(struct spinlock *l)
{
    atomic_store_explicit(&l->holder, current_arch(), memory_order_relaxed);
}

void spin_check_release(struct spinlock *l)
{
    if (atomic_load_explicit(&l->holder, memory_order_relaxed) != current_arch())
        panic("BUG: spinlock \"%s\" released by a thread that does not hold it",
              l->cls ? l->cls->name : "?");
    atomic_store_explicit(&l->holder, NULL, memory_order_relaxed);
    lock_check_release(l->cls);
}

bool spin_check_held(const struct spinlock *l)
{
    return atomic_load_explicit(&l->holder, memory_order_relaxed) == current_arch();
}
#endif

void might_sleep_check(void)
{
    if (!in_atomic() || atomic_load_explicit(&reporting, memory_order_relaxed) || !report_begin())
        return;
    const struct arch_thread *at = current_arch();
    u32 n = named(at);
    klog(LOG_ERR,
         "BUG: sleeps where it must not: preempt_count %u, interrupts %s, innermost lock \"%s\"",
         at->preempt_count, arch_irqs_enabled() ? "on" : "off",
         n ? entry_class(at->held_locks[n - 1])->name : "none");
    report_end();
}
