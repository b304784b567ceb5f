// Files of the host: whole reads and writes, output that appears complete or not at all, unlinked
// temporary files, other programs.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

bool write_all(int fd, const void *data, size_t n); // failure: errno's text, no name
bool read_exactly(int fd, void *data, size_t n,
                  uint64_t offset);              // pread; failure when the file is shorter
ssize_t read_some(int fd, void *data, size_t n); // read, restarted; -1: errno

// Output under a temporary name in the same folder, moved to its place when it is whole.
struct output {
    int fd;
    const char *path; // NULL: standard output
    char *part;       // temporary name
};
bool output_open(struct output *o, const char *path); // "-": standard output
bool output_commit(struct output *o);
void output_abandon(struct output *o);

int temporary_file(void); // unlinked, read and write; -1 with a failure
bool make_directories(const char *path);

// Runs a program (argv[0] looked up in PATH). out: standard output collected (freed by the caller),
// NULL: not collected. to_fd >= 0: standard output goes there. Environment words "NAME=value" in
// env (NULL: none) are added. quiet: the program's standard error is kept and becomes part of the
// failure; else it is shared. False: a failure that names the program and its end.
struct spawn {
    const char *const *argv;
    const char *const *env;
    const char *directory; // to run in, NULL: here
    int to_fd;             // -1: none
    bool quiet;
    const char *input; // given on standard input, NULL: /dev/null
};
bool spawn(const struct spawn *what, char **out);
bool program_exists(const char *name);

// A number of bytes for people: "12.3 MiB". Returns out.
const char *bytes_text(char out[32], uint64_t n);
