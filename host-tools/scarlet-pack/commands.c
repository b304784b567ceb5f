// What all subcommands share: options and help.
#include "commands.h"
#include "common/options.h"
#include <stdio.h>
#include <string.h>

const struct command *command_current;

bool command_options(int *argc, char **argv, const struct option_rule *rules, bool *done)
{
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            printf("usage: scarlet-pack %s\n\nOptions:\n", command_current->usage);
            options_help(rules);
            return *done = true;
        }
    return options_parse(argc, argv, rules);
}
