// Environments: which view the programs of each ABI get. An environment is shared by a family of
// tasks (fork shares it); the executor takes a view out of it when a task changes its ABI, and
// composes it when it is first needed. docs/views.md tells it from outside.
#pragma once
#include <task/abi.h>
#include <vfs/view.h>

struct environment;

// The environment of the current task (borrowed); tasks that were given none share the first one.
struct environment *environment_current(void);
// A new environment over base (its own reference is taken): where /system, /data and /home are
// found. sealed: no view can be added later.
[[nodiscard]] int environment_create(struct view *base, struct environment **out);
void environment_seal(struct environment *e);
void environment_get(struct environment *e);
void environment_put(struct environment *e); // NULL allowed; may sleep
// Gives the current task another environment (consumes the reference). It matters from its next
// change of ABI on.
void environment_set_current(struct environment *e);
// Puts a view (own reference taken) into the slot of an ABI. -E_EXIST, -E_PERM (sealed), -E_NOMEM.
[[nodiscard]] int environment_add(struct environment *e, const struct abi_module *abi,
                                  struct view *v);
// The view of an ABI in e, counted: composed now if it was not. An ABI without a directory
// /system/NAME lives in the base tree: then *out is the base view. -E_PERM (sealed, and no slot),
// -E_NOMEM, errors of the file systems (the kernel's log names the directory).
[[nodiscard]] int environment_view(struct environment *e, const struct abi_module *abi,
                                   struct view **out);
struct view *environment_base(struct environment *e); // borrowed
// The tree over which the current task may put environments together: its environment's base; its
// own view if that was changed since (chroot). Borrowed.
struct view *environment_reachable_base(void);

// By name ("linux-MACHINE") or by the part before the dash ("linux"). NULL: not in this kernel.
const struct abi_module *abi_find(const char *name, usize len);
// Length of the short name: "linux".
usize abi_short_length(const struct abi_module *abi);
// Its program directories, separated by ':'.
const char *abi_bin_path(const struct abi_module *abi);

// How a place that the view `from` (of from_abi, which may be NULL) shows is called in the view
// `to`: text with NUL in buf. -E_NOENT: `to` does not show it; -E_NAMETOOLONG.
[[nodiscard]] int environment_translate(struct environment *e, struct view *from,
                                        const struct abi_module *from_abi, struct view *to,
                                        const struct abi_module *to_abi, const struct path *place,
                                        char *buf, usize cap);
// Opens the file system of generated names and the root environment; from kernel/init, when there
// is a root.
void exec_init(void);
