// ps: all tasks, each with its ABI.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    struct scarlet_task_info t;
    no_words(argc, argv);
    out("%5s %5s %5s %5s %-2s %3s %8s %8s  %-14s %s\n", "TASK", "OF", "GROUP", "USER", "S", "THR",
        "TIME", "KIB", "ABI", "NAME");
    for (i32 from = 1; (from = (i32)scarlet_call_task_list(from, &t)) > 0; from++) {
        u64 cs = (t.user_ns + t.system_ns) / 10000000;
        out("%5d %5d %5d %5u %-2s %3u %5lu.%02lu %8lu  %-14s %s\n", t.task, t.parent, t.group,
            t.user, t.state, t.threads, cs / 100, cs % 100, t.resident / 1024, t.abi, t.name);
    }
    return 0;
}
