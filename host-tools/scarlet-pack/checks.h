// What packing complains about, by class; each class is an error, a warning or not looked at, as
// the user says.
#pragma once
#include "plan.h"
#include <stdio.h>

enum check_class {
    CHECK_UNKNOWN_BINARY,
    CHECK_DAMAGED_BINARY,
    CHECK_WRONG_MACHINE,
    CHECK_ABI_MISMATCH,
    CHECK_MISSING_INTERPRETER,
    CHECK_MISSING_LIBRARY,
    CHECK_DANGLING_LINK,
    CHECK_LONG_NAME,
    CHECK_NO_MATCH,
    CHECK_CONFLICT,
    CHECK_CLASSES
};
enum severity { SEVERITY_IGNORE, SEVERITY_WARNING, SEVERITY_ERROR };

struct finding {
    enum check_class class;
    enum severity severity;
    char *text;
};
struct checks {
    enum severity level[CHECK_CLASSES];
    struct finding *found;
    size_t count, errors, warnings;
    bool silent;      // collects, prints nothing
    uint32_t machine; // ELF machine that the image is for
    // Counted by checks_plan.
    uint64_t programs, libraries, scripts;
};

void checks_start(struct checks *c, uint32_t machine);
const char *check_name(enum check_class class);
// "class" or "all" gets this severity. False: no such class.
bool checks_set(struct checks *c, const char *name, enum severity level);
void checks_help(void);
// Records and prints one finding, as its class says.
void check_found(struct checks *c, enum check_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Probes every binary of a finished plan with the kernel's own detection, looks for interpreters
// and libraries, follows links. False: a file could not be read (failure); findings are in c.
bool checks_plan(struct checks *c, const struct plan *p);

// Called for each regular file that something was found out about (probe subcommand); may be NULL.
struct probe_result {
    const char *abi, *why;
    int score; // 0: nobody's
    const char *kind;
    uint32_t machine;
    const char *interpreter;
    char **needed;
    size_t needed_count;
};
typedef void probe_report(void *context, const struct item *i, const struct probe_result *r);
bool checks_probe(struct checks *c, const struct plan *p, probe_report *report, void *context);

// Numbers of ELF machines by the names people use. 0: unknown.
uint32_t machine_number(const char *name);
const char *machine_name(uint32_t machine); // NULL: unknown
