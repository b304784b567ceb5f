// libscarlet: what a native program needs. Calls are the generated stubs (scarlet_call_NAME): a
// value >= 0, or minus a status. Everything else here is plain C on top of them. Nothing sets a
// hidden error variable; nothing but `env` and the standard output buffer is global.
#pragma once
#include <scarlet_consts.h>
#include <scarlet_status.h>
#include <scarlet_stubs.h>
#include <scarlet_types.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define FOREVER ((u64)SCARLET_FOREVER)
#define HERE ((int)SCARLET_HERE)

// What main is declared as. The value returned becomes the exit code.
int main(int argc, char **argv);

// --- status.c ---
const char *status_name(long status); // "NOT_FOUND"; status may be negative
const char *status_text(long status); // "not found"

// --- options.c ---
// Single-letter options, grouped or not, "--" ends them: `letters` as "ln:", where ":" means that
// the letter takes an argument. Returns the letter, 0 behind the last (then o->i is the first other
// word). An unknown one ends the program with `usage`. Start: {.i = 1}.
struct options {
    int i;
    const char *at, *arg;
};
int next_option(struct options *o, int argc, char **argv, const char *letters, const char *usage);
i64 number_argument(const char *s); // or ends the program
// For programs without such options: `--help` as the first word shows the usage and ends the
// program (next_option does this by itself); no_words also refuses anything else, with code 2.
void help_asked(int argc, char **argv, const char *usage);
void no_words(int argc, char **argv);

// --- string.c ---
void *memcpy(void *restrict d, const void *restrict s, usize n);
void *memmove(void *d, const void *s, usize n);
void *memset(void *d, int c, usize n);
int memcmp(const void *a, const void *b, usize n);
usize strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, usize n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
const char *base_name(const char *path); // what stands behind the last slash
bool parse_number(const char *s,
                  i64 *out); // the whole string: decimal, 0x, 0 (octal); false: no number
bool match_pattern(const char *pattern, const char *s); // * ? [a-z] [!a] backslash

// --- memory.c ---
// From the task's own mappings. Running out ends the program with a message: programs of this kind
// have nothing better to do.
[[nodiscard]] void *allocate(usize n);            // zeroed
[[nodiscard]] void *reallocate(void *p, usize n); // new bytes are not zeroed
void release(void *p);                            // NULL allowed
[[nodiscard]] char *copy_string(const char *s);
[[nodiscard]] char *copy_part(const char *s, usize n);

// A growing text or array of bytes; always NUL-terminated. Zero-initialise; text_free when done.
struct text {
    char *s;
    usize len, cap;
};
void text_add(struct text *t, const char *s, usize n);
void text_put(struct text *t, const char *s);
void text_char(struct text *t, char c);
void text_format(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *t); // keeps the memory
void text_free(struct text *t);

// A growing list of strings, NULL-terminated.
struct list_of_strings {
    char **v;
    usize n, cap;
};
void strings_add(struct list_of_strings *l, char *s); // takes the string over
void strings_free(struct list_of_strings *l);         // with the strings
void strings_sort(char **v, usize n);

// --- print.c ---
// %s %c %d %i %u %x %X %o %p %% with l, z, width, *, 0, -, .precision for strings.
usize format_args(char *buf, usize cap, const char *fmt, va_list ap); // length it would have
usize format(char *buf, usize cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
// Standard output, buffered; flushed when full, by flush(), and at exit. On a failed write the
// program ends quietly with status 1.
void out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void out_bytes(const void *s, usize n);
void flush(void);
void say(const char *fmt, ...)
    __attribute__((format(printf, 1, 2))); // standard error: "program: text\n"
[[noreturn]] void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void leave(int code); // flushes and ends the task
extern const char *program_name;
extern int say_handle; // where say and die write: standard error, 2

// --- file.c ---
long write_all(int handle, const void *p, usize n); // 0 or minus a status
// Lines from a handle. False at the end. The line has no newline; valid until the next call.
struct reader {
    int handle;
    char *buf;
    usize have, at, cap;
    bool end;
    bool unfinished; // the line came without a newline: the last one
    long error;      // status that ended it, 0
};
bool read_line(struct reader *r, char **line, usize *len);
void reader_free(struct reader *r);
long read_file(const char *path, struct text *out); // whole contents; 0 or minus a status
int open_or_stdin(const char *path);                // "-" or NULL: handle 0. Minus a status

// Directory entries. Zero-initialise with the handle set.
struct directory {
    int handle;
    usize at, have;
    alignas(8) char buf[4096];
    const char *name; // of the last entry
    u64 inode;
    u32 type; // SCARLET_TYPE_*
};
int directory_next(
    struct directory *d); // 1, 0 at the end, minus a status. "." and ".." are left out
char *join_path(const char *dir, const char *name); // allocated
// Removes a tree. 0 or the first status.
long remove_tree(const char *path);
long copy_file(const char *from, const char *to, u32 mode);

// --- env.c ---
extern char **env;                     // NULL-terminated, as given at the start or changed
extern const u64 *auxv;                // pairs key, value
const char *env_get(const char *name); // NULL: not set
void env_set(const char *name, const char *value); // value NULL: removes
u64 auxv_get(u64 key);

// --- run.c ---
char *find_program(const char *name); // looks through PATH; allocated, NULL: not found
struct run {
    const char *path; // NULL: argv[0] through PATH
    char *const *argv;
    const char *abi, *directory;
    const struct scarlet_spawn_handle *handles; // beyond 0, 1, 2
    u32 count;
    int standard[3];       // what 0, 1, 2 shall be; SCARLET_NO_HANDLE: closed
    bool set_standard;     // false: the caller's own
    int view, environment; // 0: the caller's
    u32 flags, group;
};
long run_program(const struct run *r); // handle of the task, or minus a status
int wait_for(int task,
             struct scarlet_task_end *end); // waits and closes the handle; the exit code, 128 +
                                            // signal number of the event
int end_code(const struct scarlet_task_end *end);

// --- thread.c ---
// A thread with a stack of its own. Its number, or minus a status. thread_wait frees the stack.
struct thread {
    int id;
    void *stack;
    usize size;
};
long thread_start(struct thread *t, void (*fn)(void *), void *arg);
long thread_wait(struct thread *t);
// A lock for threads of one task: zero-initialised is unlocked.
struct lock {
    u32 word; // 0 free, 1 taken, 2 taken and somebody sleeps
};
void lock_take(struct lock *l);
void lock_give(struct lock *l);

// --- event.c ---
// Calls fn for the kinds in mask (bit n: SCARLET_EVENT_*, custom kinds from bit 16 on); NULL:
// default actions.
long on_events(u32 mask, void (*fn)(const struct scarlet_task_event *e));

// --- MACHINE/start.S ---
// Makes the call of that number, which need not be one. The code up to raw_call_end works as well
// wherever it is copied to (zones).
long raw_call(long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
extern const char raw_call_end[];
void code_written(void); // instructions were written: before they run

// Names: "INTERRUPT" of this ABI, "INT", "SIGINT" or "2" as POSIX has it. -1: no such event.
int event_by_name(const char *s);
const char *event_name(u32 kind); // of this ABI; NULL behind the last
int event_number(u32 kind);       // POSIX signal number, also in exit codes of shells

// --- time.c ---
// scarlet_call_clock_get, without a call for CLOCK_MONOTONIC and CLOCK_WALL where the machine lets
// programs read its counter.
i64 clock_now(u32 clock);
struct date {
    i64 year;
    u32 month, day, hour, minute, second, weekday; // month and day from 1, weekday 0 Sunday
};
struct date date_of(i64 seconds); // since 1970, UTC
