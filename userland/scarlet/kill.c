// kill [-EVENT] tasks: sends an event, by name or number of the native kinds; default TERMINATE. A
// negative number is a group.
#include <scarlet/scarlet.h>

static const struct {
    const char *name, *other;
    u32 kind;
} kinds[] = {
    {"TERMINATE", "TERM", SCARLET_EVENT_TERMINATE}, {"KILL", "9", SCARLET_EVENT_KILL},
    {"STOP", "STOP", SCARLET_EVENT_STOP},           {"CONTINUE", "CONT", SCARLET_EVENT_CONTINUE},
    {"INTERRUPT", "INT", SCARLET_EVENT_INTERRUPT},  {"QUIT", "QUIT", SCARLET_EVENT_QUIT},
    {"HANGUP", "HUP", SCARLET_EVENT_HANGUP},        {"ALARM", "ALRM", SCARLET_EVENT_ALARM},
};

static u32 kind_of(const char *s)
{
    for (usize i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(s, kinds[i].name) == 0 || strcmp(s, kinds[i].other) == 0)
            return kinds[i].kind;
    return (u32)number_argument(s);
}

int main(int argc, char **argv)
{
    u32 kind = SCARLET_EVENT_TERMINATE;
    int i = 1, failed = 0;
    if (i < argc && strcmp(argv[i], "-l") == 0) {
        for (usize k = 0; k < ARRAY_LEN(kinds); k++)
            out("%u %s\n", kinds[k].kind, kinds[k].name);
        return 0;
    }
    if (i < argc && argv[i][0] == '-' && argv[i][1] && i + 1 < argc)
        kind = kind_of(argv[i++] + 1);
    if (i == argc)
        die("no task");
    for (; i < argc; i++) {
        long r = scarlet_call_kill((int)number_argument(argv[i]), kind);
        if (r < 0) {
            say("%s: %s", argv[i], status_text(r));
            failed = 1;
        }
    }
    return failed;
}
