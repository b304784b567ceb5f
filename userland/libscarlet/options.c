// Command line options.
#include "private.h"

void help_asked(int argc, char **argv, const char *usage)
{
    if (argc < 2 || strcmp(argv[1], "--help") != 0)
        return;
    out("usage: %s%s%s\n", program_name, *usage ? " " : "", usage);
    leave(0);
}

void no_words(int argc, char **argv)
{
    help_asked(argc, argv, "");
    if (argc < 2)
        return;
    say("takes no words");
    leave(2);
}

static int bad_usage(const char *usage)
{
    say("usage: %s %s", program_name, usage);
    leave(2);
}

int next_option(struct options *o, int argc, char **argv, const char *letters, const char *usage)
{
    help_asked(argc, argv, usage);
    if (!o->at || !*o->at) {
        if (o->i >= argc || argv[o->i][0] != '-' || !argv[o->i][1])
            return 0;
        o->at = argv[o->i++] + 1;
        if (strcmp(o->at, "-") == 0)
            return 0;
    }
    char c = *o->at++;
    const char *known = c == ':' ? NULL : strchr(letters, c);
    if (!known)
        return bad_usage(usage);
    if (known[1] == ':') {
        if (*o->at)
            o->arg = o->at;
        else if (o->i < argc)
            o->arg = argv[o->i++];
        else
            return bad_usage(usage);
        o->at = NULL;
    }
    return c;
}

i64 number_argument(const char *s)
{
    i64 n;
    if (!parse_number(s, &n))
        die("not a number: %s", s);
    return n;
}
