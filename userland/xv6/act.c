// act WORD...: does what a test of another system's needs to see. Words are done in order.
//   exit N | read ADDR | write ADDR | spin | sleep TICKS | fork N (so many children that wait for
//   us) | zombies N (so many that are not waited for) | files FILE (open until it fails) say TEXT |
//   memory (pages that can be had) | orphan TICKS
#include "ulib.h"

static uint64_t number(const char *s)
{
    uint64_t n = 0;
    if (s[0] == '0' && s[1] == 'x')
        for (s += 2; *s; s++)
            n = n * 16 + (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
    else
        n = (uint64_t)atoi(s);
    return n;
}

static void fork_until(int most)
{
    int p[2], n = 0, pid = 0;
    char c;
    pipe(p);
    while (n < most && (pid = fork()) > 0)
        n++;
    if (pid == 0 && n < most) {
        close(p[1]);
        exit(read(p[0], &c, 1));
    }
    printf("forked %d\n", n);
    close(p[1]);
    while (wait(NULL) > 0)
        ;
}

static void leave_zombies(int most)
{
    int n = 0;
    for (int failed = 0; n < most && failed < 10;) {
        int pid = fork();
        if (pid == 0)
            exit(0);
        if (pid > 0) {
            n++;
        } else {
            failed++;
            sleep(1); // children may be on their way
        }
    }
    printf("left %d\n", n);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *what = argv[i], *arg = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(what, "exit") == 0) {
            exit(arg[0] == '-' ? -atoi(arg + 1) : atoi(arg));
        } else if (strcmp(what, "read") == 0) {
            (void)*(volatile char *)(uintptr_t)number(arg);
            i++;
        } else if (strcmp(what, "write") == 0) {
            *(volatile char *)(uintptr_t)number(arg) = 1;
            i++;
        } else if (strcmp(what, "spin") == 0) {
            for (volatile int n = 0;; n++)
                ;
        } else if (strcmp(what, "sleep") == 0) {
            printf("slept %d\n", sleep(atoi(arg)));
            i++;
        } else if (strcmp(what, "fork") == 0) {
            fork_until(atoi(arg));
            i++;
        } else if (strcmp(what, "zombies") == 0) {
            leave_zombies(atoi(arg));
            i++;
        } else if (strcmp(what, "files") == 0) {
            int n = 0;
            while (open(arg, O_RDONLY) >= 0)
                n++;
            printf("opened %d\n", n);
            i++;
        } else if (strcmp(what, "memory") == 0) {
            int n = 0;
            while (sbrk(PAGE) != (char *)-1)
                n++;
            printf("pages %d\n", n);
        } else if (strcmp(what, "orphan") == 0) {
            if (fork() == 0) {
                sleep(atoi(arg));
                exit(0);
            }
            i++;
        } else if (strcmp(what, "say") == 0) {
            printf("%s\n", arg);
            i++;
        } else {
            fprintf(2, "act: what is %s?\n", what);
            return 2;
        }
    }
    return 0;
}
