// relay [PROGRAM ARGUMENTS]: tells what the process has, then becomes PROGRAM. One line:
//   ABI fd5=BYTE fd3=gone|open cwd=BYTE env=VALUE task=PGRP,SESSION,TTY,PID
// fd5: the next byte of descriptor 5, whose position goes on from program to program. fd3: a file
// that the one before opened so that exec closes it (xv6 cannot: it leaves none). cwd: the first
// byte of the file "here". env: of RELAY, "-" if there is none (xv6 programs see no environment).
// task: out of /proc/self/stat.
#include "any.h"

static const char *variable(char **env)
{
#ifdef ABI_XV6
    (void)env;
#else
    const char *name = "RELAY=";
    for (; *env; env++) {
        u64 i = 0;
        while (name[i] && (*env)[i] == name[i])
            i++;
        if (!name[i])
            return *env + i;
    }
#endif
    return "-";
}

static char *take(char **at)
{
    char *word = *at;
    while (**at && **at != ' ')
        ++*at;
    if (**at)
        *(*at)++ = 0;
    return word;
}

static void put_task(void)
{
    static char text[512];
    char *at = text, *word[7];
    long fd = open_file("/proc/self/stat", false), n = read_file(fd, text, sizeof(text) - 1);
    (void)call(NR_CLOSE, (u64)fd, 0, 0, 0);
    text[n < 0 ? 0 : n] = 0;
    for (int i = 0; i < 7; i++)
        word[i] = take(&at);
    put(word[4]);
    put(",");
    put(word[5]);
    put(",");
    put(word[6]);
    put(",");
    put(word[0]);
}

static void run(u64 argc, char **argv)
{
    char **env = argv + argc + 1, c[2] = "?";
    put(ABI_WORD " fd5=");
    put(read_file(5, c, 1) == 1 ? c : "none");
    put(read_file(3, c, 1) == 1 ? " fd3=open cwd=" : " fd3=gone cwd=");
    long here = open_file("here", false);
    put(read_file(here, c, 1) == 1 ? c : "none");
    (void)call(NR_CLOSE, (u64)here, 0, 0, 0);
    put(" env=");
    put(variable(env));
    put(" task=");
    put_task();
    put("\n");
    if (argc < 2)
        leave(0);
#ifndef ABI_XV6
    if (open_file("here", true) != 3)
        put("the file to be closed is not 3\n");
#endif
    (void)call(NR_EXEC, (u64)argv[1], (u64)(argv + 1), (u64)env, 0);
    put("failed\n");
    leave(3);
}
