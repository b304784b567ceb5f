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
void clock_calibrate(void); // some time after clock_start: host_clock
[[nodiscard]] bool try_thread(void *(*fn)(void *), void *arg); // with all signals blocked
void start_thread(void *(*fn)(void *), void *arg);             // or dies
void external_interrupt(struct hosted_cpu *cpu);
void note_limits(void);    // for machine_tree
void wait_if_ending(void); // for ever, where another thread ends this process
void describe_init(void);  // for host_cpu_describe
// Signals: the first thing of all; what was found (bit n-1 for number n); then a descriptor that
// becomes readable when there are some for the program, and taking them from it.
struct inherited_signals {
    u64 ignored, blocked;
};
void signals_note(void);
const struct inherited_signals *signals_inherited(void);
int signals_open(bool program); // without one they end this process
void signals_take(int fd);
void streams_init(bool program, bool console); // console: the standard ones are it
void streams_start(void);
struct host_job;
i32 file_for_job(const struct host_job *j); // a descriptor, or a negative errno
i64 file_do_job(const struct host_job *j);
struct stat;
struct host_attr;
void describe_stat(const struct stat *st, struct host_attr *out);
void trace_init(enum arch_trace kind, const char *file); // file NULL: standard error
void console_init(bool program);
bool console_plain(void);
void console_restore(void);
// What a key means to a console that is a raw terminal: control-A is the prefix of x (the end), d
// (detach, where that is possible) and a (control-A itself).
// The control character that begins a word to us (x: end, d: leave, a: the character itself). By
// default control-A, and none where a program is run on this terminal.
enum { ESCAPE_NONE = -1, ESCAPE_DEFAULT = -2 };
void console_escape(i32 key);
enum console_key { KEY_NOTHING, KEY_BYTE /* in *out */, KEY_END, KEY_DETACH };
enum console_key console_key(bool *prefix, u8 c, u8 *out);
u64 console_room(void);                     // bytes that can be typed
void console_typed(const u8 *bytes, u64 n); // waits while there is no room
bool console_input_waits(void);             // the kernel has not taken it yet
void console_tell(void);                    // that there may be something
enum { STATUS_LEFT = 204 };                 // control-A x
// The console as a socket (socket.c). Opening it: errors end this process, and what returns is a
// child of its own session. Then what is printed and the size, where there is such a console, and
// the end: of the program, told to the terminal that is attached.
void socket_open(const char *path);
bool socket_is_console(void);
bool socket_takes_output(void);
void socket_serve(void);
void socket_print(const char *s, u64 n);
bool socket_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel);
void socket_end(bool killed, i32 number);
struct sockaddr_un;
bool socket_address(const char *path, struct sockaddr_un *a); // false: too long
[[noreturn]] void attach_run(const char *path);               // attach.c
void request(enum arch_request what);                         // signals.c
void spaces_end_all(void);
void space_init(void);
extern const struct hosted_transport ptrace_transport, trap_transport;
// Whether this host can do it; else the reason.
const char *trap_init(void);

struct machine { // what the device tree says of it
    u64 mem_start, mem_len, initrd, initrd_len;
    const char *cmdline;
    const char *host_root; // NULL: a boot image
    const char *abi;       // NULL: whoever takes the program
    char **argv, **envp;   // argv NULL: no program
    const char **binds;    // threes: of the host, in the root, "rw" or "ro"; NULL-ended
};
u64 machine_tree(void *at, u64 cap, const struct machine *m);
