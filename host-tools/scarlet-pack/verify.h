// What verification finds out, apart from how it is told: the fuzzer uses it too.
#pragma once
#include "source.h"

struct verify_finding {
    bool error;
    char *text;
};
struct verify_result {
    struct verify_finding *found; // the first thousand
    size_t count;
    uint64_t errors, warnings, entries, files, bytes, unaligned;
    unsigned archives, indexes;
};
// Reads the whole image. False: it is damaged (failure with the place); the result holds what was
// found before.
bool verify_source(struct source *s, struct verify_result *out);
void verify_free(struct verify_result *r);
