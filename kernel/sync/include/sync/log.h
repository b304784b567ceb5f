// The kernel log: a ring of records with levels, readable by /dev/kmsg and syslog, echoed to the console. Also panics and assertions.
#pragma once
#include <lib/types.h>

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

// Adds one record. Any context (also with locks held; takes only the log lock). Long lines are split, never cut silently.
void klog(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Console hook: where echoed records go once a driver is up; until then arch_early_write. level above console_level is not echoed.
void log_set_console(void (*write)(const char *, usize));
void log_set_console_level(u32 level);
u32 log_console_level(void);

// Reading: sequence numbers grow by one per record. Copies record `seq` (or the oldest still kept if it is gone: *seq is updated)
// as text without newline; returns its length, 0 if there is none yet. Fills level and time.
struct log_record {
    u64 seq, time_ns;
    u32 level;
    usize len;
};
usize log_read(u64 *seq, struct log_record *rec, char *buf, usize cap);
u64 log_next_seq(void);
void log_set_wake(void (*wake)(void)); // called (any context) after a record was added

// Stops everything: prints the message, registers, symbolised backtrace, halts other CPUs; then powers off or halts per "panic=" word.
[[noreturn]] void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);
[[noreturn]] void panic_frame(const struct trapframe *tf, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define kassert(x)                                                                                 \
    ((x) ? (void)0 : panic("assertion failed: %s at %s:%d", #x, __FILE__, __LINE__))
#ifdef CONFIG_DEBUG
#define kdebug_assert(x) kassert(x)
#else
#define kdebug_assert(x) ((void)0)
#endif

// Looks an address up in the kernel's symbol table: name and offset, or NULL.
const char *ksym_lookup(u64 addr, u64 *offset);
