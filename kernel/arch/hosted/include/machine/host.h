// What the host gives the kernel side, in plain types. Implemented with the C library in host/.
// Interrupts off, unless it says "any".
#pragma once
#include <lib/types.h>

struct hosted_cpu;

enum : u64 {
    HOST_STUB = 0x7fff'0000'0000ul, // in guest processes: a page of code, then a page of parameters
};

// --- memory ---
// Maps a page of the memory file at va / takes pages away again. 0 or a negative host errno.
i32 host_map_page(u64 va, u64 offset);
void host_unmap(u64 va, u64 len);
i32 host_memory_fd(void);
void *host_zalloc(u64 size); // NULL: none
void host_free(void *p);

// --- CPUs ---
u32 host_cpu_count(void);
// arch_cpu_describe. Any
u64 host_cpu_describe(u32 cpu, char *buf, u64 cap);
// Starts a host thread with its %gs set that calls entry(cpu). 0 or a negative host errno.
i32 host_cpu_start(struct hosted_cpu *cpu, void (*entry)(struct hosted_cpu *));
void host_cpu_adopt(struct hosted_cpu *cpu);            // the calling thread becomes this CPU
void host_cpu_signal(struct hosted_cpu *cpu);           // it looks at `pending`. Any
void host_cpu_wait(struct hosted_cpu *cpu);             // until something is pending
void host_timer_arm(struct hosted_cpu *cpu, u64 in_ns); // UINT64_MAX: never
void hosted_signal(void); // kernel side: called in signal handlers of CPU threads

// --- clock, randomness, power, console ---
u64 host_time_ns(void); // monotonic, since start. Any
// The processor's counter in nanoseconds since start: (counter - base) * mult >> shift. mult 0: it
// is not to be relied on. Constant once CPUs run.
struct host_clock {
    u64 base, mult;
    u32 shift;
};
extern struct host_clock host_clock;
u64 host_realtime_ns(void);
u64 host_random(void);
void host_suspend(void);         // arch/firmware.h
void host_program_started(void); // arch/firmware.h
[[noreturn]] void host_exit(i32 status);
[[noreturn]] void host_exit_killed(i32 number); // as a process that this signal ended
void host_console_write(const char *s, u64 n);  // any
u64 host_console_read(void *buf, u64 n);        // what has come in
bool host_console_size(u16 *rows, u16 *cols, u16 *xpixel, u16 *ypixel);
u32 host_requests_take(void); // arch/firmware.h. Any
u32 host_trace_kind(void);    // enum arch_trace. Any
void host_trace_write(const char *line, u64 n);

// --- inherited descriptors: as arch/stream.h, errors are the host's negative errnos ---
struct host_attr;
u32 host_stream_count(void);              // any
i32 host_stream_kind(u32 n, u32 *access); // any
i64 host_stream_name(u32 n, char *buf, u64 cap);
i64 host_stream_attr(u32 n, struct host_attr *out);
i64 host_stream_read(u32 n, void *buf, u64 len, const u64 *pos);
i64 host_stream_write(u32 n, const void *buf, u64 len, const u64 *pos);
i64 host_stream_seek(u32 n, i64 off, u32 whence);
i64 host_stream_truncate(u32 n, u64 size);
i64 host_stream_sync(u32 n);
u32 host_stream_ready(u32 n, u32 wanted);

// --- files: as arch/hostfile.h, errors are the host's negative errnos ---
i64 host_file_root(const char *path, struct host_attr *out);
i64 host_file_stream(u32 n, struct host_attr *out);
i64 host_file_lookup(i64 dir, const char *name, struct host_attr *out);
void host_file_close(i64 handle);
i64 host_file_attr(i64 handle, struct host_attr *out);
i64 host_file_probe(i64 dir, const char *name, struct host_attr *out);
i64 host_file_open(i64 file, u32 access);
void host_file_shut(i64 file);
i64 host_file_read(i64 file, u64 pos, void *buf, u64 n);
i64 host_file_write(i64 file, u64 pos, const void *buf, u64 n);
i64 host_file_truncate(i64 file, u64 size);
i64 host_file_allocate(i64 file, u32 mode, u64 off, u64 len);
struct host_job;
void host_job_start(struct host_job *job);
i64 host_file_make(i64 dir, const char *name, u32 mode, const char *link, struct host_attr *out);
i64 host_file_link(i64 dir, const char *name, i64 file);
i64 host_file_unlink(i64 dir, const char *name, bool directory);
i64 host_file_rename(i64 dir, const char *name, i64 to_dir, const char *to_name, u32 flags);
struct host_change;
i64 host_file_change(i64 handle, const struct host_change *c);
i64 host_file_xattr_get(i64 handle, const char *name, void *buf, u64 cap);
i64 host_file_xattr_set(i64 handle, const char *name, const void *val, u64 len, u32 flags);
i64 host_file_xattr_list(i64 handle, char *buf, u64 cap);
i64 host_file_xattr_remove(i64 handle, const char *name);
struct host_statfs;
i64 host_file_statfs(i64 handle, struct host_statfs *out);
struct host_lock;
i64 host_file_lock(i64 file, bool whole, bool writable, const struct host_lock *l);
i64 host_file_lock_query(i64 file, bool writable, struct host_lock *l);
// Raw entries (struct linux_dirent64) from position pos on, as many as fit. Bytes, 0 at the end.
i64 host_file_list(i64 dir, u64 pos, void *buf, u64 n);
i64 host_file_readlink(i64 link, char *buf, u64 cap);
