// wc [FILE...]: lines, words, bytes.
#include "ulib.h"

static char buf[512];

static void count(int fd, const char *name)
{
    unsigned long lines = 0, words = 0, bytes = 0;
    bool inside = false;
    int n;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        bytes += (unsigned long)n;
        for (int i = 0; i < n; i++) {
            bool blank = strchr(" \t\n\v\f\r", buf[i]) && buf[i];
            lines += buf[i] == '\n';
            words += !blank && !inside;
            inside = !blank;
        }
    }
    if (n < 0) {
        fprintf(2, "wc: cannot read %s\n", name);
        exit(1);
    }
    printf("%lu %lu %lu %s\n", lines, words, bytes, name);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        count(0, "");
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            fprintf(2, "wc: cannot open %s\n", argv[i]);
            return 1;
        }
        count(fd, argv[i]);
        close(fd);
    }
    return 0;
}
