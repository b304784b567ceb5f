// The shell: text -> tree (parse.c) -> fields (expand.c) -> programs (exec.c).
#pragma once
#include <scarlet/scarlet.h>

// --- the tree ---
enum node_kind {
    N_COMMAND,
    N_PIPE,
    N_AND,
    N_OR,
    N_SEQUENCE,
    N_BACKGROUND,
    N_NOT,
    N_SUBSHELL,
    N_GROUP,
    N_IF,
    N_WHILE,
    N_UNTIL,
    N_FOR,
    N_CASE,
    N_FUNCTION
};
enum redirect_kind { R_READ, R_WRITE, R_APPEND, R_READ_WRITE, R_COPY, R_HERE };
struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int slot;
    char *word;                 // name, handle number or "-" (R_COPY); text (R_HERE)
    bool literal;               // R_HERE: nothing in it is expanded
    bool force;                 // R_WRITE: also over what is there
    struct redirect *next_here; // while parsing: its text follows too
};
struct case_item {
    struct case_item *next;
    struct list_of_strings patterns;
    struct node *body;
};
struct node {
    enum node_kind kind;
    struct list_of_strings words;   // command, for: raw words
    struct list_of_strings assigns; // command: raw NAME=word
    struct redirect *redirects;
    struct node *left, *right, *other; // other: else part
    char *name;                        // for: variable; case: word; function: name
    bool has_list;                     // for: "in" was given
    struct case_item *cases;
};

// --- parse.c ---
// Parses the next complete line of commands and moves *text behind it. Result: 1 complete (tree may
// be NULL: nothing there), 0 more input is needed, -1 an error (said already).
int parse_next(const char **text, struct node **out);

// --- variables (vars.c) ---
const char *var_get(const char *name);
void var_set(const char *name, const char *value); // value NULL removes
void var_export(const char *name);
bool var_is_name(const char *s, usize n);
void vars_show(bool exported_only);
struct scope; // what `local` and functions save
void scope_enter(void);
void scope_leave(void);
void scope_local(const char *name);
extern char **params; // $1.. , NULL-terminated
extern int nparams;
extern const char *shell_name; // $0
extern int shell_task;         // $$
extern int last_status, last_background;
[[nodiscard]] bool var_assign(const char *name, const char *value); // false: readonly, said
void var_readonly(const char *name);

// --- expand.c ---
bool expand_words(
    const struct list_of_strings *raw,
    struct list_of_strings *out);  // splitting and matching of names; false: an error was said
char *expand_one(const char *raw); // no splitting, no matching; NULL: error
char *
expand_pattern(const char *raw); // as expand_one, but quoted special characters keep a backslash
char *expand_here(const char *text); // only $ and backquotes
bool arithmetic(const char *s, i64 *out);

// --- exec.c ---
struct io {
    int h[10]; // handles behind the slots 0..9; -1: closed
};
int run_tree(struct node *n, struct io *io);
// The handles that expansions read and write, and that the shell's own complaints go to, from now
// on; answers those before. io must live until they are exchanged again.
const struct io *use_io(const struct io *io);
int run_text(const char *text, struct io *io);
enum run_what { RUN_ANY, RUN_NO_FUNCTION, RUN_PROGRAM };
int run_words(struct list_of_strings *argv, struct io *io, enum run_what what);
char *capture(const char *command); // output without final newlines
extern bool interactive;
extern bool exit_on_error, no_unset, trace_commands, no_match, no_clobber; // set -e -u -x -f -C
extern int breaking, continuing;                                           // loops still to leave
extern bool returning;
struct node *function_find(const char *name);
void function_set(const char *name, struct node *body);
int call_program(struct list_of_strings *argv,
                 struct io *io); // exec builtin's heart: does not return on success

// --- jobs.c ---
struct job {
    struct job *next;
    int number, group;
    int *tasks, ntasks, left;
    int last; // number of the last part, once it has ended
    bool stopped;
    int status;
    char *text;
};
void jobs_init(void);
void jobs_end(void); // the shell leaves: the terminal goes back to the group that it came from
struct job *job_new(const char *text);
void job_add(struct job *j, int task);
int job_wait(struct job *j);     // foreground: waits until it ends or stops; status
void jobs_reap(bool tell);       // what ended meanwhile
int job_group(const char *name); // "%1": its group, 0: no such job
int jobs_builtin(struct list_of_strings *argv, struct io *io);
void terminal_to(int group);
extern int shell_group, terminal; // terminal: handle, -1 none

// --- builtin.c ---
typedef int (*builtin_fn)(struct list_of_strings *argv, struct io *io);
builtin_fn builtin_find(const char *name);
const char *builtin_name(usize i); // NULL behind the last
void io_print(struct io *io, int slot, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool shell_option(const char *word); // -eux, +C: false: unknown, said
int test_builtin(struct list_of_strings *argv, struct io *io);

// --- trap.c ---
int trap_builtin(struct list_of_strings *argv, struct io *io);
void traps_run(void); // actions of what came in meanwhile
bool traps_waiting(void);
void traps_forget(void);                  // in a copy of the shell
[[noreturn]] void shell_exit(int status); // with the action for EXIT
u32 traps_hold(void);   // from now on events with actions, and CHILD, wait; answers the old mask
long traps_wait(void);  // for one of them
int traps_status(void); // 128 + number of what came in, for `wait`

// --- more.c ---
int printf_builtin(struct list_of_strings *argv, struct io *io);
int getopts_builtin(struct list_of_strings *argv, struct io *io);
int read_builtin(struct list_of_strings *argv, struct io *io);

// --- limits.c ---
int limit_builtin(struct list_of_strings *argv, struct io *io);

// --- edit.c ---
char *edit_line(const char *prompt);      // NULL at the end of input
extern bool edit_given_up;                // ^C ended the last line
void edit_insert(const char *s, usize n); // at the cursor
void history_add(const char *line);
void history_load(void);
void history_show(struct io *io);

// --- complete.c ---
void complete(const char *line, usize cursor); // inserts what is certain, or shows what there is
