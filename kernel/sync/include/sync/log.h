// The kernel log: a ring of records with levels, readable by /dev/kmsg and syslog, echoed to the
// console. Also panics and assertions.
#pragma once
#include <lib/types.h>

struct trapframe;

// The level; for records written by user programs also their facility, as syslog(3) numbers it
// (level | facility << 3).
enum { LOG_LEVEL_MASK = 7, LOG_FACILITY_USER = 8 };
enum log_level {
    LOG_EMERG,
    LOG_ALERT,
    LOG_CRIT,
    LOG_ERR,
    LOG_WARN,
    LOG_NOTICE,
    LOG_INFO,
    LOG_DEBUG
};

// Adds one record. Any context (also with locks held; takes only the log lock and, to echo, the
// console driver's). Several lines make several records; long lines are split, never cut silently.
void klog(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Console hook: where echoed records go once a driver is up; until then arch_early_write. Called
// with preemption disabled, one caller at a time, lines end in "\r\n"; may be called from any
// context, so it must not sleep. A panic goes to arch_early_write.
void log_set_console(void (*write)(const char *, usize));
// Records whose level is below console_level are echoed (0: none, 8: all). The default is 7.
void log_set_console_level(u32 level);
u32 log_console_level(void);

// Reading: sequence numbers grow by one per record. Copies record `seq` (or the oldest still kept
// if it is gone: *seq is updated) as text without newline; returns its length (at most cap;
// rec->len is the full one), 0 if there is none yet. Fills level and time. A record may be empty
// text: rec->seq == *seq tells it from none (then rec->seq is UINT64_MAX). Any context.
enum { LOG_RECORD_MAX = 1000 }; // longest record text in bytes
struct log_record {
    u64 seq, time_ns;
    u32 level;
    usize len;
};
usize log_read(u64 *seq, struct log_record *rec, char *buf, usize cap);
u64 log_next_seq(void);
u64 log_first_seq(void); // oldest record still kept
// Wake hook: told after records were added, in a context where threads may be woken; where klog's
// caller is not in one, the next log_flush_wake tells it (the scheduler calls that at its ticks and
// before a CPU idles).
void log_set_wake(void (*wake)(void));
void log_flush_wake(void);

// Stops everything: prints the message, registers, symbolised backtrace, halts other CPUs, shows
// the end of the log; then does what panic_set_action said. Any context.
[[noreturn]] void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);
[[noreturn]] void panic_frame(const struct trapframe *tf, const char *fmt, ...) PRINTF_LIKE(2, 3);
// The machine has nothing left to run, though nothing is wrong with the kernel: prints "stopped: "
// and the message, halts other CPUs, shows the end of the log; then as after a panic. Any context.
[[noreturn]] void machine_stop(const char *fmt, ...) PRINTF_LIKE(1, 2);
// The word "panic=": below 0 the machine resets at once, 0 (default) it stops and stays, above 0 it
// resets after so many seconds.
void panic_set_action(i64 seconds);
// How a panic stops the other CPUs (the scheduler's IPI). Must not wait for locks.
void panic_set_stop(void (*stop_others)(void));
bool panic_in_progress(void);

#define kassert(x)                                                                                 \
    ((x) ? (void)0 : panic("BUG: assertion failed: %s at %s:%d", #x, __FILE__, __LINE__))
#define kdebug_assert(x)                                                                           \
    do {                                                                                           \
        if (CONFIG_DEBUG)                                                                          \
            kassert(x);                                                                            \
    } while (0)

// Looks an address up in the kernel's symbol table: name and offset, or NULL if it is not in the
// kernel's text. Any context; slow.
const char *ksym_lookup(u64 addr, u64 *offset);

// Gives the stack protector's guard a random value. Early in boot, before any second thread exists,
// from a function that never returns.
void stack_protector_seed(u64 random);
