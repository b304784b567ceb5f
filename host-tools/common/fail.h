// How the host tools fail: exit statuses, one last failure per thread, messages on standard error,
// memory that is there or ends the program. Guarded by nothing: each thread has its own last
// failure; messages are one write each.
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// Exit statuses of every host tool; the manual pages list them.
enum {
    EXIT_GOOD = 0,
    EXIT_FOUND =
        1, // the program worked; what it looked at is not right (differences, failed checks)
    EXIT_USAGE = 2,  // wrong options or arguments
    EXIT_INPUT = 3,  // an input file is damaged or says something that makes no sense
    EXIT_SYSTEM = 4, // the machine refused: missing file or program, no room, no network
};

extern const char *program_name; // set once, by main

// Records why something failed and returns false. A tool reports the failure where it gives up.
bool failed(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
// As failed(EXIT_SYSTEM), with ": " and the text of errno behind it.
bool failed_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Puts "text: " in front of the last failure. Returns false.
bool failed_in(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The last failure of this thread.
const char *failure_text(void);
int failure_status(void);

// "program: text" on standard error, whole lines only, above a progress bar.
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Prints the last failure; returns its status.
int report_failure(void);

// Memory; the program ends with EXIT_SYSTEM when there is none.
void *need(size_t bytes); // zeroed
void *need_again(void *old, size_t bytes);
char *need_copy(const char *text);
char *need_copy_n(const char *text, size_t n);
char *need_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
