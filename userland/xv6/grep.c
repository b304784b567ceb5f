// grep PATTERN [FILE...]: lines that match; ^ . * $ are special. Status 0 if there was one.
#include "ulib.h"

static bool match_here(const char *re, const char *s);

static bool one(char c, char s)
{
    return s && (c == '.' || c == s);
}

static bool match_star(char c, const char *re, const char *s)
{
    do
        if (match_here(re, s))
            return true;
    while (one(c, *s++));
    return false;
}

static bool match_here(const char *re, const char *s)
{
    if (!re[0])
        return true;
    if (re[1] == '*')
        return match_star(re[0], re + 2, s);
    if (re[0] == '$' && !re[1])
        return !*s;
    return one(re[0], *s) && match_here(re + 1, s + 1);
}

static bool match(const char *re, const char *s)
{
    if (*re == '^')
        return match_here(re + 1, s);
    do
        if (match_here(re, s))
            return true;
    while (*s++);
    return false;
}

// Lines of fd. They may be of any length that memory holds.
static bool search(const char *re, int fd)
{
    size_t cap = 1024, n = 0;
    char *buf = malloc(cap);
    bool any = false;
    int got;
    while (buf && (got = read(fd, buf + n, (int)(cap - n - 2))) >= 0) {
        if (!got && n)
            buf[n++] = '\n'; // a last line without an end
        n += (size_t)got;
        buf[n] = 0;
        char *line = buf, *end;
        while ((end = strchr(line, '\n'))) {
            *end = 0;
            if (match(re, line)) {
                *end = '\n';
                write(1, line, (int)(end - line + 1));
                any = true;
            }
            line = end + 1;
        }
        n -= (size_t)(line - buf);
        memmove(buf, line, n);
        if (!got)
            break;
        if (cap - n < 512) {
            char *more = malloc(cap * 2);
            if (more)
                memcpy(more, buf, n);
            free(buf);
            buf = more;
            cap *= 2;
        }
    }
    free(buf);
    return any;
}

int main(int argc, char **argv)
{
    bool any = false;
    if (argc < 2) {
        fprintf(2, "usage: grep PATTERN [FILE...]\n");
        return 2;
    }
    if (argc == 2)
        any = search(argv[1], 0);
    for (int i = 2; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        if (fd < 0) {
            fprintf(2, "grep: cannot open %s\n", argv[i]);
            return 2;
        }
        any |= search(argv[1], fd);
        close(fd);
    }
    return !any;
}
