// env [-i] [NAME=value...] [command]: the environment, or a command in a changed one.
#include <scarlet/scarlet.h>

int main(int argc, char **argv)
{
    static char *nothing[1];
    int i = 1;
    help_asked(argc, argv, "[-i] [NAME=value...] [command]");
    if (i < argc && strcmp(argv[i], "-i") == 0) {
        env = nothing;
        i++;
    }
    for (; i < argc; i++) {
        char *eq = strchr(argv[i], '=');
        if (!eq)
            break;
        *eq = 0;
        env_set(argv[i], eq + 1);
    }
    if (i == argc) {
        for (char **e = env; *e; e++)
            out("%s\n", *e);
        return 0;
    }
    char *path = find_program(argv[i]);
    long r = path ? scarlet_call_execve(path, argv + i, env, 0) : -SCARLET_NOT_FOUND;
    say("%s: %s", argv[i], status_text(r));
    return 127;
}
