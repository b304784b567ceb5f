// One progress bar on standard error, only if that is a terminal. Any thread may add; drawing is at
// most ten times a second.
#pragma once
#include <stdint.h>

enum progress_unit { PROGRESS_BYTES, PROGRESS_ITEMS };

// Begins a bar; total 0 means unknown. quiet: no bar whatever standard error is.
void progress_begin(const char *what, uint64_t total, enum progress_unit unit, bool quiet);
void progress_add(uint64_t amount);
// Removes the bar from the screen; the next progress_add may draw it again.
void progress_hide(void);
void progress_end(void);
