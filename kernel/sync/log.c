// The kernel log: a ring of variable-length records, usable from the first C instruction on (no
// allocation, no set-up).
//
// Ring and cursors are guarded by `lock` (class log, always with interrupts off). Positions are
// byte counts since boot; a record never straddles the end of the ring, the gap before it is
// padding. Echoing runs outside that lock: whoever adds a record tries to become the one echoer and
// prints everything up to the newest; who fails knows that the echoer will see its record.
#include "log_internal.h"
#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/time.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sync/lock_order.h>

enum {
    RING_SIZE = 128 * 1024,
    PADDING = 0xffff,
    FORMAT_MAX = 2048,
    STAMP_MAX = 48,
    PANIC_LOCK_SPINS = 1'000'000
};

struct record_head {
    u64 time_ns;
    u16 len; // PADDING: nothing until the end of the ring
    u8 level;
    u8 unused[5];
};
static_assert(sizeof(struct record_head) == 16);

static struct spinlock lock = SPINLOCK_INIT(&lock_class_log);
// --- guarded by lock ---
alignas(16) static u8 ring[RING_SIZE];
static u64 first_pos, next_pos, first_seq, next_seq;
static u64 cursor_pos, cursor_seq; // where some record starts: makes reading in order cheap
static char format_buf[FORMAT_MAX];
// --- guarded by being the echoer ---
static u64 echo_seq;
static char echo_buf[STAMP_MAX + LOG_RECORD_MAX + 2]; // stamp, text, line end
// --- atomics ---
static _Atomic bool echoing;
static _Atomic u32 console_level = 7;
static void (*_Atomic console_write)(const char *, usize);
static void (*_Atomic wake_hook)(void);
static _Atomic bool wake_pending;
static _Atomic bool in_panic;

static irqflags_t log_lock(void)
{
    if (LIKELY(!atomic_load_explicit(&in_panic, memory_order_relaxed)))
        return spin_lock_irqsave(&lock);
    irqflags_t f = arch_irq_save();
    for (u32 i = 0; !spin_trylock(&lock); i++)
        if (i == PANIC_LOCK_SPINS) // its holder was halted: nobody else is left
            spin_init(&lock, &lock_class_log);
    return f;
}

static void log_unlock(irqflags_t f)
{
    spin_unlock_irqrestore(&lock, f);
}

static struct record_head *head_at(u64 pos)
{
    return (struct record_head *)(void *)&ring[pos % RING_SIZE];
}

static u64 room_to_end(u64 pos)
{
    return RING_SIZE - pos % RING_SIZE;
}

// Start of the first real record at or after pos.
static u64 skip_padding(u64 pos)
{
    while (pos < next_pos &&
           (room_to_end(pos) < sizeof(struct record_head) || head_at(pos)->len == PADDING))
        pos += room_to_end(pos);
    return pos;
}

static u64 record_size(usize len)
{
    return ALIGN_UP(sizeof(struct record_head) + len, 16);
}

static void drop_oldest(void)
{
    first_pos = skip_padding(first_pos);
    first_pos = skip_padding(first_pos + record_size(head_at(first_pos)->len));
    first_seq++;
    if (cursor_seq < first_seq) {
        cursor_seq = first_seq;
        cursor_pos = first_pos;
    }
}

static void add_record(enum log_level level, const char *text, usize len, u64 now)
{
    u64 need = record_size(len);
    u64 pad = room_to_end(next_pos) < need ? room_to_end(next_pos) : 0;
    while (first_seq < next_seq && next_pos + pad + need - first_pos > RING_SIZE)
        drop_oldest();
    if (pad >= sizeof(struct record_head))
        head_at(next_pos)->len = PADDING;
    next_pos += pad;
    *head_at(next_pos) = (struct record_head){.time_ns = now, .len = (u16)len, .level = (u8)level};
    memcpy(head_at(next_pos) + 1, text, len);
    if (first_seq == next_seq)
        first_pos = next_pos;
    next_pos += need;
    next_seq++;
}

static void add_lines(enum log_level level, const char *text, usize len)
{
    u64 now = arch_time_ns();
    if (len && text[len - 1] == '\n')
        len--;
    for (;;) {
        usize n = 0;
        while (n < len && n < LOG_RECORD_MAX && text[n] != '\n')
            n++;
        add_record(level, text, n, now);
        if (n < len && text[n] == '\n')
            n++;
        if (n >= len)
            return;
        text += n;
        len -= n;
    }
}

// Position of record seq, which is in the ring.
static u64 find(u64 seq)
{
    u64 at = first_seq, pos = first_pos;
    if (cursor_seq >= first_seq && cursor_seq <= seq && cursor_seq > at) {
        at = cursor_seq;
        pos = cursor_pos;
    }
    pos = skip_padding(pos);
    for (; at < seq; at++)
        pos = skip_padding(pos + record_size(head_at(pos)->len));
    cursor_seq = seq;
    cursor_pos = pos;
    return pos;
}

usize log_read(u64 *seq, struct log_record *rec, char *buf, usize cap)
{
    irqflags_t f = log_lock();
    if (*seq < first_seq)
        *seq = first_seq;
    *rec = (struct log_record){.seq = UINT64_MAX};
    usize n = 0;
    if (*seq < next_seq) {
        const struct record_head *h = head_at(find(*seq));
        *rec = (struct log_record){
            .seq = *seq, .time_ns = h->time_ns, .level = h->level, .len = h->len};
        n = MIN((usize)h->len, cap);
        memcpy(buf, h + 1, n);
    }
    log_unlock(f);
    return n;
}

u64 log_next_seq(void)
{
    irqflags_t f = log_lock();
    u64 n = next_seq;
    log_unlock(f);
    return n;
}

u64 log_first_seq(void)
{
    irqflags_t f = log_lock();
    u64 n = first_seq;
    log_unlock(f);
    return n;
}

static void write_out(const char *s, usize n)
{
    void (*write)(const char *, usize) = atomic_load(&console_write);
    if (write && !atomic_load_explicit(&in_panic, memory_order_relaxed))
        write(s, n);
    else
        arch_early_write(s, n);
}

static void echo_record(const struct log_record *rec, usize len, bool stamp, bool level)
{
    // echo_buf holds the text behind room for the stamp.
    char head[STAMP_MAX];
    int n = 0;
    if (level)
        n = ksnprintf(head, sizeof(head), "<%u>", rec->level);
    if (stamp)
        n += ksnprintf(head + n, sizeof(head) - (usize)n, "[%5lu.%06lu] ",
                       (unsigned long)(rec->time_ns / NS_PER_SEC),
                       (unsigned long)(rec->time_ns % NS_PER_SEC / 1000));
    char *start = echo_buf + sizeof(head) - n;
    memcpy(start, head, (usize)n);
    char *end = echo_buf + sizeof(head) + len;
    *end++ = '\r';
    *end++ = '\n';
    write_out(start, (usize)(end - start));
}

static usize read_for_echo(u64 *seq, struct log_record *rec)
{
    return log_read(seq, rec, echo_buf + STAMP_MAX, LOG_RECORD_MAX);
}

static void echo(void)
{
    // Somebody adding a record after our last look but before `echoing` is clear again relies on
    // the second look.
    while (!atomic_exchange(&echoing, true)) {
        preempt_disable();
        bool panicking = atomic_load_explicit(&in_panic, memory_order_relaxed);
        for (;;) {
            struct log_record rec;
            usize n = read_for_echo(&echo_seq, &rec);
            if (rec.seq != echo_seq)
                break;
            if (panicking || (rec.level & LOG_LEVEL_MASK) <
                                 atomic_load_explicit(&console_level, memory_order_relaxed))
                echo_record(&rec, n, !panicking, false);
            echo_seq++;
        }
        u64 done = echo_seq;
        preempt_enable_no_resched();
        atomic_store(&echoing, false);
        if (done == log_next_seq())
            return;
    }
}

void log_flush_wake(void)
{
    void (*wake)(void) = atomic_load_explicit(&wake_hook, memory_order_relaxed);
    if (atomic_load_explicit(&wake_pending, memory_order_relaxed) && wake &&
        atomic_exchange(&wake_pending, false))
        wake();
}

void log_vadd(enum log_level level, const char *fmt, __builtin_va_list args)
{
    irqflags_t f = log_lock();
    int n = kvsnprintf(format_buf, sizeof(format_buf), fmt, args);
    usize len = n < 0 ? 0 : (usize)n;
    if (len >= sizeof(format_buf)) {
        usize cut = len - (sizeof(format_buf) - 1);
        len = sizeof(format_buf) - 1;
        add_lines(level, format_buf, len);
        n = ksnprintf(format_buf, sizeof(format_buf), "(%lu more bytes of this message do not fit)",
                      (unsigned long)cut);
        len = (usize)n;
    }
    add_lines(level, format_buf, len);
    log_unlock(f);
    echo();
    if (atomic_load_explicit(&in_panic, memory_order_relaxed))
        return;
    atomic_store_explicit(&wake_pending, true, memory_order_relaxed);
    if (!in_atomic())
        log_flush_wake();
}

void klog(enum log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vadd(level, fmt, args);
    va_end(args);
}

void log_set_console(void (*write)(const char *, usize))
{
    atomic_store(&console_write, write);
}

void log_set_console_level(u32 level)
{
    atomic_store(&console_level, MIN(level, 8u));
}

u32 log_console_level(void)
{
    return atomic_load(&console_level);
}

void log_set_wake(void (*wake)(void))
{
    atomic_store(&wake_hook, wake);
}

// The others are halted wherever they were: nothing orders what they did last.
[[clang::no_sanitize("thread")]] void log_enter_panic(void)
{
    atomic_store(&in_panic, true);
    // Whoever held it is halted, or is this very CPU.
    lock = (struct spinlock)SPINLOCK_INIT(&lock_class_log);
    atomic_store(&echoing, false);
    echo_seq = log_next_seq();
    // The text must start on a line of its own, whatever was being printed.
    arch_early_write("\r\n", 2);
}

void log_dump_tail(u64 before, u32 count)
{
    u64 first = log_first_seq();
    u64 seq = before > first + count ? before - count : first;
    for (; seq < before; seq++) {
        struct log_record rec;
        u64 at = seq;
        usize n = read_for_echo(&at, &rec);
        if (rec.seq == seq)
            echo_record(&rec, n, true, true);
    }
}
