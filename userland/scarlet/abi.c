// abi: the ABIs of this kernel. abi probe file: what each says of it, and why (-t: for programs,
// one line for each file and ABI, fields separated by tabs). abi run NAME program args: runs it
// under that ABI.
#include <scarlet/scarlet.h>

static int list(void)
{
    struct scarlet_abi_info a;
    out("%-16s %5s %5s\n", "ABI", "ORDER", "TASKS");
    for (u32 i = 0; scarlet_call_abi_list(i, &a) == 0; i++)
        out("%-16s %5u %5u\n", a.name, a.order, a.tasks);
    return 0;
}

// 0: some ABI takes it, 1: none, 2: it cannot be asked.
static int probe(const char *path, bool table)
{
    struct scarlet_abi_opinion o;
    bool any = false;
    long r;
    for (u32 i = 0; (r = scarlet_call_abi_probe(path, i, &o)) == 0; i++) {
        if (table)
            out("%s\t%s\t%d\t%s\t%s\n", path, o.name, o.score, o.chosen ? "chosen" : "-", o.why);
        else
            out("%s%-16s %3d  %s\n", o.chosen ? "* " : "  ", o.name, o.score, o.why);
        any |= o.chosen;
    }
    if (r == -SCARLET_OUT_OF_RANGE)
        return !any;
    say("%s: %s", path, status_text(r));
    return 2;
}

static int probe_all(char **paths, bool table)
{
    int status = 0;
    bool many = paths[1];
    for (; *paths; paths++) {
        if (many && !table)
            out("%s:\n", *paths);
        int s = probe(*paths, table);
        status = s > status ? s : status;
    }
    return status;
}

int main(int argc, char **argv)
{
    help_asked(argc, argv, "[probe [-t] files | run NAME program args]");
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "list") == 0))
        return list();
    if (argc >= 3 && strcmp(argv[1], "probe") == 0) {
        bool table = strcmp(argv[2], "-t") == 0;
        if (argc > 2 + table)
            return probe_all(argv + 2 + table, table);
    }
    if (argc >= 4 && strcmp(argv[1], "run") == 0) {
        char *path = find_program(argv[3]);
        long r =
            path ? scarlet_call_execve_abi(path, argv + 3, env, 0, argv[2]) : -SCARLET_NOT_FOUND;
        say("%s: %s", argv[3], status_text(r));
        return 127;
    }
    say("usage: abi [list | probe [-t] file... | run NAME program args]");
    return 2;
}
