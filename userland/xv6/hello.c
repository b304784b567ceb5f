// Says hello; without arguments, to everybody.
#include "ulib.h"

int main(int argc, char **argv)
{
    printf("hello, %s (pid %s)\n", argc > 1 ? argv[1] : "world", getpid() > 0 ? "ok" : "bad");
    return 0;
}
