// abi: the ABIs of this kernel. abi probe file: what each says of it, and why. abi run NAME program
// args: runs it under that ABI.
#include <scarlet/scarlet.h>

static int list(void)
{
    struct scarlet_abi_info a;
    out("%-16s %5s %5s\n", "ABI", "ORDER", "TASKS");
    for (u32 i = 0; scarlet_call_abi_list(i, &a) == 0; i++)
        out("%-16s %5u %5u\n", a.name, a.order, a.tasks);
    return 0;
}

static int probe(const char *path)
{
    struct scarlet_abi_opinion o;
    bool any = false;
    long r;
    for (u32 i = 0; (r = scarlet_call_abi_probe(path, i, &o)) == 0; i++) {
        out("%s%-16s %3d  %s\n", o.chosen ? "* " : "  ", o.name, o.score, o.why);
        any |= o.chosen;
    }
    if (r != -SCARLET_OUT_OF_RANGE)
        die("%s: %s", path, status_text(r));
    return !any;
}

int main(int argc, char **argv)
{
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "list") == 0))
        return list();
    if (argc == 3 && strcmp(argv[1], "probe") == 0)
        return probe(argv[2]);
    if (argc >= 4 && strcmp(argv[1], "run") == 0) {
        char *path = find_program(argv[3]);
        long r =
            path ? scarlet_call_execve_abi(path, argv + 3, env, 0, argv[2]) : -SCARLET_NOT_FOUND;
        say("%s: %s", argv[3], status_text(r));
        return 127;
    }
    say("usage: abi [list | probe file | run NAME program args]");
    return 2;
}
