// abi-probe: what a binary is, who can run it, and what would happen. The command line.
#include "fail.h"
#include "report.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef TOOL_VERSION
#define TOOL_VERSION "unversioned"
#endif

static u16 machine_number(const char *name)
{
    static const struct {
        const char *name;
        u16 machine;
    } known[] = {{"riscv64", ELF_MACHINE_RISCV},
                 {"x86-64", ELF_MACHINE_X86_64},
                 {"x86_64", ELF_MACHINE_X86_64},
                 {"aarch64", ELF_MACHINE_AARCH64}};
    for (usize i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].machine;
    return 0;
}

static char *default_cache(void)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (base && *base == '/')
        return need_text("%s/scarlet/abi-probe", base);
    return home && *home == '/' ? need_text("%s/.cache/scarlet/abi-probe", home) : NULL;
}

static int each_file(const struct settings *s, char **paths, int n, bool check)
{
    int status = EXIT_GOOD;
    struct json j;
    if (s->json) {
        json_start(&j, stdout);
        json_object(&j, NULL);
        json_array(&j, "files");
    }
    for (int i = 0; i < n; i++) {
        char *name, *path = argument_path(s, paths[i], &name);
        if (!path) {
            status = report_failure();
            continue;
        }
        struct result r;
        result_make(s, path, name, &r);
        if (s->json)
            result_json(s, &r, &j, NULL);
        else if (!r.error)
            result_text(s, &r, stdout);
        if (r.error) {
            complain("%s: %s", paths[i], strerror(r.error));
            status = EXIT_SYSTEM;
        } else if (r.verdict == VERDICT_DAMAGED && status == EXIT_GOOD)
            status = EXIT_INPUT;
        else if (check && r.lacking && status == EXIT_GOOD)
            status = EXIT_FOUND;
        result_free(&r);
        free(name);
        free(path);
    }
    if (s->json) {
        json_close_array(&j);
        json_close_object(&j);
        json_finish(&j);
    }
    return status;
}

static void help(const struct option_rule *rules)
{
    puts("Usage: abi-probe [OPTION]... FILE...\n"
         "       abi-probe --root DIR -r [PATH]...\n"
         "       abi-probe --trace LOG\n"
         "What is this binary, which ABI runs it, which system calls can it make, and does Scarlet "
         "have them?\n");
    options_help(rules);
    puts("\nExit status: 0 done; 1 --check or --trace found something lacking; 2 wrong usage; 3 a "
         "file is damaged;\n"
         "4 a file cannot be read, or the system refused something.");
}

int main(int argc, char **argv)
{
    program_name = "abi-probe";
    struct settings s = {.machine = ELF_MACHINE_RISCV};
    const char *tables = NULL, *trace = NULL, *cache = NULL, *machine = NULL;
    struct option_list plugins = {0};
    bool recursive = false, check = false, no_cache = false, version = false, want_help = false,
         quiet = false;
    long long jobs = sysconf(_SC_NPROCESSORS_ONLN);
    const struct option_rule rules[] = {
        {"root", 0, OPTION_TEXT, &s.host_root, "DIR",
         "where libraries, interpreters and PATHs are looked up", 0, 0},
        {"recursive", 'r', OPTION_FLAG, &recursive, NULL,
         "look at everything below the PATHs; print a summary", 0, 0},
        {"check", 0, OPTION_FLAG, &check, NULL,
         "exit with 1 if anything needs a call that is not there, or cannot be loaded", 0, 0},
        {"allow", 0, OPTION_LIST, &s.allowed, "CALL", "--check does without this call", 0, 0},
        {"explain", 'e', OPTION_FLAG, &s.explain, NULL,
         "print the evidence: scores, call sites, how they are reached", 0, 0},
        {"all", 'a', OPTION_FLAG, &s.all, NULL, "list the calls that are fully there as well", 0,
         0},
        {"json", 0, OPTION_FLAG, &s.json, NULL, "print JSON", 0, 0},
        {"trace", 0, OPTION_TEXT, &trace, "LOG",
         "hold an strace log (strace -f -o LOG) against the tables", 0, 0},
        {"plugin", 0, OPTION_LIST, &plugins, "PATH",
         "library, or folder of libraries, that the program opens at run time", 0, 0},
        {"identify", 'i', OPTION_FLAG, &s.identify, NULL, "only say what the files are", 0, 0},
        {"no-libraries", 0, OPTION_FLAG, &s.load.no_libraries, NULL,
         "do not look for libraries: only the file's own code", 0, 0},
        {"machine", 0, OPTION_TEXT, &machine, "NAME",
         "machine of the kernel: riscv64 (default), x86-64, aarch64", 0, 0},
        {"tables", 0, OPTION_TEXT, &tables, "DIR",
         "use ABI_support.json and ABI_decode.json from DIR (linux, xv6, scarlet)", 0, 0},
        {"cache", 0, OPTION_TEXT, &cache, "DIR",
         "keep analyses in DIR (default: ~/.cache/scarlet/abi-probe)", 0, 0},
        {"no-cache", 0, OPTION_FLAG, &no_cache, NULL, "keep nothing", 0, 0},
        {"jobs", 'j', OPTION_NUMBER, &jobs, "N",
         "work on N files at a time (default: one per processor)", 1, 256},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no progress bar", 0, 0},
        {"help", 'h', OPTION_FLAG, &want_help, NULL, "print this page", 0, 0},
        {"version", 0, OPTION_FLAG, &version, NULL, "print the version", 0, 0},
        {0},
    };
    if (!options_parse(&argc, argv, rules))
        return report_failure();
    if (want_help) {
        help(rules);
        return EXIT_GOOD;
    }
    if (version) {
        printf("abi-probe %s\n", TOOL_VERSION);
        return EXIT_GOOD;
    }
    if (machine && !(s.machine = machine_number(machine))) {
        complain("--machine: %s is none of riscv64, x86-64, aarch64", machine);
        return EXIT_USAGE;
    }
    if (tables && !tables_load(tables))
        return report_failure();
    char *root = s.host_root ? realpath(s.host_root, NULL) : need_copy("");
    if (!root) {
        failed_errno("%s", s.host_root);
        return report_failure();
    }
    if (strcmp(root, "/") == 0)
        root[0] = 0;
    char *own_cache = no_cache || cache ? NULL : default_cache();
    s.load.root = root;
    if (s.host_root)
        runtimes_read(root, &s.runtimes);
    s.load.cache = no_cache ? NULL : cache ? cache : own_cache;
    s.load.plugins = plugins.at;
    s.load.plugin_n = plugins.count;
    int status;
    if (trace)
        status = argc > 1 ? (complain("--trace takes no files beside the log"), EXIT_USAGE)
                          : trace_check(&s, trace, stdout);
    else if (recursive) {
        static char slash[] = "/", *whole[] = {slash};
        status = argc > 1      ? tree_probe(&s, argv + 1, argc - 1, (int)jobs, check, quiet)
                 : s.host_root ? tree_probe(&s, whole, 1, (int)jobs, check, quiet)
                               : (complain("-r needs a path, or --root"), EXIT_USAGE);
    } else if (argc < 2) {
        complain("no file given; abi-probe --help tells more");
        status = EXIT_USAGE;
    } else
        status = each_file(&s, argv + 1, argc - 1, check);
    tables_unload();
    runtimes_free(&s.runtimes);
    free(root);
    free(own_cache);
    free(plugins.at);
    free(s.allowed.at);
    if (fflush(stdout) || ferror(stdout)) {
        complain("standard output cannot be written");
        return EXIT_SYSTEM;
    }
    return status;
}
