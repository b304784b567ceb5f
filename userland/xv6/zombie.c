// Ends before its child does, so that somebody else has to reap it.
#include "ulib.h"

int main(void)
{
    if (fork() > 0)
        sleep(2); // the child ends meanwhile and is a zombie until we are gone
    return 0;
}
