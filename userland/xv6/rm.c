// rm NAME...
#include "ulib.h"

int main(int argc, char **argv)
{
    int bad = 0;
    if (argc < 2) {
        fprintf(2, "usage: rm NAME...\n");
        return 1;
    }
    for (int i = 1; i < argc; i++)
        if (unlink(argv[i]) < 0) {
            fprintf(2, "rm: cannot remove %s\n", argv[i]);
            bad = 1;
        }
    return bad;
}
