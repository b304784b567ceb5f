// Between the files of the host side.
#pragma once
typedef unsigned long irqflags_t;
#include <arch/firmware.h>
#include <machine/cpu.h>
#include <machine/guest.h>
#include <machine/host.h>

[[noreturn, gnu::format(printf, 1, 2)]] void die(const char *fmt, ...); // one line, status 210
enum {
    SIG_CPU = 16 /* SIGSTKFLT: a CPU looks at what is pending */,
    SIG_KICK = 30 /* SIGPWR: stops a guest process */
};

void memory_open(u64 bytes);
extern struct hosted_cpu hosted_cpus[];
void cpus_init(u32 count);
struct timespec;
void clock_start(struct timespec *started);
void clock_calibrate(void);                        // some time after clock_start: host_clock
void start_thread(void *(*fn)(void *), void *arg); // with all signals blocked
void note_limits(void);                            // for machine_tree
// Signals: the first thing of all; what was found (bit n-1 for number n); then a descriptor that
// becomes readable when there are some for the program, and taking them from it.
struct inherited_signals {
    u64 ignored, blocked;
};
void signals_note(void);
const struct inherited_signals *signals_inherited(void);
int signals_open(void);
void signals_take(int fd);
void streams_init(bool program);
void streams_start(void);
struct stat;
struct host_attr;
void describe_stat(const struct stat *st, struct host_attr *out);
void trace_init(enum arch_trace kind, const char *file); // file NULL: standard error
void console_init(bool program);
bool console_plain(void);
void console_restore(void);
void spaces_end_all(void);
void space_init(void);
extern const struct hosted_transport ptrace_transport, trap_transport;
// Whether this host can do it; else the reason.
const char *trap_init(void);
bool trap_pays(void); // are there processors for both sides of a call?

struct machine { // what the device tree says of it
    u64 mem_start, mem_len, initrd, initrd_len;
    const char *cmdline;
    const char *host_root; // NULL: a boot image
    const char *abi;       // NULL: whoever takes the program
    char **argv, **envp;   // argv NULL: no program
    const char **binds;    // threes: of the host, in the root, "rw" or "ro"; NULL-ended
};
u64 machine_tree(void *at, u64 cap, const struct machine *m);
