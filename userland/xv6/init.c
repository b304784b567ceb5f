// The first program of an xv6 world: a console, a shell on it, and the orphans.
#include "ulib.h"

int main(void)
{
    static char *argv[] = {"sh", NULL};
    if (open("console", O_RDWR) < 0) {
        mknod("console", 1, 0);
        open("console", O_RDWR);
    }
    dup(0);
    dup(0);
    for (;;) {
        printf("init: starting sh\n");
        int shell = fork(), pid, status;
        if (shell < 0) {
            printf("init: cannot fork\n");
            return 1;
        }
        if (shell == 0) {
            exec("sh", argv);
            printf("init: cannot run sh\n");
            exit(1);
        }
        while ((pid = wait(&status)) >= 0 && pid != shell)
            ; // somebody's orphan
        if (pid < 0) {
            printf("init: wait failed\n");
            return 1;
        }
    }
}
