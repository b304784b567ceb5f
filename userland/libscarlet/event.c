// Names of events: those of this ABI, and the signal names and numbers that scripts and fingers
// know.
#include "private.h"

static const struct {
    const char *name, *posix;
    int number;
} kinds[] = {
    [SCARLET_EVENT_TERMINATE] = {"TERMINATE", "TERM", 15},
    [SCARLET_EVENT_KILL] = {"KILL", "KILL", 9},
    [SCARLET_EVENT_STOP] = {"STOP", "STOP", 19},
    [SCARLET_EVENT_CONTINUE] = {"CONTINUE", "CONT", 18},
    [SCARLET_EVENT_INTERRUPT] = {"INTERRUPT", "INT", 2},
    [SCARLET_EVENT_QUIT] = {"QUIT", "QUIT", 3},
    [SCARLET_EVENT_HANGUP] = {"HANGUP", "HUP", 1},
    [SCARLET_EVENT_CHILD] = {"CHILD", "CHLD", 17},
    [SCARLET_EVENT_PIPE] = {"PIPE", "PIPE", 13},
    [SCARLET_EVENT_ALARM] = {"ALARM", "ALRM", 14},
    [SCARLET_EVENT_IO] = {"IO", "POLL", 29},
    [SCARLET_EVENT_TTY_STOP] = {"TTY_STOP", "TSTP", 20},
    [SCARLET_EVENT_TTY_INPUT] = {"TTY_INPUT", "TTIN", 21},
    [SCARLET_EVENT_TTY_OUTPUT] = {"TTY_OUTPUT", "TTOU", 22},
    [SCARLET_EVENT_WINDOW] = {"WINDOW", "WINCH", 28},
    [SCARLET_EVENT_FAULT] = {"FAULT", "SEGV", 11},
};

int event_by_name(const char *s)
{
    i64 n;
    if (strncmp(s, "SIG", 3) == 0)
        s += 3;
    bool number = parse_number(s, &n);
    for (u32 i = 0; i < ARRAY_LEN(kinds); i++)
        if (number ? n == kinds[i].number
                   : strcmp(s, kinds[i].name) == 0 || strcmp(s, kinds[i].posix) == 0)
            return (int)i;
    return -1;
}

const char *event_name(u32 kind)
{
    return kind < ARRAY_LEN(kinds) ? kinds[kind].name : NULL;
}

int event_number(u32 kind)
{
    return kind < ARRAY_LEN(kinds) ? kinds[kind].number : 0;
}
