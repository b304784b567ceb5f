// One file's result: what it is, what it needs, whether it would run; as text and as JSON.
#pragma once
#include "describe.h"
#include "json.h"
#include "options.h"
#include "program.h"
#include "runtime.h"
#include "tables.h"

enum verdict {
    VERDICT_RUNS,
    VERDICT_LIKELY,
    VERDICT_NOT,
    VERDICT_FOREIGN,
    VERDICT_NO_PROGRAM,
    VERDICT_DAMAGED,
    VERDICT_UNREADABLE,
    VERDICTS
};
const char *verdict_text(enum verdict v);

struct settings {
    struct options load;
    const char *host_root; // as given, NULL: none
    u16 machine;           // of the kernel
    bool identify;         // no coverage
    bool explain, all, json;
    struct runtimes runtimes;   // of the root
    struct option_list allowed; // calls that --check does without
};

struct result {
    char *path, *name; // on the host; as reported
    int error;         // errno: could not be read
    struct file file;
    struct description d;
    struct unit *unit;       // ELF files that were followed
    struct program *program; // NULL: not followed
    const struct tables *tables;
    char *interpreter;                  // of a script: where it was found, NULL: nowhere
    const struct runtime_line *runtime; // who runs it instead of an ABI, NULL: nobody
    char *runtime_path;                 // that program on the host, NULL: it is missing
    enum verdict verdict;
    u32 count[LEVELS], unresolved, lacking; // lacking: calls that are not there and not allowed
};

// Looks at one file. path is the host's, name what reports call it.
void result_make(const struct settings *s, const char *path, const char *name, struct result *r);
void result_free(struct result *r);
void result_text(const struct settings *s, const struct result *r, FILE *to);
void result_json(const struct settings *s, const struct result *r, struct json *j, const char *key);
void result_explain(const struct settings *s, const struct result *r, FILE *to);

// Everything below the paths, in parallel. Returns the exit status.
int tree_probe(const struct settings *s, char **paths, int n, int jobs, bool check, bool quiet);
// Holds an strace log against the tables of the kernel's machine.
int trace_check(const struct settings *s, const char *path, FILE *to);
// The host path that an argument means: below the root if it exists there. Allocated; NULL with a
// failure.
char *argument_path(const struct settings *s, const char *argument, char **name);
