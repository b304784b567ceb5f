// The transparent executor: every exec of every ABI goes through exec_run. A new program is built
// aside; until the commit point nothing of the caller has changed, behind it nothing fails.
#pragma once
#include <arch/context.h>
#include <exec/probe.h>
#include <object/attr.h>
#include <task/abi.h>

// A list of strings (argv or envp), one behind the other with their NULs, in page-sized pieces.
struct arg_block {
    u8 **pages;
    usize npages, cap;
    usize len;   // bytes used
    u32 count;   // strings
    usize limit; // most bytes allowed
};
void arg_block_init(struct arg_block *b, usize limit);
void arg_block_free(struct arg_block *b);
[[nodiscard]] int arg_push(struct arg_block *b, const char *s); // -E_NOMEM, -E_2BIG
// All strings of a user array of pointers that ends with null (a null array is empty). -E_FAULT,
// -E_2BIG, -E_NOMEM. One string: 128 KiB at most.
[[nodiscard]] int arg_push_user_vector(struct arg_block *b, uaddr_t vec);
// Appends all strings of src but the first `skip`.
[[nodiscard]] int arg_append(struct arg_block *b, const struct arg_block *src, u32 skip);
// Appends the one string of src at off, size bytes with its NUL.
[[nodiscard]] int arg_push_part(struct arg_block *b, const struct arg_block *src, usize off,
                                usize size);
// Copies bytes [off, off+n) into another address space.
[[nodiscard]] int arg_write(const struct arg_block *b, struct aspace *as, u64 addr);
// Length of the string at byte offset off, NUL included.
usize arg_string_size(const struct arg_block *b, usize off);
// Copies the string at byte offset off (cut to cap - 1).
void arg_copy_string(const struct arg_block *b, usize off, char *dst, usize cap);

// A mapped ELF image.
struct elf_image {
    u64 bias; // added to the file's addresses
    u64 entry;
    u64 phdr; // address of the program headers in memory, 0 if not mapped
    u32 phnum;
    u64 low, high; // mapped range
    u64 code_start, code_end, data_start, data_end, brk;
    u32 stack_exec; // the file asks for an executable stack
    char *interp;   // kmalloc'ed path, or NULL
};

struct exec_build {
    // --- what is executed ---
    struct object *file; // the program (behind any script)
    bool held;           // writers are kept from it
    struct attr attr;
    const char *filename; // as given to exec (AT_EXECFN)
    struct arg_block *argv, *envp;
    const u8 *head;
    usize head_len;
    struct elf_summary elf;
    // --- what is built ---
    const struct abi_module *abi;
    struct view *view; // the view it will have; NULL: the caller's. Open what belongs to the
                       // program with exec_open_for
    struct aspace *as;
    struct trapframe frame;
    struct cred *cred; // new credentials, or NULL
    bool rebuild;      // as asked for, or because it is the shell of its ABI by its generated name
    bool secure;       // privileges were gained: the environment is not to be trusted
    void *abi_private;
    char name[16];
};

struct exec_request {
    struct object *file; // already opened for execution (consumed); its path text in `filename`
    const char *filename;
    struct arg_block *argv, *envp;
    const char *abi; // explicit ABI name, or NULL
    bool rebuild;    // take the view and the environment variables of the ABI anew even if it stays
    bool beneath_fd; // the name is relative to a descriptor that scripts cannot reach
};
// 0: current's user frame now starts the new program. Else an error, and nothing has changed.
[[nodiscard]] int exec_run(const struct exec_request *r, struct trapframe *tf);

// Opens a file for execution through current's view: regular, executable, not on a noexec mount.
// Errors as execve(2).
[[nodiscard]] int exec_open(const char *path, struct object **out, struct attr *attr);

// The same for what a program under construction needs (its interpreter): through the view that it
// will have.
[[nodiscard]] int exec_open_for(const struct exec_build *b, const char *path, struct object **out,
                                struct attr *attr);

// For load: b->file is the program that b->as shows; writers are kept from it while a space does.
void exec_set_exe(struct exec_build *b);

// What each ABI thinks of a file, as execution would see it: for programs that show it.
struct exec_score {
    const struct abi_module *abi;
    int score; // 0..100
    char why[PROBE_WHY];
};
// Asks all of them; fills up to cap records. Returns how many ABIs there are; *best is the index of
// the one that would run it, UINT32_MAX: none.
[[nodiscard]] int exec_scores(struct object *file, const char *path, struct exec_score *out,
                              u32 cap, u32 *best);
void exec_probe_input(struct exec_probe *p, struct object *file, const u8 *head, usize len,
                      u64 size, const char *path);
const struct abi_module *exec_detect(const struct exec_probe *p,
                                     const char *wanted);                    // NULL: nobody's
[[nodiscard]] int exec_read_head(struct object *file, u8 *head, usize *len); // head: a page

// The ABI that a file is assigned to, if it is: its text in buf. A file that is assigned runs under
// that ABI or not at all.
bool exec_assigned_abi(struct object *file, char *buf, usize cap);
// Makes attributes of the assignments that the boot image lists. Troubles go to the log. root: the
// image's tree.
void exec_assign_listed(struct view *root);

// Who runs a file instead: from the registry, or from an ABI module's runtime_config.
struct exec_runtime {
    const char *path;        // in the view of `abi`; with abi NULL in the base tree
    const char *abi;         // NULL: whatever the runtime is found to be
    const char *const *args; // before the file's name; NULL-terminated, may be NULL
};

// Maps the segments of b->file or another ELF object into b->as. For position-independent files
// `base` is the wanted load address (0: anywhere). -E_NOEXEC, -E_NOMEM, -E_INVAL, -E_IO. The
// image's `interp` is the caller's to kfree.
[[nodiscard]] int elf_load(struct exec_build *b, struct object *file, u64 base,
                           struct elf_image *out);

// Runs a program in the current (new) task from the kernel: the first one. how may be NULL. Returns
// only on failure.
struct exec_first {
    const char *abi;                  // the name of the one that has to take it; NULL: any
    struct abi_signal_status signals; // what it finds ignored and blocked
    void (*started)(void);            // called when it is about to run
};
[[nodiscard]] int exec_kernel(const char *path, const struct exec_first *how,
                              const char *const *argv, const char *const *envp);
