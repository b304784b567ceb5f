// Options that build, add and probe share, and plans from what they name.
#pragma once
#include "checks.h"
#include "common/options.h"
#include "debian.h"
#include "manifest.h"

struct setup {
    struct option_list defines, errors, warnings, ignored;
    const char *cache, *suite, *arch, *lock, *machine;
    bool offline, update, locked, keep_times, quiet, werror;
    struct debian *debian;
    struct checks checks;
    uint32_t time;
};

// Rules for the options above, to be put in front of a command's own; ends without the closing
// rule. count: how many.
enum { SETUP_RULES = 14 };
void setup_rules(struct setup *s, struct option_rule rules[SETUP_RULES]);
// Checks the options' values, reads SOURCE_DATE_EPOCH. False: failure.
bool setup_start(struct setup *s);
// What `path` is: an image, a folder, or else a manifest; loaded into the plan ("-": a manifest on
// standard input).
bool setup_load(struct setup *s, struct plan *p, const char *path);
// Writes the lock listing.
bool setup_finish(struct setup *s);
