// mkdir NAME...
#include "ulib.h"

int main(int argc, char **argv)
{
    int bad = 0;
    if (argc < 2) {
        fprintf(2, "usage: mkdir NAME...\n");
        return 1;
    }
    for (int i = 1; i < argc; i++)
        if (mkdir(argv[i]) < 0) {
            fprintf(2, "mkdir: cannot make %s\n", argv[i]);
            bad = 1;
        }
    return bad;
}
