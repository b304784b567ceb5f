// Images as plans: what stands in them when the last word of each name is taken.
#pragma once
#include "plan.h"

// Loads an image into the plan. contents: files can be read afterwards (spans of the image; what
// was compressed goes into the spool); without, only sizes are known. keep_times false: `time` for
// everything. Indexes and repeated directories leave no trace. False: failure.
bool image_load(struct plan *p, const char *path, bool contents);
// Whether a file begins like an image (cpio, gzip or zstd).
bool image_looks_like(const char *path);
