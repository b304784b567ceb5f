// cat [FILE...]
#include "ulib.h"

static char buf[512];

static void copy(int fd, const char *name)
{
    int n;
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        if (write(1, buf, n) != n) {
            fprintf(2, "cat: write error\n");
            exit(1);
        }
    if (n < 0) {
        fprintf(2, "cat: cannot read %s\n", name);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        copy(0, "standard input");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            fprintf(2, "cat: cannot open %s\n", argv[i]);
            return 1;
        }
        copy(fd, argv[i]);
        close(fd);
    }
    return 0;
}
