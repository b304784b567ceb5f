// What a build tells: sizes by package and manifest, what alignment cost, what was found.
#pragma once
#include "checks.h"
#include "newc_write.h"

struct build_report {
    const char *image;
    uint64_t written;
    const struct plan *plan;
    const struct layout *layout;
    const struct checks *checks;
    enum compression compression;
    bool shared; // equal files were made hard links
};
void report_count(struct plan *p); // fills the origins' sums
void report_text(const struct build_report *r);
void report_json(const struct build_report *r);
