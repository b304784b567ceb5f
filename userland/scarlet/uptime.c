// uptime: since when the machine runs, how many tasks, how busy.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    struct scarlet_system_info s;
    no_words(argc, argv);
    (void)scarlet_call_system_info(&s);
    u64 t = s.uptime_ns / 1000000000;
    out("up %lu days %02lu:%02lu:%02lu, %u tasks, %u processors, load", t / 86400, t / 3600 % 24,
        t / 60 % 60, t % 60, s.tasks, s.online);
    for (int i = 0; i < 3; i++)
        out(" %lu.%02lu", s.load[i] >> 11, (s.load[i] & 2047) * 100 / 2048);
    out("\n");
    return 0;
}
