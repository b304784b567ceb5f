// Private to procfs: descriptions of entries, nodes, texts.
//
// Everything shown is made when it is looked at. A node stands for an entry of a table and
// remembers whom it speaks of by number and birth time, never by reference: a dead task costs
// nothing here.
#pragma once
#include <lib/string.h>
#include <task/abi.h>
#include <task/task.h>
#include <vfs/dentry.h>
#include <vfs/file.h>
#include <vfs/fs.h>
#include <vfs/view.h>

// --- text.c: a growing text. Not shared; a failed allocation is remembered and told at the end ---
struct text {
    char *buf;
    usize len, cap;
    bool failed;
};
void text_free(struct text *t);
void text_put(struct text *t, const char *s, usize n);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Fills with blanks until the line that began at offset `start` is `width` characters long.
void text_pad(struct text *t, usize start, usize width);
// Bytes that stand in `special` come out as \ooo.
void text_escaped(struct text *t, const char *s, usize n, const char *special);
// Set bits as "0-3,5".
void text_ranges(struct text *t, u64 bits);
// A mask of CPUs in hexadecimal, as wide as the machine has CPUs.
void text_cpumask(struct text *t, u64 bits);

// Whom an entry speaks of, with counted references. task NULL: the machine.
struct proc_who {
    struct task *task;
    struct task_thread *thread; // NULL: the whole task
    i32 fd;
};

struct proc_node;
enum proc_flags {
    PROC_LOOK = 1,    // opening needs the right to look inside the task
    PROC_WORKER = 2,  // the text takes locks that come before a file's position: a worker makes it
    PROC_OWNER = 4,   // directory that its task may always enter
    PROC_COUNTED = 8, // its size is the number of handles
    PROC_ADMIN = 16,  // opening needs CAP_SYS_ADMIN
};
// One name in a table. Tables end with a NULL name.
struct proc_entry {
    const char *name;
    u32 mode;  // with type
    u32 flags; // PROC_*
    // --- directories: fixed names, then those that come and go (cookies from PROC_DYNAMIC on) ---
    const struct proc_entry *children;
    int (*lookup)(struct proc_node *dir, const struct pathname *name, struct node **out);
    int (*readdir)(struct proc_node *dir, u64 *cookie, struct dir_sink *sink);
    u32 (*links)(struct proc_node *dir); // directories among them
    // --- files: a text made as a whole, or bytes at a position ---
    int (*show)(struct text *t, const struct proc_who *w);
    i64 (*write)(const struct proc_who *w, const char *s,
                 usize n);       // 0 or an error; s ends with NUL
    const struct file_ops *fops; // instead of both
    // --- symlinks: text, or the place itself as well ---
    i64 (*readlink)(const struct proc_who *w, char *buf, usize cap);
    int (*follow)(const struct proc_who *w, struct path *out);
};
enum : u64 { PROC_DYNAMIC = 256 };
enum : u64 { PROC_ROOT_INO = 1 };

struct proc_node {
    struct node node; // first
    const struct proc_entry *entry;
    u32 pid, tid;                 // 0: none
    u64 task_start, thread_start; // ns: tells bearers of one number apart
    i32 fd;
};
static inline struct proc_node *proc_node(struct node *n)
{
    return (struct proc_node *)(void *)n;
}

// --- node.c ---
// A node for entry e that speaks of the same task, thread and handle as `ids`. -E_NOMEM.
[[nodiscard]] int proc_make(struct superblock *sb, const struct proc_entry *e,
                            const struct proc_node *ids, u64 ino, struct node **out);
u64 proc_ino(const struct proc_node *ids, const struct proc_entry *e);

// --- who.c ---
// Finds whom a node speaks of. -E_SRCH: gone.
[[nodiscard]] int who_get(const struct proc_node *n, struct proc_who *w);
void who_put(struct proc_who *w);
// May the caller look inside the task (ptrace(2), "Ptrace access mode checking", read with
// file-system ids)? 0 or -E_ACCES.
[[nodiscard]] int who_may_look(const struct proc_who *w);
// The task's address space, counted (not as a user), or NULL.
struct aspace *who_space(const struct proc_who *w);
// The thread that speaks for w: itself, or the first of the task; counted, NULL if it has ended.
struct task_thread *who_thread(const struct proc_who *w);

// --- file.c ---
extern const struct file_ops proc_text_fops;

// --- anon.c ---
// A place for what a handle is open on, so that links lead to it; opened, it gives no more rights.
[[nodiscard]] int proc_object_path(const struct href *h, struct path *out);

// --- what the tables name ---
extern const struct proc_entry proc_root_entry, proc_task_entry, proc_thread_entry,
    proc_sys_entries[];
extern const struct proc_entry proc_fd_link, proc_fdinfo_file;
extern const struct file_ops proc_mem_fops, proc_environ_fops, proc_cmdline_fops, proc_kmsg_fops;

int proc_fd_lookup(struct proc_node *dir, const struct pathname *name, struct node **out);
int proc_fd_readdir(struct proc_node *dir, u64 *cookie, struct dir_sink *sink);
int proc_root_lookup(struct proc_node *dir, const struct pathname *name, struct node **out);
int proc_root_readdir(struct proc_node *dir, u64 *cookie, struct dir_sink *sink);
int proc_tasks_lookup(struct proc_node *dir, const struct pathname *name, struct node **out);
int proc_tasks_readdir(struct proc_node *dir, u64 *cookie, struct dir_sink *sink);
// A decimal number without leading zeros, below 2^31.
bool proc_number(const struct pathname *name, u32 *out);
u32 proc_fd_count(const struct proc_who *w);
bool proc_fd_exists(const struct proc_who *w, i32 fd);

int show_stat(struct text *t, const struct proc_who *w);
int show_statm(struct text *t, const struct proc_who *w);
int show_status(struct text *t, const struct proc_who *w);
int show_maps(struct text *t, const struct proc_who *w);
int show_smaps(struct text *t, const struct proc_who *w);
int show_smaps_rollup(struct text *t, const struct proc_who *w);
int show_mounts(struct text *t, const struct proc_who *w);
int show_mountinfo(struct text *t, const struct proc_who *w);
int show_mountstats(struct text *t, const struct proc_who *w);

int show_meminfo(struct text *t, const struct proc_who *w);
int show_vmstat(struct text *t, const struct proc_who *w);
int show_slabinfo(struct text *t, const struct proc_who *w);
int show_cpuinfo(struct text *t, const struct proc_who *w);
int show_machine_stat(struct text *t, const struct proc_who *w);
int show_interrupts(struct text *t, const struct proc_who *w);
int show_uptime(struct text *t, const struct proc_who *w);
int show_loadavg(struct text *t, const struct proc_who *w);

// --- state.c: what several texts say of a task, taken at one moment ---
struct task_state {
    struct task_thread *thread; // counted, may be NULL
    struct cred *cred;          // counted
    struct aspace *as;          // counted, may be NULL
    const struct abi_module *abi;
    char name[16];
    char state; // the letter
    u32 id, pid, ppid, pgrp, session, threads;
    u32 umask;
    bool has_umask, exiting, did_exec;
    u32 exit_event;
    struct exit_info exit;
    u64 start_ns, sigpending_limit;
    struct usage usage, children;
    struct abi_signal_status signals;
    struct sched_params sched;
    u32 cpu;
    u64 affinity;
};
u32 proc_thread_count(const struct task *t);
void task_state_get(const struct proc_who *w, struct task_state *s);
void task_state_put(struct task_state *s);
static inline u64 ticks_of_ns(u64 ns) // 1/100 s, what programs take for the clock tick
{
    return ns / 10'000'000;
}
static inline u64 pages_of(_Atomic i64 *v)
{
    i64 n = atomic_load_explicit(v, memory_order_relaxed);
    return n > 0 ? (u64)n : 0;
}

// --- forget.c ---
struct proc_instance {
    struct list link;
    struct superblock *sb;
};
[[nodiscard]] int proc_remember_instance(struct superblock *sb);
void proc_forget_instance(struct superblock *sb); // its destroy operation
