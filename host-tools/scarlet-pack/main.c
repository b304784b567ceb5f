// scarlet-pack: boot images from manifests. Chooses the subcommand.
#include "commands.h"
#include "common/fail.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

#ifndef TOOL_VERSION
#define TOOL_VERSION "unversioned"
#endif

const struct command commands[] = {
    {"build", "build [OPTION]... MANIFEST -o IMAGE", "make an image from a manifest",
     command_build},
    {"list", "list [OPTION]... IMAGE [NAME]...", "what stands in an image", command_list},
    {"extract", "extract [OPTION]... IMAGE -C FOLDER [PATTERN]...",
     "put an image's files into a folder, and nowhere else", command_extract},
    {"verify", "verify [OPTION]... IMAGE...", "check structure, index and checksums",
     command_verify},
    {"diff", "diff [OPTION]... IMAGE IMAGE", "what differs between two images", command_diff},
    {"add", "add [OPTION]... IMAGE ADDITION... [-o IMAGE]",
     "append images, folders or manifests to an image", command_add},
    {"probe", "probe [OPTION]... IMAGE|MANIFEST",
     "look at every program: its ABI, interpreter and libraries", command_probe},
    {0},
};

static void help(void)
{
    printf("usage: scarlet-pack COMMAND ...\n\nBoot images (cpio newc) from manifests, and "
           "everything about them.\n\n");
    for (const struct command *c = commands; c->name; c++)
        printf("  %-9s %s\n", c->name, c->summary);
    printf(
        "\nscarlet-pack COMMAND --help tells a command's options. Manual page: scarlet-pack(1).\n"
        "Exit status: 0 good, 1 differences or failed checks, 2 wrong usage, 3 damaged input, 4 "
        "the machine refused.\n");
}

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0"; // a plan lives as long as the process
}

int main(int argc, char **argv)
{
    program_name = "scarlet-pack";
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        complain("which command? (scarlet-pack --help lists them)");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return help(), EXIT_GOOD;
    if (strcmp(argv[1], "--version") == 0)
        return printf("scarlet-pack %s\n", TOOL_VERSION), EXIT_GOOD;
    for (command_current = commands; command_current->name; command_current++)
        if (strcmp(command_current->name, argv[1]) == 0)
            return command_current->run(argc - 1, argv + 1);
    complain("unknown command %s (scarlet-pack --help lists them)", argv[1]);
    return EXIT_USAGE;
}
