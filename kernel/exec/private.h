// Private to the exec room.
#pragma once
#include <exec/environment.h>
#include <exec/exec.h>
#include <vfs/path.h>

// --- open.c ---
// Is the opened file one that may be executed? Fills attr. -E_ACCES.
[[nodiscard]] int exec_check_file(struct object *file, struct attr *attr);
// exec_open with names beginning in v (NULL: current's view).
[[nodiscard]] int exec_open_in(struct view *v, const char *path, struct object **out,
                               struct attr *attr);

// Nobody may write to the program from now on. -E_TXTBSY: somebody may already (the caller does
// nothing more). Dropped by exec_release_file, which also gives the file back.
[[nodiscard]] int exec_hold_file(struct exec_build *b);
void exec_release_file(struct exec_build *b);

// --- environment.c ---
// A name in a view, seen from its root; counted place.
[[nodiscard]] int view_lookup(struct view *v, const char *name, u32 flags, struct path *out);

// The view of an ABI (counted) if e has composed it. False: not yet.
bool environment_composed(struct environment *e, const struct abi_module *abi, struct view **out);

// --- registry.c ---
struct registry;
struct registry_line {
    u32 number; // in the file
    struct runtime_line line;
};
// 1: *line (valid until registry_done) names a runtime for the file that b->head begins; 0: none;
// -E_NOMEM.
[[nodiscard]] int registry_find(const struct exec_build *b, const char *path, struct registry **r,
                                const struct registry_line **line);
void registry_done(struct registry *r);

// --- chain.c ---
struct piece;
struct exec_chain {
    struct piece *argv; // what stands before the caller's own arguments
    u32 skip;           // how many of the caller's arguments that replaces
    u32 scripts, runtimes;
    struct node *seen[8]; // programs that asked for a runtime; counted
    struct view *view;    // in which b->file was named; counted, NULL: the caller's
    const struct abi_module *view_abi;
    const char *name;   // how it was named there; the caller's text, or of a piece
    const char *wanted; // ABI asked for, or NULL
    char wanted_text[32];
    struct arg_block block; // the finished argv
    bool finished;
};
// From the opened file to the program that runs it: scripts, runtimes, detection. Sets b->file,
// attr, head, elf, abi.
[[nodiscard]] int exec_resolve(struct exec_build *b, struct exec_chain *c,
                               const struct exec_request *r, u8 *head);
// Builds argv for the view that b->view says; sets b->argv.
[[nodiscard]] int exec_finish_argv(struct exec_build *b, struct exec_chain *c);
void exec_chain_free(struct exec_chain *c);

// --- world.c ---
// Decides whether the program gets another view, and prepares that: b->view, its working directory,
// b->envp.
[[nodiscard]] int exec_prepare_world(struct exec_build *b, struct arg_block *envp);
// Has the current task left the views of its environment (chroot, a mount namespace of its own)?
// Then it stays where it is, whatever it runs.
bool exec_in_own_world(void);
// Which ABI's tree a place lies in: by the base tree's /system/NAME and /data/config/NAME; NULL:
// none's.
const struct abi_module *exec_tree_of(const struct path *p);

// --- variables.c ---
// The environment of b->envp as the other ABI's programs are to see it, in `out`.
[[nodiscard]] int exec_convert_variables(const struct exec_build *b, bool from_composed,
                                         bool to_composed, struct arg_block *out);

// --- fail.c: errors on purpose ---
// Each step before the commit point asks; the boot word exec.fail=N makes the N-th one fail for
// programs called "faulty".
enum exec_step {
    STEP_HEAD = 1,
    STEP_DETECT,
    STEP_VIEW,
    STEP_ARGUMENTS,
    STEP_CREDENTIALS,
    STEP_SPACE,
    STEP_LOAD,
    STEP_LOADED,
    STEP_THREADS
};
extern u32 exec_fail_step;
void exec_fail_init(void);
int exec_step_failed(const struct exec_build *b);
[[nodiscard]] static inline int exec_step(const struct exec_build *b, enum exec_step s)
{
    return UNLIKELY(exec_fail_step == s) ? exec_step_failed(b) : 0;
}
