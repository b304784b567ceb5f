// Command lines from a table: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, flags, and
// `--` ends them. The same table prints the help. Options may stand behind arguments.
#pragma once
#include <stddef.h>

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_LIST };

struct option_list { // every value of an option that may be repeated
    const char **at;
    size_t count;
};

struct option_rule {
    const char *name; // without dashes; NULL ends the table
    char letter;      // 0: none
    enum option_kind kind;
    void *to;          // bool, const char *, long long or struct option_list
    const char *value; // name of the value in the help
    const char *help;
    long long low, high; // of OPTION_NUMBER
};

// Takes the options out of argv[1..]; what remains are the arguments, in *argc and argv (argv[0]
// stays). False: a failure with EXIT_USAGE.
bool options_parse(int *argc, char **argv, const struct option_rule *rules);
// The help lines of a table, on standard output.
void options_help(const struct option_rule *rules);
