// shutdown [-r|-h]: asks init to end everything and power off (-r restart, -h halt); -f does it at
// once.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    struct options o = {.i = 1};
    u32 kind = SCARLET_SHUTDOWN_POWER_OFF;
    bool force = false;
    int c;
    while ((c = next_option(&o, argc, argv, "rhf", "[-r|-h] [-f]"))) {
        kind = c == 'r' ? SCARLET_SHUTDOWN_RESTART : c == 'h' ? SCARLET_SHUTDOWN_HALT : kind;
        force |= c == 'f';
    }
    // init subscribes to this channel; when nobody hears, the machine is stopped at once.
    long ch = force ? -1 : scarlet_call_event_channel_create("system.shutdown");
    if (ch >= 0 && scarlet_call_publish((int)ch, kind, NULL, 0, 0, 0) > 0)
        return 0;
    long r = scarlet_call_shutdown(kind);
    die("%s", status_text(r));
}
