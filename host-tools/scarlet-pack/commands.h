// The subcommands: each takes its own words (argv[0] is its name) and returns an exit status. help:
// prints its help instead.
#pragma once

struct command {
    const char *name, *usage, *summary;
    int (*run)(int argc, char **argv);
};

int command_build(int argc, char **argv);
int command_list(int argc, char **argv);
int command_extract(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_diff(int argc, char **argv);
int command_add(int argc, char **argv);
int command_probe(int argc, char **argv);

extern const struct command commands[]; // ends with a NULL name

extern const struct command *command_current; // set by main

struct option_rule;
// Parses options; prints help and sets *done where that was asked. False: a usage failure.
bool command_options(int *argc, char **argv, const struct option_rule *rules, bool *done);
