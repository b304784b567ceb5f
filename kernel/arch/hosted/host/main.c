// scarlet-host: the kernel as a Linux process. Reads the command line, lays out memory, and becomes
// CPU 0.
#define _GNU_SOURCE
#include "host.h"
#include <arch/firmware.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <machine/boot.h>
#include <machine/layout.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;
const struct hosted_transport *hosted_transport;

enum : u64 { MEMORY_START = 0x10'0000, TREE_MAX = 4ul << 20, MIB = 1ul << 20 };

static const char usage[] =
    "usage: scarlet-host [options] [-- PROGRAM [ARGUMENT...]]\n"
    "  --root IMAGE|DIR  the tree it sees: a directory (default /), which is only read: changes "
    "are "
    "thrown away at the end; or\n"
    "                    a boot image (cpio)\n"
    "  --bind HOST:GUEST[:ro]  a file or directory of this machine, shown at GUEST; what the "
    "program "
    "changes there is\n"
    "                    changed here, unless with :ro (may be given often; \\: and \\\\ for : and "
    "\\ in "
    "names)\n"
    "  --cpus N          CPUs, 1 to 64 (default 1)\n"
    "  --mem M           memory in MiB (default 512)\n"
    "  --append WORDS    further words of the kernel's command line\n"
    "  --log LEVEL       kernel messages below LEVEL go to the console (default 1)\n"
    "  --console SOCKET  the program's terminal is there, for --attach; it goes on in the "
    "background "
    "once it runs\n"
    "  --attach SOCKET   this terminal becomes that of such a program: control-A d leaves it "
    "running, control-A x ends it,\n"
    "                    control-A a is a control-A. No other options but, before it, --escape\n"
    "  --escape KEY      ^A to ^Z instead of control-A, or none; a PROGRAM on this terminal has "
    "all "
    "keys without it\n"
    "  --trace[=json]    every call with its arguments and result: in the kernel's log as strace "
    "prints them (--log 7),\n"
    "                    or as JSON to standard error, one object a line\n"
    "  --trace-file FILE  into FILE instead\n"
    "  --abi NAME        the ABI that has to take PROGRAM (default: whichever does)\n"
    "  --transport NAME  how calls reach the kernel: ptrace (default) or trap: quicker calls, "
    "slower new "
    "processes, if the host can\n"
    "PROGRAM is looked for in PATH and starts in the working directory, with this process's user, "
    "environment and standard\n"
    "descriptors. Without PROGRAM the image's own /init is started (default root.cpio beside this "
    "program). This process ends\n"
    "as the program does, with its status or by its signal; with 201 after a kernel panic, 204 "
    "after "
    "control-A x,\n"
    "210 for wrong usage.\n";

void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("scarlet-host: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(210);
}

static i32 escape_key(const char *text)
{
    if (!strcmp(text, "none"))
        return ESCAPE_NONE;
    if (text[0] != '^' || !text[1] || text[2] || (text[1] | 0x20) < 'a' || (text[1] | 0x20) > 'z')
        die("--escape %s: ^A to ^Z, or none", text);
    return text[1] & 0x1f;
}

static u64 number(const char *option, const char *text, u64 low, u64 high)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 0);
    if (errno || *end || end == text || v < low || v > high)
        die("%s: not a number from %llu to %llu: %s", option, (unsigned long long)low,
            (unsigned long long)high, text);
    return v;
}

static u64 load_file(const char *path, u64 at, u64 room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        die("%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        die("%s: neither a boot image nor a directory", path);
    if ((u64)st.st_size > room)
        die("%s: larger than the memory (--mem)", path);
    u64 done = 0;
    while (done < (u64)st.st_size) {
        isize n = read(fd, (u8 *)DIRECT_MAP_BASE + at + done, (u64)st.st_size - done);
        if (n <= 0)
            die("%s: %s", path, n ? strerror(errno) : "shorter than it says");
        done += (u64)n;
    }
    close(fd);
    return done;
}

static const char *default_root(void)
{
    static char path[4096];
    isize n = readlink("/proc/self/exe", path, sizeof(path) - 16);
    if (n <= 0)
        die("--root is missing");
    path[n] = 0;
    strcpy(strrchr(path, '/') + 1, "root.cpio");
    return path;
}

static const char **binds; // machine.binds

// HOST:GUEST[:ro], in place; a backslash takes the meaning from what follows.
static void add_bind(char *text)
{
    static u32 count;
    char *whole = strdup(text), *fields[4] = {text}, *to = text;
    int n = 1;
    const char **more = realloc(binds, (3 * count + 4) * sizeof(*binds));
    if (!whole || !more)
        die("--bind %s: %s", text, strerror(errno));
    binds = more;
    for (const char *from = text; *from; from++) {
        if (*from == ':' && n < 4) {
            *to++ = 0;
            fields[n++] = to;
            continue;
        }
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = 0;
    if (n == 1 || n > 3)
        die("--bind %s: not HOST:GUEST or HOST:GUEST:ro", whole);
    if (n == 3 && strcmp(fields[2], "ro") && strcmp(fields[2], "rw"))
        die("--bind %s: after the second colon: ro or rw, not %s", whole, fields[2]);
    if (fields[1][0] != '/')
        die("--bind %s: the place in the root has to begin with a slash: %s", whole, fields[1]);
    struct stat st;
    char *real = realpath(fields[0], NULL);
    if (!real || stat(real, &st))
        die("--bind %s: %s: %s", whole, fields[0], strerror(errno));
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        die("--bind %s: neither a directory nor a regular file: %s", whole, fields[0]);
    binds[3 * count] = real;
    binds[3 * count + 1] = fields[1];
    binds[3 * count + 2] = n == 3 ? fields[2] : "rw";
    binds[3 * ++count] = NULL;
    free(whole);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"root", 1, 0, 'r'},      {"bind", 1, 0, 'b'},    {"cpus", 1, 0, 'c'},
        {"mem", 1, 0, 'm'},       {"append", 1, 0, 'a'},  {"log", 1, 0, 'l'},
        {"trace", 2, 0, 't'},     {"abi", 1, 0, 'A'},     {"trace-file", 1, 0, 'f'},
        {"transport", 1, 0, 'p'}, {"console", 1, 0, 'C'}, {"attach", 1, 0, 'T'},
        {"escape", 1, 0, 'e'},    {"help", 0, 0, 'h'},    {0, 0, 0, 0}};
    const char *root = NULL, *append = "", *level = "1", *abi = NULL, *trace_file = NULL,
               *console = NULL;
    enum arch_trace trace_kind = ARCH_TRACE_LOG;
    u64 cpus = 1, mem = 512;
    bool trace = false;
    int escape_words = 0;
    const struct hosted_transport *transport = NULL;
    for (int o; (o = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
        switch (o) {
        case 'r':
            root = optarg;
            break;
        case 'b':
            add_bind(optarg);
            break;
        case 'c':
            cpus = number("--cpus", optarg, 1, 64);
            break;
        case 'm':
            mem = number("--mem", optarg, 16, 1 << 20);
            break;
        case 'a':
            append = optarg;
            break;
        case 'l':
            level = optarg;
            break;
        case 't':
            trace = true;
            if (optarg && strcmp(optarg, "json") && strcmp(optarg, "text"))
                die("--trace: json or text, not %s", optarg);
            trace_kind = optarg && !strcmp(optarg, "json") ? ARCH_TRACE_JSON : ARCH_TRACE_LOG;
            break;
        case 'f':
            trace_file = optarg;
            break;
        case 'A':
            abi = optarg;
            break;
        case 'p':
            transport = strcmp(optarg, ptrace_transport.name) == 0 ? &ptrace_transport
                        : strcmp(optarg, trap_transport.name) == 0 ? &trap_transport
                                                                   : NULL;
            if (!transport)
                die("--transport: ptrace or trap, not %s", optarg);
            break;
        case 'C':
            console = optarg;
            break;
        case 'e':
            console_escape(escape_key(optarg));
            escape_words = optarg == argv[optind - 1] ? 2 : 1;
            break;
        case 'T':
            if (argc != optind || optind > 3 + escape_words)
                die("--attach %s: takes no other options but --escape before it, and no program",
                    optarg);
            attach_run(optarg);
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 210;
        }
    }
    char *program = optind < argc ? argv[optind] : NULL;
    if (abi && !program)
        die("--abi %s: needs a PROGRAM", abi);
    if (trace_file && !trace)
        die("--trace-file %s: needs --trace", trace_file);
    signals_note();
    note_limits();
    describe_init();
    if (console && !program)
        die("--console %s: needs a PROGRAM", console);
    if (console && trace_kind == ARCH_TRACE_JSON && !trace_file)
        die("--console %s: --trace=json needs --trace-file with it", console);
    streams_init(program != NULL, console != NULL);
    if (console)
        socket_open(console);
    trace_init(trace_kind, trace_file);
    if (!root)
        root = program ? "/" : default_root();
    cpus_init((u32)cpus);
    memory_open(MEMORY_START + mem * MIB);
    char cmdline[2048];
    u64 initrd = MEMORY_START + TREE_MAX;
    struct stat st;
    bool directory = stat(root, &st) == 0 && S_ISDIR(st.st_mode);
    char *real = directory ? realpath(root, NULL) : NULL;
    u64 initrd_len = directory ? 0 : load_file(root, initrd, mem * MIB - TREE_MAX);
    int n = snprintf(cmdline, sizeof(cmdline), "loglevel=%s%s %s", level, trace ? " trace=all" : "",
                     append);
    if (n < 0 || (u64)n >= sizeof(cmdline))
        die("--append: too long");
    if (directory && !program)
        die("--root %s: a directory needs a PROGRAM", root);
    console_init(program != NULL);
    const char *none = NULL;
    const struct machine machine = {.mem_start = MEMORY_START,
                                    .mem_len = mem * MIB,
                                    .initrd = initrd,
                                    .initrd_len = initrd_len,
                                    .cmdline = cmdline,
                                    .host_root = real,
                                    .abi = abi,
                                    .argv = program ? argv + optind : NULL,
                                    .envp = environ,
                                    .binds = binds ? binds : &none};
    machine_tree((u8 *)DIRECT_MAP_BASE + MEMORY_START, TREE_MAX, &machine);
    umask(0); // the program's own is applied by the kernel
    space_init();
    const char *why = transport == &trap_transport ? trap_init() : NULL;
    if (why)
        die("--transport trap: %s", why);
    hosted_transport = transport ? transport : &ptrace_transport;
    streams_start();
    clock_calibrate();
    hosted_boot(MEMORY_START);
}
