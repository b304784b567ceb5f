// kbench's counterpart of the xv6 kind. What it times itself it prints, in nanoseconds:
//   xv6 call N | spawn N PROGRAM ARGUMENT
// and what kbench times: xv6 echo (bytes from 0 to 1, one by one), xv6 true.
#include "ulib.h"

static unsigned long now(void)
{
    unsigned long t;
    __asm__ volatile("rdtime %0" : "=r"(t)::"memory");
    return t * 100;
}

static int echo(void)
{
    char c;
    while (read(0, &c, 1) == 1 && write(1, &c, 1) == 1)
        ;
    return 0;
}

static int spawn(char **argv)
{
    int status = -1, pid = fork();
    if (pid == 0) {
        exec(argv[0], argv);
        exit(127);
    }
    return pid > 0 && wait(&status) == pid ? status : -1;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "true") == 0)
        return 0;
    if (argc > 1 && strcmp(argv[1], "echo") == 0)
        return echo();
    if (argc < 3)
        return 2;
    int n = atoi(argv[2]);
    unsigned long start = now();
    if (strcmp(argv[1], "call") == 0) {
        for (int i = 0; i < n; i++)
            getpid();
    } else if (strcmp(argv[1], "spawn") == 0 && argc > 3) {
        for (int i = 0; i < n; i++)
            if (spawn(argv + 3) != 0)
                return 1;
    } else {
        return 2;
    }
    printf("%lu\n", now() - start);
    return 0;
}
