// free: memory in KiB.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    struct scarlet_system_info s;
    no_words(argc, argv);
    (void)scarlet_call_system_info(&s);
    out("%10s %10s %10s\n%10lu %10lu %10lu\n", "total", "used", "free", s.memory_total / 1024,
        (s.memory_total - s.memory_free) / 1024, s.memory_free / 1024);
    return 0;
}
